// A zip made while it is sent, cut into pieces; it has the same bytes whenever it is made from the same files.
import { makeZip, predictLength } from "./vendor/client-zip.js";
import { reduced } from "./reducing.js";

export const PIECE_BYTES = 8 << 20; // a multiple of 256 KiB, as the protocol has it
const MADE = new Date(Date.UTC(1980, 0, 2));
const AHEAD = 3;

async function* files(entries, isReduced) {
  const waiting = [];
  let next = 0;
  const open = async ({ item }) => (isReduced ? reduced(await item.open()) : item.open());
  for (const entry of entries) {
    for (; next < entries.length && waiting.length < AHEAD; next += 1) {
      const opened = open(entries[next]);
      opened.catch(() => {}); // told when its turn comes
      waiting.push(opened);
    }
    let input;
    try {
      input = await waiting.shift();
    } catch (error) {
      throw Object.assign(new Error(entry.item.path), { code: "file_unreadable", path: entry.item.path, cause: error });
    }
    yield { name: entry.name, lastModified: MADE, input: input.size ? input.stream() : new Uint8Array(), size: input.size };
  }
}

// Return the size of the zip where it is known before it is made.
export function zipSize(entries) {
  return Number(predictLength(entries.map(({ name, item }) => ({ name, size: item.size, lastModified: MADE }))));
}

// Yield { data, isLast } of a stream, all but the last of the same length, beginning with a number of bytes; the next one
// takes the place of the one before. Bytes, not blobs: a browser lets go of these when it tidies up only, and a private
// window has no room for half a gigabyte of them.
export async function* pieces(stream, from = 0) {
  const reader = stream.getReader();
  let skip = from;
  const data = new Uint8Array(PIECE_BYTES);
  let held = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      let rest = value.subarray(Math.min(skip, value.length));
      skip -= value.length - rest.length;
      while (rest.length) {
        if (held === PIECE_BYTES) { // the last piece is known to be one only when more has come
          yield { data, isLast: false };
          held = 0;
        }
        const part = rest.subarray(0, PIECE_BYTES - held);
        data.set(part, held);
        held += part.length;
        rest = rest.subarray(part.length);
      }
    }
    yield { data: data.subarray(0, held), isLast: true };
  } finally {
    reader.cancel().catch(() => {});
  }
}

export function zipStream(entries, isReduced) {
  return makeZip(files(entries, isReduced), { buffersAreUTF8: true });
}
