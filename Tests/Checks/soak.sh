#!/bin/sh
# Usage: [REPEAT=n] [SANITIZE=thread|address] [FILTER=text] soak.sh SWIFT [SECONDS]
#
# The races of Tests/Soak, REPEAT times each (10000; 500 under a sanitizer), in release mode. SANITIZE=thread or address
# builds it with that sanitizer; FILTER=text runs the scenarios whose name contains it. Hardly a repetition waits for real
# time, and those that do are few; the crowd of connections goes on for SECONDS (10). A repetition that does not end within
# a minute ends the run.
set -eu
swift=$1
seconds=${2:-10}
set -- -c release --product Soak
if [ -n "${SANITIZE:-}" ]; then
    # The folders of `make tsan` and `make asan`.
    case $SANITIZE in
    thread) set -- "$@" --sanitize=thread --scratch-path .build-tsan ;;
    address) set -- "$@" --sanitize=address --scratch-path .build-asan ;;
    *)
        echo "soak: SANITIZE is thread or address; this is $SANITIZE." >&2
        exit 2
        ;;
    esac
fi
echo "Building Soak ..."
"$swift" build "$@" --quiet
bin=$("$swift" build "$@" --show-bin-path)
default=10000
[ -z "${SANITIZE:-}" ] || default=500
# A leak of Swift's own at exit is not what is looked for; Soak counts by itself.
status=0
TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS:-}" ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS:-}" \
    "$bin/Soak" --repeat "${REPEAT:-$default}" --seconds "$seconds" --filter "${FILTER:-}" || status=$?
# A stack that has overflowed leaves no room to say so.
[ "$status" -lt 128 ] || echo "soak: died of signal $((status - 128)) in the scenario after the last line above." >&2
[ "$status" -eq 0 ] || echo "soak: something was found. $bin/Soak --filter TEXT --from NUMBER repeats it alone." >&2
exit "$status"
