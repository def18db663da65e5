// uPlot, loaded when the first chart is drawn.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Lines } from "./series";

const hues = ["--accent", "--high", "--good", "--code-keyword", "--medium", "--critical", "--low", "--code-string", "--code-number", "--muted", "--code-function", "--warn"];

export interface Plot {
  resize(width: number, height: number): void;
  destroy(): void;
}

/** Draws lines over UTC time. `onselect` gets the range that was swept. */
export function drawLines(host: HTMLElement, data: Lines, size: { width: number; height: number }, onselect: (from_s: number, to_s: number) => void): Plot {
  const style = getComputedStyle(host);
  const colour = (name: string) => resolveColour(host, style.getPropertyValue(name));
  const [muted, line] = [colour("--muted"), colour("--line")];
  const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "11px system-ui" };
  const plot = new uPlot(
    {
      ...size,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { drag: { x: true, y: false, setScale: false } },
      axes: [{ ...axis, values: (_, splits) => stampsOf(splits) }, { ...axis, size: 56 }],
      series: [
        { label: "UTC", value: (_, seconds) => (seconds === null ? "–" : new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")) },
        ...data.lines.map(({ name }, at) => ({
          label: name,
          value: (_: uPlot, value: number | null) => (value === null ? "–" : String(value)),
          stroke: colour(hues[at % hues.length] ?? "--accent"),
          width: 1.75,
          // Colour never stands alone: each further line has a dash of its own.
          dash: at === 0 ? [] : [4 + 2 * at, 3],
          points: { show: data.times.length < 60, size: 4 },
          spanGaps: true,
        })),
      ],
      hooks: {
        setSelect: [
          (self) => {
            if (self.select.width < 4) return;
            onselect(self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x"));
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    },
    [data.times, ...data.lines.map(({ values }) => values)],
    host,
  );
  return { resize: (width, height) => plot.setSize({ width, height }), destroy: () => plot.destroy() };
}

/** The clock of each mark, and the day where it begins or changes. 24 hours, as everywhere else. */
function stampsOf(splits: number[]): string[] {
  let day = "";
  return splits.map((seconds) => {
    const iso = new Date(seconds * 1000).toISOString();
    const changed = iso.slice(0, 10) !== day;
    day = iso.slice(0, 10);
    const clock = (splits[1] ?? 0) - (splits[0] ?? 0) < 60 ? iso.slice(11, 19) : iso.slice(11, 16);
    return changed ? `${clock}\n${day}` : clock;
  });
}

/** `light-dark(…)` as the colour that it is now: a canvas does not know the function. */
function resolveColour(host: HTMLElement, value: string): string {
  const probe = host.appendChild(document.createElement("span"));
  probe.style.color = value;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
