import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CHUNK, base64url, fits, fromBase64url, fromHex, geometry, hex, readFlags, sealedGeometry,
} from '../../Web/format.mjs';
import { recipientName } from '../../Web/receipt.mjs';
import { json, newCipher, wasm } from './support.mjs';

const LARGEST = 2 ** 48;

test('sizes that no blob has are refused', () => {
  const none = [-1, 0, 63, 64, 87, 64 + 65_552 + 1, 64 + 65_552 + 23, NaN, Infinity, 88.5, 2 ** 53, LARGEST + 2 ** 37];
  for (const size of none) {
    assert.throws(() => geometry(size, false), { code: 'length' }, String(size));
  }
  for (const size of [-1, 64, 88, 119, 64 + 65_584 + 1, 64 + 65_584 + 55, NaN, 2 ** 53]) {
    assert.throws(() => geometry(size, true), { code: 'length' }, String(size));
  }
});

test('the largest blobs are exact', () => {
  const plain = LARGEST - 8;
  for (const isIndexed of [false, true]) {
    const layout = sealedGeometry(plain, 'none', isIndexed);
    assert.deepEqual([layout.chunks, layout.padded], [2 ** 32, LARGEST]);
    assert.equal(layout.size, 64 + LARGEST + 2 ** 32 * (isIndexed ? 48 : 16));
    assert.ok(fits(layout.size, plain, isIndexed) && !fits(layout.size, plain + 1, isIndexed));
    assert.throws(() => sealedGeometry(plain + 1, 'none', isIndexed), { code: 'too-large' });
  }
});

test('what is sealed has the layout that its length tells, few zeros, and its trailer whole', () => {
  const fractions = { none: Infinity, sixteenths: 16, eighths: 8, 'power-of-two': 1 };
  const sizes = [0, 1, 4088, 4089, 65_528, 65_529, 65_535, 65_536, 131_064, 999_999, 1_048_567, 1_048_568, 2 ** 40 + 1];
  for (const [padding, fraction] of Object.entries(fractions)) {
    for (const plain of sizes) {
      const layout = sealedGeometry(plain, padding), least = Math.max(plain + 8, padding === 'none' ? 0 : 4096);
      assert.deepEqual(geometry(layout.size, layout.indexed), layout);
      assert.equal(layout.indexed, layout.padded >= 2 ** 20);
      assert.ok(layout.padded >= least);
      const step = Math.max(8, 2 ** Math.floor(Math.log2(least)) / fraction);
      assert.ok(layout.padded < least + step, `${padding} ${plain}`);
      const last = layout.padded % CHUNK;
      assert.ok(last === 0 || last >= 8);
    }
  }
  assert.throws(() => sealedGeometry(1, 'halves'), RangeError);
  for (const plain of [-1, 0.5, NaN, Infinity]) assert.throws(() => sealedGeometry(plain), { code: 'too-large' });
});

test('a header is refused by the first thing that is wrong with it', () => {
  const right = Uint8Array.of(0x53, 0x42, 0x4c, 0x42, 1, 1, 16, 0);
  assert.equal(readFlags(right), false);
  assert.equal(readFlags(Uint8Array.of(...right.subarray(0, 7), 1)), true);
  const words = ['magic', 'magic', 'magic', 'magic', 'version', 'suite', 'parameters', 'parameters'];
  for (const [at, code] of words.entries()) {
    const wrong = right.slice();
    wrong.fill(0xff, at);
    assert.throws(() => readFlags(wrong), { code });
  }
});

test('bytes have one spelling in base64url', () => {
  for (let count = 0; count < 40; count++) {
    const bytes = Uint8Array.from({ length: count }, (_, i) => 255 - 7 * i), text = base64url(bytes);
    assert.equal(text, Buffer.from(bytes).toString('base64url'));
    assert.deepEqual(fromBase64url(text), bytes);
    assert.deepEqual(fromHex(hex(bytes)), bytes);
  }
  for (const text of ['A', 'AB', 'AAB', 'AA==', 'A+A', 'A/A', 'A A', 'AAAAA', 'é']) {
    assert.equal(fromBase64url(text), undefined, text);
  }
});

test('the hashes are those of Node, in pieces and at a stroke', async () => {
  const { createHash, createHmac } = await import('node:crypto'), cipher = await newCipher();
  for (const count of [0, 1, 55, 56, 64, 65_535, 65_536, 200_000]) {
    const bytes = Uint8Array.from({ length: count }, (_, i) => i * i);
    const parts = [bytes.subarray(0, 70_000), bytes.subarray(70_000)];
    const expected = createHash('sha256').update(bytes).digest('hex');
    assert.equal(hex(cipher.sha256(...parts)), expected);
    cipher.whole.start();
    for (const part of parts) {
      cipher.whole.add(part);
      cipher.sha256(part);
    }
    assert.equal(hex(cipher.whole.end()), expected);
    const [key, message] = [bytes.subarray(0, 32), bytes.subarray(32, 900)];
    assert.equal(hex(cipher.hmacSHA512(key, message)), createHmac('sha512', key).update(message).digest('hex'));
  }
});

test('nothing of a key or plaintext stays in the memory of the cipher once it is wiped', async () => {
  const cipher = await newCipher(), mark = new Uint8Array(32).fill(0xa5);
  cipher.setKey(mark);
  cipher.plain(3, 32).set(mark);
  cipher.hmacSHA512(mark, mark);
  cipher.whole.start();
  cipher.whole.add(mark);
  const memory = Buffer.from(cipher.plain(0, 1).buffer), sealed = cipher.sealed(0, 16 * 65_552);
  assert.ok(memory.includes(mark));
  cipher.wipe();
  sealed.fill(0);
  assert.ok(!memory.includes(mark.subarray(0, 16)));
});

test('names of recipients are those of the vectors', async () => {
  const vectors = json('Tests/MediaClientTests/Vectors/recipient-names-v2.json');
  assert.ok(vectors.length > 0);
  for (const { person, address, receipt, name } of vectors) {
    const message = { sha256: address, receipt: base64url(fromHex(receipt)) };
    assert.equal(await recipientName(message, fromHex(person)), name);
  }
});

test('sodium.wasm is what its sources give, twice, and asks for nothing', t => {
  const module = new WebAssembly.Module(wasm);
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const script = fileURLToPath(new URL('../../Web/sodium/build', import.meta.url));
  const { status, stdout, stderr } = spawnSync(script, ['--check'], { encoding: 'utf8', timeout: 600_000 });
  if (status === 77) return t.skip(stderr.trim());
  assert.equal(status, 0, stdout + stderr);
});
