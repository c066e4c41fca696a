#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second reader of PE files, written from the PE/COFF specification; and objdump as a third.

describe() gives the lines that image_tool prints, as lists of words; move() the image at another
base; objdump() what binutils says.  Neither knows anything of mm/section.
"""

import re
import struct
import subprocess

PAGE = 4096
EXPORT, IMPORT, SECURITY, RELOC = 0, 1, 4, 5
# readable, writable, executable: PAGE_* of private pages; shared ones that can be written differ
PROTECT = {(0, 0, 0): 1, (1, 0, 0): 2, (0, 1, 0): 8, (1, 1, 0): 8,
           (0, 0, 1): 0x10, (1, 0, 1): 0x20, (0, 1, 1): 0x80, (1, 1, 1): 0x80}
SHARED = {8: 4, 0x80: 0x40}


def up(value, unit):
    return (value + unit - 1) // unit * unit


def words(*values):
    return [value if isinstance(value, str) else "%X" % value for value in values]


class Image:
    """A file, and what its headers say."""

    def __init__(self, data):
        self.data = data
        self.nt, = struct.unpack_from("<I", data, 60)
        (self.machine, self.sections, self.time, _, _, optional,
         self.characteristics) = struct.unpack_from("<HHIIIHH", data, self.nt + 4)
        at = self.nt + 24
        self.entry, = struct.unpack_from("<I", data, at + 16)
        self.base, self.alignment, self.file_alignment = struct.unpack_from("<III", data, at + 28)
        self.major, self.minor = struct.unpack_from("<HH", data, at + 48)
        (self.size, self.headers, self.checksum, self.subsystem, self.dll,
         self.stack, self.stack_commit, self.heap, self.heap_commit, _,
         count) = struct.unpack_from("<IIIHHIIIIII", data, at + 56)
        self.directories = [struct.unpack_from("<II", data, at + 96 + 8 * index)
                            for index in range(min(count, 16))]
        self.table = [struct.unpack_from("<8sIIIIIIHHI", data, at + optional + 40 * index)
                      for index in range(self.sections)]
        self.bytes = up(self.size, PAGE)
        self.flat = self.alignment < PAGE
        self.memory = self.load()

    def parts(self):
        """(name, first page, pages, file offset, file bytes, protection, shared)."""
        if self.flat:
            yield "", 0, self.bytes // PAGE, 0, min(len(self.data), self.bytes), 0x80, 0
            return
        yield "", 0, up(self.headers, PAGE) // PAGE, 0, self.headers, 2, 0
        for name, size, rva, raw, place, _, _, _, _, flags in self.table:
            pages = up(size or raw, PAGE) // PAGE
            held = min(raw if place else 0, pages * PAGE)
            protect = PROTECT[flags >> 30 & 1, flags >> 31, flags >> 29 & 1]
            shared = flags >> 28 & flags >> 31
            yield (name.rstrip(b"\0").decode(), rva // PAGE, pages, place if held else 0, held,
                   SHARED.get(protect, protect) if shared else protect, shared)

    def load(self):
        memory = bytearray(self.bytes)
        for _, page, _, place, held, _, _ in self.parts():
            memory[page * PAGE:page * PAGE + held] = self.data[place:place + held]
        return memory

    def long(self, rva):
        return struct.unpack_from("<I", self.memory, rva)[0]

    def short(self, rva):
        return struct.unpack_from("<H", self.memory, rva)[0]

    def name(self, rva):
        return bytes(self.memory[rva:self.memory.index(0, rva)]).decode()

    def sum(self):
        """As the linker computes it: 16-bit words without the field, folded; and the length."""
        data = bytearray(self.data)
        data[self.nt + 88:self.nt + 92] = bytes(4)
        data += bytes(len(data) % 2)
        total = sum(struct.unpack("<%dH" % (len(data) // 2), data))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return total + len(self.data)

    def relocations(self):
        """[(rva, type)], without what fills blocks up."""
        found = []
        at, size = self.directories[RELOC]
        end = at + size
        while at < end:
            page, length = struct.unpack_from("<II", self.memory, at)
            for place in range(at + 8, at + length, 2):
                entry = self.short(place)
                if entry >> 12:
                    found.append((page + (entry & 0xFFF), entry >> 12))
            at += length
        return found

    def move(self, base):
        """The memory at another base; mingw knows one type."""
        moved = bytearray(self.memory)
        for rva, kind in self.relocations():
            if kind != 3:
                raise ValueError("relocation type %d" % kind)
            value = struct.unpack_from("<I", moved, rva)[0] + base - self.base
            struct.pack_into("<I", moved, rva, value & 0xFFFFFFFF)
        return bytes(moved)

    def exports(self):
        rva, size = self.directories[EXPORT]
        if not size:
            return
        (_, _, _, _, name, base, functions, names, addresses, table,
         indices) = struct.unpack_from("<IIHHIIIIIII", self.memory, rva)
        yield words("exports", self.name(name), base, functions, names)
        for index in range(functions):
            address = self.long(addresses + 4 * index)
            if rva <= address < rva + size:
                yield words("function", base + index, 0, self.name(address))
            elif address:
                yield words("function", base + index, address, "")
        for index in range(names):
            yield words("name", base + self.short(indices + 2 * index),
                        self.name(self.long(table + 4 * index)))

    def imports(self):
        rva, size = self.directories[IMPORT]
        while size:
            lookup, _, _, name, slot = struct.unpack_from("<IIIII", self.memory, rva)
            if not name:
                break
            lookup = lookup or slot
            while self.long(lookup):
                value = self.long(lookup)
                if value >> 31:
                    yield words("import", self.name(name), slot, "#%X" % (value & 0xFFFF), 0)
                else:
                    yield words("import", self.name(name), slot, self.name(value + 2),
                                self.short(value))
                lookup, slot = lookup + 4, slot + 4
            yield words("imported", self.name(name), 0x8000001A)
            rva += 20
        yield words("imports", 0x8000001A)

    def describe(self):
        flags = [section[9] for section in self.table]
        yield words("status", 0)
        yield words("base", self.base)
        yield words("bytes", self.bytes)
        yield words("headers", self.headers)
        yield words("section alignment", self.alignment)
        yield words("file alignment", self.file_alignment)
        yield words("entry", self.base + self.entry if self.entry else 0)
        yield words("stack", self.stack, self.stack_commit)
        yield words("heap", self.heap, self.heap_commit)
        yield words("subsystem", self.subsystem, self.major, self.minor)
        yield words("machine", self.machine)
        yield words("characteristics", self.characteristics)
        yield words("dll characteristics", self.dll)
        yield words("time", self.time)
        yield words("code", int(any(flag & 0x20000020 for flag in flags)))
        yield words("relocatable", int(not self.characteristics & 1))
        yield words("one part", int(self.flat))
        yield words("file", len(self.data))
        for index, (rva, size) in enumerate(self.directories):
            if rva and size:
                yield words("directory", index, rva, size)
        yield words("bad directories", 0)
        for name, page, pages, place, held, protect, shared in self.parts():
            yield words("part", name, page, pages, place, held, protect, shared,
                        int(place % PAGE == 0))
        yield words("checksum", self.checksum, self.sum())
        yield from self.exports()
        yield from self.imports()


FIELDS = {"ImageBase": "base", "SectionAlignment": "section alignment",
          "FileAlignment": "file alignment", "SizeOfHeaders": "headers"}


def objdump(path):
    """What binutils finds: numbers by our names, imported names, exported ones, relocations."""
    text = subprocess.run(["i686-w64-mingw32-objdump", "-p", path], stdout=subprocess.PIPE,
                          check=True).stdout.decode()
    field = dict(re.findall(r"^(\w+)[ \t]+([0-9a-f]{4,8})\b", text, re.M))
    number = {ours: int(field[theirs], 16) for theirs, ours in FIELDS.items()}
    number["bytes"] = up(int(field["SizeOfImage"], 16), PAGE)
    entry = int(field["AddressOfEntryPoint"], 16)
    number["entry"] = entry + number["base"] if entry else 0
    number["stack"] = int(field["SizeOfStackReserve"], 16)
    number["subsystem"] = int(field["Subsystem"], 16)
    number["checksum"] = int(field["CheckSum"], 16)
    names = re.search(r"\[Ordinal/Name Pointer\] Table\n(.*?)\n\n", text, re.S)
    exported = re.findall(r"\] (\S+)$", names.group(1), re.M) if names else []
    imported = re.findall(r"^\t[0-9a-f]+\t +\d+  (\S+)$", text, re.M)
    moved = {int(rva, 16) for rva in re.findall(r"\[ *([0-9a-f]+)\] HIGHLOW", text)}
    return number, exported, imported, moved
