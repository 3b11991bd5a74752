// The start page: choose, look, send.
import { ClassList } from "./class_list.js";
import { corrected, corrections, forgetCorrections } from "./corrections.js";
import { Unusable, chosenFiles, dropped } from "./choosing.js";
import { $, OFFLINE, ROOT, SPOKEN, faultOf, make, pause, show, tell } from "./dom.js";
import { PIECE_BYTES, pieces, zipSize, zipStream } from "./packing.js";
import { savingOf } from "./reducing.js";
import { Refused, Upload } from "./sending.js";
import { blocker, entriesOf, namesOf, survey, together } from "./survey.js";
import { fingerprint, forget, remember, remembered } from "./unfinished.js";
import { _, listed, ngettext, number, percent, size, span } from "./words.js";

const maxBytes = Number(document.querySelector("script[data-max-bytes]").dataset.maxBytes);
const names = namesOf(await (await fetch(new URL("names.json", import.meta.url))).json());
const limits = names.limits;
const chosen = { zip: null, isOpen: true, leftOut: new Map(), parts: [], byClass: new Map(), found: new Map(), factor: 1 };
const list = new ClassList(limits, () => judge());
let upload = null; // of the upload under way: { control }

const WHY = {
  not_an_image: () => _("no photographs, by their ending"),
  nested_archive: () => _("archives inside, which are not opened: unpack them first"),
  outside_class_folder: () => _("in no folder, so nothing says what is on them"),
  file_too_big: () => _("too big to be read: scale them down"),
};
const BLOCKED = {
  archive_no_images: () => ({ message: _("There are no photographs in folders."), fix: _("Make a folder for each thing to be told apart, put its photographs in, and choose the folder around them.") }),
  archive_one_class: () => ({ message: _("There is only one class; telling apart takes at least two."), fix: _("Add a folder of other photographs beside it, or choose the folder around both.") }),
  archive_too_many_classes: () => ({ message: _("There are more than {count} classes.", { count: number(limits.max_classes) }), fix: _("Leave some out, or give those that are alike the same name.") }),
  class_name_unusable: () => ({ message: _("A class has no name that can be used."), fix: _("Give it a name of letters.") }),
  class_too_small: () => ({ message: _("Every class needs {count} photographs.", { count: limits.min_images }), fix: _("Leave the small ones out, or add photographs to their folders and choose again.") }),
};

$("most").textContent = _("At most {size}.", { size: size(maxBytes) });
show($("app"));
if (!("stream" in Blob.prototype)) {
  show($("old"));
  show($("app"), false);
}
showUnfinished();

// Choosing

function fail(error) {
  if (!(error instanceof Unusable)) console.warn(error);
  show($("looking"), false);
  tell($("choose-error"), error.fault ?? { message: _("This could not be read."), fix: _("If the files are on another device or in a cloud, copy them to this one first.") });
}

async function choose(reading) {
  show($("choose-error"), false);
  show($("looking"));
  $("looking").textContent = _("Looking …");
  try {
    const found = await reading((count) => { $("looking").textContent = ngettext("one file so far", "{count} files so far", count); });
    chosen.zip = found.zip;
    chosen.isOpen = found.isOpen ?? true;
    chosen.byClass = new Map();
    take(survey(found.items, names));
  } catch (error) {
    fail(error);
  }
}

function take(found) {
  Object.assign(chosen, { found: found.classes, leftOut: found.leftOut, parts: found.parts, factor: 1 });
  $("looking").textContent = "";
  if (!found.classes.size) {
    show($("look"), false);
    show($("send"), false);
    tell($("choose-error"), BLOCKED.archive_no_images());
    return;
  }
  applyCorrections(found);
  tellLeftOut();
  show($("look"));
  judge();
  $("look-title").focus();
  void guessSaving();
}

// Corrections go into what is sent, never into the files themselves.
function applyCorrections(found) {
  const { classes, count } = corrected(found.classes, found.root ?? "", chosen.isOpen ? corrections().moves : new Map());
  list.set(count ? classes : found.classes);
  show($("corrected"), count > 0);
  $("corrected-text").textContent = ngettext("One correction is applied", "{count} corrections are applied", count);
  if (!count) return;
  chosen.zip = null;
  $("uncorrected").onclick = () => { forgetCorrections(); list.set(found.classes); show($("corrected"), false); judge(); };
}

$("pick-folder").addEventListener("click", () => $("folder").click());
$("pick-zip").addEventListener("click", () => $("zip").click());
for (const id of ["folder", "zip"]) {
  $(id).addEventListener("change", () => {
    const files = [...$(id).files];
    $(id).value = "";
    if (files.length) void choose((onCount) => chosenFiles(files, onCount));
  });
}
const drop = $("drop");
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (!upload && event.dataTransfer.files.length) void choose((onCount) => dropped(event.dataTransfer, onCount));
});

$("class-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("class-name");
  name.toggleAttribute("aria-invalid", !name.value.trim());
  if (name.value.trim()) $("class-files").click();
  else name.focus();
});
$("class-files").addEventListener("change", () => {
  const name = $("class-name").value.trim();
  const old = chosen.byClass.get(name) ?? [];
  const added = [...$("class-files").files].map((file, at) => ({ path: `${name}/${old.length + at}-${file.name}`, size: file.size, open: async () => file }));
  $("class-files").value = "";
  $("class-name").value = "";
  chosen.byClass.set(name, [...old, ...added]);
  chosen.zip = null;
  show($("choose-error"), false);
  take(survey([...chosen.byClass.values()].flat(), names));
  $("class-name").focus();
});

// Looking

function judge() {
  const classes = list.classes;
  const items = [...classes.values()].flat();
  const bytes = items.reduce((sum, item) => sum + item.size, 0);
  const counts = { photographs: ngettext("one photograph", "{count} photographs", items.length), classes: ngettext("one class", "{count} classes", classes.size), size: size(bytes) };
  $("summary").textContent = _("{photographs} in {classes}, {size}.", counts);
  const blocked = blocker(classes, limits);
  const warnings = blocked ? [BLOCKED[blocked]()] : [];
  warnings.push(...warningsAbout(classes, items));
  const isTooBig = bytes * ($("reduce").checked ? chosen.factor : 1) > maxBytes;
  if (isTooBig) warnings.unshift({ message: _("This is more than the {size} that are taken.", { size: size(maxBytes) }), fix: _("Leave classes out, or have large photographs reduced below.") });
  $("warnings").replaceChildren(...warnings.map(({ message, fix, action }) => make("div", { className: "warning" }, make("strong", { textContent: message }), make("p", { textContent: fix }), ...(action ? [action] : []))));
  show($("merge-hint"), classes.size > 1);
  show($("send"), !blocked && !upload);
  $("go").disabled = isTooBig;
  $("go").textContent = _("Send {photographs}", counts);
  void tellEstimate(items.length);
  tellSaving(bytes);
}

function warningsAbout(classes, items) {
  const found = [];
  if (chosen.parts.length) {
    const action = make("button", { type: "button", className: "button second", textContent: _("Put them together") });
    action.addEventListener("click", () => {
      chosen.zip = null;
      take({ classes: together(list.classes), leftOut: chosen.leftOut, parts: [] });
    });
    found.push({ message: _("You have divided your photographs already: {names}", { names: listed(chosen.parts) }), fix: _("They are used so: what is there to test with is never learnt from. Put together, convtailor divides them itself."), action: make("p", {}, action) });
  }
  const sizes = [...classes].map(([name, each]) => [name, each.length]);
  const few = sizes.filter(([, count]) => count >= limits.min_images && count < 20).map(([name]) => name);
  if (few.length) found.push({ message: ngettext("Few photographs in one class", "Few photographs in {count} classes", few.length), fix: _("Fifty or more of each make a better network: {names}", { names: listed(few.slice(0, 6)) }) });
  const counts = sizes.map(([, count]) => count);
  if (counts.length > 1 && Math.max(...counts) > 10 * Math.min(...counts)) found.push({ message: _("The classes are very uneven"), fix: _("The largest has more than ten times as many photographs as the smallest; the network will favour it.") });
  const unseen = items.filter((item) => names.unseen.has(item.path.slice(item.path.lastIndexOf(".") + 1).toLowerCase())).length;
  if (unseen) found.push({ message: ngettext("One photograph is in a format that this browser may not show", "{count} photographs are in formats that this browser may not show", unseen), fix: _("HEIC and TIFF are read all the same.") });
  return found;
}

function tellLeftOut() {
  const nodes = [...chosen.leftOut].map(([reason, paths]) => make("li", {}, make("strong", { textContent: ngettext("one file", "{count} files", paths.length) }), ` · ${WHY[reason]()} `, make("span", { className: "quiet", textContent: `(${paths.slice(0, 3).join(", ")}${paths.length > 3 ? " …" : ""})` })));
  $("left-out").replaceChildren(...(nodes.length ? [make("h3", { textContent: _("Left out") }), make("ul", {}, ...nodes)] : []));
}

// What a training takes is known where like ones were trained lately; else only the most that it may take is told.
let asked = "";
async function tellEstimate(count) {
  const form = new FormData($("send"));
  const fields = new URLSearchParams({ num_images: count });
  for (const name of ["budget_minutes", "levels", "candidates"]) if (form.get(name)) fields.set(name, form.get(name));
  const wanted = String(fields);
  if (!count || wanted === asked) return;
  asked = wanted;
  const most = span(60 * (Number($("budget").value) || 60));
  await pause(300);
  if (wanted !== asked) return;
  const told = await fetch(`${ROOT}v1/estimate?${fields}`, { headers: { Accept: "application/json" } }).then((answer) => (answer.ok ? answer.json() : null), () => null);
  if (wanted !== asked) return;
  if (!told?.least) { $("estimate").textContent = _("Training will take {most} at most; it depends on the machine.", { most }); return; }
  const cost = told.most.cost === null ? "" : _("It costs about {least} to {most}.", { least: number(Number(told.least.cost.toPrecision(2))), most: number(Number(told.most.cost.toPrecision(2))) });
  const time = _("Training will take about {usual}: {least} to {longest}, as like ones did here lately, and {most} at most.", { usual: span(Math.sqrt(told.least.seconds * told.most.seconds)), least: span(told.least.seconds), longest: span(told.most.seconds), most });
  $("estimate").textContent = [time, cost].filter(Boolean).join(" ");
}

async function guessSaving() {
  const items = [...list.classes.values()].flat();
  const mine = chosen.found;
  const factor = await savingOf(items).catch(() => 1);
  if (mine !== chosen.found) return;
  chosen.factor = factor;
  judge();
}

function tellSaving(bytes) {
  const isWorthIt = chosen.factor < 0.97 && (!chosen.zip || chosen.isOpen);
  show($("reduce-field"), isWorthIt);
  $("saving").textContent = isWorthIt ? _("(about {after} instead of {before}; networks look at far fewer pixels)", { after: size(bytes * chosen.factor), before: size(bytes) }) : "";
}
$("reduce").addEventListener("change", judge);
for (const id of ["budget", "levels", "candidates"]) $(id).addEventListener("input", judge);

// Sending

$("send").addEventListener("submit", (event) => {
  event.preventDefault();
  const email = $("email");
  const isGood = email.value.trim() && email.checkValidity();
  email.setAttribute("aria-invalid", String(!isGood));
  $("email-error").textContent = isGood ? "" : _("Enter an address such as ada@example.org.");
  if (isGood) void send();
  else email.focus();
});

function parcel() {
  const isReduced = $("reduce").checked && chosen.factor < 0.97 && (!chosen.zip || chosen.isOpen);
  if (chosen.zip && !isReduced && !list.isEdited) {
    const entries = [{ name: chosen.zip.name, item: { size: chosen.zip.size } }];
    return { entries, isReduced: false, bytes: chosen.zip.size, isExact: true, stream: (from) => chosen.zip.slice(from).stream(), skips: true };
  }
  const entries = entriesOf(list.classes);
  const whole = zipSize(entries);
  return { entries, isReduced, bytes: isReduced ? Math.ceil(whole * chosen.factor) : whole, isExact: !isReduced, stream: () => zipStream(entries, isReduced), skips: false };
}

async function send() {
  show($("send-error"), false);
  $("go").disabled = true;
  const made = parcel();
  const mark = await fingerprint(made.entries, made.isReduced);
  const old = remembered();
  try {
    const job = old?.mark === mark ? old : { ...(await createJob(made)), mark, until: Date.now() + 6 * 86400e3 };
    remember(job);
    await transfer(job, made);
  } catch (error) {
    upload = null;
    if (error.name === "AbortError") return;
    const fault = error.fault ?? (error.code === "file_unreadable" ? { message: _("{name} can no longer be read.", { name: error.path }), fix: _("Choose the folder again; what was sent already is not sent twice.") } : OFFLINE());
    if (!error.fault && error.code !== "file_unreadable") console.warn(error);
    if (error.fault) forget();
    show($("sending"), false);
    show($("look"));
    show($("choose"));
    judge();
    tell($("send-error"), fault);
  } finally {
    $("go").disabled = false;
  }
}

async function createJob(made) {
  const form = new FormData($("send"));
  const fields = { email: $("email").value.trim(), size_bytes: made.bytes, language: document.documentElement.lang };
  for (const name of ["budget_minutes", "levels", "candidates", "seed", "keep_photos_days"]) {
    const value = form.get(name);
    if (value) fields[name] = ["levels", "candidates"].includes(name) ? value : Number(value);
  }
  const key = $("key").value.trim();
  const answer = await fetch(`${ROOT}v1/jobs`, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json", ...SPOKEN, ...(key && { Authorization: `Bearer ${key}` }) }, body: JSON.stringify(fields) });
  if (!answer.ok) {
    const fault = await faultOf(answer);
    show($("key-field"), !$("key-field").hidden || ["key_required", "key_invalid", "limit_reached"].includes(fault.code));
    if (["email_missing", "invalid_email"].includes(fault.code)) $("email").setAttribute("aria-invalid", "true");
    throw new Refused(fault);
  }
  const told = await answer.json();
  return { id: told.job_id, page: `${ROOT}v1/jobs/${told.job_id}#${told.token}`, ticket: told.upload, session: null, bytes: made.bytes };
}

async function transfer(job, made) {
  const control = new AbortController();
  upload = { control, job };
  for (const id of ["choose", "look", "send", "unfinished"]) show($(id), false);
  show($("sending"));
  show($("sending-error"), false);
  $("sending-title").focus();
  $("job-link").href = job.page;
  show($("job-link"));
  const meter = meterOf(made);
  const sender = new Upload({
    ticket: job.ticket, session: job.session, signal: control.signal,
    onBytes: (bytes) => { meter(bytes); },
    onWait: (fault) => { if (fault) tell($("sending-error"), fault); else show($("sending-error"), false); },
    onSession: (session) => { job.session = session; remember(job); },
  });
  await deliver(sender, made);
  forget();
  location.assign(job.page);
}

async function deliver(sender, made) {
  if (!sender.isResumable) {
    const parts = [];
    for await (const { data } of pieces(made.stream(0))) parts.push(new Blob([data])); // the next takes its place
    await sender.whole(new Blob(parts, { type: "application/zip" }));
    return;
  }
  let start = await sender.begin();
  if (sender.isDone) return;
  const stream = made.skips ? pieces(made.stream(start)) : pieces(made.stream(0), start);
  for await (const { data, isLast } of stream) {
    await sender.piece(data, start, isLast);
    start += data.length;
    if (sender.isDone) return;
  }
}

function meterOf(made) {
  let first = null;
  let told = -1;
  return (bytes) => {
    const now = performance.now();
    first ??= { now, bytes };
    const share = Math.min(0.999, bytes / made.bytes);
    $("bar").value = share;
    const speed = (bytes - first.bytes) / Math.max(0.5, (now - first.now) / 1000);
    const left = speed > 0 ? _("{time} left", { time: span(Math.max(0, made.bytes - bytes) / speed) }) : "";
    $("sent").textContent = [_("{done} of {total}", { done: size(bytes), total: (made.isExact ? "" : "≈ ") + size(made.bytes) }), speed > 0 ? _("{size} a second", { size: size(speed) }) : "", left].filter(Boolean).join(" · ");
    if (Math.floor(share * 10) !== told) {
      told = Math.floor(share * 10);
      $("sent-status").textContent = _("{share} sent", { share: percent(told / 10) });
    }
  };
}

$("pause").addEventListener("click", () => {
  upload?.control.abort();
  upload = null;
  show($("sending"), false);
  show($("choose"));
  show($("look"));
  judge();
  $("go").focus();
});
$("abandon").addEventListener("click", async () => {
  const job = upload?.job;
  upload?.control.abort();
  upload = null;
  forget();
  if (job) {
    const token = job.page.split("#")[1];
    await fetch(`${ROOT}v1/jobs/${job.id}/cancel`, { method: "POST", headers: { Authorization: `Bearer ${token}`, Accept: "application/json" } }).catch(() => {});
  }
  show($("sending"), false);
  show($("choose"));
  show($("look"));
  judge();
});
addEventListener("beforeunload", (event) => { if (upload && !upload.control.signal.aborted && remembered()) event.preventDefault(); });

function showUnfinished() {
  const old = remembered();
  show($("unfinished"), Boolean(old));
  if (old) $("unfinished-text").textContent = _("Choose the same photographs again and press Send: it goes on where it stopped ({size} in all).", { size: size(old.bytes) });
}
$("unfinished-forget").addEventListener("click", () => { forget(); showUnfinished(); });
