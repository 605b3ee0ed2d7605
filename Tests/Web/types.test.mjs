import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the types that comments tell are those of the code', t => {
  const folder = fileURLToPath(new URL('../../Web', import.meta.url));
  const { error, status, stdout } = spawnSync('tsc', ['--project', folder], { encoding: 'utf8', timeout: 600_000 });
  if (error?.code === 'ENOENT') return t.skip('there is no tsc');
  assert.equal(status, 0, stdout);
});
