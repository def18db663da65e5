// What a screen reader is told about changes that sighted people see happen.
class Announcer {
  text = $state("");
}

export const announcer = new Announcer();

export function announce(text: string): void {
  announcer.text = "";
  // A fresh assignment in the next task, so that the same words are spoken twice when they happen twice.
  setTimeout(() => (announcer.text = text), 30);
}
