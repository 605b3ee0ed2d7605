// What happens to a blob: fetched and opened, whole or by ranges, or sealed. One run of 16 chunks (1 MiB) at a time.
import {
  CHUNK, HEADER, LEAF, RUN, SEALED, TAG, TRAILER, Refused, base64url, endCheck, fits, fromBase64url, geometry, hex,
  isEqual, join, newHeader, readFlags, rootPrefix, sealedGeometry, unlock,
} from './format.mjs';
import { DISCREET, guard, refuseAnswer, retries } from './http.mjs';

/**
 * @typedef {import('./format.mjs').Geometry} Geometry
 * @typedef {import('./http.mjs').Options} Options
 * @typedef {import('./link.mjs').Message} Message
 * @typedef {import('./sodium.mjs').Cipher} Cipher
 */

const PATIENCE = 30_000;
/** The most bytes that are read at a time. */
const PIECE = 2 ** 18;
/** The longest index that is held to check ranges: that of a film of 34 GB. */
const HELD_INDEX_LIMIT = 2 ** 24;

// MARK: Fetching

/**
 * The bytes from `start` until `end` of a blob of `size` bytes, as they come. A piece lies in memory that is used again
 * for the next. Goes on where a connection broke. Throws
 * `length` for a server that has more or fewer, `not-found`, `gone`, `network`, and what else the server says.
 * @param {string} url @param {number} size @param {number} start @param {number} end @param {Options} options
 * @returns {AsyncGenerator<Uint8Array, void>}
 */
async function* bytesOf(url, size, start, end, options) {
  const tries = retries(options);
  for (let at = start; at < end;) {
    const request = guard(options.signal, options.patience ?? PATIENCE);
    /** @type {any} */
    let reader;
    try {
      const isWhole = at === 0 && end === size, headers = isWhole ? undefined : { Range: `bytes=${at}-${end - 1}` };
      const answer = await request.wait(fetch(url, { ...DISCREET, headers, signal: request.signal }));
      if (!answer.ok) await request.wait(refuseAnswer(answer));
      checkExtent(answer, isWhole, at, end, size);
      reader = readerOf(/** @type {ReadableStream<Uint8Array>} */ (answer.body));
      // One piece after the other goes into the same memory, or tens of megabytes would wait to be collected.
      let memory = new ArrayBuffer(PIECE);
      for (let read; !(read = await request.wait(reader.read(new Uint8Array(memory)))).done;) {
        memory = read.value.buffer;
        if (read.value.length === 0) continue;
        if (read.value.length > end - at) throw new Refused('length', size);
        at += read.value.length;
        tries.begin();
        yield read.value;
      }
      if (at < end) throw new Error('the connection ended early');
    } catch (error) {
      await tries.after(error);
    } finally {
      // Node forgets now and then that a signal ends an answer, whose connection would stay.
      reader?.cancel().catch(() => {});
      request.end();
    }
  }
}

/**
 * Reads into memory that it is given; where streams cannot, into memory of its own.
 * @param {ReadableStream<Uint8Array>} body
 */
function readerOf(body) {
  try { return body.getReader({ mode: 'byob' }); } catch { return body.getReader(); }
}

/**
 * Throws unless these are the bytes that were asked for, as far as the server says and this origin may see.
 * @param {Response} answer @param {boolean} isWhole @param {number} at @param {number} end @param {number} size
 */
function checkExtent(answer, isWhole, at, end, size) {
  const length = answer.headers.get('Content-Length'), range = answer.headers.get('Content-Range');
  if (answer.status !== (isWhole ? 200 : 206)) throw new Refused('refused', answer.status);
  if (range !== null && range !== `bytes ${at}-${end - 1}/${size}`) throw new Refused('length', range);
  if (length !== null && Number(length) !== end - at) throw new Refused('length', length);
}

/**
 * Fills what it is given with the next bytes.
 * @param {AsyncGenerator<Uint8Array, void>} pieces
 */
function filler(pieces) {
  let rest = new Uint8Array();
  /** @param {Uint8Array} target */
  return async target => {
    for (let at = 0; at < target.length;) {
      if (rest.length === 0) {
        const next = await pieces.next();
        if (next.done) throw new Refused('length');
        rest = next.value;
      }
      const part = rest.subarray(0, target.length - at);
      target.set(part, at);
      at += part.length;
      rest = rest.subarray(part.length);
    }
    return target;
  };
}

// MARK: Opening

/**
 * Fetches and opens the whole blob of a message. `sink` is given every opened piece with its place in the file: a view
 * of memory that is used again when what it returns has come. Nothing of it may be shown before this has returned.
 * Throws in the order of docs/sealed-blob.md: `length`, `magic`, `version`, `suite`, `parameters`, `commitment`,
 * `chunk`, `leaf`, `trailer`, `padding`, `index`, `digest`; and what `bytesOf` throws.
 * @param {Message} message @param {Cipher} cipher
 * @param {(bytes: Uint8Array, at: number) => void | Promise<void>} sink @param {Options} [options]
 */
export async function openBlob(message, cipher, sink, options = {}) {
  const { url, size, media: { size: plain } } = message;
  if (!fits(size, 0)) throw new Refused('length', size);
  const pieces = bytesOf(url, size, 0, size, options), fill = filler(pieces);
  try {
    const header = await fill(new Uint8Array(HEADER)), layout = geometry(size, readFlags(header));
    cipher.setKey(unlock(header, bytesOfText(message.key), cipher.hmacSHA512));
    cipher.whole.start();
    cipher.whole.add(header);
    const ending = endCheck(layout, plain), leaves = [];
    for (const run of runs(layout)) {
      const sealed = await fill(cipher.sealed(0, run.sealedCount));
      cipher.whole.add(sealed);
      const leaf = layout.indexed ? leavesOf(run, cipher) : undefined;
      let kept = 0;
      for (const { slot, index, isLast, count } of chunks(run, layout)) {
        kept += ending.take(cipher.open(slot, index, isLast, count + TAG), index);
      }
      if (kept > 0) await sink(cipher.plain(0, kept), run.first * CHUNK);
      if (leaf) leaves.push(await leaf);
      options.say?.({ done: Math.min((run.first + run.count) * CHUNK, plain), of: plain });
    }
    const root = await checkIndex(header, leaves, cipher, fill);
    ending.check();
    if (message.root !== undefined && message.root !== root) throw new Refused('index');
    if (hex(cipher.whole.end()) !== message.sha256) throw new Refused('digest');
  } finally {
    cipher.wipe();
    await pieces.return();
  }
}

/**
 * Reads the index and gives its root; undefined where there is none. Throws `leaf` for the first chunk that it lies of.
 * @param {Uint8Array} header @param {Uint8Array[]} leaves of each run @param {Cipher} cipher
 * @param {(target: Uint8Array) => Promise<Uint8Array>} fill
 */
async function checkIndex(header, leaves, cipher, fill) {
  if (leaves.length === 0) return undefined;
  cipher.part.start();
  cipher.part.add(rootPrefix(header));
  for (const [run, expected] of leaves.entries()) {
    const told = await fill(cipher.sealed(0, expected.length));
    const wrong = expected.findIndex((byte, i) => byte !== told[i]);
    if (wrong >= 0) throw new Refused('leaf', run * RUN + Math.floor(wrong / LEAF));
    cipher.whole.add(told);
    cipher.part.add(told);
  }
  return base64url(cipher.part.end());
}

// MARK: Ranges

/**
 * What it takes to open ranges of a blob: its layout, the key of its chunks, and its index if the message has a root.
 * @typedef {{ message: Message, layout: Geometry, chunkKey: Uint8Array, index: Uint8Array | undefined }} OpenRanges
 */

/**
 * Fetches header and index. Ranges of a blob whose message has a root hold against whoever has the key, all others
 * against everybody else. Throws as `openBlob`, `index` after `commitment`, and `room` for an index too long to hold.
 * @param {Message} message @param {Cipher} cipher @param {Options} [options] @returns {Promise<OpenRanges>}
 */
export async function openRanges(message, cipher, options = {}) {
  const { url, size, root, media: { size: plain } } = message;
  if (!fits(size, 0, root === undefined ? undefined : true)) throw new Refused('length', size);
  const header = await fetched(url, size, 0, HEADER, options), isIndexed = readFlags(header);
  const chunkKey = unlock(header, bytesOfText(message.key), cipher.hmacSHA512);
  if (root !== undefined && !isIndexed) throw new Refused('index');
  const layout = geometry(size, isIndexed);
  const index = root === undefined ? undefined : await fetchedIndex(url, layout, header, root, cipher, options);
  if (plain > layout.padded - TRAILER) throw new Refused('trailer');
  return { message, layout, chunkKey, index };
}

/**
 * The index that has this root.
 * @param {string} url @param {Geometry} layout @param {Uint8Array} header @param {string} root @param {Cipher} cipher
 * @param {Options} options
 */
async function fetchedIndex(url, { size, indexAt }, header, root, cipher, options) {
  if (size - indexAt > HELD_INDEX_LIMIT) throw new Refused('room', size - indexAt);
  const index = await fetched(url, size, indexAt, size, options);
  if (base64url(cipher.sha256(rootPrefix(header), index)) !== root) throw new Refused('index');
  return index;
}

/**
 * The plaintext from `from` until `until`, which lies in at most 16 chunks. Throws `leaf` before `chunk`, `trailer` and
 * `padding` if the last chunk is among them, and what `bytesOf` throws. Several may be opened with one cipher at the same time.
 * @param {OpenRanges} ranges @param {Cipher} cipher @param {number} from @param {number} until
 * @param {Options} [options]
 */
export async function openRange({ message, layout, chunkKey, index }, cipher, from, until, options = {}) {
  const first = Math.floor(from / CHUNK), run = runFrom(first, Math.ceil(until / CHUNK) - first, layout);
  const { url, media: { size: plain } } = message;
  if (!(from >= 0 && from < until && until <= plain && run.count <= RUN)) throw new RangeError('no such range');
  const sealed = await fetched(url, layout.size, run.start, run.start + run.sealedCount, options);
  // From here on nothing waits, so that no other range can come between.
  cipher.sealed(0, sealed.length).set(sealed);
  cipher.setKey(chunkKey);
  const ending = endCheck(layout, plain);
  for (const { slot, index: place, isLast, count } of chunks(run, layout)) {
    const leaf = index?.subarray(place * LEAF, (place + 1) * LEAF);
    if (leaf && !isEqual(leaf, cipher.sha256(cipher.sealed(slot, count + TAG)))) throw new Refused('leaf', place);
    ending.take(cipher.open(slot, place, isLast, count + TAG), place);
  }
  if (run.first + run.count === layout.chunks) ending.check();
  const opened = cipher.plain(0, until - first * CHUNK).slice(from - first * CHUNK);
  cipher.wipe();
  return opened;
}

/** @param {string} url @param {number} size @param {number} start @param {number} end @param {Options} options */
async function fetched(url, size, start, end, options) {
  const pieces = bytesOf(url, size, start, end, options), bytes = await filler(pieces)(new Uint8Array(end - start));
  await pieces.next();
  return bytes;
}

// MARK: Sealing

/**
 * Seals a file with a fresh key. `sink` is given the sealed bytes in their order, each piece a view of memory that is
 * used again when what it returns has come. Throws `too-large`, and `changed` if the file did not keep its size.
 * @param {Blob} file @param {Uint8Array} key used for nothing else @param {Cipher} cipher
 * @param {(bytes: Uint8Array, at: number) => void | Promise<void>} sink
 * @param {Options & { padding?: string, salt?: Uint8Array, isIndexed?: boolean }} [options] `salt` and `isIndexed` are
 *   there to make known blobs again
 */
export async function sealBlob(file, key, cipher, sink, options = {}) {
  const plain = file.size, layout = sealedGeometry(plain, options.padding, options.isIndexed), leaves = [];
  let at = 0;
  const write = async (/** @type {Uint8Array} */ bytes) => {
    cipher.whole.add(bytes);
    await sink(bytes, at);
    at += bytes.length;
  };
  try {
    const { header, chunkKey } = newHeader(layout.indexed, key, cipher.hmacSHA512, options.salt);
    cipher.setKey(chunkKey);
    cipher.whole.start();
    await write(header);
    for (const run of runs(layout)) {
      options.signal?.throwIfAborted();
      await readPadded(file, run, layout, cipher);
      for (const { slot, index, isLast, count } of chunks(run, layout)) cipher.seal(slot, index, isLast, count);
      const leaf = layout.indexed ? leavesOf(run, cipher) : undefined;
      await write(cipher.sealed(0, run.sealedCount));
      if (leaf) leaves.push(await leaf);
      options.say?.({ done: Math.min((run.first + run.count) * CHUNK, plain), of: plain });
    }
    cipher.part.start();
    cipher.part.add(rootPrefix(header));
    for (const part of leaves) {
      cipher.part.add(part);
      await write(part);
    }
    const root = layout.indexed ? base64url(cipher.part.end()) : undefined;
    return { sha256: hex(cipher.whole.end()), size: layout.size, root };
  } finally {
    cipher.wipe();
  }
}

/**
 * Puts a run of the padded plaintext where it is sealed from.
 * @param {Blob} file @param {Run} run @param {Geometry} layout @param {Cipher} cipher
 */
async function readPadded(file, run, layout, cipher) {
  const from = run.first * CHUNK, until = Math.min(from + run.count * CHUNK, layout.padded);
  const end = Math.min(until, file.size), padded = cipher.plain(0, until - from);
  let bytes = new Uint8Array();
  try {
    if (from < end) bytes = new Uint8Array(await file.slice(from, end).arrayBuffer());
  } catch { throw new Refused('changed'); }
  if (bytes.length !== Math.max(0, end - from)) throw new Refused('changed');
  padded.set(bytes);
  padded.fill(0, bytes.length);
  if (until < layout.padded) return;
  new DataView(padded.buffer, padded.byteOffset + padded.length - TRAILER).setBigUint64(0, BigInt(file.size));
}

// MARK: Runs

/**
 * Chunks beside each other: the first, how many, and where their sealed bytes lie.
 * @typedef {{ first: number, count: number, start: number, sealedCount: number }} Run
 * @param {number} first @param {number} count @param {Geometry} layout @returns {Run}
 */
function runFrom(first, count, layout) {
  const start = HEADER + first * SEALED;
  return { first, count, start, sealedCount: Math.min(start + count * SEALED, layout.indexAt) - start };
}

/** @param {Geometry} layout */
function* runs(layout) {
  for (let first = 0; first < layout.chunks; first += RUN) {
    yield runFrom(first, Math.min(RUN, layout.chunks - first), layout);
  }
}

/**
 * The chunks of a run: each with its slot, its place in the blob, and how many bytes its plaintext has.
 * @param {Run} run @param {Geometry} layout
 */
function* chunks(run, layout) {
  for (let slot = 0; slot < run.count; slot++) {
    const index = run.first + slot;
    yield { slot, index, isLast: index === layout.chunks - 1, count: Math.min(CHUNK, layout.padded - index * CHUNK) };
  }
}

/**
 * The leaves of the run that lies in the cipher's memory, which may change once this has returned. They are computed
 * beside the cipher where the engine has a SHA-256 of its own, which it has not on pages that came over plain HTTP.
 * @param {Run} run @param {Cipher} cipher
 */
async function leavesOf(run, cipher) {
  const digests = Array.from({ length: run.count }, (_, slot) => {
    const chunk = cipher.sealed(slot, Math.min(SEALED, run.sealedCount - slot * SEALED));
    return crypto.subtle?.digest('SHA-256', chunk) ?? cipher.sha256(chunk);
  });
  return join(...(await Promise.all(digests)).map(digest => new Uint8Array(digest)));
}

/** @param {string} text base64url */
function bytesOfText(text) {
  const bytes = fromBase64url(text);
  if (bytes === undefined) throw new Refused('link', 'k');
  return bytes;
}
