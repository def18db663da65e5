// One clock for the whole screen: it ticks once a second and only while the page is seen.
class Clock {
  now = $state.raw(new Date());

  start(): void {
    const tick = () => {
      if (!document.hidden) this.now = new Date();
    };
    setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
  }
}

export const clock = new Clock();
