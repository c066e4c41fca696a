# SPDX-License-Identifier: MIT
"""What the suites that boot machines share: a test, the bench that it runs on, running many.

matrix.py, console.py and commands.py each give a list of Tests to run_suite().  Nothing here
writes to build/hyperspace.img: each kind of boot has its own sparse copy.
"""

import argparse
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Union

import early
import figures
import hyperspace_qemu as hq
import processors

MAKE_IMAGE = os.path.join(os.path.dirname(__file__), "../../disk/image/make_image.sh")
REPORT = "/RUN=report,shutdown"
SLOWEST = 5  # tests to name at the end
HANGS = 8  # after so many the rest is not worth its timeouts


@dataclass
class Test:
    """One TAP line.  run gives None, or why it failed."""

    name: str
    run: Callable[["Bench"], Optional[str]]
    group: str
    trials: int = 1
    seconds: float = 0  # that it took
    idle: bool = False  # it waits nearly all the time, and needs no processor to itself


class Bench:
    """What the tests share: images by kind, saved machines, logs, counts."""

    def __init__(self, build: str, folder: str):
        self.build = build
        self.folder = folder
        self.logs = os.path.join(build, "boot")
        os.makedirs(self.logs, exist_ok=True)
        self.lock = threading.Lock()
        self.locks: Dict[str, threading.Lock] = {}
        self.made: Dict[str, Union[str, Exception]] = {}
        self.protection = [0, 0]  # boots with a protection audit, and those where it failed
        self.confined = [0, 0]  # runs whose writes were all compared (R14), and those that strayed
        self.crash_failures = 0
        self.hangs = 0

    def once(self, key: str, make: Callable[[str], None]) -> str:
        """The file for a key; made by the first who asks.  What failed once fails for all."""
        with self.lock:
            lock = self.locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self.made:
                path = os.path.join(self.folder, re.sub(r"[^A-Za-z0-9]+", "_", key))
                try:
                    make(path)
                except Exception as error:
                    self.made[key] = error
                else:
                    self.made[key] = path
            if isinstance(self.made[key], Exception):
                raise self.made[key]
            return self.made[key]

    def base(self, layout: str, fat: str) -> str:
        """An image of that layout, without added switches."""
        if (layout, fat) == ("gpt", "32"):
            return os.path.join(self.build, "hyperspace.img")

        def make(path: str) -> None:
            subprocess.run([MAKE_IMAGE, path], check=True, env=dict(
                os.environ, FILES=self.build, LAYOUT=layout, FATBITS=fat))

        return self.once("base %s %s" % (layout, fat), make)

    def image(self, options: str, layout: str = "gpt", fat: str = "32", key: str = "",
              change: Optional[Callable[[hq.Image], None]] = None) -> str:
        """A copy with those switches and an optional change, which key then names."""
        source = self.base(layout, fat)

        def make(path: str) -> None:
            image = hq.Image(source, path)
            image.add_options(options)
            if change:
                change(image)

        return self.once(" ".join(["image", layout, fat, options, key]), make)

    def keep(self, name: str, result: hq.Result) -> hq.Result:
        """Leave the log for those who look into a failure."""
        path = os.path.join(self.logs, re.sub(r"[^A-Za-z0-9.]+", "_", name) + ".log")
        with open(path, "w", encoding="utf-8") as file:
            file.write(result.log)
        with self.lock:
            self.hangs += result.outcome == "hang"
        return result

    def boot(self, name: str, machine: hq.Machine) -> hq.Result:
        return self.keep(name, early.boot(machine))


def explain(result: hq.Result, wanted: str) -> str:
    """A failure's reason with the end of its log."""
    return "wanted %s, found %s: %s\n%s" % (wanted, result.outcome, result.reason,
                                            result.tail(12))


def attempt(test: Test, bench: Bench) -> Optional[str]:
    if bench.hangs >= HANGS:
        return "not run: %d machines have hung" % bench.hangs
    started = time.monotonic()
    try:
        return test.run(bench)
    except BaseException as error:  # whatever goes wrong here is this test's failure
        return "%s: %s" % (type(error).__name__, error)
    finally:
        test.seconds = time.monotonic() - started


def run_waiting(waiting: deque, bench: Bench, ended: queue.Queue,
                lent: Optional[processors.Processors]) -> None:
    """Run tests until none waits: on the suite's own processor, or each on one that is lent."""
    while not lent or lent.take(lambda: bool(waiting)):
        try:
            test = waiting.popleft()
        except IndexError:
            test = None
        if test:
            ended.put((test, attempt(test, bench)))
        if lent:
            lent.give()
        if not test:
            return


def run_all(tests: List[Test], bench: Bench, jobs: int) -> List[Test]:
    """Run the tests, print their lines as they end, give those that failed."""
    failed: List[Test] = []
    idle, waiting = (deque(test for test in tests if test.idle == kind) for kind in (True, False))
    ended: queue.Queue = queue.Queue()
    with ThreadPoolExecutor(jobs + 1) as pool:
        pool.submit(run_waiting, idle, bench, ended, None)
        for job in range(jobs):
            pool.submit(run_waiting, waiting, bench, ended, processors.lent() if job else None)
        try:
            for number in range(1, len(tests) + 1):
                test, problem = ended.get()
                print("%s %d - %s" % ("not ok" if problem else "ok", number, test.name))
                if problem:
                    failed.append(test)
                    print("\n".join("#   " + line for line in problem.split("\n")))
                sys.stdout.flush()
        except KeyboardInterrupt:
            idle.clear()
            waiting.clear()
            for guest in list(hq.Guest.alive):
                guest.process.kill()
            raise
    return failed


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("extent", nargs="?", default="quick", choices=["quick", "long"])
    parser.add_argument("-j", type=int, default=2, help="machines at a time")
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", default="", help="regular expression on the tests' names")
    parser.add_argument("--list", action="store_true", help="names only")
    parser.add_argument("--figures", default="", help="file to append figures to")
    return parser.parse_args()


def run_suite(title: str, all_tests: Callable[[bool, int], List[Test]],
              finish: Optional[Callable] = None) -> int:
    """The main program of a suite: options, tests, TAP; finish() sees what came of them."""
    options = arguments()
    seed = figures.seed()
    tests = [test for test in all_tests(options.extent == "long", seed)
             if re.search(options.only, test.name)]
    if options.list:
        print("\n".join(test.name for test in tests))
        return 0
    print("# %s: %d tests, %d at a time, seed %d" % (title, len(tests), options.j, seed))
    started = time.monotonic()
    folder = tempfile.mkdtemp(prefix="hyperspace-trials-")
    bench = Bench(options.build, folder)
    try:
        failed = run_all(tests, bench, options.j)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seconds = time.monotonic() - started
    print("1..%d\n# %s: %.0f s, logs in %s" % (len(tests), title, seconds, bench.logs))
    for test in sorted(tests, key=lambda test: -test.seconds)[:SLOWEST]:
        print("# %4.0f s: %s" % (test.seconds, test.name))
    if finish:
        finish(options, tests, failed, bench, seconds)
    return 1 if failed or not tests else 0
