// Journeys against a server that cuts, lies and stalls.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64url, join, newHeader } from '../../Web/format.mjs';
import { openBlob, openRange, openRanges, sealBlob } from '../../Web/journey.mjs';
import {
  KEY, answerBlob, collector, messageFor, newCipher, noPauses, pattern, refusal, sealed, serve,
} from './support.mjs';

const PLAIN = 1_500_000;

/** A sealed blob, and a server that treats request number `count` as `misbehave` says; without an answer, it serves. */
async function setup(t, misbehave, plain = PLAIN) {
  const cipher = await newCipher(), text = pattern(plain), blob = await sealed(cipher, text, KEY), requests = [];
  const base = await serve(t, (request, response) => {
    requests.push(request);
    const handled = misbehave(request, response, requests.length, blob.bytes);
    if (!handled) response.end(answerBlob(blob.bytes, request, response));
  });
  return { cipher, text, blob, requests, message: messageFor(base, blob, plain), sleep: noPauses() };
}

/** Sends `count` bytes of the answer that is due, waits until they have left, and closes the connection. */
async function cut(request, response, blob, count) {
  const due = answerBlob(blob, request, response);
  response.write(due.subarray(0, count), () => response.socket.end());
}

/** Resolves once the client has closed its side, or the whole connection. */
function left({ socket }, response) {
  return new Promise(resolve => {
    response.once('close', resolve);
    for (const event of ['end', 'error', 'close']) socket.once(event, resolve);
  });
}

test('a journey goes on where the connection was cut, and each byte begins the count of tries anew', async t => {
  // Twelve tries bring a little, and between them are more failures than in a row may be.
  const journey = await setup(t, (request, response, count, blob) => {
    if (count > 48) return false;
    if (count % 4 === 0) cut(request, response, blob, 100_000);
    else request.socket.destroy();
    return true;
  });
  const { message, cipher, sleep, requests } = journey, sink = collector(PLAIN), news = [];
  await openBlob(message, cipher, sink, { sleep, say: what => news.push(what) });
  assert.deepEqual(sink.bytes, journey.text);
  const starts = requests.map(({ headers }) => Number(/\d+/.exec(headers.range ?? '0')[0]));
  assert.deepEqual(starts, [...starts].sort((a, b) => a - b));
  assert.ok(starts.at(-1) > 500_000);
  const ranges = requests.map(({ headers }) => headers.range).filter(range => range !== undefined);
  assert.ok(ranges.every(range => range.endsWith(`-${message.size - 1}`)));
  assert.deepEqual(news.filter(what => 'waiting' in what).map(what => what.waiting).slice(0, 4), [1, 2, 3, 1]);
  assert.deepEqual(news.at(-1), { done: PLAIN, of: PLAIN });
});

test('after seven tries that brought nothing it is given up, with pauses that grow to half a minute', async t => {
  const { message, cipher, sleep, requests } = await setup(t, request => request.socket.destroy());
  assert.equal(await refusal(openBlob(message, cipher, () => {}, { sleep })), 'network');
  assert.equal(requests.length, 7);
  assert.equal(sleep.pauses.length, 6);
  for (const [i, pause] of sleep.pauses.entries()) {
    const longest = Math.min(30_000, 1000 * 2 ** i);
    assert.ok(pause >= longest / 2 && pause <= longest);
  }
});

test('a connection on which nothing comes counts as cut', async t => {
  const { message, cipher, sleep, text } = await setup(t, (request, response, count, blob) => {
    if (count === 1) return true;
    if (count === 2) response.write(answerBlob(blob, request, response).subarray(0, 5000));
    return count === 2;
  });
  const sink = collector(PLAIN);
  await openBlob(message, cipher, sink, { sleep, patience: 1000 });
  assert.deepEqual(sink.bytes, text);
});

test('requests carry no cookie, no referrer and no key, and ask caches for nothing', async t => {
  const { message, cipher, requests } = await setup(t, () => false);
  await openBlob(message, cipher, () => {});
  await openRange(await openRanges(message, cipher), cipher, 0, 10);
  for (const { headers, url } of requests) {
    assert.equal(url, `/${message.sha256}`);
    assert.deepEqual([headers.cookie, headers.referer, headers.authorization], [undefined, undefined, undefined]);
    assert.equal(headers['cache-control'], 'no-cache');
    assert.ok(!JSON.stringify(headers).includes(base64url(KEY)));
  }
});

/** Handles every request with this answer. */
const answer = (status, headers = {}, body = '') => (request, response) => {
  response.writeHead(status, headers).end(body);
  return true;
};
const problem = (status, fields, headers) => answer(status, headers, JSON.stringify(fields));

for (const [what, lie, code, detail = ''] of [
  ['404', problem(404, { type: '/problems/not-found' }), 'not-found'],
  ['404 without a word', answer(404), 'not-found'],
  ['410', problem(410, { type: '/problems/gone', reason: 'revoked' }), 'gone', 'revoked'],
  ['410 without a word', answer(410), 'gone'],
  ['410 with a body that is no JSON', answer(410, {}, '<html>'), 'gone'],
  ['410 with a body that is null', answer(410, {}, 'null'), 'gone'],
  ['another refusal', answer(418), 'refused', '418'],
  ['an address that it does not like', problem(400, { type: '/problems/bad-request' }), 'bad-request'],
  ['success without content', answer(204), 'refused', '204'],
  ['a range that nobody asked for', answer(206, { 'Content-Range': 'bytes 0-3/4' }, 'SBLB'), 'refused', '206'],
  ['fewer bytes than the link says', answer(200, { 'Content-Length': 5 }, 'SBLB!'), 'length', '5'],
  ['to come back in a day', problem(429, { type: '/problems/rate' }, { 'Retry-After': '86400' }), 'rate'],
]) {
  test(`a server that answers ${what} is believed at once`, async t => {
    const { message, cipher, sleep, requests } = await setup(t, lie);
    await assert.rejects(openBlob(message, cipher, () => {}, { sleep }), { code, detail });
    assert.equal(requests.length, 1);
  });
}

test('a server that is busy is asked again when it says', async t => {
  const { message, cipher, sleep, text } = await setup(t, (request, response, count) => {
    if (count > 3) return false;
    const status = [503, 429, 502][count - 1];
    response.writeHead(status, status === 429 ? { 'Retry-After': '17' } : {}).end();
    return true;
  });
  const sink = collector(PLAIN);
  await openBlob(message, cipher, sink, { sleep });
  assert.deepEqual(sink.bytes, text);
  assert.equal(sleep.pauses.length, 3);
  assert.equal(sleep.pauses[1], 17_000);
});

test('a server that stays busy is named by its problem', async t => {
  const { message, cipher, sleep, requests } = await setup(t, problem(503, { type: '/problems/unavailable' }));
  assert.equal(await refusal(openBlob(message, cipher, () => {}, { sleep })), 'unavailable');
  assert.equal(requests.length, 7);
});

test('a server that redirects is not followed', async t => {
  const { message, cipher, sleep, requests } = await setup(t, answer(302, { Location: '/elsewhere' }));
  assert.equal(await refusal(openBlob(message, cipher, () => {}, { sleep })), 'network');
  assert.ok(requests.every(({ url }) => url === `/${message.sha256}`));
});

test('never more bytes are taken than the link says', async t => {
  let sent = 0, closed;
  const { message, cipher, sleep } = await setup(t, (request, response, count, blob) => {
    response.writeHead(200);
    response.write(Buffer.concat([blob, new Uint8Array(1000)]));
    closed = left(request, response);
    const flood = () => { if (!response.destroyed) { sent += 65_536; response.write(new Uint8Array(65_536), flood); } };
    flood();
    return true;
  });
  assert.equal(await refusal(openBlob(message, cipher, () => {}, { sleep })), 'length');
  await closed;
  assert.ok(sent > 0);
});

test('a server that goes on with other bytes than were asked for is refused', async t => {
  for (const [lie, code] of [
    [(response, blob) => response.writeHead(200, { 'Content-Length': blob.length }).end(blob), 'refused'],
    [(response, blob) => response.writeHead(206, { 'Content-Range': `bytes 0-2/${blob.length}` }).end('abc'), 'length'],
    [response => response.writeHead(206, { 'Content-Length': 3 }).end('abc'), 'length'],
  ]) {
    const { message, cipher, sleep } = await setup(t, (request, response, count, blob) => {
      if (count === 1) cut(request, response, blob, 200_000); else lie(response, blob);
      return true;
    });
    assert.equal(await refusal(openBlob(message, cipher, () => {}, { sleep })), code);
  }
});

test('a server that goes on with another file is found out, and nothing is left in the cipher', async t => {
  const { message, cipher, sleep } = await setup(t, (request, response, count, blob) => {
    if (count === 1) cut(request, response, blob, 200_000);
    else response.end(answerBlob(blob.map(byte => byte ^ 1), request, response));
    return true;
  });
  assert.match(await refusal(openBlob(message, cipher, () => {}, { sleep })), /^chunk\(\d+\)$/);
  assert.ok(cipher.plain(0, 65_536).every(byte => byte === 0));
});

test('sizes that no blob has are refused before anything is asked for', async t => {
  const { message, cipher, requests } = await setup(t, () => false);
  assert.equal(await refusal(openBlob({ ...message, size: 87 }, cipher, () => {})), 'length');
  assert.equal(await refusal(openRanges({ ...message, size: 87 }, cipher)), 'length');
  assert.equal(requests.length, 0);
});

test('an index is not held that would fill the memory', async t => {
  const { message, cipher, requests } = await setup(t, (request, response) => {
    if (request.headers.range !== 'bytes=0-63') return false;
    response.writeHead(206, { 'Content-Length': 64 });
    sealed(cipher, new Uint8Array(2 ** 20), KEY).then(({ bytes }) => response.end(bytes.subarray(0, 64)));
    return true;
  });
  const size = 64 + 2 ** 20 * (65_552 + 32);
  await assert.rejects(openRanges({ ...message, size }, cipher), { code: 'room', detail: String(2 ** 25) });
  assert.equal(requests.length, 1);
});

test('a journey that is stopped ends at once and closes its connection', { timeout: 600_000 }, async t => {
  let closed;
  const stop = new AbortController();
  const { message, cipher } = await setup(t, (request, response, count, blob) => {
    closed = left(request, response);
    response.write(answerBlob(blob, request, response).subarray(0, 1_200_000));
    return true;
  });
  const sink = () => stop.abort(new Error('enough'));
  await assert.rejects(openBlob(message, cipher, sink, { signal: stop.signal }), { message: 'enough' });
  await closed;
});

test('a journey that is stopped while it pauses ends at once', async t => {
  const stop = new AbortController();
  const { message, cipher } = await setup(t, request => request.socket.destroy());
  const say = () => stop.abort(new Error('enough'));
  await assert.rejects(openBlob(message, cipher, () => {}, { signal: stop.signal, say }), { message: 'enough' });
});

test('a journey that was stopped before it began asks for nothing', async t => {
  const { message, cipher, requests } = await setup(t, () => false), signal = AbortSignal.abort(new Error('enough'));
  await assert.rejects(openBlob(message, cipher, () => {}, { signal }), { message: 'enough' });
  assert.equal(requests.length, 0);
});

test('what the sink throws ends the journey, and its connection', { timeout: 600_000 }, async t => {
  let closed;
  const { message, cipher, requests } = await setup(t, (request, response, count, blob) => {
    closed = left(request, response);
    response.write(answerBlob(blob, request, response).subarray(0, 1_200_000));
    return true;
  });
  const sink = async () => { throw new Error('no room'); };
  await assert.rejects(openBlob(message, cipher, sink), { message: 'no room' });
  await closed;
  assert.equal(requests.length, 1);
});

test('ranges opened with one cipher at the same time do not disturb each other', async t => {
  const { message, cipher, text } = await setup(t, () => false, 3_000_000);
  const ranges = await openRanges(message, cipher);
  const spans = Array.from({ length: 30 }, (_, i) => [i * 90_001, i * 90_001 + 1 + i * 13_337]);
  const opened = await Promise.all(spans.map(([from, until]) => openRange(ranges, cipher, from, until)));
  for (const [i, [from, until]] of spans.entries()) assert.deepEqual(opened[i], text.subarray(from, until));
});

test('a range that has the last chunk is refused where something is in the padding', async t => {
  const cipher = await newCipher(), plain = 100, padded = new Uint8Array(4096);
  padded[2000] = 1;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(plain));
  const { header, chunkKey } = newHeader(false, KEY, cipher.hmacSHA512);
  cipher.setKey(chunkKey);
  cipher.plain(0, padded.length).set(padded);
  cipher.seal(0, 0, true, padded.length);
  const bytes = join(header, cipher.sealed(0, padded.length + 16));
  const base = await serve(t, (request, response) => response.end(answerBlob(bytes, request, response)));
  const message = messageFor(base, { sha256: 'ab'.repeat(32), size: bytes.length }, plain);
  assert.equal(await refusal(openBlob(message, cipher, () => {})), 'padding');
  const ranges = await openRanges(message, cipher);
  assert.equal(await refusal(openRange(ranges, cipher, 0, 10)), 'padding');
  assert.equal(await refusal(openRange({ ...ranges, message: { ...message, media: { size: 99 } } }, cipher, 0, 10)), 'trailer');
});

test('a range goes on where the connection was cut', async t => {
  const { message, cipher, sleep, text, requests } = await setup(t, (request, response, count, blob) => {
    if (count !== 3) return false;
    cut(request, response, blob, 70_000);
    return true;
  });
  const ranges = await openRanges(message, cipher, { sleep });
  assert.deepEqual(await openRange(ranges, cipher, 10, 500_000, { sleep }), text.subarray(10, 500_000));
  assert.equal(requests.length, 4);
});

test('a file that changes its size while it is sealed is refused', async () => {
  const cipher = await newCipher(), shrinking = new Blob([new Uint8Array(3_000_000)]), sizes = [];
  const file = {
    size: 3_000_000,
    slice: (from, until) => shrinking.slice(from, Math.min(until, 2_000_000)),
  };
  assert.equal(await refusal(sealBlob(file, KEY, cipher, bytes => { sizes.push(bytes.length); })), 'changed');
  const part = { arrayBuffer: async () => { throw new DOMException('', 'NotReadableError'); } };
  const gone = { size: 9, slice: () => part };
  assert.equal(await refusal(sealBlob(gone, KEY, cipher, () => {})), 'changed');
});

test('sealing that is stopped ends, and forgets what it read', async () => {
  const cipher = await newCipher(), stop = new AbortController();
  const say = () => stop.abort(new Error('enough'));
  const file = new Blob([new Uint8Array(3_000_000).fill(7)]);
  const journey = sealBlob(file, KEY, cipher, () => {}, { signal: stop.signal, say });
  await assert.rejects(journey, { message: 'enough' });
  assert.ok(cipher.plain(0, 2 ** 20).every(byte => byte === 0));
});
