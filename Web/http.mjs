// How requests are made, tried again, and refused (docs/http-api.md, "Problems").
import { Refused } from './format.mjs';

/** After so many tries that brought nothing, it is given up. */
const TRIES = 7;
const LONGEST_PAUSE = 30_000;
/** A server that asks for more patience than this has refused. */
const LONGEST_RETRY_AFTER = 60_000;
const BODY_LIMIT = 16_384;
/** Milliseconds that a request with a small answer may take: 8 MiB at 28 kB/s. */
const REQUEST_PATIENCE = 300_000;
/** What may be over in a moment. */
const PASSING = [408, 425, 429, 500, 502, 503, 504];

/**
 * What every journey takes. `patience`: after so many milliseconds without a byte a connection counts as cut. `sleep`:
 * how pauses are made.
 * @typedef {{ signal?: AbortSignal, say?: (news: News) => void, patience?: number,
 *   sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void> }} Options
 * @typedef {{ done: number, of: number } | { waiting: number }} News bytes that are done, or how many tries have failed
 */

/** Requests carry nothing but what they ask for, and nobody keeps their answers. */
export const DISCREET = /** @type {const} */ ({
  credentials: 'omit', redirect: 'error', cache: 'no-store', referrerPolicy: 'no-referrer',
});

/** A refusal that may be over in a moment: after so many milliseconds, if the server says. */
class Busy extends Error {
  /** @param {Refused} refused @param {number} [after] */
  constructor(refused, after) {
    super(refused.message);
    this.refused = refused;
    this.after = after;
  }
}

/**
 * Decides after each failed try whether there is another one.
 * @param {Options} options
 */
export function retries({ signal, say, sleep = pause }) {
  let misses = 0;
  return {
    /** Something has been achieved: the count begins anew. */
    begin() { misses = 0; },
    /** Returns when it is time for the next try, or throws why there is none. @param {any} error */
    async after(error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof Refused) throw error;
      misses += 1;
      if (misses === TRIES) throw error instanceof Busy ? error.refused : new Refused('network', error.message);
      say?.({ waiting: misses });
      const backoff = Math.min(LONGEST_PAUSE, 500 * 2 ** misses) * (0.5 + Math.random() / 2);
      await sleep(error instanceof Busy ? error.after ?? backoff : backoff, signal);
    },
  };
}

/**
 * Tries until one succeeds.
 * @template T @param {Options} options @param {() => Promise<T>} attempt @returns {Promise<T>}
 */
export async function persistently(options, attempt) {
  for (const tries = retries(options);;) {
    try { return await attempt(); } catch (error) { await tries.after(error); }
  }
}

/** @param {number} milliseconds @param {AbortSignal} [signal] @returns {Promise<void>} */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => { clearTimeout(timer); reject(signal?.reason); };
    const timer = setTimeout(() => { signal?.removeEventListener('abort', stop); resolve(); }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * Guards one request: `signal` ends it, with the caller's own or when something that is awaited through `wait` takes
 * longer than `patience`. `end` closes its connection.
 * @param {AbortSignal | undefined} signal @param {number} patience
 */
export function guard(signal, patience) {
  const controller = new AbortController(), stop = () => controller.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  return {
    signal: controller.signal,
    /** @template T @param {Promise<T>} promise @returns {Promise<T>} */
    async wait(promise) {
      const timer = setTimeout(() => controller.abort(new Error('nothing has come for too long')), patience);
      try { return await promise; } finally { clearTimeout(timer); }
    },
    end() {
      signal?.removeEventListener('abort', stop);
      controller.abort();
    },
  };
}

/**
 * Makes one request whose answer is a small JSON object or nothing. Throws what `refuseAnswer` does, and anything else
 * where there is no answer.
 * @param {string} method @param {string} url @param {Record<string, string>} headers @param {Options} options
 * @param {Blob} [body]
 */
export async function request(method, url, headers, { signal, patience = REQUEST_PATIENCE }, body) {
  const guarded = guard(signal, patience);
  try {
    const answer = await guarded.wait(fetch(url, { ...DISCREET, method, headers, body, signal: guarded.signal }));
    if (!answer.ok) await guarded.wait(refuseAnswer(answer));
    return { headers: answer.headers, body: await guarded.wait(readObject(answer)) };
  } finally {
    guarded.end();
  }
}

/**
 * Throws what an answer other than success says: the code of its problem, with the reason, or with limit and name.
 * @param {Response} answer @returns {Promise<never>}
 */
export async function refuseAnswer(answer) {
  const problem = await readObject(answer), code = problemCode(problem, answer);
  const facts = [problem.reason, problem.limit_name, problem.limit ?? problem.max].filter(fact => fact !== undefined);
  const detail = facts.length > 0 ? facts.join(' ') : code === 'refused' ? answer.status : '';
  const refused = Object.assign(new Refused(code, detail), { status: answer.status });
  const seconds = answer.headers.get('Retry-After') ?? '';
  const after = /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined;
  const mayPass = PASSING.includes(answer.status) && (after ?? 0) <= LONGEST_RETRY_AFTER;
  throw mayPass ? new Busy(refused, after) : refused;
}

/** @param {Record<string, any>} problem @param {Response} answer */
function problemCode(problem, answer) {
  const [, code] = /^\/problems\/([a-z-]+)$/.exec(String(problem.type)) ?? [];
  return code ?? answer.headers.get('X-Reason') ?? ({ 404: 'not-found', 410: 'gone' }[answer.status] ?? 'refused');
}

/** @param {Response} answer @returns {Promise<Record<string, any>>} empty where there is none */
async function readObject(answer) {
  const reader = answer.body?.getReader(), decoder = new TextDecoder();
  let text = '';
  try {
    for (let read; reader && text.length < BODY_LIMIT && !(read = await reader.read()).done;) {
      text += decoder.decode(read.value, { stream: true });
    }
    return Object(JSON.parse(text));
  } catch { return {}; } finally { reader?.cancel().catch(() => {}); }
}
