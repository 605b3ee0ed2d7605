// What the pages say: a table for both pages and one for each, by language. What a language lacks is said in English.
// {0}, {1} … are filled in.

/** Of both pages. */
export const BOTH = {
  en: {
    again: 'Try again', stop: 'Stop', progress: '{0} of {1}',
    waiting: 'The connection was lost. Going on in a moment …', network: 'The server cannot be reached: {0}',
    refused: 'The server refused: {0}', broken: 'This browser could not do it: {0}',
    room: 'There is no room here for a file of {0}. Try another browser, or the satchel command.',
    rate: 'Too many requests. Try again in a minute.', unavailable: 'The server cannot answer at the moment.',
    footStore: 'Served by the store, this page protects your file from everyone who gets hold of the store’s disk, '
      + 'backups, caches or logs, and from the operator looking later. It does not protect you from a store that '
      + 'sends you a changed page. If you need that: a page from another host, a saved copy, or the satchel '
      + 'command.',
  },

  de: {
    again: 'Noch einmal', stop: 'Anhalten', progress: '{0} von {1}',
    waiting: 'Die Verbindung ist abgerissen. Gleich geht es weiter …',
    network: 'Der Server ist nicht zu erreichen: {0}', refused: 'Der Server hat abgelehnt: {0}',
    broken: 'Dieser Browser konnte es nicht: {0}',
    room: 'Für eine Datei von {0} ist hier kein Platz. Ein anderer Browser oder der Befehl satchel hilft.',
    rate: 'Zu viele Anfragen. Bitte in einer Minute noch einmal.',
    unavailable: 'Der Server kann gerade nicht antworten.',
    footStore: 'Diese Seite kommt vom Speicher selbst. Sie schützt die Datei vor allen, die an seine Festplatte, '
      + 'Sicherungen, Zwischenspeicher oder Protokolle kommen, und vor dem Betreiber, der später nachsieht. Sie '
      + 'schützt nicht vor einem Speicher, der eine veränderte Seite schickt. Davor schützen eine Seite von einem '
      + 'anderen Server, eine gespeicherte Kopie oder der Befehl satchel.',
  },
};

/** Of /open. */
export const OPEN = {
  en: {
    titleOpen: 'An encrypted file', open: 'Open', play: 'Play', save: 'Save', paste: 'Paste the whole link here',
    opening: 'Opening …', ready: 'Opened and checked.', playing: 'Every part is checked before it plays.',
    saved: 'Saved and checked.', notShown: 'This browser cannot show this kind of file, but it can save it.',
    tells: 'Opening it tells the sender that it has arrived.',
    untold: 'Without https, the sender cannot be told that it has arrived.',
    sealed: 'Only this link opens the file. The server that keeps it has no key.',
    link: 'This link is not whole. Ask for it again, and copy all of it, to the very end.',
    commitment: 'The key in this link does not open the file. A character of it may have been changed.',
    'not-found': 'The server has never held this file, or has forgotten it.', gone: 'This file is gone.',
    'gone.expired': 'This file is gone: its time was up.',
    'gone.delivered': 'This file is gone: everyone it was for has received it.',
    'gone.revoked': 'This file is gone: the sender took it back.',
    'gone.removed': 'This file is gone: the operator of the server removed it.',
    forged: 'What the server sent is not the file of this link. Nothing of it was kept.',
    damaged: 'The server’s copy of this file is damaged.',
    footOther: 'This page is from {0}, the file from {1}: neither has both. Whoever serves the page could still '
      + 'send you a changed one; a saved copy or the satchel command does without them.',
    footSaved: 'This page is a saved copy. Nobody serves it, so nobody can send you a changed one.',
  },

  de: {
    titleOpen: 'Eine verschlüsselte Datei', open: 'Öffnen', play: 'Abspielen', save: 'Speichern',
    paste: 'Den ganzen Link hier einfügen', opening: 'Wird geöffnet …', ready: 'Geöffnet und geprüft.',
    playing: 'Jedes Stück wird geprüft, bevor es spielt.', saved: 'Gespeichert und geprüft.',
    notShown: 'Dieser Browser kann diese Art Datei nicht zeigen, aber speichern.',
    tells: 'Beim Öffnen erfährt die Person, die gesendet hat, dass die Datei angekommen ist.',
    untold: 'Ohne https lässt sich nicht melden, dass die Datei angekommen ist.',
    sealed: 'Nur dieser Link öffnet die Datei. Der Server, der sie aufbewahrt, hat keinen Schlüssel.',
    link: 'Dieser Link ist nicht vollständig. Bitte noch einmal ganz kopieren, bis zum letzten Zeichen.',
    commitment: 'Der Schlüssel in diesem Link öffnet die Datei nicht. Vielleicht wurde ein Zeichen verändert.',
    'not-found': 'Der Server hatte diese Datei nie oder hat sie vergessen.', gone: 'Diese Datei gibt es nicht mehr.',
    'gone.expired': 'Diese Datei gibt es nicht mehr: Ihre Zeit war um.',
    'gone.delivered': 'Diese Datei gibt es nicht mehr: Alle, für die sie war, haben sie erhalten.',
    'gone.revoked': 'Diese Datei gibt es nicht mehr: Sie wurde zurückgenommen.',
    'gone.removed': 'Diese Datei gibt es nicht mehr: Der Betreiber des Servers hat sie entfernt.',
    forged: 'Was der Server geschickt hat, ist nicht die Datei dieses Links. Nichts davon wurde behalten.',
    damaged: 'Die Kopie dieser Datei auf dem Server ist beschädigt.',
    footOther: 'Diese Seite kommt von {0}, die Datei von {1}: Keiner hat beides. Wer die Seite schickt, könnte sie '
      + 'dennoch verändern; eine gespeicherte Kopie oder der Befehl satchel kommt ohne ihn aus.',
    footSaved: 'Diese Seite ist eine gespeicherte Kopie. Niemand liefert sie aus, also kann niemand eine veränderte '
      + 'schicken.',
  },
};

/** Of /send. */
export const SEND = {
  en: {
    titleSend: 'Send a file', titleSent: 'The link is ready',
    intro: 'Encrypted here, before it leaves. The server never has the key.',
    choose: 'Choose a file', drop: 'or drop or paste it here', send: 'Send', quality: 'Pictures',
    standard: 'small, 1600 pixels', high: 'large, 4096 pixels', original: 'full size', lifetime: 'Keep for',
    asServer: 'the server’s usual time', day: '1 day', week: '7 days', month: '30 days',
    recipients: 'Gone once received by', anyone: 'no count',
    counted: 'Opening is counted for each tab: one person with two tabs counts twice.', ticket: 'Ticket',
    preparing: 'Getting it ready …', sealing: 'Encrypting …', sending: 'Sending …',
    confirm: 'What “{0}” tells of its maker stays in it: perhaps the place, the device, the time. '
      + 'The satchel command can take that out of most files.',
    sendAnyway: 'Send it as it is', cancel: 'Cancel', oneAtATime: 'One file at a time, please.',
    empty: 'There is no file in that.', cleaned: 'Nothing but the picture and its name was sent.',
    untouched: 'Sent as it is.', linkLabel: 'Link',
    ready2: 'Whoever has this link can open the file. Treat it like the file itself.',
    copy: 'Copy link', copied: 'Copied', share: 'Share …', revoke: 'Take it back',
    titleRevoked: 'Taken back', another: 'Send another',
    revoked: 'The link opens nothing now, unless somebody else has had this server keep the same encrypted file.',
    qr: 'QR code of the link', until: 'Kept until {0}.',
    changed: 'The file changed while it was read. Choose it again.',
    'ticket-missing': 'This server takes files from people with a ticket. Paste yours.',
    'ticket-invalid': 'The ticket is not valid, or not any more. Paste another one.',
    'ticket-too-small': 'The ticket does not allow this: {0}',
    'too-large': 'The file is larger than this server takes.',
    'lifetime-too-long': 'It can be kept for {0} at most. Choose again.',
    insecure: 'Files can be sent from this page only over https, or on the machine of the server itself. Ask its '
      + 'operator for an https address.',
    quota: 'What this server allows you is used up for now.', 'disk-full': 'The server has no room at the moment.',
    banned: 'The server does not take this file.', 'read-only': 'This server takes no files.',
    'lease-ended': 'The upload was ended before it was whole. Send it again.',
  },

  de: {
    titleSend: 'Eine Datei senden', titleSent: 'Der Link ist fertig',
    intro: 'Hier verschlüsselt, bevor sie aufbricht. Der Server bekommt den Schlüssel nie.', choose: 'Datei wählen',
    drop: 'oder hierher ziehen oder einfügen', send: 'Senden', quality: 'Bilder', standard: 'klein, 1600 Pixel',
    high: 'groß, 4096 Pixel', original: 'volle Größe', lifetime: 'Aufbewahren', asServer: 'wie am Server üblich',
    day: '1 Tag', week: '7 Tage', month: '30 Tage', recipients: 'Weg, sobald erhalten von', anyone: 'nicht zählen',
    counted: 'Gezählt wird jeder Tab: Wer zwei öffnet, zählt doppelt.', ticket: 'Ticket',
    preparing: 'Wird vorbereitet …', sealing: 'Wird verschlüsselt …', sending: 'Wird gesendet …',
    confirm: 'Was „{0}“ über seine Herkunft verrät, bleibt darin: vielleicht Ort, Gerät, Zeit. '
      + 'Der Befehl satchel kann das aus den meisten Dateien entfernen.',
    sendAnyway: 'So senden, wie sie ist', cancel: 'Abbrechen', oneAtATime: 'Bitte eine Datei nach der anderen.',
    empty: 'Darin ist keine Datei.', cleaned: 'Nur das Bild und sein Name wurden gesendet.',
    untouched: 'Unverändert gesendet.', linkLabel: 'Link',
    ready2: 'Wer diesen Link hat, kann die Datei öffnen. Er ist so vertraulich wie sie.', copy: 'Link kopieren',
    copied: 'Kopiert', share: 'Teilen …', revoke: 'Zurücknehmen',
    titleRevoked: 'Zurückgenommen', another: 'Noch eine senden',
    revoked: 'Der Link öffnet nichts mehr, es sei denn, jemand anders lässt dieselbe verschlüsselte Datei hier '
      + 'aufbewahren.',
    qr: 'QR-Code des Links', until: 'Aufbewahrt bis {0}.',
    changed: 'Die Datei hat sich beim Lesen verändert. Bitte noch einmal wählen.',
    'ticket-missing': 'Dieser Server nimmt Dateien nur mit Ticket an. Bitte einfügen.',
    'ticket-invalid': 'Das Ticket gilt nicht oder nicht mehr. Bitte ein anderes einfügen.',
    'ticket-too-small': 'Das Ticket erlaubt das nicht: {0}',
    'too-large': 'Die Datei ist größer, als dieser Server annimmt.',
    'lifetime-too-long': 'Sie kann höchstens {0} aufbewahrt werden. Bitte neu wählen.',
    insecure: 'Von dieser Seite kann nur über https gesendet werden, oder auf der Maschine des Servers selbst. Dessen '
      + 'Betreiber kennt vielleicht eine Adresse mit https.',
    quota: 'Was dieser Server erlaubt, ist vorerst aufgebraucht.', 'disk-full': 'Der Server hat gerade keinen Platz.',
    banned: 'Der Server nimmt diese Datei nicht an.', 'read-only': 'Dieser Server nimmt keine Dateien an.',
    'lease-ended': 'Das Hochladen wurde vorzeitig beendet. Bitte noch einmal senden.',
  },
};

/** The reader's first language that has a table, with its region: numbers and dates follow it. */
const LANGUAGE = (globalThis.navigator?.languages ?? []).find(tag => tag.split('-')[0] in BOTH) ?? 'en';

const words = { ...BOTH.en, ...BOTH[LANGUAGE.split('-')[0]] };

/** Takes the table of a page, and gives each element that has data-say its words. */
export function speak(table) {
  Object.assign(words, table.en, table[LANGUAGE.split('-')[0]]);
  document.documentElement.lang = LANGUAGE;
  for (const element of document.querySelectorAll('[data-say]')) element.textContent = say(element.dataset.say);
}

// What tells how a journey stands, and never why it ended.
const STATES = ['opening', 'ready', 'saved', 'playing', 'progress'];

/** Whether there are words for why something ended. A server chooses its codes, and must not choose other words. */
export const has = key => Object.hasOwn(words, key) && !STATES.includes(key);

export function say(key, ...values) { return words[key].replace(/\{(\d)\}/g, (_, index) => values[index] ?? ''); }

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/** A number of bytes as people read it: 999 bytes, 2.3 MB, 48 MB. */
export function bytes(count) {
  let unit = 0;
  for (; count >= 999.5 && unit < UNITS.length - 1; unit++) count /= 1000;
  const digits = unit && count < 9.95 ? 1 : 0;
  const unitDisplay = unit ? 'short' : 'long';
  const style = { style: 'unit', unit: UNITS[unit], unitDisplay, maximumFractionDigits: digits };
  return new Intl.NumberFormat(LANGUAGE, style).format(count);
}

/** A time in the largest unit of which it is a whole number: 30 days, 36 hours. */
export function timeSpan(seconds) {
  const [unit, count] = Object.entries({ day: 86_400, hour: 3_600, minute: 60, second: 1 })
    .find(([, length]) => seconds % length === 0);
  return new Intl.NumberFormat(LANGUAGE, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / count);
}

export function date(seconds) {
  return new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'short' }).format(seconds * 1000);
}
