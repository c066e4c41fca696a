#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the image in many configurations; each boot is a test, told in TAP.

    boots     firmware x memory x disk, all combinations; layout, FAT and CPU in pairs (R16, R10)
    crashes   every provoked bug check, its code and parameters (R18)
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
from typing import List, Optional

import figures
import hyperspace_qemu as hq
import trials
from configurations import CPUS, QUICK_DISKS, configurations
from loader_tests import loader_tests, secure_boot_test
from trials import MAKE_IMAGE, REPORT, Bench, Test, explain

# ---- what is tried ----

ANY = "0x[0-9A-Fa-f]{8}"
NONE = "0x00000000"
CODE = "0x808[0-9A-Fa-f]{5}"  # in the kernel's image
POOL = "0xE1000000"  # where crash.c touches what is not mapped
# kind: (code, four parameters as patterns, name)
CRASHES = {
    "null": ("0x0000001E", ("0xC0000005", CODE, NONE, "0x00000008"),
             "KMODE_EXCEPTION_NOT_HANDLED"),
    "readonly": ("0x000000BE", ("0x80800000", "0x0[0-9A-Fa-f]{7}", NONE, NONE),
                 "ATTEMPTED_WRITE_TO_READONLY_MEMORY"),
    "stack": ("0x0000007F", ("0x00000008", ANY, NONE, NONE), "UNEXPECTED_KERNEL_MODE_TRAP"),
    "divide": ("0x0000007F", (NONE, NONE, CODE, NONE), "UNEXPECTED_KERNEL_MODE_TRAP"),
    "opcode": ("0x0000007F", ("0x00000006", NONE, CODE, NONE), "UNEXPECTED_KERNEL_MODE_TRAP"),
    "irql": ("0x0000000A", (POOL, "0x00000002", NONE, CODE), "IRQL_NOT_LESS_OR_EQUAL"),
    "handler": ("0x0000000A", (ANY, "0x0000001C", NONE, CODE), "IRQL_NOT_LESS_OR_EQUAL"),
    "screen": ("0x000000E2", ("0x00000002", NONE, NONE, NONE), "MANUALLY_INITIATED_CRASH"),
    "unmapped": ("0x00000050", (POOL, NONE, CODE, NONE), "PAGE_FAULT_IN_NONPAGED_AREA"),
    "raise": ("0x00000009", ("0x00000002", "0x00000001", NONE, CODE), "IRQL_NOT_GREATER_OR_EQUAL"),
    "lower": ("0x0000000A", (NONE, "0x00000002", NONE, CODE), "IRQL_NOT_LESS_OR_EQUAL"),
    "esp": ("0x0000007F", ("0x00000008", ANY, NONE, NONE), "UNEXPECTED_KERNEL_MODE_TRAP"),
    "nested": ("0x000000E2", ("0x00000001", NONE, NONE, NONE), "MANUALLY_INITIATED_CRASH"),
    "breakpoint": ("0x0000001E", ("0x80000003", CODE, NONE, NONE), "KMODE_EXCEPTION_NOT_HANDLED"),
    "nmi": ("0x00000080", ("0x004F4454", NONE, NONE, NONE), "NMI_HARDWARE_FAILURE"),
    "manual": ("0x000000E2", (NONE, NONE, NONE, NONE), "MANUALLY_INITIATED_CRASH"),
}
# The core's own kinds: each says in advance which stop it deserves.
KINDS_SOURCE = os.path.join(os.path.dirname(__file__), "../../mm/inspect/crash_memory.c")
EXPECTED = re.compile(r"^# expected: STOP (0x[0-9A-F]{8}) \((\S+), (\S+), (\S+), (\S+)\)\s*$", re.M)
# What follows the stop line, whatever the kind.
STOP_PARTS = [
    ("registers",
     re.compile(r"^eax=[0-9a-f]{8} ebx=.* edi=[0-9a-f]{8}\neip=[0-9a-f]{8} esp=[0-9a-f]{8} "
                r"ebp=[0-9a-f]{8} efl=[0-9a-f]{8} irql=\d+\ncs=0008 ss=0010 ", re.M)),
    ("control registers",
     re.compile(r"^cr0=8[0-9a-f]{7} cr2=[0-9a-f]{8} cr3=[0-9a-f]{5}000 cr4=[0-9a-f]{8}$", re.M)),
    ("a stack trace with function names, from KiCrash to the start",
     re.compile(r"^ChildEBP RetAddr\n(?:FRAME\w[\w.]*\+0x[0-9a-f]+\n)*"
                r"FRAMEKiCrash\+0x[0-9a-f]+\n(?:FRAME\w[\w.]*\+0x[0-9a-f]+\n)*"
                r"[0-9a-f]{8} 00000000 KiSystemStartup\+0x[0-9a-f]+\n"
                .replace("FRAME", "[0-9a-f]{8} [0-9a-f]{8} "), re.M)),
]
# The innermost function of each trace that does not begin in KeBugCheckEx's caller.
CULPRITS = {
    "null": "KipReadNull", "readonly": "KipWriteCode", "stack": "KipRecurse",
    "divide": "KipDivide", "opcode": "KipOpcode", "irql": "KipTouchAtDispatch",
    "handler": "Kip(FaultyHandler|ReadNull)", "unmapped": "KipReadUnmapped", "esp": "KipLoseStack",
    "breakpoint": "KipBreakpoint",
}
# A crash inside the stop screen: its stack trace is what fails.
NESTED = re.compile(r"^ChildEBP RetAddr\n\n\*\*\* STOP: 0x00000050 while stopping$", re.M)
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


# ---- crashes ----

def check_crash(kind: str, result: hq.Result) -> Optional[str]:
    """None when the stop screen is the one documented for that kind."""
    code, parameters, name = CRASHES[kind]
    if result.outcome != "bugcheck":
        return explain(result, "a bug check")
    if result.status != hq.STATUS_BUGCHECK:
        return explain(result, "exit status %d" % hq.STATUS_BUGCHECK)
    if not result.stop or result.stop[0] != code:
        return explain(result, "code " + code)
    for number, pattern in enumerate(parameters, 1):
        if not re.fullmatch(pattern, result.stop[number]):
            return explain(result, "parameter %d like %s" % (number, pattern))
    if not re.search(r"^\W*%s\W*$" % name, result.log, re.M):
        return explain(result, "a line " + name)
    screen = result.log[result.log.index("*** STOP"):]
    for part, pattern in STOP_PARTS[:2] if kind == "nested" else STOP_PARTS:
        if not pattern.search(screen):
            return explain(result, part)
    culprit = CULPRITS.get(kind)
    if culprit and not re.search(r"^ChildEBP RetAddr\n[0-9a-f]{8} [0-9a-f]{8} %s[.+]" % culprit,
                                 screen, re.M):
        return explain(result, "a stack trace that begins in " + culprit)
    if kind == "nested" and not NESTED.search(screen):
        return explain(result, "the second stop's own line")
    return None


def core_kinds() -> List[str]:
    """The kinds that the core provokes, as its source lists them."""
    with open(KINDS_SOURCE, encoding="utf-8") as source:
        listed = re.search(r"MmCrashKinds\[\] =\s*((?:\"[^\"]*\"\s*)+);", source.read())
    return " ".join(re.findall(r'"([^"]*)"', listed.group(1))).split()


def check_core_crash(result: hq.Result) -> Optional[str]:
    """The stop is the announced one, all four parameters."""
    expected = EXPECTED.search(result.log)
    if result.outcome != "bugcheck" or result.status != hq.STATUS_BUGCHECK or not result.stop:
        return explain(result, "a bug check")
    if not expected:
        return explain(result, "a line that says which bug check is to come")
    for number, (wanted, found) in enumerate(zip(expected.groups(), result.stop)):
        if wanted not in ("any", found):
            return explain(result, "%s as %s" % (
                "parameter %d" % number if number else "the code", wanted))
    screen = result.log[result.log.index("*** STOP"):]
    for part, pattern in STOP_PARTS[:2]:
        if not pattern.search(screen):
            return explain(result, part)
    return None


def crash_test(kind: str, firmware: str) -> Test:
    name = "crash %s %s" % (kind, firmware)

    def run(bench: Bench) -> Optional[str]:
        image = bench.image("/RUN=crash:%s,shutdown" % kind)
        return check_crash(kind, bench.boot(name, hq.Machine(image, firmware)))

    return Test(name, run, "R18")


def restored_test(kind: str, firmware: str, times: int, core: bool = False) -> Test:
    name = "crash %s %s, %d times from a saved machine" % (kind, firmware, times)

    def run(bench: Bench) -> Optional[str]:
        machine = hq.Machine(bench.image("/RUN=wait,shutdown"), firmware)

        def make(path: str) -> None:
            result = hq.save(machine, path)
            if result.outcome != "stopped":
                raise RuntimeError(explain(result, "READY"))

        state = bench.once("state " + firmware, make)
        bad = []
        for _ in range(times):
            result = hq.restore(machine, state, "crash:%s,shutdown" % kind)
            problem = check_core_crash(result) if core else check_crash(kind, result)
            if problem:
                bench.keep(name, result)
                bad.append(problem)
            if bench.hangs >= trials.HANGS:
                break
        with bench.lock:
            bench.crash_failures += max(0, len(bad) - 1)  # the first is this test's own
        return "%d of %d: %s" % (len(bad), times, bad[0]) if bad else None

    return Test(name, run, "R18", times)


def machine_check_test(firmware: str) -> Test:
    """QEMU raises a machine check in the waiting guest; had it not enabled them, it would reset."""
    name = "machine check %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        # bank 1; MCG_STATUS is MCIP, "in progress", as a processor sets it
        inject = {"command-line": "mce 0 1 0xb200000000000005 4 0 0"}
        guest = hq.Guest(hq.Machine(bench.image("/RUN=wait,shutdown"), firmware, cpu="qemu64"),
                         qmp=True)
        if guest.wait_for(r"^READY\s*$", 60):
            guest.monitor.call_last("human-monitor-command", **inject)
        result = bench.keep(name, guest.finish(20))
        wanted = ("0x0000009C", "0x00000001", "0xB2000000", "0x00000005")
        found = result.stop[:2] + result.stop[3:]
        return None if found == wanted else explain(result, "bug check 9C of bank 1")

    return Test(name, run, "R18")


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
        tests += loader_tests(firmware)
        tests += [again_test(firmware), screens_test(firmware), machine_check_test(firmware),
                  clock_test(firmware)]
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
