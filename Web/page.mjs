// What both pages share: elements, the worker, the one policy for its script, and files that a closed tab has left.

import { fromHex } from './format.mjs';
import { bytes, say } from './words.mjs';

export const $ = id => document.getElementById(id);

export function show(id, isShown = true) { $(id).hidden = !isShown; }

/** Where the page stands, for styles and tests. */
export function mark(state, code = '') { Object.assign(document.documentElement.dataset, { state, code }); }

export function status(text, isBad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', isBad);
}

/** The news of a job, as a bar and a line. */
export function progress({ done, of, waiting }, doing) {
  if (waiting) return status(say('waiting'));
  $('bar').value = of ? done / of : 1;
  status(`${doing} ${say('progress', bytes(done), bytes(of))}`);
}

// MARK: Scripts

// Both workers' scripts come with the page: one lies in it, the other beside it.
const WORKER = URL.createObjectURL(new Blob([$('worker').textContent], { type: 'text/javascript' }));
export const PLAYER = new URL('video.js', location.href).href;

const policy = globalThis.trustedTypes?.createPolicy('satchel', {
  createScriptURL(place) {
    if (place !== WORKER && place !== PLAYER) throw new TypeError('not a script of this page');
    return place;
  },
});

export const scriptURL = place => policy ? policy.createScriptURL(place) : place;

export const wasm = () => fromHex($('wasm').textContent);

/**
 * Gives the worker a task. `done` resolves to its answer or rejects with the code of what went wrong; `stop` ends it,
 * so that neither happens.
 */
export function job(task, news) {
  const worker = new Worker(scriptURL(WORKER));
  const done = new Promise((resolve, reject) => {
    worker.onerror = event => reject({ code: 'broken', detail: event.message ?? '' });
    worker.onmessage = ({ data }) => {
      if (data.news) return news?.(data.news);
      worker.terminate();
      if (data.failed) reject(data.failed); else resolve(data);
    };
  });
  worker.postMessage({ ...task, wasm: wasm() });
  return { done, stop: () => worker.terminate() };
}

// MARK: Private files

// What is too large for memory lies in a folder of this tab below the origin's private one.
export const FOLDER = `tab-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}`;
let root;

/**
 * Removes what tabs that are gone have left, unless another one is open, and keeps the files of this one from being
 * removed that way. To be awaited before the first is made.
 */
export async function tidyFiles() {
  try {
    root = await navigator.storage.getDirectory();
    await navigator.locks.request('files', { ifAvailable: true }, async lock => {
      const names = [];
      if (lock) for await (const name of root.keys()) names.push(name);
      for (const name of names) await root.removeEntry(name, { recursive: true });
    });
    await new Promise(held => {
      navigator.locks.request('files', { mode: 'shared' }, () => { held(); return new Promise(() => {}); });
    });
  } catch {
    // Where there is no private folder, nothing was left in it.
  }
}

/** Removes the folder of this tab, as far as the browser does that for a page that is left. */
export function dropFiles() { root?.removeEntry(FOLDER, { recursive: true }).catch(() => {}); }
