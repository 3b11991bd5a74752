// The networks tried, one dot each, and the line of the best so far: it grows with the job.
import { _, percent } from "./words.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 210, 46, 26];
const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, text = "") {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return node;
}

export function chartOf(trials) {
  const tried = trials.filter((trial) => trial.val_accuracy !== null);
  if (tried.length < 2) return null;
  const lowest = Math.min(...tried.map((trial) => trial.val_accuracy));
  const floor = Math.max(0, Math.floor(lowest * 10 - 0.5) / 10);
  const x = (at) => LEFT + 14 + ((WIDTH - LEFT - 28) * at) / Math.max(1, tried.length - 1);
  const y = (value) => 10 + ((HEIGHT - BOTTOM - 16) * (1 - value)) / (1 - floor || 1);
  const best = tried.map((_each, at) => Math.max(...tried.slice(0, at + 1).map((trial) => trial.val_accuracy)));
  const label = _("{count} networks tried; the best so far is right about {share} of the photographs it was not fitted to.", { count: tried.length, share: percent(best.at(-1)) });
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": label });
  for (let step = 0; step <= 2; step += 1) {
    const value = floor + ((1 - floor) * step) / 2;
    svg.append(draw("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }));
    svg.append(draw("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, percent(value)));
  }
  svg.append(draw("text", { x: LEFT, y: HEIGHT - 6 }, _("networks, in the order in which they were tried")));
  const points = best.flatMap((value, at) => (at ? [`H${x(at)}`, `V${y(value)}`] : [`M${x(0)} ${y(value)}`]));
  svg.append(draw("path", { class: "line", d: points.join("") }));
  tried.forEach((trial, at) => {
    const dot = draw("circle", { class: trial.val_accuracy === best[at] ? "dot" : "tried", cx: x(at), cy: y(trial.val_accuracy), r: 4.5 });
    dot.append(draw("title", {}, `${trial.name.replace(/.*\//, "")}: ${percent(trial.val_accuracy)}`));
    svg.append(dot);
  });
  return svg;
}
