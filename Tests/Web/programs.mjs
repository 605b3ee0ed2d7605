// The real programs, for tests that need them: those in the folder that SATCHEL_PROGRAMS names.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const folder = process.env.SATCHEL_PROGRAMS ?? '';

/** What `test` takes to skip where there are no programs. */
export const programs = {
  skip: !existsSync(join(folder, 'satcheld')) && 'SATCHEL_PROGRAMS names no folder with satchel and satcheld',
};

/** A folder that ends with the test. */
export function scratch(t) {
  const path = mkdtempSync(join(tmpdir(), 'satchel-web-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A running satcheld with a store of its own, until the test ends: its base, its ticket, and how to restart it. */
export async function satcheld(t) {
  const storage = join(scratch(t), 'storage'), server = { base: '', ticket: '', restart, process: undefined };
  async function start(listen) {
    const words = ['serve', '--listen', listen, '--storage', storage, '--ballast', '0', '--keep-free', '0'];
    server.process = spawn(join(folder, 'satcheld'), words, { stdio: ['ignore', 'pipe', 'pipe'] });
    server.exited = new Promise(resolve => server.process.once('exit', resolve));
    const lines = [];
    for (const stream of [server.process.stdout, server.process.stderr]) {
      createInterface(stream).on('line', line => { lines.push(line); server.onLine?.(line); });
    }
    const ready = await new Promise((resolve, reject) => {
      server.onLine = line => { const [, base] = /ready at (http:\S+)/.exec(line) ?? []; if (base) resolve(base); };
      server.exited.then(() => reject(new Error(lines.join('\n'))));
    });
    server.base = ready;
    server.ticket = readFileSync(join(storage, `${new URL(ready).host}.ticket`), 'utf8').trim();
  }
  /** Kills it as a power cut would, and starts it again at the same address. */
  async function restart() {
    server.process.kill('SIGKILL');
    await server.exited;
    await start(new URL(server.base).host);
  }
  t.after(async () => { server.process.kill('SIGKILL'); await server.exited; });
  await start('127.0.0.1:0');
  return server;
}

/** Runs satchel with a home of its own and gives what it prints. */
export function satchel(home, words, { input, server, ticket } = {}) {
  const env = { PATH: process.env.PATH, HOME: home, SATCHEL_SERVER: server, SATCHEL_TICKET: ticket };
  const run = spawnSync(join(folder, 'satchel'), words, { env, input, cwd: home, timeout: 600_000 });
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Error(`satchel ${words.join(' ')}: ${run.status} ${run.stderr}`);
  return run.stdout.toString();
}
