// The tone of an open alarm in this tab. The server sounds by itself; this is for whoever sits before the console. A browser
// may refuse sound until somebody has pressed something: then the desk says so, and a press makes it heard.

const storageKey = "vigie.field.sound";
const again_ms = 8_000;
/** Two tones, a fifth apart, that are heard through a generator's hum: Hz and seconds. */
const tones = [
  [660, 0.18],
  [990, 0.28],
] as const;

class Sound {
  on = $state(stored());
  /** The browser refuses sound until somebody presses something on the page. */
  blocked = $state(false);
  /** How many tones were played since the page was opened: what a test can see of a sound. */
  played = $state(0);
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #ringing = false;
  readonly #pressed = () => this.blocked && this.#ringing && this.on && void this.tone();

  use(on: boolean): void {
    this.on = on;
    try {
      localStorage.setItem(storageKey, on ? "on" : "off");
    } catch {
      // Storage refused: the choice lasts as long as the page.
    }
    this.ring(this.#ringing);
  }

  /** Rings until it is told that nothing is open any more. */
  ring(open: boolean): void {
    const begins = open && this.on && (!this.#ringing || this.#timer === undefined);
    this.#ringing = open;
    if (!open || !this.on) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (begins) {
      void this.tone();
      this.#timer = setInterval(() => void this.tone(), again_ms);
    }
  }

  /** One tone now; also what "test the sound" plays. */
  async tone(): Promise<void> {
    const context = (this.#context ??= new AudioContext());
    // Resuming waits for ever where the browser refuses; a moment is enough to know.
    await Promise.race([context.resume().catch(() => {}), new Promise((done) => setTimeout(done, 200))]);
    this.blocked = context.state !== "running";
    if (this.blocked) {
      // The next press is leave to sound, whatever it was meant for.
      for (const press of ["pointerdown", "keydown"]) addEventListener(press, this.#pressed, { once: true });
      return;
    }
    let from = context.currentTime;
    for (const [pitch, length] of tones) {
      const [source, loudness] = [context.createOscillator(), context.createGain()];
      source.frequency.value = pitch;
      loudness.gain.setValueAtTime(0.25, from);
      loudness.gain.exponentialRampToValueAtTime(0.001, from + length);
      source.connect(loudness).connect(context.destination);
      source.start(from);
      source.stop((from += length));
    }
    this.played += 1;
  }
}

function stored(): boolean {
  try {
    return localStorage.getItem(storageKey) !== "off";
  } catch {
    return true;
  }
}

export const sound = new Sound();
