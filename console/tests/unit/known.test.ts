import { describe, expect, it } from "vitest";
import { KnownAnswers } from "$lib/api/known";

const url = "https://house.example/api/v1/field/missions";
const whole = (body: string, tag = '"a"') => new Response(body, { headers: { etag: tag, "content-type": "application/json" } });
const same = (tag = '"a"') => new Response(null, { status: 304, headers: { etag: tag, "x-house-time": "2026-11-30T10:00:07Z" } });

describe("what is known is not sent again", () => {
  it("asks with the tag, and answers with what is known at the time of now", async () => {
    const known = new KnownAnswers();
    const first = new Request(url);
    known.ask(first, "ana");
    expect(first.headers.get("if-none-match")).toBeNull();
    await known.remember(first, whole('{"now":"2026-11-30T10:00:00Z","missions":[]}'));
    const second = new Request(url);
    known.ask(second, "ana");
    expect(second.headers.get("if-none-match")).toBe('"a"');
    expect(await known.again(second, same())?.json()).toEqual({ now: "2026-11-30T10:00:07Z", missions: [] });
    expect(known.again(second, same('"b"'))).toBeUndefined();
  });

  it("knows nothing of whoever was here before, nor of other rooms", async () => {
    const known = new KnownAnswers();
    known.ask(new Request(url), "ana");
    await known.remember(new Request(url), whole("{}"));
    const next = new Request(url);
    known.ask(next, "beto");
    expect(next.headers.get("if-none-match")).toBeNull();
    const other = "https://house.example/api/v1/identity/people";
    await known.remember(new Request(other), whole("{}"));
    const again = new Request(other);
    known.ask(again, "beto");
    expect(again.headers.get("if-none-match")).toBeNull();
  });

  it("forgets the oldest", async () => {
    const known = new KnownAnswers();
    for (let page = 0; page <= 40; page += 1) await known.remember(new Request(`${url}?page=${String(page)}`), whole("{}"));
    const [first, last] = [new Request(`${url}?page=0`), new Request(`${url}?page=40`)];
    known.ask(first, null);
    known.ask(last, null);
    expect([first.headers.get("if-none-match"), last.headers.get("if-none-match")]).toEqual([null, '"a"']);
  });
});
