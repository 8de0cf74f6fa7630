#!/bin/sh
# Usage: dropped.sh FETCH SERVE
#
# A host with two addresses, the first of which swallows every packet without a word: the fetch must come through the second,
# a quarter of a second later (RFC 8305), and long before the first would have given up.
#
# It happens in a network namespace of its own, with a veth pair in it whose other end belongs to nobody: what is sent to the
# first address leaves by one end, arrives at the other, and is dropped there, because it is addressed to a neighbour who does
# not exist. (Kernels for containers and small virtual machines often lack netem and netfilter; this needs neither.) The
# kernel takes the namespace away with its last process, however that ends, so there is nothing to clean up, and two runs
# cannot meet.
#
# Exit codes: 0 as it should be, 1 not, 77 such a namespace cannot be made here.
set -eu
skip() {
    echo "dropped: $1" >&2
    exit 77
}
if [ "${1-}" != inside ]; then
    command -v ip >/dev/null 2>&1 || skip "ip (iproute2) is not installed."
    command -v unshare >/dev/null 2>&1 || skip "unshare (util-linux) is not installed."
    [ -e /proc/net/if_inet6 ] || skip "this machine has no IPv6."
    unshare --net --mount --pid --fork --kill-child ip link add near type veth peer name far 2>/dev/null ||
        skip "this user or machine may not make a network namespace with a veth pair."
    exec unshare --net --mount --pid --fork --kill-child sh "$0" inside "$@"
fi
fetch=$2
serve=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

ip link set lo up
ip link add near type veth peer name far
ip link set near up
ip link set far up
ip address add 2001:db8::1/64 dev near nodad
ip neighbour add 2001:db8::2 lladdr 02:00:00:00:00:02 dev near nud permanent
ip address add 198.51.100.1/32 dev lo
# The name and its addresses, for this mount namespace only. IPv6 comes first (RFC 6724).
printf '2001:db8::2 two.test\n198.51.100.1 two.test\n' >"$folder/hosts"
mount --bind "$folder/hosts" /etc/hosts

"$serve" --bind 198.51.100.1 --port 8000 --quiet 2>"$folder/words" &
for _ in $(seq 100); do
    grep -q listening "$folder/words" && break
    sleep 0.1
done

# The first address must be silent, or nothing is shown: no answer and no error in half a second.
status=0
"$fetch" -s --connect-timeout 0.5 -o /dev/null 'http://[2001:db8::2]:8000/' || status=$?
[ "$status" = 28 ] || { echo "dropped: the first address is not silent (exit code $status)." >&2; exit 1; }

told=$("$fetch" -sS -o /dev/null -w '%{http_code} %{remote_ip} %{time_namelookup} %{time_connect}' http://two.test:8000/)
echo "$told" | awk '
    $1 != 200 || $2 != "198.51.100.1" { print "dropped: not answered by the second address: " $0; exit 1 }
    # Not before its time, which would mean that the first was not tried; and within what a busy machine may add.
    $4 - $3 < 0.25 || $4 - $3 > 1.25 { print "dropped: connected after " $4 - $3 " s instead of 0.25 s."; exit 1 }
    { print "dropped: connected through the second address after " $4 - $3 " s." }
'
