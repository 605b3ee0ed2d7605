// What becomes of the ICC profile of a JPEG that keeps its own pixels: colour stays, identity goes, by the rule of the
// command (docs/media.md). One that describes sRGB is not needed. Any other is made anew from its white, primaries and
// curves; what has lookup tables alone goes whole. Specification: ICC.1:2022 (version 4.4), ICC.1:2001-04 (version 2).
import { join, utf8 } from './format.mjs';

const TAG_LIMIT = 100;
/** The tags that describe the colours of each space. */
const COLOURS = { 'RGB ': ['rXYZ', 'gXYZ', 'bXYZ', 'rTRC', 'gTRC', 'bTRC'], GRAY: ['kTRC'] };
const CURVES = /^.TRC$/;
/** The type of each other tag, and how many bytes of numbers it has, unless it is `XYZ ` with three numbers. @type {Record<string, [string, number]>} */
const NUMBERS = { chad: ['sf32', 36], cicp: ['cicp', 4] };
/** How many values a curve of each kind has. */
const PARAMETERS = [1, 3, 4, 5, 7];
/** sRGB's primaries, adapted to D50, in units of 1/65536, and how far each number and its curve may be away. */
const SRGB = [0x6fa2, 0x38f5, 0x390, 0x6299, 0xb785, 0x18da, 0x24a0, 0xf84, 0xb6cf], TOLERANCE = 48;
const SRGB_CODES = '1,13,0,1';
const D50 = [0xf6d6, 0x10000, 0xd32d];

/**
 * The profile to write; undefined where none is needed, or `profile` is damaged or not of a picture with so many
 * `channels`.
 * @param {Uint8Array} profile @param {number} channels
 */
export function cleanProfile(profile, channels) {
  try { return madeAnew(profile, { 1: 'GRAY', 3: 'RGB ' }[channels] ?? ''); } catch { return undefined; }
}

/** @param {Uint8Array} profile @param {string} space */
function madeAnew(profile, space) {
  const view = viewOf(profile), size = view.getUint32(0), own = COLOURS[space], major = view.getUint8(8), intent = view.getUint32(64);
  const count = view.getUint32(128), [kind, connection] = [nameAt(profile, 12), nameAt(profile, 20)];
  const isKnown = own && size <= profile.length && nameAt(profile, 36) === 'acsp' && (major === 2 || major === 4) && nameAt(profile, 16) === space
    && ['mntr', 'scnr', 'prtr', 'spac'].includes(kind) && intent < 4 && count <= TAG_LIMIT
    && (connection === 'XYZ ' || space === 'GRAY' && connection === 'Lab ');
  if (!isKnown) return undefined;
  const places = new Map();
  for (let entry = 132; entry < 132 + 12 * count; entry += 12) {
    const at = view.getUint32(entry + 4), length = view.getUint32(entry + 8);
    if (at < 132 + 12 * count || at + length > size) return undefined;
    places.set(nameAt(profile, entry), [at, length]);
  }
  if (places.size !== count) return undefined;
  const tags = ['wtpt', 'chad', 'cicp', ...own].filter(name => places.has(name))
    .map(name => /** @type {[string, Uint8Array]} */ ([name, contents(profile, places, name)]));
  const made = new Map(tags);
  if (!['wtpt', ...own].every(name => made.has(name)) || isSRGB(made, own)) return undefined;
  return written(major, kind, space, connection, intent, tags);
}

/** @param {Uint8Array} bytes */
const viewOf = bytes => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** @param {Uint8Array} bytes @param {number} at */
const nameAt = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));

/**
 * A tag made anew from what was understood, so that nothing else can be in it. Throws for one that is incomplete, of
 * another type, or in which another tag begins: its text would pass for numbers.
 * @param {Uint8Array} profile @param {Map<string, [number, number]>} places @param {string} name
 */
function contents(profile, places, name) {
  const [at, length] = places.get(name) ?? [0, 0], bytes = profile.subarray(at, at + length), view = viewOf(bytes);
  for (const [start, other] of places.values()) {
    if (start >= at && start < at + length && !(start === at && other === length)) throw new RangeError(name);
  }
  const type = nameAt(bytes, 0), [due, fixed] = NUMBERS[name] ?? ['XYZ ', 12];
  const count = !CURVES.test(name) ? fixed : type === 'curv' ? 4 + 2 * view.getUint32(8)
    : 4 + 4 * PARAMETERS[view.getUint16(8)];
  const isRight = CURVES.test(name) ? type === 'curv' || type === 'para' : type === due;
  if (!isRight || !(8 + count <= length)) throw new RangeError(name);
  const made = bytes.slice(0, 8 + count);
  made.fill(0, 4, 8);
  if (type === 'para') made.fill(0, 10, 12);
  return made;
}

/** @param {Map<string, Uint8Array>} made @param {string[]} own */
function isSRGB(made, own) {
  const codes = made.get('cicp')?.subarray(8).join(), isColoured = own.length > 1;
  const numbers = own.filter(name => !CURVES.test(name)).flatMap(name => {
    const view = viewOf(made.get(name));
    return [8, 12, 16].map(at => view.getInt32(at));
  });
  return (codes === undefined || isColoured && codes === SRGB_CODES)
    && numbers.every((number, i) => Math.abs(number - SRGB[i]) <= TOLERANCE)
    && own.filter(name => CURVES.test(name)).every(name => hasCurveOfSRGB(made.get(name)));
}

/** @param {Uint8Array} tag */
function hasCurveOfSRGB(tag) {
  for (let step = 0; step < 4096; step++) {
    const x = step / 4095, light = x > 0.04045 ? ((x + 0.055) / 1.055) ** 2.4 : x / 12.92;
    if (!(Math.abs(curveAt(tag, x) - light) <= TOLERANCE / 65536)) return false;
  }
  return true;
}

/** The light for `x` in 0 … 1 (ICC.1:2022, 10.6 and 10.18). @param {Uint8Array} tag @param {number} x */
function curveAt(tag, x) {
  const view = viewOf(tag);
  if (nameAt(tag, 0) === 'curv') {
    const last = view.getUint32(8) - 1, place = Math.min(Math.floor(x * last), last - 1);
    if (last < 0) return x;
    if (last === 0) return x ** (view.getUint16(12) / 256);
    const [low, high] = [0, 2].map(offset => view.getUint16(12 + 2 * place + offset));
    return (low + (high - low) * (x * last - place)) / 65535;
  }
  const kind = view.getUint16(8), number = (/** @type {number} */ i) => view.getInt32(12 + 4 * i) / 65536;
  const power = (/** @type {number} */ base) => Math.max(base, 0) ** number(0);
  if (kind === 0) return power(x);
  const base = number(1) * x + number(2);
  if (kind < 3) return (base >= 0 ? power(base) : 0) + (kind === 2 ? number(3) : 0);
  if (x >= number(4)) return power(base) + (kind === 4 ? number(5) : 0);
  return number(3) * x + (kind === 4 ? number(6) : 0);
}

/**
 * A profile that names nobody, of 2000-01-01. Equal tags share their bytes.
 * @param {number} major @param {string} kind @param {string} space @param {string} connection @param {number} intent
 * @param {[string, Uint8Array][]} tags
 */
function written(major, kind, space, connection, intent, tags) {
  const all = [['desc', textTag(major, 'desc', space === 'GRAY' ? 'Gray' : 'RGB')], ['cprt', textTag(major, 'text', 'none')],
    ...tags];
  const start = 132 + 12 * all.length, offsets = new Map(), table = [], data = [];
  let size = start;
  for (const [name, bytes] of all) {
    const same = bytes.join();
    if (!offsets.has(same)) {
      offsets.set(same, size);
      data.push(bytes, new Uint8Array(-bytes.length & 3));
      size += bytes.length + (-bytes.length & 3);
    }
    table.push(utf8(name), fourBytes(offsets.get(same), bytes.length));
  }
  // The tag cicp is of 4.4.
  const minor = major === 2 ? 0x10 : tags.some(([name]) => name === 'cicp') ? 0x40 : 0x30;
  const head = join(fourBytes(size, 0), Uint8Array.of(major, minor, 0, 0), utf8(kind + space + connection),
    Uint8Array.of(7, 0xd0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0), utf8('acsp'), new Uint8Array(24), fourBytes(intent, ...D50));
  return join(head, new Uint8Array(128 - head.length), fourBytes(all.length), ...table, ...data);
}

/** Version 2 has `desc` and `text`, version 4 `mluc`. @param {number} major @param {string} type @param {string} words */
function textTag(major, type, words) {
  const ascii = utf8(words);
  if (major === 4) {
    return join(utf8('mluc'), fourBytes(0, 1, 12), utf8('enUS'), fourBytes(2 * ascii.length, 28),
      Uint8Array.from([...ascii].flatMap(byte => [0, byte])));
  }
  if (type === 'text') return join(utf8(type), fourBytes(0), ascii, new Uint8Array(1));
  // The text with its zero, then no Unicode text (8 bytes) and no Macintosh text (70 bytes).
  return join(utf8(type), fourBytes(0, ascii.length + 1), ascii, new Uint8Array(79));
}

/** @param {number[]} values */
function fourBytes(...values) {
  return Uint8Array.from(values.flatMap(value => [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255]));
}
