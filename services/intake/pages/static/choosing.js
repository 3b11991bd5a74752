// Files from wherever a browser gives them: a dropped folder, a chosen one, a zip, or the pictures of a phone.
import { NotAZip, readZip } from "./zip_reading.js";
import { pause } from "./dom.js";
import { _ } from "./words.js";

const LONGEST_MS = 20; // that the page is held up at a time: asking a file for its size waits for the disk
const itemOf = (path, file) => ({ path, size: file.size, open: async () => file });
const isZip = (file) => /\.zip$/i.test(file.name) || file.type === "application/zip";
const OTHER_ARCHIVE = /\.(rar|7z|tar|t?gz|bz2|xz|zst)$/i;

export class Unusable extends Error {
  constructor(message, fix) {
    super(message);
    this.fault = { message, fix };
  }
}

async function inside(directory, found, onCount) {
  const reader = directory.createReader();
  for (;;) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return;
    for (const entry of entries) {
      if (entry.isDirectory) await inside(entry, found, onCount);
      else {
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        found.push(itemOf(entry.fullPath.replace(/^\//, ""), file));
        if (found.length % 200 === 0) onCount(found.length);
      }
    }
  }
}

// What was chosen is the folder around the classes, and no class itself.
const within = (items) => items.map((item) => ({ ...item, path: item.path.slice(item.path.indexOf("/") + 1) }));

async function itemsOf(files, onCount) {
  const items = [];
  let since = performance.now();
  for (const file of files) {
    items.push(itemOf(file.webkitRelativePath || file.name, file));
    if (performance.now() - since < LONGEST_MS) continue;
    onCount?.(items.length);
    await pause(0);
    since = performance.now();
  }
  return items;
}

async function zipChosen(file) {
  try {
    return { ...(await readZip(file)), zip: file };
  } catch (error) {
    if (!(error instanceof NotAZip)) throw error;
    throw new Unusable(_("{name} is no zip that can be read.", { name: file.name }), _("Pack the folder again as a zip, or choose the folder itself."));
  }
}

// Return what was dropped as { items, zip }.
export async function dropped(transfer, onCount) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  if (entries.some((entry) => entry.isDirectory)) {
    const found = [];
    const folders = entries.filter((entry) => entry.isDirectory);
    for (const entry of folders) await inside(entry, found, onCount);
    return { items: folders.length === 1 ? within(found) : found, zip: null };
  }
  return chosenFiles(files, onCount);
}

// Return chosen files as { items, zip }.
export async function chosenFiles(files, onCount) {
  const isFolder = files.some((file) => file.webkitRelativePath); // an archive in a folder is left out with what else is none
  const zip = !isFolder && files.find(isZip);
  if (zip) return zipChosen(zip);
  const other = !isFolder && files.find((file) => OTHER_ARCHIVE.test(file.name));
  if (other) throw new Unusable(_("{name} cannot be opened here.", { name: other.name }), _("Unpack it, and choose the folder that comes out."));
  const items = await itemsOf(files, onCount);
  return { items: isFolder ? within(items) : items, zip: null };
}
