#!/bin/sh
# Usage: limited.sh SECONDS COMMAND...
#
# Runs a command that must end within so many seconds. One that does not is ended, and what is known about it is printed: the
# tests that have begun and not ended, the processes, and where the threads of the test process are. Who only gives up on it
# from outside learns nothing, since half of what the tests said is still in a buffer then.
#
# Exit codes: the command's; 124 when it had to be ended, as with timeout(1).
set -eu
seconds=$1
shift
folder=$(mktemp -d)
mkfifo "$folder/output"
tee "$folder/log" <"$folder/output" &
reader=$!
# A session of its own can be listed and ended as a whole.
setsid stdbuf -oL "$@" >"$folder/output" 2>&1 &
command=$!
finish() {
    kill -s TERM -- "-$command" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

explain() {
    echo "limited: $1 has not ended after $seconds s. Begun and not ended:"
    awk '
        / Test case passing / { next }
        sub(/^[^ ]+ Test /, "") {
            if (sub(/ started\.$/, "")) { begun[$0] = 1; next }
            sub(/ (with [0-9]+ test cases? )?(passed|failed) after .*/, "")
            delete begun[$0]
        }
        END { for (name in begun) print "    " name }
    ' "$folder/log"
    echo "limited: its processes, with their age in seconds:"
    ps -s "$command" -o pid,ppid,etimes,stat,args 2>/dev/null | cut -c 1-160 || true
    for process in $(ps -s "$command" -o pid=,args= 2>/dev/null | awk '/\.xctest|testing-helper/ { print $1 }'); do
        if command -v gdb >/dev/null 2>&1; then
            gdb -p "$process" -batch -ex 'thread apply all -q backtrace 12' 2>/dev/null | grep -E '^(Thread|#)' || true
        else
            for thread in "/proc/$process/task/"*; do
                echo "    thread ${thread##*/} $(cat "$thread/comm"): in $(cat "$thread/wchan" 2>/dev/null || echo '?')"
            done
        fi
    done
}
waited=0
while kill -0 "$command" 2>/dev/null; do
    if [ "$waited" -ge "$seconds" ]; then
        explain "$*" >&2
        kill -s TERM -- "-$command" 2>/dev/null || true
        sleep 2
        kill -s KILL -- "-$command" 2>/dev/null || true
        exit 124
    fi
    sleep 1
    waited=$((waited + 1))
done
status=0
wait "$command" || status=$?
wait "$reader" || true
exit "$status"
