# SPDX-License-Identifier: MIT
"""Machines that begin where the firmware has set itself up and has read no disk yet.

Most of a boot OVMF looks for a TPM: the register at FED40000 that tells whether there is one reads
as zero where QEMU has nothing, which means "in a moment", and so it polls for three times 750 ms.
Nothing of that depends on the disk.  So a machine that is asked for again is saved once at that
point, and begins there with whatever image its test has.

Counting instructions the wait costs more than all the rest together; it is passed with fewer,
longer instructions (-icount shift=10), before any that counts.  Machine.cold asks for all of it.
"""

import atexit
import os
import re
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from typing import Callable, Dict, Optional

import hyperspace_qemu as hq

LIMITS = (0x7FF, 0xFFF)  # of the IDT that CpuDxe makes: 256 gates of 32 or of 64 bits
TRIES = 3


class Lobby:
    """The saved machines, by their hardware."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.locks: Dict[str, threading.Lock] = {}
        self.asked: Dict[str, int] = {}
        self.states: Dict[str, str] = {}
        self.folder = ""

    def state(self, machine: hq.Machine) -> str:
        """The file to begin with; "" begins with power-on."""
        if (machine.cold or machine.incoming or machine.extra or machine.keys
                or machine.disk == "nvme" or machine.memory > 1024  # NVMe: QEMU cannot save it
                or machine.icount not in ("", "0") or machine.program != hq.QEMU):
            return ""
        machine = replace(machine, writable=False, write_log="", errors={}, throttle="")
        hardware = " ".join(replace(machine, image="").command())
        with self.lock:
            if not self.folder:
                self.folder = tempfile.mkdtemp(prefix="hyperspace-early-")
                atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
            self.asked[hardware] = self.asked.get(hardware, 0) + 1
            if self.asked[hardware] == 1 and not machine.icount:
                return ""
            lock = self.locks.setdefault(hardware, threading.Lock())
        with lock:
            if hardware not in self.states:
                path = os.path.join(self.folder, str(len(self.states)) + "-" + machine.disk)
                self.states[hardware] = make(machine, path)
            return self.states[hardware]


def make(machine: hq.Machine, path: str) -> str:
    """Save that machine; "" when the firmware was always faster than we looked."""
    for _ in range(TRIES):
        guest = hq.Guest(replace(machine, icount="10" if machine.icount else ""), qmp=True)
        try:
            if saved(guest, path):
                return path
        finally:
            guest.close()
    print("# no machine saved: the firmware read the disk too early")
    return ""


def saved(guest: hq.Guest, path: str) -> bool:
    """Wait for the point, and save there; False when it was missed."""
    limit = time.monotonic() + 90
    while interrupt_limit(guest) not in LIMITS:
        if time.monotonic() > limit:
            raise RuntimeError("the firmware does not come to its drivers")
        time.sleep(0.005)
    guest.monitor.call("stop")
    for device in guest.monitor.call("query-blockstats"):
        if device.get("device") == "d0" and device["stats"]["rd_operations"]:
            return False
    guest.monitor.call("migrate", uri="exec:cat > '%s'" % path)
    guest.monitor.wait_status("query-migrate", ["completed"])
    return True


def interrupt_limit(guest: hq.Guest) -> int:
    text = guest.monitor.call("human-monitor-command", **{"command-line": "info registers"})
    found = re.search(r"^IDT= *[0-9a-f]+ ([0-9a-f]+)", str(text), re.M)
    return int(found.group(1), 16) if found else 0


LOBBY = Lobby()


def start(machine: hq.Machine, qmp: bool = False,
          echo: Optional[Callable[[bytes], None]] = None) -> hq.Guest:
    """A running guest, from a saved machine where there is one."""
    state = LOBBY.state(machine)
    if not state:
        return hq.Guest(machine, qmp, echo)
    guest = hq.Guest(replace(machine, incoming=state), True, echo)
    try:
        guest.monitor.wait_status("query-status", ["paused", "postmigrate", "prelaunch"])
        guest.monitor.call("cont")
    except BaseException:
        guest.close()
        raise
    return guest


def boot(machine: hq.Machine, timeout: float = 60) -> hq.Result:
    """Start, wait for the end, judge."""
    return start(machine).finish(timeout)
