// The two workers, with what browsers give them put in their place: messages, places to write to, requests of a player.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel as Channel } from 'node:worker_threads';
import { CHUNK, Refused } from '../../Web/format.mjs';
import { confirmDelivery } from '../../Web/receipt.mjs';
import { upload } from '../../Web/upload.mjs';
import { KEY, answerBlob, messageFor, newCipher, pattern, sealed, serve, wasm } from './support.mjs';

/** Loads a worker's script and gives what it listens to by names. Its globals stay until the next one is loaded. */
async function load(name, globals) {
  const listeners = {};
  Object.assign(globalThis, { addEventListener: (type, listener) => { listeners[type] = listener; }, ...globals });
  return { listeners, module: await import(`../../Web/${name}?${Math.random()}`) };
}

/** Gives the worker of a page one task and collects its answers; the last is no news. */
async function perform(task) {
  const answers = [], postMessage = answer => { answers.push(answer); };
  const { listeners } = await load('worker.mjs', { postMessage });
  await listeners.message({ data: { wasm, folder: 'tab', ...task } });
  return { last: answers.at(-1), news: answers.slice(0, -1).map(answer => answer.news) };
}

/** Files of an origin, as a worker sees them. */
function privateFiles({ isFull = false } = {}) {
  const files = new Map();
  const folder = name => ({
    getFileHandle: async file => {
      const path = `${name}/${file}`, bytes = { parts: [], size: 0, isOpen: true };
      files.set(path, bytes);
      return {
        createSyncAccessHandle: async () => ({
          write(part, { at }) {
            if (isFull) return 0;
            assert.equal(at, bytes.size);
            bytes.parts.push(part.slice());
            bytes.size += part.length;
            return part.length;
          },
          flush() {},
          close() { bytes.isOpen = false; },
        }),
        getFile: async () => new Blob(bytes.parts),
      };
    },
    removeEntry: async file => { files.delete(`${name}/${file}`); },
  });
  const navigator = { storage: { getDirectory: async () => ({ getDirectoryHandle: async name => folder(name) }) } };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  return files;
}

/** A store with a file of `plain` bytes sealed in it. */
async function stored(t, plain, change = bytes => bytes) {
  const blob = await sealed(await newCipher(), pattern(plain), KEY), bytes = change(blob.bytes), requests = [];
  const base = await serve(t, (request, response) => {
    requests.push(request.headers.range);
    response.end(answerBlob(bytes, request, response));
  });
  return { message: messageFor(base, blob, plain), text: pattern(plain), blob, requests };
}

const bytesOf = async blob => new Uint8Array(await blob.arrayBuffer());

test('the worker opens a small file into memory, and tells how far it is', async t => {
  privateFiles();
  const { message, text } = await stored(t, 3_000_000), { last, news } = await perform({ open: message });
  assert.equal(last.opened.type, 'application/octet-stream');
  assert.deepEqual(await bytesOf(last.opened), text);
  assert.deepEqual(news.map(({ done }) => done), [2 ** 20, 2 ** 21, 3_000_000]);
});

test('a large file goes into a private one, and nothing of it stays if it is not right', async t => {
  const files = privateFiles(), size = 32 * 2 ** 20 + 1, { message, text } = await stored(t, size);
  const { last } = await perform({ open: message });
  assert.ok(Buffer.from(await last.opened.arrayBuffer()).equals(Buffer.from(text)));
  assert.deepEqual([...files.values()].map(({ isOpen }) => isOpen), [false]);

  const { last: wrong } = await perform({ open: { ...message, sha256: '0'.repeat(64) } });
  assert.deepEqual(wrong, { failed: { code: 'digest', detail: '' } });
  assert.equal(files.size, 1);
});

test('a full disk is no room, and where there are no private files memory has a limit', async t => {
  const files = privateFiles({ isFull: true }), size = 32 * 2 ** 20 + 1, { message, text } = await stored(t, size);
  assert.equal((await perform({ open: message })).last.failed.code, 'room');
  assert.equal(files.size, 0);

  Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  const { last } = await perform({ open: message });
  assert.ok(Buffer.from(await last.opened.arrayBuffer()).equals(Buffer.from(text)));
  const larger = { ...message, media: { ...message.media, size: 2 ** 28 + 1 } };
  assert.deepEqual((await perform({ open: larger })).last, { failed: { code: 'room', detail: String(2 ** 28 + 1) } });
});

test('a file that the person has chosen takes its name only when all of it is right', async t => {
  const { message, text } = await stored(t, 1_200_000), done = [];
  let written = new Uint8Array(text.length);
  const target = { createWritable: async () => ({
    write: async ({ type, position, data }) => { assert.equal(type, 'write'); written.set(data, position); },
    close: async () => { done.push('close'); },
    abort: async () => { done.push('abort'); },
  }) };
  assert.deepEqual((await perform({ open: message, target })).last, { opened: undefined });
  assert.deepEqual(written, text);
  assert.equal((await perform({ open: { ...message, sha256: '0'.repeat(64) }, target })).last.failed.code, 'digest');
  assert.deepEqual(done, ['close', 'abort']);

  const full = { createWritable: async () => ({
    write: async () => { throw new DOMException('', 'QuotaExceededError'); },
    abort: async () => { throw new Error('gone'); },
  }) };
  assert.deepEqual((await perform({ open: message, target: full })).last.failed.code, 'room');
});

test('the worker seals what it opens again, small and large', async t => {
  privateFiles();
  for (const size of [5000, 65 * 2 ** 20]) {
    const text = pattern(size), { last } = await perform({ seal: new Blob([text]), key: KEY });
    const { blob, ...facts } = last.sealed;
    assert.equal(blob.size, facts.size);
    const bytes = await bytesOf(blob);
    const base = await serve(t, (request, response) => response.end(answerBlob(bytes, request, response)));
    const { last: opened } = await perform({ open: messageFor(base, facts, size) });
    assert.ok(Buffer.from(await opened.opened.arrayBuffer()).equals(Buffer.from(text)));
  }
});

test('the worker seals with the padding that it is told', async () => {
  const { last } = await perform({ seal: new Blob([new Uint8Array(10)]), key: KEY, padding: 'none' });
  assert.equal(last.sealed.size, 64 + 18 + 16);
});

test('a page that came over plain HTTP, where browsers have less, opens and seals all the same', async t => {
  const size = 33 * 2 ** 20, { message, text, blob } = await stored(t, size);
  Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  for (const name of ['subtle', 'randomUUID']) {
    Object.defineProperty(crypto, name, { value: undefined, configurable: true });
    t.after(() => { delete crypto[name]; });
  }
  const { last } = await perform({ open: message });
  assert.ok(Buffer.from(await last.opened.arrayBuffer()).equals(Buffer.from(text)));
  const again = await sealed(await newCipher(), text, KEY, { salt: blob.bytes.subarray(8, 32) });
  assert.deepEqual([again.root, again.sha256], [blob.root, blob.sha256]);
  const lease = { owner: new Uint8Array(16) };
  await assert.rejects(upload('http://127.0.0.1:1', again, lease), { code: 'insecure' });
  await assert.rejects(confirmDelivery(message, new Uint8Array(16)), { code: 'insecure' });
});

test('the worker confirms delivery, and tells what went wrong', async t => {
  const asked = [], receipt = 'AAECAwQFBgcICQoLDA0ODw';
  let status = 204;
  const base = await serve(t, (request, response) => {
    asked.push([request.method, request.headers['satchel-secret']]);
    response.writeHead(status).end();
  });
  const message = { ...messageFor(base, { sha256: '0'.repeat(64), size: 88 }, 0), receipt };
  const task = { confirm: message, person: new Uint8Array(16) };
  assert.deepEqual((await perform(task)).last, { confirmed: true });
  assert.deepEqual(asked, [['PUT', receipt]]);
  status = 410;
  assert.deepEqual((await perform(task)).last, { failed: { code: 'gone', detail: '' } });
});

test('what nobody expects is told as broken', async () => {
  const { last } = await perform({ seal: new Blob(['a']), key: KEY, wasm: new Uint8Array(3) });
  assert.equal(last.failed.code, 'broken');
  assert.match(last.failed.detail, /CompileError/);
});

// MARK: The player

/** The service worker, with one page as its client. */
async function player(t) {
  const told = [], page = {
    postMessage(data, ports) {
      told.push({ data, ports });
      page.onmessage?.(data, ports);
    },
  };
  const { listeners, module } = await load('video.mjs', {
    registration: { scope: 'https://page.example/open/' }, skipWaiting: () => {},
    clients: { get: async id => id === 'page' ? page : undefined, claim: async () => {} },
  });
  const worker = { told, page, ...module };
  /** Gives it a film, as a page does, and resolves to its answer. */
  worker.give = data => new Promise(resolve => {
    const { port1, port2 } = new Channel();
    t.after(() => port1.close());
    port1.on('message', resolve);
    listeners.message({ data, ports: [port2], waitUntil: () => {} });
  });
  /** The answer to a request; undefined where it is passed through. */
  worker.ask = async (path, range, clientId = 'page') => {
    let answer;
    const request = new Request(`https://page.example${path}`, range ? { headers: { Range: range } } : {});
    listeners.fetch({ request, clientId, respondWith: promise => { answer = promise; } });
    return answer;
  };
  return worker;
}

test('a film is played by ranges, 4 chunks at first, then 8, then 16', async t => {
  const { message, text, requests } = await stored(t, 5_000_000), worker = await player(t);
  assert.deepEqual(await worker.give({ id: 'a1', message, wasm }), { ready: true });
  requests.length = 0;

  const first = await worker.ask('/open/stream/a1', 'bytes=0-1');
  assert.equal(first.status, 206);
  assert.equal(first.headers.get('Content-Range'), 'bytes 0-1/5000000');
  assert.equal(first.headers.get('Content-Length'), '2');
  assert.deepEqual(await bytesOf(first), text.subarray(0, 2));
  requests.length = 0;

  const rest = await worker.ask('/open/stream/a1', 'bytes=100000-');
  assert.equal(rest.headers.get('Content-Range'), 'bytes 100000-4999999/5000000');
  assert.deepEqual(await bytesOf(rest), text.subarray(100_000));
  const counts = requests.map(range => {
    const [from, to] = range.match(/\d+/g).map(Number);
    return Math.round((to - from) / (CHUNK + 16));
  });
  assert.deepEqual(counts.slice(0, 4), [4, 8, 16, 16]);

  const whole = await worker.ask('/open/stream/a1');
  assert.deepEqual([whole.status, whole.headers.get('Content-Range')], [200, null]);
  assert.equal(whole.headers.get('Content-Length'), '5000000');
  assert.match(whole.headers.get('Content-Security-Policy'), /sandbox/);
  assert.deepEqual(await bytesOf(whole), text);

  const beyond = await worker.ask('/open/stream/a1', 'bytes=5000000-');
  assert.deepEqual([beyond.status, beyond.headers.get('Content-Range')], [416, 'bytes */5000000']);
});

test('a player reads ranges as RFC 9110 has them', async t => {
  const { readRange } = await player(t);
  for (const [field, status, from, until] of [
    [null, 200, 0, 100], ['bytes=0-0', 206, 0, 1], ['bytes=0-', 206, 0, 100], ['bytes=10-19', 206, 10, 20],
    ['bytes=90-1000', 206, 90, 100], ['bytes=-10', 206, 90, 100], ['bytes=-1000', 206, 0, 100],
    ['bytes=100-', 416, 0, 0], ['bytes=-0', 416, 0, 0],
    ['bytes=5-4', 200, 0, 100], ['bytes=0-1,3-4', 200, 0, 100], ['lines=1-2', 200, 0, 100],
    ['bytes=-', 200, 0, 100], ['bytes=99999999999999999999-', 416, 0, 0],
  ]) {
    assert.deepEqual(readRange(field, 100), { status, from, until }, String(field));
  }
  assert.deepEqual(readRange('bytes=0-', 0), { status: 416, from: 0, until: 0 });
  assert.deepEqual(readRange(null, 0), { status: 200, from: 0, until: 0 });
});

test('everything but streams is passed through', async t => {
  const worker = await player(t);
  for (const path of ['/open/0123', '/open/', '/stream/a1', '/send', '/open/video.js']) {
    assert.equal(await worker.ask(path), undefined, path);
  }
});

test('a worker that was stopped asks the page again, and refuses where nobody answers for a film', async t => {
  const { message, text } = await stored(t, 2_000_000), worker = await player(t);
  worker.page.onmessage = (data, ports) => {
    if (data.need !== 'b2') return;
    ports[0].postMessage({ id: 'b2', message, wasm });
    ports[0].close();
  };
  assert.deepEqual(await bytesOf(await worker.ask('/open/stream/b2', 'bytes=7-9')), text.subarray(7, 10));
  assert.equal(worker.told.length, 1);
  assert.equal((await worker.ask('/open/stream/b2', 'bytes=0-1')).status, 206);
  assert.equal(worker.told.length, 1);
  assert.equal((await worker.ask('/open/stream/c3', 'bytes=0-1', 'nobody')).type, 'error');
});

test('a film without a root is not played, nor one whose index is another', async t => {
  const { message } = await stored(t, 2_000_000), worker = await player(t);
  const { root, ...without } = message;
  assert.deepEqual(await worker.give({ id: 'd4', message: without, wasm }), { failed: { code: 'index', detail: '' } });
  const other = { ...message, root: root.replace(/^./, first => first === 'A' ? 'B' : 'A') };
  assert.deepEqual(await worker.give({ id: 'd4', message: other, wasm }), { failed: { code: 'index', detail: '' } });
  assert.deepEqual(await worker.give({ id: 'd4', message, wasm }), { ready: true });
});

test('a chunk that is forged ends the film, and the page is told which', async t => {
  const { message } = await stored(t, 2_000_000, bytes => {
    bytes[64 + 20 * 65_552] ^= 1;
    return bytes;
  });
  const worker = await player(t);
  await worker.give({ id: 'e5', message, wasm });
  const answer = await worker.ask('/open/stream/e5', 'bytes=0-');
  await assert.rejects(bytesOf(answer), Refused);
  assert.deepEqual(worker.told.map(({ data }) => data), [{ failed: { id: 'e5', code: 'leaf', detail: '20' } }]);
});

test('a player that turns away stops what is fetched for it', async t => {
  const { message, requests } = await stored(t, 20_000_000), worker = await player(t);
  await worker.give({ id: 'f6', message, wasm });
  const answer = await worker.ask('/open/stream/f6', 'bytes=0-'), reader = answer.body.getReader();
  await reader.read();
  await reader.cancel();
  assert.ok(requests.length < 8);
  assert.deepEqual(worker.told, []);
});

test('what fails as a player turns away is nobody\'s news', async t => {
  const { message } = await stored(t, 20_000_000), worker = await player(t);
  await worker.give({ id: 'h8', message, wasm });
  const { fetch } = globalThis, waiting = [];
  t.after(() => { globalThis.fetch = fetch; });
  let isFirst = true;
  globalThis.fetch = (...asked) => {
    if (!isFirst) return new Promise(resolve => waiting.push(resolve));
    isFirst = false;
    return fetch(...asked);
  };
  const answer = await worker.ask('/open/stream/h8', 'bytes=0-'), reader = answer.body.getReader();
  await reader.read();
  while (!waiting.length) await new Promise(resolve => setImmediate(resolve));
  const gone = reader.cancel();
  for (const respond of waiting) respond(new Response(null, { status: 404 }));
  await gone;
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(worker.told, []);
});

test('the keys of the eight latest films are kept', async t => {
  const { message } = await stored(t, 2_000_000), worker = await player(t);
  for (let i = 0; i < 9; i++) await worker.give({ id: `g${i}`, message, wasm });
  for (let i = 1; i < 9; i++) assert.equal((await worker.ask(`/open/stream/g${i}`, 'bytes=0-1')).status, 206);
  worker.page.onmessage = (data, ports) => {
    ports[0].postMessage({ id: 'g0', message, wasm });
    ports[0].close();
  };
  assert.equal((await worker.ask('/open/stream/g0', 'bytes=0-1')).status, 206);
  assert.deepEqual(worker.told.map(({ data }) => data), [{ need: 'g0' }]);
});
