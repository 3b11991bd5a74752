// What is remembered of an upload until it is done, so that it goes on after the page was closed: on this device alone.
const KEY = "convtailor.upload";

export function remember(upload) {
  try {
    localStorage.setItem(KEY, JSON.stringify(upload));
  } catch {
    // a private window: then it is not remembered
  }
}

export function remembered() {
  try {
    const known = JSON.parse(localStorage.getItem(KEY));
    return known && Date.now() < known.until ? known : null;
  } catch {
    return null;
  }
}

export function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // nothing was remembered
  }
}

// Return a digest of the names and sizes that go into a zip, and of whether they are reduced.
export async function fingerprint(entries, isReduced) {
  const told = entries.map(({ name, item }) => `${name}\0${item.size}`).join("\n") + isReduced;
  const digest = await digestOf(new TextEncoder().encode(told));
  return digest;
}

async function digestOf(bytes) {
  if (globalThis.crypto?.subtle) {
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  let [low, high] = [0x811c9dc5, 0xcbf29ce4]; // FNV-1a twice: over plain HTTP browsers keep their digests to themselves
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x01000197);
  }
  return `${(low >>> 0).toString(16)}${(high >>> 0).toString(16)}${bytes.length}`;
}
