# SPDX-License-Identifier: MIT
"""Start Hyperspace in QEMU and say how it ended.

Three ideas, used by everything else here:

  Machine  a configuration; knows its QEMU command line and nothing else
  Guest    one running QEMU: serial bytes in and out, QMP, and the end of the run
  Result   how it ended, decided by judge(), a pure function of status and serial log

A guest passes when it says so twice: by its exit status (isa-debug-exit) and by the line
"N passed, 0 failed" that agrees with its TAP lines.  All else is a failure with a reason.  QEMU's
own status 0 is never success: a triple fault and a power-off both give it.
"""

import atexit
import json
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass, field, replace
from typing import Callable, List, Optional, Sequence, Tuple

QEMU = "qemu-system-x86_64"
OVMF = "/usr/share/OVMF/"
FIRMWARE = {
    "x64": ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
    "ia32": ("OVMF32_CODE_4M.secboot.fd", "OVMF32_VARS_4M.fd"),
    "secure": ("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd"),  # keys enrolled: refuses us
}
DEFAULT_CPU = {"x64": "qemu64", "ia32": "qemu32", "secure": "qemu64"}
DISKS = {
    "ahci": ["-device", "ide-hd,drive=d0,bus=ide.0,bootindex=0"],
    "virtio": ["-device", "virtio-blk-pci,drive=d0,bootindex=0"],
    "nvme": ["-device", "nvme,drive=d0,serial=hyperspace,bootindex=0"],
    "usb": ["-device", "qemu-xhci,id=x",
            "-device", "usb-storage,id=disk0,bus=x.0,drive=d0,bootindex=0"],
    # disks whose sectors are 4096 bytes
    "virtio4k": ["-device", "virtio-blk-pci,drive=d0,bootindex=0,logical_block_size=4096,"
                 "physical_block_size=4096"],
    "nvme4k": ["-device", "nvme,drive=d0,serial=hyperspace,bootindex=0,logical_block_size=4096,"
               "physical_block_size=4096"],
    # behind a hub OVMF only finds the stick when no boot index is given
    "usbhub": ["-device", "qemu-xhci,id=x", "-device", "usb-hub,bus=x.0,port=1",
               "-device", "usb-storage,bus=x.0,port=1.1,drive=d0"],
}

# Those whose errors QEMU can handle itself instead of reporting them.
DRIVERS = {"ahci": "ide-hd", "virtio": "virtio-blk-pci", "usb": "usb-storage",
           "usbhub": "usb-storage"}

# What the kernel writes to port 0xF4 comes back as (value << 1) | 1.
STATUS_PASSED = (0x2A << 1) | 1
STATUS_FAILED = (0x2B << 1) | 1
STATUS_BUGCHECK = (0x2C << 1) | 1

ESCAPE = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")
FOLDED = re.compile(r"^((?:not ok|ok) \d+ - .*)\n {8}(?=\S)", re.M)
TAP_LINE = re.compile(r"^(not ok|ok) (\d+)\b(.*)$", re.M)
VERDICT = re.compile(r"^(\d+) passed, (\d+) failed\s*$", re.M)
STOP = re.compile(r"\*\*\* STOP: (0x[0-9A-Fa-f]{8}) \((0x[0-9A-Fa-f]{8}), (0x[0-9A-Fa-f]{8}), "
                  r"(0x[0-9A-Fa-f]{8}), (0x[0-9A-Fa-f]{8})\)")
# Lines after which nothing more can come: the run ends there, without waiting for a timeout.
LOADER_FAILURE = re.compile(r"Hyperspace cannot start: [^\n]*\n")
REFUSED = re.compile(r"(?:Access Denied|Security Violation)")
# What QEMU says on its own error output when somebody ends it politely; its status is then 0.
ENDED = re.compile(r"terminating on signal[^\n]*")
NOT_BOOTED = re.compile(r"UEFI Interactive Shell|Shell> |No bootable option or device")


@dataclass
class Machine:
    """A configuration of QEMU."""

    image: str
    firmware: str = "x64"
    disk: str = "ahci"
    memory: int = 256
    cpu: str = ""
    icount: str = ""  # "4" for reproducible runs, "0" for counting instructions
    display: str = "none"
    video: Sequence[str] = ("-vga", "std")
    serial: bool = True  # False: the machine has no serial port at all
    keys: bool = False  # Ctrl-A is QEMU's escape key on the serial line
    incoming: str = ""  # file with a saved machine
    writable: bool = False  # the image itself is written; else what is written is forgotten
    write_log: str = ""  # file in which blklogwrites records each write
    errors: dict = field(default_factory=dict)  # blkdebug's inject-error and set-state
    throttle: str = ""  # properties of a throttle-group: "x-iops-total=20"
    extra: Sequence[str] = ()
    program: str = QEMU
    cold: bool = False  # from power-on, even where early.py has a saved machine

    def command(self, qmp: str = "") -> List[str]:
        """The command line; qmp names a socket for the control channel."""
        code, variables = FIRMWARE[self.firmware]
        line = [self.program, "-machine", "q35", "-accel", "tcg", "-m", str(self.memory),
                "-cpu", self.cpu or DEFAULT_CPU[self.firmware],
                "-nodefaults", *self.video, "-display", self.display, "-no-reboot",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + OVMF + code,
                "-drive", "if=pflash,unit=1,format=raw,snapshot=on,file=" + OVMF + variables]
        line += self.disk_options() + DISKS[self.disk]
        if self.errors and self.disk in DRIVERS:  # else QEMU stops the machine for some of them
            line += ["-global", DRIVERS[self.disk] + ".werror=report",
                     "-global", DRIVERS[self.disk] + ".rerror=report"]
        if not self.serial:
            line += ["-serial", "none"]
        elif self.keys:
            line += ["-chardev", "stdio,id=c0,mux=on,signal=off",
                     "-serial", "chardev:c0", "-mon", "chardev=c0"]
        else:
            line += ["-chardev", "stdio,id=c0,signal=off", "-serial", "chardev:c0"]
        if self.icount:
            line += ["-icount", "shift=%s,sleep=off" % self.icount,
                     "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
        if qmp:
            line += ["-qmp", "unix:%s,server=on,wait=off" % qmp]
        if self.incoming:
            line += ["-incoming", "exec:cat '%s'" % self.incoming]
        return line + list(self.extra)

    def disk_options(self) -> List[str]:
        """The disk behind the controller: the image, and what is put between the two."""
        if not (self.writable or self.write_log or self.errors or self.throttle):
            return ["-drive", "id=d0,if=none,format=raw,snapshot=on,file=" + self.image]
        # flushes end in the host's memory: the host does not lose power in these tests
        fast = {"cache": {"no-flush": True}}
        node: dict = dict(fast, driver="file", filename=self.image, locking="off")
        if self.errors:  # below raw, which tells it of each read and write
            node = dict(self.errors, driver="blkdebug", image=node)
        node = {"driver": "raw", "file": node}
        options: List[str] = []
        if self.write_log:
            open(self.write_log, "wb").close()
            node = {"driver": "blklogwrites", "file": node, "log-sector-size": 512,
                    "log-super-update-interval": 1,
                    "log": dict(fast, driver="file", filename=self.write_log)}
        if self.throttle:
            options += ["-object", "throttle-group,id=slow," + self.throttle]
            node = {"driver": "throttle", "throttle-group": "slow", "file": node}
        return options + ["-blockdev", json.dumps(dict(node, **{"node-name": "d0"}))]

    def name(self) -> str:
        """How tests call this configuration."""
        parts = [self.firmware, self.disk, "%d MB" % self.memory, self.cpu]
        return " ".join(part for part in parts if part)


@dataclass
class Result:
    """How a run ended: outcome is passed, failed, bugcheck, loader, refused, noboot, reset, hang,
    stopped (by the caller) or error."""

    outcome: str
    reason: str
    status: Optional[int]
    log: str
    seconds: float = 0.0
    stop: Tuple[str, ...] = field(default=())  # bug check code and its four parameters

    def tail(self, lines: int = 25) -> str:
        """The last lines that have something in them."""
        return "\n".join([line for line in self.log.split("\n") if line.strip()][-lines:])


def printed(raw: bytes) -> str:
    """Serial bytes as text: terminal escapes gone, one newline a line."""
    text = ESCAPE.sub("", raw.decode("latin-1"))
    return re.sub(r"\r+\n", "\n", text).replace("\r", "\n").replace("\0", "")


def plain(raw: bytes) -> str:
    """The same, and each stop of the report is one line: the machine breaks long ones."""
    text = printed(raw)
    folds = 1
    while folds:
        text, folds = FOLDED.subn(r"\1 ", text)
    return text


def final_line(log: str) -> Optional[Tuple[str, str]]:
    """(outcome, reason) when the log holds a line after which QEMU only wastes time."""
    match = LOADER_FAILURE.search(log)
    if match:
        return "loader", match.group(0).strip()
    if REFUSED.search(log):
        return "refused", "the firmware refused the loader (Secure Boot)"
    if NOT_BOOTED.search(log):
        return "noboot", "the firmware found nothing to start"
    return None


def judge(status: Optional[int], log: str, early: Optional[Tuple[str, str]] = None,
          errors: str = "") -> Result:
    """Decide a run.  status is None when QEMU was ended by us, early then says why."""
    stop = STOP.search(log)
    found = stop.groups() if stop else ()

    def result(outcome: str, reason: str) -> Result:
        return Result(outcome, reason, status, log, stop=found)

    last = final_line(log)
    if last and status != STATUS_PASSED:
        return result(*last)
    if early:
        return result(*early)
    if status == STATUS_BUGCHECK or (stop and status != STATUS_PASSED):
        return result("bugcheck", stop.group(0) if stop else "bug check without a stop line")
    if status == STATUS_FAILED:
        failed = [line.group(0).strip() for line in TAP_LINE.finditer(log)
                  if line.group(1) == "not ok"]
        return result("failed", "the guest failed: " + ("; ".join(failed) or "no line says what"))
    ended = ENDED.search(errors)
    if status == 0 and ended:
        return result("error", "QEMU was ended from outside: " + ended.group(0))
    if status == 0:
        return result("reset", "silent reset: a triple fault, a reset or a power-off")
    if status != STATUS_PASSED:
        words = errors.strip().split("\n")[0]  # QEMU explains in the first line
        return result("error", "QEMU ended with status %s. %s" % (status, words))
    return judge_verdict(log, result)


def judge_verdict(log: str, result: Callable[[str, str], Result]) -> Result:
    """The exit status says "passed": believe it only when the log says the same."""
    verdicts = list(VERDICT.finditer(log))
    lines = [line.group(1) for line in TAP_LINE.finditer(log)]
    if not verdicts:
        return result("failed", "exit status says passed, but the log has no verdict line")
    if "not ok" in lines or any(int(verdict.group(2)) for verdict in verdicts):
        return result("failed", "exit status says passed, the log says otherwise")
    for verdict in verdicts:  # each counts from the start of the log
        passed, before = int(verdict.group(1)), len(TAP_LINE.findall(log[:verdict.start()]))
        if passed == 0 or passed != before:
            return result("failed", "the verdict says %d passed, the log has %d lines"
                          % (passed, before))
    if passed != len(lines):
        return result("failed", "the log has lines after its last verdict")
    return result("passed", "%d passed, 0 failed" % passed)


class Guest:
    """One running QEMU."""

    alive: List["Guest"] = []

    def __init__(self, machine: Machine, qmp: bool = False,
                 echo: Optional[Callable[[bytes], None]] = None):
        self.machine = machine
        self.echo = echo
        self.raw = bytearray()
        self.folder = tempfile.mkdtemp(prefix="hyperspace-")
        self.errors = open(os.path.join(self.folder, "errors"), "w+b")
        self.monitor: Optional[Monitor] = None
        path = os.path.join(self.folder, "qmp") if qmp else ""
        self.started = time.monotonic()
        self.process = subprocess.Popen(machine.command(path), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        Guest.alive.append(self)
        if qmp:
            self.monitor = Monitor(path, self.process)

    def log(self) -> str:
        return plain(bytes(self.raw))

    def printed(self) -> str:
        """The log as it is on the screen."""
        return printed(bytes(self.raw))

    def send(self, data: bytes) -> None:
        """Type on the serial line."""
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the guest has ended; its status says why

    def pump(self, seconds: float) -> bool:
        """Take over what the guest says within that time; False when it has closed its end."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, seconds))
        if not ready:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        if data and self.echo:
            self.echo(data)
        self.raw += data
        return bool(data)

    def wait_for(self, pattern: str, timeout: float) -> bool:
        """Wait until the log matches; False when the guest ended or time is up."""
        limit = time.monotonic() + timeout
        wanted = re.compile(pattern, re.M)
        while not wanted.search(self.log()):
            if final_line(self.log()) or time.monotonic() > limit:
                return False
            if not self.pump(0.2):
                return bool(wanted.search(self.log()))
        return True

    def finish(self, timeout: float) -> Result:
        """Run to the end, at most that long, and judge."""
        limit = time.monotonic() + timeout
        early = None
        seen = -1
        while self.pump(min(0.5, limit - time.monotonic())):
            if len(self.raw) != seen:
                seen = len(self.raw)
                early = final_line(self.log())
            if early:
                break
            if time.monotonic() >= limit:
                early = ("hang", "no end within %d s" % timeout)
                break
        return self.end(early)

    def end(self, early: Optional[Tuple[str, str]] = None) -> Result:
        """Collect the status, by force when early says why, and clean up."""
        if early:
            self.process.kill()
        status = self.process.wait()
        while self.pump(0):
            pass
        self.errors.seek(0)
        errors = self.errors.read().decode("latin-1")
        result = judge(None if early else status, self.log(), early, errors)
        result.seconds = time.monotonic() - self.started
        self.close()
        return result

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.monitor:
            self.monitor.close()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            try:
                stream.close()
            except BrokenPipeError:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)
        if self in Guest.alive:
            Guest.alive.remove(self)


@atexit.register
def _close_all() -> None:
    for guest in list(Guest.alive):
        guest.close()


class Monitor:
    """QEMU's control channel (QMP)."""

    def __init__(self, path: str, process: subprocess.Popen, timeout: float = 20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        limit = time.monotonic() + timeout
        while True:
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if process.poll() is not None or time.monotonic() > limit:
                    raise
                time.sleep(0.01)
        self.lines = self.socket.makefile("r")
        self.lines.readline()  # the greeting
        self.call("qmp_capabilities")

    def call(self, command: str, **arguments: object) -> dict:
        """One command, its answer; an error raises."""
        request = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self.lines.readline() or "{\"error\": \"QEMU has gone\"}")
            if "error" in answer:
                raise RuntimeError("%s: %s" % (command, answer["error"]))
            if "return" in answer:
                return answer["return"]

    def call_last(self, command: str, **arguments: object) -> None:
        """One command that may end the machine: QEMU can be gone before it has answered."""
        try:
            self.call(command, **arguments)
        except (ConnectionResetError, BrokenPipeError):
            pass
        except RuntimeError as gone:
            if "QEMU has gone" not in str(gone):
                raise

    def wait_status(self, command: str, wanted: Sequence[str], timeout: float = 30) -> str:
        """Ask until the status is one of those wanted."""
        limit = time.monotonic() + timeout
        while True:
            status = str(self.call(command).get("status", ""))
            if status in wanted:
                return status
            if status == "failed" or time.monotonic() > limit:
                raise RuntimeError("%s: status is %r" % (command, status))
            time.sleep(0.005)

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


def boot(machine: Machine, timeout: float = 60) -> Result:
    """Boot, wait for the end, judge."""
    return Guest(machine).finish(timeout)


# ---- saved machines: thousands of starts at a tenth of a second each ----

def save(machine: Machine, state: str, timeout: float = 90) -> Result:
    """Boot an image that holds /RUN=wait,shutdown until it says READY; save the machine.

    The result's outcome is "stopped" when that worked.
    """
    guest = Guest(machine, qmp=True)
    if not guest.wait_for(r"^READY\s*$", timeout):
        return guest.finish(0.1)
    guest.monitor.call("stop")
    guest.monitor.call("migrate", uri="exec:cat > '%s'" % state)
    guest.monitor.wait_status("query-migrate", ["completed"])
    return guest.end(("stopped", "saved"))


def restore(machine: Machine, state: str, run: str, timeout: float = 30) -> Result:
    """Start from a saved machine and hand it the list that /RUN= would have held."""
    guest = Guest(replace(machine, incoming=state), qmp=True)
    try:
        guest.monitor.wait_status("query-status", ["paused", "postmigrate", "prelaunch"])
        guest.monitor.call("cont")
    except (RuntimeError, OSError) as error:
        return guest.end(("error", "restore: %s" % error))
    guest.send(run.encode() + b"\r")
    return guest.finish(timeout)


# ---- the disk image ----

def data_offset(image: str) -> int:
    """Byte offset of the volume with boot.ini: GPT's partition "Hyperspace", MBR's first, or 0."""
    with open(image, "rb") as disk:
        sector = disk.read(512)
        if sector[82:85] == b"FAT" or sector[54:57] == b"FAT":
            return 0
        kind, start = sector[450], struct.unpack_from("<I", sector, 454)[0]
        if kind != 0xEE:
            return start * 512
        disk.seek(1024)
        for _ in range(128):
            entry = disk.read(128)
            if entry[56:].decode("utf-16-le").rstrip("\0") == "Hyperspace":
                return struct.unpack_from("<Q", entry, 32)[0] * 512
    raise ValueError("%s: no partition is named Hyperspace" % image)


def append_options(boot_ini: str, options: str) -> str:
    """Add switches to the default entry; a switch that it has already is replaced."""
    default = re.search(r"^\s*default\s*=\s*(\S.*?)\s*$", boot_ini, re.M | re.I)
    systems = re.search(r"^\s*\[operating systems\]", boot_ini, re.M | re.I)
    lines = boot_ini.split("\n")
    first = boot_ini[:systems.start()].count("\n") + 1 if systems else 0
    entries = [number for number, line in enumerate(lines) if number >= first and "=" in line]
    if not entries:
        raise ValueError("boot.ini has no entry to add switches to")
    chosen = entries[0]
    for number in entries:
        if default and lines[number].strip().lower().startswith(default.group(1).lower() + "="):
            chosen = number
            break
    line = lines[chosen].rstrip()
    for switch in options.split():
        name = re.escape(switch.split("=")[0])
        line = re.sub(r"\s+%s(=\S*)?(?=\s|$)" % name, "", line, flags=re.I)
    lines[chosen] = line + " " + options.strip() + ("\r" if lines[chosen].endswith("\r") else "")
    return "\n".join(lines)


class Image:
    """A sparse copy of a disk image, to be changed at will."""

    def __init__(self, source: str, copy: str):
        subprocess.run(["cp", "--sparse=always", source, copy], check=True)
        self.path = copy
        self.volume = "%s@@%d" % (copy, data_offset(copy))
        self.environment = dict(os.environ, MTOOLS_SKIP_CHECK="1")

    def read(self, name: str) -> bytes:
        return subprocess.run(["mtype", "-i", self.volume, "::" + name], check=True,
                              stdout=subprocess.PIPE, env=self.environment).stdout

    def write(self, name: str, data: bytes) -> None:
        subprocess.run(["mcopy", "-o", "-i", self.volume, "-", "::" + name], check=True,
                       input=data, env=self.environment)

    def delete(self, name: str) -> None:
        subprocess.run(["mdel", "-i", self.volume, "::" + name], check=True, env=self.environment)

    def add_options(self, options: str) -> None:
        text = self.read("boot.ini").decode("latin-1")
        self.write("boot.ini", append_options(text, options).encode("latin-1"))
