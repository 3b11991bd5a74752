// Mistakes of the test by cell: what was taken for what, and the photographs behind each number.
import { $, make, show } from "./dom.js";
import { _, named, ngettext, number, percent } from "./words.js";

const MOST_IN_TABLE = 12; // classes that a phone shows side by side, scrolled
const MOST_CELLS = 30;

export function offerMistakes(result) {
  const { confusion_matrix: matrix, mistakes } = result.test;
  const cells = matrix.flatMap((row, actual) => row.map((count, predicted) => ({ actual, predicted, count }))).filter((each) => each.count && each.actual !== each.predicted);
  show($("mistakes"), cells.length > 0);
  if (!cells.length) return;
  const names = result.classes;
  const press = (cell, button) => {
    for (const other of $("mistakes-cells").querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
    showCell(names[cell.actual], names[cell.predicted], cell.count, mistakes.filter((each) => each.actual === names[cell.actual] && each.predicted === names[cell.predicted]));
  };
  const isTable = names.length <= MOST_IN_TABLE;
  $("mistakes-cells").replaceChildren(isTable ? tableOf(names, matrix, press) : listOf(names, cells, press));
}

function buttonOf(cell, text, label, press) {
  const button = make("button", { type: "button", className: "cell", textContent: text, "aria-pressed": "false", "aria-label": label });
  button.addEventListener("click", () => press(cell, button));
  return button;
}

const told = (names, { actual, predicted, count }) => _("{actual} taken for {predicted}: {count}", { actual: named(names[actual]), predicted: named(names[predicted]), count: number(count) });

function tableOf(names, matrix, press) {
  const head = make("tr", {}, make("td", { className: "quiet", textContent: _("is ↓, taken for →") }), ...names.map((name) => make("th", { scope: "col", textContent: name, dir: "auto" })));
  const rows = matrix.map((row, actual) => make("tr", {}, make("th", { scope: "row", textContent: names[actual], dir: "auto" }), ...row.map((count, predicted) => {
    if (!count || actual === predicted) return make("td", { className: actual === predicted ? "number right" : "number quiet", textContent: number(count) });
    return make("td", { className: "number" }, buttonOf({ actual, predicted, count }, number(count), told(names, { actual, predicted, count }), press));
  })));
  return make("div", { className: "wide", tabIndex: 0, role: "group", "aria-label": _("Table of mistakes") }, make("table", { className: "data" }, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function listOf(names, cells, press) {
  const most = [...cells].sort((one, other) => other.count - one.count).slice(0, MOST_CELLS);
  return make("ul", { className: "plain-list" }, ...most.map((cell) => make("li", {}, buttonOf(cell, told(names, cell), told(names, cell), press))));
}

function showCell(actual, predicted, count, shown) {
  const pictures = shown.map(({ path, confidence, thumbnail_jpeg_base64: picture }) => make("figure", {},
    picture ? make("img", { src: `data:image/jpeg;base64,${picture}`, alt: "" }) : make("span", { className: "quiet", textContent: _("no preview") }),
    make("figcaption", { dir: "auto" }, path, make("span", { className: "quiet", textContent: ` ${percent(confidence)}` }))));
  const head = make("h3", { textContent: _("{actual} taken for {predicted}", { actual: named(actual), predicted: named(predicted) }) });
  const missing = count - shown.length;
  const rest = missing > 0 ? make("p", { className: "quiet", textContent: ngettext("One more has no picture here; predictions.csv in the zip names it.", "{count} more have no picture here; predictions.csv in the zip names them.", missing) }) : "";
  $("mistakes-shown").replaceChildren(head, make("div", { className: "gallery" }, ...pictures), rest);
}
