// Tells the sender of a message that it has arrived (docs/http-api.md, "Recipients").
import { Refused, base64url, fromBase64url, fromHex, join, utf8 } from './format.mjs';
import { persistently, request } from './http.mjs';

const LABEL = 'satchel-recipient/2\0';

/**
 * Confirms delivery. Throws what the server says, `network`, or `insecure` where a page that came over plain HTTP can
 * compute no name.
 * @param {import('./link.mjs').Message} message with a receipt secret
 * @param {Uint8Array} person 16 random bytes, the same on every retry and on all devices of a person
 * @param {import('./http.mjs').Options} [options]
 */
export async function confirmDelivery(message, person, options = {}) {
  const secret = message.receipt ?? '', url = `${message.url}/receipts/${await recipientName(message, person)}`;
  await persistently(options, () => request('PUT', url, { 'Satchel-Secret': secret }, options));
  return true;
}

/**
 * The name by which the sender sees this person: unlinkable between blobs, and between receipt secrets.
 * @param {Pick<import('./link.mjs').Message, 'sha256' | 'receipt'>} message @param {Uint8Array} person
 */
export async function recipientName({ sha256, receipt }, person) {
  if (!globalThis.crypto.subtle) throw new Refused('insecure');
  const key = await crypto.subtle.importKey('raw', person, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const text = join(utf8(LABEL), fromHex(sha256), fromBase64url(receipt ?? '') ?? new Uint8Array());
  return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, text)).subarray(0, 16));
}
