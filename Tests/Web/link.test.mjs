import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatLink, parseLink } from '../../Web/link.mjs';

const cases = JSON.parse(readFileSync(new URL('../Vectors/links.json', import.meta.url), 'utf8'));

for (const { name, link, ok, message, reason, written } of cases) {
  if (ok) {
    test(`a link is read: ${name}`, () => {
      assert.deepEqual(parseLink(link), message);
      const [, page] = /^\s*(.*)\/open\/[0-9a-f]{64}#/.exec(link);
      const origin = /^[^/]*\/\/[^/]*/;
      assert.equal(formatLink(message, page.replace(origin, text => text.toLowerCase())), written ?? link);
    });
  } else {
    test(`a link is refused: ${name}`, () => {
      assert.throws(() => parseLink(link), { code: 'link', detail: reason });
    });
  }
}

test('a link leads to the store itself where no page is named', () => {
  const { message, link } = cases.find(({ name }) => name === 'folders');
  assert.equal(formatLink(message), link);
});

test('no link is made of a message that a reader would refuse', () => {
  const { message } = cases[0];
  const caption = 'a'.repeat(4096);
  assert.throws(() => formatLink({ ...message, size: 87 }), { code: 'link', detail: 's' });
  assert.throws(() => formatLink({ ...message, media: { ...message.media, name: caption } }), { detail: 'long' });
  assert.throws(() => formatLink({ ...message, key: undefined }), { detail: 'k' });
});

test('a host that ends in a number is an address of four bytes, or none', () => {
  const { link } = cases.find(({ name, ok }) => ok && !name.includes('u'));
  const withStore = host => `${link.replace(/&u=[^&]*/, '')}&u=https://${host}`;
  assert.ok(parseLink(withStore('192.0.2.7')));
  for (const host of ['1.2.3.256', 'foo.1', '09', 'a.0x', '1.2.3.4.5']) {
    assert.throws(() => parseLink(withStore(host)), { code: 'link', detail: 'u' }, host);
  }
});

test('half a character in a name becomes the sign for one that is lost', () => {
  const { message } = cases[0];
  const link = formatLink({ ...message, media: { ...message.media, name: 'a\ud800b' } });
  assert.equal(parseLink(link).media.name, 'a\ufffdb');
});

test('a link of random changes is read or refused with a word, and what is read is written and read again', () => {
  const original = cases.find(({ name }) => name === 'everything').link, odd = '%&=#/:@?[]. +2eE0';
  let state = 6;
  const random = limit => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor(state / 2 ** 31 * limit);
  };
  for (let round = 0; round < 5000; round++) {
    let link = original;
    for (let change = random(4); change >= 0; change--) {
      const at = random(link.length);
      link = link.slice(0, at) + odd[random(odd.length)].repeat(random(3)) + link.slice(at + random(2));
    }
    let message;
    try { message = parseLink(link); } catch (error) {
      assert.equal(error.code, 'link', link);
      continue;
    }
    assert.deepEqual(parseLink(formatLink(message)), message);
  }
});
