// The worker of a page: opens or seals one blob, a mebibyte at a time, or makes a picture ready, off the page's thread.
//
// It is given one task, and ends with its first answer but `news`:
//
//     { open: message, folder, target?, wasm }      → { opened: Blob }, or { opened: undefined } if it is in `target`
//     { prepare: file, quality }                    → { prepared: what preparePicture gives }
//     { seal: file, key, folder, padding?, wasm }   → { sealed: { blob, sha256, size, root? } }
//     { confirm: message, person }                  → { confirmed: true }, once the sender can see it (receipt.mjs)
//
//     { news: { done, of } }, { news: { waiting } }   bytes of the file that are done; how many tries in a row failed
//     { failed: { code, detail } }                    a word of docs/sealed-blob.md, of the server, or one of these:
//                                                     network, refused, room, changed, too-large, broken
//
// `wasm` is sodium.wasm, its bytes or the compiled module. `target` is a FileSystemFileHandle that the person chose.
// `folder` names the folder of the origin's private files (OPFS) for what is too large for memory; the page removes it.
import { Refused } from './format.mjs';
import { openBlob, sealBlob } from './journey.mjs';
import { preparePicture } from './picture.mjs';
import { confirmDelivery } from './receipt.mjs';
import { makeCipher } from './sodium.mjs';

/** Opened files of this size stay in memory; larger ones do where there is no other place, up to the limit. */
const OPENED_IN_MEMORY = 32 * 2 ** 20;
/** As above, for sealed ones. */
const SEALED_IN_MEMORY = 64 * 2 ** 20;
const MEMORY_LIMIT = 256 * 2 ** 20;

addEventListener('message', async ({ data }) => {
  try {
    postMessage(await perform(data, news => postMessage({ news })));
  } catch (error) {
    postMessage({ failed: failure(error) });
  }
});

async function perform(task, say) {
  if (task.confirm) return { confirmed: await confirmDelivery(task.confirm, task.person, { say }) };
  if (task.prepare) return { prepared: await preparePicture(task.prepare, task.quality) };
  const cipher = await makeCipher(task.wasm);
  return task.seal ? { sealed: await seal(task, cipher, say) } : { opened: await open(task, cipher, say) };
}

async function open({ open: message, folder, target }, cipher, say) {
  const { size, type } = message.media, place = target ? await chosenPlace(target)
    : await ownPlace(size, OPENED_IN_MEMORY, folder);
  return kept(place, type, () => openBlob(message, cipher, place.write, { say }));
}

async function seal({ seal: file, key, folder, padding }, cipher, say) {
  const place = await ownPlace(file.size, SEALED_IN_MEMORY, folder);
  let facts;
  const blob = await kept(place, 'application/octet-stream', async () => {
    facts = await sealBlob(file, key, cipher, place.write, { padding, say });
  });
  return { blob, ...facts };
}

function failure(error) {
  if (error instanceof Refused) return { code: error.code, detail: error.detail };
  if (error?.name === 'QuotaExceededError') return { code: 'room', detail: '' };
  return { code: 'broken', detail: String(error) };
}

// MARK: Where bytes are kept
//
// A place takes the bytes in their order (`write`), and then gives them as a Blob (`finish`) or forgets them (`drop`).

/** What `place` holds after `journey`, which fills it; nothing of it stays if that fails. */
async function kept(place, type, journey) {
  try {
    await journey();
    return await place.finish(type);
  } catch (error) {
    try { await place.drop(); } catch { /* What went wrong before is what counts. */ }
    throw error;
  }
}

async function ownPlace(size, inMemory, folder) {
  const file = size > inMemory ? await privatePlace(folder) : undefined;
  if (!file && size > MEMORY_LIMIT) throw new Refused('room', size);
  return file ?? memoryPlace();
}

function memoryPlace() {
  let parts = [];
  return {
    // As a Blob, a part leaves the memory of scripts.
    write(bytes) { parts.push(new Blob([bytes])); },
    finish: type => new Blob(parts, { type }),
    drop() { parts = []; },
  };
}

/** A file of the origin's own; undefined where the browser has none, as in some private windows. */
async function privatePlace(folder) {
  let parent, name, handle, file;
  try {
    name = crypto.randomUUID();
    parent = await (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true });
    handle = await parent.getFileHandle(name, { create: true });
    file = await handle.createSyncAccessHandle();
  } catch { return undefined; }
  return {
    write(bytes, at) {
      if (file.write(bytes, { at }) !== bytes.length) throw new Refused('room');
    },
    async finish(type) {
      file.flush();
      file.close();
      const whole = await handle.getFile();
      return whole.slice(0, whole.size, type);
    },
    async drop() {
      file.close();
      await parent.removeEntry(name);
    },
  };
}

/** The file that the person has chosen takes its name when it is finished. */
async function chosenPlace(target) {
  const stream = await target.createWritable();
  return {
    write: (data, position) => stream.write({ type: 'write', position, data }),
    async finish() { await stream.close(); },
    drop: () => stream.abort(),
  };
}
