#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_usb.sh - does usb.sh refuse what it must?  TAP on stdout.
#
# lsblk, findmnt and dd are replaced by stand-ins, so that any block device can play any part and
# nothing is ever written.
set -u
script=$(dirname "$0")/usb.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
device=$(find /dev -type b 2>/dev/null | head -n 1)
number=0
failed=0

mkdir "$work/bin"
cat >"$work/bin/lsblk" <<'end'
#!/bin/sh
case "$*" in
    *--inverse*) echo "${HOLDS:-vdz}" ;;
    *" TYPE "*) echo "${TYPE:-disk}" ;;
    *MOUNTPOINT*) echo "${MOUNTED:-}" ;;
    *" RM "*) echo "${RM:-1}" ;;
    *" HOTPLUG "*) echo 0 ;;
    *" TRAN "*) echo "${TRAN:-sata}" ;;
    *" RO "*) echo "${RO:-0}" ;;
    *--bytes*) echo "${BYTES:-1000}" ;;
    *) echo "the device as lsblk shows it" ;;
esac
end
printf '#!/bin/sh\necho /dev/vdz1\n' >"$work/bin/findmnt"
printf '#!/bin/sh\necho dd "$@" >"%s"\n' "$work/written" >"$work/bin/dd"
printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"
chmod +x "$work"/bin/*
head -c 1000 /dev/zero >"$work/image"

# expect refusal|success NAME ANSWER WORDS DEVICE [VARIABLE=VALUE...]
expect() {
    wanted=$1 name=$2 answer=$3 words=$4 target=$5
    shift 5
    rm -f "$work/written"
    found=success
    echo "$answer" | env PATH="$work/bin:$PATH" "$@" sh "$script" "$work/image" "$target" \
        >"$work/output" 2>&1 || found=refusal
    number=$((number + 1))
    wrote=no
    [ ! -e "$work/written" ] || wrote=yes
    if [ "$found $wrote" = "$([ "$wanted" = refusal ] && echo refusal no || echo success yes)" ] &&
        grep -q "$words" "$work/output"; then
        echo "ok $number - usb: $name"
    else
        failed=$((failed + 1))
        echo "not ok $number - usb: $name ($found, written: $wrote)"
        sed 's/^/#   /' "$work/output"
    fi
}

expect refusal "no device is refused" yes "say which device" ""
expect refusal "a missing device is refused" yes "does not exist" /dev/nothing
expect refusal "a file is refused" yes "no block device" "$work/image"
expect refusal "a character device is refused" yes "no block device" /dev/null
if [ -n "$device" ]; then
    expect refusal "a partition is refused" yes "no whole disk" "$device" TYPE=part
    expect refusal "a mounted disk is refused" yes "mounted" "$device" MOUNTED=/mnt
    expect refusal "the system's disk is refused" yes "holds this system" "$device" \
        HOLDS="${device##*/}"
    expect refusal "a fixed disk is refused" yes "fixed disk" "$device" RM=0
    expect refusal "a write-protected stick is refused" yes "write-protected" "$device" RO=1
    expect refusal "a stick that is too small is refused" yes "999 bytes" "$device" BYTES=999
    expect refusal "no yes, no writing" y "answer was not yes" "$device"
    expect refusal "no answer, no writing" "" "answer was not yes" "$device"
    expect success "a stick is written after yes" yes "ALL of $device" "$device"
    expect success "a stick that says it is fixed is known by its bus" yes "ALL of" "$device" \
        RM=0 TRAN=usb
fi
echo "1..$number"
[ "$failed" = 0 ]
