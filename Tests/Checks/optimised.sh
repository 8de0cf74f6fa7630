#!/bin/sh
# The tests run what the compiler makes without optimising. Here every row of the micro-benchmark runs as users run it,
# several times, since what the optimizer lets go of too early is found in memory only now and then.
set -eu
swift=$1
"$swift" build -c release --product coro-bench --quiet
bin=$("$swift" build -c release --show-bin-path)
for run in 1 2 3 4 5; do
    "$bin/coro-bench" micro --time 0.002 --rounds 2 --report json >/dev/null 2>&1 || {
        echo "optimised: coro-bench micro ended with $? in run $run; see which row: $bin/coro-bench micro" >&2
        exit 1
    }
done
echo "optimised: every row of coro-bench micro ran five times."

# And the races, but for those that use Swift's own pool: its threads come and go, and so few repetitions do not tell them
# from a leak. `make soak` has all, and more of each.
"$swift" build -c release --product Soak --quiet
for race in outlives cancel: close: inbox timer coroutine generator stream scope lock queue report; do
    "$bin/Soak" --repeat 500 --filter "$race" >/dev/null || {
        echo "optimised: a race ended badly; see how: $bin/Soak --repeat 500 --filter $race" >&2
        exit 1
    }
done
echo "optimised: five hundred times every race."
