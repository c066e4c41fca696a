#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs suites, adds up their TAP lines, ends with "N passed, N failed".

    tap.py --log FILE [--figures FILE] NAME=COMMAND...

Suites run one after the other.  Neighbours written NAME&=COMMAND run at the same time, each with a
processor to itself; those of tests/boot take a second one while it is free (processors.py).  Their
lines come in the order given all the same.

A suite is a shell command.  One that prints no TAP counts as one test, passed by status 0.  One
that ends badly without a "not ok" line has died and counts as one failure more: nothing that goes
wrong can look green.
"""

import argparse
import itertools
import os
import queue
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../boot"))
import figures  # noqa: E402 (the path comes first)
import processors  # noqa: E402

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


class Suite:
    """One suite: what it is, what it says as it runs, what came of it."""

    def __init__(self, text):
        name, self.command = text.split("=", 1)
        self.name = name.rstrip("&")
        self.beside = name.endswith("&")  # may run beside its neighbours
        self.lines = queue.Queue()  # None: there are no more
        self.count = {"ok": 0, "not ok": 0}
        self.told = []  # figures: (id, trials, failures)

    def take(self, line):
        """Count a line and pass it on."""
        match, figure = LINE.match(line), FIGURE.match(line)
        if match:
            self.count[match.group(1)] += 1
        if figure:
            self.told.append((figure.group(1), int(figure.group(2)), int(figure.group(3))))
        self.lines.put(line)

    def run(self, shared):
        """Run to the end on a processor of those; whatever happens the end is told."""
        shared.take()
        started = time.monotonic()
        try:
            process = subprocess.Popen(self.command, shell=True, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for raw in process.stdout:
                self.take(raw.decode("utf-8", "replace"))
            self.judge(process.wait())
        except Exception as error:
            self.take("not ok - %s: %s\n" % (self.name, error))
        self.lines.put("# %s: %d passed, %d failed, %.0f s\n" % (
            self.name, self.count["ok"], self.count["not ok"], time.monotonic() - started))
        self.lines.put(None)
        shared.give()

    def judge(self, status):
        if status and not self.count["not ok"]:
            self.take("not ok - %s died with status %d\n" % (self.name, status))
        elif not status and not self.count["ok"] and not self.count["not ok"]:
            self.take("ok - %s\n" % self.name)
        elif not status and self.count["not ok"]:
            self.lines.put("# %s ended with status 0 in spite of its failures\n" % self.name)


def run_group(suites, log, shared):
    """Run neighbours, and say what they say in their order."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for suite in suites:
            pool.submit(suite.run, shared)
        for suite in suites:
            log.say("# ---- %s ----\n" % suite.name)
            for line in iter(suite.lines.get, None):
                log.say(line)


def add_figures(suites, path, seconds):
    """What the suites' lines told, added up; then all figures, with their bounds."""
    told = {}
    for suite in suites:
        for name, trials, failures in suite.told:
            before = told.get(name, (0, 0))
            told[name] = (before[0] + trials, before[1] + failures)
    for name, (trials, failures) in sorted(told.items()):
        figures.record(path, name, trials, failures, seconds)
    lines = figures.read(path)
    figures.write(path, lines)
    return "".join("#   %s\n" % figures.sentence(line) for line in lines)


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
    suites = [Suite(text) for text in options.suites]
    with tempfile.TemporaryDirectory(prefix="hyperspace-tap-") as folder:
        os.environ[processors.VARIABLE] = os.path.join(folder, "processors")
        shared = processors.make(os.environ[processors.VARIABLE], os.cpu_count() or 1)
        for beside, group in itertools.groupby(suites, lambda suite: suite.beside):
            for part in [list(group)] if beside else [[suite] for suite in group]:
                run_group(part, log, shared)
    seconds = time.monotonic() - started
    log.say("# ---- summary, %.0f s ----\n" % seconds)
    for suite in suites:
        log.say("#   %-12s %5d passed %5d failed\n" % (suite.name, suite.count["ok"],
                                                       suite.count["not ok"]))
    if options.figures:
        log.say(add_figures(suites, options.figures, seconds))
    passed, failed = (sum(suite.count[word] for suite in suites) for word in ("ok", "not ok"))
    log.say("%d passed, %d failed\n" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
