// The Access desk of the mock.
export function access() {
  return [{ code: "not-found", status: 404, title: "No such thing", detail: "not yet", id: "req" }, 404];
}
