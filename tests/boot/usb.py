#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""USB as people meet it: keyboards that are typed on, devices that come and go; TAP.

    keyboard   commands typed on a USB keyboard, on the root and behind a hub, without a PS/2 one
    plug       a keyboard and a stick that are plugged in while the machine runs
    speeds     the boot stick at high speed; matrix.py boots it at super and at full speed
    slow       a stick that answers too late: time limits, reset recovery, and it works again
    unplug     the boot stick goes in the middle of reads: statuses, no hang; another one works
"""

import re
import sys
import time
from typing import List, Optional

import hyperspace_qemu as hq
import trials
from console import PROMPT, lost, scene, typed
from trials import Bench, Test

HOST = ["-device", "qemu-xhci,id=u"]
NO_PS2 = ["-machine", "i8042=off"]
HUB = ["-device", "usb-hub,bus=u.0,port=1"]
HELP = r"\A *help\n  help .*this list.*\n(?:.*\n)+  Numbers are "


def said(guest: hq.Guest, pattern: str, since: int, seconds: float) -> bool:
    """Whether the log behind since matches within that time."""
    limit = time.monotonic() + seconds
    while not re.search(pattern, guest.log()[since:], re.M):
        if time.monotonic() > limit or not guest.pump(0.2):
            return bool(re.search(pattern, guest.log()[since:], re.M))
    return True


def shutdown(guest: hq.Guest, bench: Bench, name: str, wanted: str = "passed") -> Optional[str]:
    guest.send(b".shutdown\r")
    result = bench.keep(name, guest.finish(20))
    return None if result.outcome == wanted else trials.explain(result, wanted)


# ---- keyboards ----

def keyboard_test(firmware: str, behind_hub: bool) -> Test:
    name = "USB keyboard%s: help, mistakes, shifted keys %s" % (
        " behind a hub" if behind_hub else "", firmware)
    port = "1.2" if behind_hub else "2"

    def play(guest: hq.Guest, bench: Bench) -> Optional[str]:
        if not guest.wait_for(PROMPT, 60):
            return lost(guest, "the prompt")
        if not re.search(r"^USB +xhci0 port \d+%s: keyboard$" % (r"\.2" if behind_hub else ""),
                         guest.log(), re.M):
            return lost(guest, "a keyboard that is told")
        return (typed(guest, "help", HELP) or
                typed(guest, "vert\b\b\b\bln 80800000", r"^\(80800000\)   nt!\w+   \|  ") or
                typed(guest, "No: Way_+?!", r'^"No:" is not a command; help lists them$') or
                shutdown(guest, bench, name))

    return scene(name, play, lambda bench: hq.Machine(
        bench.image("/RUN=report"), firmware,
        extra=[*NO_PS2, *HOST, *(HUB if behind_hub else []),
               "-device", "usb-kbd,bus=u.0,port=" + port]))


def plug_keyboard_test(firmware: str) -> Test:
    name = "USB keyboard plugged in, pulled out, plugged in again %s" % firmware

    def plugged(guest: hq.Guest, number: int) -> Optional[str]:
        before = len(guest.log())
        guest.monitor.call("device_add", driver="usb-kbd", bus="u.0", id="k%d" % number)
        if not said(guest, r"^USB +xhci0 port \d+: keyboard$", before, 10):
            return lost(guest, "the keyboard that was plugged in")
        return typed(guest, "help", HELP)

    def pulled(guest: hq.Guest, number: int) -> Optional[str]:
        before = len(guest.log())
        guest.monitor.call("device_del", id="k%d" % number)
        return None if said(guest, r"^USB +xhci0 port \d+: 0627:0001 is gone$", before, 10) else \
            lost(guest, "the keyboard that was pulled out")

    def play(guest: hq.Guest, bench: Bench) -> Optional[str]:
        if not guest.wait_for(PROMPT, 60):
            return lost(guest, "the prompt")
        return (plugged(guest, 0) or pulled(guest, 0) or plugged(guest, 1) or
                shutdown(guest, bench, name))

    return scene(name, play, lambda bench: hq.Machine(bench.image("/RUN=report"), firmware,
                                                      extra=[*NO_PS2, *HOST]))


# ---- sticks ----

def unplug_test(firmware: str) -> Test:
    """The disk answers so slowly that the report's eight reads are under way when it goes."""
    name = "USB stick pulled out during reads, another plugged in %s" % firmware
    gone = r"^USB +xhci0 port \d+: 46f4:0001 is gone$"

    def report(guest: hq.Guest, answer: str) -> Optional[str]:
        before = len(guest.log())
        guest.send(b"report\r")
        return None if said(guest, answer, before, 30) and \
            said(guest, r"^\d+ passed, \d+ failed$(?:.*\n)+mm> \Z", before, 30) else \
            lost(guest, answer)

    def play(guest: hq.Guest, bench: Bench) -> Optional[str]:
        if not guest.wait_for(PROMPT, 60):
            return lost(guest, "the prompt")
        before = len(guest.log())
        guest.monitor.call("block_set_io_throttle", device="d0", bps=0, bps_rd=0, bps_wr=0, iops=1,
                           iops_rd=0, iops_wr=0)
        guest.send(b"report\r")
        if not said(guest, r"^ok \d+ - disk usb0: the boot volume", before, 30):
            return lost(guest, "the report's lines of the disk")
        guest.monitor.call("device_del", id="disk0")
        if not said(guest, gone, before, 10):
            return lost(guest, "the stick that was pulled out")
        if not said(guest, r"^not ok \d+ - disk usb0: (?:.*\n)+mm> \Z", before, 20):
            return lost(guest, "reads that failed, and the prompt")
        return (report(guest, r"^# disk: the boot volume is on none of the disks") or
                another(guest) or
                report(guest, r"^# disk: the boot volume is on none of the disks: usb0 is gone$") or
                shutdown(guest, bench, name, "failed"))

    def another(guest: hq.Guest) -> Optional[str]:
        before = len(guest.log())
        guest.monitor.call("device_add", driver="usb-storage", bus="x.0", drive="d1", id="second")
        return None if said(guest, r"^ +usb1: \d+ sectors of 512 bytes", before, 10) else \
            lost(guest, "the stick that was plugged in")

    def machine(bench: Bench) -> hq.Machine:
        image = bench.image("/RUN=report")
        return hq.Machine(image, firmware, "usb", extra=[
            "-drive", "id=d1,if=none,format=raw,snapshot=on,file=" + image])

    return scene(name, play, machine)


def slow_test(firmware: str) -> Test:
    """A read takes longer than its limit of 10 s, each time that it is tried.  Not much longer:
    QEMU stands still when it is told to forget a request that it holds back."""
    name = "USB stick that answers too late %s" % firmware

    def throttle(guest: hq.Guest, bytes_a_second: int) -> None:
        guest.monitor.call("block_set_io_throttle", device="d0", bps=bytes_a_second, bps_rd=0,
                           bps_wr=0, iops=0, iops_rd=0, iops_wr=0)

    def play(guest: hq.Guest, bench: Bench) -> Optional[str]:
        if not guest.wait_for(PROMPT, 60):
            return lost(guest, "the prompt")
        before = len(guest.log())
        throttle(guest, 40)
        guest.send(b"report\r")
        if not said(guest, r"^not ok \d+ - disk usb0: .* status c00000b5$", before, 90):
            return lost(guest, "a read that timed out")
        throttle(guest, 0)
        if not said(guest, r"^\d+ passed, \d+ failed$(?:.*\n)+mm> \Z", before, 60):
            return lost(guest, "the prompt after the time limit")
        before = len(guest.log())
        guest.send(b"report\r")
        if not said(guest, r"^ok \d+ - disk usb0: 8 reads ", before, 60):
            return lost(guest, "a disk that works again")
        return shutdown(guest, bench, name, "failed")

    return scene(name, play, lambda bench: hq.Machine(bench.image("/RUN=report"), firmware, "usb"))


def speed_test(firmware: str, speed: str, ports: List[str]) -> Test:
    name = "USB boot stick at %s speed %s" % (speed, firmware)

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(trials.REPORT), firmware, "usb",
                                             extra=ports))
        if result.outcome != "passed" or "8 reads of 4096 bytes at once" not in result.log:
            return trials.explain(result, "passed, with reads of the disk")
        return None

    return Test(name, run, "usb")


def all_tests(thorough: bool, _: int) -> List[Test]:
    tests = []
    for firmware in ("x64", "ia32") if thorough else ("x64",):
        tests += [keyboard_test(firmware, False), keyboard_test(firmware, True),
                  plug_keyboard_test(firmware), unplug_test(firmware),
                  speed_test(firmware, "high", ["-global", "qemu-xhci.p3=0"])]
        tests += [slow_test(firmware)] if thorough else []
    return tests


if __name__ == "__main__":
    sys.exit(trials.run_suite("usb", all_tests))
