// Lines that are being typed, as the mock keeps them: one of a console that went quiet, and one of a console of the reader's own.
import { iso } from "./data.mjs";

const drafts = new Map();
const taken = new Map();
const seconds = (count) => iso(Date.now() + count * 1000);
const me = { author: "user:u-1", author_name: "Nadia Benali" };
const quiet = { console: "quiet", author: "user:u-2", author_name: "Olga", line: "bf12 at comoro, two cars", revision: 9, kept: seconds(-40) };
drafts.set("quiet", quiet);

/** The answer to a request about drafts, and its status. */
export function draftsOf(method, id, act, body) {
  if (method === "GET") return [{ now: seconds(0), drafts: [...drafts.values()] }, 200];
  if (act === "take") {
    const other = drafts.get(id);
    if (!other) return [{ code: "not-found", status: 404, title: "No such thing", detail: "there is no draft of this console", id: "req-dft" }, 404];
    drafts.delete(id);
    taken.set(id, { taken_by: me.author, taken_by_name: "Olga", taken_at: seconds(0) });
    const mine = { ...me, console: body.console, line: other.line, revision: body.revision + 1, kept: seconds(0) };
    drafts.set(body.console, mine);
    return [mine, 200];
  }
  if (taken.has(id)) return [{ code: "draft-taken", status: 409, title: "Somebody took the line", detail: "the line was taken over", parameters: taken.get(id), id: "req-dft" }, 409];
  if (body.line === "") drafts.delete(id);
  else drafts.set(id, { ...me, console: id, line: body.line, revision: body.revision, kept: seconds(0) });
  return [undefined, 204];
}

/** An entry takes its draft along. */
export const entered = (draft) => draft && drafts.delete(draft.console);
