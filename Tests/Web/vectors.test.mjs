import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { CHUNK, RUN, base64url, fromHex, geometry, hex, newHeader, unlock } from '../../Web/format.mjs';
import { openBlob, openRange, openRanges } from '../../Web/journey.mjs';
import {
  KEY, answerBlob, collector, json, messageFor, newCipher, noPauses, pattern, refusal, sealed, serve,
} from './support.mjs';

const plain = json('Tests/SealingTests/Vectors/sealed-blob-v1.json');
const indexed = json('Tests/SealingTests/Vectors/sealed-blob-v1-indexed.json');
const salt = fromHex(plain.salt);
const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');

for (const [name, vectors, isIndexed] of [['plain', plain, false], ['indexed', indexed, true]]) {
  const { header, chunk_key, commitment } = vectors;
  test(`keys and header of ${name} blobs are those of the vectors`, async () => {
    const { hmacSHA512 } = await newCipher(), made = newHeader(isIndexed, KEY, hmacSHA512, salt);
    assert.equal(hex(made.header), header);
    assert.equal(hex(made.chunkKey), chunk_key);
    assert.equal(hex(made.header.subarray(32)), commitment);
    assert.deepEqual(unlock(made.header, KEY, hmacSHA512), made.chunkKey);
  });
}

// What a writer makes by the size alone, and what readers must take all the same.
const cases = [
  ...plain.cases.map(entry => ({ ...entry, indexed: false })),
  ...indexed.by_size.map(entry => ({ ...entry, bySize: true })),
  ...indexed.cases.map(entry => ({ ...entry, indexed: true })),
];

for (const entry of cases) {
  const { plaintext_bytes: size, padding, padded_bytes, blob_bytes, indexed: isIndexed } = entry;
  test(`${size} bytes, ${padding}, ${isIndexed ? 'with' : 'without'} index, are sealed and opened`, async t => {
    const cipher = await newCipher(), text = pattern(size);
    const blob = await sealed(cipher, text, KEY, { padding, salt, isIndexed: entry.bySize ? undefined : isIndexed });
    const layout = geometry(blob_bytes, isIndexed);
    assert.deepEqual([blob.size, blob.bytes.length, blob.sha256], [blob_bytes, blob_bytes, entry.sha256]);
    assert.deepEqual([layout.padded, layout.chunks], [padded_bytes, entry.chunks ?? layout.chunks]);
    assert.equal(blob.root, entry.root === undefined ? blob.root : base64url(fromHex(entry.root)));
    assert.equal(layout.indexAt, entry.index_offset ?? layout.indexAt);
    if (entry.index_sha256) assert.equal(sha256(blob.bytes.subarray(layout.indexAt)), entry.index_sha256);
    if (entry.blob) assert.equal(hex(blob.bytes), entry.blob);

    const base = await serve(t, (request, response) => response.end(answerBlob(blob.bytes, request, response)));
    const sink = collector(size);
    await openBlob(messageFor(base, blob, size), cipher, sink);
    assert.equal(sha256(sink.bytes), sha256(text));
  });
}

test('the smallest blob is the one in the vectors', async () => {
  const blob = await sealed(await newCipher(), new Uint8Array(), KEY, { padding: 'none', salt });
  assert.equal(hex(blob.bytes), plain.empty_unpadded_blob);
});

test('a fresh salt is taken for every sealing', async () => {
  const cipher = await newCipher(), salts = new Set();
  for (let i = 0; i < 3; i++) salts.add(hex((await sealed(cipher, new Uint8Array(9), KEY)).bytes.subarray(8, 32)));
  assert.equal(salts.size, 3);
});

// MARK: Readings of indexed blobs

const named = new Map();

/** The blob of a case of the vectors, made once. */
async function blobOf(cipher, name) {
  if (!named.has(name)) {
    const { plaintext_bytes: size, padding } = indexed.cases.find(entry => entry.name === name);
    named.set(name, { ...await sealed(cipher, pattern(size), KEY, { padding, salt, isIndexed: true }), plain: size });
  }
  return named.get(name);
}

/** A store whose blob can be put in its place at any time. */
async function store(t) {
  const place = { blob: undefined, base: '' };
  place.base = await serve(t, (request, response) => response.end(answerBlob(place.blob, request, response)));
  return place;
}

/** Every plaintext byte by ranges, as many at a time as may be. */
async function openByRanges(message, cipher, deliver = () => {}) {
  const ranges = await openRanges(message, cipher, { sleep: noPauses() });
  for (let at = 0; at < message.media.size; at += RUN * CHUNK) {
    deliver(await openRange(ranges, cipher, at, Math.min(at + RUN * CHUNK, message.media.size), { sleep: noPauses() }));
  }
}

test('ranges of indexed blobs are those of the vectors', async t => {
  const cipher = await newCipher(), place = await store(t);
  for (const entry of indexed.ranges) {
    const blob = await blobOf(cipher, entry.case), end = entry.last + 1;
    place.blob = blob.bytes;
    const ranges = await openRanges(messageFor(place.base, blob, blob.plain), cipher), parts = [];
    for (let at = entry.first; at < end;) {
      const until = Math.min(end, (Math.floor(at / CHUNK) + RUN) * CHUNK);
      parts.push(await openRange(ranges, cipher, at, until));
      at = until;
    }
    assert.equal(sha256(Buffer.concat(parts)), entry.sha256, JSON.stringify(entry));
  }
});

test('every range asks the store for the chunks that hold it and no others', async t => {
  const cipher = await newCipher(), blob = await blobOf(cipher, 'three'), asked = [];
  const base = await serve(t, (request, response) => {
    asked.push(request.headers.range);
    response.end(answerBlob(blob.bytes, request, response));
  });
  const ranges = await openRanges(messageFor(base, blob, blob.plain), cipher);
  for (const { first, last, sealed_first, sealed_last } of indexed.ranges.filter(entry => entry.case === 'three')) {
    asked.length = 0;
    await openRange(ranges, cipher, first, last + 1);
    assert.deepEqual(asked, [`bytes=${sealed_first}-${sealed_last}`]);
  }
});

test('no range is opened that the file has not', async t => {
  const cipher = await newCipher(), blob = await blobOf(cipher, '20 MiB'), place = await store(t);
  place.blob = blob.bytes;
  const ranges = await openRanges(messageFor(place.base, blob, blob.plain), cipher);
  for (const [from, until] of [[-1, 5], [5, 5], [6, 5], [0, blob.plain + 1], [0, RUN * CHUNK + 1], [NaN, 1]]) {
    await assert.rejects(openRange(ranges, cipher, from, until), RangeError, `${from} ${until}`);
  }
});

for (const reading of indexed.readings) {
  test(`an indexed blob is read: ${reading.name}`, async t => {
    const cipher = await newCipher(), original = await blobOf(cipher, reading.case), place = await store(t);
    const bytes = original.bytes.slice(0, reading.blob_bytes);
    for (const { at, hex: digits, from, count } of reading.edits) {
      bytes.set(digits === undefined ? original.bytes.subarray(from, from + count) : fromHex(digits), at);
    }
    place.blob = bytes;
    const root = reading.root ? base64url(fromHex(reading.root)) : undefined;
    const facts = { sha256: reading.address ?? sha256(bytes), size: bytes.length, root };
    const message = messageFor(place.base, facts, reading.plaintext_bytes ?? original.plain);
    const sink = collector(message.media.size);
    assert.equal(await refusal(openBlob(message, cipher, sink, { sleep: noPauses() })), reading.whole, 'whole');
    assert.equal(await refusal(openByRanges(message, cipher)), reading.range, 'range');
  });
}

for (const flip of indexed.flips) {
  const { first, last, xor, whole, range } = flip;
  test(`${flip.case}: byte ${first} to ${last}, changed by ${xor}, is noticed`, async t => {
    const cipher = await newCipher(), original = await blobOf(cipher, flip.case), place = await store(t);
    const message = messageFor(place.base, original, original.plain);
    // Every byte of header and index; of a long chunk, some of each part and the whole tag.
    const places = Array.from({ length: last - first + 1 }, (_, i) => first + i)
      .filter(at => last - first < 200 || at < first + 3 || at > last - 18 || at % 9973 === 0);
    for (const at of places) {
      place.blob = original.bytes.slice();
      place.blob[at] ^= parseInt(xor, 16);
      assert.equal(await refusal(openBlob(message, cipher, () => {}, { sleep: noPauses() })), whole, `whole ${at}`);
      assert.equal(await refusal(openByRanges(message, cipher)), range, `range ${at}`);
    }
  });
}

test('every byte of a plain blob, changed, is noticed, and nothing of a chunk that is wrong is given away', async t => {
  const cipher = await newCipher(), place = await store(t), text = pattern(65_531);
  const original = await sealed(cipher, text, KEY, { padding: 'none', salt, isIndexed: false });
  const message = messageFor(place.base, original, text.length);
  const expected = at => at < 4 ? 'magic' : at < 5 ? 'version' : at < 6 ? 'suite' : at < 8 ? 'parameters'
    : at < 64 ? 'commitment' : at < 64 + 65_552 ? 'chunk(0)' : 'chunk(1)';
  const places = Array.from({ length: original.size }, (_, at) => at)
    .filter(at => at < 70 || at > original.size - 30 || at % 9973 === 0 || Math.abs(at - 65_616) < 20);
  for (const at of places) {
    place.blob = original.bytes.slice();
    place.blob[at] ^= 0x80;
    let given = 0;
    const journey = openBlob(message, cipher, bytes => { given += bytes.length; }, { sleep: noPauses() });
    assert.equal(await refusal(journey), expected(at), `byte ${at}`);
    assert.equal(given, 0);
  }
});
