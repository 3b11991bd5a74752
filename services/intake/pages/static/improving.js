// Photographs that may lie in the wrong folder, one after the other: right, move, or throw out.
import { corrections, keepCorrections } from "./corrections.js";
import { $, OFFLINE, make, show, tell } from "./dom.js";
import { rememberKin } from "./kin.js";
import { _, moment, named, ngettext, percent } from "./words.js";

let state = null;

// Show the suspects of a job; how long its photographs are kept says whether it can be trained again as they are.
export function offerImprovement(job, result, api, status) {
  const listed = (result.suspects?.listed ?? []).slice(0, 200);
  show($("improve"), listed.length > 0);
  if (!listed.length || state) return;
  const isKept = Boolean(status.links.retrain);
  state = { job, listed, at: 0, classes: result.classes, api, isKept, ...corrections(job), seen: new Set() };
  state.job = job;
  $("suspect-other").replaceChildren(...result.classes.map((name) => make("option", { value: name, textContent: name })));
  $("suspect-right").addEventListener("click", () => decide(undefined));
  $("suspect-move").addEventListener("click", () => decide(current().looks_like));
  $("suspect-elsewhere").addEventListener("click", () => decide($("suspect-other").value));
  $("suspect-out").addEventListener("click", () => decide(null));
  $("suspect-back").addEventListener("click", () => step(-1));
  $("suspects").addEventListener("keydown", press);
  $("corrections-save").addEventListener("click", save);
  $("corrections-again").addEventListener("click", () => void retrain());
  $("corrections-kept").textContent = isKept
    ? _("Your photographs are kept until {moment}; until then nothing has to be sent again.", { moment: moment(status.archive_kept_until) })
    : _("Your photographs are deleted already, so they have to be chosen again; the corrections are applied to them then.");
  present();
}

const current = () => state.listed[state.at];

// Keys work only while something of this part has the focus, so that they are nobody's accident.
function press(event) {
  if (event.target.tagName === "SELECT" || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { 1: () => decide(undefined), 2: () => decide(current().looks_like), 3: () => decide(null), ArrowLeft: () => step(-1), ArrowRight: () => step(1) }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function decide(target) {
  const { path, filed_as: filed } = current();
  if (target === undefined || target === filed) state.moves.delete(path);
  else state.moves.set(path, target);
  keepCorrections(state);
  state.seen.add(path);
  step(1);
}

function step(by) {
  state.at = Math.min(state.listed.length - 1, Math.max(0, state.at + by));
  present();
}

function present() {
  const { path, filed_as: filed, looks_like: looks, probability, thumbnail_jpeg_base64: picture } = current();
  $("suspect-picture").replaceChildren(picture ? make("img", { src: `data:image/jpeg;base64,${picture}`, alt: "" }) : make("span", { className: "quiet", textContent: _("no preview") }));
  $("suspect-text").textContent = _("{number} of {total}: it lies in {filed} and looks like {looks} ({share}).", { number: state.at + 1, total: state.listed.length, filed: named(filed), looks: named(looks), share: percent(probability) });
  $("suspect-path").replaceChildren(make("bdi", { textContent: path }));
  $("suspect-right").textContent = _("1: {name} is right", { name: named(filed) });
  $("suspect-move").textContent = _("2: move to {name}", { name: named(looks) });
  $("suspect-other").value = looks;
  const decided = state.moves.get(path);
  $("suspect-decided").textContent = decided === undefined ? (state.seen.has(path) ? _("Stays where it is.") : "") : decided === null ? _("Thrown out.") : _("Moved to {name}.", { name: named(decided) });
  $("corrections-count").textContent = state.moves.size ? ngettext("one correction so far", "{count} corrections so far", state.moves.size) : "";
  show($("corrections-save"), state.moves.size > 0);
  show($("corrections-again"), state.moves.size > 0 && state.isKept && state.trainedWith !== wishOf(state.moves));
  show($("corrections-choose"), state.moves.size > 0 && !state.isKept);
}

// One key for each wish: a click that is repeated because its answer was lost makes no second job, while one that is
// made after an answer came, with the same list or another, is a wish of its own.
async function retrain() {
  const told = wishOf(state.moves);
  if (state.told !== told) Object.assign(state, { told, key: randomKey() });
  $("corrections-again").disabled = true;
  try {
    const made = await state.api.retrain(state.moves, state.key);
    Object.assign(state, { told: null, trainedWith: told });
    present();
    const address = rememberKin(state.job, state.api.token, made);
    const link = make("a", { href: address, textContent: _("Follow the new training") });
    $("corrections-made").replaceChildren(_("It trains again, and this job stays as it is."), " ", link);
    link.focus();
  } catch (error) {
    tell($("problem"), error.fault ?? OFFLINE());
    if (error.fault?.code === "archive_expired") { state.isKept = false; present(); }
    $("problem").scrollIntoView({ block: "center" });
  } finally {
    $("corrections-again").disabled = false;
  }
}

const wishOf = (moves) => JSON.stringify([...moves].sort());

function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function save() {
  const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const filed = new Map(state.listed.map((each) => [each.path, each.filed_as]));
  const rows = [...state.moves].map(([path, target]) => [path, filed.get(path) ?? "", target ?? ""].map(quoted).join(","));
  const url = URL.createObjectURL(new Blob([["path,filed_as,move_to", ...rows].join("\r\n"), "\r\n"], { type: "text/csv" }));
  make("a", { href: url, download: "corrections.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
