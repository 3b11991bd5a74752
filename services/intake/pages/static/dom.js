// The few things that every page does with its elements.
import { _ } from "./words.js";

// Path at which the service begins, with a slash at its end: a proxy may serve it below a path of its own.
export const ROOT = new URL("../../", import.meta.url).pathname;

// What is told of faults is asked for in the language of the page, which the person may have chosen.
export const SPOKEN = { "Accept-Language": document.documentElement.lang };

export const $ = (id) => document.getElementById(id);

export function make(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

// Return something to draw on, which every browser has; no side of it is less than a pixel.
export function canvasOf(width, height) {
  const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side)));
  return make("canvas", { width: across, height: down });
}

export function show(node, isShown = true) {
  node.hidden = !isShown;
}

// Tell of a fault: what is wrong, and a way on.
export function tell(node, fault) {
  node.replaceChildren(make("strong", { textContent: fault.message }), ...(fault.fix ? [make("p", { textContent: fault.fix })] : []));
  show(node);
}

// Return the fault in an answer of the API, whatever answered in its place.
export async function faultOf(answer) {
  try {
    const { error } = await answer.json();
    if (error?.message) return error;
  } catch {
    // no answer of ours
  }
  return { code: "unknown", message: _("The server answered {status}.", { status: answer.status }), fix: _("Try again in a minute.") };
}

// Return the address of something of our own by its path alone: right wherever the browser has found the server.
export function near(address) {
  const url = new URL(address, location.href);
  return url.pathname.startsWith(`${ROOT}v1/`) ? url.pathname + url.search : url.href;
}

export const OFFLINE = () => ({ code: "offline", message: _("The server cannot be reached."), fix: _("Check the network; this page goes on by itself when it is back.") });

export const pause = (milliseconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
