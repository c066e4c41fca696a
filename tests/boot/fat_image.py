# SPDX-License-Identifier: MIT
"""A FAT volume in a disk image, read on the host: chains, directories, and who owns which sector.

Only as much as write confinement (R14) needs: which sectors a run may have changed, and which not.
It trusts the volume: what is wrong with one is fsck.fat's to say.
"""

import os
import struct
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

SECTOR = 512
LABEL, FOLDER = 0x08, 0x10


class Entry(NamedTuple):
    name: str  # the short one
    attributes: int
    cluster: int
    bytes: int


class Volume:
    """The volume that begins at byte offset of an image."""

    def __init__(self, path: str, offset: int):
        self.file = open(path, "rb")
        self.offset = offset
        boot = self.read(0, 1)
        (self.reserved, fats, roots, small, _, table, _, _, _, large, table32) = struct.unpack_from(
            "<HBHHBHHHIII", boot, 14)
        if struct.unpack_from("<H", boot, 11)[0] != SECTOR or boot[510:512] != b"\x55\xaa":
            raise ValueError("%s: no FAT volume with sectors of 512 bytes" % path)
        self.each = boot[13]
        self.tables = fats
        self.table_sectors = table or table32
        self.sectors = small or large
        self.root_sectors = (roots * 32 + SECTOR - 1) // SECTOR
        self.root_start = self.reserved + fats * self.table_sectors
        self.data = self.root_start + self.root_sectors
        self.clusters = (self.sectors - self.data) // self.each
        self.kind = 12 if self.clusters < 4085 else 16 if self.clusters < 65525 else 32
        self.root = struct.unpack_from("<I", boot, 44)[0] if self.kind == 32 else 0
        self.info = struct.unpack_from("<H", boot, 48)[0] if self.kind == 32 else 0
        self.fat = self.decode(self.read(self.reserved, self.table_sectors))

    def close(self) -> None:
        self.file.close()

    def read(self, sector: int, count: int) -> bytes:
        self.file.seek(self.offset + sector * SECTOR)
        return self.file.read(count * SECTOR)

    def decode(self, table: bytes) -> List[int]:
        """All entries, marks for ends and bad clusters as they are."""
        count = self.clusters + 2
        if self.kind == 32:
            return [value & 0x0FFFFFFF for value in struct.unpack_from("<%dI" % count, table)]
        if self.kind == 16:
            return list(struct.unpack_from("<%dH" % count, table))
        pairs = (struct.unpack_from("<H", table, n + n // 2)[0] for n in range(count))
        return [pair >> 4 if n & 1 else pair & 0xFFF for n, pair in enumerate(pairs)]

    def clean(self) -> bool:
        """The bit that says so in the FAT's second entry."""
        return self.kind == 12 or bool(self.fat[1] & (0x08000000 if self.kind == 32 else 0x8000))

    def chain(self, cluster: int) -> List[int]:
        found: List[int] = []
        while 2 <= cluster < self.clusters + 2 and len(found) <= self.clusters:
            found.append(cluster)
            cluster = self.fat[cluster]
        return found

    def cluster_sectors(self, cluster: int) -> range:
        first = self.data + (cluster - 2) * self.each
        return range(first, first + self.each)

    def entries(self, cluster: int) -> Iterator[Entry]:
        """The short entries of a directory; cluster 0: the root."""
        chain = self.chain(cluster or self.root)
        data = b"".join(self.read(self.cluster_sectors(c)[0], self.each) for c in chain)
        if not cluster and self.kind != 32:
            data = self.read(self.root_start, self.root_sectors)
        for at in range(0, len(data), 32):
            if data[at] == 0:
                return
            attributes = data[at + 11]
            if data[at] == 0xE5 or attributes & LABEL or data[at:at + 1] == b".":
                continue
            high, low, size = struct.unpack_from("<H4xHI", data, at + 20)
            name = data[at:at + 8].decode("latin-1").rstrip()
            extension = data[at + 8:at + 11].decode("latin-1").rstrip()
            yield Entry(name + ("." + extension if extension else ""), attributes,
                        high << 16 | low, size)

    def root_entries(self) -> Dict[str, Entry]:
        return {entry.name: entry for entry in self.entries(0)}

    def used(self) -> Set[int]:
        return {number for number, value in enumerate(self.fat) if number >= 2 and value}


def data_ranges(path: str) -> List[range]:
    """Where a sparse file has data, in steps of a MB."""
    step = 1 << 20
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        starts, at = [], 0
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA) // step * step
            except OSError:  # none is left
                break
            starts.append(range(at, min(at + step, size)))
            at += step
    return starts


def extract(path: str, offset: int, length: int, copy: str) -> None:
    """Copy a part of a sparse file into a file of its own."""
    with open(path, "rb") as source, open(copy, "wb") as target:
        target.truncate(length)
        for piece in data_ranges(path):
            start, end = max(piece.start, offset), min(piece.stop, offset + length)
            if start < end:
                source.seek(start)
                target.seek(start - offset)
                target.write(source.read(end - start))


def differing_sectors(one: str, two: str) -> Set[int]:
    """The sectors of 512 bytes in which two files of the same length differ."""
    if os.path.getsize(one) != os.path.getsize(two):
        raise ValueError("%s and %s are not of the same length" % (one, two))
    found: Set[int] = set()
    with open(one, "rb") as a, open(two, "rb") as b:
        for piece in set(data_ranges(one) + data_ranges(two)):
            a.seek(piece.start)
            b.seek(piece.start)
            left, right = a.read(len(piece)), b.read(len(piece))
            if left != right:
                found.update((piece.start + n) // SECTOR for n in range(0, len(left), SECTOR)
                             if left[n:n + SECTOR] != right[n:n + SECTOR])
    return found


def logged_sectors(log: str) -> Set[int]:
    """The sectors that blklogwrites saw written, whatever was written to them.

    The format is dm-log-writes': a super block (magic, version, entries, sector bytes), then for
    each write its sector, count, flags and bytes of data, each in whole sectors.
    """
    found: Set[int] = set()
    discard = 4
    if not os.path.getsize(log):  # the super block is written with the first write
        return found
    with open(log, "rb") as file:
        magic, _, count, size = struct.unpack("<QQQI", file.read(28))
        if magic != 0x6A736677736872:
            raise ValueError("%s is no write log" % log)
        at = size
        for _ in range(count):
            file.seek(at)
            sector, sectors, flags, _ = struct.unpack("<QQQQ", file.read(32))
            found.update(range(sector * size // SECTOR, (sector + sectors) * size // SECTOR))
            at += size + (0 if flags & discard else sectors * size)
    return found


def own_clusters(before: Volume, own: Set[str]) -> Set[int]:
    """The clusters of the root directory and of what it has under the names in own."""
    mine = set(before.chain(before.root)) if before.kind == 32 else set()
    for name, entry in before.root_entries().items():
        if name in own:
            mine.update(before.chain(entry.cluster))
    return mine


OWN = {"STORAGE", "PAGEFILE.SYS"}  # in the root directory: what the guest may write to


def stray_writes(before: Volume, own: Set[str], written: Set[int]) -> List[str]:
    """What a run wrote and must not have: a sentence each, none when all is well.

    written are sectors of the whole disk.  These are ours to write: the FATs and FSInfo, the root
    directory, clusters that were free, clusters of the files in own.
    """
    mine = own_clusters(before, own)

    def allowed(sector: int) -> bool:
        if before.reserved <= sector < before.data or (before.info and sector == before.info):
            return True
        if not before.data <= sector < before.data + before.clusters * before.each:
            return False
        cluster = (sector - before.data) // before.each + 2
        return before.fat[cluster] == 0 or cluster in mine

    first = before.offset // SECTOR
    return ["sector %d of the disk, %d of the volume" % (sector, sector - first)
            for sector in sorted(written) if not allowed(sector - first)]


def changed_chains(before: Volume, after: Volume, own: Set[str]) -> List[str]:
    """Clusters of files that are not ours whose FAT entry is not what it was."""
    return ["cluster %d: %x was %x" % (number, after.fat[number], before.fat[number])
            for number in sorted(before.used() - own_clusters(before, own))
            if after.fat[number] != before.fat[number]]


def confinement(original: str, disk: str, log: str, offset: int) -> Tuple[int, List[str]]:
    """A disk before and after a run that blklogwrites recorded: how many sectors were written, and
    what is wrong: writes that were not ours to make, chains of others, changes without a write."""
    before, after = Volume(original, offset), Volume(disk, offset)
    written, differ = logged_sectors(log), differing_sectors(original, disk)
    problems = stray_writes(before, OWN, written | differ) + changed_chains(before, after, OWN)
    problems += ["sector %d changed without a write" % sector
                 for sector in sorted(differ - written)]
    before.close()
    after.close()
    return len(written), problems
