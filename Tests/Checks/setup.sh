#!/bin/sh
# Checks that this machine can build and run Coro, and names the cure for what is missing.
set -u
missing=0
lacks() {
    echo "setup: $1 is missing. $2" >&2
    missing=1
}
[ "$(uname -s)" = Linux ] || lacks "Linux" "Coro is built on epoll; use a Linux machine or container."
command -v swift >/dev/null 2>&1 || lacks "swift" "Install a Swift toolchain, 6.2 or later: https://www.swift.org/install/linux"
command -v cc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 ||
    lacks "a C compiler" "On Debian or Ubuntu: apt-get install gcc libc6-dev"
for peer in curl python3 nginx strace ip; do
    command -v "$peer" >/dev/null 2>&1 || [ -x "/usr/sbin/$peer" ] ||
        echo "setup: $peer is not installed; the end-to-end tests that need it will be skipped." >&2
done
exit $missing
