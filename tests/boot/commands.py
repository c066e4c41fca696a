#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What make promises to those who type it; TAP.

    run        status 0 exactly when the guest said so; hangs, resets and early stops have a tail
    terminal   make run on a terminal: keys go to the guest, Ctrl-A X ends it
    mistakes   wrong values are refused in a sentence
    debug      the printed gdb line stops in KiSystemStartup, with its source line
    build      the same bytes in another folder at another time, without git; V=1, help, clean;
               what clang builds, undefined behaviour trapped, boots
"""

import hashlib
import os
import pty
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import Callable, List, Optional

import hyperspace_qemu as hq
import loader_tests
import paging_runs
import trials
from trials import Bench, Test

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RUN = [sys.executable, os.path.join(HERE, "run.py")]
CTRL_A, CTRL_C = b"\x01", b"\x03"


def run(image: str, *options: str) -> subprocess.CompletedProcess:
    """make run without a terminal."""
    return subprocess.run(RUN + [image, *options], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="latin-1")


def judge(done: subprocess.CompletedProcess, status: int, *patterns: str) -> Optional[str]:
    for pattern in patterns:
        if not re.search(pattern, done.stdout, re.M):
            return "status %d, nothing like %s in:\n%s" % (done.returncode, pattern,
                                                           done.stdout[-1500:])
    return None if done.returncode == status else "status %d, not %d:\n%s" % (
        done.returncode, status, done.stdout[-1500:])


# ---- make run ----

def run_test(name: str, options: List[str], status: int, *patterns: str,
             change: Optional[Callable[[hq.Image], None]] = None, idle: bool = False) -> Test:
    def test(bench: Bench) -> Optional[str]:
        source = bench.image("", key=name, change=change) if change else bench.base("gpt", "32")
        return judge(run(source, *options), status, *patterns)

    return Test("make run: " + name, test, "commands", idle=idle)


def entry_code(code: bytes) -> Callable[[hq.Image], None]:
    """The kernel's first instructions are replaced."""

    def change(image: hq.Image) -> None:
        data = bytearray(image.read("hyperspace.elf"))
        entry, headers = (int.from_bytes(data[at:at + 4], "little") for at in (24, 28))
        for number in range(int.from_bytes(data[44:46], "little")):
            at = headers + 32 * number
            kind, offset, address, _, length = (
                int.from_bytes(data[at + n:at + n + 4], "little") for n in range(0, 20, 4))
            if kind == 1 and address <= entry < address + length:
                start = offset + entry - address
                data[start:start + len(code)] = code
        image.write("hyperspace.elf", bytes(data))

    return change


# lidt with limit 0, then int3: no gate, no double fault gate, the processor gives up
TRIPLE_FAULT = entry_code(bytes.fromhex("6a00 6a00 0f011c24 cc"))
# mov $0x2a, %eax; mov $0xf4, %dx; out %eax, (%dx); hlt: "passed" without having done anything
EARLY_STOP = entry_code(bytes.fromhex("b82a000000 66baf400 ef f4"))

RUNS = [
    run_test("success is status 0", [], 0, r"^ok 1 - ", r"^run: \d+ passed, 0 failed"),
    run_test("a failed line is status 1", ["--options", "/RUN=nonsense,shutdown"], 1,
             r"^run: FAILED .*: the guest failed: not ok 1 - /RUN: .nonsense"),
    run_test("a hang ends by the timeout with the log's tail",
             ["--options", "/RUN=wait", "--timeout", "40"], 1,
             r"^run: FAILED after 40\.\d s: no end within 40 s", r"^READY$", idle=True),
    run_test("a bug check is status 1 and told", ["--options", "/RUN=crash:null,shutdown"], 1,
             r"^run: FAILED .*STOP: 0x0000001E"),
    run_test("a bug check that waits for a key is told without a terminal",
             ["--options", "/RUN=crash:null"], 1,
             r"^run: FAILED after \d\d?\.\d s: .*STOP: 0x0000001E"),
    run_test("a prompt where nobody can type ends the run", ["--options", "/RUN=monitor"], 1,
             r"^run: FAILED after \d\d?\.\d s: it waits for a key"),
    run_test("so it does after a good verdict, with status 0", ["--options", "/RUN=script"], 0,
             r"^run: it waits for a key"),
    run_test("a triple fault is status 1 and told", [], 1, r"^run: FAILED .*silent reset",
             change=TRIPLE_FAULT),
    run_test("a stop before the verdict is status 1", [], 1, r"^run: FAILED .*no verdict line",
             change=EARLY_STOP),
    run_test("a refusal of the loader is status 1", [], 1,
             r"^run: FAILED .*Hyperspace cannot start: no kernel",
             change=loader_tests.without("hyperspace.elf")),
]
MISTAKES = [
    run_test("refuses a wrong " + variable, [option, value], 1, r"^run: %s is " % variable)
    for variable, option, value in (
        ("FIRMWARE", "--firmware", "x32"), ("DISK", "--disk", "floppy"),
        ("MEMORY", "--memory", "47"), ("MEMORY", "--memory", ""), ("DISPLAY_", "--display", "x"),
        ("OPTIONS", "--options", "nonsense"))
]


class Terminal:
    """make run on a terminal of its own."""

    def __init__(self, image: str, *options: str):
        self.text = ""
        self.child, self.master = pty.fork()
        if self.child == 0:
            os.execv(RUN[0], RUN + [image, *options])

    def wait_for(self, pattern: str, timeout: float = 60) -> bool:
        limit = time.monotonic() + timeout
        while not re.search(pattern, self.text, re.M):
            if time.monotonic() > limit or not self.read(0.2):
                break
        return bool(re.search(pattern, self.text, re.M))

    def read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], seconds)
        try:
            data = os.read(self.master, 65536) if ready else b""
        except OSError:  # the other end is closed
            return False
        self.text += hq.plain(data) if data else ""
        return bool(data) or not ready

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)
        time.sleep(0.3)

    def status(self, timeout: float = 20) -> int:
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            self.read(0.2)
            child, status = os.waitpid(self.child, os.WNOHANG)
            if child:
                self.child = 0
                return os.waitstatus_to_exitcode(status)
        return -1000

    def close(self) -> None:
        if self.child:
            os.kill(self.child, signal.SIGTERM)
            os.waitpid(self.child, 0)
        os.close(self.master)


def terminal_test(name: str, play: Callable[[Terminal], Optional[str]]) -> Test:
    def test(bench: Bench) -> Optional[str]:
        terminal = Terminal(bench.base("gpt", "32"))
        try:
            if not terminal.wait_for(r"^mm> "):
                return "no prompt:\n" + terminal.text[-1500:]
            problem = play(terminal)
            return problem and problem + "\n" + terminal.text[-1000:]
        finally:
            terminal.close()

    return Test("make run on a terminal: " + name, test, "commands")


def play_commands(terminal: Terminal) -> Optional[str]:
    terminal.type(CTRL_C)  # to the guest, where it means nothing
    terminal.type(b"ln 80800000\r")
    if not terminal.wait_for(r"^\(80800000\) "):
        return "no answer to ln"
    terminal.type(b"report\r")
    if not terminal.wait_for(r"passed, 0 failed(?:.|\n)*passed, 0 failed"):
        return "no second report"
    terminal.type(b".shutdown\r")
    status = terminal.status()
    return None if status == 0 else "status %d after .shutdown" % status


def play_escape(terminal: Terminal) -> Optional[str]:
    terminal.type(CTRL_A + b"x")
    status = terminal.status()
    return None if status == 0 else "status %d after a good report and Ctrl-A X" % status


def play_reboot(terminal: Terminal) -> Optional[str]:
    terminal.type(b".reboot\r")
    status = terminal.status()
    return None if status == 1 and "silent reset" in terminal.text else "status %d" % status


# ---- make debug ----

def debug_test(firmware: str) -> Test:
    def test(bench: Bench) -> Optional[str]:
        with socket.socket() as probe:
            probe.bind(("localhost", 0))
            port = probe.getsockname()[1]
        with subprocess.Popen(RUN + [bench.base("gpt", "32"), "--debug", "--firmware", firmware,
                                     "--port", str(port)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, encoding="latin-1") as debugged:
            try:
                line = ""
                while "gdb " not in line or "target" not in line:
                    line = debugged.stdout.readline()
                    if not line:
                        return "no line for gdb"
                return try_gdb(line.replace("build/", bench.build + "/"), port)
            finally:
                debugged.terminate()

    return Test("make debug: the printed line stops at the kernel's first C line " + firmware, test,
                "commands")


def try_gdb(line: str, port: int) -> Optional[str]:
    limit = time.monotonic() + 20
    while time.monotonic() < limit:  # QEMU takes one connection at a time: look without one
        listening = subprocess.run(["sh", "-c", "cat /proc/net/tcp*"], stdout=subprocess.PIPE,
                                   check=True).stdout.decode()
        if re.search(":%04X [0-9A-F:]+ 0A " % port, listening):
            break
        time.sleep(0.1)
    done = subprocess.run(shlex.split(line) + ["-batch", "-nx", "-ex", "bt 1"], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=90,
                          stderr=subprocess.STDOUT, encoding="latin-1")
    if not re.search(r"^#0 +KiSystemStartup .*arch/x86/kmain\.c:\d+", done.stdout, re.M):
        return "gdb says:\n" + done.stdout[-1500:]
    return None


# ---- the build ----

def copy_tree(folder: str) -> None:
    """The sources as an archive would hold them: no git, nothing made, other dates."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
    for path, _, names in os.walk(folder):
        for name in names:
            os.utime(os.path.join(path, name), (10 ** 9, 10 ** 9))


def make(folder: str, *words: str) -> str:
    """Not under the make that runs this: its flags are not for the new one."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")
                   and key not in ("MFLAGS", "B", "V", "CC", "EXTENT")}
    return subprocess.run(["make", "-C", folder, *words], check=True, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()


def files(folder: str) -> set:
    return {os.path.join(path, name) for path, _, names in os.walk(folder) for name in names}


def hash_of(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def build_test() -> Test:
    def test(bench: Bench) -> Optional[str]:
        one, two = (os.path.join(bench.folder, name) for name in ("one", "two/deeper down"))
        copy_tree(one)
        copy_tree(two.replace(" ", "-"))
        two = two.replace(" ", "-")
        sources = files(one)
        said = make(one, "image", "V=1")
        time.sleep(2.1)  # FAT time stamps count two seconds
        quiet = make(two, "image", "-j2")
        for name in ("hyperspace.elf", "BOOTX64.EFI", "BOOTIA32.EFI", "hyperspace.img"):
            if hash_of(os.path.join(one, "build", name)) != hash_of(
                    os.path.join(two, "build", name)):
                return name + " differs"
        if "gcc -std=gnu11" not in said or "gcc -std" in quiet or "  CC       mm/" not in quiet:
            return "V=1 does not show the commands, or they are shown without it"
        if "hyperspace.img" in make(two, "image"):
            return "nothing changed, and the image was made again"
        os.utime(os.path.join(two, "include/loader.h"))
        again = make(two, "image")
        if "efi/main.c" not in again or "arch/x86/kmain.c" not in again or "psf.c" in again:
            return "after a change of loader.h this was built:\n" + again
        listed = make(one, "help")
        wanted = "all image run debug test bench usb clean help"
        missing = [word for word in wanted.split() if "make %s " % word not in listed]
        make(one, "clean")
        if missing or files(one) != sources:
            return "make help lacks %s; make clean leaves %s" % (missing, files(one) - sources)
        return None

    return Test("make image: same bytes elsewhere and later, without git; V=1, help, clean", test,
                "commands")


def clang_test(firmware: str) -> Test:
    def test(bench: Bench) -> Optional[str]:
        image = os.path.join(bench.build, "clang/hyperspace.img")
        if not os.path.exists(image):
            make(ROOT, "CC=clang", "UBSAN=1", "B=%s/clang" % bench.build, "image")
        return judge(run(image, "--firmware", firmware), 0,
                     r"^Hyperspace .*, clang %s, " % paging_runs.TRAPPING,
                     r"^run: \d+ passed, 0 failed")

    return Test("what clang builds, undefined behaviour trapped, boots and passes " + firmware,
                test, "commands")


def all_tests(_thorough: bool, _seed: int) -> List[Test]:
    return [build_test(), *RUNS, *MISTAKES,
            terminal_test("Ctrl-C, commands, a second report, .shutdown", play_commands),
            terminal_test("Ctrl-A X after a good report", play_escape),
            terminal_test("a reset is a failure", play_reboot),
            debug_test("x64"), debug_test("ia32"), clang_test("x64"), clang_test("ia32")]


if __name__ == "__main__":
    sys.exit(trials.run_suite("commands", all_tests))
