// ThumbHash: a picture in about 25 bytes, by the algorithm that Evan Wallace published. The bytes are described in
// Sources/Imaging/ThumbHash.swift.

/** The hash of pixels (RGBA, at most 100 a side). */
export function thumbHash({ data, width, height }) {
  const planes = opponentPlanes(data), hasAlpha = planes.alpha.some(value => value < 1), most = hasAlpha ? 5 : 7;
  const across = Math.max(1, Math.round(most * width / Math.max(width, height)));
  const down = Math.max(1, Math.round(most * height / Math.max(width, height)));
  const isLandscape = width > height;
  const l = frequencies(planes.lightness, width, height, Math.max(3, across), Math.max(3, down));
  const p = frequencies(planes.yellowBlue, width, height, 3, 3), q = frequencies(planes.redGreen, width, height, 3, 3);
  const a = hasAlpha ? frequencies(planes.alpha, width, height, 5, 5) : undefined;
  const means = Math.round(63 * l.mean) | Math.round(31.5 + 31.5 * p.mean) << 6 | Math.round(31.5 + 31.5 * q.mean) << 12
    | Math.round(31 * l.scale) << 18 | (a ? 1 << 23 : 0);
  const scales = (isLandscape ? down : across) | Math.round(63 * p.scale) << 3 | Math.round(63 * q.scale) << 9
    | (isLandscape ? 1 << 15 : 0);
  const hash = [means, means >> 8, means >> 16, scales, scales >> 8];
  if (a) hash.push(Math.round(15 * a.mean) | Math.round(15 * a.scale) << 4);
  const levels = [l, p, q, ...(a ? [a] : [])].flatMap(plane => plane.levels).map(level => Math.round(15 * level));
  for (let at = 0; at < levels.length; at += 2) hash.push(levels[at] | (levels[at + 1] ?? 0) << 4);
  return Uint8Array.from(hash);
}

/** Lightness, two differences of colour, and alpha; what can be seen through lies on the mean colour. */
function opponentPlanes(data) {
  const mean = [0, 0, 0];
  let weight = 0;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] / 255;
    for (let channel = 0; channel < 3; channel++) mean[channel] += alpha * data[at + channel] / 255;
    weight += alpha;
  }
  const ground = mean.map(value => weight ? value / weight : 0);
  const planes = { lightness: [], yellowBlue: [], redGreen: [], alpha: [] };
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] / 255;
    const [r, g, b] = ground.map((value, channel) => value * (1 - alpha) + alpha * data[at + channel] / 255);
    planes.lightness.push((r + g + b) / 3);
    planes.yellowBlue.push((r + g) / 2 - b);
    planes.redGreen.push(r - g);
    planes.alpha.push(alpha);
  }
  return planes;
}

/** Calls `each(horizontal, vertical)` for the frequencies under the diagonal of a table, the mean among them. */
function underDiagonal(across, down, each) {
  for (let v = 0; v < down; v++) for (let h = 0; h * down < across * (down - v); h++) each(h, v);
}

const wave = (frequency, place, size) => Math.cos(Math.PI / size * frequency * (place + 0.5));

function frequencies(plane, width, height, across, down) {
  const values = [];
  underDiagonal(across, down, (h, v) => {
    let sum = 0;
    for (let y = 0; y < height; y++) {
      const row = wave(v, y, height);
      for (let x = 0; x < width; x++) sum += plane[y * width + x] * row * wave(h, x, width);
    }
    values.push(sum / (width * height));
  });
  const [mean, ...others] = values, scale = Math.max(0, ...others.map(Math.abs));
  return { mean, scale, levels: others.map(value => scale ? 0.5 + 0.5 / scale * value : 0) };
}

/** The picture of a hash as pixels, at most 32 a side; null for bytes that are none. */
export function thumbPicture(hash) {
  if (hash.length < 5) return null;
  const means = hash[0] | hash[1] << 8 | hash[2] << 16, scales = hash[3] | hash[4] << 8;
  const hasAlpha = (means >> 23) === 1, isLandscape = (scales >> 15) === 1, most = hasAlpha ? 5 : 7;
  const across = Math.max(3, isLandscape ? most : scales & 7), down = Math.max(3, isLandscape ? scales & 7 : most);
  let nibble = hasAlpha ? 12 : 10;
  const plane = (mean, scale, across, down) => {
    const terms = [];
    underDiagonal(across, down, (h, v) => {
      if (!h && !v) return;
      terms.push({ h, v, value: ((hash[nibble >> 1] >> 4 * (nibble & 1) & 15) / 7.5 - 1) * scale });
      nibble++;
    });
    return { mean, terms };
  };
  // Colours are drawn a little stronger than they were measured, since rounding dulls them.
  const l = plane((means & 63) / 63, (means >> 18 & 31) / 31, across, down);
  const p = plane((means >> 6 & 63) / 31.5 - 1, 1.25 * (scales >> 3 & 63) / 63, 3, 3);
  const q = plane((means >> 12 & 63) / 31.5 - 1, 1.25 * (scales >> 9 & 63) / 63, 3, 3);
  const a = hasAlpha ? plane((hash[5] & 15) / 15, (hash[5] >> 4) / 15, 5, 5) : { mean: 1, terms: [] };
  if (nibble > 2 * hash.length) return null;
  const width = Math.round(Math.min(32, 32 * across / down)), height = Math.round(Math.min(32, 32 * down / across));
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const [lightness, yellowBlue, redGreen, alpha] = [l, p, q, a].map(({ mean, terms }) =>
        terms.reduce((sum, { h, v, value }) => sum + 2 * value * wave(h, x, width) * wave(v, y, height), mean));
      const blue = lightness - 2 / 3 * yellowBlue, red = (3 * lightness - blue + redGreen) / 2;
      data.set([red, red - redGreen, blue, alpha].map(value => 255 * Math.max(0, Math.min(1, value))), at);
    }
  }
  return { data, width, height };
}
