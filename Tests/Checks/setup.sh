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
# As the compiler will look for them, and with pkg-config where that knows of a place of its own.
compiler=$(command -v cc || command -v clang || true)
if [ -n "$compiler" ] && ! echo '#include <openssl/ssl.h>' |
    "$compiler" -E $(pkg-config --cflags openssl 2>/dev/null) - >/dev/null 2>&1; then
    lacks "the header openssl/ssl.h" "TLS needs OpenSSL 3: apt-get install libssl-dev (Debian, Ubuntu), dnf install openssl-devel (Fedora). Or build without TLS: swift build --disable-default-traits"
fi
for peer in curl openssl python3 nginx strace ip; do
    command -v "$peer" >/dev/null 2>&1 || [ -x "/usr/sbin/$peer" ] ||
        echo "setup: $peer is not installed; the end-to-end tests that need it will be skipped." >&2
done
exit $missing
