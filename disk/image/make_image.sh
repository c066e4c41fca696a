#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make_image.sh - the boot disk, without root and byte for byte the same each time.
#
#     make_image.sh OUTPUT          (a sparse raw image, for QEMU and for dd to a stick alike)
#
# Environment:
#     FILES    folder with BOOTX64.EFI BOOTIA32.EFI hyperspace.elf hyperspace.sym font.psf (build)
#     CONFIG   folder with boot.ini, system.reg and, if there is one, monitor.txt (this script's)
#     LAYOUT   gpt         ESP (FAT32) and a data partition labelled HYPERSPACE: the image we ship
#              mbr         one active partition, type 0x0C or 0x0E, that holds everything
#              superfloppy no partition table, one volume that fills the disk
#     FATBITS  32, 16 or 12: the kind of the volume with the kernel
#     DATA_MB  size of that volume
#     SECTOR   512, or 4096 for disks with such sectors (superfloppy only)
#
# Everything that would differ from build to build is fixed here: identifiers, volume serial
# numbers, time stamps and the order of the files.
set -eu

# ---- what makes two builds the same ----
export SOURCE_DATE_EPOCH=1767225600 TZ=UTC LC_ALL=C MTOOLS_SKIP_CHECK=1
DISK_GUID=48595045-5253-5041-4345-000000000001
ESP_GUID=48595045-5253-5041-4345-000000000002
DATA_GUID=48595045-5253-5041-4345-000000000003
ESP_SERIAL=48590001
DATA_SERIAL=48590002
MBR_SIGNATURE='\110\131\120\122'

# ---- parameters ----
here=$(dirname "$0")
output=${1:?usage: make_image.sh OUTPUT}
files=${FILES:-build}
config=${CONFIG:-$here}
layout=${LAYOUT:-gpt}
fatbits=${FATBITS:-32}
sector=${SECTOR:-512}

# Clusters of 4 KB hold one page each, and the FAT kind follows from their count alone: FAT32
# needs 65,525 of them and more (256 MB), FAT16 fewer, FAT12 less than 4,085 (16 MB).  The ESP
# reaches the first of these counts with 512 bytes.
case $fatbits in
    32) data_mb=${DATA_MB:-512} ;;
    16) data_mb=${DATA_MB:-128} ;;
    12) data_mb=${DATA_MB:-15} ;;
    *) echo "make_image: FATBITS is 32, 16 or 12, not $fatbits" >&2; exit 2 ;;
esac
[ "$sector" = 512 ] || [ "$sector$layout" = 4096superfloppy ] || {
    echo "make_image: SECTOR is 512, or 4096 with LAYOUT=superfloppy, not $sector" >&2
    exit 2
}
esp_mb=40
mb=2048 # sectors

for file in BOOTX64.EFI BOOTIA32.EFI hyperspace.elf hyperspace.sym font.psf; do
    [ -s "$files/$file" ] || { echo "make_image: $files/$file is missing" >&2; exit 1; }
done
for file in boot.ini system.reg; do
    [ -s "$config/$file" ] || { echo "make_image: $config/$file is missing" >&2; exit 1; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/make_image.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
image=$work/image

# make_volume START_MB SIZE_MB FATBITS SECTORS_PER_CLUSTER SERIAL LABEL
make_volume() {
    mkfs.fat --invariant -F "$3" -s "$4" -i "$5" -n "$6" -S "$sector" -h $(($1 * mb)) \
        --offset $(($1 * mb)) "$image" $(($2 * 1024)) >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        exit 1
    }
}

# copy START_MB FILE NAME: a file into a volume, under a fixed time stamp
copy() {
    cp "$2" "$work/file"
    touch -d "@$SOURCE_DATE_EPOCH" "$work/file"
    mcopy -m -i "$image@@$1M" "$work/file" "::$3"
}

fill_esp() {
    mmd -i "$image@@$1M" ::/EFI ::/EFI/BOOT
    copy "$1" "$files/BOOTX64.EFI" /EFI/BOOT/BOOTX64.EFI
    copy "$1" "$files/BOOTIA32.EFI" /EFI/BOOT/BOOTIA32.EFI
}

# The kernel goes without what only gdb reads: the loader needs memory for all of the file.  Its
# symbols stay, for the relocations that /3GB needs.
fill_data() {
    objcopy --strip-debug "$files/hyperspace.elf" "$work/kernel"
    copy "$1" "$work/kernel" /hyperspace.elf
    for file in hyperspace.sym font.psf; do
        copy "$1" "$files/$file" "/$file"
    done
    for file in boot.ini system.reg monitor.txt; do
        [ ! -e "$config/$file" ] || copy "$1" "$config/$file" "/$file"
    done
}

case $layout in
    gpt)
        truncate -s $((1 + esp_mb + data_mb + 1))M "$image"
        sgdisk --clear --disk-guid=$DISK_GUID \
            --new=1:1M:+${esp_mb}M --typecode=1:ef00 --partition-guid=1:$ESP_GUID \
            --change-name=1:"EFI system" \
            --new=2:$((1 + esp_mb))M:+"${data_mb}"M --typecode=2:0700 \
            --partition-guid=2:$DATA_GUID --change-name=2:Hyperspace "$image" >"$work/log" || {
            cat "$work/log" >&2
            exit 1
        }
        make_volume 1 $esp_mb 32 1 $ESP_SERIAL "EFI SYSTEM"
        make_volume $((1 + esp_mb)) "$data_mb" "$fatbits" 8 $DATA_SERIAL HYPERSPACE
        fill_esp 1
        fill_data $((1 + esp_mb))
        ;;
    mbr)
        truncate -s $((1 + data_mb))M "$image"
        type='\014' # 0x0C: FAT32 by block address, what most firmware takes
        [ "$fatbits" = 32 ] || type='\016'
        [ "$fatbits" != 12 ] || type='\001'
        # disk signature, one active entry at 1 MB with no cylinders worth the name, 55 AA
        {
            printf "$MBR_SIGNATURE"'\000\000'
            printf '\200\376\377\377'"$type"'\376\377\377\000\010\000\000'
            sectors=$((data_mb * mb))
            for shift in 0 8 16 24; do
                printf "\\$(printf %o $(((sectors >> shift) & 255)))"
            done
            head -c 48 /dev/zero
            printf '\125\252'
        } | dd of="$image" bs=1 seek=440 conv=notrunc status=none
        make_volume 1 "$data_mb" "$fatbits" 8 $DATA_SERIAL HYPERSPACE
        fill_esp 1
        fill_data 1
        ;;
    superfloppy)
        truncate -s "${data_mb}"M "$image"
        make_volume 0 "$data_mb" "$fatbits" $((4096 / sector)) $DATA_SERIAL HYPERSPACE
        fill_esp 0
        fill_data 0
        ;;
    *) echo "make_image: LAYOUT is gpt, mbr or superfloppy, not $layout" >&2; exit 2 ;;
esac

cp --sparse=always "$image" "$output.part"
mv "$output.part" "$output"
