// The table of contents of a zip and the files in it, read where they lie: nothing is held but what is looked at.
const END = 0x06054b50;
const END_64 = 0x06064b50;
const ENTRY = 0x02014b50;
const FULL = 0xffffffff;

export class NotAZip extends Error {}

async function view(file, start, end) {
  return new DataView(await file.slice(start, end).arrayBuffer());
}

async function directoryOf(file) {
  const from = Math.max(0, file.size - 65557);
  const tail = await view(file, from, file.size);
  let at = tail.byteLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== END) at -= 1;
  if (at < 0) throw new NotAZip();
  const found = { count: tail.getUint16(at + 10, true), size: tail.getUint32(at + 12, true), start: tail.getUint32(at + 16, true) };
  if (found.count !== 0xffff && found.start !== FULL && found.size !== FULL) return found;
  if (at < 20 || tail.getUint32(at - 20, true) !== 0x07064b50) return found;
  const place = Number(tail.getBigUint64(at - 12, true));
  const end = await view(file, place, place + 56);
  if (end.getUint32(0, true) !== END_64) throw new NotAZip();
  return { count: Number(end.getBigUint64(32, true)), size: Number(end.getBigUint64(40, true)), start: Number(end.getBigUint64(48, true)) };
}

function wide(extra, entry) {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const [kind, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    let place = at + 4;
    if (kind === 1) {
      for (const field of ["size", "packed", "offset"]) {
        if (entry[field] !== FULL) continue;
        entry[field] = Number(extra.getBigUint64(place, true));
        place += 8;
      }
    }
    at += 4 + length;
  }
}

// Return every file of a zip as { path, size, open() }, and whether all of them can be opened here.
export async function readZip(file) {
  const { count, size, start } = await directoryOf(file);
  const table = await view(file, start, start + size);
  const utf8 = new TextDecoder();
  const old = new TextDecoder("windows-1252");
  const items = [];
  let isOpen = true;
  for (let at = 0, seen = 0; seen < count && at + 46 <= table.byteLength; seen += 1) {
    if (table.getUint32(at, true) !== ENTRY) throw new NotAZip();
    const flags = table.getUint16(at + 8, true);
    const lengths = [28, 30, 32].map((field) => table.getUint16(at + field, true));
    const entry = { method: table.getUint16(at + 10, true), packed: table.getUint32(at + 20, true), size: table.getUint32(at + 24, true), offset: table.getUint32(at + 42, true) };
    const bytes = new Uint8Array(table.buffer, at + 46, lengths[0]);
    wide(new DataView(table.buffer, at + 46 + lengths[0], lengths[1]), entry);
    let path = utf8.decode(bytes);
    if (!(flags & 0x800) && path.includes("\ufffd")) { path = old.decode(bytes); isOpen = false; }
    if (!path.includes("/")) path = path.replaceAll("\\", "/");
    at += 46 + lengths[0] + lengths[1] + lengths[2];
    if (flags & 1 || ![0, 8].includes(entry.method)) isOpen = false;
    if (path.endsWith("/")) continue;
    items.push({ path, size: entry.size, open: () => unpack(file, entry) });
  }
  return { items, isOpen };
}

async function unpack(file, entry) {
  const head = await view(file, entry.offset, entry.offset + 30);
  const start = entry.offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = file.slice(start, start + entry.packed);
  if (entry.method === 0) return packed;
  return new Response(packed.stream().pipeThrough(new DecompressionStream("deflate-raw"))).blob();
}
