#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A file larger than memory, cached, mapped and shared in the guest, then compared here; TAP.

    files     64 MB of RAM: a file of 256 MB, or less, is written through the cache, read, shared by
              two processes through a named section, copied on write, changed again, read past the
              cache, flushed; the guest compares every page at each step.  Then the host reads the
              file from the image and compares every page, fsck.fat finds nothing, and every sector
              that was written was ours to write (R14)
    errors    the same while writes fail: each failure is seen, and in the end nothing is lost (R4)
    unplug    the stick with the file and the paging file is pulled out: statuses and a verdict, or,
              where the kernel needs a page that was on it, the documented stop; never a wrong page

"quick" has two buses, by the seed, and small files; "long" has 256 MB on all buses and both
firmwares.
"""

import os
import random
import re
import subprocess
import sys
import threading
import time
from array import array
from typing import List, Optional

import early
import fat_image
import hyperspace_qemu as hq
import paging_runs
import trials
from paging_runs import base, check_volume, discard, own_copy, stray
from trials import Bench, Test, explain

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../disk"))
from fat_bench import HARMLESS  # noqa: E402 (the path comes first)

BUSES = ["ahci", "virtio", "nvme", "usb"]
FIRMWARE = ["x64", "ia32"]
MEMORY = 64
LARGE, SMALL = 256, 72  # MB
PAGING_MB = 64
NAME = "FILES.DAT"
TIMEOUT = 900  # seconds; of a hang, not of the work
FIRST, LAST = 100, 900  # writes among which some fail
TRIES = 4  # that a driver gives a request at most
counting = threading.Lock()
injected = [0, 0]  # R4: requests that failed, and runs that were not right

ALL = re.compile(r"^# files: all: .*cached reads (\d+), misses (\d+), read ahead (\d+) pages", re.M)
MOVED = re.compile(r"^# files: all: .*pages of files read (\d+), written (\d+)", re.M)
FAILED = re.compile(r"^# files: all: .* (\d+) failed requests", re.M)


# ---- what every page has to be: mm/inspect/paging_stamp.c and files_work.c, said again ----

MASK = 0xFFFFFFFF
PAGE = 4096
WORDS = PAGE // 4
HEAD, CHECKSUM = 4, 3
SUMMED = 61  # of so many pages one's checksum is computed here, too: that takes long


def lanes() -> tuple:
    """Factors and sums, in lanes of 64 bits, so that one multiplication makes a page's numbers."""
    factor, addend, factors, addends = 1, 0, 0, 0
    for word in range(WORDS - HEAD):
        factor, addend = factor * 1664525 & MASK, (addend * 1664525 + 1013904223) & MASK
        factors |= factor << 64 * word
        addends |= addend << 64 * word
    return factors, addends


FACTORS, ADDENDS = lanes()


def stamped(page: int, version: int, seed: int) -> bytes:
    """The page as the guest writes it, but for its checksum, which is zero here."""
    place = page * PAGE & MASK
    first = (place * 0x9E3779B1 & MASK) ^ (version * 0x85EBCA6B & MASK) ^ seed
    numbers = (FACTORS * first + ADDENDS).to_bytes(8 * (WORDS - HEAD), "little")
    return array("I", [place, version, seed, 0]).tobytes() + array("I", numbers)[::2].tobytes()


def checksum(page: bytes) -> int:
    total = 0
    for number, word in enumerate(array("I", page)):
        if number != CHECKSUM:
            total = ((total << 5 | total >> 27) + word) & MASK
    return total


def version_of(page: int, seed: int) -> int:
    """MiFilesVersion at the end."""
    x = seed + page * 0x9E3779B1 & MASK
    x = (x ^ x >> 15) * 0x85EBCA6B & MASK
    x ^= x >> 13
    if x // 2 % 16 == 0:
        return 3
    return 2 if x % 2 == 0 else 1


def wrong_page(data: bytes, page: int, seed: int) -> Optional[str]:
    version = version_of(page, seed)
    due = stamped(page, version, seed)
    if data[:12] + bytes(4) + data[16:] == due:
        if page % SUMMED or array("I", data[12:16])[0] == checksum(due):
            return None
        return "page %d has a wrong checksum" % page
    found = array("I", data[:12])
    return "page %d version %d: found page %g version %d of seed %x" % (
        page, version, found[0] / PAGE, found[1], found[2])


def compare_file(image: str, megabytes: int, seed: int) -> Optional[str]:
    """Every word of every page, but most checksums, of the file in the image, by its chain."""
    volume = fat_image.Volume(image, hq.data_offset(image))
    problems: List[str] = []
    try:
        entry = volume.root_entries().get(NAME)
        if not entry or entry.bytes != megabytes << 20:
            return "no %s of %d MB: %s" % (NAME, megabytes, entry)
        chain = volume.chain(entry.cluster)
        each = volume.each * fat_image.SECTOR
        if len(chain) != entry.bytes // each or each % PAGE:
            return "%s has %d clusters of %d bytes" % (NAME, len(chain), each)
        for number, cluster in enumerate(chain):
            data = volume.read(volume.cluster_sectors(cluster)[0], volume.each)
            for at in range(0, each, PAGE):
                problem = wrong_page(data[at:at + PAGE], (number * each + at) // PAGE, seed)
                problems += [problem] if problem else []
    finally:
        volume.close()
    return "%d pages of %s are wrong: %s" % (len(problems), NAME, "; ".join(problems[:4])) \
        if problems else None


# ---- judging a run ----

def really_used(log: str, megabytes: int) -> Optional[str]:
    """A run whose file stayed in memory has shown nothing."""
    cached, moved = ALL.search(log), MOVED.search(log)
    if not cached or not moved:
        return "the run does not say what it did"
    pages = megabytes * 256
    if int(moved.group(1)) < 3 * (pages - MEMORY * 256) or int(moved.group(2)) < pages:
        return "only %s pages of files read and %s written" % moved.groups()
    return None if int(cached.group(3)) >= pages // 2 else "only %s pages read ahead" % (
        cached.group(3))


def harmless(said: str) -> bool:
    """fsck.fat finds no more than a power cut may leave: lost clusters, and their count."""
    return all(HARMLESS.match(line) for line in said.split("\n")[1:])


def failing_writes(generator: random.Random) -> dict:
    """blkdebug's rules: now and then a write fails with all its tries.  A state is how many writes
    there have been, and one."""
    rules = []
    for _ in range(8):
        first = generator.randrange(FIRST, LAST)
        rules += [{"event": "write_aio", "iotype": "write", "errno": 5, "once": True,
                   "state": first + number} for number in range(2 * TRIES)]
    return {"set-state": [{"event": "write_aio", "state": n, "new_state": n + 1}
                          for n in range(1, LAST + 2 * TRIES)],
            "inject-error": rules}


def files_test(firmware: str, disk: str, megabytes: int, seed: int, errors: bool) -> Test:
    name = "%s: %d MB with %d MB of RAM on %s, %s" % (
        "errors" if errors else "files", megabytes, MEMORY, disk, firmware)

    def judge(before: str, image: str, result: hq.Result) -> Optional[str]:
        if result.outcome != "passed":
            return explain(result, "passed")
        problems = [really_used(result.log, megabytes), compare_file(image, megabytes, seed)]
        damage = check_volume(image)
        if not errors:
            problems += [damage, stray(before, image, image + ".log")]
        elif damage and not harmless(damage):
            problems.append(damage)
        if errors and not any(int(count) for count in FAILED.findall(result.log)):
            problems.append("no request failed")
        return "; ".join(problem for problem in problems if problem) or None

    def test(bench: Bench) -> Optional[str]:
        run = "files:%d:%d%s,shutdown" % (megabytes, seed, ":errors" if errors else "")
        before = own_copy(bench, base(bench, max(340, megabytes + PAGING_MB + 32)),
                          name + " before", run, (PAGING_MB, PAGING_MB))
        image = before + ".after"
        subprocess.run(["cp", "--sparse=always", before, image], check=True)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True)
        if errors:
            machine.errors = failing_writes(random.Random(seed))
        else:
            machine.write_log = image + ".log"
        result = bench.keep(name, early.boot(machine, TIMEOUT))
        try:
            problem = judge(before, image, result)
        finally:
            discard(before, image, image + ".log")
        if errors:
            with counting:
                injected[0] += sum(int(count) for count in FAILED.findall(result.log))
                injected[1] += bool(problem)
        return problem

    return Test(name, test, "errors" if errors else "files")


STEPS = ["write", "read", "share", "change", "compare", "copy"]
VERDICT = re.compile(r"^(?:not )?ok \d+ - files: \d+ MB .* (\d+) wrong; (\d+) calls failed", re.M)
STOPPED = re.compile(r"^\*\*\* STOP: 0x000000(?:7A|77) \(0x[0-9A-F]{8}, 0xC000000E,", re.M)


def unplug_test(firmware: str, memory: int, seed: int) -> Test:
    """With much memory no page is in the paging file, and nothing may stop the machine."""
    name = "unplug: the stick with a file in use, %d MB of RAM, %s" % (memory, firmware)

    def pull(guest: hq.Guest) -> None:
        generator = random.Random(seed)
        mark = re.compile(r"^# files: %s: " % generator.choice(STEPS), re.M)
        limit = time.monotonic() + TIMEOUT
        while not mark.search(guest.log()) and time.monotonic() < limit and guest.pump(0.05):
            pass
        guest.pump(generator.random())
        guest.monitor.call("device_del", id="disk0")

    def judge(image: str, result: hq.Result) -> Optional[str]:
        verdict = VERDICT.search(result.log)
        if memory < 256 and STOPPED.search(result.log) and (not verdict or verdict.group(1) == "0"):
            return None
        if result.outcome != "failed" or not verdict:
            return explain(result, "an end with a verdict")
        if verdict.group(1) != "0" or verdict.group(2) == "0":
            return "pages wrong: %s, calls failed: %s" % verdict.groups()
        damage = check_volume(image)
        return None if not damage or harmless(damage) else damage

    def test(bench: Bench) -> Optional[str]:
        run = "files:%d:%d:errors,shutdown" % (SMALL, seed)
        image = own_copy(bench, base(bench, 340), name, run, (PAGING_MB, PAGING_MB))
        guest = early.start(hq.Machine(image, firmware, "usb", memory, writable=True), qmp=True)
        try:
            pull(guest)
            return judge(image, bench.keep(name, guest.finish(TIMEOUT)))
        finally:
            discard(image)

    return Test(name, test, "unplug")


# ---- the suite ----

def all_tests(thorough: bool, seed: int) -> List[Test]:
    generator = random.Random(seed)
    number = lambda: generator.randrange(1, 1 << 31)  # noqa: E731
    tests = []
    for place, disk in enumerate(BUSES):
        for turn, firmware in enumerate(FIRMWARE):
            if thorough or (place % 2 == seed % 2 and turn == (seed + place // 2) % 2):
                tests.append(files_test(firmware, disk, LARGE if thorough else SMALL, number(),
                                        False))
            if thorough or (place == (seed + 1) % len(BUSES) and turn == seed % 2):
                tests.append(files_test(firmware, disk, SMALL, number(), True))
    for turn, firmware in enumerate(FIRMWARE):
        if thorough or turn == seed % 2:
            tests += [unplug_test(firmware, memory, number()) for memory in (256, MEMORY)]
    return tests


def main() -> int:
    def finish(_options, _tests, _failed, _bench, _seconds):
        print("# figure R4 %d %d" % tuple(injected))
        print("# figure R14 %d %d" % tuple(paging_runs.confined))

    return trials.run_suite("files", all_tests, finish)


if __name__ == "__main__":
    sys.exit(main())
