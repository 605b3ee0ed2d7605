// The service worker that plays films and sound by ranges: it answers <scope>stream/<id>, from the page's own <video>
// or <audio>, with what it fetches, checks and opens, and passes everything else through.
//
// A page posts { id, message, wasm } with a port, on which it is told { ready: true } or { failed: { code, detail } }.
// The message has the root of an index, so that everything is checked before it plays. All that is kept in memory
// alone: a worker that the browser has stopped in between posts { need: id } with a port to the page, which answers on
// it with the same object. What goes wrong while it plays, the page is told as { failed: { id, code, detail } }.
import { CHUNK, Refused } from './format.mjs';
import { openRange, openRanges } from './journey.mjs';
import { makeCipher } from './sodium.mjs';

/** Chunks that are opened at a time: few at first, so that something is soon to be seen. */
const FIRST_RUN = 4, LONGEST_RUN = 16;
/** Films whose keys are kept. */
const FILM_LIMIT = 8;
/** Promises of { message, cipher, ranges } by their ids, the latest last. */
const films = new Map();

addEventListener('install', () => skipWaiting());
addEventListener('activate', event => event.waitUntil(clients.claim()));

addEventListener('message', event => {
  // A worker that lives on after its registration has ended is not activated again, so it claims the page here.
  if (event.data?.message) event.waitUntil(clients.claim().then(() => take(event.data)).then(
    () => event.ports[0]?.postMessage({ ready: true }),
    error => event.ports[0]?.postMessage({ failed: failure(error) })));
});

addEventListener('fetch', event => {
  const { href } = new URL(event.request.url), folder = `${registration.scope}stream/`;
  if (href.startsWith(folder)) event.respondWith(answer(href.slice(folder.length), event));
});

function failure(error) {
  const { code = 'broken', detail = String(error) } = error;
  return { code, detail };
}

/** Remembers a film, and fetches what it takes to open it. */
function take({ id, message, wasm }) {
  const film = prepare(message, wasm);
  films.delete(id);
  films.set(id, film);
  if (films.size > FILM_LIMIT) films.delete(films.keys().next().value);
  // What has failed may be tried again.
  film.catch(() => films.get(id) === film && films.delete(id));
  return film;
}

async function prepare(message, wasm) {
  if (message.root === undefined) throw new Refused('index');
  const cipher = await makeCipher(wasm);
  return { message, cipher, ranges: await openRanges(message, cipher) };
}

/** The film, after asking the page that plays it if this worker has forgotten it. */
async function filmOf(id, client) {
  return films.get(id) ?? await new Promise((resolve, reject) => {
    if (!client) return reject(new Refused('not-found'));
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => take(data).then(resolve, reject);
    client.postMessage({ need: id }, [port2]);
  });
}

async function answer(id, { request, clientId }) {
  const client = await clients.get(clientId);
  const tell = error => client?.postMessage({ failed: { id, ...failure(error) } });
  try {
    const film = await filmOf(id, client), { size, type } = film.message.media;
    const { status, from, until } = readRange(request.headers.get('Range'), size);
    const headers = {
      'Accept-Ranges': 'bytes', 'Cache-Control': 'no-store', 'Content-Length': String(until - from),
      'Content-Security-Policy': "sandbox; default-src 'none'", 'Content-Type': type,
      'X-Content-Type-Options': 'nosniff',
    };
    if (status === 206) headers['Content-Range'] = `bytes ${from}-${until - 1}/${size}`;
    if (status === 416) headers['Content-Range'] = `bytes */${size}`;
    return new Response(from < until ? openedStream(film, from, until, tell) : null, { status, headers });
  } catch (error) {
    tell(error);
    return Response.error();
  }
}

/**
 * What a request for a range asks for (RFC 9110 §14), as far as players ask: one range, or the whole.
 * @param {string | null} field @param {number} size
 */
export function readRange(field, size) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(field ?? '') ?? [];
  const isNone = !first && !last, isBackwards = first && last && Number(last) < Number(first);
  if (isNone || isBackwards) return { status: 200, from: 0, until: size };
  const from = first ? Number(first) : Math.max(0, size - Number(last));
  const until = first && last ? Math.min(size, Number(last) + 1) : size;
  return from < until ? { status: 206, from, until } : { status: 416, from: 0, until: 0 };
}

/** The opened bytes from `from` until `until`, as fast as they are taken. */
function openedStream({ cipher, ranges }, from, until, tell) {
  const stop = new AbortController();
  let at = from, run = FIRST_RUN, isOver = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        const end = Math.min(until, (Math.floor(at / CHUNK) + run) * CHUNK);
        const opened = await openRange(ranges, cipher, at, end, { signal: stop.signal });
        if (isOver) return;
        controller.enqueue(opened);
        at = end;
        run = Math.min(2 * run, LONGEST_RUN);
        if (at === until) controller.close();
      } catch (error) {
        if (isOver) return;
        tell(error);
        controller.error(error);
      }
    },
    // In a task of its own: WebKit's worker hangs for good where it ends a fetch while it is told that a stream is over.
    cancel() {
      isOver = true;
      setTimeout(() => stop.abort());
    },
  }, { highWaterMark: 1 });
}
