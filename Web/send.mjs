// The page that sends: takes out of a picture what identifies its maker, encrypts, uploads, and shows the link.

import { base64url } from './format.mjs';
import { formatLink } from './link.mjs';
import { $, FOLDER, dropFiles, job, mark, progress, show, status, tidyFiles } from './page.mjs';
import { isRecording } from './picture.mjs';
import { qr } from './qr.mjs';
import { revoke, upload } from './upload.mjs';
import { SEND, bytes, date, has, say, speak, timeSpan } from './words.mjs';

const store = location.origin + location.pathname.replace(/\/send\/?$/, '');
// What tells of its maker and cannot be cleaned here.
const TELLING = /^(?:image|video|audio)\//;
// What asks the person something.
const ASKED = ['chosen', 'ticketField', 'send', 'anyway', 'again', 'stop'];
const TICKET_CODES = ['ticket-missing', 'ticket-invalid', 'ticket-too-small'];

// Browsers give a page that came over plain HTTP from another machine no hashes, which a lease takes.
const canSend = Boolean(crypto.subtle);

let isBusy = false, running;

// MARK: The journey

/** Shows what was chosen and how it may go. Nothing leaves before the person says so. */
function offer(file) {
  show('pick', false);
  for (const id of ['chosen', 'qualityField', 'recipientsField', 'send', 'stop']) show(id);
  $('fileFacts').textContent = `${file.name}, ${bytes(file.size)}`;
  status('');
  mark('chosen');
  $('send').onclick = () => send(file);
  $('stop').onclick = startAgain;
  $('send').focus();
}

async function send(file) {
  isBusy = true;
  try {
    const prepared = await prepare(file);
    if (!prepared) return startAgain();
    const key = random(32), sealed = await seal(prepared.file, key);
    if (!sealed) return startAgain();
    const lease = { owner: random(16), receipt: $('recipients').value ? random(16) : undefined };
    const descriptor = await uploadUntilDone(sealed, lease);
    if (!descriptor) return startAgain();
    finish(prepared, lease, {
      v: 1, url: descriptor.url, sha256: sealed.sha256, size: sealed.size, key: base64url(key), root: sealed.root,
      expires: descriptor.expires, receipt: lease.receipt && base64url(lease.receipt), media: prepared.media,
    });
  } catch (error) {
    fail(error);
    startAgain();
  }
}

const random = count => crypto.getRandomValues(new Uint8Array(count));

/** The file as it may leave, with what is told of it; undefined where the person would rather not. */
async function prepare(file) {
  work(say('preparing'));
  // Chromium encodes pictures in a page's idle time, of which a moving bar leaves none, and in a worker at once.
  running = job({ prepare: file, quality: $('quality').value });
  const { prepared: picture } = await running.done;
  const going = picture?.file ?? file, type = picture?.type ?? typeOf(file);
  const isTelling = TELLING.test(type) || isRecording(new Uint8Array(await file.slice(0, 32).arrayBuffer()));
  if (!picture?.cleaned && isTelling && !await mayLeave(file)) return undefined;
  const { width, height, hash } = picture ?? {}, thumbhash = hash && base64url(hash);
  return {
    file: going, isCleaned: picture?.cleaned ?? false,
    media: { type, size: going.size, name: going.name, width, height, thumbhash },
  };
}

/** What the browser takes it for, if that is a type that a link can have. */
function typeOf({ type }) {
  return /^[a-z0-9][\w.+-]*\/[a-z0-9][\w.+-]*$/.test(type) ? type : 'application/octet-stream';
}

async function mayLeave(file) {
  show('bar', false);
  status(say('confirm', file.name), true);
  mark('asking');
  return await choice('anyway', 'stop') === 'anyway';
}

/** The sealed copy, made once: every attempt to send it reads the same bytes. */
async function seal(file, key) {
  work(say('sealing'));
  await tidyFiles();
  const news = news => progress(news, say('sealing'));
  running = job({ seal: file, key, folder: FOLDER }, news);
  return orStopped(running.done.then(answer => answer.sealed));
}

async function uploadUntilDone(sealed, lease) {
  for (;;) {
    work(say('sending'));
    const abort = new AbortController(), fields = {
      ...lease, lifetime: Number($('lifetime').value) || undefined,
      recipients: Number($('recipients').value) || undefined, ticket: $('ticket').value.trim() || undefined,
      signal: abort.signal,
    };
    running = { stop: () => abort.abort() };
    try {
      return await orStopped(upload(store, sealed, fields, news => progress(news, say('sending'))));
    } catch (error) {
      fail(error);
      ask(error);
      if (await choice('again', 'stop') === 'stop') return undefined;
    }
  }
}

/** What the person can say otherwise, now that it was refused: how long it is kept, or which ticket they have. */
function ask(error) {
  const longest = longestLifetime(error), isTicketDue = !longest && TICKET_CODES.includes(error.code);
  show('ticketField', isTicketDue);
  if (longest) {
    show('chosen');
    for (const id of ['qualityField', 'recipientsField']) show(id, false);
    allowLifetimes(longest);
  }
  $('again').textContent = say(longest || isTicketDue ? 'send' : 'again');
}

/** The longest lifetime in seconds that a refusal names, of the server or of the ticket; NaN where it names none. */
function longestLifetime({ code, detail }) {
  const pattern = { 'lifetime-too-long': /^(\d+)$/, 'ticket-too-small': /^max_lifetime (\d+)$/ }[code];
  return Number(pattern?.exec(detail)?.[1]);
}

/** Lets the person choose no longer lifetime than this; what was chosen and cannot be becomes the server's own. */
function allowLifetimes(longest) {
  for (const option of $('lifetime').options) option.disabled = Number(option.value) > longest;
  if ($('lifetime').selectedOptions[0].disabled) $('lifetime').value = '';
}

/** What comes of it; undefined once the person has stopped it. */
async function orStopped(coming) {
  const stopped = new Promise(resolve => { $('stop').onclick = () => { running.stop(); resolve(undefined); }; });
  show('stop');
  return Promise.race([coming, stopped]);
}

/** Shows two buttons and waits for one of them. */
async function choice(...ids) {
  for (const id of ids) show(id);
  $(!$('ticketField').hidden ? 'ticket' : ids[0]).focus();
  const chosen = await new Promise(resolve => { for (const id of ids) $(id).onclick = () => resolve(id); });
  for (const id of ids) show(id, false);
  return chosen;
}

// MARK: What is to be seen

function work(doing) {
  for (const id of ASKED) show(id, false);
  show('bar');
  $('bar').removeAttribute('value');
  status(doing);
  mark('working');
}

function finish({ media, isCleaned }, { owner }, message) {
  const link = formatLink(message);
  isBusy = false;
  for (const id of ['bar', 'stop', 'intro']) show(id, false);
  for (const id of ['done', 'another']) show(id);
  show('share', 'share' in navigator);
  $('title').textContent = say('titleSent');
  $('link').value = link;
  drawCode(link);
  const facts = [`${media.name}, ${bytes(media.size)}.`, say(isCleaned ? 'cleaned' : 'untouched')];
  if (message.expires) facts.push(say('until', date(message.expires)));
  status(facts.join(' '));
  $('copy').onclick = () => copy(link);
  $('share').onclick = () => navigator.share({ url: link }).catch(() => {});
  $('revoke').onclick = () => takeBack(message, owner);
  $('copy').focus();
  mark('sent');
}

function drawCode(text) {
  const rows = qr(text), canvas = $('qr'), scale = 4, quiet = 4;
  show('qr', rows !== null);
  if (!rows) return;
  canvas.setAttribute('aria-label', say('qr'));
  canvas.width = canvas.height = (rows.length + 2 * quiet) * scale;
  const ink = canvas.getContext('2d');
  ink.fillStyle = '#fff';
  ink.fillRect(0, 0, canvas.width, canvas.height);
  ink.fillStyle = '#000';
  rows.forEach((row, y) => row.forEach((isDark, x) => {
    if (isDark) ink.fillRect((x + quiet) * scale, (y + quiet) * scale, scale, scale);
  }));
}

async function copy(link) {
  try {
    await navigator.clipboard.writeText(link);
    $('copy').textContent = say('copied');
  } catch {
    $('link').select();
  }
}

async function takeBack(message, owner) {
  try {
    await revoke(store, message.sha256, owner);
    show('done', false);
    $('title').textContent = say('titleRevoked');
    status(say('revoked'));
    mark('revoked');
    $('another').focus();
  } catch (error) {
    fail(error);
  }
}

function fail({ code = 'broken', detail = '', message: text }) {
  show('bar', false);
  mark('failed', code);
  const longest = longestLifetime({ code, detail });
  const values = { network: [new URL(store).host], room: [bytes(Number(detail) || 0)] }[code] ?? [detail];
  if (longest) status(say('lifetime-too-long', timeSpan(longest)), true);
  else status(has(code) ? say(code, ...values) : say('refused', detail || code), true);
  if (code === 'broken') status(say('broken', text ?? detail), true);
}

/** Back to choosing. What went wrong stays to be read. */
function startAgain() {
  isBusy = false;
  for (const id of ['bar', 'done', 'another', ...ASKED]) show(id, false);
  allowLifetimes(Infinity);
  for (const id of ['pick', 'intro']) show(id);
  $('title').textContent = say('titleSend');
  $('file').value = '';
  $('link').value = '';
  if (document.documentElement.dataset.state !== 'failed') {
    mark('ready');
    status('');
  }
}

// MARK: How a file comes in

function take(files) {
  if (isBusy || !canSend || !$('done').hidden) return;
  if (files.length !== 1) return status(say(files.length ? 'oneAtATime' : 'empty'), true);
  offer(files[0]);
}

/** A ticket that came with the address leaves it, and stays with this entry of the tab's history. */
function takeTicket() {
  const ticket = /^#ticket=([\w.~+/=-]+)$/.exec(location.hash)?.[1];
  if (location.hash.length > 1) history.replaceState({ ticket }, '', location.pathname + location.search);
  $('ticket').value = history.state?.ticket ?? '';
}

speak(SEND);
document.title = say('titleSend');
takeTicket();
addEventListener('hashchange', takeTicket);
$('file').onchange = event => { if (event.target.files.length) take(event.target.files); };
$('asked').onsubmit = event => event.preventDefault();
$('recipients').onchange = event => show('counted', event.target.value !== '');
$('another').onclick = () => { mark('ready'); startAgain(); $('copy').textContent = say('copy'); $('file').focus(); };
addEventListener('paste', event => {
  if (event.clipboardData.files.length) take(event.clipboardData.files);
});
for (const name of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  addEventListener(name, event => {
    if (event.dataTransfer.types.includes('Files')) event.preventDefault();
    $('drop').classList.toggle('over', name === 'dragenter' || name === 'dragover');
  });
}
addEventListener('drop', event => { if (event.dataTransfer.types.includes('Files')) take(event.dataTransfer.files); });
addEventListener('beforeunload', event => { if (isBusy) event.preventDefault(); });
addEventListener('pagehide', () => { running?.stop(); dropFiles(); });
addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
mark('ready');
if (!canSend) {
  for (const id of ['pick', 'intro']) show(id, false);
  fail({ code: 'insecure' });
}
