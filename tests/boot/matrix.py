#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the image in many configurations; each boot is a test, told in TAP.

    boots     firmware, memory, disk, layout, FAT and CPU, in pairs (R16, R10); each write of theirs
              compared with what was ours to write (R14)
    crashes   every provoked bug check, its code and parameters (R18); quick: some, since a saved
              machine tries them all
    loader    every way in which the loader refuses or complains (loader_tests.py)
    restored  crashes from a saved machine, many times (R18)
    repeat    the same seed gives the same events, three times (R20)

"quick" is a tenth of the figures, for make test; "long" is all of it.
"""

import hashlib
import itertools
import os
import random
import re
import subprocess
import sys
import time
from typing import Callable, List, Optional

import fat_image
import figures
import hyperspace_qemu as hq
import trials
from configurations import CPUS, DISKS, configurations
from crashes import CRASHES, core_kinds, crash_test, machine_check_test, restored_test
from loader_tests import loader_tests, secure_boot_test
from trials import MAKE_IMAGE, REPORT, Bench, Test, explain

# ---- what is tried ----

# What every report holds, whatever the machine; a stop that is left out must not go unnoticed.
REPORT_STOPS = [
    "32-bit paging with write protection", "memory map", "self-map", "protection audit",
    "processor: PSE", "probe: read of page 0", "probe: write to page 0", "probe: write to code",
    "probe: write to constants", "probe: write to the IDT", "probe: read of the stack's guard",
    "probe: write to a task stack's guard", "probe: read of free user space",
    "probe: fetch from free user space", "probe: read of the last page",
    "probe: read of a PTE without table", "probe: division by zero", "probe: invalid opcode",
    "probe: two threads at once",
    "interrupt vectors", "NMI: 1 came", "IRQL: an interrupt was held back", "IRQL: at level 0",
    "IRQL: a DISPATCH_LEVEL", "clock: ", "ACPI: ", "bus masters: ",
    "configuration: ", "symbols: ", "entropy: ",
    "console: the line above was read back",
    "threads: 500 of 500", "priorities: ", "quantum: ", "timer: ", "wait: a timeout", "DPC: ",
    "mutex: ", "work items: ", "stacks: ",
    "page frames: ", "zero-page thread: ", "frames: ", "system PTEs: ", "kernel stacks: ",
    "nonpaged pool: ", "paged pool: ", "page faults: ", "MDL: 12288 bytes of nonpaged pool",
    "MDL: 12288 bytes of paged pool", "contiguous memory: ", "balance: 0 frames",
    "section: a copy-on-write view wrote 64 of 128 pages: 64 copied",
    "session space: sessions 0 and 1 have 64 pages each", "session view: 32 pages of a section",
    "sessions: 2 of 2 ended",
    "paging file C:", "paging: a working set of",
    r"section \BaseNamedObjects\Shared: 2 processes share 128 of 128 pages",
    "session pool: 64 pages of session 0 trimmed to 0"]
PAGING_STOPS = REPORT_STOPS[-4:]  # where there is a paging file
# FAT12 volumes are read and never written.
FAT12_REFUSED = "read-only: FAT12 does not tell whether it is in order"
# Whatever the disk hangs on.
DISK_STOPS = [r"disk \S+: the boot volume", r"disk \S+: the [\w ]+ in sector \d+ was read",
              r"disk \S+: 8 reads of 4096 bytes at once"]
PROTECTION = re.compile(r"^(not ok|ok) \d+ - (?:protection audit|probe)\b", re.M)


# ---- boots ----

def boot_test(c: dict) -> Test:
    name = "boot %(firmware)s %(disk)s %(memory)d MB %(layout)s FAT%(fat)s %(cpu)s" % c
    left_out = PAGING_STOPS if c["fat"] == "12" else []

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT, c["layout"], c["fat"])
        copy = os.path.join(bench.folder, re.sub(r"\W+", "_", name))
        hq.Image(image, copy)
        result = bench.boot(name, hq.Machine(copy, c["firmware"], c["disk"], c["memory"], c["cpu"],
                                             writable=True, write_log=copy + ".log", cold=True))
        written, stray = fat_image.confinement(image, copy, copy + ".log", hq.data_offset(image))
        os.remove(copy)
        os.remove(copy + ".log")
        audit = PROTECTION.findall(result.log)
        with bench.lock:
            bench.protection[0] += bool(audit)
            bench.protection[1] += "not ok" in audit
            bench.confined[0] += 1
            bench.confined[1] += bool(stray)
        if result.outcome != "passed":
            return explain(result, "passed")
        stops = [re.escape(stop) for stop in REPORT_STOPS if stop not in left_out] + DISK_STOPS
        missing = [stop for stop in stops
                   if not re.search(r"^ok \d+ - " + stop, result.log, re.M)]
        if c["cpu"] == "max":
            missing += [stop for stop in ("supervisor read of", "supervisor fetch from")
                        if "probe: %s a user page gives" % stop not in result.log]
        if missing:
            return "the report lacks " + ", ".join(missing)
        if c["fat"] == "12" and (written or FAT12_REFUSED not in result.log):
            return "%d sectors of a FAT12 volume were written; wanted: %s" % (written,
                                                                            FAT12_REFUSED)
        return "stray writes: " + "; ".join(stray[:5]) if stray else None

    return Test(name, run, "R16")


def moved_test(disk: str) -> Test:
    """x64 firmware puts registers above 4 GB, where this processor does not reach."""
    name = "registers above 4 GB on a processor without PSE-36: %s" % disk

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT), "x64", disk,
                                             cpu="qemu64,-pse36"))
        if result.outcome != "passed":
            return explain(result, "passed")
        if not re.search(r"^PCI +[0-9a-f:.]+: registers moved to [0-9a-f]{8}, from [0-9a-f]{9,} ",
                         result.log, re.M):
            return "no registers were moved"
        missing = [stop for stop in DISK_STOPS
                   if not re.search(r"^ok \d+ - " + stop, result.log, re.M)]
        return "the report lacks " + ", ".join(missing) if missing else None

    return Test(name, run, "boot")


def again_test(firmware: str) -> Test:
    """What ran before does not change what the report finds."""
    name = "report again after the benchmark %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        image = bench.image("/RUN=report,bench,report,shutdown")
        result = bench.boot(name, hq.Machine(image, firmware))
        return None if result.outcome == "passed" else explain(result, "passed")

    return Test(name, run, "boot")


def screens_test(firmware: str) -> Test:
    """With two screens the firmware's console has no framebuffer of its own."""
    name = "two screens %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT), firmware,
                                             extra=["-device", "bochs-display"]))
        if result.outcome != "passed" or "read back from the screen's pixels" not in result.log:
            return explain(result, "passed, with text on a screen")
        return None

    return Test(name, run, "boot")


def clock_test(firmware: str) -> Test:
    """The system time is that of the machine's clock, a few seconds later."""
    name = "date from the firmware's clock %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT), firmware, extra=[
            "-rtc", "base=2031-02-28T23:59:58,clock=vm"]))
        if result.outcome != "passed" or not re.search(
                r"^Time +2031-0(2-28 23:59|3-01 00:00):\d\d UTC", result.log, re.M):
            return explain(result, "passed, with the clock's date")
        return None

    return Test(name, run, "boot")


def with_value(name: str, value: str) -> Callable[[hq.Image], None]:
    """Change a number of system.reg."""
    def change(image: hq.Image) -> None:
        text = image.read("system.reg").decode("latin-1")
        changed = re.sub(r'^;?"%s"=dword:\w+' % name, '"%s"=dword:%s' % (name, value), text,
                         flags=re.M)
        if changed == text:
            raise ValueError("system.reg has no %s to change" % name)
        image.write("system.reg", changed.encode("latin-1"))
    return change


def checking_test(name: str, value: str, sentence: str, firmware: str) -> Test:
    """The whole report with another value in system.reg: ways to find faults (R11), nonsense."""
    title = "report with %s %s %s" % (name, value, firmware)

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT, key=title, change=with_value(name, value))
        result = bench.boot(title, hq.Machine(image, firmware))
        if result.outcome != "passed" or sentence not in result.log:
            return explain(result, "passed, having said: " + sentence)
        return None

    return Test(title, run, "boot")


# ---- reproducibility ----

def events(log: str) -> str:
    """The log from our first line on.  Figures with a unit of time are measurements and entropy is
    meant to differ; neither is an event.  A disk interrupts when the host's has answered: how
    often, and between which ticks, is chance; so is how far the zero-page thread has come, and with
    it which frames come next; so are the other pages that the writer takes along."""
    start = re.search(r"^.*Hyperspace", log, re.M)
    text = log[start.start():] if start else log
    text = re.sub(r"(?<=entropy: )\d+", "#", text)
    text = re.sub(r"(?m)^# interrupts: .*", "# interrupts", text)
    text = re.sub(r"\d+(?= (?:pages )?(?:zeroed|free|active|are still free)\b)", "#", text)
    text = re.sub(r"\d+(?= pages written to the paging file\b)", "#", text)
    text = re.sub(r"(?<=directories )[0-9a-f]{8} and [0-9a-f]{8}", "#", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "#", text)
    return re.sub(r"\d[\d,.]*(?= ?(ns|us|ms|s|kHz|MHz|GHz|Hz|cycles|instructions|ticks)\b)",
                  "#", text)


def repeat_test(seed: int) -> Test:
    generator = random.Random(seed)
    firmware = generator.choice(sorted(CPUS))
    memory = generator.randrange(64, 1024, 16)
    disk = generator.choice(DISKS)
    name = "same events 3 times: seed %d, %s %s %d MB" % (seed, firmware, disk, memory)

    def run(bench: Bench) -> Optional[str]:
        machine = hq.Machine(bench.image(REPORT), firmware, disk, memory, icount="4", cold=True)
        texts = []
        for number in range(3):
            result = bench.boot("%s run %d" % (name, number), machine)
            if result.outcome != "passed":
                return explain(result, "passed")
            texts.append(events(result.log))
        if len({hashlib.sha256(text.encode()).hexdigest() for text in texts}) == 1:
            return None
        for number in (1, 2):
            for a, b in itertools.zip_longest(texts[0].split("\n"), texts[number].split("\n")):
                if a != b:
                    return "run %d differs:\n%s\n%s" % (number, a, b)
        return "the runs differ"

    return Test(name, run, "R20")


# ---- where the user half ends ----

def border_test(options: str, firmware: str, memory: int, border: int) -> Test:
    """The whole report passes, the layout begins at the border, and the last 64 KB are used."""
    name = "boot with %s, %d MB, %s" % (options, memory, firmware)

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT + " " + options)
        result = bench.boot(name, hq.Machine(image, firmware, memory=memory))
        if result.outcome != "passed":
            return explain(result, "passed")
        # with a border at 2 GB KUSER_SHARED_DATA's 64 KB come before the last ones
        last = 0x7FFD0000 if border == 1 << 31 else border - 0x20000
        top = "large-address-aware processes at %08x" % last
        if not re.search(r"^ok \d+ - user half: .*" + top, result.log, re.M):
            return explain(result, top)
        if not re.search(r"^D0000000 - D0FFFFFF .* kernel$", result.log, re.M):
            return explain(result, "a kernel at D0000000")
        lowest = min(int(line, 16) for line in
                     re.findall(r"^([0-9A-F]{8}) - [0-9A-F]{8}  .*[KM]B  ", result.log, re.M))
        return "%08x is below the border" % lowest if lowest < border else None

    return Test(name, run, "boot")


def border_tests() -> List[Test]:
    tests = [border_test("/3GB", firmware, memory, 3072 << 20)
             for firmware in ("x64", "ia32") for memory in (64, 256, 4096)]
    return tests + [border_test("/3GB /USERVA=2560", "x64", 256, 2560 << 20),
                    border_test("/3GB /USERVA=2049", "ia32", 128, 2048 << 20)]


# ---- the image itself ----

def same_bytes_test() -> Test:
    def run(bench: Bench) -> Optional[str]:
        def make(path: str) -> None:
            time.sleep(2.1)  # FAT time stamps count two seconds
            subprocess.run([MAKE_IMAGE, path], check=True,
                           env=dict(os.environ, FILES=bench.build))

        again = bench.once("again", make)
        same = subprocess.run(["cmp", again, os.path.join(bench.build, "hyperspace.img")],
                              check=False, stdout=subprocess.PIPE)
        return same.stdout.decode() or None

    return Test("image built again has the same bytes", run, "image")


def all_tests(thorough: bool, seed: int) -> List[Test]:
    firmwares = ["x64", "ia32"]
    times = 25 if thorough else 3
    generator = random.Random(seed)
    tests = [repeat_test(seed + number) for number in range(20 if thorough else 2)]
    tests.append(same_bytes_test())
    tests += [boot_test(c) for c in configurations(thorough, seed)]
    for firmware in firmwares:
        booted = sorted(CRASHES) if thorough else generator.sample(sorted(CRASHES), 2)
        tests += [crash_test(kind, firmware) for kind in booted]
        tests += [restored_test(kind, firmware, times) for kind in CRASHES]
        tests += [restored_test(kind, firmware, times if thorough else 1, True)
                  for kind in core_kinds()]
        tests += loader_tests(firmware)
        tests += [again_test(firmware), screens_test(firmware), machine_check_test(firmware),
                  clock_test(firmware)]
    tests += [checking_test("PoolTag", "0000002a", "Special pool is on", "x64"),
              checking_test("PoisonFreedPool", "00000001", "", "x64"),
              checking_test("ProtectNonPagedPool", "00000001", "", "ia32"),
              checking_test("NonPagedPoolSize", "f0000000",
                            "system.reg: NonPagedPoolSize is 0xf0000000, corrected to", "x64")]
    tests += [moved_test(disk) for disk in (["nvme", "usb", "virtio"] if thorough else ["nvme"])]
    tests += border_tests()
    tests.append(secure_boot_test())
    return tests


# ---- figures ----

def record(path: str, tests: List[Test], failed: List[Test], bench: Bench, seconds: float,
           share: float) -> None:
    """R16, R18, R20 count their group's trials; R10 counts the boots that showed an audit."""
    for name in ("R16", "R18", "R20"):
        trials = sum(test.trials for test in tests if test.group == name)
        failures = sum(1 for test in failed if test.group == name)
        failures += bench.crash_failures if name == "R18" else 0
        figures.record(path, name, trials, failures, seconds, share)
    figures.record(path, "R10", *bench.protection, seconds)
    print("# figure R14 %d %d" % tuple(bench.confined))


def main() -> int:
    def finish(options, tests, failed, bench, seconds):
        if options.figures:
            record(options.figures, tests, failed, bench, seconds,
                   1 if options.extent == "long" else 0.1)

    return trials.run_suite("boot matrix", all_tests, finish)


if __name__ == "__main__":
    sys.exit(main())
