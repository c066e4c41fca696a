# SPDX-License-Identifier: MIT
"""Power cuts and failing requests: figures R5 and R4 of disk/fat.

A scenario of random operations is run once, with a log of its writes and flushes. A cut image is
what the disk may hold when the power goes inside one operation: all that was flushed before, and of
the window up to the next flush

    each prefix of sectors, so that requests are torn between any two sectors
    each subset of the requests when they are six at most, else 64 random ones
    the same with one more request torn: a random choice of its sectors

Each is judged by fsck.fat, which may find lost clusters and what HARMLESS has besides, and by our
own mount: names, sizes and contents are those before the operation or those behind it, no others.
"""

import mmap
import os
import random
import shutil
import struct

from fat_bench import FatFs, Tool, difference, make, require, require_harmless

FOLDERS = ["", "/A directory with a long name", "/DIR"]
FORMS = ["FILE%d.TXT", "a longer name, number %d.data",
         "a name that takes many entries, so that it spans two sectors sooner or later, %d.txt"]
KEEP = ["/keep.txt", "/a file that nobody touches.data"]


def random_name(chance):
    return chance.choice(FOLDERS) + "/" + chance.choice(FORMS) % chance.randrange(12)


def random_operation(chance, files):
    """One call of fat.h each, so that it happens or does not."""
    kind = chance.randrange(9)
    old = chance.choice(files) if files else None
    new = random_name(chance)
    if old is None or kind < 2:
        return ["create", new]
    if kind < 4:
        return ["append", old, chance.choice([10, 3000, 20000]), chance.randrange(1000)]
    if kind == 4:
        return ["size", old, chance.choice([0, 100, 6000, 40000])]
    if kind == 5:
        return ["reserve", old, chance.choice([5000, 50000])]
    if kind == 6:
        return ["rm", old]
    if kind == 7 and chance.randrange(3) == 0:
        return ["mkdir", new]
    return ["mv", old, new]


def prepare(bench, volume, chance):
    """A volume with a few files, and holes in its directories."""
    make(bench.image, volume)
    tool = Tool(bench.tool, bench.image, volume[1])
    base = [["put", KEEP[0], 5000, 1], ["put", KEEP[1], 70000, 2]]
    base += [["mkdir", folder] for folder in FOLDERS[1:]]
    base += [["put", random_name(chance), chance.randrange(9000), 3] for _ in range(14)]
    for words in base:
        require(tool.ask(*words)[0] == 0, "%s fails" % words)
    files = [path for path, what in tool.tree().items() if what is not None and path not in KEEP]
    for path in chance.sample(files, 4):
        require(tool.ask("rm", path)[0] == 0, "rm")
    tool.end()


class Step:
    """An operation: the trees around it and the windows of writes in it."""

    def __init__(self, words, before, after, windows):
        self.words, self.before, self.after, self.windows = words, before, after, windows


def read_log(file, sector_bytes):
    """[[(sector, data)...]...], one list a window; what was not flushed is the last."""
    windows = [[]]
    while True:
        head = file.read(16)
        if len(head) < 16:
            return windows
        sector, sectors = struct.unpack("<QQ", head)
        if sectors == 0:
            windows.append([])
        else:
            windows[-1].append((sector, file.read(sectors * sector_bytes)))


def record(bench, volume, chance, operations):
    """Run random operations.  Returns the steps; the image is as it was before them."""
    saved = bench.image + ".base"
    shutil.copyfile(bench.image, saved)
    log = bench.image + ".log"
    tool = Tool(bench.tool, bench.image, volume[1])
    tool.ask("log", log)
    steps = []
    tree = tool.tree()
    with open(log, "rb") as file:
        for _ in range(operations):
            files = sorted(path for path, what in tree.items()
                           if what is not None and path not in KEEP)
            words = random_operation(chance, files)
            status, _ = tool.ask(*words)
            after = tool.tree()
            require(status == 0 or after == tree, "%s failed and changed something" % words)
            windows = read_log(file, volume[1])
            require(not windows[-1], "%s leaves unflushed writes" % words)
            steps.append(Step(words, tree, after, windows[:-1]))
            tree = after
    tool.end()
    os.replace(saved, bench.image)
    return steps


def cuts(window, chance, sector_bytes):
    """What of a window may be on the disk: [(sector, data)...], one sector each."""
    sectors = [[(sector + at // sector_bytes, data[at:at + sector_bytes])
                for at in range(0, len(data), sector_bytes)] for sector, data in window]
    flat = [one for request in sectors for one in request]
    for count in range(len(flat) + 1):
        yield flat[:count]
    count = len(window)
    chosen = (range(1 << count) if count <= 6 else
              [chance.getrandbits(count) for _ in range(64)])
    for bits in chosen:
        whole = [one for at in range(count) if bits >> at & 1 for one in sectors[at]]
        yield whole
        torn = [at for at in range(count) if not bits >> at & 1 and len(sectors[at]) > 1]
        if torn:
            part = sectors[chance.choice(torn)]
            yield whole + [one for one in part if chance.randrange(2)]


class Medium:
    """The image file, changed under the tool's feet and put back."""

    def __init__(self, path, sector_bytes, touched):
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 0)
        self.sector_bytes = sector_bytes
        self.state = {sector: self.read(sector) for sector in touched}

    def read(self, sector):
        return self.map[sector * self.sector_bytes:(sector + 1) * self.sector_bytes]

    def write(self, sector, data):
        self.map[sector * self.sector_bytes:(sector + 1) * self.sector_bytes] = data

    def keep(self, pieces):
        for sector, data in pieces:
            self.state[sector] = data
            self.write(sector, data)

    def restore(self):
        for sector, data in self.state.items():
            self.write(sector, data)

    def close(self):
        self.map.close()
        self.file.close()


def sector_pieces(window, sector_bytes):
    return [(sector + at // sector_bytes, data[at:at + sector_bytes])
            for sector, data in window for at in range(0, len(data), sector_bytes)]


def judge(bench, tool, step, fatfs, where):
    require_harmless(bench.image, where)
    status, _ = tool.ask("mount")
    require(status == 0, "%s: no mount: %08x" % (where, status))
    found = tool.tree()
    require(found in (step.before, step.after), "%s: neither as before nor as behind it\n%s" % (
        where, difference(found, step.after)))
    if fatfs is not None:  # our mount has finished what it had to
        theirs = fatfs.tree("tree", bench.image)
        require(theirs == found, where + ": FatFs\n" + difference(found, theirs))
    tool.ask("leave")


def cut_scenario(bench, volume, seed, most, fatfs, operations):
    """Returns how many cut images were judged, and how many of them by FatFs too."""
    chance = random.Random(seed)
    prepare(bench, volume, chance)
    steps = record(bench, volume, chance, operations)
    everything = [piece for step in steps for window in step.windows
                  for piece in sector_pieces(window, volume[1])]
    medium = Medium(bench.image, volume[1], {sector for sector, _ in everything})
    plan = [(step, window, list(cuts(window, chance, volume[1])))
            for step in steps for window in step.windows]
    total = sum(len(some) for _, _, some in plan)
    share = min(1.0, most / max(1, total))
    tool = Tool(bench.tool, bench.image, volume[1])
    tool.ask("leave")
    trials = theirs = 0
    for step, window, some in plan:
        for number, cut in enumerate(some):
            if chance.random() >= share:
                continue
            for sector, data in cut:
                medium.write(sector, data)
            sample = fatfs if trials % 20 == 0 else None
            judge(bench, tool, step, sample, "seed %d, cut %d of %s" % (seed, number, step.words))
            medium.restore()
            trials += 1
            theirs += sample is not None
        medium.keep(sector_pieces(window, volume[1]))
    tool.end()
    medium.close()
    return trials, theirs


def power_cuts(bench, volume, seed, wanted):
    """At least wanted cut images, of as many scenarios as it takes."""
    fatfs = FatFs(bench.fatfs)
    trials = theirs = scenarios = 0
    while trials < wanted:
        done = cut_scenario(bench, volume, seed + scenarios, min(500, wanted - trials + 20), fatfs,
                            25)
        trials, theirs, scenarios = trials + done[0], theirs + done[1], scenarios + 1
    fatfs.end()
    return trials, "%d cut images of %d scenarios, %d of them read by FatFs" % (
        trials, scenarios, theirs)


# ---- failing requests ----

def run_faulty(tool, steps, fault):
    """The scenario with a fault.  Returns the requests that it took."""
    start = tool.ask("requests")[1][0].split("\t")[1]
    require(tool.ask("mount")[0] == 0, "no mount")
    if fault is not None:
        tool.ask(*fault)
    for step in steps:
        tool.ask(*step.words)
    end = tool.ask("requests")[1][0].split("\t")[1]
    tool.ask("leave")
    for word in ("once", "from"):
        tool.ask(word, 0)
    return int(end) - int(start)


def judge_faulty(bench, tool, base, where):
    require_harmless(bench.image, where)
    require(tool.ask("mount")[0] == 0, where + ": no mount")
    found = tool.tree()
    for path in KEEP:
        require(found.get(path) == base[path], where + ": " + path + " is damaged")
    require(tool.ask("put", "/after the fault.txt", 3000, 5)[0] == 0,
            where + ": nothing can be written")
    tool.ask("leave")


def failing_scenario(bench, volume, chance, most, where):
    """Returns how many requests were made to fail, one each time."""
    prepare(bench, volume, chance)
    steps = record(bench, volume, chance, 12)
    with open(bench.image, "r+b") as image:
        saved = image.read()
        tool = Tool(bench.tool, bench.image, volume[1])
        tool.ask("leave")
        requests = run_faulty(tool, steps, None)
        faults = [(word, number) for number in range(1, requests + 1) for word in ("once", "from")]
        faults = chance.sample(faults, most) if len(faults) > most else faults
        for fault in faults:
            image.seek(0)
            image.write(saved)
            image.flush()
            run_faulty(tool, steps, fault)
            judge_faulty(bench, tool, steps[0].before, "%s, %s %d" % ((where,) + fault))
        tool.end()
    return len(faults)


def failing_requests(bench, volume, seed, wanted):
    """Each n-th request of a scenario fails, once or with all behind it."""
    trials = scenarios = 0
    while trials < wanted:
        seed_here = seed + scenarios
        trials += failing_scenario(bench, volume, random.Random(seed_here), wanted - trials,
                                   "seed %d" % seed_here)
        scenarios += 1
    return trials, "%d requests that failed, in %d scenarios" % (trials, scenarios)
