// The name under which a received file is saved: as the command makes it (docs/media-message.md, "File names").
import { utf8 } from './format.mjs';

const LIMIT = 200;
const FALLBACK = 'media';
// Control, format, line and paragraph separators, and what paths write for bytes that are not UTF-8.
// What looks like nothing, however much of it there is, so that an ending would be out of sight.
const EMPTY = /[\p{White_Space}\u2800\u115f\u1160\u3164\uffa0][\p{White_Space}\u2800\p{DI}]+/gu;
const UNWANTED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}/\\]|[\u{10ff80}-\u{10ffff}]/gu;

/**
 * A single part of a path, never hidden, at most 200 bytes, with an extension that matches the type.
 * @param {string | undefined} hint of the message @param {string} type the media type
 */
export function safeFileName(hint, type) {
  const harmless = trimEnds((hint ?? '').normalize('NFC').replace(UNWANTED, '_').replace(EMPTY, ' '));
  const missing = missingExtension(harmless, type), suffix = missing ? `.${missing}` : '';
  return shortened(harmless || FALLBACK, suffix);
}

/** Takes whole characters from the stem, never from an extension. @param {string} stem @param {string} suffix */
function shortened(stem, suffix) {
  const size = text => utf8(text).length;
  if (size(stem + suffix) <= LIMIT) return stem + suffix;
  const own = extensionOf(stem);
  if (suffix === '' && own !== '' && size(own) <= 16) {
    suffix = `.${own}`;
    stem = stem.slice(0, -suffix.length);
  }
  const characters = charactersOf(stem);
  while (size(characters.join('') + suffix) > LIMIT) characters.pop();
  const short = characters.join('') || FALLBACK;
  return (suffix === '' ? trimEnds(short) : short) + suffix;
}

/** As a person counts them, where the engine can. @param {string} text */
function charactersOf(text) {
  return 'Segmenter' in Intl ? Array.from(new Intl.Segmenter().segment(text), part => part.segment) : Array.from(text);
}

/** @param {string} name */
function trimEnds(name) { return name.replace(/^[-.]/, '_').replace(/[.\p{White_Space}]$/u, '_'); }

/**
 * The extension to add; undefined where there is one that matches, or none is known.
 * @param {string} name @param {string} type
 */
function missingExtension(name, type) {
  const known = EXTENSIONS[type]?.split(' ');
  return known?.includes(extensionOf(name).toLowerCase()) ? undefined : known?.[0];
}

/** What follows the last dot, if something is before it. @param {string} name */
function extensionOf(name) { return /^.+\.([^.]+)$/s.exec(name)?.[1] ?? ''; }

/** The extensions of each media type, the usual one first. @type {Record<string, string>} */
const EXTENSIONS = Object.assign(Object.create(null), {
  'application/epub+zip': 'epub',
  'application/gzip': 'gz tgz',
  'application/json': 'json',
  'application/ogg': 'ogx',
  'application/pdf': 'pdf',
  'application/vnd.oasis.opendocument.graphics': 'odg',
  'application/vnd.oasis.opendocument.presentation': 'odp',
  'application/vnd.oasis.opendocument.spreadsheet': 'ods',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/x-7z-compressed': '7z',
  'application/x-xz': 'xz txz',
  'application/zip': 'zip docx xlsx pptx odt ods odp epub apk jar',
  'application/zstd': 'zst',
  'audio/aac': 'aac',
  'audio/aiff': 'aiff aif aifc',
  'audio/amr': 'amr',
  'audio/amr-wb': 'awb amr',
  'audio/flac': 'flac',
  'audio/mp4': 'm4a m4b mp4',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg oga opus spx',
  'audio/wav': 'wav',
  'image/avif': 'avif',
  'image/bmp': 'bmp dib',
  'image/gif': 'gif',
  'image/heic': 'heic heif',
  'image/heic-sequence': 'heics heic',
  'image/heif': 'heif heic',
  'image/heif-sequence': 'heifs heif',
  'image/jp2': 'jp2',
  'image/jpeg': 'jpg jpeg jpe jfif',
  'image/jxl': 'jxl',
  'image/png': 'png apng',
  'image/svg+xml': 'svg',
  'image/tiff': 'tiff tif dng nef cr2 arw pef',
  'image/webp': 'webp',
  'image/x-canon-cr3': 'cr3',
  'text/plain': 'txt text log md csv',
  'video/3gpp': '3gp 3gpp',
  'video/3gpp2': '3g2',
  'video/iso.segment': 'm4s',
  'video/matroska': 'mkv',
  'video/mp2t': 'ts mts m2ts',
  'video/mp4': 'mp4 m4v',
  'video/mpeg': 'mpg mpeg',
  'video/ogg': 'ogv ogg',
  'video/quicktime': 'mov qt',
  'video/webm': 'webm',
  'video/x-flv': 'flv',
  'video/x-matroska': 'mkv',
  'video/x-ms-asf': 'wmv wma asf',
  'video/x-msvideo': 'avi',
});
