// Sealed blob, version 1 (docs/sealed-blob.md): sizes, header, keys, padding, index. Numbers and bytes only.

/** Plaintext bytes of every chunk but the last. */
export const CHUNK = 65536;
/** Bytes that sealing adds to a chunk. */
export const TAG = 16;
/** Bytes of a sealed chunk but the last. */
export const SEALED = CHUNK + TAG;
/** Bytes before the first chunk. */
export const HEADER = 64;
/** Bytes of the plaintext's size, which ends the padded plaintext. */
export const TRAILER = 8;
/** Bytes that the index has for a chunk: its SHA-256. */
export const LEAF = 32;
/** Chunks that are worked on at a time: 1 MiB. */
export const RUN = 16;

/** Padded plaintexts of at least this size are sealed with an index. */
const INDEXED_FROM = 2 ** 20;
const CHUNK_LIMIT = 2 ** 32;
const KEY_LABEL = 'sealed-blob/v1\0';
const INDEX_LABEL = 'sealed-blob/v1 index\0';
/** magic, version, suite, chunk size */
const FIXED = [0x53, 0x42, 0x4c, 0x42, 1, 1, 16];
const SALT = 24;

/** Why something was refused. `code` is a word of docs/sealed-blob.md, of the server, or of this library. */
export class Refused extends Error {
  /** @param {string} code @param {string | number} [detail] */
  constructor(code, detail = '') {
    super(detail === '' ? code : `${code}: ${detail}`);
    this.name = 'Refused';
    this.code = code;
    this.detail = String(detail);
  }
}

/**
 * The layout of a blob.
 * @typedef {{ size: number, indexed: boolean, chunks: number, padded: number, indexAt: number }} Geometry
 *   `padded`: bytes of plaintext, zeros and trailer. `indexAt`: where the chunks end.
 */

/**
 * The layout of a blob of `size` bytes. Throws `length` where none has that size.
 * @param {number} size @param {boolean} indexed @returns {Geometry}
 */
export function geometry(size, indexed) {
  const body = size - HEADER, chunks = Math.ceil(body / (SEALED + (indexed ? LEAF : 0)));
  const indexAt = size - (indexed ? LEAF * chunks : 0), last = indexAt - HEADER - (chunks - 1) * SEALED;
  if (!Number.isSafeInteger(size) || body <= 0 || chunks > CHUNK_LIMIT || last < TAG + TRAILER) {
    throw new Refused('length', size);
  }
  return { size, indexed, chunks, padded: indexAt - HEADER - TAG * chunks, indexAt };
}

/**
 * Whether a blob of `size` bytes can hold a plaintext of `plain` bytes; with index or without if `indexed` is absent.
 * @param {number} size @param {number} plain @param {boolean} [indexed]
 */
export function fits(size, plain, indexed) {
  return (indexed === undefined ? [false, true] : [indexed]).some(flag => {
    try { return plain <= geometry(size, flag).padded - TRAILER; } catch { return false; }
  });
}

/**
 * The layout that a plaintext of `plain` bytes gets. Throws `too-large`.
 * @param {number} plain @param {string} [padding] `none`, `sixteenths`, `eighths` or `power-of-two`
 * @param {boolean} [isIndexed] instead of what the size says @returns {Geometry}
 */
export function sealedGeometry(plain, padding = 'eighths', isIndexed) {
  const steps = { none: 0, sixteenths: 16, eighths: 8, 'power-of-two': 1 }[padding];
  if (steps === undefined) throw new RangeError(`no padding is called ${padding}`);
  if (!Number.isSafeInteger(plain) || plain < 0) throw new Refused('too-large', plain);
  let padded = plain + TRAILER;
  if (steps > 0) {
    padded = Math.max(padded, 4096);
    let octave = 4096;
    while (octave * 2 <= padded) octave *= 2;
    padded = Math.ceil(padded / (octave / steps)) * (octave / steps);
  }
  // The trailer never lies in two chunks.
  const last = padded % CHUNK;
  if (last > 0 && last < TRAILER) padded += TRAILER - last;
  const chunks = Math.ceil(padded / CHUNK), indexed = isIndexed ?? padded >= INDEXED_FROM;
  if (chunks > CHUNK_LIMIT) throw new Refused('too-large', plain);
  return geometry(HEADER + padded + chunks * (TAG + (indexed ? LEAF : 0)), indexed);
}

/**
 * Whether the blob that begins so is indexed. Throws `magic`, `version`, `suite`, `parameters`.
 * @param {Uint8Array} header
 */
export function readFlags(header) {
  const names = ['magic', 'magic', 'magic', 'magic', 'version', 'suite', 'parameters'];
  const wrong = FIXED.findIndex((byte, i) => header[i] !== byte);
  if (wrong >= 0) throw new Refused(names[wrong], header[wrong]);
  if (header[7] > 1) throw new Refused('parameters', header[7]);
  return header[7] === 1;
}

/**
 * The key of the chunks. Throws `commitment`, after a comparison in constant time.
 * @param {Uint8Array} header @param {Uint8Array} key @param {Hmac} hmac HMAC-SHA-512
 * @typedef {(key: Uint8Array, message: Uint8Array) => Uint8Array} Hmac
 */
export function unlock(header, key, hmac) {
  const { chunkKey, commitment } = derive(header.subarray(0, HEADER / 2), key, hmac);
  const difference = commitment.reduce((all, byte, i) => all | (byte ^ header[HEADER / 2 + i]), 0);
  if (difference !== 0) throw new Refused('commitment');
  return chunkKey;
}

/**
 * A new header, and the key of its chunks.
 * @param {boolean} indexed @param {Uint8Array} key @param {Hmac} hmac @param {Uint8Array} [salt]
 */
export function newHeader(indexed, key, hmac, salt = crypto.getRandomValues(new Uint8Array(SALT))) {
  const prefix = Uint8Array.of(...FIXED, indexed ? 1 : 0, ...salt);
  const { chunkKey, commitment } = derive(prefix, key, hmac);
  return { header: join(prefix, commitment), chunkKey };
}

/** @param {Uint8Array} prefix @param {Uint8Array} key @param {Hmac} hmac */
function derive(prefix, key, hmac) {
  const material = hmac(key, join(utf8(KEY_LABEL), prefix, Uint8Array.of(1)));
  return { chunkKey: material.slice(0, 32), commitment: material.slice(32) };
}

/**
 * What the root of an index is the SHA-256 of, but for the index itself, which follows.
 * @param {Uint8Array} header
 */
export function rootPrefix(header) {
  return join(utf8(INDEX_LABEL), header);
}

/**
 * Judges how the padded plaintext ends. `take` is given the opened chunks in their order and says how many bytes of
 * each belong to the file; `check`, after the last, throws `trailer` or `padding`.
 * @param {Geometry} layout @param {number} plain
 */
export function endCheck(layout, plain) {
  let isSpoiled = false, told = -1n;
  return {
    /** @param {Uint8Array} opened @param {number} index */
    take(opened, index) {
      const isLast = index === layout.chunks - 1, end = opened.length - (isLast ? TRAILER : 0);
      const kept = Math.max(0, Math.min(plain - index * CHUNK, opened.length));
      for (let i = kept; i < end; i++) if (opened[i] !== 0) isSpoiled = true;
      if (isLast) told = new DataView(opened.buffer, opened.byteOffset + end, TRAILER).getBigUint64(0);
      return kept;
    },
    check() {
      if (told !== BigInt(plain) || plain > layout.padded - TRAILER) throw new Refused('trailer');
      if (isSpoiled) throw new Refused('padding');
    },
  };
}

/**
 * The fields that are there.
 * @template {{}} T @param {T} fields @returns {T}
 */
export function withoutAbsent(fields) {
  return /** @type {T} */ (Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
}

// MARK: Bytes as text

/** @param {string} text */
export function utf8(text) { return new TextEncoder().encode(text); }

/** @param {Uint8Array[]} parts */
export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

/** @param {Uint8Array} a @param {Uint8Array} b */
export function isEqual(a, b) { return a.length === b.length && a.every((byte, i) => byte === b[i]); }

/** Lower-case hexadecimal. @param {Uint8Array} bytes */
export function hex(bytes) { return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(''); }

/** @param {string} digits as `hex` gives them */
export function fromHex(digits) { return Uint8Array.from(digits.match(/../g) ?? [], pair => parseInt(pair, 16)); }

/** Base64 with the URL-safe alphabet and without padding. @param {Uint8Array} bytes */
export function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The bytes; undefined for any other spelling than the one that `base64url` gives. @param {string} text */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, character => character.charCodeAt(0));
  return base64url(bytes) === text ? bytes : undefined;
}
