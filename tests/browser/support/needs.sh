# Read by the runners: what the browser tests need, or exit 77 with the reason.

skip() {
  echo "skipped: $1"
  exit 77
}

command -v node >/dev/null || skip 'Node.js is not installed (Debian: nodejs)'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  skip 'Node.js 20.19 or newer is needed'
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip 'Chromium is not installed (Debian: chromium)'
command -v espeak-ng >/dev/null || skip 'espeak-ng is not installed'
command -v ffmpeg >/dev/null || skip 'ffmpeg is not installed'
if [ ! -d node_modules/playwright-core ] || [ ! -d node_modules/axe-core ]; then
  flock package.json npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1 || skip 'the packages of package-lock.json could not be installed'
fi
