// A JPEG that keeps its own pixels keeps their colours, and nothing that the command would take out of its profile.
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripJPEG } from '../../Web/picture.mjs';
import { file } from './support.mjs';
import { programs, satchel, scratch } from './programs.mjs';

globalThis.File ??= File;

const PHOTO = file('Tests/ImagingTests/Pictures/blue-marble.jpg');
const LABEL = 'ICC_PROFILE\0';

const int32 = value => { const bytes = Buffer.alloc(4); bytes.writeInt32BE(value); return bytes; };
const typed = (type, ...parts) => Buffer.concat([Buffer.from(type), Buffer.alloc(4), ...parts]);
const xyz = (...values) => typed('XYZ ', ...values.map(int32));
const gamma = value => typed('curv', int32(1), Buffer.from([value >> 8, value & 255]));
const table = (count, value) => typed('curv', int32(count), ...Array.from({ length: count }, (_, i) => {
  const number = Math.round(value(i / (count - 1)) * 65535);
  return Buffer.from([number >> 8, number & 255]);
}));
const parameters = (kind, ...values) =>
  typed('para', Buffer.from([0, kind, 0, 0]), ...values.map(value => int32(Math.round(value * 65536))));
const sRGBCurve = x => x > 0.04045 ? ((x + 0.055) / 1.055) ** 2.4 : x / 12.92;
const sRGBParameters = parameters(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045);

/** A profile with these tags beside texts that tell of its maker, and all of the header's fields that do. */
function profile(tags, { space = 'RGB ', major = 2, connection = 'XYZ ' } = {}) {
  const all = { desc: typed('desc', Buffer.from('Telltale\0')), dmnd: typed('text', Buffer.from('Telltale\0')), ...tags };
  const entries = Object.entries(all), start = 132 + 12 * entries.length, head = Buffer.alloc(132);
  const parts = [], rows = [];
  let at = start;
  for (const [name, bytes] of entries) {
    rows.push(Buffer.from(name), int32(at), int32(bytes.length));
    parts.push(bytes, Buffer.alloc(-bytes.length & 3));
    at += bytes.length + (-bytes.length & 3);
  }
  head.writeUInt32BE(at, 0);
  head.write('Tell', 4);
  head[8] = major;
  head.write(`mntr${space}${connection}`, 12);
  head.write('acspTellTellTellTellTell', 36);
  head.writeUInt32BE(1, 64);
  head.write('Telltale', 80);
  head.writeUInt32BE(entries.length, 128);
  return Buffer.concat([head, ...rows, ...parts]);
}

const white = xyz(0xf6d6, 0x10000, 0xd32d);
const primaries = (...numbers) => Object.fromEntries(['rXYZ', 'gXYZ', 'bXYZ'].map((name, i) =>
  [name, xyz(...numbers.slice(3 * i, 3 * i + 3))]));
const sRGB = primaries(0x6fa2, 0x38f5, 0x390, 0x6299, 0xb785, 0x18da, 0x24a0, 0xf84, 0xb6cf);
const wide = primaries(0x9000, 0x4000, 0x100, 0x4000, 0xa000, 0x900, 0x2600, 0x1300, 0xc000);
const curves = curve => ({ rTRC: curve, gTRC: curve, bTRC: curve });

/** The photo with these parts of a profile in front. */
function photoWith(...parts) {
  const segments = parts.map(part => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(part.length + 14);
    return Buffer.concat([Buffer.from([0xff, 0xe2]), length, Buffer.from(LABEL), part]);
  });
  return Buffer.concat([PHOTO.subarray(0, 2), ...segments, PHOTO.subarray(2)]);
}
const numbered = (bytes, number = 1, count = 1) => Buffer.concat([Buffer.from([number, count]), bytes]);

/** What stands in the one segment of a profile that a picture has; undefined where there is none. */
function profileIn(jpeg) {
  const at = jpeg.indexOf(LABEL);
  return at < 0 ? undefined : jpeg.subarray(at + 14, at + jpeg.readUInt16BE(at - 2) - 2).toString('hex');
}

async function stripped(jpeg) {
  return Buffer.from(await (await stripJPEG(new globalThis.File([jpeg], 'a.jpg'))).arrayBuffer());
}

const gone = [
  ['sRGB by parameters', profile({ wtpt: white, ...sRGB, ...curves(sRGBParameters) })],
  ['sRGB by a table', profile({ wtpt: white, ...sRGB, ...curves(table(1024, sRGBCurve)) })],
  ['sRGB by its code points', profile({ wtpt: white, cicp: typed('cicp', Buffer.from([1, 13, 0, 1])), ...sRGB,
    ...curves(sRGBParameters) }, { major: 4 })],
  ['one for gray', profile({ wtpt: white, kTRC: gamma(0x180) }, { space: 'GRAY' })],
  ['one without a curve', profile({ wtpt: white, ...wide, rTRC: gamma(0x200), gTRC: gamma(0x200) })],
  ['one that breaks off', profile({ wtpt: white, ...wide, ...curves(gamma(0x200)) }).subarray(0, 400)],
  ['one with text in a curve', profile({ wtpt: white, ...wide, ...curves(typed('text', Buffer.alloc(40))) })],
  ['one of a version to come', profile({ wtpt: white, ...wide, ...curves(gamma(0x200)) }, { major: 5 })],
  ['one with a table too long', profile({ wtpt: white, ...wide, ...curves(typed('curv', int32(0x7fffffff))) })],
  ['no profile at all', Buffer.from('colours'.repeat(20))],
];
const kept = [
  ['a gamma', profile({ wtpt: white, ...wide, ...curves(gamma(0x200)) })],
  ['sRGB\'s primaries with another curve', profile({ wtpt: white, ...sRGB, ...curves(gamma(0x200)) })],
  ['three curves', profile({ wtpt: white, ...wide, rTRC: gamma(0x180), gTRC: table(40, x => x * x), bTRC: gamma(0x233) })],
  ['a table', profile({ wtpt: white, ...wide, ...curves(table(300, x => x ** 2.1)) })],
  ['version 4 with an adaptation', profile({ wtpt: white, chad: typed('sf32', ...Array.from({ length: 9 }, (_, i) => int32(i))),
    ...wide, ...curves(sRGBParameters) }, { major: 4 })],
  ['code points', profile({ wtpt: white, cicp: typed('cicp', Buffer.from([9, 16, 0, 1])), ...wide,
    ...curves(parameters(0, 2.2)) }, { major: 4 })],
];

for (const [isKept, cases] of [[false, gone], [true, kept]]) {
  for (const [name, bytes] of cases) {
    test(`a profile ${isKept ? 'is made anew' : 'goes'}: ${name}`, async () => {
      const jpeg = photoWith(numbered(bytes)), strip = await stripped(jpeg);
      assert.equal(profileIn(strip) !== undefined, isKept);
      assert.ok(!strip.includes('Tell') && !strip.includes('colours'));
      if (isKept) assert.equal(profileIn(await stripped(strip)), profileIn(strip), 'it is the same when it is read again');
    });

    test(`the command makes the same of it: ${name}`, programs, async t => {
      const home = scratch(t), jpeg = photoWith(numbered(bytes));
      writeFileSync(join(home, 'a.jpg'), jpeg);
      satchel(home, ['prepare', 'a.jpg', '--quality', 'original', '--output', 'out.jpg', '--quiet']);
      assert.equal(profileIn(await stripped(jpeg)), profileIn(readFileSync(join(home, 'out.jpg'))));
    });
  }
}

test('a profile is read from its parts in any order, and goes where one is missing', async () => {
  const bytes = kept[0][1], [first, second] = [bytes.subarray(0, 200), bytes.subarray(200)], whole = profileIn(
    await stripped(photoWith(numbered(bytes))));
  assert.equal(profileIn(await stripped(photoWith(numbered(second, 2, 2), numbered(first, 1, 2)))), whole);
  for (const parts of [[numbered(first, 1, 2)], [numbered(first, 1, 2), numbered(second, 3, 2)], [numbered(bytes, 1, 2)]]) {
    assert.equal(profileIn(await stripped(photoWith(...parts))), undefined);
  }
});

test('profiles of random changes never stop a picture from leaving', async () => {
  let state = 9;
  const random = limit => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor(state / 2 ** 31 * limit);
  };
  const head = PHOTO.subarray(0, 2), rest = PHOTO.subarray(2, 40_000);
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(kept[random(kept.length)][1]);
    for (let change = random(6); change >= 0; change--) bytes[random(bytes.length)] = random(256);
    const jpeg = photoWith(numbered(bytes)), short = Buffer.concat([head, jpeg.subarray(2, jpeg.length - PHOTO.length + 2),
      rest, Buffer.from([0xff, 0xd9])]);
    const strip = await stripped(short);
    assert.ok(!strip.includes('Telltale') && strip.length <= short.length + 1000);
  }
});
