// The delivered network, run in this browser by ONNX Runtime; what it is shown stays on this device.
import { canvasOf } from "./dom.js";
import { Likeness } from "./likeness.js";
import { squareOf } from "./resampling.js";

const MOST_PX = 4096;
const NUM_PATCHES = 7;

export class Network {
  static async open(api, onStep) {
    onStep("runtime");
    const ort = await import("./vendor/onnxruntime/ort.wasm.min.mjs");
    const lies = (name) => new URL(`vendor/onnxruntime/${name}`, import.meta.url).href;
    ort.env.wasm.wasmPaths = { mjs: lies("ort-wasm-simd-threaded.mjs"), wasm: lies("ort-wasm-simd-threaded.wasm") };
    ort.env.wasm.numThreads = 1; // more would need headers that shut other things out
    onStep("network");
    const [model, labels, likeness] = await Promise.all([
      api.fetch("model", { format: "onnx" }).then((answer) => answer.arrayBuffer()),
      api.fetch("labels").then((answer) => answer.text()),
      api.fetch("strangers").then((answer) => answer.json()).then((told) => new Likeness(told)).catch(() => null), // older jobs have none
    ]);
    const network = new Network();
    network.ort = ort;
    network.session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
    network.labels = labels.split(/\r?\n/).filter((line, at, all) => line || at < all.length - 1);
    network.side = sideOf(model) ?? 224;
    network.likeness = likeness;
    return network;
  }

  // Return a photograph as the network takes it, with what is to be seen of it.
  async read(blob) {
    const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const scale = Math.min(1, MOST_PX / Math.max(bitmap.width, bitmap.height));
    const canvas = canvasOf(bitmap.width * scale, bitmap.height * scale);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return { square: squareOf(context.getImageData(0, 0, canvas.width, canvas.height), this.side), canvas };
  }

  // Return one probability a class, and whether the photograph is unlike every one that the network has seen.
  async look(square) {
    const image = new this.ort.Tensor("float32", square, [1, this.side, this.side, 3]);
    const answers = await this.session.run({ [this.session.inputNames[0]]: image });
    const [probabilities, features] = this.session.outputNames.map((name) => answers[name].data);
    return { probabilities: [...probabilities], isStranger: Boolean(features && this.likeness?.isStranger(features)) };
  }

  score = async (square) => (await this.look(square)).probabilities;

  // Return how much the probability of a class falls where a patch of the photograph is covered, patch by patch.
  async explain(square, index, onShare) {
    const whole = (await this.score(square))[index];
    const patch = Math.ceil(this.side / NUM_PATCHES);
    const falls = [];
    for (let row = 0; row < NUM_PATCHES; row += 1) {
      for (let column = 0; column < NUM_PATCHES; column += 1) {
        const covered = square.slice();
        for (let y = row * patch; y < Math.min(this.side, (row + 1) * patch); y += 1) {
          covered.fill(127.5, 3 * (y * this.side + column * patch), 3 * (y * this.side + Math.min(this.side, (column + 1) * patch)));
        }
        falls.push(Math.max(0, whole - (await this.score(covered))[index]));
        onShare(falls.length / NUM_PATCHES ** 2);
        await new Promise((resolve) => setTimeout(resolve)); // the page answers meanwhile
      }
    }
    return { falls, size: NUM_PATCHES };
  }
}

// Return the side of the squares that a network takes, from the shape of its input in the file.
export function sideOf(buffer) {
  const bytes = new Uint8Array(buffer);
  const dims = (at) => [...fieldsOf(bytes, ...at, 1)].map((dim) => [...numbersOf(bytes, ...dim, 1)][0] ?? null);
  for (const graph of fieldsOf(bytes, 0, bytes.length, 7)) {
    for (const input of fieldsOf(bytes, ...graph, 11)) {
      for (const type of fieldsOf(bytes, ...input, 2)) {
        for (const tensor of fieldsOf(bytes, ...type, 1)) {
          for (const shape of fieldsOf(bytes, ...tensor, 2)) {
            const found = dims(shape);
            if (found.length === 4 && found[1]) return found[1];
          }
        }
      }
    }
  }
  return null;
}

// Protocol buffers, as far as the shape of an input asks for: https://protobuf.dev/programming-guides/encoding/
function* entriesOf(bytes, start, end) {
  let at = start;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at];
      at += 1;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const key = varint();
    const kind = key & 7;
    if (kind === 0) yield { field: Math.floor(key / 8), value: varint() };
    else if (kind === 2) {
      const length = varint();
      yield { field: Math.floor(key / 8), span: [at, at + length] };
      at += length;
    } else at += kind === 1 ? 8 : 4;
  }
}

function* fieldsOf(bytes, start, end, field) {
  for (const entry of entriesOf(bytes, start, end)) if (entry.field === field && entry.span) yield entry.span;
}

function* numbersOf(bytes, start, end, field) {
  for (const entry of entriesOf(bytes, start, end)) if (entry.field === field && entry.value !== undefined) yield entry.value;
}
