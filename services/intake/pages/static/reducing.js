// Photographs made smaller before they are sent, by a worker: decoding one holds a page up for a fifth of a second.
import { canvasOf } from "./dom.js";

const THUMBNAIL_PX = 128; // as in the worker
const waiting = new Map();
let worker = null;
let isBroken = false;
let asked = 0;

const canReduce = () => !isBroken && ["OffscreenCanvas", "createImageBitmap", "Worker"].every((name) => name in globalThis);

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
  worker ??= start();
  asked += 1;
  const id = asked;
  return new Promise((resolve) => {
    waiting.set(id, { otherwise, resolve });
    worker.postMessage({ id, blob, isThumbnail });
  });
}

// Return a smaller file in place of a large photograph, the file itself otherwise.
export const reduced = async (blob) => (canReduce() ? ask(blob, false, blob) : blob);

// Return a small picture of a photograph to be looked at; null where this browser cannot read it.
export const thumbnail = async (blob) => (canReduce() ? ask(blob, true, null) : drawn(blob).catch(() => null));

// The same by the page itself, where no worker can draw.
async function drawn(blob) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  try {
    await image.decode();
    const scale = THUMBNAIL_PX / Math.min(image.naturalWidth, image.naturalHeight);
    const canvas = canvasOf(image.naturalWidth * scale, image.naturalHeight * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg"));
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

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
