#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""disk/fat beside mkfs.fat, mtools, fsck.fat and FatFs; TAP on stdout.

    fat.py [quick|long] [--build build] [--only WORD]

    read      volumes that mkfs.fat made and mtools filled: we list and read what they hold
    fatfs     the same with those that FatFs filled
    random    operations against a model; fsck.fat finds nothing, mtools and FatFs read the same
    limits    a full volume, the largest file
    power     cut images: figure R5, see fat_faults.py
    errors    failing requests: figure R4
    damage    damaged volumes that fsck.fat and FatFs take for good are so for us: figure R6
    semantics volumes that test_prop_file_semantics.c left: mtools reads what its model has,
              times of the last write and attributes too
    format    volumes that we made: fsck.fat finds nothing, mtools writes files that we read
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

import fat_damage
import fat_faults
from fat_bench import (FatFs, Failure, Tool, difference, fsck, make, mtools_entry, mtools_tree,
                       require, run)

# kind, sector bytes, sectors a cluster, sectors
VOLUMES = [
    (12, 512, 1, 2880), (12, 512, 4, 8000), (12, 4096, 1, 2000), (12, 512, 64, 100000),
    (16, 512, 1, 10000), (16, 512, 4, 40000), (16, 4096, 2, 20000), (16, 512, 64, 400000),
    (32, 512, 1, 80000), (32, 512, 8, 600000), (32, 4096, 1, 70000), (32, 512, 64, 4500000),
]
SMALL = [(12, 512, 1, 2880), (16, 512, 1, 10000), (16, 4096, 1, 5000), (32, 512, 1, 80000)]
NAMES = ["SHORT.TXT", "lower.txt", "Mixed Case name.data", "no_extension", "a" * 200 + ".long",
         "\u00e4\u20ac umlaut.txt", ".hidden", "two.dots.txt", "exactly13char",
         "twenty-six letters in name"]


class Bench:
    def __init__(self, build, folder):
        self.tool = os.path.join(build, "fat_tool")
        self.fatfs = os.path.join(build, "fatfs")
        self.unit = os.path.join(build, "unit")
        self.folder = folder
        self.image = os.path.join(folder, "image")

    def tree(self, volume):
        tool = Tool(self.tool, self.image, volume[1])
        found = tool.tree()
        tool.ask("leave")
        tool.end()
        return found


def compare(bench, volume):
    """All of us read the same."""
    ours, theirs = bench.tree(volume), mtools_tree(bench.image, bench.folder)
    require(ours == theirs, "mtools reads something else\n" + difference(ours, theirs))
    fatfs = FatFs(bench.fatfs)
    theirs = fatfs.tree("tree", bench.image)
    fatfs.end()
    require(ours == theirs, "FatFs reads something else\n" + difference(ours, theirs))
    return ours


def require_clean(bench):
    status, words = fsck(bench.image)
    require(status == 0, "fsck.fat:\n" + "\n".join(words))


def test_read(bench, volume):
    make(bench.image, volume)
    source = os.path.join(bench.folder, "source")
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(os.path.join(source, "Folder one", "inner"))
    for number, name in enumerate(NAMES):
        for folder in ("", "Folder one", "Folder one/inner"):
            with open(os.path.join(source, folder, name), "wb") as file:
                file.write(bytes((number * 7 + index) % 251 for index in range(number * 3001)))
    for name in sorted(os.listdir(source)):
        done = run(["mcopy", "-s", "-i", bench.image, os.path.join(source, name), "::"])
        require(done.returncode == 0, "mcopy: " + done.stdout.decode())
    before = open(bench.image, "rb").read() if volume[3] < 100000 else None
    ours = compare(bench, volume)
    require(len(ours) == 3 * len(NAMES) + 2, "%d names" % len(ours))
    require(before is None or before == open(bench.image, "rb").read(), "reading has written")


def test_fatfs(bench, volume, seed, rounds):
    names = 0
    for number in range(rounds):
        make(bench.image, volume)
        fatfs = FatFs(bench.fatfs)
        status, lines = fatfs.ask("fill", bench.image, seed + number)
        require(status == 0, "FatFs cannot write: %d %s" % (status, lines))
        fatfs.end()
        names += len(compare(bench, volume))
    return "%d names" % names


def test_random(bench, volume, operations, seed):
    make(bench.image, volume)
    tool = Tool(bench.tool, bench.image, volume[1])
    status, lines = tool.ask("random", seed, operations)
    require(status == 0 and "operations\t%d" % operations in lines, "\n".join(lines[-10:]))
    require("flush 00000000" in tool.end(), "no flush")
    require_clean(bench)
    compare(bench, volume)
    return "%d operations" % operations


def test_limits(bench, volume):
    """Files fill the volume to the last cluster; the largest file has 4 GB - 1."""
    make(bench.image, volume)
    tool = Tool(bench.tool, bench.image, volume[1])
    full, largest = 0xC000007F, 0xFFFFFFFF
    if volume[3] * volume[1] > 1 << 32:
        require(tool.ask("create", "/large")[0] == 0 and
                tool.ask("reserve", "/large", largest - 9)[0] == 0 and
                tool.ask("append", "/large", 10, 1)[0] == full and
                tool.ask("append", "/large", 9, 1)[0] == 0, "the largest file")
        require(tool.ask("append", "/large", 1, 1)[0] == full, "more than the largest file")
        # fsck.fat 4.2 takes its chain of 4 GB for one of 0 bytes
        require(tool.ask("size", "/large", largest - 65535)[0] == 0, "a cut")
    number = 0
    while True:
        status, _ = tool.ask("put", "/file %d" % number, 300000, number)
        number += 1
        if status != 0:
            require(status == full, "full: %08x" % status)
            break
    while tool.ask("append", "/file %d" % (number - 1), volume[1], 7)[0] == 0:
        pass
    figures = tool.ask("figures")[1][0].split("\t")
    require(figures[5] == "0", "%s clusters are free" % figures[5])
    require(tool.ask("mkdir", "/one more")[0] == full and
            tool.ask("rm", "/file 0")[0] == 0 and tool.ask("mkdir", "/one more")[0] == 0,
            "after a deletion")
    require("flush 00000000" in tool.end(), "no flush")
    require_clean(bench)
    return "%d files" % number


def plain_tree(folder):
    """The same as mtools_tree, of a folder of the host."""
    found = {}
    for at, folders, files in os.walk(folder):
        for name in folders:
            found[at[len(folder):] + "/" + name] = None
        for name in files:
            with open(os.path.join(at, name), "rb") as file:
                data = file.read()
            found[at[len(folder):] + "/" + name] = (len(data), zlib.crc32(data))
    return found


def plain_entries(file):
    """What the model says of each name: seconds since 1970 of the last write, and attributes."""
    found = {}
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            seconds, attributes, name = line.rstrip("\n").split(" ", 2)
            found[name] = (int(seconds), int(attributes, 16))
    return found


def test_semantics(bench, _volume, seed):
    """The model's files, which it wrote itself, beside the volume that our services wrote."""
    volumes = os.path.join(bench.folder, "volumes")
    os.mkdir(volumes)
    done = run([bench.unit, "Prop_file_semantics"],
               more_environment={"HYPERSPACE_VOLUMES": volumes, "HYPERSPACE_SEED": str(seed)})
    require(done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:])
    files = 0
    for number in sorted(os.listdir(volumes)):
        at = os.path.join(volumes, number)
        image = os.path.join(at, "volume")
        status, words = fsck(image)
        require(status == 0, "volume %s: fsck.fat:\n%s" % (number, "\n".join(words)))
        model, theirs = plain_tree(os.path.join(at, "files")), mtools_tree(image, bench.folder)
        require(model == theirs, "volume %s, model and mtools differ\n%s" % (
            number, difference(model, theirs)))
        entries = plain_entries(os.path.join(at, "entries"))
        theirs = {name: mtools_entry(image, bench.folder, name) for name in entries}
        require(entries == theirs, "volume %s, times or attributes, model and mtools differ\n%s" % (
            number, difference(entries, theirs)))
        files += sum(1 for data in model.values() if data is not None)
    require(files > 0, "no file was left")
    shutil.rmtree(volumes)
    return "%d files" % files


# what FatFormat decides by itself: kind and bytes a cluster, for sector bytes and sectors
FORMATS = [(16, 512, 512, 4400), (16, 512, 1024, 16384), (16, 512, 4096, 65536),
           (16, 4096, 4096, 16384), (32, 512, 4096, 540672), (32, 4096, 4096, 70000)]


def test_format(bench, expected):
    kind, sector, cluster, sectors = expected
    volume = (kind, sector, cluster // sector, sectors)
    with open(bench.image, "wb") as file:
        file.write(b"\xe5" * (sector * 2000))
        file.truncate(sectors * sector)
    done = run([bench.tool, bench.image, str(sector), "format"], input=b"figures\n")
    words = done.stdout.decode().split()
    require("00000000" == words[1] and "blocks 0" in done.stdout.decode(), done.stdout.decode())
    figures = words[words.index("figures") + 1:]
    require([int(word) for word in figures[:3]] == [kind, sector, cluster], " ".join(words))
    for _ in range(2):
        status, words = fsck(bench.image)
        require(status == 0 and len([word for word in words if word]) == 2,
                "fsck.fat:\n" + "\n".join(words))
        done = run(["mcopy", "-i", bench.image, "-o", __file__, "::/A copied file.py"])
        require(done.returncode == 0, "mcopy: " + done.stdout.decode())
    label = run(["mlabel", "-s", "-i", bench.image, "::"]).stdout.decode()
    require("FORMATTED" in label, label)
    require(len(compare(bench, volume)) == 1, "one file was written")


def plan(is_long, seed):
    """[(name, volume, figure or None, function(bench, volume))...]"""
    jobs = [("read", volume, None, test_read) for volume in VOLUMES]
    jobs += [("fatfs", volume, None, lambda b, v: test_fatfs(b, v, seed, 10 if is_long else 1))
             for volume in VOLUMES]
    operations = (1000000 if is_long else 100000) // len(VOLUMES) + 1
    jobs += [("random", volume, None, lambda b, v: test_random(b, v, operations, seed))
             for volume in VOLUMES]
    jobs += [("limits", volume, None, test_limits)
             for volume in ((12, 512, 1, 2880), (16, 4096, 1, 5000), (32, 512, 64, 8800000))]
    cuts, faults = (2500, 500) if is_long else (250, 50)
    jobs += [("power", volume, "R5", lambda b, v: fat_faults.power_cuts(b, v, seed, cuts))
             for volume in SMALL]
    jobs += [("errors", volume, "R4", lambda b, v: fat_faults.failing_requests(b, v, seed, faults))
             for volume in SMALL]
    damages = 5000 if is_long else 500
    jobs += [("damage", volume, "R6", lambda b, v: fat_damage.differential(b, v, seed, damages))
             for volume in SMALL]
    jobs.append(("semantics", (16, 512, 2), None, lambda b, v: test_semantics(b, v, seed)))
    return jobs + [("format", volume, None, test_format) for volume in FORMATS]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("extent", nargs="?", default="quick", choices=["quick", "long"])
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    seed = int(os.environ.get("HYPERSPACE_SEED", "1"), 0) & 0x7FFFFFFF
    number = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(os.path.abspath(options.build), folder)
        for name, volume, figure, job in plan(options.extent == "long", seed):
            if options.only not in name:
                continue
            number += 1
            started = time.monotonic()
            title = "fat: %s, FAT%d, sectors of %d, %d a cluster" % ((name,) + volume[:3])
            try:
                result = job(bench, volume)
                if figure:
                    trials, result = result
                    print("# figure %s %d 0" % (figure, trials))
                print("ok %d - %s%s # %.1f s" % (number, title, ": " + result if result else "",
                                                 time.monotonic() - started))
            except (Failure, subprocess.TimeoutExpired) as problem:
                failed += 1
                if figure:
                    print("# figure %s 1 1" % figure)
                print("not ok %d - %s (seed %d)" % (number, title, seed))
                print("\n".join("#   " + line for line in str(problem).split("\n")))
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
