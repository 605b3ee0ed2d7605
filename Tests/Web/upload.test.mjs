import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openBlob } from '../../Web/journey.mjs';
import { confirmDelivery } from '../../Web/receipt.mjs';
import { revoke, upload } from '../../Web/upload.mjs';
import { base64url } from '../../Web/format.mjs';
import { KEY, collector, messageFor, newCipher, noPauses, pattern, sealed, serve } from './support.mjs';
import { programs, satcheld } from './programs.mjs';

const MIB = 2 ** 20;

/** Bytes that stand for a sealed blob where nobody looks inside. */
function someBlob(size) {
  const bytes = randomBytes(size);
  return { blob: new Blob([bytes]), sha256: createHash('sha256').update(bytes).digest('hex'), size, bytes };
}

/** A lease that nobody else has, with what the requests take. */
const lease = more => ({ owner: randomBytes(16), lifetime: 3600, sleep: noPauses(), ...more });

/**
 * A store that speaks as much of tus as an upload needs, and keeps it in memory. `misbehave` may handle a request
 * instead; it is given the number of requests with this method so far, and what the store knows.
 */
async function tusServer(t, misbehave = () => false) {
  const state = { requests: [], uploads: new Map(), counts: {}, base: '' };
  const respond = (response, status, fields = {}) => response.writeHead(status, fields).end();
  const perform = (request, response, body) => {
    const upload = state.uploads.get(request.url);
    if (request.method === 'GET') return response.writeHead(200).end(JSON.stringify({ expires: 1790000000 }));
    if (request.method === 'POST') {
      const place = `/uploads/${state.uploads.size + 1}`;
      state.uploads.set(place, { size: Number(request.headers['upload-length']), bytes: Buffer.alloc(0) });
      return respond(response, 201, { Location: `https://elsewhere.example/files${place}` });
    }
    if (!upload) return respond(response, 404);
    if (request.method === 'PATCH') {
      if (Number(request.headers['upload-offset']) !== upload.bytes.length) return respond(response, 409);
      upload.bytes = Buffer.concat([upload.bytes, body]);
    }
    const done = upload.bytes.length === upload.size && { 'Content-Location': 'https://media.example/it' };
    respond(response, request.method === 'HEAD' ? 200 : 204, { 'Upload-Offset': upload.bytes.length, ...done });
  };
  state.base = await serve(t, async (request, response) => {
    state.requests.push(request);
    const count = state.counts[request.method] = (state.counts[request.method] ?? 0) + 1;
    if (misbehave(request, response, count, state)) return;
    const parts = [];
    try {
      for await (const part of request) parts.push(part);
    } catch { return; }
    perform(request, response, Buffer.concat(parts));
  });
  return state;
}

/** The requests so far; an append with where it began, in MiB. */
function lines({ requests }) {
  return requests.map(({ method, headers: { 'upload-offset': at } }) => method + (at ? ` ${at / MIB}` : ''));
}

test('a blob goes in appends of 8 MiB, and what the server has acknowledged is told', async t => {
  const server = await tusServer(t), blob = someBlob(20 * MIB), news = [], owner = randomBytes(16);
  const made = lease({ owner, ticket: 'a.b.c', recipients: 3, receipt: randomBytes(16) });
  const stored = await upload(server.base, blob, made, what => news.push(what));
  assert.deepEqual(lines(server), ['POST', 'HEAD', 'PATCH 0', 'PATCH 8', 'PATCH 16', 'GET']);
  assert.deepEqual(news, [0, 8, 16, 20].map(done => ({ done: done * MIB, of: 20 * MIB })));
  assert.deepEqual(stored, { url: 'https://media.example/it', expires: 1790000000 });
  assert.deepEqual(server.uploads.get('/uploads/1').bytes, blob.bytes);

  const [post, head, patch] = server.requests;
  assert.equal(post.headers.authorization, 'Bearer a.b.c');
  assert.deepEqual([head.headers.authorization, patch.headers.authorization], [undefined, undefined]);
  const metadata = Object.fromEntries(post.headers['upload-metadata'].split(',').map(pair => {
    const [name, value] = pair.split(' ');
    return [name, atob(value)];
  }));
  const hash = createHash('sha256').update(owner).digest('base64url');
  const expected = { sha256: blob.sha256, owner: hash, receipt: 43, lifetime: '3600', recipients: '3' };
  assert.deepEqual({ ...metadata, receipt: metadata.receipt.length }, expected);
});

test('an upload goes on after a cut from what the server says it has', async t => {
  const blob = someBlob(20 * MIB);
  const server = await tusServer(t, (request, response, count, state) => {
    if (request.method !== 'PATCH' || count > 8) return false;
    // An odd one brings 3 MiB of its bytes, an even one nothing.
    let taken = Buffer.alloc(0);
    if (count % 2 === 0) { request.socket.destroy(); return true; }
    request.on('data', part => {
      taken = Buffer.concat([taken, part]);
      if (taken.length < 3 * MIB || response.destroyed) return;
      const upload = state.uploads.get(request.url);
      upload.bytes = Buffer.concat([upload.bytes, taken.subarray(0, 3 * MIB)]);
      request.socket.destroy();
    });
    return true;
  });
  const news = [];
  await upload(server.base, blob, lease(), what => news.push(what));
  assert.deepEqual(server.uploads.get('/uploads/1').bytes, blob.bytes);
  const done = news.filter(what => 'done' in what).map(what => what.done / MIB);
  assert.deepEqual(done, [0, 3, 3, 6, 6, 9, 9, 12, 12, 20]);
  assert.equal(server.counts.POST, 1);
});

test('an append whose answer is lost is not sent again', async t => {
  const blob = someBlob(9 * MIB);
  const server = await tusServer(t, (request, response, count, state) => {
    if (request.method !== 'PATCH' || count > 2) return false;
    const parts = [];
    request.on('data', part => parts.push(part)).on('end', () => {
      const upload = state.uploads.get(request.url);
      upload.bytes = Buffer.concat([upload.bytes, ...parts]);
      request.socket.destroy();
    });
    return true;
  });
  await upload(server.base, blob, lease());
  assert.deepEqual(lines(server), ['POST', 'HEAD', 'PATCH 0', 'HEAD', 'PATCH 8', 'HEAD', 'PATCH 9', 'GET']);
  assert.deepEqual(server.uploads.get('/uploads/1').bytes, blob.bytes);
});

test('another append that came first, and a server that has forgotten, are survived', async t => {
  const blob = someBlob(20 * MIB);
  const server = await tusServer(t, (request, response, count, state) => {
    if (request.method !== 'PATCH') return false;
    if (count === 2) state.uploads.get(request.url).bytes = blob.bytes.subarray(0, 5 * MIB);
    if (count === 4) state.uploads.delete(request.url);
    return false;
  });
  await upload(server.base, blob, lease());
  assert.equal(server.counts.POST, 2);
  assert.deepEqual([...server.uploads.values()], [{ size: blob.size, bytes: blob.bytes }]);
});

test('a server that forgets every upload is given up', async t => {
  const server = await tusServer(t, (request, response) => request.method === 'HEAD' && response.writeHead(404).end());
  await assert.rejects(upload(server.base, someBlob(2 * MIB), lease()), { code: 'network' });
  assert.equal(server.counts.POST, 7);
});

test('a server that takes nothing is given up', async t => {
  const server = await tusServer(t, (request, response) => {
    if (request.method !== 'PATCH') return false;
    request.resume().on('end', () => response.writeHead(204, { 'Upload-Offset': 0 }).end());
    return true;
  });
  await assert.rejects(upload(server.base, someBlob(2 * MIB), lease()), { code: 'network' });
  assert.equal(server.counts.PATCH, 7);
});

for (const offset of ['', '-1', '1e3', '0x10', '3145729']) {
  test(`a server that says it has ${offset || 'no'} bytes of 3 MiB is refused`, async t => {
    const fields = offset && { 'Upload-Offset': offset };
    const server = await tusServer(t, (request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, fields).end();
      return request.method === 'HEAD';
    });
    await assert.rejects(upload(server.base, someBlob(3 * MIB), lease()), { code: 'refused', detail: 'Upload-Offset' });
  });
}

test('problems have the names that the server gives them', async t => {
  for (const [status, problem, code, detail, headers] of [
    [401, { type: '/problems/ticket-missing' }, 'ticket-missing', ''],
    [403, { type: '/problems/ticket-too-small', limit_name: 'max_size', limit: 5 }, 'ticket-too-small', 'max_size 5'],
    [413, { type: '/problems/too-large', max: 7 }, 'too-large', '7'],
    [409, { type: '/problems/receipt-taken' }, 'receipt-taken', ''],
    [507, { type: '/problems/disk-full' }, 'disk-full', ''],
    [429, { type: '/problems/quota', limit_name: 'bytes' }, 'quota', 'bytes', { 'Retry-After': '600' }],
    [403, 'no JSON', 'refused', '403'],
    [418, { type: 'https://elsewhere.example/teapot' }, 'refused', '418'],
    [403, {}, 'banned', '', { 'X-Reason': 'banned' }],
  ]) {
    for (const size of [MIB, MIB - 1]) {
      let count = 0;
      const base = await serve(t, (request, response) => {
        count += 1;
        request.resume().on('end', () => response.writeHead(status, headers).end(JSON.stringify(problem)));
      });
      await assert.rejects(upload(base, someBlob(size), lease()), { code, detail });
      assert.equal(count, 1);
    }
  }
});

test('a small blob takes one request, tried again while the server is busy', async t => {
  const requests = [], blob = someBlob(MIB - 1), news = [];
  const base = await serve(t, async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    requests.push({ ...request.headers, method: request.method, url: request.url, body: Buffer.concat(parts) });
    if (requests.length < 3) return response.writeHead(503).end();
    response.writeHead(201).end(JSON.stringify({ url: 'https://media.example/it', expires: 5 }));
  });
  const made = lease({ recipients: 2, receipt: randomBytes(16), ticket: 'T' });
  const stored = await upload(base, blob, made, what => news.push(what));
  assert.deepEqual(stored, { url: 'https://media.example/it', expires: 5 });
  assert.deepEqual(news, [{ waiting: 1 }, { waiting: 2 }, { done: blob.size, of: blob.size }]);
  for (const request of requests) {
    assert.deepEqual([request.method, request.url, request.authorization], ['PUT', '/upload', 'Bearer T']);
    assert.equal(request['x-sha-256'], blob.sha256);
    assert.deepEqual([request['satchel-lifetime'], request['satchel-recipients']], ['3600', '2']);
    assert.deepEqual(request.body, blob.bytes);
  }
});

test('an append that is never answered counts as cut', async t => {
  const blob = someBlob(2 * MIB);
  const server = await tusServer(t, ({ method }, response, count) => method === 'PATCH' && count < 3);
  await upload(server.base, blob, lease({ patience: 1000 }));
  assert.deepEqual([...server.uploads.values()], [{ size: blob.size, bytes: blob.bytes }]);
  assert.ok(server.counts.PATCH >= 3);
});

test('an upload that is stopped ends', async t => {
  const stop = new AbortController();
  const server = await tusServer(t, request => {
    if (request.method === 'PATCH') stop.abort(new Error('enough'));
    return request.method === 'PATCH';
  });
  await assert.rejects(upload(server.base, someBlob(2 * MIB), lease({ signal: stop.signal })), { message: 'enough' });
});

// MARK: The real server

test('satcheld takes small and large blobs, and gives back what was sealed', programs, async t => {
  const { base, ticket } = await satcheld(t), cipher = await newCipher();
  for (const size of [0, 100_000, 900_000, 20_000_000]) {
    const text = pattern(size), blob = await sealed(cipher, text, KEY), news = [];
    const before = Math.floor(Date.now() / 1000);
    const stored = await upload(base, blob, lease({ ticket }), what => news.push(what));
    assert.equal(stored.url, `${base}/${blob.sha256}`);
    assert.ok(stored.expires >= before + 3600);
    assert.deepEqual(news.at(-1), { done: blob.size, of: blob.size });
    const sink = collector(size);
    await openBlob(messageFor(base, blob, size), cipher, sink);
    assert.deepEqual(sink.bytes, text);
  }
});

test('an upload survives that satcheld is killed and starts again', programs, async t => {
  const server = await satcheld(t), cipher = await newCipher(), text = pattern(30_000_000);
  const blob = await sealed(cipher, text, KEY);
  let restarting;
  const say = ({ done }) => { if (done >= 8 * MIB) restarting ??= server.restart(); };
  const made = lease({ ticket: server.ticket, sleep: () => restarting });
  const stored = await upload(server.base, blob, made, say);
  assert.ok(restarting);
  await restarting;
  assert.equal(stored.url, `${server.base}/${blob.sha256}`);
  const sink = collector(text.length);
  await openBlob(messageFor(server.base, blob, text.length), cipher, sink);
  assert.deepEqual(sink.bytes, text);
});

test('satcheld refuses by name: without a ticket, with a wrong one, and what is not sealed', programs, async t => {
  const { base, ticket } = await satcheld(t);
  for (const size of [MIB - 1, MIB]) {
    await assert.rejects(upload(base, someBlob(size), lease()), { code: 'ticket-missing' });
    await assert.rejects(upload(base, someBlob(size), lease({ ticket: 'x'.repeat(22) })), { code: 'ticket-invalid' });
    await assert.rejects(upload(base, someBlob(size), lease({ ticket })), { code: 'not-sealed' });
  }
});

test('what was stored can be confirmed and taken back', programs, async t => {
  const { base, ticket } = await satcheld(t), cipher = await newCipher();
  const [owner, receipt, person, other, wrong] = Array.from({ length: 5 }, () => randomBytes(16));
  const blob = await sealed(cipher, pattern(5000), KEY);
  await upload(base, blob, lease({ ticket, owner, receipt, recipients: 3 }));
  const message = { ...messageFor(base, blob, 5000), receipt: base64url(receipt) };
  assert.equal(await confirmDelivery(message, person), true);
  assert.equal(await confirmDelivery(message, person), true);
  await confirmDelivery(message, other);
  const state = await fetch(`${message.url}/lease`, { headers: { 'Satchel-Secret': base64url(owner) } });
  assert.equal((await state.json()).received.length, 2);
  const forged = { ...message, receipt: base64url(wrong) };
  await assert.rejects(confirmDelivery(forged, person), { code: 'wrong-secret' });

  await assert.rejects(revoke(base, blob.sha256, wrong), { code: 'wrong-secret' });
  await revoke(base, blob.sha256, owner);
  await revoke(base, blob.sha256, owner);
  await assert.rejects(openBlob(message, cipher, () => {}), { code: 'gone', detail: 'revoked' });
});
