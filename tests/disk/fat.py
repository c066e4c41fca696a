#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""disk/fat beside mkfs.fat, mtools and fsck.fat; TAP on stdout.

    fat.py [quick|long] --tool build/fat_tool

    read      volumes that mkfs.fat made and mtools filled: we list and read what they hold
    random    operations against a model; then fsck.fat finds nothing, mtools reads the same
    power     a scenario, cut after each sector that it writes: fsck.fat finds lost clusters at
              worst, files that were left alone are whole, renamed ones are there
    errors    the same with each request failing, and all behind it
    format    volumes that we made: fsck.fat finds nothing, mtools writes files that we read
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

# kind, sector bytes, sectors a cluster, sectors
VOLUMES = [
    (12, 512, 1, 2880), (12, 512, 4, 8000), (12, 4096, 1, 2000), (12, 512, 64, 100000),
    (16, 512, 1, 10000), (16, 512, 4, 40000), (16, 4096, 2, 20000), (16, 512, 64, 400000),
    (32, 512, 1, 80000), (32, 512, 8, 600000), (32, 4096, 1, 70000), (32, 512, 64, 4500000),
]
ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8", MTOOLS_SKIP_CHECK="1", TZ="UTC")
NAMES = ["SHORT.TXT", "lower.txt", "Mixed Case name.data", "no_extension", "a" * 200 + ".long",
         "\u00e4\u20ac umlaut.txt", ".hidden", "two.dots.txt", "exactly13char",
         "twenty-six letters in name"]

# What fsck.fat -n may say of a volume whose power was cut.
HARMLESS = re.compile(
    r"^(fsck\.fat .*|.*: \d+ files, \d+/\d+ clusters|Leaving filesystem unchanged\.|"
    r"There are differences between boot sector and its backup\..*|"
    r"Dirty bit is set\. Fs was not properly unmounted and some data may be corrupt\.|"
    r" Automatically removing dirty bit\.|\*\*\* Filesystem was changed \*\*\*|"
    r"The changes have not yet been written, .*|"
    r"Reclaimed \d+ unused clusters? \(\d+ bytes\)( in \d+ chains)?\.|"
    r"Free cluster summary (wrong \(.*\)|uninitialized \(.*\))|"
    r"  Auto-correcting\.|  Auto-setting\.|"
    r"FATs differ( but appear to be intact\.|\.).*|  Using first FAT\.|Using first FAT\.|"
    r"Orphaned long file name part \".*\"|  Auto-deleting\.|"
    r"/.*|  File size is \d+ bytes, cluster chain length is > \d+ bytes\.|"
    r"  Truncating file to \d+ bytes\.|)$")


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=ENVIRONMENT, **more)


def make(path, volume):
    kind, sector, cluster, sectors = volume
    if os.path.exists(path):
        os.remove(path)
    with open(path, "wb") as file:
        file.truncate(sectors * sector)
    done = run(["/sbin/mkfs.fat", "-F", str(kind), "-S", str(sector), "-s", str(cluster), path])
    require(done.returncode == 0, "mkfs.fat: " + done.stdout.decode())


class Bench:
    def __init__(self, tool, folder):
        self.tool, self.folder = tool, folder
        self.image = os.path.join(folder, "image")

    def ask(self, volume, commands, image=None):
        """Lines that the tool prints."""
        text = "".join("\t".join(str(word) for word in line) + "\n" for line in commands)
        done = run([self.tool, image or self.image, str(volume[1])], input=text.encode(),
                   timeout=600)
        lines = done.stdout.decode("utf-8", "replace").split("\n")
        require(done.returncode == 0, "the tool ended with %d:\n%s"
                % (done.returncode, "\n".join(lines[-20:])))
        require("blocks 0" in lines, "pool blocks are left")
        return lines

    def tree(self, volume, image=None, stop=False):
        """{path: (size, checksum)}, None for directories."""
        found = {}
        for line in self.ask(volume, [["tree"]] + ([["stop"]] if stop else []), image):
            word = line.split("\t")
            require(word[0] != "bad", line)
            if word[0] == "dir":
                found[word[1]] = None
            elif word[0] == "file":
                require(word[4] == "00000000", line)
                found[word[1]] = (int(word[2]), int(word[3], 16))
        return found

    def mtools_tree(self):
        """The same, as mtools reads it."""
        out = os.path.join(self.folder, "out")
        shutil.rmtree(out, ignore_errors=True)
        os.mkdir(out)
        listed = run(["mdir", "-b", "-i", self.image, "::"]).stdout.decode("utf-8", "replace")
        names = [line for line in listed.split("\n") if line.startswith("::/")]
        for name in names:
            done = run(["mcopy", "-s", "-n", "-i", self.image, name.rstrip("/"), out])
            require(done.returncode == 0, "mcopy: " + done.stdout.decode("utf-8", "replace"))
        found = {}
        for folder, folders, files in os.walk(out):
            at = folder[len(out):]
            for name in folders:
                found[at + "/" + name] = None
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                found[at + "/" + name] = (len(data), zlib.crc32(data))
        return found

    def fsck(self, image=None):
        done = run(["/sbin/fsck.fat", "-n", image or self.image])
        return done.returncode, done.stdout.decode("utf-8", "replace").split("\n")


def difference(ours, theirs):
    return "\n".join("%s: ours %s, theirs %s" % (path, ours.get(path, "-"), theirs.get(path, "-"))
                     for path in sorted(set(ours) | set(theirs))
                     if ours.get(path, "-") != theirs.get(path, "-"))[:2000]


def compare(bench, volume):
    ours, theirs = bench.tree(volume), bench.mtools_tree()
    require(ours == theirs, "mtools reads something else\n" + difference(ours, theirs))
    return ours


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


def test_random(bench, volume, seconds, seed):
    make(bench.image, volume)
    lines = bench.ask(volume, [["random", seed, seconds]])
    count = [int(line.split("\t")[1]) for line in lines if line.startswith("operations")]
    require(count and "flush 00000000" in lines, "\n".join(lines[-10:]))
    status, words = bench.fsck()
    require(status == 0, "fsck.fat:\n" + "\n".join(words))
    compare(bench, volume)
    return count[0]


LONG = "/A directory with a long name"
BASE = [["put", "/keep.txt", 5000, 1], ["put", "/a file that nobody touches.data", 70000, 2],
        ["put", "/grow", 3000, 3], ["put", "/grow much", 0, 0], ["put", "/shrink", 60000, 4],
        ["put", "/to be deleted, with a long name", 40000, 5], ["mkdir", LONG],
        ["put", "/rename me.txt", 9000, 6], ["put", "/move me to the folder.txt", 9001, 7]]
SCENARIO = [["put", "/new.txt", 6000, 8], ["append", "/grow", 20000, 9],
            ["append", "/grow much", 30000, 10], ["size", "/shrink", 10000], ["size", "/shrink", 0],
            ["rm", "/to be deleted, with a long name"], ["mkdir", LONG + "/inner"],
            ["put", LONG + "/inner/one more file here.txt", 3000, 11],
            ["mv", "/rename me.txt", "/renamed, and longer than before.txt"],
            ["mv", "/move me to the folder.txt", LONG + "/inner/moved.txt"],
            ["reserve", "/new.txt", 50000], ["rm", "/new.txt"]]
PAIRS = [("/rename me.txt", "/renamed, and longer than before.txt"),
         ("/move me to the folder.txt", LONG + "/inner/moved.txt")]


def check_cut(bench, volume, cut, base, where):
    _, words = bench.fsck(cut)
    text = "\n".join(words)
    shared = "share clusters" in text
    if shared:  # both names of a rename: nothing else may share
        found = bench.tree(volume, cut, stop=True)
        require(any(old in found and new in found for old, new in PAIRS), where + ": " + text)
    else:
        strange = [line for line in words if not HARMLESS.match(line)]
        require(not strange, "%s: fsck.fat says\n%s" % (where, text))
    found = bench.tree(volume, cut, stop=True)
    for path in ("/keep.txt", "/a file that nobody touches.data"):
        require(found.get(path) == base[path], where + ": " + path + " is damaged")
    for old, new in PAIRS:
        require(base[old] in (found.get(old), found.get(new)), where + ": " + old + " is lost")
    return shared


def sweep(bench, volume, command, count, step):
    """Run the scenario with each fault, and judge what it leaves."""
    base = bench.tree(volume)
    cut = os.path.join(bench.folder, "cut")
    trials = shared = 0
    for number in range(0, count + 1, step):
        shutil.copyfile(bench.image, cut)
        bench.ask(volume, [[command, number]] + SCENARIO + [["stop"]], cut)
        shared += check_cut(bench, volume, cut, base, "%s %d" % (command, number))
        trials += 1
    return trials, shared


def prepare(bench, volume):
    make(bench.image, volume)
    lines = bench.ask(volume, BASE)
    require(all(line == "status 00000000" for line in lines if line.startswith("status")),
            "\n".join(lines))


def test_power(bench, volume, step):
    prepare(bench, volume)
    done = os.path.join(bench.folder, "done")
    shutil.copyfile(bench.image, done)
    lines = bench.ask(volume, SCENARIO + [["writes"]], done)
    require(all(line == "status 00000000" for line in lines if line.startswith("status")),
            "\n".join(lines))
    status, words = bench.fsck(done)
    require(status == 0, "\n".join(words))
    writes = [int(line.split("\t")[1]) for line in lines if line.startswith("writes")][0]
    return sweep(bench, volume, "power", writes, step)


def test_errors(bench, volume, step):
    prepare(bench, volume)
    return sweep(bench, volume, "fail", 400, step)


# what FatFormat decides by itself: kind and bytes a cluster, for sector bytes and sectors
FORMATS = [(16, 512, 512, 4400), (16, 512, 1024, 16384), (16, 512, 4096, 65536),
           (16, 4096, 4096, 16384), (32, 512, 4096, 540672), (32, 4096, 4096, 70000)]


def test_format(bench, expected):
    kind, sector, cluster, sectors = expected
    volume = (kind, sector, cluster // sector, sectors)
    with open(bench.image, "wb") as file:
        file.write(b"\xe5" * (sector * 2000))
        file.truncate(sectors * sector)
    done = run([bench.tool, bench.image, str(sector), "format"], input=b"figures\nstop\n")
    words = done.stdout.decode().split()
    require("00000000" == words[1] and "blocks 0" in done.stdout.decode(), done.stdout.decode())
    figures = words[words.index("figures") + 1:]
    require([int(word) for word in figures[:3]] == [kind, sector, cluster], " ".join(words))
    for _ in range(2):
        status, words = bench.fsck()
        require(status == 0 and len([word for word in words if word]) == 2,
                "fsck.fat:\n" + "\n".join(words))
        done = run(["mcopy", "-i", bench.image, "-o", __file__, "::/A copied file.py"])
        require(done.returncode == 0, "mcopy: " + done.stdout.decode())
    label = run(["mlabel", "-s", "-i", bench.image, "::"]).stdout.decode()
    require("FORMATTED" in label, label)
    require(len(compare(bench, volume)) == 1, "one file was written")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("extent", nargs="?", default="quick", choices=["quick", "long"])
    parser.add_argument("--tool", default="build/fat_tool")
    options = parser.parse_args()
    is_long = options.extent == "long"
    seed = int(os.environ.get("HYPERSPACE_SEED", "1"), 0) & 0xFFFFFFFF
    number = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(os.path.abspath(options.tool), folder)
        small = [(12, 512, 1, 2880), (16, 512, 1, 10000), (32, 512, 1, 80000)]
        jobs = [("read", volume, lambda v: test_read(bench, v)) for volume in VOLUMES]
        jobs += [("random", volume, lambda v: test_random(bench, v, 60 if is_long else 3, seed))
                 for volume in VOLUMES]
        jobs += [("power cut", volume, lambda v: test_power(bench, v, 1 if is_long else 3))
                 for volume in small]
        jobs += [("errors", volume, lambda v: test_errors(bench, v, 1 if is_long else 5))
                 for volume in small]
        jobs += [("format", volume, lambda v: test_format(bench, v)) for volume in FORMATS]
        for name, volume, job in jobs:
            number += 1
            title = "fat: %s, FAT%d, sectors of %d, %d a cluster" % ((name,) + volume[:3])
            try:
                result = job(volume)
                if name == "random":
                    title += ": %d operations" % result
                elif result is not None:
                    title += ": %d trials, %d with both names" % result
                print("ok %d - %s" % (number, title))
            except (Failure, subprocess.TimeoutExpired) as problem:
                failed += 1
                print("not ok %d - %s (seed %d)" % (number, title, seed))
                print("\n".join("#   " + line for line in str(problem).split("\n")))
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
