// The page that opens the file of its link: fetches, checks and decrypts it in a worker, then shows or saves it.

import { safeFileName } from './filename.mjs';
import { fromBase64url } from './format.mjs';
import { parseLink } from './link.mjs';
import { $, FOLDER, dropFiles, job, mark, progress, show, status, tidyFiles } from './page.mjs';
import { canPlay, play } from './player.mjs';
import { thumbPicture } from './thumbhash.mjs';
import { OPEN, bytes, has, say, speak } from './words.mjs';

const MEMORY_LIMIT = 32 * 2 ** 20;
const AT_ONCE_LIMIT = 10e6;
// What browsers decode without running anything of it.
const SHOWN = /^(?:image\/(?:jpeg|png|webp|gif|avif|heic|heif)|(video|audio)\/[a-z0-9.+-]+)$/;
// Words of docs/sealed-blob.md and of the worker that say the same to a person.
const FORGED = [
  'length', 'magic', 'version', 'suite', 'parameters', 'index', 'leaf', 'chunk', 'trailer', 'padding', 'digest',
];
const MAY_PASS = ['network', 'unavailable', 'rate', 'timeout'];

// A page that came over plain HTTP from another machine cannot compute the name that a receipt takes.
const canTell = Boolean(crypto.subtle);

let message, running, player;

// MARK: The link

/**
 * The link of this page. Its key leaves the address bar and stays with this entry of the tab's history, so that
 * reloading works.
 */
function takeLink() {
  if (location.hash.length > 1) remember({ link: location.href }, location.pathname + location.search);
  return history.state?.link;
}

function remember(facts, address) { history.replaceState({ ...history.state, ...facts }, '', address); }

const isLinkPage = () => /\/open\/[^/]+$/.test(location.pathname) && location.protocol !== 'file:';

function start(link) {
  for (const id of ['open', 'save', 'again', 'stop', 'paste', 'bar']) show(id, false);
  try {
    message = parseLink(link);
  } catch (error) {
    fail(error);
    return askForLink();
  }
  const { media } = message, kind = elementName();
  $('name').textContent = fileName();
  $('facts').textContent = [bytes(media.size), new URL(message.url).host].join(' · ');
  tellWhoServes();
  drawStage();
  $('open').textContent = say(!kind ? 'save' : kind === 'img' ? 'open' : 'play');
  // A saved page asks no host by itself, and what a link calls small may be large as it is fetched.
  const isQuick = kind === 'img' && message.size <= AT_ONCE_LIMIT && !message.receipt && location.protocol !== 'file:';
  if (isQuick && document.visibilityState === 'visible') begin(); else wait();
}

/** Nothing is fetched before the person asks for it. */
function wait() {
  mark('waiting');
  show('open');
  status(message.receipt && !history.state?.isTold ? say(canTell ? 'tells' : 'untold') : '');
}

function askForLink() {
  show('paste');
  $('paste').onsubmit = event => {
    event.preventDefault();
    const link = $('link').value;
    $('link').value = '';
    remember({ link, person: undefined, isTold: undefined });
    start(link);
  };
}

function tellWhoServes() {
  const store = new URL(message.url);
  $('foot').textContent = location.protocol === 'file:' ? say('footSaved')
    : store.origin === location.origin ? say('footStore') : say('footOther', location.host, store.host);
}

// MARK: What is to be seen

/** The element that shows this kind of file, if any. */
function elementName() {
  const match = SHOWN.exec(message.media.type);
  return match ? match[1] ?? 'img' : undefined;
}

/** A frame of the picture's shape with its blurred likeness, or the file's ending where there is no picture. */
function drawStage() {
  const { width, height, thumbhash } = message.media, picture = thumbhash && thumbPicture(fromBase64url(thumbhash));
  const box = document.createElement('div');
  show('stage', Boolean(picture || (width && height) || !elementName()));
  if (!elementName()) {
    box.className = 'tile';
    box.textContent = /\.([A-Za-z0-9]{1,5})$/.exec(fileName())?.[1].toUpperCase() ?? '';
  } else {
    box.className = 'frame';
    shape(box, width ?? picture?.width, height ?? picture?.height, !width);
    if (picture) {
      const canvas = document.createElement('canvas');
      canvas.width = picture.width;
      canvas.height = picture.height;
      canvas.getContext('2d').putImageData(new ImageData(picture.data, picture.width, picture.height), 0, 0);
      box.append(canvas);
    }
  }
  $('stage').replaceChildren(box);
}

/** As large as the picture, and no larger than the window has room for. */
function shape(box, width, height, isGuess) {
  if (!width || !height) return;
  const widest = isGuess ? '30rem' : `${width}px`;
  box.style.aspectRatio = `${width} / ${height}`;
  box.style.width = `min(100%, ${widest}, ${(72 * width / height).toFixed(2)}vh)`;
}

/** Puts what shows the file into the frame, once it has something to show. */
function reveal(element, source) {
  const isPicture = element.localName === 'img', box = $('stage').firstElementChild;
  Object.assign(element, isPicture ? { alt: fileName() } : { controls: true, playsInline: true, preload: 'auto' });
  const size = () => [element.naturalWidth ?? element.videoWidth, element.naturalHeight ?? element.videoHeight];
  element.addEventListener(isPicture ? 'load' : 'loadedmetadata', () => {
    shape(box, ...size(), false);
    element.className = size()[0] ? 'over' : '';
    show('stage');
    box.append(element);
    document.documentElement.dataset.shown = element.localName;
  }, { once: true });
  element.addEventListener('error', () => cannotShow(element), { once: true });
  element.src = source;
  if (!isPicture) element.load();
  return element;
}

function cannotShow(element) {
  element.remove();
  document.documentElement.dataset.shown = 'no';
  if (document.documentElement.dataset.state === 'ready') status(say('notShown'));
}

function fileName() { return safeFileName(message.media.name, message.media.type); }

// MARK: Fetching, checking, opening

/** Fetches the whole into memory, a private file, or the file `target` that the person has chosen. */
async function begin(target, isSaving = !elementName()) {
  for (const id of ['open', 'save', 'again']) show(id, false);
  for (const id of ['bar', 'stop']) show(id);
  $('bar').removeAttribute('value');
  status(say('opening'));
  mark('working');
  if (!$('stage').firstChild) drawStage();
  $('again').onclick = () => begin(target, isSaving);
  if (message.media.size > MEMORY_LIMIT) await tidyFiles();
  running = job({ open: message, target, folder: FOLDER }, news => progress(news, say('opening')));
  try {
    finish((await running.done).opened, isSaving);
  } catch (error) {
    fail(error);
  }
}

/** Shows or saves what has been opened; nothing where it went into a file that the person has chosen. */
function finish(opened, isSaving) {
  for (const id of ['bar', 'stop']) show(id, false);
  mark('ready');
  status(say(opened && !isSaving ? 'ready' : 'saved'));
  if (opened) {
    const kind = elementName();
    const url = URL.createObjectURL(kind ? opened : opened.slice(0, opened.size, 'application/octet-stream'));
    Object.assign($('save'), { href: url, download: fileName(), onclick: null });
    if (kind && !player) reveal(document.createElement(kind), url);
    if (isSaving) $('save').click();
    show('save');
  }
  tell();
}

/** Tells the sender, once for this entry of the tab's history, that the file has arrived. */
async function tell() {
  if (!message.receipt || history.state?.isTold) return;
  if (!canTell) return status(`${$('status').textContent} ${say('untold')}`);
  const person = history.state?.person ?? Array.from(crypto.getRandomValues(new Uint8Array(16)));
  remember({ person });
  try {
    await job({ confirm: message, person: Uint8Array.from(person) }).done;
    remember({ isTold: true });
  } catch {
    // The file is here all the same.
  }
}

/** What the button does: it plays by ranges, or fetches the whole, into a file of the person's choice if it is large. */
async function press() {
  const kind = elementName(), isMedia = kind === 'video' || kind === 'audio';
  if (isMedia && canPlay(message)) {
    try {
      return await playByRanges(kind);
    } catch {
      player = undefined;
      // What the worker found forged is no better as a whole.
      if (FORGED.includes(document.documentElement.dataset.code)) return;
    }
  }
  const target = isMedia ? undefined : await chosenFile();
  if (target !== null) begin(target);
}

/** Where a large file goes: undefined where browsers cannot ask, null where the person would not say. */
async function chosenFile() {
  if (message.media.size <= MEMORY_LIMIT || !globalThis.showSaveFilePicker) return undefined;
  try {
    return await showSaveFilePicker({ suggestedName: fileName() });
  } catch (error) {
    return error.name === 'AbortError' ? null : undefined;
  }
}

async function playByRanges(kind) {
  show('open', false);
  status(say('opening'));
  mark('working');
  player = reveal(document.createElement(kind), await play(message, fail));
  await new Promise((resolve, reject) => {
    player.addEventListener('loadeddata', resolve, { once: true });
    player.addEventListener('error', () => reject(new Error('media')), { once: true });
  });
  mark('playing');
  status(say('playing'));
  $('save').onclick = event => {
    event.preventDefault();
    begin(undefined, true);
  };
  $('save').href = '#';
  show('save');
  tell();
}

// MARK: Ends

function fail({ code = 'broken', detail = '', message: text = '' }) {
  for (const id of ['bar', 'stop', 'open']) show(id, false);
  mark('failed', code);
  const reason = `${code}.${detail}`, host = message ? new URL(message.url).host : '';
  if (FORGED.includes(code)) status(say('forged'), true);
  else if (has(reason)) status(say(reason), true);
  else if (code === 'room') status(say('room', bytes(message.media.size)), true);
  else if (code === 'network') status(say('network', host), true);
  else if (has(code)) status(say(code, detail || text), true);
  else status(say('refused', code), true);
  if (!player || FORGED.includes(code)) {
    player = undefined;
    $('stage').replaceChildren();
    show('save', false);
  }
  show('again', MAY_PASS.includes(code));
}

speak(OPEN);
document.title = say('titleOpen');
$('open').onclick = press;
$('stop').onclick = () => {
  running.stop();
  for (const id of ['bar', 'stop']) show(id, false);
  if (player) show('save');
  wait();
};
addEventListener('hashchange', () => location.reload());
addEventListener('pagehide', () => { running?.stop(); dropFiles(); });
// A page from the browser's cache of pages has no files any more.
addEventListener('pageshow', event => { if (event.persisted) location.reload(); });

const link = takeLink();
if (link !== undefined) start(link);
else if (isLinkPage()) { fail({ code: 'link' }); askForLink(); }
else { mark('asking'); askForLink(); $('foot').textContent = location.protocol === 'file:' ? say('footSaved') : ''; }
