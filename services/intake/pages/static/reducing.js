// Photographs made smaller before they are sent, by a worker: decoding one holds a page up for a fifth of a second.
const waiting = new Map();
let worker = null;
let isBroken = false;
let asked = 0;

export const canReduce = () => !isBroken && ["OffscreenCanvas", "createImageBitmap", "Worker"].every((name) => name in globalThis);

function start() {
  const made = new Worker(new URL("reducing_worker.js", import.meta.url));
  made.addEventListener("message", ({ data: { id, blob } }) => {
    waiting.get(id)?.resolve(blob);
    waiting.delete(id);
  });
  made.addEventListener("error", () => { // then photographs are sent as they are
    isBroken = true;
    for (const { otherwise, resolve } of waiting.values()) resolve(otherwise);
    waiting.clear();
  });
  return made;
}

function ask(blob, isThumbnail, otherwise) {
  if (!canReduce()) return otherwise;
  worker ??= start();
  asked += 1;
  const id = asked;
  return new Promise((resolve) => {
    waiting.set(id, { otherwise, resolve });
    worker.postMessage({ id, blob, isThumbnail });
  });
}

// Return a smaller file in place of a large photograph, the file itself otherwise.
export const reduced = async (blob) => ask(blob, false, blob);

// Return a small picture of a photograph to be looked at; null where this browser cannot read it.
export const thumbnail = async (blob) => ask(blob, true, null);

// Return by which factor reducing shrinks some of the files, as a guess for all of them.
export async function savingOf(items, most = 6) {
  const step = Math.max(1, Math.floor(items.length / most));
  let before = 0;
  let after = 0;
  for (let at = 0; at < items.length; at += step) {
    const blob = await items[at].open();
    before += blob.size;
    after += (await reduced(blob)).size;
  }
  return before ? after / before : 1;
}
