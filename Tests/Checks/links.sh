#!/bin/sh
# A program that links only Coro and Http carries no Foundation and no ICU: ParallelFetch is such a program.
set -eu
swift=$1
"$swift" build -c release --product ParallelFetch --quiet
bin=$("$swift" build -c release --show-bin-path)
if ldd "$bin/ParallelFetch" | grep -E 'Foundation|ICU' >&2; then
    echo "links: ParallelFetch links Foundation; something in Coro or Http imports it." >&2
    exit 1
fi
if nm -u "$bin/ParallelFetch" | grep -F '10Foundation' >&2; then
    echo "links: ParallelFetch uses a symbol of Foundation." >&2
    exit 1
fi
echo "links: no Foundation in a program of Coro and Http."
