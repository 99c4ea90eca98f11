// Runs real/ against the program: `tidemill serve` over an empty data directory.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const PROGRAM = process.env.TIDEMILL ?? join(process.env.BUILD_DIR ?? join(HERE, '../../build/asan'), 'tidemill');

if (!existsSync(PROGRAM)) {
  console.log(`skipped: ${PROGRAM} is not built`);
  process.exit(77);
}

const data = mkdtempSync(join(tmpdir(), 'tidemill-console-'));
const server = spawn(PROGRAM, ['serve', '--data', data, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const ended = new Promise((resolve) => server.once('exit', resolve));
let status = 1;
try {
  let url = null;
  for await (const line of createInterface({ input: server.stdout })) {
    url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url) break;
  }
  if (!url) throw new Error('the server did not say where it listens');
  server.stdout.resume();
  const run = spawnSync(process.execPath, ['--test', '--test-reporter=spec', join(HERE, 'real/console.test.mjs')], {
    stdio: 'inherit',
    env: { ...process.env, TIDEMILL_CONSOLE: url },
  });
  status = run.status ?? 1;
  server.kill('SIGTERM');
  const left = await ended;
  if (left !== 0) {
    console.log(`the server ended with status ${left}`);
    status = 1;
  }
} finally {
  server.kill('SIGKILL');
  rmSync(data, { recursive: true, force: true });
}
process.exit(status);
