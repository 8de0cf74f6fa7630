#!/bin/sh
# The main job, start to end: build the tools, serve, fetch two answers that each take a second, at the same time.
set -eu
swift=$1
echo "Building coro-serve and coro-fetch in release mode (about a minute the first time) ..."
"$swift" build -c release --product coro-serve --quiet
"$swift" build -c release --product coro-fetch --quiet
bin=$("$swift" build -c release --show-bin-path)

log=$(mktemp)
trap 'kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT INT TERM
"$bin/coro-serve" --port 0 --quiet 2>"$log" &
server=$!
url=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    url=$(sed -n 's/.*\(http:\/\/[^ ]*\).*/\1/p' "$log")
    [ -n "$url" ] && break
    sleep 0.1
done
[ -n "$url" ] || { echo "demo: coro-serve did not start:" >&2; cat "$log" >&2; exit 1; }
url=${url%/}

echo "coro-serve answers at $url; each of these takes it one second:"
echo "  coro-fetch $url/delay/1 $url/delay/1.0"
began=$(date +%s%N)
"$bin/coro-fetch" "$url/delay/1" "$url/delay/1.0"
ended=$(date +%s%N)
took=$(((ended - began) / 1000000))
echo "Both answers were here after $((took / 1000)).$(printf %03d $((took % 1000))) seconds: one loop, one thread, two requests in flight."
if [ "$took" -lt 1000 ] || [ "$took" -gt 1200 ]; then
    echo "demo: that should have been 1.0 to 1.2 seconds." >&2
    exit 1
fi
kill -TERM "$server"
wait "$server" && echo "coro-serve stopped gracefully on SIGTERM."
trap 'rm -f "$log"' EXIT
