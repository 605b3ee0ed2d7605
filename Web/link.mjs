// The link to paste (docs/media-message.md), read as strictly as the command reads it, and written as it writes it.
//
//     <page>/open/<sha256>#v=1&k=<key>&s=<sealed size>&n=<plaintext size>&t=image/jpeg&f=beach.jpg
//
// and, each where it is known: r receipt secret, x root of the index, w and h pixels, b ThumbHash, e expires, d
// seconds, u the base of the store where that is not beside the page. In JavaScript a message is an object with the
// fields of its JSON; keys, secrets and roots stay base64url.
import { Refused, fits, fromBase64url, utf8, withoutAbsent } from './format.mjs';

/**
 * @typedef {{ type: string, size: number, name?: string, width?: number, height?: number, duration?: number,
 *   thumbhash?: string }} Media
 * @typedef {{ v: 1, url: string, sha256: string, size: number, key: string, expires?: number, receipt?: string,
 *   root?: string, media: Media }} Message
 */

const LINK_LIMIT = 4096;
const URL_LIMIT = 2048;
const RESTRICTED_NAME = '[a-z0-9][a-z0-9!#$&^_.+-]{0,126}';
const MEDIA_TYPE = new RegExp(`^${RESTRICTED_NAME}/${RESTRICTED_NAME}$`);
const HOST_LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const PATH_PART = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+$/;
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`);
const LOOPBACK = new RegExp(`^(?:localhost|127(?:\\.${BYTE}){3}|\\[::(?:1|ffff:7f\\w\\w:\\w+)\\])$`);

/**
 * The message in a link. Throws `link`, whose detail is one word: `long`, `characters`, `hash`, `url`, `path`,
 * `percent`, `doubled`, or the name of the field that is missing or wrong.
 * @param {string} text @returns {Message}
 */
export function parseLink(text) {
  const link = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''), hash = link.indexOf('#');
  if (utf8(link).length > LINK_LIMIT) refuse('long');
  if (!/^[\x21-\x7e]*$/.test(link)) refuse('characters');
  if (hash < 0) refuse('hash');
  const page = parsePlace(link.slice(0, hash)) ?? refuse('url');
  const sha256 = page.parts.pop() ?? '';
  if (page.parts.pop() !== 'open' || !/^[0-9a-f]{64}$/.test(sha256)) refuse('path');
  const fields = readFields(link.slice(hash + 1));

  /** @template T @param {string} name @param {(value: string) => T | undefined} read @returns {T | undefined} */
  const field = (name, read) => fields.has(name) ? read(fields.get(name) ?? '') ?? refuse(name) : undefined;
  /** @template T @param {string} name @param {(value: string) => T | undefined} read @returns {T} */
  const required = (name, read) => field(name, read) ?? refuse(name);

  required('v', value => value === '1' || undefined);
  const key = required('k', value => secret(value, 32, 32));
  const size = required('s', integer), plain = required('n', integer);
  const root = field('x', value => secret(value, 32, 32)), isIndexed = root === undefined ? undefined : true;
  if (!fits(size, 0, isIndexed)) refuse('s');
  if (!fits(size, plain, isIndexed)) refuse('n');
  const store = field('u', value => storePlace(value, sha256)) ?? page;
  return withoutAbsent({
    v: 1, url: [store.origin, ...store.parts, sha256].join('/'), sha256, size, expires: field('e', integer), key,
    receipt: field('r', value => secret(value, 16, 16)), root,
    media: withoutAbsent({
      type: required('t', value => MEDIA_TYPE.test(value) ? value : undefined), size: plain,
      name: field('f', value => value), width: field('w', pixels), height: field('h', pixels),
      duration: field('d', seconds), thumbhash: field('b', value => secret(value, 1, 32)),
    }),
  });
}

/**
 * The link for `message`, to a page at `page`: a base without `/open`, by default the message's own store. Throws
 * `link` as `parseLink` does.
 * @param {Message} message @param {string} [page]
 */
export function formatLink(message, page) {
  const base = message.url.slice(0, message.url.lastIndexOf('/')), { media } = message;
  const fields = withoutAbsent({
    v: 1, k: message.key, s: message.size, n: media.size, t: media.type, f: media.name, r: message.receipt,
    x: message.root, w: media.width, h: media.height, b: media.thumbhash, e: message.expires, d: media.duration,
    u: page === undefined || page === base ? undefined : base,
  });
  const fragment = Object.entries(fields).map(([name, value]) => `${name}=${percentEncoded(String(value))}`).join('&');
  const link = `${page ?? base}/open/${message.sha256}#${fragment}`;
  parseLink(link);
  return link;
}

/** @param {string} detail @returns {never} */
function refuse(detail) { throw new Refused('link', detail); }

/** @param {string} fragment @returns {Map<string, string>} */
function readFields(fragment) {
  const fields = new Map();
  for (const pair of fragment.split('&')) {
    const [, name, value] = /^([^=]*)=?(.*)$/.exec(pair) ?? [];
    const decoded = percentDecoded(name);
    if (fields.has(decoded)) refuse('doubled');
    fields.set(decoded, percentDecoded(value));
  }
  return fields;
}

/** @param {string} text */
function percentDecoded(text) {
  try { return decodeURIComponent(text); } catch { return refuse('percent'); }
}

/** Everything but unreserved characters, `/` and `:` (RFC 3986 §2.3). @param {string} text */
function percentEncoded(text) {
  return Array.from(utf8(text), byte => {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9._~/:-]/.test(character)) return character;
    return '%' + byte.toString(16).toUpperCase().padStart(2, '0');
  }).join('');
}

/** 0 … 2^53 - 1 in digits alone. @param {string} text */
function integer(text) {
  return /^(?:0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

/** @param {string} text */
function pixels(text) {
  const count = integer(text);
  return count !== undefined && count >= 1 && count <= 65535 ? count : undefined;
}

/** At most two decimals. @param {string} text */
function seconds(text) {
  const [, whole] = /^(\d+)(?:\.\d{1,2})?$/.exec(text) ?? [];
  return whole !== undefined && integer(whole) !== undefined ? Number(text) : undefined;
}

/** Base64url of so many bytes, as it is. @param {string} text @param {number} least @param {number} most */
function secret(text, least, most) {
  const count = fromBase64url(text)?.length ?? 0;
  return count >= least && count <= most ? text : undefined;
}

// MARK: Places (RFC 3986, as far as blobs need it)

/**
 * Origin, host and the parts of the path of an http or https URL; undefined for any other. Of the spellings of an IPv6
 * address `host` has the one of RFC 5952, with brackets.
 * @param {string} text @returns {{ origin: string, host: string, isSecure: boolean, parts: string[] } | undefined}
 */
function parsePlace(text) {
  const [, scheme, host, port, path] =
    /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[1-9]\d{0,4})?\/(.*)$/i.exec(text) ?? [];
  if (scheme === undefined || text.length > URL_LIMIT || Number(port?.slice(1) ?? 1) > 65535) return undefined;
  const parts = path.split('/'), isValid = host.startsWith('[') ? isIPv6(host) : isHost(host);
  if (!isValid || !parts.every(isPathPart)) return undefined;
  const origin = `${scheme}://${host}${port ?? ''}`.toLowerCase();
  const name = host.startsWith('[') ? new URL(origin).hostname : host.toLowerCase();
  return { origin, host: name, isSecure: scheme.length === 5, parts };
}

/** The place of `u`: https, but for this machine itself. @param {string} base @param {string} sha256 */
function storePlace(base, sha256) {
  const place = parsePlace(`${base}/${sha256}`);
  if (place === undefined || !(place.isSecure || LOOPBACK.test(place.host))) return undefined;
  place.parts.pop();
  return place;
}

/** @param {string} host */
function isHost(host) {
  const labels = host.split('.'), isNumber = /^(?:\d+|0x[0-9a-f]*)$/i.test(labels[labels.length - 1]);
  // What ends in a number is an address of four bytes, or nothing that a browser takes.
  return host.length <= 253 && (isNumber ? IPV4.test(host) : labels.every(label => HOST_LABEL.test(label)));
}

/** @param {string} host in brackets */
function isIPv6(host) {
  try { return new URL(`http://${host}/`).hostname !== ''; } catch { return false; }
}

/** Neither empty nor `.` nor `..`, however it is written, and of characters that a path has. @param {string} part */
function isPathPart(part) {
  return PATH_PART.test(part) && !/^\.{1,2}$/.test(part.replace(/%2e/gi, '.'));
}
