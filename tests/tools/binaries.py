#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at what was built: nothing is writable and executable, EFI images say NX_COMPAT.

    binaries.py BUILD       TAP on stdout
"""

import os
import struct
import sys

EXECUTE, READ, WRITE = 0x20000000, 0x40000000, 0x80000000  # PE section flags
NX_COMPAT = 0x0100
SUBSYSTEM_EFI_APPLICATION = 10
MACHINES = {"BOOTX64.EFI": 0x8664, "BOOTIA32.EFI": 0x014C}
PT_LOAD, PT_GNU_STACK = 1, 0x6474E551
PF_X, PF_W = 1, 2


def efi_problems(image, machine):
    (header,) = struct.unpack_from("<I", image, 0x3C)
    if image[:2] != b"MZ" or image[header:header + 4] != b"PE\0\0":
        yield "is no PE image"
        return
    found, sections, stamp = struct.unpack_from("<HHI", image, header + 4)
    (optional_bytes,) = struct.unpack_from("<H", image, header + 20)
    subsystem, flags = struct.unpack_from("<HH", image, header + 24 + 68)
    if found != machine:
        yield "is for machine %#x" % found
    if stamp != 0:
        yield "carries a time stamp"
    if subsystem != SUBSYSTEM_EFI_APPLICATION:
        yield "is of subsystem %d" % subsystem
    if not flags & NX_COMPAT:
        yield "does not say NX_COMPAT"
    for number in range(sections):
        entry = header + 24 + optional_bytes + 40 * number
        name = image[entry:entry + 8].rstrip(b"\0").decode()
        (rights,) = struct.unpack_from("<I", image, entry + 36)
        if rights & EXECUTE and rights & WRITE:
            yield "section %s is writable and executable" % name


def elf_problems(image):
    if image[:7] != b"\x7fELF\x01\x01\x01":
        yield "is no 32-bit ELF file"
        return
    (offset,) = struct.unpack_from("<I", image, 28)
    size, count = struct.unpack_from("<HH", image, 42)
    loads = []
    for number in range(count):
        kind, _, address, _, _, _, flags, _ = struct.unpack_from("<8I", image,
                                                                 offset + number * size)
        if kind == PT_LOAD:
            loads.append(flags)
            if flags & PF_X and flags & PF_W:
                yield "the segment at %#x is writable and executable" % address
        if kind == PT_GNU_STACK and flags & PF_X:
            yield "asks for an executable stack"
    if not any(flags & PF_X for flags in loads):
        yield "has no code"


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    failed = 0
    for number, name in enumerate(["BOOTX64.EFI", "BOOTIA32.EFI", "hyperspace.elf"], 1):
        path = os.path.join(build, name)
        problems = ["is missing"]
        if os.path.exists(path):
            with open(path, "rb") as file:
                image = file.read()
            problems = list(efi_problems(image, MACHINES[name]) if name in MACHINES
                            else elf_problems(image))
        failed += bool(problems)
        print("%s %d - binaries: %s keeps code and data apart"
              % ("not ok" if problems else "ok", number, name))
        print("".join("#   %s\n" % problem for problem in problems), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
