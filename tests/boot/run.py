#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make run and make debug: one boot, with the serial console on the terminal.

On a terminal the console is interactive: every key goes to the guest, Ctrl-C too, and Ctrl-A is
QEMU's escape key (Ctrl-A X ends the machine).  Without a terminal the boot's report runs, or what
/RUN= names, and the machine powers itself off; one that would wait for a key is ended.  The exit
status is 0 exactly when the guest said that all went well.
"""

import argparse
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty

import hyperspace_qemu as hq

CTRL_A, CTRL_C = 0x01, 0x03
REPORT_SECONDS, WORK_SECONDS = 120, 900  # limits for the report, and for what /RUN= names
WAITS = re.compile(r"^(?:mm> |Press a key to restart\.)\s*\Z", re.M)
QUIET_SECONDS = 3  # a script's lines are shown behind the prompt, too
LEAST_MEMORY = {"x64": 48, "ia32": 64}  # below it OVMF starts nothing


def choose_display(wanted):
    """QEMU's name for the display, or the end with a sentence."""
    if wanted == "none":
        return "none"
    if wanted != "window":
        sys.exit("run: DISPLAY_ is none or window, not " + wanted)
    offered = subprocess.run([hq.QEMU, "-display", "help"], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=False).stdout.decode().split()
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        sys.exit("run: there is no window system here; try DISPLAY_=none")
    for name in ("gtk", "sdl"):
        if name in offered:
            return name
    sys.exit("run: QEMU has no window support; install the package qemu-system-gui")


class Keyboard:
    """The terminal in raw mode, for the time of a with statement."""

    def __init__(self):
        self.input = sys.stdin.fileno()
        self.escape = False
        self.breaks = []

    def __enter__(self):
        self.saved = termios.tcgetattr(self.input)
        tty.setraw(self.input)
        return self

    def __exit__(self, *unused):
        termios.tcsetattr(self.input, termios.TCSADRAIN, self.saved)

    def wants_end(self, keys):
        """Ctrl-A X, or Ctrl-C three times within a second (nobody is left without a way out)."""
        for key in keys:
            if self.escape and key in b"xX":
                return True
            self.escape = key == CTRL_A and not self.escape
            if key == CTRL_C:
                self.breaks = (self.breaks + [time.monotonic()])[-3:]
                if len(self.breaks) == 3 and self.breaks[2] - self.breaks[0] < 1:
                    return True
        return False


def verdict(guest):
    """Whether all that was judged so far was good."""
    verdicts = hq.VERDICT.findall(guest.log())
    return bool(verdicts) and all(failed == "0" for _, failed in verdicts)


def converse(guest, limit):
    """Carry keys and characters until one side ends; gives the result."""
    with Keyboard() as keyboard:
        while True:
            ready, _, _ = select.select([guest.process.stdout, keyboard.input], [], [], 0.5)
            if guest.process.stdout in ready and not guest.pump(0):
                return guest.end()
            if keyboard.input in ready:
                keys = os.read(keyboard.input, 1024)
                if not keys or keyboard.wants_end(keys):
                    return guest.end(("passed", "ended from the keyboard") if verdict(guest) else
                                     ("stopped", "ended from the keyboard before a good verdict"))
                guest.send(keys)
            early = hq.final_line(guest.log())
            if early:
                return guest.end(early)
            if limit and time.monotonic() - guest.started > limit:
                return guest.end(("hang", "no end within %d s" % limit))


def watch(guest, limit):
    """Until the machine ends, or waits for a key that nobody can type; gives the result."""
    latest, length = time.monotonic(), 0
    while guest.pump(0.5):
        if len(guest.raw) != length:
            latest, length = time.monotonic(), len(guest.raw)
            early = hq.final_line(guest.log())
            if early:
                return guest.end(early)
        if time.monotonic() - latest > QUIET_SECONDS and WAITS.search(guest.log()):
            stop = hq.STOP.search(guest.log())
            return guest.end(("bugcheck", stop.group(0)) if stop else
                             ("passed" if verdict(guest) else "stopped",
                              "it waits for a key, and there is no terminal"))
        if limit and time.monotonic() - guest.started > limit:
            return guest.end(("hang", "no end within %d s" % limit))
    return guest.end()


class Screen:
    """Passes the guest's bytes on.  The firmware clears the screen several times, so its terminal
    escapes are dropped; into a file go whole lines without any escapes."""

    def __init__(self):
        self.pending = b""
        self.firmware = True

    def show(self, data):
        self.pending += data
        if self.firmware or not sys.stdout.isatty():
            whole = self.pending.rfind(b"\n") + 1
            data, self.pending = self.pending[:whole], self.pending[whole:]
            self.firmware = self.firmware and b"BdsDxe: starting" not in data
            data = hq.ESCAPE.sub("", data.decode("latin-1")).encode("latin-1")
            if not sys.stdout.isatty():
                data = data.replace(b"\r", b"")
        else:
            data, self.pending = self.pending, b""
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image")
    parser.add_argument("--firmware", default="x64")
    parser.add_argument("--disk", default="ahci")
    parser.add_argument("--memory", default="256", metavar="MB")
    parser.add_argument("--cpu", default="")
    parser.add_argument("--options", default="", help="switches for boot.ini's default entry")
    parser.add_argument("--display", default="none", help="none or window")
    parser.add_argument("--timeout", type=int, metavar="SECONDS",
                        help="limit for runs that end by themselves; %d, with /RUN= %d" % (
                            REPORT_SECONDS, WORK_SECONDS))
    parser.add_argument("--debug", action="store_true", help="wait for gdb before the first step")
    parser.add_argument("--port", default=1234, type=int, help="where gdb finds QEMU")
    parser.add_argument("--log", default="", help="file to keep the serial log in")
    options = parser.parse_args()
    check(options)
    return options


def check(options):
    """End with a sentence about what make was given, where it cannot work."""
    def refuse(variable, wanted, found):
        sys.exit("run: %s is %s, not %s" % (variable, wanted, found or "empty"))

    if options.firmware not in LEAST_MEMORY:
        refuse("FIRMWARE", "x64 or ia32", options.firmware)
    if options.disk not in hq.DISKS:
        refuse("DISK", "one of " + ", ".join(sorted(hq.DISKS)), options.disk)
    least = LEAST_MEMORY[options.firmware]
    if not re.fullmatch(r"\d{1,6}", options.memory) or int(options.memory) < least:
        refuse("MEMORY", "a number of megabytes, with this firmware at least %d" % least,
               options.memory)
    options.memory = int(options.memory)
    for word in options.options.split():
        if not word.startswith("/"):
            refuse("OPTIONS", 'switches like "/MAXMEM=128 /SOS"', word)
    if options.debug:
        with socket.socket() as probe:
            if probe.connect_ex(("localhost", options.port)) == 0:
                sys.exit("run: port %d is in use; is another make debug running?" % options.port)


def greet(options, interactive):
    print("Hyperspace in QEMU: %s firmware, %s disk, %d MB." % (
        options.firmware, options.disk, options.memory), end=" ")
    if interactive:
        print("Ctrl-A X ends the machine; every other key, Ctrl-C too, goes to the guest.")
    elif "/RUN=" in options.options.upper():
        print("No terminal: what /RUN= names, then the end.")
    else:
        print("No terminal: the report, then the end.")
    if options.debug:
        wide = "" if options.firmware == "ia32" else "-ex 'set architecture i386:x86-64' "
        symbols = "build/hyperspace.elf"
        if "/3GB" in options.options.upper():  # LOADER_HIGH_DELTA of include/loader.h
            symbols = "-ex 'add-symbol-file %s -o 0x50000000'" % symbols
        print("QEMU now waits for gdb: it shows nothing until you continue.  Second terminal:\n"
              "    gdb %s %s-ex 'target remote :%d'"
              " -ex 'hbreak KiSystemStartup' -ex c" % (symbols, wide, options.port))
        if wide:
            print("(A 64-bit QEMU shows 32-bit code as 64-bit; FIRMWARE=ia32 shows it as it is.)")
    sys.stdout.flush()


def main():
    options = arguments()
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    switches = options.options
    if "/RUN=" not in switches.upper() and not interactive:
        switches += " /RUN=report,shutdown"
    limit = options.timeout or (WORK_SECONDS if "/RUN=" in options.options.upper() else
                                REPORT_SECONDS)
    if options.debug or (interactive and "shutdown" not in switches):
        limit = 0
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))

    with tempfile.TemporaryDirectory(prefix="hyperspace-run-") as folder:
        image = hq.Image(options.image, os.path.join(folder, "disk.img"))
        if switches:
            image.add_options(switches)
        debug = ["-S", "-gdb", "tcp:localhost:%d" % options.port] if options.debug else []
        machine = hq.Machine(image.path, options.firmware, options.disk, options.memory,
                             options.cpu, display=choose_display(options.display),
                             keys=interactive, extra=debug)
        if options.debug and options.firmware == "ia32":
            machine.program = "qemu-system-i386"  # gdb then sees the 32-bit registers of the ELF
        greet(options, interactive)
        guest = hq.Guest(machine, echo=Screen().show)
        try:
            result = converse(guest, limit) if interactive else watch(guest, limit)
        except KeyboardInterrupt:
            result = guest.end(("stopped", "interrupted"))
    if options.log:
        with open(options.log, "w", encoding="utf-8") as file:
            file.write(result.log)

    if result.outcome == "passed":
        print("\nrun: %s (%.1f s)" % (result.reason, result.seconds))
        return 0
    print("\nrun: FAILED after %.1f s: %s" % (result.seconds, result.reason))
    print("The log's last lines%s:\n%s" % (
        " (all of it: %s)" % options.log if options.log else "", result.tail()))
    return 1


if __name__ == "__main__":
    sys.exit(main())
