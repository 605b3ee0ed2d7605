// The cipher and the hashes: libsodium's, as WebAssembly (sodium/shim.c).
import { CHUNK, Refused, SEALED, TAG } from './format.mjs';

/** The hash that runs over a whole blob, and the one that is made of its parts meanwhile. */
const WHOLE = 0, PART = 1;

/**
 * @typedef {Awaited<ReturnType<typeof makeCipher>>} Cipher One for each worker: it works on one blob at a time.
 */

/**
 * The cipher in sodium.wasm.
 * @param {WebAssembly.Module | BufferSource} wasm
 */
export async function makeCipher(wasm) {
  const module = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
  const { exports } = /** @type {any} */ (await WebAssembly.instantiate(module));
  // It never grows, so that views of it stay what they are.
  const memory = new Uint8Array(exports.memory.buffer);
  /** @param {string} name @param {number} count @param {number} [offset] */
  const place = (name, count, offset = 0) => {
    const start = exports[name].value + offset;
    return memory.subarray(start, start + count);
  };
  const input = place('input', CHUNK);

  /** @param {number} which */
  const hasher = which => ({
    start() { exports.hash_start(which); },
    /** @param {Uint8Array} bytes */
    add(bytes) {
      if (bytes.buffer === memory.buffer) return exports.hash_add(which, bytes.byteOffset, bytes.length);
      for (let at = 0; at < bytes.length; at += input.length) {
        const part = bytes.subarray(at, at + input.length);
        input.set(part);
        exports.hash_add(which, input.byteOffset, part.length);
      }
    },
    end() {
      exports.hash_end(which);
      return place('digest', 32).slice();
    },
  });

  return {
    /** Where the sealed chunk in this slot of the run lies. @param {number} slot @param {number} count */
    sealed: (slot, count) => place('sealed', count, slot * SEALED),
    /** Where the plaintext in this slot of the run lies. @param {number} slot @param {number} count */
    plain: (slot, count) => place('plain', count, slot * CHUNK),
    /** @param {Uint8Array} chunkKey */
    setKey(chunkKey) { place('key', 32).set(chunkKey); },
    /** Forgets the key and all plaintext. */
    wipe() { exports.wipe(); },

    /**
     * Opens the chunk of `count` bytes in this slot and gives its plaintext. Throws `chunk`.
     * @param {number} slot @param {number} index @param {boolean} isLast @param {number} count
     */
    open(slot, index, isLast, count) {
      if (exports.open_chunk(slot, index, isLast, count) !== 0) throw new Refused('chunk', index);
      return this.plain(slot, count - TAG);
    },
    /**
     * Seals the plaintext of `count` bytes in this slot and gives the sealed chunk.
     * @param {number} slot @param {number} index @param {boolean} isLast @param {number} count
     */
    seal(slot, index, isLast, count) {
      exports.seal_chunk(slot, index, isLast, count);
      return this.sealed(slot, count + TAG);
    },

    /** The SHA-256 that runs over a whole blob. */
    whole: hasher(WHOLE),
    /** Another beside it, which `sha256` uses too. */
    part: hasher(PART),
    /** The SHA-256 of these parts, one behind the other. @param {Uint8Array[]} parts */
    sha256(...parts) {
      this.part.start();
      for (const part of parts) this.part.add(part);
      return this.part.end();
    },
    /** @param {Uint8Array} key @param {Uint8Array} message */
    hmacSHA512(key, message) {
      input.set(key);
      input.set(message, key.length);
      exports.hmac_sha512(key.length, message.length);
      return place('digest', 64).slice();
    },
  };
}
