// Cuts a stream of bytes into lines of text. A character that is split between two pieces stays whole.
export class LineSplitter {
  #decoder = new TextDecoder();
  #rest = "";

  push(piece: Uint8Array): string[] {
    return this.#cut(this.#decoder.decode(piece, { stream: true }));
  }

  /** What remains when the stream has ended. */
  end(): string[] {
    const lines = this.#cut(this.#decoder.decode());
    const last = this.#rest;
    this.#rest = "";
    return last.trim() === "" ? lines : [...lines, last];
  }

  #cut(text: string): string[] {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop() ?? "";
    return parts.filter((line) => line.trim() !== "");
  }
}
