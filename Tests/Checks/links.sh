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

# SwiftPM has one set of traits a build, so the program without TLS is built beside the others.
"$swift" build -c release --product ParallelFetch --quiet --disable-default-traits --scratch-path .build-plain
bin=$("$swift" build -c release --show-bin-path --scratch-path .build-plain)
if ldd "$bin/ParallelFetch" | grep -E 'libssl|libcrypto' >&2; then
    echo "links: without the trait TLS, ParallelFetch links OpenSSL all the same." >&2
    exit 1
fi
echo "links: no OpenSSL in a program without TLS."
