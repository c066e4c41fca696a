#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the image in many configurations; each boot is a test, told in TAP.

    boots     firmware x memory x disk, all combinations; layout, FAT and CPU in pairs (R16, R10)
    crashes   every provoked bug check, its code and parameters (R18)
    loader    every way in which the loader refuses or complains
    restored  crashes from a saved machine, many times (R18)
    repeat    the same seed gives the same events, three times (R20)

"quick" is a tenth of the figures, for make test; "long" is all of it.
"""

import hashlib
import itertools
import os
import random
import re
import struct
import subprocess
import sys
import time
from typing import Callable, List, Optional

import figures
import hyperspace_qemu as hq
import trials
from configurations import CPUS, QUICK_DISKS, configurations
from crashes import CRASHES, core_kinds, crash_test, machine_check_test, restored_test
from trials import MAKE_IMAGE, Bench, Test, explain

REPORT = "/RUN=report,shutdown"

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
    "MDL: 12288 bytes of paged pool", "contiguous memory: ", "balance: 0 frames"]
PROTECTION = re.compile(r"^(not ok|ok) \d+ - (?:protection audit|probe)\b", re.M)


# ---- boots ----

def boot_test(c: dict) -> Test:
    name = "boot %(firmware)s %(disk)s %(memory)d MB %(layout)s FAT%(fat)s %(cpu)s" % c

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT, c["layout"], c["fat"])
        result = bench.boot(name, hq.Machine(image, c["firmware"], c["disk"], c["memory"],
                                             c["cpu"]))
        audit = PROTECTION.findall(result.log)
        with bench.lock:
            bench.protection[0] += bool(audit)
            bench.protection[1] += "not ok" in audit
        if result.outcome != "passed":
            return explain(result, "passed")
        missing = [stop for stop in REPORT_STOPS
                   if not re.search(r"^ok \d+ - " + re.escape(stop), result.log, re.M)]
        if c["cpu"] == "max":
            missing += [stop for stop in ("supervisor read of", "supervisor fetch from")
                        if "probe: %s a user page gives" % stop not in result.log]
        return "the report lacks " + ", ".join(missing) if missing else None

    return Test(name, run, "R16")


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


# ---- the loader's refusals and complaints ----

def as_directory(name: str) -> Callable[[hq.Image], None]:
    """The name is there and is no file: it cannot be read."""
    def change(image: hq.Image) -> None:
        image.delete(name)
        volume = "%s@@%d" % (image.path, hq.data_offset(image.path))
        subprocess.run(["mmd", "-i", volume, "::" + name], check=True)

    return change


def without(name: str) -> Callable[[hq.Image], None]:
    return lambda image: image.delete(name)


def truncated_kernel(image: hq.Image) -> None:
    """The file ends 16 bytes before its last loaded byte."""
    data = image.read("hyperspace.elf")
    (offset,) = struct.unpack_from("<I", data, 28)
    (count,) = struct.unpack_from("<H", data, 44)
    headers = [struct.unpack_from("<5I", data, offset + 32 * n) for n in range(count)]
    end = max(start + length for kind, start, _, _, length in headers if kind == 1)
    image.write("hyperspace.elf", data[:end - 16])


def headless_kernel(image: hq.Image) -> None:
    image.write("hyperspace.elf", image.read("hyperspace.elf")[:40])


def patched_kernel(offset: int, value: bytes) -> Callable[[hq.Image], None]:
    def change(image: hq.Image) -> None:
        data = bytearray(image.read("hyperspace.elf"))
        data[offset:offset + len(value)] = value
        image.write("hyperspace.elf", bytes(data))

    return change


def misplaced_kernel(image: hq.Image) -> None:
    """The first segment is said to go to address 0."""
    data = bytearray(image.read("hyperspace.elf"))
    (headers,) = struct.unpack_from("<I", data, 28)
    struct.pack_into("<I", data, headers + 8, 0)
    image.write("hyperspace.elf", bytes(data))


REFUSALS = [
    ("kernel that is a directory", as_directory("hyperspace.elf"),
     r"hyperspace\.elf is a directory"),
    ("no kernel file", without("hyperspace.elf"), r"hyperspace\.elf"),
    ("truncated kernel", truncated_kernel, r"hyperspace\.elf"),
    ("kernel of 40 bytes", headless_kernel, r"hyperspace\.elf"),
    ("kernel that is no ELF file", patched_kernel(0, b"MZ\x90\0"), r"hyperspace\.elf"),
    ("kernel for another CPU", patched_kernel(18, b"\x3e\0"), r"hyperspace\.elf"),
    ("kernel segment at address 0", misplaced_kernel, r"hyperspace\.elf"),
]


def refusal_test(name: str, change: Callable, words: str, firmware: str) -> Test:
    title = "loader refuses: %s %s" % (name, firmware)

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT, key=name, change=change)
        result = bench.boot(title, hq.Machine(image, firmware))
        if result.outcome != "loader" or not re.search(words, result.reason, re.I):
            return explain(result, "a loader failure about " + words)
        return None

    return Test(title, run, "loader")


def small_machine_test(firmware: str) -> Test:
    """The least memory with which OVMF starts a loader at all."""
    name = "loader refuses: a machine with hardly any memory %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        memory = {"x64": 48, "ia32": 56}[firmware]
        result = bench.boot(name, hq.Machine(bench.image(REPORT), firmware, memory=memory))
        if result.outcome != "loader" or "too little memory" not in result.reason:
            return explain(result, "a loader failure about too little memory")
        return None

    return Test(name, run, "loader")


def maxmem_test(firmware: str) -> Test:
    name = "loader refuses: too little memory %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT + " /MAXMEM=8"), firmware))
        if result.outcome != "loader" or "memory" not in result.reason:
            return explain(result, "a loader failure about memory")
        return None

    return Test(name, run, "loader")


# What the kernel cannot do without, as far as the firmware itself can: 64-bit OVMF hangs without
# CMOV, 32-bit OVMF without APIC.
CPU_LACKS = {
    "x64": [("tsc", "TSC|time-stamp"), ("cx8", "CX8|CMPXCHG8B"), ("apic", "APIC")],
    "ia32": [("tsc", "TSC|time-stamp"), ("cx8", "CX8|CMPXCHG8B"), ("cmov", "CMOV")],
}


def cpu_test(feature: str, words: str, firmware: str) -> Test:
    name = "loader refuses: CPU without %s %s" % (feature.upper(), firmware)

    def run(bench: Bench) -> Optional[str]:
        cpu = "%s,-%s" % (hq.DEFAULT_CPU[firmware], feature)
        result = bench.boot(name, hq.Machine(bench.image(REPORT), firmware, cpu=cpu))
        if result.outcome != "loader" or not re.search(words, result.reason):
            return explain(result, "a loader failure about " + words)
        return None

    return Test(name, run, "loader")


def secure_boot_test() -> Test:
    name = "firmware refuses: Secure Boot is on"

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT), "secure"))
        return None if result.outcome == "refused" else explain(result, "refused")

    return Test(name, run, "loader")


def with_bad_line(name: str, file: str, header: str, bad: str) -> Callable[[str], Test]:
    """A file with one bad line below a header: a complaint names it, and the boot passes."""
    lines: List[int] = []

    def change(image: hq.Image) -> None:
        text = image.read(file).decode("latin-1").split("\n")
        number = [header in line for line in text].index(True) + 1
        text.insert(number, bad + "\r" * text[0].endswith("\r"))
        lines.append(number + 1)
        image.write(file, "\n".join(text).encode("latin-1"))

    def test(firmware: str) -> Test:
        title = "loader complains: %s %s" % (name, firmware)

        def run(bench: Bench) -> Optional[str]:
            image = bench.image(REPORT, key=name, change=change)
            result = bench.boot(title, hq.Machine(image, firmware))
            complaint = "%s line %d: " % (file, lines[0])
            if complaint not in result.log:
                return explain(result, "the complaint " + complaint)
            return None if result.outcome == "passed" else explain(result, "passed")

        return Test(title, run, "loader")

    return test


def with_said(name: str, change: Callable, sentence: str, configuration: str = "") -> Callable:
    """A file that may be missing is: a sentence says so, and the boot passes all the same."""
    def test(firmware: str) -> Test:
        title = "loader goes on: %s %s" % (name, firmware)

        def run(bench: Bench) -> Optional[str]:
            image = bench.image(REPORT, key=name, change=change)
            result = bench.boot(title, hq.Machine(image, firmware))
            if sentence + "\n" not in result.log:
                return explain(result, "the sentence: " + sentence)
            if not re.search(r"^ok \d+ - configuration: .*" + configuration, result.log, re.M):
                return explain(result, "a configuration line with: " + configuration)
            return None if result.outcome == "passed" else explain(result, "passed")

        return Test(title, run, "loader")

    return test


def no_boot_ini_test(firmware: str) -> Test:
    """Nothing says what to run: the report, then the prompt, where the bench ends the machine."""
    name = "loader goes on: no boot.ini %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT, key=name, change=without("boot.ini"))
        guest = hq.Guest(hq.Machine(image, firmware))
        ended = guest.wait_for(hq.VERDICT.pattern, 60)
        result = bench.keep(name, guest.end(("stopped", "at the prompt") if ended else None))
        verdict = hq.VERDICT.search(result.log)
        wanted = ("boot.ini is not there: every switch has its default\n",
                  "configuration: boot.ini absent, defaults hold")
        if not verdict or verdict.group(2) != "0" or any(w not in result.log for w in wanted):
            return explain(result, "a report that passes without boot.ini")
        return None

    return Test(name, run, "loader")


COMPLAINTS = [
    with_bad_line("boot.ini line without sense behind the entries", "boot.ini", "/RUN=",
                  "neither does this one"),
    with_said("no system.reg", without("system.reg"),
              "system.reg is not there: every value has its default",
              "system.reg absent, defaults hold, 0 values"),
    with_said("system.reg cannot be read", as_directory("system.reg"),
              "system.reg is a directory: every value has its default",
              "system.reg absent, defaults hold, 0 values"),
    with_said("font cannot be read", as_directory("font.psf"),
              "font.psf is a directory: going on without it"),
    with_said("no font", without("font.psf"),
              "font.psf is not there: going on without it"),
    no_boot_ini_test,
    with_bad_line("boot.ini line without sense", "boot.ini", "[boot loader]",
                  "this line says nothing"),
    with_bad_line("system.reg value without sense", "system.reg", "\\Memory Management]",
                  '"PagedPoolSize"=dword:wxyz'),
]


def unknown_switch_test(firmware: str) -> Test:
    name = "loader complains: unknown switch %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT + " /NONSENSE=1"), firmware))
        if not re.search(r"boot\.ini line \d+: .*NONSENSE", result.log):
            return explain(result, "boot.ini line N: ... NONSENSE")
        return None if result.outcome == "passed" else explain(result, "passed")

    return Test(name, run, "loader")


# ---- reproducibility ----

def events(log: str) -> str:
    """The log from our first line on.  Figures with a unit of time are measurements and entropy is
    meant to differ; neither is an event."""
    start = re.search(r"^.*Hyperspace", log, re.M)
    text = log[start.start():] if start else log
    text = re.sub(r"(?<=entropy: )\d+", "#", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "#", text)
    return re.sub(r"\d[\d,.]*(?= ?(ns|us|ms|s|kHz|MHz|GHz|Hz|cycles|instructions|ticks)\b)",
                  "#", text)


def repeat_test(seed: int) -> Test:
    generator = random.Random(seed)
    firmware = generator.choice(sorted(CPUS))
    memory = generator.randrange(64, 1024, 16)
    disk = generator.choice(QUICK_DISKS)
    name = "same events 3 times: seed %d, %s %s %d MB" % (seed, firmware, disk, memory)

    def run(bench: Bench) -> Optional[str]:
        machine = hq.Machine(bench.image(REPORT), firmware, disk, memory, icount="4")
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
    tests = [repeat_test(seed + number) for number in range(20 if thorough else 2)]
    tests.append(same_bytes_test())
    tests += [boot_test(c) for c in configurations(thorough, seed)]
    for firmware in firmwares:
        tests += [crash_test(kind, firmware) for kind in CRASHES]
        tests += [restored_test(kind, firmware, times) for kind in CRASHES]
        tests += [restored_test(kind, firmware, times, True) for kind in core_kinds()]
        tests += [refusal_test(*refusal, firmware) for refusal in REFUSALS]
        tests += [test(firmware) for test in COMPLAINTS]
        tests += [unknown_switch_test(firmware), maxmem_test(firmware)]
        tests.append(small_machine_test(firmware))
        tests += [again_test(firmware), screens_test(firmware), machine_check_test(firmware),
                  clock_test(firmware)]
        tests += [cpu_test(*lack, firmware) for lack in CPU_LACKS[firmware]]
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


def main() -> int:
    def finish(options, tests, failed, bench, seconds):
        if options.figures:
            record(options.figures, tests, failed, bench, seconds,
                   1 if options.extent == "long" else 0.1)

    return trials.run_suite("boot matrix", all_tests, finish)


if __name__ == "__main__":
    sys.exit(main())
