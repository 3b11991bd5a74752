// How a picture becomes the square that the network takes: what predict.py does, to the same numbers.

// Return for every pixel of the resampled line where its shares begin, and the shares.
function shares(length, side) {
  const step = length / side;
  const radius = Math.max(step, 1);
  return Array.from({ length: side }, (_each, at) => {
    const centre = (at + 0.5) * step;
    const first = Math.max(0, Math.ceil(centre - radius - 0.5));
    const last = Math.min(length - 1, Math.floor(centre + radius - 0.5));
    const weights = new Float32Array(Math.max(1, last - first + 1));
    let sum = 0;
    for (let place = first; place <= last; place += 1) {
      const weight = Math.max(0, 1 - Math.abs(place + 0.5 - centre) / radius);
      weights[place - first] = weight;
      sum += weight;
    }
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

// Return (side, side, 3) floats of 0 to 255 from the bytes of a canvas.
export function squareOf({ data, width, height }, side) {
  const columns = shares(width, side);
  const narrow = new Float32Array(height * side * 3);
  for (let row = 0; row < height; row += 1) {
    for (let at = 0; at < side; at += 1) {
      const { first, weights } = columns[at];
      const sums = [0, 0, 0];
      for (let place = 0; place < weights.length; place += 1) {
        const from = 4 * (row * width + first + place);
        for (let channel = 0; channel < 3; channel += 1) sums[channel] += weights[place] * data[from + channel];
      }
      narrow.set(sums, 3 * (row * side + at));
    }
  }
  const square = new Float32Array(side * side * 3);
  shares(height, side).forEach(({ first, weights }, row) => {
    for (let at = 0; at < side * 3; at += 1) {
      let sum = 0;
      for (let place = 0; place < weights.length; place += 1) sum += weights[place] * narrow[(first + place) * side * 3 + at];
      square[row * side * 3 + at] = sum;
    }
  });
  return square;
}
