// What the tests of the JavaScript library share.
import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import http from 'node:http';
import { base64url, fromHex, join } from '../../Web/format.mjs';
import { sealBlob } from '../../Web/journey.mjs';
import { makeCipher } from '../../Web/sodium.mjs';

// Node 18 has it under this name alone.
globalThis.crypto ??= webcrypto;

export const file = path => readFileSync(new URL(`../../${path}`, import.meta.url));
export const json = path => JSON.parse(file(path).toString());
export const wasm = file('Web/sodium/sodium.wasm');
export const newCipher = () => makeCipher(wasm);

/** Byte i is (i ^ i>>8 ^ i>>16) & 255: the plaintext of all vectors. */
export function pattern(count) {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) bytes[i] = i ^ i >> 8 ^ i >> 16;
  return bytes;
}

/** Seals `plain` and gives the blob with the facts of it. */
export async function sealed(cipher, plain, key, options) {
  const parts = [];
  const facts = await sealBlob(new Blob([plain]), key, cipher, bytes => { parts.push(bytes.slice()); }, options);
  return { ...facts, bytes: join(...parts), blob: new Blob(parts) };
}

export const KEY = fromHex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');

/** The message for a sealed blob below `base`. */
export function messageFor(base, { sha256, size, root }, plain, key = KEY) {
  const media = { type: 'application/octet-stream', size: plain };
  return { v: 1, url: `${base}/${sha256}`, sha256, size, key: base64url(key), ...(root && { root }), media };
}

/** A sink that collects a file of `size` bytes in `bytes`. */
export function collector(size) {
  const bytes = new Uint8Array(size);
  return Object.assign((piece, at) => { bytes.set(piece, at); }, { bytes });
}

/** Runs a server on a port that the system picks, and ends it with the test. */
export async function serve(t, handler) {
  const server = http.createServer(handler);
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise(resolve => server.close(resolve));
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** Answers as a store does that holds `blob`: the whole, or one range of it. */
export function answerBlob(blob, request, response) {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0), end = first === undefined ? blob.length : Math.min(Number(last) + 1, blob.length);
  const headers = { 'Content-Length': end - start };
  if (first !== undefined) headers['Content-Range'] = `bytes ${start}-${end - 1}/${blob.length}`;
  response.writeHead(first === undefined ? 200 : 206, headers);
  return blob.subarray(start, end);
}

/** Pauses that take no time, and remember how long they would have been. */
export function noPauses() {
  const pauses = [];
  return Object.assign(async milliseconds => { pauses.push(milliseconds); }, { pauses });
}

/** What `promise` is rejected with, as docs/sealed-blob.md writes it: `chunk(3)`; null if it is not. */
export async function refusal(promise) {
  try { await promise; } catch (error) {
    if (error.code === undefined) throw error;
    return ['chunk', 'leaf'].includes(error.code) ? `${error.code}(${error.detail})` : error.code;
  }
  return null;
}
