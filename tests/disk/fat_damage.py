# SPDX-License-Identifier: MIT
"""Damaged volumes beside fsck.fat and FatFs: the differential half of figure R6.

Where fsck.fat finds nothing wrong and FatFs mounts the volume and reads all of it, so must we, and
the same. Whatever they say, we end with a status.
"""

import random
import struct

from fat_bench import FatFs, Failure, Tool, difference, fsck, make, require
from fat_faults import FOLDERS, Medium, random_name


def fill(bench, volume, chance):
    make(bench.image, volume)
    tool = Tool(bench.tool, bench.image, volume[1])
    for folder in FOLDERS[1:]:
        require(tool.ask("mkdir", folder)[0] == 0, "mkdir")
    for _ in range(16):
        require(tool.ask("put", random_name(chance), chance.randrange(6000), 3)[0] == 0, "put")
    tool.end()


class Layout:
    """Where the parts of a volume are, in bytes."""

    def __init__(self, path):
        with open(path, "rb") as file:
            boot = file.read(512)
        self.sector, cluster, reserved, self.fats, root = struct.unpack_from("<HBHBH", boot, 11)
        fat = struct.unpack_from("<H", boot, 22)[0] or struct.unpack_from("<I", boot, 36)[0]
        self.table = reserved * self.sector
        self.table_bytes = fat * self.sector
        self.root = self.table + self.fats * self.table_bytes
        self.data = self.root + root * 32
        self.cluster = cluster * self.sector
        self.entry_bits = 0


def damage_entry(chance, entry):
    """One field of a directory entry that somebody might have written otherwise."""
    kind = chance.randrange(8)
    if entry[11] == 0x0F and kind in (3, 4, 7):  # of a long name: another letter
        entry[chance.choice([1, 3, 5, 14, 16])] = chance.randrange(0x61, 0x7B)
    elif kind == 0:
        entry[chance.randrange(11)] = chance.choice(b"AZ09 ~_a.")  # no code page is assumed
    elif kind == 1:
        entry[11] = chance.choice([0, 1, 2, 4, 8, 0x10, 0x20, 0x0F, 0x3F, 0x21])
    elif kind == 2:
        entry[12] = chance.choice([0, 8, 0x10, 0x18, 0xFF])
    elif kind == 3:
        entry[26] = (entry[26] + chance.choice([1, 255, 2])) & 255
    elif kind == 4:
        entry[28:32] = struct.pack("<I", chance.choice(
            [0, 1, 511, 512, 513, 4096, 0xFFFFFFFF, chance.randrange(10000)]))
    elif kind == 5:
        entry[0] = chance.choice([0, 0xE5, 0x41, 0x42, 0x01])
    elif kind == 6:
        entry[13] = chance.randrange(256)
    else:
        at = chance.randrange(14, 26)
        entry[at] = chance.randrange(256)


def damage(chance, medium, layout):
    """Change something.  Returns the sectors that were changed."""
    kind = chance.randrange(6)
    if kind == 0:  # not the last two, without which we mount nothing and FatFs does
        at = chance.choice([chance.randrange(3), chance.randrange(11, 64), chance.randrange(510)])
        value = chance.choice([0, 1, 2, 255, chance.randrange(256)])
        copies = [(at, bytes([value]))]
    elif kind in (1, 2):  # the FAT, all copies alike
        at = chance.randrange(min(200, layout.table_bytes))
        value = bytes([chance.choice([0, 1, 2, 3, 5, 0xFF, 0xF8, 0xF7, chance.randrange(256)])])
        copies = [(layout.table + fat * layout.table_bytes + at, value)
                  for fat in range(layout.fats)]
    else:
        place = layout.root if kind == 3 and layout.data > layout.root else \
            layout.data + chance.randrange(6) * layout.cluster
        at = place + chance.randrange(16) * 32
        entry = bytearray(medium.map[at:at + 32])
        damage_entry(chance, entry)
        copies = [(at, bytes(entry))]
    for at, data in copies:
        sector = at // layout.sector
        if sector not in medium.state:
            medium.state[sector] = medium.read(sector)
        medium.map[at:at + len(data)] = data
    return copies


def compare(tool, fatfs, image):
    """Whether the others take the volume for good; then we must agree."""
    status, _ = fsck(image)
    theirs = None
    if status == 0:
        try:
            theirs = fatfs.tree("tree", image)
        except Failure:
            theirs = None  # FatFs does not mount it, or cannot read it
    mounted, _ = tool.ask("mount")
    ours = None
    if mounted == 0:
        try:
            ours = tool.tree()
        except Failure as problem:
            require(theirs is None and tool.process.poll() is None, str(problem))
        tool.ask("leave")
    if theirs is not None:
        require(mounted == 0, "no mount: %08x" % mounted)
        require(ours == theirs, difference(ours, theirs))
    return theirs is not None


def differential(bench, volume, seed, wanted):
    chance = random.Random(seed)
    fill(bench, volume, chance)
    layout = Layout(bench.image)
    medium = Medium(bench.image, volume[1], set())
    tool = Tool(bench.tool, bench.image, volume[1])
    tool.ask("leave")
    fatfs = FatFs(bench.fatfs)
    good = 0
    for number in range(wanted):
        changes = [damage(chance, medium, layout) for _ in range(chance.choice([1, 1, 2, 4]))]
        try:
            good += compare(tool, fatfs, bench.image)
        except Failure as problem:
            raise Failure("damage %d, %s: %s" % (number, changes, problem)) from problem
        medium.restore()
    tool.end()
    fatfs.end()
    medium.close()
    return wanted, "%d damaged volumes, %d of them good to fsck.fat and FatFs" % (wanted, good)
