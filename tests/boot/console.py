#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The console as people meet it: screen, keyboard, and the machines that lack a part of it; TAP.

    screen     the screen shows what the serial log says, line by line, on every display device
    keyboard   commands typed on a PS/2 keyboard
    missing    no serial port: screen and keyboard do; no display: the log says so
    crashes    the stop screen, from a saved machine, on screen as on serial, within two seconds
    log        the order of what the console says, and totals that add up
    firmware   after a refusal the firmware goes on
"""

import os
import re
import sys
import time
from dataclasses import replace
from typing import Callable, List, Optional

import early
import hyperspace_qemu as hq
import crashes
import loader_tests
import matrix
import screen
import trials
from trials import Bench, Test, explain

PROMPT = r"^mm> \Z"
FIRST_LINE = "Hyperspace 0."
STOP_SECONDS = 2  # R18
DISPLAYS = [
    ("std 1280 x 800", ["-vga", "std"]),
    ("bochs 640 x 480", ["-vga", "none", "-device", "bochs-display,xres=640,yres=480"]),
    ("bochs 1920 x 1080", ["-vga", "none", "-device", "bochs-display,xres=1920,yres=1080"]),
    ("virtio", ["-vga", "virtio"]),
    ("cirrus", ["-vga", "cirrus"]),
    ("vmware", ["-vga", "vmware"]),
    ("qxl", ["-vga", "qxl"]),
    ("ramfb", ["-vga", "none", "-device", "ramfb"]),
]
KEYS = {" ": "spc", ".": "dot", "-": "minus", ":": "shift-semicolon", "!": "shift-1", "\n": "ret",
        "\b": "backspace", "_": "shift-minus", "/": "slash", "+": "shift-equal", "?": "shift-slash",
        "\u2190": "left", "\u2191": "up", "\u2192": "right", "\u2193": "down",
        "\u21f1": "home", "\u21f2": "end", "\u2326": "delete"}


def press(guest: hq.Guest, text: str) -> None:
    """Type on the PS/2 keyboard."""
    for character in text:
        name = KEYS.get(character, character)
        if character.isupper():
            name = "shift-" + character.lower()
        keys = [{"type": "qcode", "data": key} for key in name.split("-")]
        guest.monitor.call_last("send-key", keys=keys, **{"hold-time": 20})
        time.sleep(0.06)  # held, then a pause: as people type


def font(bench: Bench) -> screen.Font:
    return screen.read_font(os.path.join(bench.build, "font.psf"))


def compare(guest: hq.Guest, bench: Bench, name: str, since: str) -> Optional[str]:
    """None when the screen shows the end of the log, as it is from the last "since" on."""
    glyphs = font(bench)
    problem = "never looked"
    for _ in range(10):  # the screen follows the serial line
        picture = screen.dump(guest)
        log = guest.printed()
        text = log[log.rindex(since):]
        shown = screen.read_lines(picture, glyphs)
        problem = screen.difference(shown, text, screen.columns(picture, glyphs))
        if not problem:
            return None
        time.sleep(0.2)
        guest.pump(0)
    screen.save_png(picture, os.path.join(bench.logs, re.sub(r"\W+", "_", name) + ".png"))
    return problem


def scene(name: str, play: Callable[[hq.Guest, Bench], Optional[str]],
          machine: Callable[[Bench], hq.Machine]) -> Test:
    """A test that keeps the guest's log and ends the guest whatever happens."""

    def run(bench: Bench) -> Optional[str]:
        guest = early.start(machine(bench), qmp=True)
        try:
            return play(guest, bench)
        finally:
            with open(os.path.join(bench.logs, re.sub(r"\W+", "_", name) + ".log"), "w",
                      encoding="utf-8") as file:
                file.write(guest.log())
            guest.close()

    return Test(name, run, "console")


def lost(guest: hq.Guest, wanted: str) -> str:
    return "wanted %s; the log ends with:\n%s" % (wanted, guest.log()[-1000:])


# ---- screen and keyboard ----

def typed(guest: hq.Guest, text: str, answer: str) -> Optional[str]:
    """Type a line; None when the answer came and the prompt is back."""
    before = len(guest.log())
    press(guest, text + "\n")
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        guest.pump(0.2)
        log = guest.log()[before:]
        if re.search(answer, log, re.M) and re.search(PROMPT, log, re.M):
            return None
    return lost(guest, "an answer like " + answer)


def display_test(name: str, video: List[str], firmware: str) -> Test:
    def play(guest: hq.Guest, bench: Bench) -> Optional[str]:
        if not guest.wait_for(PROMPT, 60):
            return lost(guest, "the prompt")
        return compare(guest, bench, title, FIRST_LINE)

    title = "screen shows the serial log: %s %s" % (name, firmware)
    return scene(title, play, lambda bench: hq.Machine(bench.image("/RUN=report"), firmware,
                                                       video=video))


def keyboard_test(firmware: str) -> Test:
    def play(guest: hq.Guest, bench: Bench) -> Optional[str]:
        if not guest.wait_for(PROMPT, 60):
            return lost(guest, "the prompt")
        return (typed(guest, "help", r"\A *help\n  help .*this list.*\n(?:.*\n)+  Numbers are ") or
                typed(guest, "vert\b\b\b\bln 80800000", r"^\(80800000\)   nt!\w+   \|  ") or
                typed(guest, "No: Way_+?!", r'^"No:" is not a command; help lists them$') or
                typed(guest, "report", r"^\d+ passed, 0 failed$") or
                compare(guest, bench, title, FIRST_LINE) or
                ended(guest, bench))

    def ended(guest: hq.Guest, bench: Bench) -> Optional[str]:
        press(guest, ".shutdown\n")
        result = bench.keep(title, guest.finish(20))
        return None if result.outcome == "passed" else explain(result, "passed")

    title = "keyboard: help, mistakes, shifted keys and .shutdown %s" % firmware
    return scene(title, play, lambda bench: hq.Machine(bench.image("/RUN=report"), firmware))


def no_serial_test(firmware: str) -> Test:
    """Only the screen tells when to type, and only the exit status that it was understood."""

    def play(guest: hq.Guest, bench: Bench) -> Optional[str]:
        glyphs = font(bench)
        limit = time.monotonic() + 60
        text = ""
        while "\nmm>" not in text or "0 failed" not in text:
            if time.monotonic() > limit:
                return "the screen never showed the verdict and the prompt:\n" + text
            time.sleep(0.3)
            text = "\n".join(screen.read_lines(screen.dump(guest), glyphs))
        if "not ok" in text or screen.UNKNOWN in text:
            return "the screen shows:\n" + text
        press(guest, ".shutdown\n")
        try:
            status = guest.process.wait(20)
        except Exception:
            return "the machine did not end after .shutdown"
        return None if status == hq.STATUS_PASSED else "exit status %d" % status

    return scene("machine without a serial port: screen, keyboard, exit status %s" % firmware, play,
                 lambda bench: hq.Machine(bench.image("/RUN=report"), firmware, serial=False))


def no_display_test(firmware: str) -> Test:
    name = "machine without a display: the log says so and the report passes %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(matrix.REPORT), firmware,
                                             video=["-vga", "none"]))
        if not re.search(r"^ok \d+ - console: no framebuffer", result.log, re.M):
            return explain(result, "a line about the missing framebuffer")
        return None if result.outcome == "passed" else explain(result, "passed")

    return Test(name, run, "console")


# ---- stop screens ----

def stop_test(kind: str, firmware: str) -> Test:
    """From a saved machine that does not switch itself off: its stop screen stays to be looked at,
    and a key restarts it."""

    def run(bench: Bench) -> Optional[str]:
        machine = hq.Machine(bench.image("/RUN=wait"), firmware)

        def make(path: str) -> None:
            result = hq.save(machine, path)
            if result.outcome != "stopped":
                raise RuntimeError(explain(result, "READY"))

        state = bench.once("waiting " + firmware, make)
        return scene(name, play, lambda _: replace(machine, incoming=state)).run(bench)

    def play(guest: hq.Guest, bench: Bench) -> Optional[str]:
        guest.monitor.wait_status("query-status", ["paused", "postmigrate", "prelaunch"])
        guest.monitor.call("cont")
        started = time.monotonic()
        guest.send(b"crash:%s\r" % kind.encode())
        if not guest.wait_for(r"^Press a key to restart\.$", 20):
            return lost(guest, "the stop screen")
        seconds = time.monotonic() - started
        problem = compare(guest, bench, name, "\n*** Hyperspace has stopped")
        if not problem and seconds > STOP_SECONDS:
            problem = "the stop screen took %.1f s" % seconds
        if not problem:
            problem = crashes.check_crash(kind, hq.judge(hq.STATUS_BUGCHECK, guest.log()))
        if problem:
            return problem
        press(guest, "x")
        try:
            status = guest.process.wait(10)  # -no-reboot: a reset ends QEMU with status 0
        except Exception:
            return "a key did not restart the machine"
        return None if status == 0 else "exit status %d after the key" % status

    name = "stop screen on screen and serial: %s %s" % (kind, firmware)
    return Test(name, run, "console")


# ---- the log ----

ORDER = [r"^Hyperspace \d+\.\d+ \(build \S+, \S+, 32-bit paging\)$",
         r"^Firmware   .+, revision \d+\.\d+, UEFI \d\.\d, (64|32)-bit",
         r"^Boot       volume ", r"^Processor  \w{12}, ", r"^           used: TSC .*; absent: ",
         r"^Memory     \d+ runs$", r"^  [0-9a-f]{9} - [0-9a-f]{9} +\d+ KB  \w",
         r"^  total +\d+ pages +\d+ KB  free$",
         r"^Switch     .* left after \d+ ExitBootServices$",
         r"^           32-bit paging entered ", r"^ACPI       ", r"^APIC       ",
         r"^Clocks     TSC ", r"^Screen     ", r"^The boot's report$", r"^ok 1 - ",
         r"^# \d+ cycles since ", r"^1\.\.\d+$", r"^\d+ passed, 0 failed$"]
RUN = re.compile(r"^  ([0-9a-f]{9}) - ([0-9a-f]{9}) +(\d+) KB  (.+)$", re.M)
TOTAL = re.compile(r"^  total +(\d+) pages +(\d+) KB  (.+)$", re.M)


def check_order(log: str) -> Optional[str]:
    at = 0
    for pattern in ORDER:
        match = re.compile(pattern, re.M).search(log, at)
        if not match:
            return "nothing like %s follows:\n%s" % (pattern, log[:at][-300:])
        at = match.end()
    return None


def check_memory(log: str, megabytes: int, exact: bool) -> Optional[str]:
    """Runs in order, each total the sum of its runs, and together the RAM that QEMU was given but
    the 384 KB below 1 MB (and, on ia32, what the firmware keeps to itself)."""
    sums, last = {}, 0
    ram = 0
    for first, end, kilobytes, kind in RUN.findall(log):
        first, end = int(first, 16), int(end, 16) + 1
        if first < last or (end - first) // 1024 != int(kilobytes):
            return "the run at %x is out of order or has the wrong size" % first
        last = end
        sums[kind] = sums.get(kind, 0) + int(kilobytes)
        ram += int(kilobytes) if end <= megabytes << 20 else 0
    totals = {kind: int(kilobytes) for pages, kilobytes, kind in TOTAL.findall(log)
              if int(pages) * 4 == int(kilobytes)}
    if sums != totals:
        return "totals are %s, the runs add up to %s" % (totals, sums)
    missing = megabytes * 1024 - 384 - ram
    if missing < 0 or (exact and missing):
        return "%d KB of RAM are not in the map" % missing
    return None


def log_test(firmware: str) -> Test:
    name = "log: order of the console's text, and totals that add up %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(matrix.REPORT), firmware))
        if result.outcome != "passed":
            return explain(result, "passed")
        return check_order(result.log) or check_memory(result.log, 256, firmware == "x64")

    return Test(name, run, "console")


def switches_test(firmware: str) -> Test:
    """/MAXMEM= and /BURNMEMORY= withhold RAM, /SOS names what the loader does."""
    name = "log: /MAXMEM=128 leaves nothing above, /BURNMEMORY=16 takes 16 MB, /SOS tells %s" % \
        firmware

    def run(bench: Bench) -> Optional[str]:
        options = matrix.REPORT + " /MAXMEM=128"
        plain, burnt = (bench.boot(name, hq.Machine(bench.image(options + more), firmware))
                        for more in ("", " /BURNMEMORY=16 /SOS"))
        for result in (plain, burnt):
            if result.outcome != "passed":
                return explain(result, "passed")
        above = [line for line in RUN.findall(plain.log)
                 if line[3] == "free" and int(line[1], 16) >= 128 << 20]
        withheld = [int(dict((kind, kilobytes) for _, kilobytes, kind in TOTAL.findall(result.log))
                        .get("withheld by a boot switch", 0)) for result in (plain, burnt)]
        # what the loader itself allocates moves by a few pages
        if above or not 16384 <= withheld[1] - withheld[0] + 128 <= 16384 + 256:
            return "free above 128 MB: %s, withheld: %s KB" % (above, withheld)
        told = [word for word in ("  hyperspace.elf, ", "  system.reg, ", "  font.psf, ", "leaving")
                if word not in burnt.log or word in plain.log]
        return "/SOS is silent about %s" % told if told else None

    return Test(name, run, "console")


# ---- back in the firmware ----

def next_disk_test(firmware: str) -> Test:
    """The first disk has no kernel.  The loader gives the machine back as it was: the firmware
    starts the second disk, and Hyperspace comes up from there."""

    def machine(bench: Bench) -> hq.Machine:
        first = bench.image(matrix.REPORT, key="no kernel file",
                            change=loader_tests.without("hyperspace.elf"))
        second = bench.image(matrix.REPORT)
        return hq.Machine(first, firmware, extra=[
            "-drive", "id=d1,if=none,format=raw,snapshot=on,file=" + second,
            "-device", "virtio-blk-pci,drive=d1,bootindex=1"])

    def play(guest: hq.Guest, _: Bench) -> Optional[str]:
        refused = passed = False
        limit = time.monotonic() + 60
        while guest.pump(0.2) and time.monotonic() < limit:
            if not refused and re.search(r"Returning to the firmware in \d+ seconds", guest.log()):
                refused = True
                press(guest, "x")
        passed = hq.VERDICT.search(guest.log())
        if not refused or not passed or "Hyperspace cannot start: no kernel" not in guest.log():
            return lost(guest, "a refusal, then the report from the second disk")
        status = guest.process.wait(10)
        return None if status == hq.STATUS_PASSED else "exit status %d" % status

    return scene("after a refusal and a key the firmware starts the next disk %s" % firmware, play,
                 machine)


def all_tests(thorough: bool, _: int) -> List[Test]:
    tests = []
    for firmware in ("x64", "ia32"):
        tests += [keyboard_test(firmware), no_serial_test(firmware), no_display_test(firmware),
                  log_test(firmware), switches_test(firmware), next_disk_test(firmware)]
        # "screen" takes the screen away: its stop is told on the serial port alone
        tests += [stop_test(kind, firmware) for kind in crashes.CRASHES if kind != "screen"]
        tests += [display_test(*display, firmware)
                  for display in (DISPLAYS if thorough or firmware == "x64" else DISPLAYS[1:3])]
    return tests


if __name__ == "__main__":
    sys.exit(trials.run_suite("console", all_tests))
