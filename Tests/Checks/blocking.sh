#!/bin/sh
# Usage: blocking.sh FETCH SERVER [ARGUMENT...]
#
# Starts a server under strace(1), keeps it busy, and holds every system call of its loop's threads against what a loop may
# call: from the first wait in epoll to the last, nothing but epoll may wait. A descriptor that moves bytes must be
# non-blocking, or a file; a futex may be woken and never waited for; what is not on the list is refused.
#
# Exit codes: 0 nothing waits, 1 something does (each kind is listed), 2 the server does not answer, or does not end, 77 strace is
# missing or not allowed here.
set -eu
fetch=$1
shift
strace=$(command -v strace) || { echo "blocking: strace is not installed." >&2; exit 77; }
"$strace" -qq -o /dev/null true 2>/dev/null || { echo "blocking: strace may not trace here." >&2; exit 77; }

folder=$(mktemp -d)
tracer=
finish() {
    # The traced server is the first process of the log; strace ends with it.
    server=$(sed -n '1s/ .*//p' "$folder/log" 2>/dev/null || true)
    [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
    for _ in $(seq 100); do
        [ -n "$tracer" ] && kill -0 "$tracer" 2>/dev/null || break
        sleep 0.1
    done
    if [ -n "$tracer" ] && kill -0 "$tracer" 2>/dev/null; then
        echo "blocking: the server did not end within 10 s of SIGTERM; its last calls:" >&2
        tail -n 8 "$folder/log" >&2
        [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
        unended=1
    fi
    [ -z "$tracer" ] || wait "$tracer" 2>/dev/null || true
    tracer=
}
# Answers that do not come are no reason to wait for ever, and a finding of their own.
fetch() {
    status=0
    "$fetch" -s -m 15 "$@" || status=$?
    [ "$status" -ne 28 ] || { echo "blocking: no answer within 15 s: $*" >&2; tail -n 8 "$folder/log" >&2; unended=1; }
}
unended=
trap 'finish; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# Here already when the loop below first looks: the shell opens what it runs in the background in its own time.
: >"$folder/words"
"$strace" -f -qq -e signal=none -o "$folder/log" "$@" >/dev/null 2>"$folder/words" &
tracer=$!
url=
for _ in $(seq 100); do
    url=$(sed -n 's/.*\(http:\/\/[^ ]*\)\/.*/\1/p' "$folder/words")
    [ -z "$url" ] || break
    sleep 0.1
done
[ -n "$url" ] || { echo "blocking: the server did not start:" >&2; cat "$folder/words" >&2; exit 1; }

# Everything that coro-serve answers, with and without a folder, on connections that are kept and on new ones. What a
# server does not know is 404, which is an answer as well.
for _ in 1 2 3; do
    fetch "$url/large.bin" "$url/" "$url/nothing" "$url/bytes/3000000" "$url/stream/500" "$url/delay/0.05" \
        "$url/delay/0.05" "$url/json" "$url/large.bin"
    fetch -d "some words" "$url/echo" "$url/echo"
    # Gone before the answer has come.
    "$fetch" -s -m 0.02 "$url/delay/1" || true
done >/dev/null
finish
[ -z "$unended" ] || exit 2

awk '
    # One line a call: those that another thread came between are put together again.
    { thread = $1; text = $0; sub(/^[0-9]+ +/, "", text) }
    text ~ /<unfinished \.\.\.>$/ { sub(/ *<unfinished \.\.\.>$/, "", text); begun[thread] = text; next }
    text ~ /^<\.\.\. / { sub(/^<\.\.\. [a-z0-9_]+ resumed>/, "", text); text = begun[thread] text }
    text ~ /^[a-z0-9_]+\(/ {
        call[++lines] = text; caller[lines] = thread
        if (text ~ /^epoll_p?wait2?\(/) { if (!(thread in first)) first[thread] = lines; last[thread] = lines }
    }
    END {
        never = "^(epoll_(wait|pwait|pwait2|ctl|create1)|close|socket|bind|listen|shutdown|[gs]etsockopt|getsockname|"
        never = never "getpeername|eventfd2|pipe2|fcntl|dup3?|ioctl|lseek|openat2?|newfstatat|fstat|statx|getdents64|"
        never = never "readlink|pread64|brk|mmap|munmap|mremap|mprotect|madvise|getrandom|getpid|gettid|getuid|"
        never = never "rt_sig(procmask|pending|action|return)|sched_yield|sched_getaffinity|prlimit64|prctl|clone3?|"
        never = never "set_robust_list|rseq|restart_syscall)$"
        # With a descriptor in front, which must not block. write(2) on it, too: a log is on standard error.
        moving = "^(accept4|connect|recvfrom|recvmsg|recvmmsg|sendto|sendmsg|sendmmsg|sendfile|read|readv|write|writev)$"
        for (line = 1; line <= lines; line++) {
            text = call[line]; name = text; sub(/\(.*/, "", name)
            result = text; sub(/.*= /, "", result); result += 0
            number = text; sub(/^[a-z0-9_]+\(/, "", number); number += 0
            if (name == "close") delete quick[number]
            if (text ~ /O_NONBLOCK|SOCK_NONBLOCK|EFD_NONBLOCK|SFD_NONBLOCK|TFD_NONBLOCK/ && name != "fcntl") quick[result] = 1
            if (name == "openat" || name == "openat2") quick[result] = 1
            if (name == "fcntl" && text ~ /F_SETFL, .*O_NONBLOCK/) quick[number] = 1
            thread = caller[line]
            if (!(thread in first) || line < first[thread] || line > last[thread]) continue
            looked++
            if (name ~ never) continue
            if (name ~ moving && (number in quick || text ~ /MSG_DONTWAIT/)) continue
            if (name == "futex" && text ~ /FUTEX_WAKE/) continue
            # The one line that says where it listens, before it serves anybody.
            if (name == "write" && text ~ /^write\(2, "[^"]*listening/) continue
            bad++
            if (kinds[name]++ < 3) print "blocking: " text
        }
        # A check that looked at nothing has found nothing.
        if (looked < 50) { print "blocking: only " looked + 0 " calls were seen."; exit 1 }
        if (bad) exit 1
        print "blocking: " looked " calls of the loop, and none of them waits."
    }
' "$folder/log"
