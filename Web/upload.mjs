// Brings a sealed blob to its store: in one request where it is small, else by tus (docs/http-api.md), which goes on
// after a cut, and after a restart of the server. What is sent is read from the sealed copy: nothing is sealed twice.
import { Refused, base64url, withoutAbsent } from './format.mjs';
import { persistently, request, retries } from './http.mjs';

/** Blobs below this size take one request. */
const SINGLE_LIMIT = 2 ** 20;
/** Bytes of one append. */
const APPEND = 8 * 2 ** 20;
const TUS = { 'Tus-Resumable': '1.0.0' };

/**
 * @typedef {import('./http.mjs').Options} Options
 * @typedef {{ blob: Blob, sha256: string, size: number }} Sealed
 * @typedef {{ owner: Uint8Array, receipt?: Uint8Array, lifetime?: number, recipients?: number, ticket?: string }} Lease
 *   `owner` and `receipt`: 16 random bytes each, fresh for every lease. `lifetime` in seconds.
 */

/**
 * Stores the blob and makes a lease on it. `say` is told what the server has acknowledged. Throws the code of the
 * problem that the server names, `network`, or `insecure` where a page that came over plain HTTP can compute no hash.
 * @param {string} store the base of the store's URLs @param {Sealed} sealed @param {Lease & Options} lease
 * @param {Options['say']} [say] @returns {Promise<{ url: string, expires?: number }>} `expires`: Unix seconds, if known
 */
export async function upload(store, sealed, lease, say) {
  const fields = await leaseFields(sealed, lease), options = { ...lease, say };
  const journey = sealed.size < SINGLE_LIMIT ? single : resumable;
  return journey(store, sealed, fields, options);
}

/**
 * Takes the lease back. Throws as `upload` does.
 * @param {string} store @param {string} sha256 @param {Uint8Array} owner @param {Options} [options]
 */
export async function revoke(store, sha256, owner, options = {}) {
  const headers = { 'Satchel-Secret': base64url(owner) };
  await persistently(options, () => request('DELETE', `${store}/${sha256}`, headers, options));
}

/**
 * The fields of the lease, by the names that tus takes them by.
 * @param {Sealed} sealed @param {Lease} lease @returns {Promise<Record<string, any>>}
 */
async function leaseFields({ sha256 }, { owner, receipt, lifetime, recipients }) {
  if (!globalThis.crypto.subtle) throw new Refused('insecure');
  return withoutAbsent({
    sha256, owner: await hashOf(owner), receipt: receipt && await hashOf(receipt), lifetime, recipients,
  });
}

/** @param {Uint8Array} secret */
async function hashOf(secret) { return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', secret))); }

/** @param {{ ticket?: string }} lease @returns {Record<string, string>} */
function authorization({ ticket }) { return ticket === undefined ? {} : { Authorization: `Bearer ${ticket}` }; }

// MARK: One request

async function single(store, { blob, size }, { sha256, owner, receipt, lifetime, recipients }, options) {
  const headers = withoutAbsent({
    ...authorization(options), 'Content-Type': 'application/octet-stream', 'X-SHA-256': sha256, 'Satchel-Owner': owner,
    'Satchel-Receipt': receipt, 'Satchel-Lifetime': lifetime, 'Satchel-Recipients': recipients,
  });
  const { body } = await persistently(options, () => request('PUT', `${store}/upload`, headers, options, blob));
  options.say?.({ done: size, of: size });
  return { url: body.url ?? `${store}/${sha256}`, expires: body.expires };
}

// MARK: Several requests

async function resumable(store, { blob, size, sha256 }, fields, options) {
  const tries = retries(options);
  // Where the upload is, if it has begun; how much of it the server has, if that is sure; the most that it ever had.
  let place, offset, most = 0;
  for (;;) {
    try {
      place ??= await begin(store, size, fields, options);
      const from = offset ?? offsetIn(await request('HEAD', place, TUS, options), size);
      offset = undefined;
      if (from > most) tries.begin();
      most = Math.max(most, from);
      options.say?.({ done: from, of: size });
      const headers = { ...TUS, 'Upload-Offset': String(from), 'Content-Type': 'application/offset+octet-stream' };
      // Where the server has everything and could not store it yet, an append of nothing asks it to try again.
      const answer = await request('PATCH', place, headers, options, blob.slice(from, from + APPEND));
      const reached = offsetIn(answer, size);
      if (reached === size) {
        options.say?.({ done: size, of: size });
        const url = answer.headers.get('Content-Location') ?? `${store}/${sha256}`;
        return { url, expires: await expiry(store, sha256, options) };
      }
      if (reached <= from) throw new Error('the server takes nothing');
      offset = reached;
    } catch (error) {
      const isForgotten = place !== undefined && error.status === 404;
      if (isForgotten) place = undefined;
      // The server has something else than it was thought to have.
      const isMistaken = place !== undefined && error.status === 409;
      await tries.after(isForgotten || isMistaken ? new Error(error.message) : error);
    }
  }
}

/** Begins an upload and gives its place, on this store by whatever name it was called. */
async function begin(store, size, fields, options) {
  const metadata = Object.entries(fields).map(([name, value]) => `${name} ${btoa(String(value))}`).join(',');
  const headers = { ...TUS, ...authorization(options), 'Upload-Length': String(size), 'Upload-Metadata': metadata };
  const answer = await request('POST', `${store}/uploads`, headers, options);
  const [id] = /[^/]*$/.exec(answer.headers.get('Location') ?? '') ?? [''];
  if (id === '') throw new Refused('refused', 'Location');
  return `${store}/uploads/${id}`;
}

function offsetIn({ headers }, size) {
  const text = headers.get('Upload-Offset') ?? '', offset = Number(text);
  if (!/^\d{1,16}$/.test(text) || offset > size) throw new Refused('refused', 'Upload-Offset');
  return offset;
}

/** When the lease ends; undefined if the store does not say. The upload is done, whatever comes of this. */
async function expiry(store, sha256, options) {
  const headers = { 'Satchel-Secret': base64url(options.owner) };
  try {
    return (await request('GET', `${store}/${sha256}/lease`, headers, options)).body.expires;
  } catch { return undefined; }
}
