// QR codes by ISO/IEC 18004: byte mode, level L, the smallest of the 40 versions that holds the text.

// For each version at level L: error correction words in a block, and blocks (table 9 of the standard).
const CORRECTION = [
  7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
  28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
];
const BLOCKS = [
  1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8,
  8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25,
];
// Which modules each mask turns over, by column and row.
const MASKS = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, x => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => x * y % 2 + x * y % 3,
  (x, y) => (x * y % 2 + x * y % 3) % 2, (x, y) => ((x + y) % 2 + x * y % 3) % 2,
];
// 1 : 1 : 3 : 1 : 1 with four light modules beside it, which could be taken for a corner.
const CORNER_LIKE = ['10111010000', '00001011101'];

/** The rows of the code, each an array of booleans (true is dark); null where the text is too long for any version. */
export function qr(text) {
  const bytes = new TextEncoder().encode(text);
  for (let version = 1; version <= 40; version++) {
    const words = wordsIn(version), room = words - CORRECTION[version - 1] * BLOCKS[version - 1];
    const head = version < 10 ? 12 : 20;
    if (head + 8 * bytes.length > 8 * room) continue;
    return drawn(version, interleaved(version, words, dataWords(bytes, head - 4, room)));
  }
  return null;
}

/** How many words of eight modules are left beside the fixed patterns. */
function wordsIn(version) {
  const size = 17 + 4 * version, marks = alignmentPlaces(version).length;
  let taken = 3 * 64 + 2 * (size - 16) + 31;
  if (marks) taken += 25 * (marks * marks - 3) - 10 * (marks - 2);
  if (version >= 7) taken += 36;
  return Math.floor((size * size - taken) / 8);
}

function alignmentPlaces(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2, last = 4 * version + 10;
  const step = version === 32 ? 26 : 2 * Math.ceil((last - 6) / (2 * count - 2));
  return [6, ...Array.from({ length: count - 1 }, (_, index) => last - step * (count - 2 - index))];
}

function dataWords(bytes, countBits, room) {
  const bits = [];
  const put = (value, count) => { while (count--) bits.push(value >> count & 1); };
  put(4, 4);
  put(bytes.length, countBits);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, 8 * room - bits.length));
  put(0, -bits.length & 7);
  const words = [];
  for (let at = 0; at < bits.length; at += 8) words.push(bits.slice(at, at + 8).reduce((word, bit) => 2 * word + bit));
  for (let filler = 0xec; words.length < room; filler ^= 0xec ^ 0x11) words.push(filler);
  return words;
}

/** The data in blocks with their error correction, word by word in turn. The last blocks are one word longer. */
function interleaved(version, words, data) {
  const count = BLOCKS[version - 1], correction = CORRECTION[version - 1];
  const shortLength = Math.floor(words / count) - correction, longOnes = words % count;
  const blocks = [], checks = [];
  for (let index = 0, at = 0; index < count; index++) {
    const block = data.slice(at, at += shortLength + (index >= count - longOnes ? 1 : 0));
    blocks.push(block);
    checks.push(reedSolomon(block, correction));
  }
  const turn = (rows, length) => Array.from({ length }, (_, at) => rows.map(row => row[at])).flat();
  return [...turn(blocks, shortLength + 1).filter(word => word !== undefined), ...turn(checks, correction)];
}

/** The product in the field of 256 elements by x^8 + x^4 + x^3 + x^2 + 1. */
function times(a, b) {
  let product = 0;
  for (; b; b >>= 1) {
    if (b & 1) product ^= a;
    a = a << 1 ^ (a >> 7) * 0x11d;
  }
  return product;
}

function reedSolomon(data, count) {
  let generator = [1];
  for (let index = 0, root = 1; index < count; index++, root = times(root, 2)) {
    generator = [...generator, 0].map((term, at) => term ^ (at ? times(generator[at - 1], root) : 0));
  }
  const rest = new Array(count).fill(0);
  for (const word of data) {
    const factor = word ^ rest.shift();
    rest.push(0);
    for (let at = 0; at < count; at++) rest[at] ^= times(generator[at + 1], factor);
  }
  return rest;
}

function drawn(version, words) {
  const size = 17 + 4 * version, rows = () => Array.from({ length: size }, () => new Array(size).fill(false));
  const dark = rows(), isFixed = rows();
  const set = (x, y, on) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    dark[y][x] = on;
    isFixed[y][x] = true;
  };
  drawPatterns(version, size, set);
  drawFormat(0, size, set);
  drawWords(words, size, dark, isFixed);
  const turnOver = mask => {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) if (!isFixed[y][x] && MASKS[mask](x, y) === 0) dark[y][x] = !dark[y][x];
    }
    drawFormat(mask, size, set);
  };
  const costs = MASKS.map((_, mask) => {
    turnOver(mask);
    const cost = penalty(dark, size);
    turnOver(mask);
    return cost;
  });
  turnOver(costs.indexOf(Math.min(...costs)));
  return dark;
}

function drawPatterns(version, size, set) {
  const square = (cx, cy, radius, isDark) => {
    for (let y = -radius; y <= radius; y++) {
      for (let x = -radius; x <= radius; x++) set(cx + x, cy + y, isDark(Math.max(Math.abs(x), Math.abs(y))));
    }
  };
  for (let at = 0; at < size; at++) { set(6, at, at % 2 === 0); set(at, 6, at % 2 === 0); }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, ring => ring !== 2 && ring !== 4);
  const places = alignmentPlaces(version), last = places.at(-1);
  for (const x of places) {
    for (const y of places) {
      const isCorner = (x === 6 && (y === 6 || y === last)) || (x === last && y === 6);
      if (!isCorner) square(x, y, 2, ring => ring !== 1);
    }
  }
  if (version >= 7) {
    const bits = version << 12 | remainder(version, 12, 0x1f25);
    for (let at = 0; at < 18; at++) {
      const near = Math.floor(at / 3), far = size - 11 + at % 3, on = (bits >> at & 1) === 1;
      set(near, far, on);
      set(far, near, on);
    }
  }
}

/** The remainder of value · x^degree by a polynomial of that degree. */
function remainder(value, degree, polynomial) {
  let rest = value;
  for (let step = 0; step < degree; step++) rest = rest << 1 ^ (rest >> degree - 1) * polynomial;
  return rest;
}

/** Level L and the mask, twice, beside the corners. */
function drawFormat(mask, size, set) {
  const level = 1 << 3 | mask, bits = (level << 10 | remainder(level, 10, 0x537)) ^ 0x5412;
  for (let at = 0; at < 15; at++) {
    const on = (bits >> at & 1) === 1;
    if (at < 6) set(8, at, on); else if (at < 8) set(8, at + 1, on); else set(at === 8 ? 7 : 14 - at, 8, on);
    if (at < 8) set(size - 1 - at, 8, on); else set(8, size - 15 + at, on);
  }
  set(8, size - 8, true);
}

/** Two columns at a time from the right, up and down in turn, the column of the timing pattern left out. */
function drawWords(words, size, dark, isFixed) {
  let at = 0, isUp = true;
  for (let right = size - 1; right > 0; right -= 2, isUp = !isUp) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step++) {
      const y = isUp ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (isFixed[y][x] || at >= 8 * words.length) continue;
        dark[y][x] = (words[at >> 3] >> 7 - (at & 7) & 1) === 1;
        at++;
      }
    }
  }
}

/** How hard the pattern is to read: runs, squares, what looks like a corner, and too much of one colour. */
function penalty(dark, size) {
  let cost = 0, count = 0;
  const columns = dark[0].map((_, x) => dark.map(row => row[x]));
  for (const line of [...dark, ...columns]) {
    const text = line.map(Number).join('');
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) cost += run.length - 2;
    for (const pattern of CORNER_LIKE) for (let at = -1; (at = text.indexOf(pattern, at + 1)) >= 0;) cost += 40;
  }
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (dark[y][x]) count++;
      const beside = x && y ? [dark[y][x - 1], dark[y - 1][x], dark[y - 1][x - 1]] : [!dark[y][x]];
      if (beside.every(other => other === dark[y][x])) cost += 3;
    }
  }
  return cost + 10 * Math.floor(Math.abs(20 * count - 10 * size * size) / (size * size));
}
