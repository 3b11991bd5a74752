// One job as the API tells of it; the key goes into a header, never into an address.
import { Refused } from "./sending.js";
import { ROOT, SPOKEN, faultOf, near } from "./dom.js";

const ANSWER_WITHIN_MS = 30_000; // an answer of a network that went away silently never comes

export class JobApi {
  constructor(id, token) {
    this.path = `${ROOT}v1/jobs/${id}`;
    this.token = token;
    this.headers = { Authorization: `Bearer ${token}`, Accept: "application/json", ...SPOKEN };
  }

  async #ask(path, options = {}) {
    const answer = await fetch(path, { headers: this.headers, cache: "no-store", ...options });
    if (!answer.ok) throw new Refused({ ...(await faultOf(answer)), status: answer.status });
    return answer;
  }

  async status() {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(new TypeError("no answer")), ANSWER_WITHIN_MS);
    try {
      const answer = await this.#ask(this.path, { signal: patience.signal });
      return { status: await answer.json(), againIn: Number(answer.headers.get("Retry-After")) || null };
    } finally {
      clearTimeout(timer);
    }
  }

  cancel = async () => (await this.#ask(`${this.path}/cancel`, { method: "POST" })).json();
  delete = async () => (await this.#ask(this.path, { method: "DELETE" })).json();

  // Train from the same archive with corrections, a map from path to class, or to null where it is thrown out.
  async retrain(moves, key) {
    const corrections = [...moves].map(([path, target]) => ({ path, move_to: target }));
    const headers = { ...this.headers, "Content-Type": "application/json", "Idempotency-Key": key };
    return (await this.#ask(`${this.path}/retrain`, { method: "POST", headers, body: JSON.stringify({ corrections }) })).json();
  }

  // Return { url, expires_at } of what a link of the job leads to.
  async link(artefact, { format, hours } = {}) {
    const query = new URLSearchParams({ artefact, ...(format && { format }), ...(hours && { hours }) });
    return (await this.#ask(`${this.path}/links?${query}`, { method: "POST" })).json();
  }

  async fetch(artefact, options) {
    const { url } = await this.link(artefact, options);
    const answer = await fetch(near(url), { cache: "no-store", headers: SPOKEN });
    if (!answer.ok) throw new Refused(await faultOf(answer));
    return answer;
  }
}
