import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../Web/format.mjs';
import { safeFileName } from '../../Web/filename.mjs';
import { file } from './support.mjs';

// The same names as in Tests/MediaMessageTests/SafeFileNameTests.swift.
const names = [
  ['beach.jpg', 'image/jpeg', 'beach.jpg'], ['beach.JPEG', 'image/jpeg', 'beach.JPEG'],
  ['Strand bei Nacht.jpg', 'image/jpeg', 'Strand bei Nacht.jpg'], ['日本🏖️.png', 'image/png', '日本🏖️.png'],
  ['e\u0301.png', 'image/png', '\u00e9.png'], ['../../etc/passwd', 'image/jpeg', '_._.._etc_passwd.jpg'],
  ['..', 'image/jpeg', '__.jpg'], ['.', 'text/plain', '_.txt'], ['...', 'x/y', '_._'],
  ['/etc/passwd', 'x/y', '_etc_passwd'], ['a\\b', 'x/y', 'a_b'], ['.bashrc', 'x/y', '_bashrc'], ['-rf', 'x/y', '_rf'],
  ['a.', 'x/y', 'a_'], ['a ', 'x/y', 'a_'], ['a\u00a0', 'x/y', 'a_'], ['a\0b\nc\u007f\u0085d', 'x/y', 'a_b_c__d'],
  ['photo\u202egpj.exe', 'image/jpeg', 'photo_gpj.exe.jpg'], ['a\u200bb\ufeffc\u2066d\u2028e', 'x/y', 'a_b_c_d_e'],
  ['beach.png', 'image/jpeg', 'beach.png.jpg'], ['beach.desktop', 'video/mp4', 'beach.desktop.mp4'],
  ['beach', 'image/webp', 'beach.webp'], ['beach.tar.gz', 'application/gzip', 'beach.tar.gz'],
  ['letter.docx', 'application/zip', 'letter.docx'], ['data.bin', 'application/octet-stream', 'data.bin'],
  ['', 'image/jpeg', 'media.jpg'], ['', 'application/octet-stream', 'media'], [undefined, 'image/png', 'media.png'],
  ['a/.\u0301', 'x/y', 'a_.\u0301'], ['a\u{10ff9b}b\u{10ffff}', 'x/y', 'a_b_'], ['a', 'constructor', 'a'],
  ['ä'.repeat(300), 'image/jpeg', `${'ä'.repeat(98)}.jpg`], [`e${'\u0330'.repeat(2000)}`, 'image/jpeg', 'media.jpg'],
];

for (const [hint, type, expected] of names) {
  test(`${JSON.stringify(hint)?.slice(0, 60)} as ${type} is saved as ${expected.slice(0, 60)}`, () => {
    assert.equal(safeFileName(hint, type), expected);
  });
}

test('a name is cut between characters and keeps its extension', () => {
  const long = safeFileName(`${'👩‍👩‍👧'.repeat(100)}.jpeg`, 'image/jpeg');
  assert.ok(utf8(long).length <= 200 && utf8(long).length > 150 && long.endsWith('👩_.jpeg'));
  assert.match(safeFileName('a. '.repeat(300), 'x/y'), /[^. ]$/);
});

test('the extensions are those of the command', () => {
  const swift = file('Sources/MediaMessage/SafeFileName.swift').toString();
  const rows = [...swift.matchAll(/"([a-z0-9/.+-]+)": \[([^\]]*)\]/g)];
  assert.ok(rows.length > 40);
  for (const [, type, list] of rows) {
    const [first, ...others] = list.match(/[a-z0-9]+/g);
    assert.equal(safeFileName('a', type), `a.${first}`);
    for (const other of others) assert.equal(safeFileName(`a.${other}`, type), `a.${other}`);
  }
});
