// Photographs made smaller beside the page, which stays at hand: for sending, only JPEG files and only those larger than
// needed; for looking, every one that this browser can read.
// It takes { id, blob, isThumbnail } and answers { id, blob }; it imports nothing, since what it may load is decided by
// its own answer.
const LONGEST_PX = 1600;
const QUALITY = 0.92;
const THUMBNAIL_PX = 128;
const THUMBNAIL_QUALITY = 0.8;
const HEAD_BYTES = 1 << 18;

// Return [width, height] of a JPEG from its head, null where it is none or tells later.
function jpegSize(bytes) {
  const data = new DataView(bytes);
  if (data.byteLength < 4 || data.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 < data.byteLength; ) {
    const marker = data.getUint16(at);
    if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) return [data.getUint16(at + 7), data.getUint16(at + 5)];
    if (marker < 0xff00) return null;
    at += 2 + data.getUint16(at + 2);
  }
  return null;
}

// Return a smaller file in place of a large photograph, the file itself otherwise.
async function reduced(blob) {
  try {
    const size = jpegSize(await blob.slice(0, HEAD_BYTES).arrayBuffer());
    if (size === null || Math.max(...size) <= LONGEST_PX) return blob;
    const small = await scaled(blob, (width, height) => LONGEST_PX / Math.max(width, height), QUALITY);
    return small.size < blob.size ? small : blob;
  } catch {
    return blob; // the server says what is wrong with it
  }
}

async function scaled(blob, scaleOf, quality) {
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  const scale = scaleOf(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality });
}

const thumbnail = (blob) => scaled(blob, (width, height) => THUMBNAIL_PX / Math.min(width, height), THUMBNAIL_QUALITY).catch(() => null);

let last = Promise.resolve();
// One after the other, and in the order asked: a phone has not the memory for many photographs at once.
addEventListener("message", ({ data: { id, blob, isThumbnail } }) => {
  last = last.then(async () => postMessage({ id, blob: await (isThumbnail ? thumbnail(blob) : reduced(blob)) }));
});
