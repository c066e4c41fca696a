#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images that mingw-w64 links, as mm/section, a second reader and objdump see them; TAP on stdout.

    image.py [--build build] [--only WORD]

    accepted  each number, part, export and import is the same; moved to another base page by page,
              every byte is what the second reader makes of the whole
    refused   what image sections may not be made of has its status
"""

import argparse
import os
import subprocess
import sys

import pe_reader

HERE = os.path.dirname(os.path.abspath(__file__))
GCC = "i686-w64-mingw32-gcc"
DDK = "/usr/i686-w64-mingw32/include/ddk"
DRIVER = ["driver.c", "-O2", "-I" + DDK, "-nostdlib", "-shared", "-Wl,--subsystem,native",
          "-Wl,--entry,_DriverEntry@8", "-lntoskrnl", "-lhal", "-lgcc"]
PROGRAM = ["program.c", "-O2"]
LIBRARY = ["library.c", "library.def", "-O2", "-shared"]
BASES = (0x10000, 0x00AB0000, 0xFFF00000)


def aligned(section, file):
    return ["-Wl,--section-alignment,%#x" % section, "-Wl,--file-alignment,%#x" % file]


# name: what gcc is told; the first word is the source
ACCEPTED = {
    "driver.sys": DRIVER,
    "driver_based.sys": DRIVER + ["-Wl,--image-base,0x10000", "-Wl,--exclude-all-symbols"],
    "driver_zeros.sys": DRIVER + ["-DZEROS=3000000"],
    "driver_page.sys": DRIVER + aligned(0x1000, 0x1000),
    "driver_wide.sys": DRIVER + aligned(0x10000, 0x400),
    "driver_small.sys": DRIVER + aligned(0x20, 0x20) + ["-DZEROS=0"],
    "driver_sector.sys": DRIVER + aligned(0x200, 0x200) + ["-DZEROS=0"],
    "program.exe": PROGRAM,
    "program_stripped.exe": PROGRAM + ["-s"],
    "program_fixed.exe": PROGRAM + ["-Wl,--disable-dynamicbase", "-Wl,--disable-reloc-section"],
    "program_large.exe": PROGRAM + ["-Wl,--large-address-aware",
                                    "-Xlinker", "--stack=0x300000,0x8000",
                                    "-Xlinker", "--heap=0x400000,0x3000"],
    "program_writable.exe": PROGRAM + ["-s", "-Wl,--omagic"],
    "program_version.exe": PROGRAM + ["-s", "-mwindows", "-Wl,--major-subsystem-version,5",
                                      "-Wl,--minor-subsystem-version,2"],
    "library.dll": LIBRARY,
    "library_based.dll": LIBRARY + ["-s", "-Wl,--image-base,0x7F000000"],
}


class Failure(Exception):
    pass


def require(condition, words):
    if not condition:
        raise Failure(words)


class Bench:
    def __init__(self, build):
        self.tool = os.path.join(build, "image_tool")
        self.folder = os.path.join(build, "images")
        self.build = build
        os.makedirs(self.folder, exist_ok=True)

    def link(self, name, arguments):
        path = os.path.join(self.folder, name)
        done = subprocess.run([GCC] + arguments + ["-o", path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd=os.path.join(HERE, "sources"),
                              check=False)
        require(done.returncode == 0, "%s: %s" % (GCC, done.stdout.decode()))
        return path

    def ask(self, *arguments):
        done = subprocess.run([self.tool, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        require(done.returncode == 0, "image_tool: %s" % done.stderr.decode())
        return [line.split("\t") for line in done.stdout.decode().split("\n")[:-1]]

    def status(self, data):
        path = os.path.join(self.folder, "refused")
        with open(path, "wb") as file:
            file.write(data)
        return int(self.ask(path)[0][1], 16)


def compare_lines(ours, theirs):
    for found, expected in zip(ours, theirs):
        require(found == expected, "we say %s, the second reader %s" % (found, expected))
    require(len(ours) == len(theirs), "%d lines, the second reader %d" % (len(ours), len(theirs)))


def compare_objdump(image, lines, path):
    """The second reader could be wrong as we are."""
    number, exported, imported, moved = pe_reader.objdump(path)
    ours = {line[0]: int(line[1], 16) for line in lines if line[0] in number}
    require(ours == number, "we say %s, objdump %s" % (ours, number))
    ours = [line[2] for line in lines if line[0] == "name"]
    require(ours == exported, "we export %s, objdump %s" % (ours, exported))
    ours = [line[3] for line in lines if line[0] == "import"]
    require(ours == imported, "we import %s, objdump %s" % (ours, imported))
    require(moved == {rva for rva, _ in image.relocations()}, "objdump has other relocations")


def test_accepted(bench, name, arguments):
    path = bench.link(name, arguments)
    with open(path, "rb") as file:
        image = pe_reader.Image(file.read())
    lines = bench.ask(path)
    compare_lines(lines, list(image.describe()))
    compare_objdump(image, lines, path)
    require(image.sum() == image.checksum, "the linker has another check sum")
    moved = os.path.join(bench.folder, "moved")
    for base in BASES if image.directories[pe_reader.RELOC][1] else ():
        require(bench.ask(path, "%X" % base, moved)[-1] == ["moved", "0"], "it cannot be moved")
        with open(moved, "rb") as file:
            require(file.read() == image.move(base), "moved to %X it differs" % base)
    borders = sum(rva % pe_reader.PAGE > pe_reader.PAGE - 4 for rva, _ in image.relocations())
    return "%d parts, %d relocations, %d over borders of pages" % (
        len(list(image.parts())), len(image.relocations()), borders)


def refused(bench):
    """(name, its bytes, status)."""
    with open(bench.link("program.exe", PROGRAM), "rb") as file:
        program = file.read()
    with open(bench.link("driver.sys", DRIVER + aligned(0x20, 0x20)), "rb") as file:
        yield "zeros between data that is to be mapped as it is", file.read(), 0xC000007B
    with open(os.path.join(bench.build, "BOOTX64.EFI"), "rb") as file:
        yield "a 64-bit image", file.read(), 0xC000035A
    with open(os.path.join(bench.build, "hyperspace.elf"), "rb") as file:
        yield "an ELF file", file.read(), 0xC000012F
    yield "an object file", program[pe_reader.Image(program).nt + 4:], 0xC000012F
    last = pe_reader.Image(program).table[-1]
    yield "a program cut off in its last section", program[:last[4] + 1], 0xC000007B
    yield "a program of which only the DOS part is there", program[:128], 0xC0000130
    yield "an empty file", b"", 0xC000012F


def test_refused(bench, data, expected):
    found = bench.status(data)
    require(found == expected, "status %08X, expected %08X" % (found, expected))


def plan(bench):
    for name, arguments in ACCEPTED.items():
        yield name, lambda name=name, arguments=arguments: test_accepted(bench, name, arguments)
    for name, data, expected in refused(bench):
        yield name, lambda data=data, expected=expected: test_refused(bench, data, expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    bench = Bench(os.path.abspath(options.build))
    number = failed = 0
    for name, job in plan(bench):
        if options.only not in name:
            continue
        number += 1
        try:
            result = job()
            print("ok %d - image: %s%s" % (number, name, ": " + result if result else ""))
        except (Failure, subprocess.SubprocessError) as problem:
            failed += 1
            print("not ok %d - image: %s" % (number, name))
            print("\n".join("#   " + line for line in str(problem).split("\n")))
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
