// A picture as it leaves: decoded upright, scaled, encoded anew. Nothing but pixels goes in, so nothing else comes out:
// no place, no camera, no time. Where a browser does not give the true pixels, a JPEG is stripped of what it tells.

import { join, utf8 } from './format.mjs';
import { cleanProfile } from './profile.mjs';
import { thumbHash } from './thumbhash.mjs';

// The long edges and qualities of docs/media.md; a lossless picture of up to `small` bytes stays lossless.
const RULES = {
  standard: { edge: 1600, quality: 0.8, small: 2 ** 18, lossless: 2560 },
  high: { edge: 4096, quality: 0.88, small: 2 ** 20, lossless: 4096 },
};
const LOSSLESS = ['image/png', 'image/bmp'];

/**
 * A picture made ready: `file` without its metadata, pixels as displayed, ThumbHash. `cleaned` is false, and `file` the
 * given one, where it must be asked first whether it may leave as it is. Null for what is no picture.
 */
export async function preparePicture(file, quality) {
  const type = pictureType(new Uint8Array(await file.slice(0, 32).arrayBuffer()));
  if (!type) return null;
  const isTrue = await canvasIsTrue(), bitmap = await createImageBitmap(file).catch(() => null);
  const facts = { width: bitmap?.width, height: bitmap?.height, hash: bitmap && isTrue ? likenessOf(bitmap) : undefined };
  const stripped = type === 'image/jpeg' ? await stripJPEG(file) : null;
  const canEncode = bitmap && isTrue && !await isAnimated(file, type);
  const encoded = canEncode ? await encode(bitmap, file, type, RULES[quality]) : null;
  bitmap?.close();
  if (encoded && (!stripped || encoded.file.size < stripped.size)) return { ...facts, ...encoded, cleaned: true };
  return { ...facts, type, file: stripped ?? file, cleaned: stripped !== null };
}

/** What the first bytes say; null for no picture. */
export function pictureType(bytes) {
  const text = String.fromCharCode(...bytes);
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (/^GIF8[79]a/.test(text)) return 'image/gif';
  if (/^RIFF[^]{4}WEBP/.test(text)) return 'image/webp';
  if (/^BM[^]{4}\0\0\0\0/.test(text)) return 'image/bmp';
  if (/^(II\*\0|MM\0\*)/.test(text)) return 'image/tiff';
  if (/^[^]{4}ftyp[^]*avi[fs]/.test(text)) return 'image/avif';
  if (/^[^]{4}ftyp(hei[cxms]|hev[cx]|mif1|msf1)/.test(text)) return 'image/heic';
  return null;
}

/** Whether there is more than one frame, of which a canvas would keep the first alone. */
async function isAnimated(file, type) {
  if (type === 'image/gif') return true;
  if (type === 'image/png') return isAnimatedPNG(file);
  const head = new Uint8Array(await file.slice(0, 64).arrayBuffer()), text = String.fromCharCode(...head);
  if (type === 'image/webp') return text.slice(12, 16) === 'VP8X' && (head[20] & 2) === 2;
  return /avis|hevc|hevx|msf1/.test(text);
}

/** Whether a chunk before the data says that frames follow. */
async function isAnimatedPNG(file) {
  for (let at = 8; at < file.size;) {
    const header = new DataView(await file.slice(at, at + 8).arrayBuffer());
    if (header.byteLength < 8) return false;
    const name = header.getUint32(4);
    if (name === 0x6163544c) return true;
    if (name === 0x49444154) return false;
    at += 12 + header.getUint32(0);
  }
  return false;
}

/** Whether the first bytes are those of a film or a sound, whatever its name says. */
export function isRecording(bytes) {
  const text = String.fromCharCode(...bytes);
  return /^(?:[^]{4}(?:ftyp|moov|mdat|wide|free|skip|pnot)|\x1aE\xdf\xa3|RIFF[^]{4}(?:WAVE|AVI )|FORM[^]{4}AIF|OggS|fLaC|ID3|#!AMR|FLV\x01)/
    .test(text) || /^(?:\xff[\xe2-\xff]|\0\0\x01[\xb3\xba]|0&\xb2u)/.test(text);
}

const canvas = (width, height) => {
  const surface = new OffscreenCanvas(width, height), ink = surface.getContext('2d', { willReadFrequently: true });
  ink.imageSmoothingQuality = 'high';
  return { surface, ink };
};

const fitted = ({ width, height }, edge) => {
  const scale = Math.min(1, edge / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
};

/** Draws a picture at a size, by halves first: one step over a large ratio would look ragged. */
function scaled(bitmap, [width, height], ground) {
  let source = bitmap;
  while (source.width >= 2 * width && source.height >= 2 * height) {
    const half = canvas(Math.ceil(source.width / 2), Math.ceil(source.height / 2));
    half.ink.drawImage(source, 0, 0, half.surface.width, half.surface.height);
    source = half.surface;
  }
  const { surface, ink } = canvas(width, height);
  if (ground) {
    ink.fillStyle = ground;
    ink.fillRect(0, 0, width, height);
  }
  ink.drawImage(source, 0, 0, width, height);
  return { surface, ink };
}

const likenessOf = bitmap => {
  const [width, height] = fitted(bitmap, 100);
  return thumbHash(scaled(bitmap, [width, height]).ink.getImageData(0, 0, width, height));
};

/** The new file with its size in pixels; null where the browser cannot, or where `rule` keeps it as it is. */
async function encode(bitmap, file, type, rule) {
  const isLossless = LOSSLESS.includes(type) && (!rule || file.size <= rule.small) || rule && seenThrough(bitmap);
  if (!rule && !isLossless) return null;
  const [width, height] = fitted(bitmap, !rule ? Infinity : isLossless ? rule.lossless : rule.edge);
  const form = isLossless ? { type: 'image/png' } : { type: 'image/jpeg', quality: rule.quality };
  const drawing = scaled(bitmap, [width, height], isLossless ? undefined : '#fff');
  const blob = await drawing.surface.convertToBlob(form).catch(() => null);
  if (blob?.type !== form.type) return null;
  const ending = isLossless ? '.png' : '.jpg', stem = file.name.replace(/\.[^.]*$/, '') || 'picture';
  return { file: new File([blob], stem + ending, form), type: form.type, width, height };
}

/** Whether a pixel lets something through: looked at, not believed. */
function seenThrough(bitmap) {
  const [width, height] = fitted(bitmap, 512);
  const { data } = scaled(bitmap, [width, height]).ink.getImageData(0, 0, width, height);
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return true;
  return false;
}

/**
 * Whether a canvas gives back what was drawn, directly and as a file. Browsers that guard against fingerprinting hand
 * out noise; a picture must not go through that.
 */
export async function canvasIsTrue() {
  const edge = 32, pattern = new Uint8ClampedArray(4 * edge * edge);
  for (let at = 0; at < pattern.length; at++) pattern[at] = at % 4 === 3 ? 255 : at * 37 + (at >> 5) * 11;
  try {
    const first = canvas(edge, edge), second = canvas(edge, edge);
    first.ink.putImageData(new ImageData(pattern, edge, edge), 0, 0);
    second.ink.drawImage(await createImageBitmap(await first.surface.convertToBlob({ type: 'image/png' })), 0, 0);
    const isPattern = ({ ink }) => ink.getImageData(0, 0, edge, edge).data.every((value, at) => value === pattern[at]);
    return isPattern(first) && isPattern(second);
  } catch {
    return false;
  }
}

const isName = (bytes, at, name) => [...name].every((letter, index) => bytes[at + index] === letter.charCodeAt(0));

/**
 * A JPEG without what describes its maker: of its segments stay the coded picture with its tables, Adobe's and JFIF's
 * head; its orientation is written anew, and so is its ICC profile if it needs one. Null for one whose structure is
 * damaged.
 */
export async function stripJPEG(file) {
  const bytes = new Uint8Array(await file.arrayBuffer()), view = new DataView(bytes.buffer), kept = [], profile = [];
  let turn = 1, channels = 0, head = [];
  for (let at = 2; ;) {
    if (at + 2 > bytes.length || bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1];
    if (marker === 0xff) { at++; continue; }
    if (marker === 0xd9) { kept.push(bytes.subarray(at, at + 2)); break; }
    if (at + 4 > bytes.length) return null;
    let end = at + 2 + view.getUint16(at + 2);
    if (end < at + 4 || end > bytes.length) return null;
    if (marker === 0xe1 && isName(bytes, at + 4, 'Exif\0\0')) turn = orientation(bytes.subarray(at + 10, end)) ?? turn;
    if (marker === 0xe0 && isName(bytes, at + 4, 'JFIF\0') && end - at >= 18) head = [jfif(bytes.subarray(at, at + 18))];
    if (marker === 0xe2 && isName(bytes, at + 4, PROFILE)) profile.push(bytes.subarray(at + 16, end));
    if (isFrame(marker)) channels = bytes[at + 9];
    if (marker === 0xda) end = endOfScan(bytes, end);
    if (!isTold(bytes, at, marker)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  if (turn !== 1) head.push(orientationSegment(turn));
  const clean = cleanProfile(assembled(profile), channels);
  if (clean?.length <= PROFILE_LIMIT) head.push(profileSegment(clean));
  return new File([bytes.subarray(0, 2), ...head, ...kept], file.name, { type: 'image/jpeg' });
}

/** What is before the number of a part of a profile; the most bytes of a profile in one segment. */
const PROFILE = 'ICC_PROFILE\0', PROFILE_LIMIT = 65_519;

/** The whole of parts that begin with their number, from 1, and how many there are; empty where one is missing. */
function assembled(parts) {
  const inOrder = parts.sort(([a], [b]) => a - b), isWhole = inOrder.every(([number, count], at) =>
    number === at + 1 && count === parts.length);
  return isWhole ? join(...inOrder.map(part => part.subarray(2))) : new Uint8Array();
}

function profileSegment(profile) {
  const length = profile.length + 16;
  return join(Uint8Array.of(0xff, 0xe2, length >> 8, length & 255), utf8(PROFILE), Uint8Array.of(1, 1), profile);
}

/** Whether a segment describes the picture that follows: its size, and its channels. */
const isFrame = marker => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Whether a segment tells something beside the picture: applications but for colour, comments, what is unknown. */
function isTold(bytes, at, marker) {
  if (marker === 0xee) return !isName(bytes, at + 4, 'Adobe');
  return !(marker >= 0xc0 && marker <= 0xcf || marker >= 0xda && marker <= 0xdf);
}

/** The position of the next marker behind coded data, in which FF is followed by 00 or a restart. */
function endOfScan(bytes, at) {
  for (; at + 1 < bytes.length; at++) {
    const next = bytes[at + 1];
    if (bytes[at] === 0xff && next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.length;
}

/** JFIF's head without its thumbnail. */
function jfif(segment) {
  const head = segment.slice();
  head.set([0, 16], 2);
  head.set([0, 0], 16);
  return head;
}

/** The orientation, 1 … 8, that a TIFF structure tells. */
function orientation(bytes) {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), isLittle = view.getUint16(0) === 0x4949;
    const folder = view.getUint32(4, isLittle), count = view.getUint16(folder, isLittle);
    for (let entry = folder + 2; entry < folder + 2 + 12 * count; entry += 12) {
      if (view.getUint16(entry, isLittle) !== 0x112) continue;
      const turn = view.getUint16(entry + 8, isLittle);
      return turn >= 1 && turn <= 8 ? turn : undefined;
    }
  } catch {
    // A structure that ends too early tells nothing.
  }
}

/** EXIF with an orientation and nothing else. */
function orientationSegment(turn) {
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0], head = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8];
  const entry = [1, 0x12, 0, 3, 0, 0, 0, 1, 0, turn, 0, 0];
  return Uint8Array.from([0xff, 0xe1, 0, 34, ...exif, ...head, 0, 1, ...entry, 0, 0, 0, 0]);
}
