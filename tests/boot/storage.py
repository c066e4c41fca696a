#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes 64 MB on each bus from within the guest, and looks at the disk afterwards; TAP.

    storage   the guest writes, reads, changes files; then fsck.fat finds nothing, mtools reads what
              storage_plan.py says, PAGEFILE.SYS is there, the volume is clean
    errors    the same with requests that fail: nothing hangs, each failure is a status, what did
              not fail is right, on the disk too, and fsck.fat finds lost clusters at worst (R4)
    slow      a disk that answers late, and one that answers too late
    unplug    a USB stick is taken away in the middle

In all of them every sector that was written is compared with what was ours to write (R14).

"quick" has one firmware for each bus, by the seed; "long" all of them, and a hub.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from typing import Callable, Dict, List, Optional, Set

import fat_image
import figures
import hyperspace_qemu as hq
import storage_plan
import trials
from trials import MAKE_IMAGE, Bench, Test, explain

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../disk"))
from fat import HARMLESS  # noqa: E402 (the path comes first)

BUSES = ["ahci", "virtio", "nvme", "usb"]
RESTORABLE = ["ahci", "virtio", "usb"]  # QEMU does not save a machine with NVMe
OWN = {"STORAGE", "PAGEFILE.SYS"}  # in the root directory
MEMORY = 128
FAT16_MB = 255  # clusters of 4 KB, and room for a paging file beside the files
TIMEOUT = 180
ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8", MTOOLS_SKIP_CHECK="1", TZ="UTC")
REQUESTS = re.compile(r"^# storage: (\d+) reads, (\d+) writes, (\d+) flushes, (\d+) failed", re.M)
DOUBTFUL = re.compile(r"^# storage: doubtful (\d+)$", re.M)
confined = [0, 0]  # R14: runs compared, and those with a stray write
injected = [0, 0]  # R4: failures that the guest saw, and runs that were not right


def run(command: List[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=ENVIRONMENT, stdin=subprocess.DEVNULL)


# ---- what a run left on its disk ----

class Judgement:
    """A disk before and after a run; each method gives None, or what is wrong."""

    def __init__(self, before: str, after: str, log: str, folder: str):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        offset = hq.data_offset(before)
        self.original, self.disk, self.log = before, after, log
        self.before = fat_image.Volume(before, offset)
        self.after = fat_image.Volume(after, offset)
        self.volume = os.path.join(folder, "volume")
        fat_image.extract(after, offset, self.before.sectors * fat_image.SECTOR, self.volume)

    def close(self) -> None:
        self.before.close()
        self.after.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def fsck(self, harmless: bool) -> Optional[str]:
        """fsck.fat finds nothing; or what a power cut may leave."""
        done = run(["/sbin/fsck.fat", "-n", self.volume])
        lines = done.stdout.decode("utf-8", "replace").split("\n")
        strange = [line for line in lines if not HARMLESS.match(line)]
        if strange if harmless else done.returncode:
            return "fsck.fat:\n" + "\n".join(lines)
        return None

    def clean(self) -> Optional[str]:
        return None if self.after.clean() else "the volume is not marked clean"

    def paging_file(self) -> Optional[str]:
        entry = self.after.root_entries().get("PAGEFILE.SYS")
        if not entry or entry.bytes < 1 << 20:
            return "no PAGEFILE.SYS of 1 MB or more: %s" % (entry,)
        clusters = len(self.after.chain(entry.cluster))
        due = -(-entry.bytes // (self.after.each * fat_image.SECTOR))
        return None if clusters == due else "PAGEFILE.SYS has %d clusters of %d" % (clusters, due)

    def files(self, plan: storage_plan.Plan, doubtful: Set[int]) -> Optional[str]:
        """mtools reads the files that there have to be, no more and no fewer."""
        out = os.path.join(self.folder, "files")
        os.mkdir(out)
        done = run(["mcopy", "-s", "-n", "-i", self.volume, "::/storage", out])
        found = {os.path.relpath(os.path.join(path, name), out)
                 for path, folders, names in os.walk(out) for name in folders + names}
        wanted = plan.tree()
        sure = {path: file for path, file in wanted.items() if not file
                or file.number not in doubtful}
        missing = sorted(path for path, file in sure.items() if path not in found
                         and (file or not doubtful))
        known = set(wanted) | {plan.path(n, renamed) for n in doubtful for renamed in (False, True)}
        if missing or found - known:
            return "missing: %s; unexpected: %s; mcopy: %s" % (
                missing[:5], sorted(found - known)[:5], done.stdout.decode("utf-8", "replace"))
        for path, file in sure.items():
            if file:
                with open(os.path.join(out, path), "rb") as data:
                    if data.read() != plan.contents(file):
                        return "%s (%s) is not what was written" % (path, file)
        return None

    def confined(self) -> Optional[str]:
        """Every write was ours to make, and no write escaped the log."""
        written = fat_image.logged_sectors(self.log)
        differ = fat_image.differing_sectors(self.original, self.disk)
        problems = fat_image.stray_writes(self.before, OWN, written | differ)
        problems += fat_image.changed_chains(self.before, self.after, OWN)
        problems += ["sector %d changed without a write" % sector
                     for sector in sorted(differ - written)[:5]]
        if not written:
            problems.append("nothing was written at all")
        confined[0] += 1
        confined[1] += bool(problems)
        return "stray writes: " + "; ".join(problems[:5]) if problems else None


# ---- images and machines ----

def base(bench: Bench, fat: str) -> str:
    """The disk that the tests copy."""
    def make(path: str) -> None:
        subprocess.run([MAKE_IMAGE, path], check=True, env=dict(
            os.environ, FILES=bench.build, LAYOUT="mbr", FATBITS=fat, DATA_MB=str(FAT16_MB)))

    return bench.base("gpt", fat) if fat == "32" else bench.once("storage base " + fat, make)


def own_copy(bench: Bench, source: str, name: str, options: str = "") -> str:
    path = os.path.join(bench.folder, re.sub(r"\W+", "_", name) + ".img")
    image = hq.Image(source, path)
    if options:
        image.add_options(options)
    return path


def discard(*paths: str) -> None:
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


def examine(bench: Bench, name: str, before: str, disk: str, plan: storage_plan.Plan,
            result: hq.Result, disturbed: bool) -> Optional[str]:
    """All that can be said about the disk after a run."""
    judgement = Judgement(before, disk, disk + ".log", disk + ".d")
    doubtful = {int(number) for number in DOUBTFUL.findall(result.log)}
    try:
        problems = [judgement.fsck(disturbed), judgement.files(plan, doubtful),
                    judgement.confined(), judgement.paging_file()]
        if not disturbed:
            problems.append(judgement.clean())
    finally:
        judgement.close()
    text = "; ".join(problem for problem in problems if problem)
    return "%s: %s" % (name, text) if text else None


# ---- the tests ----

def storage_test(firmware: str, disk: str, fat: str, megabytes: int, seed: int) -> Test:
    name = "storage: %d MB on %s, %s, FAT%s" % (megabytes, disk, firmware, fat)

    def test(bench: Bench) -> Optional[str]:
        options = "/RUN=storage:%d:%d,shutdown" % (megabytes, seed)
        before = bench.image(options, key=name) if fat == "32" else own_copy(
            bench, base(bench, fat), name + " before", options)
        image = own_copy(bench, before, name)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True, write_log=image + ".log")
        result = bench.keep(name, hq.boot(machine, TIMEOUT))
        try:
            if result.outcome != "passed":
                return explain(result, "passed")
            return examine(bench, name, before, image, storage_plan.Plan(seed, megabytes << 20),
                           result, False)
        finally:
            discard(image, image + ".log")

    return Test(name, test, "storage")


def all_tests(thorough: bool, seed: int) -> List[Test]:
    generator = random.Random(seed)
    tests = []
    for number, disk in enumerate(BUSES + ["usbhub"] * thorough):
        for turn, firmware in enumerate(("x64", "ia32")):
            if thorough or turn == (seed + number) % 2:
                tests.append(storage_test(firmware, disk, ("32", "16")[(turn + number) % 2], 64,
                                          generator.randrange(1, 1 << 31)))
    return tests


def main() -> int:
    def finish(_options, _tests, _failed, _bench, _seconds):
        print("# figure R4 %d %d" % tuple(injected))
        print("# figure R14 %d %d" % tuple(confined))

    return trials.run_suite("storage", all_tests, finish)


if __name__ == "__main__":
    sys.exit(main())
