# SPDX-License-Identifier: MIT
"""What the guest's storage run leaves on its volume: mm/inspect/storage_plan.c, said again.

Two numbers, the seed and the budget of bytes, decide names, sizes, contents and changes, so that
the host can tell what each byte has to be without asking the guest.
"""

import struct
from typing import Dict, NamedTuple, Optional

MASK = 0xFFFFFFFF
PATTERN = 65536
SECTOR = 512
MOST_FILES = 2000
SALT_PATTERN, SALT_BITS, SALT_SIZE, SALT_NAME = range(4)
SIZES = [0, 1, 511, 512, 513, 4095, 4096, 4097, 32767, 65535, 65536, 65537, 131073, 1048576,
         1048577, 3000001, 16777216, 0]
FOLDERS = ["storage", "storage/Folder with a long name", "storage/Gr\u00f6\u00df" "e \u20ac",
           "storage/deep", "storage/deep/er"]
PLACES = [0, 1, 2, 4]
CHANGES = ["keep", "rename", "cut", "append", "stretch", "replace", "delete", "keep"]
APPENDED, STRETCHED, REPLACED = 10007, 5001, 20000


class File(NamedTuple):
    number: int
    bytes: int
    change: str
    at: int  # where the change begins
    changed: int  # bytes that it adds or replaces
    final: int


class Plan:
    def __init__(self, seed: int, budget: int):
        self.seed, self.budget = seed & MASK, budget
        words = [self.random(SALT_PATTERN, i) for i in range(PATTERN // 4)]
        self.pattern = struct.pack("<%dI" % len(words), *words)
        self.sizes, total = [], 0
        while len(self.sizes) < len(SIZES) or (total < budget and len(self.sizes) < MOST_FILES):
            self.sizes.append(self.size(len(self.sizes)))
            total += self.sizes[-1]
        self.total = total

    def random(self, salt: int, number: int) -> int:
        x = (self.seed + salt * 0x9E3779B9 + number * 0x85EBCA6B) & MASK
        x = ((x ^ x >> 16) * 0x7FEB352D) & MASK
        x = ((x ^ x >> 15) * 0x846CA68B) & MASK
        return x ^ x >> 16

    def size(self, number: int) -> int:
        most = self.budget // 4
        if number < len(SIZES):
            size = SIZES[number]
        else:
            bits = 8 + self.random(SALT_BITS, number) % 14
            size = self.random(SALT_SIZE, number) & ((1 << bits) - 1)
        return size if size <= most else most - 1

    def file(self, number: int) -> File:
        size = self.sizes[number]
        change = CHANGES[number % len(CHANGES)]
        at, changed, final = size, 0, size
        if change == "cut":
            at = final = 0 if number % 16 == 10 else size // 7 * 5
        elif change == "append":
            changed, final = APPENDED, size + APPENDED
        elif change == "stretch":
            changed, final = STRETCHED, size + STRETCHED
        elif change == "replace":
            at = size // 3
            changed = min(size - at, REPLACED)
        return File(number, size, change, at, changed, final)

    def path(self, number: int, renamed: bool) -> str:
        folder = FOLDERS[PLACES[(number + renamed) % len(PLACES)]]
        if renamed:
            return "%s/renamed %d.new" % (folder, number)
        if number % 3 == 0:
            return "%s/F%05d.DAT" % (folder, number)
        if number % 3 == 1:
            return "%s/File %d of the storage run.data" % (folder, number)
        length = self.random(SALT_NAME, number) % 200
        letters = "".join(chr(97 + (number + n) % 26) for n in range(length, 0, -1))
        return "%s/%d%s" % (folder, number, letters)

    def written(self, number: int, version: int, offset: int, count: int) -> bytes:
        """Bytes as one version of a file has them."""
        first = offset - offset % SECTOR
        turn = (first + number * 4099 + version * 257) % PATTERN
        length = offset + count - first
        turned = self.pattern[turn:] + self.pattern[:turn]
        data = bytearray((turned * (length // PATTERN + 1))[:length] + bytes(8))
        for at in range(0, length, SECTOR):
            struct.pack_into("<II", data, at, number | version << 24, (first + at) // SECTOR)
        return bytes(data[offset - first:length])

    def contents(self, file: File) -> bytes:
        """The whole file after its change."""
        if file.change == "cut":
            return self.written(file.number, 0, 0, file.final)
        data = self.written(file.number, 0, 0, file.bytes)
        if file.change == "stretch":
            return data + bytes(file.changed)
        if file.changed:
            new = self.written(file.number, 1, file.at, file.changed)
            return data[:file.at] + new + data[file.at + file.changed:]
        return data

    def tree(self) -> Dict[str, Optional[File]]:
        """Path: file for all that is there in the end; None for a folder."""
        found: Dict[str, Optional[File]] = {folder: None for folder in FOLDERS}
        for number in range(len(self.sizes)):
            file = self.file(number)
            if file.change != "delete":
                found[self.path(number, file.change == "rename")] = file
        return found
