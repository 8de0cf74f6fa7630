#!/bin/sh
# TLS in the kernel, on a machine that has it: boots a Linux under qemu, with our programs in its memory, and looks.
#
#   kernel-tls.sh SWIFT [KERNEL [MODULES]]
#
# KERNEL is a bzImage (default: the newest /boot/vmlinuz-*), MODULES the folder of its modules, which must have tls.ko
# (default: /lib/modules/ and the kernel's release). Where the machine's own will not do, take a package apart:
#
#   apt-get install qemu-system-x86 busybox-static cpio; apt-get download linux-image-6.1.0-56-cloud-amd64
#   dpkg -x linux-image-*.deb kernel
#   make kernel-tls KERNEL=kernel/boot/vmlinuz-6.1.0-56-cloud-amd64 MODULES=kernel/lib/modules/6.1.0-56-cloud-amd64
#
# In there: coro-serve --ktls sends a file of 50 MB to curl and to coro-fetch, with TLS 1.2 and 1.3 and every cipher that the
# kernel has, and what came is what was sent; the kernel has counted the connections (/proc/net/tls_stat); close_notify came
# (openssl s_client calls anything else an error); a client that asks for new keys is told; the tests named KernelTLS pass.
# Then once more on a machine that counts instructions (qemu -icount), with --ktls and without.
#
# Nothing is fetched and nothing is left behind. 77: something is missing here, and it says what. Twenty minutes at most.
set -eu
swift=${1:-swift}
here=$(cd "$(dirname "$0")" && pwd)

lack() { echo "kernel-tls: $*" >&2; exit 77; }
for program in qemu-system-x86_64 busybox cpio curl openssl ldd strip; do
    command -v $program >/dev/null || lack "there is no $program; apt-get install qemu-system-x86 busybox-static cpio curl openssl binutils"
done
[ "$(uname -m)" = x86_64 ] || lack "it is written for x86_64."
kernel=${2:-$(ls -t /boot/vmlinuz-* 2>/dev/null | head -n 1)}
[ -n "$kernel" ] && [ -r "$kernel" ] || lack "there is no kernel to boot; name one (see the head of this script)."
modules=${3:-/lib/modules/${kernel##*/vmlinuz-}}
[ -n "$(find "$modules" -name 'tls.ko*' 2>/dev/null)" ] || lack "there is no tls.ko in $modules; name the kernel's modules."

"$swift" build -c release --product coro-serve --quiet
"$swift" build -c release --product coro-fetch --quiet
"$swift" build --build-tests --quiet
tools=$("$swift" build -c release --show-bin-path)
tests=$("$swift" build --show-bin-path)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
root=$scratch/root
mkdir -p "$root"/bin "$root"/sbin "$root"/proc "$root"/sys "$root"/dev "$root"/tmp "$root"/etc "$root"/srv "$root"/usr/lib/ssl

# A program with the libraries that it needs, under the names it looks for them by.
put() {
    cp "$1" "$root/bin/$2"
    strip -g "$root/bin/$2" 2>/dev/null || true
    ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
        [ -e "$root$library" ] && continue
        mkdir -p "$root${library%/*}"
        cp -L "$library" "$root$library"
    done
}
put "$(command -v busybox)" busybox
put "$(command -v curl)" curl
put "$(command -v openssl)" openssl
put "$tools/coro-serve" coro-serve
put "$tools/coro-fetch" coro-fetch
put "$(echo "$tests"/*.xctest)" tests
cp "$here/kernel-tls.init" "$root/init"
echo 'root:x:0:0::/tmp:/bin/sh' > "$root/etc/passwd"
echo '127.0.0.1 localhost' > "$root/etc/hosts"

# The kernel's TLS and the ciphers that it may be asked for.
release=${modules##*/}
mkdir -p "$root/lib/modules/$release/kernel"
cp "$modules"/modules.builtin* "$modules"/modules.order "$root/lib/modules/$release/" 2>/dev/null || true
(cd "$modules/kernel" && find net/tls crypto arch/x86/crypto lib/crypto -name '*.ko*' 2>/dev/null) | while read -r module; do
    mkdir -p "$root/lib/modules/$release/kernel/${module%/*}"
    cp "$modules/kernel/$module" "$root/lib/modules/$release/kernel/$module"
done
find "$root/lib/modules" -name '*.xz' -exec xz -d {} +
find "$root/lib/modules" -name '*.zst' -exec zstd -q -d --rm {} +
busybox depmod -b "$root" "$release"
(cd "$root" && find . | cpio --quiet -o -H newc > "$scratch/initrd")

# boot SECONDS WHAT ACCELERATOR...: what the machine said, as it says it.
boot() {
    seconds=$1 what=$2
    shift 2
    timeout "$seconds" qemu-system-x86_64 "$@" -cpu max -m 4G -nodefaults -no-user-config -display none -no-reboot \
        -serial stdio -kernel "$kernel" -initrd "$scratch/initrd" \
        -append "console=ttyS0 quiet panic=-1 oops=panic mitigations=off what=$what" </dev/null |
        sed -u 's/\r$//' | tee "$scratch/log" | grep --line-buffered '^kernel-tls: ' || true
    grep -q '^kernel-tls: all is well' "$scratch/log" && return
    echo "kernel-tls: it went wrong, or took more than $seconds seconds. The machine's last words:" >&2
    tail -n 60 "$scratch/log" >&2
    exit 1
}
boot 700 check -accel tcg,thread=multi -smp 2
boot 500 count -accel tcg -icount shift=0,sleep=off -smp 1
