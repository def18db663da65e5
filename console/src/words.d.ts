// Parts of a message file: see `vite.config.ts`.
declare module "*.json?part=access" {
  const words: Record<string, unknown>;
  export default words;
}
