import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../Web/format.mjs';
import { safeFileName } from '../../Web/filename.mjs';
import { file, json } from './support.mjs';

for (const { hint, type, name } of json('Tests/Vectors/names.json')) {
  test(`${JSON.stringify(hint)?.slice(0, 60)} as ${type} is saved as ${name.slice(0, 60)}`, () => {
    assert.equal(safeFileName(hint, type), name);
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
