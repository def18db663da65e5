// The live stream: facts as they happen. Lists decide themselves when to show them.
import type { Alert, FieldNews, Incident, Pulse } from "./types";

interface Facts {
  alert: Alert;
  incident: Incident;
  field: FieldNews;
  lagged: { missed: number };
}
type Listener<K extends keyof Facts> = (fact: Facts[K]) => void;

class Live {
  state = $state<"open" | "waiting" | "closed">("waiting");
  pulse = $state.raw<Pulse | null>(null);
  /** Arrived since the page of theirs was last seen. */
  unseenAlerts = $state(0);
  unseenIncidents = $state(0);
  #listeners: { [K in keyof Facts]: Set<Listener<K>> } = { alert: new Set(), incident: new Set(), field: new Set(), lagged: new Set() };
  #known = new Set<string>();

  /** Opens the stream; the browser reopens it by itself when the line drops. Returns how to close it. */
  connect(): () => void {
    const stream = new EventSource("/api/v1/live");
    stream.onopen = () => (this.state = "open");
    stream.onerror = () => (this.state = stream.readyState === EventSource.CLOSED ? "closed" : "waiting");
    stream.addEventListener("pulse", (event) => (this.pulse = factOf<Pulse>(event)));
    stream.addEventListener("alert", (event) => this.#alert(factOf(event)));
    stream.addEventListener("incident", (event) => this.#incident(factOf(event)));
    stream.addEventListener("field", (event) => this.#tell("field", factOf(event)));
    stream.addEventListener("lagged", (event) => this.#tell("lagged", factOf(event)));
    return () => {
      stream.close();
      this.state = "waiting";
    };
  }

  on<K extends keyof Facts>(kind: K, listener: Listener<K>): () => void {
    this.#listeners[kind].add(listener);
    return () => this.#listeners[kind].delete(listener);
  }

  #alert(alert: Alert): void {
    this.unseenAlerts += 1;
    this.#tell("alert", alert);
  }

  #incident(incident: Incident): void {
    // Only a new one counts: the stream also tells each change of an old one.
    if (incident.version <= 1 && !this.#known.has(incident.id)) this.unseenIncidents += 1;
    this.#known.add(incident.id);
    this.#tell("incident", incident);
  }

  #tell<K extends keyof Facts>(kind: K, fact: Facts[K]): void {
    for (const listener of this.#listeners[kind]) listener(fact);
  }
}

/** The fact in an event, whether or not it is wrapped in its own name. */
function factOf<T>(event: MessageEvent<string>): T {
  const value = JSON.parse(event.data) as T | { event: string; data: T };
  return typeof value === "object" && value !== null && "event" in value && "data" in value ? value.data : (value as T);
}

export const live = new Live();
