// What the command seals and sends is opened here, and the other way round.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBlob, openRange, openRanges } from '../../Web/journey.mjs';
import { formatLink, parseLink } from '../../Web/link.mjs';
import { upload } from '../../Web/upload.mjs';
import { answerBlob, collector, messageFor, newCipher, pattern, sealed, serve } from './support.mjs';
import { programs, satchel, satcheld, scratch } from './programs.mjs';

// Empty, one chunk, several, and from 1 MiB on with an index.
const SIZES = [0, 5000, 900_000, 3_000_000];

for (const size of SIZES) {
  test(`${size} bytes that satchel sealed are opened`, programs, async t => {
    const home = scratch(t), text = pattern(size), cipher = await newCipher();
    writeFileSync(join(home, 'a.bin'), text);
    const message = JSON.parse(satchel(home, ['seal', 'a.bin', '--output', 'a.sealed']));
    const blob = readFileSync(join(home, 'a.sealed'));
    assert.equal(message.root !== undefined, size > 2 ** 20);
    const base = await serve(t, (request, response) => response.end(answerBlob(blob, request, response)));
    message.url = `${base}/${message.sha256}`;
    const sink = collector(size);
    await openBlob(message, cipher, sink);
    assert.deepEqual(sink.bytes, text);
    if (size === 0) return;
    const ranges = await openRanges(message, cipher), from = Math.floor(size / 3);
    assert.deepEqual(await openRange(ranges, cipher, from, from + 1000), text.subarray(from, from + 1000));
  });

  test(`${size} bytes that are sealed here satchel unseals`, programs, async t => {
    const home = scratch(t), text = pattern(size), key = randomBytes(32);
    const blob = await sealed(await newCipher(), text, key);
    writeFileSync(join(home, 'a.sealed'), blob.bytes);
    writeFileSync(join(home, 'message'), JSON.stringify(messageFor('https://media.example', blob, size, key)));
    satchel(home, ['unseal', 'message', 'a.sealed', '--output', 'a.bin']);
    assert.deepEqual(new Uint8Array(readFileSync(join(home, 'a.bin'))), text);
  });

  test(`${size} bytes that satchel sent as a link are opened, and the link is written alike`, programs, async t => {
    const { base, ticket } = await satcheld(t), home = scratch(t), text = pattern(size);
    writeFileSync(join(home, 'Strand & Meer (1).bin'), text);
    const link = satchel(home, ['send', 'Strand & Meer (1).bin', '--format', 'link'], { server: base, ticket }).trim();
    const message = parseLink(link), sink = collector(size);
    assert.equal(formatLink(message), link);
    assert.deepEqual([message.media.name, message.media.size], ['Strand & Meer (1).bin', size]);
    await openBlob(message, await newCipher(), sink);
    assert.deepEqual(sink.bytes, text);
  });

  test(`${size} bytes that are sent from here satchel opens`, programs, async t => {
    const { base, ticket } = await satcheld(t), home = scratch(t), text = pattern(size), key = randomBytes(32);
    const blob = await sealed(await newCipher(), text, key);
    const { url } = await upload(base, blob, { owner: randomBytes(16), ticket });
    const message = { ...messageFor(base, blob, size, key), url };
    message.media = { ...message.media, name: '日本 (1).bin', width: 640, height: 480, duration: 1.5 };
    for (const [name, given] of [['as a link', formatLink(message)], ['as a message', JSON.stringify(message)]]) {
      satchel(home, ['open', '-', '--output', name], { input: given, server: base });
      assert.deepEqual(new Uint8Array(readFileSync(join(home, name))), text);
    }
  });
}
