// The page's side of playing by ranges: the service worker answers the element's requests, the page gives it the key.

import { hex } from './format.mjs';
import { PLAYER, scriptURL, wasm } from './page.mjs';

/** Whether every part can be checked before it plays: the link has the root of an index, and a worker may be had. */
export function canPlay(message) {
  return Boolean(message.root && globalThis.navigator.serviceWorker && location.protocol !== 'file:');
}

/**
 * Registers the worker and gives it the message; resolves to an address on this origin for a <video> or <audio>.
 * `failed` is told what goes wrong later. Throws what the worker says, and where there can be none.
 */
export async function play(message, failed) {
  const container = navigator.serviceWorker, id = hex(crypto.getRandomValues(new Uint8Array(8)));
  const registration = await container.register(scriptURL(PLAYER), { updateViaCache: 'none' });
  await container.ready;
  const film = { id, message, wasm: wasm() };
  // It keeps the key in memory alone, and asks again when the browser has stopped it meanwhile.
  container.addEventListener('message', ({ data, ports: [port] }) => {
    if (data.need === id) port.postMessage(film);
    if (data.failed?.id === id) failed(data.failed);
  });
  container.startMessages();
  const answer = await new Promise(resolve => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    registration.active.postMessage(film, [port2]);
  });
  if (answer.failed) throw answer.failed;
  if (!container.controller) {
    await new Promise(resolve => container.addEventListener('controllerchange', resolve, { once: true }));
  }
  // From now on it lives as long as the pages that it serves, even if this tab is killed.
  await registration.unregister();
  return new URL(`stream/${id}`, location.href).href;
}

