# SPDX-License-Identifier: MIT
"""Bug checks on purpose: what each kind must show, booted and from a saved machine."""

import os
import re
from typing import List, Optional

import early
import hyperspace_qemu as hq
import trials
from trials import Bench, Test, explain

ANY = "0x[0-9A-Fa-f]{8}"
NONE = "0x00000000"
CODE = "0x808[0-9A-Fa-f]{5}"  # in the kernel's image
POOL = "0xE17FF000"  # where crash.c touches what is not mapped
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
    "unmapped": ("0x00000050", (POOL, NONE, CODE, "0x00000002"), "PAGE_FAULT_IN_NONPAGED_AREA"),
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
        guest = early.start(hq.Machine(bench.image("/RUN=wait,shutdown"), firmware, cpu="qemu64"),
                            qmp=True)
        if guest.wait_for(r"^READY\s*$", 60):
            guest.monitor.call_last("human-monitor-command", **inject)
        result = bench.keep(name, guest.finish(20))
        wanted = ("0x0000009C", "0x00000001", "0xB2000000", "0x00000005")
        found = result.stop[:2] + result.stop[3:]
        return None if found == wanted else explain(result, "bug check 9C of bank 1")

    return Test(name, run, "R18")
