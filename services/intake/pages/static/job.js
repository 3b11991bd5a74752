// The page of a job: how it fares, what it left, and what can be done with that.
import { chartOf } from "./chart.js";
import { $, OFFLINE, ROOT, make, near, pause, show, tell } from "./dom.js";
import { JobApi } from "./job_api.js";
import { showReport } from "./report.js";
import { Refused } from "./sending.js";
import { forget, remembered } from "./unfinished.js";
import { addressOfFirst, forgetKin, trainedFrom } from "./kin.js";
import { verdictOf } from "./verdict.js";
import { _, moment, ngettext, number, percent, span } from "./words.js";

const id = document.querySelector("script[data-job]").dataset.job;
const ENDS = new Set(["done", "rejected", "failed", "cancelled", "expired"]);
const PHASES = {
  upload: () => _("send"), queue: () => _("wait"), prepare: () => _("look at the photographs"), screen: () => _("try networks"),
  tune: () => _("fit the best"), evaluate: () => _("test"), export: () => _("pack"), report: () => _("write the report"),
};
const STATES = {
  awaiting_upload: () => _("Waiting for the photographs"), queued: () => _("Waiting for a free machine"), training: () => _("Training"),
  reporting: () => _("Writing the report"), done: () => _("Your network is ready"), rejected: () => _("Your photographs need a correction first"),
  failed: () => _("The training did not finish"), cancelled: () => _("It was stopped"), expired: () => _("The photographs never came"),
};
const UNITS = { images: (done, total) => _("{done} of {total} photographs", { done, total }), epochs: (done, total) => _("{done} of {total} rounds", { done, total }) };
const DOWNLOADS = [
  ["model_zip", "model", "zip", () => _("Everything, ready to use"), ".zip"], ["model", "model", "h5", () => _("Network for Keras"), ".h5"],
  ["model_keras", "model", "keras", () => _("Network for Keras 3"), ".keras"], ["model_onnx", "model", "onnx", () => _("Network for ONNX Runtime"), ".onnx"],
  ["model_tflite", "model", "tflite", () => _("Network for phones"), ".tflite"], ["model_tflite_float16", "model", "tflite_float16", () => _("Network for phones, half the size"), ".tflite"],
  ["model_coreml", "model", "coreml", () => _("Network for Macs, iPhones and iPads"), ".mlpackage.zip"],
  ["report", "report", null, () => _("Report"), ".html"], ["result", "result", null, () => _("All numbers"), ".json"],
  ["labels", "labels", null, () => _("Names of the classes"), ".txt"], ["predict", "predict", null, () => _("Program that classifies"), ".py"],
  ["strangers", "strangers", null, () => _("What tells photographs of something else"), ".json"],
];
let api = null;
let shown = { report: false, ended: false, said: "", title: "", isOffered: false };

function tokenIn(address) {
  const found = address.hash.slice(1) || address.searchParams.get("token") || "";
  if (address.searchParams.has("token")) history.replaceState(null, "", `${address.pathname}#${found}`); // out of sight, and of the history
  return found;
}

// Another language keeps the key, which no server sees.
for (const link of document.querySelectorAll(".languages a")) {
  link.addEventListener("click", () => { link.hash = location.hash; });
}

function open() {
  const token = tokenIn(new URL(location.href));
  show($("token-card"), !token);
  if (!token) return;
  api = new JobApi(id, token);
  void follow(api);
}
addEventListener("hashchange", () => { shown = { report: false, ended: false, said: "", title: "", isOffered: false }; open(); });
$("token-form").addEventListener("submit", (event) => { event.preventDefault(); location.hash = $("token").value.trim(); });

// Ask again when there may be news; slower in the background, and slower while nobody answers.
async function follow(mine) {
  for (let failures = 0; mine === api; ) {
    try {
      const { status, againIn } = await mine.status();
      failures = 0;
      show($("problem"), false);
      await present(status);
      if (againIn === null) return;
      await pause(1000 * againIn * (document.hidden ? 5 : 1), woken());
    } catch (error) {
      if (error instanceof Refused && error.fault.status < 500) return refuse(error.fault);
      if (!(error instanceof Refused || error instanceof TypeError)) console.error(error);
      tell($("problem"), OFFLINE());
      failures += 1;
      await pause(1000 * Math.min(60, 2 ** failures), woken());
    }
  }
}

function woken() {
  const control = new AbortController();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) control.abort(); }, { once: true, signal: control.signal });
  addEventListener("online", () => control.abort(), { once: true, signal: control.signal });
  return control.signal;
}

function refuse(fault) {
  const isUnknown = ["job_not_found", "token_missing"].includes(fault.code);
  tell($("problem"), isUnknown ? { message: _("This key opens no job here."), fix: _("Take the whole address from where you kept it or from the mail. What was deleted is gone for good, but the photographs can be sent again.") } : fault);
  if (isUnknown) addWayBack();
  for (const part of ["progress", "offer", "try", "report", "mistakes", "improve", "end"]) show($(part), false);
  show($("token-card"), isUnknown);
  $("token-title").textContent = _("Is the key whole?");
}

async function present(status) {
  const isEnded = ENDS.has(status.state);
  const title = STATES[status.state]();
  $("title").textContent = shown.title || (isEnded ? title : _("Your job"));
  document.title = `${statusLine(status)} · convtailor`;
  show($("progress"), !isEnded);
  $("state").textContent = status.cancel_requested_at && !isEnded ? _("Stopping; the best network so far is packed") : title;
  for (const part of ["phases", "bar", "detail", "keep"]) show($(part), !isEnded);
  showPhases(status);
  showNumbers(status);
  showTrials(status);
  showFault(status);
  shown.isTried = Boolean(status.best);
  show($("cancel"), Boolean(status.links.cancel) && !status.cancel_requested_at);
  showKin(status);
  if (status.state !== "awaiting_upload" && remembered()?.id === id) forget();
  if (isEnded) await presentEnd(status);
}

// Where this job comes from, and what was trained again from it.
function showKin(status) {
  const links = [];
  if (status.retrained_from) {
    const told = ngettext("Trained again with one correction", "Trained again with {count} corrections", status.num_corrections);
    links.push(`${told} · `, make("a", { href: addressOfFirst(id, status.retrained_from), textContent: _("the first training") }));
  }
  const later = trainedFrom(id);
  if (later.length) links.push(links.length ? " · " : "", make("a", { href: later[0], textContent: _("trained again since, with corrections") }));
  if (String(links.map((each) => each.href ?? each)) === shown.kin) return; // a link in the hand of somebody stays
  shown.kin = String(links.map((each) => each.href ?? each));
  $("kin").replaceChildren(...links);
  show($("kin"), links.length > 0);
}

function statusLine(status) {
  return status.state === "training" && status.eta_s !== null ? _("{time} left", { time: span(status.eta_s) }) : STATES[status.state]();
}

function phaseOf(status) {
  return { awaiting_upload: "upload", queued: "queue", reporting: "report" }[status.state] ?? status.phase ?? "prepare";
}

function showPhases(status) {
  const now = Object.keys(PHASES).indexOf(phaseOf(status));
  $("phases").replaceChildren(...Object.values(PHASES).map((name, at) => make("li", { className: at < now ? "done" : at === now ? "now" : "", textContent: name(), ...(at === now && { "aria-current": "step" }) })));
}

function showNumbers(status) {
  if (status.total) { $("bar").max = status.total; $("bar").value = status.done; } else $("bar").removeAttribute("value");
  const counted = status.total ? (UNITS[status.unit]?.(number(status.done), number(status.total)) ?? `${number(status.done)} / ${number(status.total)} ${status.unit}`) : "";
  const isAsked = status.confirm_by && !status.confirmed_at && !ENDS.has(status.state);
  const detail = isAsked ? _("It waits for your click in the mail that asks whether the address is yours.") : status.detail;
  const told = [counted, placeOf(status), detail, status.eta_s === null ? "" : _("{time} left", { time: span(status.eta_s) })];
  $("detail").textContent = told.filter(Boolean).join(" · ");
  const archive = status.archive && _("{photographs} in {classes}", { photographs: ngettext("one photograph", "{count} photographs", status.archive.num_images), classes: ngettext("one class", "{count} classes", status.archive.num_classes) });
  const best = status.best && _("best so far: {name}, {share} right", { name: status.best.candidate, share: percent(status.best.val_accuracy) });
  const again = status.attempts > 1 ? ngettext("taken up once", "taken up {count} times", status.attempts) : "";
  $("note").textContent = [archive, best, status.device, again].filter(Boolean).join(" · ");
  const said = `${STATES[status.state]()}: ${PHASES[phaseOf(status)]?.() ?? ""}`;
  if (said !== shown.said) { shown.said = said; $("live").textContent = said; }
  if (status.state !== "awaiting_upload") return;
  if (remembered()?.id !== id) $("note").textContent = _("They are sent by the page or program that this job was made with; nothing has arrived whole yet.");
  else {
    $("note").replaceChildren(make("a", { href: ROOT, textContent: _("The upload was interrupted. Go on with it on the first page.") }));
  }
}

function placeOf(status) {
  if (!status.queue_position) return "";
  const place = status.queue_position === 1 ? _("yours is next") : _("place {place} in the queue", { place: number(status.queue_position) });
  const start = status.starts_in_s ? _("starts in about {time}", { time: span(status.starts_in_s) }) : "";
  return [place, start].filter(Boolean).join(" · ");
}

// A network by its own name, one of its fine-tunings by its number; what is called otherwise is a decision and no trial.
function nameOf(trial) {
  const [kind, name] = trial.name.split("/");
  return kind === "tune" ? _("fine-tuning {number}", { number: number(Number(name) + 1) }) : name;
}

function showTrials(status) {
  const chart = chartOf(status.trials);
  $("chart").replaceChildren(...(chart && !shown.report ? [chart] : []));
  const rows = status.trials.filter((trial) => trial.name.includes("/")).map((trial) => make("tr", { className: trial.val_accuracy !== null && trial.val_accuracy === Math.max(...status.trials.map((each) => each.val_accuracy ?? 0)) ? "best" : "" },
    make("td", { textContent: nameOf(trial) }), make("td", { className: "number", textContent: trial.val_accuracy === null ? "–" : percent(trial.val_accuracy) }),
    make("td", { className: "number", textContent: trial.seconds ? span(trial.seconds) : "" }), make("td", { className: "quiet", lang: "en", textContent: trial.reason ?? "" })));
  if (!rows.length || ENDS.has(status.state)) { $("trials").replaceChildren(); return; }
  const heads = [_("Network"), _("right"), _("time"), ""].map((text, at) => make("th", { textContent: text, scope: "col", className: at && at < 3 ? "number" : "" }));
  const table = make("table", { className: "data" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
  if (!$("trials").firstChild) $("trials").append(make("details", { open: true }, make("summary", { textContent: _("Networks tried") }), make("div", { className: "wide" })));
  $("trials").querySelector(".wide").replaceChildren(table);
}

function addWayBack() {
  $("problem").append(make("p", {}, make("a", { href: ROOT, textContent: _("Choose the photographs again") })));
}

function showFault(status) {
  if (!status.error || status.files_deleted_at) return;
  tell($("problem"), status.error);
  addWayBack();
}

// What a job left

async function presentEnd(status) {
  const isDeleted = Boolean(status.files_deleted_at);
  if (isDeleted) {
    for (const part of ["title", "lead"]) $(part).removeAttribute("lang");
    $("title").textContent = _("Everything is deleted");
    $("lead").replaceChildren(`${moment(status.files_deleted_at)} · `, make("a", { href: ROOT, textContent: _("Train another network") }));
    for (const part of ["offer", "try", "report", "mistakes", "improve", "end"]) show($(part), false);
    return;
  }
  showDownloads(status);
  show($("end"));
  if (!status.links.report && !status.error) $("lead").replaceChildren(make("a", { href: ROOT, textContent: _("Choose the photographs again") }));
  if (status.links.report && !shown.report) {
    shown.report = true;
    $("chart").replaceChildren();
    const told = showReport($("report"), await (await api.fetch("report")).text());
    shown.title = told.title;
    shown.isOffered = told.isOffered; // a network that only guesses is offered by no button
    showDownloads(status);
    $("lead").textContent = told.lead;
    shown.language = told.language;
    for (const part of ["title", "lead", "report"]) $(part).lang = told.language; // the report's own words
    $("title").textContent = told.title || $("title").textContent;
    show($("report"));
  }
  if (status.links.result && !shown.ended) {
    await offerTrialOf(api, status);
  }
  shown.ended = true;
}

const LEAST_SURE = 0.5; // where nothing was measured, less than this is called unsure

async function offerTrialOf(mine, status) {
  try {
    const { offerTrial } = await import("./trying.js");
    const result = await (await mine.fetch("result")).json();
    tellVerdict(result, status);
    const { offerImprovement } = await import("./improving.js");
    const { offerMistakes } = await import("./mistakes.js");
    if (status.links.model_onnx) offerTrial(mine, result.certainty?.threshold ?? LEAST_SURE);
    offerMistakes(result);
    offerImprovement(id, result, mine, status);
  } catch (error) {
    console.warn(error); // all else of the page works without it
  }
}

// A report is in the language of its job; where the page has another, title and lead have theirs in that of the page.
function tellVerdict(result, status) {
  const told = status.state === "done" && shown.language !== document.documentElement.lang ? verdictOf(result) : null;
  if (!told) return;
  shown.title = told.title;
  $("title").textContent = told.title;
  $("lead").textContent = told.lead;
  for (const part of ["title", "lead"]) $(part).removeAttribute("lang");
}

function showDownloads(status) {
  const offered = DOWNLOADS.filter(([link]) => status.links[link]);
  show($("offer"), offered.length > 0);
  show($("share"), Boolean(status.links.report));
  const buttons = offered.map(([, artefact, format, name, ending], at) => {
    const button = make("button", { type: "button", className: at || !shown.isOffered ? "download" : "download main" }, make("strong", { textContent: name() }), " ", make("span", { className: "quiet", textContent: ending }));
    button.addEventListener("click", () => void attempt(async () => {
      const { url } = await api.link(artefact, { format });
      const link = make("a", { href: near(url), download: "", rel: "noreferrer" });
      if (artefact === "report") link.target = "_blank";
      link.click();
    }));
    return button;
  });
  const isMain = (at) => at === 0 || offered[at][0] === "report";
  const others = make("details", {}, make("summary", { textContent: _("Other formats, and single files") }), make("div", { className: "downloads" }, ...buttons.filter((_button, at) => !isMain(at))));
  if ($("downloads").querySelector("details[open]")) return; // as the person left it
  $("downloads").replaceChildren(make("div", { className: "downloads" }, ...buttons.filter((_button, at) => isMain(at))), ...(buttons.length > 2 ? [others] : []));
  $("kept").textContent = status.files_kept_until ? _("Kept until {moment}, then deleted with your address.", { moment: moment(status.files_kept_until) }) : "";
}

async function attempt(step) {
  try {
    show($("problem"), false);
    await step();
  } catch (error) {
    tell($("problem"), error.fault ?? OFFLINE());
    $("problem").scrollIntoView({ block: "center" });
  }
}

async function areYouSure(title, text, yes) {
  $("sure-title").textContent = title;
  $("sure-text").textContent = text;
  $("sure-yes").textContent = yes;
  const dialog = $("sure");
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes";
}

$("cancel").addEventListener("click", async () => {
  const left = shown.isTried ? _("The best network so far is still packed and told of, if there is one.") : _("Nothing is trained yet, so no network comes of it.");
  const isSure = await areYouSure(_("Stop the training?"), left, _("Stop it"));
  if (isSure) await attempt(async () => present(await api.cancel()));
});
$("delete").addEventListener("click", async () => {
  const isSure = await areYouSure(_("Delete everything?"), _("Network and report are gone then, also behind links that you shared."), _("Delete"));
  if (isSure) await attempt(async () => { await present(await api.delete()); forgetKin(id); $("title").focus(); });
});
$("share").addEventListener("click", () => void attempt(async () => {
  const { url, expires_at: until } = await api.link("report", { hours: $("share-days").value });
  $("shared-url").value = new URL(near(url), location.href).href;
  $("shared-until").textContent = _("It works until {moment}.", { moment: moment(until) });
  show($("shared"));
  $("shared-url").select();
}));
$("copy").addEventListener("click", async () => {
  $("shared-url").select();
  try { await navigator.clipboard.writeText($("shared-url").value); } catch { document.execCommand("copy"); }
  $("shared-until").textContent = _("Copied.");
});

open();
