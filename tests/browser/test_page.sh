#!/bin/bash
# The pages in headless Chromium: against the mock server, or, with TIDEMILL_CASE naming a JSON file, a running program.
# Exit 77 where there is no browser, no Node.js or no way to get the two npm packages.
set -u
cd "$(dirname "$0")" || exit 1

skip() {
  echo "skipped: $1"
  exit 77
}

command -v node >/dev/null || skip 'Node.js is not installed (Debian: nodejs)'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  skip 'Node.js 20.19 or newer is needed'
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip 'Chromium is not installed (Debian: chromium)'
if [ -z "${TIDEMILL_CASE:-}" ]; then
  command -v espeak-ng >/dev/null || skip 'espeak-ng is not installed'
  command -v ffmpeg >/dev/null || skip 'ffmpeg is not installed'
fi
if [ ! -d node_modules/playwright-core ] || [ ! -d node_modules/axe-core ]; then
  npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1 || skip 'the packages of package-lock.json could not be installed'
fi
exec node --test --test-concurrency=1 --test-reporter=spec cases/*.test.mjs
