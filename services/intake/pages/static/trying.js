// Try the network: a photograph or the camera, answered on this device.
import { $, canvasOf, make, show, tell } from "./dom.js";
import { Network } from "./network.js";
import { _, named, percent } from "./words.js";

const NUM_SHOWN = 5;
const STEPS = { runtime: () => _("Fetching the runtime, once …"), network: () => _("Fetching the network …") };
let opening = null;
let last = null;

export function offerTrial(api, unsureBelow) {
  show($("try"));
  show($("try-camera"), Boolean(navigator.mediaDevices?.getUserMedia));
  $("try-pick").addEventListener("click", () => $("try-file").click());
  $("try-file").addEventListener("change", () => { const [file] = $("try-file").files; $("try-file").value = ""; if (file) void attempt(api, file, unsureBelow); });
  const drop = $("try-drop");
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) void attempt(api, file, unsureBelow);
  });
  $("explain").addEventListener("click", () => void explain());
  $("try-camera").addEventListener("click", () => void openCamera(api, unsureBelow));
}

async function attempt(api, file, unsureBelow) {
  show($("try-error"), false);
  try {
    opening ??= Network.open(api, (step) => { $("try-status").textContent = STEPS[step](); });
    const network = await opening;
    $("try-status").textContent = _("Looking …");
    const { square, canvas } = await network.read(file).catch(() => { throw Object.assign(new Error(), { fault: { message: _("This browser cannot show that picture."), fix: _("Try a JPEG or PNG; predict.py reads HEIC and TIFF too.") } }); });
    const { probabilities, isStranger } = await network.look(square);
    last = { network, square, probabilities };
    present(network, canvas, probabilities, { unsureBelow, isStranger });
  } catch (error) {
    if (!last) opening = null;
    if (!error.fault) console.warn(error);
    $("try-status").textContent = "";
    tell($("try-error"), error.fault ?? { message: _("The network cannot be run in this browser."), fix: _("Fetch it and run predict.py, or use a newer browser.") });
  }
}

function present(network, picture, probabilities, { unsureBelow, isStranger }) {
  const canvas = $("try-canvas");
  const scale = 640 / Math.max(picture.width, picture.height);
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const heat = $("heat");
  heat.width = heat.height = 1;
  $("explained").textContent = "";
  const order = probabilities.map((value, index) => ({ value, name: network.labels[index], index })).sort((one, other) => other.value - one.value);
  const [best] = order;
  const told = { name: named(best.name), share: percent(best.value) };
  const words = best.value >= unsureBelow ? _("{name}, {share} sure", told) : _("Unsure: {name} perhaps, {share}", told);
  $("verdict").textContent = isStranger ? _("Unlike every photograph it has seen; of its classes most likely {name}, {share}", told) : words;
  $("probabilities").replaceChildren(...order.slice(0, NUM_SHOWN).map(({ value, name }) => make("li", {}, make("span", { className: "name" }, make("bdi", { textContent: name }), make("span", { className: "figures", textContent: percent(value) })), make("progress", { max: 1, value, "aria-label": name }))));
  show($("try-result"));
  const heard = make("span", { className: "unseen", textContent: `${$("verdict").textContent} ` });
  $("try-status").replaceChildren(heard, _("Done. The photograph did not leave this device."));
}

async function explain() {
  if (!last) return;
  const mine = last;
  $("explain").disabled = true;
  $("explained").setAttribute("aria-busy", "true"); // or every step of it would be read out
  try {
    const index = mine.probabilities.indexOf(Math.max(...mine.probabilities));
    const { falls, size } = await mine.network.explain(mine.square, index, (share) => { $("explained").textContent = percent(share); });
    if (mine === last) paintHeat(falls, size);
  } finally {
    $("explained").removeAttribute("aria-busy");
    $("explain").disabled = false;
  }
}

function paintHeat(falls, size) {
  const most = Math.max(...falls);
  const heat = $("heat");
  heat.width = heat.height = size;
  const pixels = new ImageData(size, size);
  falls.forEach((fall, at) => pixels.data.set([255, 80, 0, most > 0.005 ? (255 * fall) / most : 0], 4 * at));
  heat.getContext("2d").putImageData(pixels, 0, 0);
  $("explained").textContent = most > 0.005 ? _("The redder a part, the less sure the network is without it: by {share} at most.", { share: percent(most) }) : _("No part alone makes a difference.");
}

async function openCamera(api, unsureBelow) {
  const video = $("video");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    tell($("try-error"), { message: _("The camera cannot be used."), fix: _("Allow it in the browser, or choose a photograph.") });
    return;
  }
  show($("camera"));
  await video.play();
  const close = () => { for (const track of video.srcObject?.getTracks() ?? []) track.stop(); video.srcObject = null; show($("camera"), false); };
  $("camera-off").onclick = close;
  $("shoot").onclick = async () => {
    const canvas = canvasOf(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    const taken = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (taken) await attempt(api, taken, unsureBelow);
  };
}
