#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Set NX_COMPAT in the header of an EFI image, in place.

binutils of Debian 12 cannot set the bit, and some firmware refuses images without it.  The
image's checksum is brought up to date; a second run changes nothing.
"""

import struct
import sys

DLL_CHARACTERISTICS = 24 + 70  # both from the PE signature; the same in PE32 and PE32+
CHECKSUM = 24 + 64
NX_COMPAT = 0x0100


def checksum(image, field):
    """The PE checksum: a folded sum of 16-bit words, without the field itself, plus the length."""
    padded = bytes(image) + b"\0" * (len(image) % 2)
    total = sum(struct.unpack("<%dH" % (len(padded) // 2), padded))
    total -= sum(struct.unpack_from("<2H", image, field))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(image)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: nx_compat.py IMAGE.EFI")
    with open(sys.argv[1], "r+b") as file:
        image = bytearray(file.read())
        (header,) = struct.unpack_from("<I", image, 0x3C)
        if image[:2] != b"MZ" or image[header:header + 4] != b"PE\0\0":
            sys.exit("nx_compat: %s is no PE image" % sys.argv[1])
        (flags,) = struct.unpack_from("<H", image, header + DLL_CHARACTERISTICS)
        struct.pack_into("<H", image, header + DLL_CHARACTERISTICS, flags | NX_COMPAT)
        struct.pack_into("<I", image, header + CHECKSUM, checksum(image, header + CHECKSUM))
        file.seek(0)
        file.write(image)


if __name__ == "__main__":
    main()
