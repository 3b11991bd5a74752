// How far a photograph lies from all that a network learnt from; the same as in likeness.py, from strangers.json.
export class Likeness {
  constructor(told) {
    const bytes = (packed) => Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    this.spread = new Float32Array(bytes(told.spread).buffer);
    this.neighbours = told.neighbours;
    this.limit = told.limit;
    const whole = new Int8Array(bytes(told.references).buffer);
    const width = this.spread.length;
    this.references = Array.from({ length: whole.length / width }, (_one, at) => whole.subarray(at * width, (at + 1) * width));
  }

  // Return 1 less the cosine to the nearest photographs, on average.
  distance(features) {
    const scaled = this.spread.map((spread, at) => features[at] / spread);
    const length = Math.hypot(...scaled) || 1;
    const alike = this.references.map((reference) => {
      let product = 0;
      let square = 0;
      for (let at = 0; at < scaled.length; at += 1) {
        product += scaled[at] * reference[at];
        square += reference[at] ** 2;
      }
      return product / (length * Math.sqrt(square) || 1);
    });
    const nearest = alike.sort((one, other) => other - one).slice(0, this.neighbours);
    return 1 - nearest.reduce((sum, each) => sum + each, 0) / nearest.length;
  }

  isStranger = (features) => features.length === this.spread.length && this.distance(features) > this.limit;
}
