// A real server of a test's own, from the binary that `VIGIE_BINARY` names: for what one shared server cannot show.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Target } from "./browser";

export const binary = process.env["VIGIE_BINARY"] ?? "";

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const door = createServer();
  await new Promise<void>((done) => door.listen(0, "127.0.0.1", done));
  const { port } = door.address() as { port: number };
  await new Promise((done) => door.close(done));
  return port;
}

/** Starts it over a folder of its own, makes its first administrator, and says how to stop it. */
export async function startServer(settings: Record<string, string> = {}): Promise<Target> {
  const [folder, port] = [mkdtempSync(join(tmpdir(), "vigie-browser-")), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const env = { ...process.env, VIGIE_DATA_DIR: folder, VIGIE_SERVER_LISTEN: `127.0.0.1:${port}`, ...settings };
  const child = spawn(binary, ["serve"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const token = await new Promise<string>((found, failed) => {
    let said = "";
    child.stdout.on("data", (piece: Buffer) => {
      said += piece.toString();
      const link = /vgs_[\w-]+/.exec(said)?.[0];
      if (link) found(link);
    });
    void ended.then(() => failed(new Error(`the server stopped before it printed its one-time link: ${said}`)));
  });
  const credentials = { user: "first.officer", password: "watch over the harbour" };
  const body = JSON.stringify({ token, name: credentials.user, display_name: "First officer", password: credentials.password });
  // The link is printed when the server listens.
  const answer = await fetch(`${url}/api/v1/setup`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  if (!answer.ok) throw new Error(`setup: ${answer.status} ${await answer.text()}`);
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, ...credentials, setupUrl: null, mock: false, raise: null, stop };
}
