#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs suites one after the other, adds up their TAP lines, ends with "N passed, N failed".

    tap.py --log FILE [--figures FILE] NAME=COMMAND...

A suite is a shell command.  One that prints no TAP counts as one test, passed by status 0.  One
that ends badly without a "not ok" line has died and counts as one failure more: nothing that goes
wrong can look green.
"""

import argparse
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../boot"))
import figures  # noqa: E402 (the path comes first)

LINE = re.compile(r"^(ok|not ok)\b")
FIGURE = re.compile(r"^# figure (R\d+) (\d+) (\d+)$")  # id, trials, failures: added up


class Log:
    """Says everything twice: to the terminal and to a file."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        self.file = open(path, "w", encoding="utf-8")

    def say(self, text):
        for stream in (sys.stdout, self.file):
            stream.write(text)
            stream.flush()


def run_suite(name, command, log, told):
    """(passed, failed) of one suite; figures that its lines tell are added to told."""
    log.say("# ---- %s ----\n" % name)
    started = time.monotonic()
    process = subprocess.Popen(command, shell=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    count = {"ok": 0, "not ok": 0}
    for raw in process.stdout:
        line = raw.decode("utf-8", "replace")
        match = LINE.match(line)
        if match:
            count[match.group(1)] += 1
        figure = FIGURE.match(line)
        if figure:
            trials, failures = told.get(figure.group(1), (0, 0))
            told[figure.group(1)] = (trials + int(figure.group(2)),
                                     failures + int(figure.group(3)))
        log.say(line)
    status = process.wait()
    if status and not count["not ok"]:
        count["not ok"] = 1
        log.say("not ok - %s died with status %d\n" % (name, status))
    elif not status and not count["ok"] and not count["not ok"]:
        count["ok"] = 1
        log.say("ok - %s\n" % name)
    elif not status and count["not ok"]:
        log.say("# %s ended with status 0 in spite of its failures\n" % name)
    log.say("# %s: %d passed, %d failed, %.0f s\n"
            % (name, count["ok"], count["not ok"], time.monotonic() - started))
    return count["ok"], count["not ok"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--log", required=True)
    parser.add_argument("--figures", default="")
    parser.add_argument("suites", nargs="+", metavar="NAME=COMMAND")
    options = parser.parse_args()
    log = Log(options.log)
    if options.figures and os.path.exists(options.figures):
        os.remove(options.figures)

    started = time.monotonic()
    passed = failed = 0
    summary, told = [], {}
    for suite in options.suites:
        name, command = suite.split("=", 1)
        good, bad = run_suite(name, command, log, told)
        passed, failed = passed + good, failed + bad
        summary.append("#   %-12s %5d passed %5d failed\n" % (name, good, bad))
    log.say("# ---- summary, %.0f s ----\n%s" % (time.monotonic() - started, "".join(summary)))
    if options.figures:
        for identifier, (trials, failures) in sorted(told.items()):
            figures.record(options.figures, identifier, trials, failures,
                           time.monotonic() - started)
        lines = figures.read(options.figures)
        figures.write(options.figures, lines)
        log.say("".join("#   %s\n" % figures.sentence(line) for line in lines))
    log.say("%d passed, %d failed\n" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
