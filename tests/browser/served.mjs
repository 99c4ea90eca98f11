// Runs the browser tests against the program's own server: the made-up world is written as a data directory, indexed and
// served by the build in BUILD_DIR. Arguments are test files; all of cases/ without any.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MOCK_FACTS } from './support/facts.mjs';
import { world_make } from './support/mock_data.mjs';
import { world_write } from './support/world_write.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const BUILD = process.env.BUILD_DIR ?? join(HERE, '../../build/asan');

for (const name of ['serve_fixture', 'index_fixture']) {
  if (!existsSync(join(BUILD, name))) {
    console.log(`skipped: ${name} is not built`);
    process.exit(77);
  }
}

// The server, once it has said where it listens.
async function serve(root) {
  const server = spawn(join(BUILD, 'serve_fixture'), [root, '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: server.stdout })) {
    const found = /^listening on (http:\S+)/.exec(line);
    if (found) return { server, url: found[1] };
  }
  throw new Error('the server did not say where it listens');
}

const root = mkdtempSync(join(tmpdir(), 'tidemill-browser-'));
let status = 1;
try {
  world_write(world_make(), join(root, 'data'));
  execFileSync(join(BUILD, 'index_fixture'), [join(root, 'data')], { stdio: 'inherit' });
  const { server, url } = await serve(join(root, 'data'));
  const facts = join(root, 'facts.json');
  writeFileSync(facts, JSON.stringify({ ...MOCK_FACTS, url }));
  const chosen = process.argv.slice(2);
  const files = chosen.length ? chosen : readdirSync(join(HERE, 'cases')).map((name) => join(HERE, 'cases', name));
  const run = spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files], {
    stdio: 'inherit',
    env: { ...process.env, TIDEMILL_CASE: facts },
  });
  status = run.status ?? 1;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  const left = await ended;
  if (left !== 0) {
    console.log(`the server ended with status ${left}`);
    status = 1;
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
process.exit(status);
