// An upload in pieces that goes on where it broke: the protocol of Google Cloud Storage, which the server speaks too.
// https://cloud.google.com/storage/docs/performing-resumable-uploads
import { OFFLINE, SPOKEN, faultOf, near, pause } from "./dom.js";

const AGAIN = new Set([408, 429, 500, 502, 503, 504, 507]);
const LONGEST_PAUSE_S = 30;

export class Refused extends Error {
  constructor(fault) {
    super(fault.message);
    this.fault = fault;
  }
}

// Send one request with progress; fetch tells of none.
function put(url, body, headers, { method = "PUT", signal, onBytes }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    const own = url.startsWith("/") ? SPOKEN : {}; // another product's store speaks as it does
    for (const [name, value] of Object.entries({ ...headers, ...own })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onBytes?.(event.loaded);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new TypeError("network"));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    if (signal?.aborted) { reject(new DOMException("stopped", "AbortError")); return; }
    request.send(body);
  });
}

// Try until there is an answer worth having; the network may be away for hours.
async function stubborn(attempt, { signal, onWait }) {
  for (let tries = 0; ; tries += 1) {
    let fault = OFFLINE();
    try {
      const answer = await attempt(tries);
      if (!AGAIN.has(answer.status)) { onWait?.(null); return answer; }
      fault = await faultIn(answer);
    } catch (error) {
      if (signal?.aborted || error.name === "AbortError" || error instanceof Refused) throw error;
    }
    onWait?.(fault);
    await pause(1000 * Math.min(LONGEST_PAUSE_S, 2 ** Math.min(tries, 5)), signal);
    if (signal?.aborted) throw new DOMException("stopped", "AbortError");
  }
}

const faultIn = (request) => faultOf(new Response(request.responseText, { status: request.status }));

function heldBy(request) {
  const found = /bytes=0-(\d+)/.exec(request.getResponseHeader("Range") ?? "");
  return found ? Number(found[1]) + 1 : 0;
}

export class Upload {
  constructor({ ticket, session = null, signal, onBytes, onWait, onSession }) {
    Object.assign(this, { ticket: { ...ticket, url: near(ticket.url) }, session, signal, onBytes, onWait, onSession, isDone: false, held: 0 });
  }

  get isResumable() {
    return this.ticket.method === "POST";
  }

  // Return how many bytes the store holds already.
  async begin() {
    if (!this.isResumable) return 0;
    if (this.session) return this.#ask();
    const answer = await stubborn(() => put(this.ticket.url, null, this.ticket.headers, { method: "POST", signal: this.signal }), this);
    if (answer.status !== 200 && answer.status !== 201) throw new Refused(await faultIn(answer));
    this.session = near(new URL(answer.getResponseHeader("Location"), new URL(this.ticket.url, location.href)));
    this.onSession?.(this.session);
    return 0;
  }

  async #ask() {
    const answer = await stubborn(() => put(this.session, null, { "Content-Range": "bytes */*" }, { signal: this.signal }), this);
    if (answer.status === 308) return (this.held = heldBy(answer));
    if (answer.status < 300) { this.isDone = true; return 0; }
    throw new Refused(await faultIn(answer));
  }

  // Send a file in one request.
  async whole(blob) {
    const answer = await stubborn((tries) => {
      this.onBytes?.(0);
      return put(this.ticket.url, blob, this.ticket.headers, this).then((request) => (tries && [409, 412].includes(request.status) ? { status: 200 } : request));
    }, this);
    if (answer.status >= 300) throw new Refused(await faultIn(answer));
    this.isDone = true;
  }

  // Send the next piece; where an answer was lost, ask what has arrived of it and send the rest.
  async piece(data, start, isLast) {
    const end = start + data.length;
    let held = start;
    while (held < end || (isLast && !this.isDone)) {
      const answer = await stubborn(async (tries) => {
        if (tries) {
          held = Math.max(start, await this.#ask());
          if (this.isDone || (held >= end && !isLast)) return { status: 200, known: true };
        }
        const rest = data.subarray(held - start);
        const where = rest.length ? `${held}-${end - 1}` : "*";
        const headers = { "Content-Range": `bytes ${where}/${isLast ? end : "*"}` };
        return put(this.session, rest, headers, { signal: this.signal, onBytes: (bytes) => this.onBytes?.(held + bytes) });
      }, this);
      if (answer.known) return;
      if (answer.status === 308) { held = heldBy(answer); this.onBytes?.(held); continue; }
      if (answer.status >= 300) throw new Refused(await faultIn(answer));
      this.isDone = true;
      return;
    }
  }
}
