#!/bin/sh
# SPDX-License-Identifier: MIT
#
# require.sh - names the Debian packages that are missing for a target, and installs them.
#
#     require.sh run|test|debug|window...      (sets; test holds run and debug)
#
# One probe a package: a command, or a file when no command tells.  Only when a probe fails does
# anything slower than a few file look-ups happen.  HYPERSPACE_INSTALL=no only names.
set -eu

run_set='
    gcc             /usr/bin/gcc
    gcc-multilib    /usr/lib32/libc.so
    binutils        /usr/bin/objcopy
    make            /usr/bin/make
    python3         /usr/bin/python3
    gzip            /bin/gzip
    gnu-efi         /usr/lib32/elf_ia32_efi.lds
    ovmf            /usr/share/OVMF/OVMF_CODE_4M.fd
    ovmf-ia32       /usr/share/OVMF/OVMF32_CODE_4M.secboot.fd
    qemu-system-x86 /usr/bin/qemu-system-x86_64
    mtools          /usr/bin/mcopy
    dosfstools      /sbin/mkfs.fat
    gdisk           /sbin/sgdisk
    psf-unifont     /usr/share/consolefonts/Unifont-APL8x16.psf.gz
'
test_set='
    clang           /usr/bin/clang
    libclang-rt-dev /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a
    clang-format    /usr/bin/clang-format
    clang-tidy      /usr/bin/clang-tidy
    cppcheck        /usr/bin/cppcheck
    pyflakes3       /usr/bin/pyflakes3
    nodejs          /usr/bin/node
    npm             /usr/bin/npm
    gcc-mingw-w64-i686-win32 /usr/bin/i686-w64-mingw32-gcc
'
debug_set='
    gdb             /usr/bin/gdb
'
window_set='
    qemu-system-gui /usr/lib/x86_64-linux-gnu/qemu/ui-gtk.so
'

wanted=
for set in "$@"; do
    case $set in
        run) wanted="$wanted$run_set" ;;
        test) wanted="$wanted$run_set$debug_set$test_set" ;;
        debug) wanted="$wanted$debug_set" ;;
        window) wanted="$wanted$window_set" ;;
        *) echo "require: sets are run, test, debug and window, not $set" >&2; exit 2 ;;
    esac
done

exists() {
    [ -e "$1" ]
}

missing=
while read -r package probe; do
    # shellcheck disable=SC2086 # the probe may be a pattern
    [ -z "$package" ] || exists $probe || missing="$missing $package"
done <<end
$wanted
end
[ -n "$missing" ] || exit 0

echo "Missing Debian packages:$missing" >&2
if [ "${HYPERSPACE_INSTALL:-yes}" = no ] || ! command -v apt-get >/dev/null; then
    echo "Install them (on Debian 12: apt-get install$missing) and try again." >&2
    exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "Neither root nor sudo: as root, apt-get install$missing" >&2
        exit 1
    }
    as_root=sudo
fi
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >&2
}

lists=$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null | head -n 1)
[ -n "$lists" ] || apt update
echo "Installing them with ${as_root:+sudo }apt-get." >&2
# shellcheck disable=SC2086 # the packages are words
apt --no-install-recommends install $missing || {
    apt update # the lists were stale
    apt --no-install-recommends install $missing
}
