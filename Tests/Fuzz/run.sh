#!/bin/sh
# Fuzzes the wire module for SECONDS (60 if not given), in a temporary folder; an input that breaks the invariant is left
# in Tests/Fuzz/Crashes.
set -eu
seconds=${1:-60}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/corpus" "$here/Crashes"
swiftc -O -sanitize=fuzzer,address -parse-as-library -swift-version 6 -package-name coro \
    "$here"/../../Sources/Http/Wire/*.swift "$here"/WireFuzz.swift -o "$work/fuzz" 2>"$work/log" || {
    cat "$work/log" >&2
    exit 1
}
seed() { printf "$2" >"$work/corpus/$1"; }
seed request '\000GET /a?b HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n'
seed post '\000POST /a HTTP/1.1\r\nHost: x:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n'
seed response '\001HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\n'
seed chunked '\0025;a="b"\r\nhello\r\n0\r\nX: y\r\n\r\n'
seed url '\004http://user:pass@[::1]:80/a/../b?c#d'
seed date '\005Sun, 06 Nov 1994 08:49:37 GMT'
# Symbolizing hangs while a crash of this toolchain is printed; the input is what counts.
status=0
ASAN_OPTIONS=symbolize=0:detect_leaks=0 SWIFT_BACKTRACE=enable=no \
    "$work/fuzz" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$here/Crashes/" "$work/corpus" >"$work/log" 2>&1 || status=$?
tail -8 "$work/log"
rmdir "$here/Crashes" 2>/dev/null || true
exit $status
