#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usb.sh - writes the image to a USB stick, after every doubt has been asked about.
#
#     usb.sh IMAGE DEVICE
#
# Refused: what is no whole disk, what is mounted or in use, what holds this system, what cannot be
# removed, what is smaller than the image.  The last word is the user's: "yes", typed in full.
set -eu

refuse() {
    echo "usb: $*; nothing was written." >&2
    exit 1
}

image=${1:-}
device=${2:-}
[ -n "$image" ] && [ -n "$device" ] || refuse "say which device: make usb DEVICE=/dev/sdX"
[ -f "$image" ] || refuse "$image is missing"
[ -e "$device" ] || refuse "$device does not exist"
[ -b "$device" ] || refuse "$device is no block device"
device=$(readlink -f "$device")

# lsblk's own columns: one word each
about() {
    lsblk --nodeps --noheadings --output "$1" "$device" 2>/dev/null | tr -d ' '
}

[ "$(about TYPE)" = disk ] || refuse "$device is no whole disk"
[ -z "$(lsblk --noheadings --output MOUNTPOINT "$device" | tr -d ' \n')" ] ||
    refuse "$device or a part of it is mounted"
[ -z "$(find "/sys/class/block/${device##*/}/holders" -mindepth 1 2>/dev/null)" ] ||
    refuse "$device is in use by another device"
root=$(findmnt --noheadings --output SOURCE --target / | sed 's/\[.*//')
case $(lsblk --inverse --noheadings --list --output NAME "$root" 2>/dev/null) in
    *"${device##*/}"*) refuse "$device holds this system" ;;
esac
[ "$(about RM)" = 1 ] || [ "$(about HOTPLUG)" = 1 ] || [ "$(about TRAN)" = usb ] ||
    refuse "$device is a fixed disk"
[ "$(about RO)" = 0 ] || refuse "$device is write-protected"
need=$(wc -c <"$image")
have=$(lsblk --nodeps --noheadings --bytes --output SIZE "$device" | tr -d ' ')
[ "$have" -ge "$need" ] || refuse "$device has $have bytes, the image $need"

lsblk --output NAME,SIZE,TYPE,TRAN,VENDOR,MODEL,SERIAL,LABEL "$device"
echo "ALL of $device will be replaced by Hyperspace ($((need / 1048576)) MB)."
printf 'Type yes to go on: '
read -r answer || answer=
[ "$answer" = yes ] || refuse "the answer was not yes"

[ -w "$device" ] || as_root=sudo
${as_root:-} dd if="$image" of="$device" bs=4M conv=fsync status=progress
sync
echo "Done.  In the PC's firmware: choose the stick, and turn Secure Boot off."
