#!/bin/sh
# The main job on real speech: a feed becomes a searchable, playable site. FEED=URL takes a real feed instead of the demo's own.
set -eu
cd "$(dirname "$0")/.."
tidemill=build/release/tidemill
demo=build/demo
data=$demo/data
port=${PORT:-8787}
model=${MODEL:-base}
cache=${TIDEMILL_CACHE:-.cache}
feed_server=""

say() { printf '\n== %s\n' "$*"; }
stop() {
    [ -z "$feed_server" ] || kill "$feed_server" 2>/dev/null || true
    feed_server=""
}
trap stop EXIT
trap 'stop; exit 130' INT TERM

say "The speech model $model and the voice detector"
tools/models/get-model.sh "$model" silero-v6.2.0
mkdir -p "$data"
for name in "$model" silero-v6.2.0; do
    "$tidemill" model get "$name" --from "$(tools/models/get-model.sh --path "$name")" --data "$data"
done

private=""
episodes=""
if [ -n "${FEED:-}" ]; then
    feed=$FEED
    episodes="--max-episodes ${EPISODES:-2}"
    say "The feed is yours: the newest ${EPISODES:-2} episodes of it (EPISODES=N takes more)"
else
    say "A small podcast: one real voice, two pieces spoken by espeak-ng"
    private="--allow-private-addresses"
    # The same port each time, so that a second demo finds the same feed; another one if it is taken.
    feed_port=$((port + 1))
    rm -f "$demo/feed-server.log"
    mkdir -p "$demo/feed"
    python3 -m http.server "$feed_port" --bind 127.0.0.1 --directory "$demo/feed" >"$demo/feed-server.log" 2>&1 &
    feed_server=$!
    feed=http://127.0.0.1:$feed_port/feed.xml
    python3 tools/demo/make_feed.py "$demo/feed" "$cache/third-party/samples/jfk.wav" "http://127.0.0.1:$feed_port"
    tries=0
    until curl -sf -o /dev/null "$feed"; do
        kill -0 "$feed_server" 2>/dev/null || { cat "$demo/feed-server.log" >&2; echo "demo: port $feed_port is taken; try PORT=..." >&2; exit 3; }
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || { echo "demo: the feed's server does not answer" >&2; exit 3; }
        sleep 0.1
    done
fi

say "tidemill podcast add"
"$tidemill" podcast add "$feed" $private --data "$data" || [ -d "$data/sites/my-sites" ]

say "tidemill podcast run: the work"
"$tidemill" podcast run --model "$model" $private $episodes --data "$data"
say "tidemill podcast run, again: nothing new"
"$tidemill" podcast run --model "$model" $private $episodes --data "$data" | tail -n 1

if [ -z "${FEED:-}" ]; then
    say "tidemill podcast search"
    "$tidemill" podcast search '"ask not what your country"' --data "$data"
    "$tidemill" podcast search 'lighthose keeper' --data "$data"
fi
stop

say "The site; Ctrl-C ends it"
exec "$tidemill" serve --data "$data" --listen "127.0.0.1:$port"
