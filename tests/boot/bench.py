#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make bench: the guest counts its own instructions, this collects the rows.

Under -icount shift=0 one tick of the time-stamp counter is one executed guest instruction, so the
figures do not depend on the host.  The guest prints "bench <row> <median> <mean> <p99> <max>
<samples>"; goals stand in bench_goals.txt, which also says what fails the run.
"""

import argparse
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import early
import figures
import hyperspace_qemu as hq

ROW = re.compile(r"^bench ([a-z][a-z0-9.]*) (\d+) (\d+) (\d+) (\d+) (\d+)\s*$", re.M)
CYCLES = re.compile(r"^# (\d+) cycles since the loader's entry$", re.M)
BUSES = ["ahci", "nvme", "usb"]  # whose rows are measured besides virtio's
PAGING_MEMORY = 64  # MB, of the rows of paging files, and of files
# A processor with the CRC32 instruction, as every PC since 2008: each page that moves is summed up.
# The same on the processor of the other rows, which has none, goes into rows of their own.
PAGING_CPU = "Nehalem"
TABLES = ".nocrc32"
SETS_MEMORY = 768  # of those of working sets of up to 100,000 pages
WORD_IN_NAME = str.maketrans(":,", "--")
GOALS = os.path.join(os.path.dirname(__file__), "bench_goals.txt")


def read_goals():
    """{row: (goal or None, state)}, in the file's order."""
    goals = {}
    with open(GOALS, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words:
                name, goal, state = (words + [""])[:3]
                goals[name] = (None if goal == "-" else int(goal), state)
    return goals


def measured_buses(options):
    """All but the one that has all rows; quick: one of them, by the seed."""
    buses = [disk for disk in BUSES if disk != options.disk]
    quick = [disk for disk in buses if disk != "nvme"]  # early.py has no saved machine with it
    return [quick[figures.seed() % len(quick)]] if options.quick else buses


def table(rows, goals):
    """The rows in the goals' order, rows without a goal last."""
    order = {name: number for number, name in enumerate(goals)}
    lines = ["%-24s %12s %12s %12s %12s %8s %12s" % (
        "row", "median", "mean", "p99", "max", "samples", "goal")]
    for row in sorted(rows, key=lambda row: order.get(row[0], len(order))):
        goal = goals.get(row[0], (None, ""))[0]
        word = "-" if goal is None else "%d" % goal
        if goal is not None and int(row[1]) > goal:
            word += "  missed"
        lines.append(("%-24s %12s %12s %12s %12s %8s %12s" % (*row, word)).rstrip())
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image")
    parser.add_argument("--output", default="build/bench.txt")
    parser.add_argument("--firmware", default="x64", choices=["x64", "ia32"])
    parser.add_argument("--disk", default="virtio", choices=sorted(hq.DISKS))
    parser.add_argument("--memory", default=256, type=int)
    parser.add_argument("--timeout", default=300, type=int)
    parser.add_argument("--quick", action="store_true", help="one other bus, one processor")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="hyperspace-bench-") as folder:
        def run(word, disk=options.disk, memory=options.memory, cpu=""):
            name = word.translate(WORD_IN_NAME) + disk + cpu
            image = hq.Image(options.image, os.path.join(folder, name))
            image.add_options("/RUN=%s,shutdown" % word)
            return early.boot(hq.Machine(image.path, options.firmware, disk, memory, cpu,
                                         icount="0"), options.timeout)

        with ThreadPoolExecutor(2) as pool:
            result = pool.submit(run, "bench")
            report = pool.submit(run, "report")
            others = [pool.submit(run, "bench:files,bench:paging", memory=PAGING_MEMORY,
                                  cpu=PAGING_CPU)]
            tables = [] if options.quick else [pool.submit(run, "bench:paging",
                                                           memory=PAGING_MEMORY)]
            # the firmware takes most of a boot: the first bus takes the large machine's rows along
            first, *buses = measured_buses(options)
            others.append(pool.submit(run, "bench:disk,bench:sets", first, SETS_MEMORY))
            others += [pool.submit(run, "bench:disk", disk) for disk in buses]
            result, report = result.result(), report.result()
            runs = [result] + [other.result() for other in others]
            tables = [ended.result() for ended in tables]
    rows = [row for ended in runs for row in ROW.findall(ended.log)]
    rows += [(row[0] + TABLES, *row[1:]) for ended in tables for row in ROW.findall(ended.log)]
    runs += tables
    # What the kernel itself cannot measure: all of a boot, to the last line of its report.
    whole = CYCLES.search(report.log)
    if whole and report.outcome == "passed":
        rows.append(("boot.report",) + (whole.group(1),) * 4 + ("1",))
    goals = read_goals()
    with open(options.output, "w", encoding="utf-8") as file:
        file.writelines("bench %s\n" % " ".join(row) for row in rows)
    print(table(rows, goals))

    found = {row[0] for row in rows}
    quiet = tuple("." + disk for disk in BUSES if disk not in measured_buses(options))
    quiet += (TABLES,) if options.quick else ()
    missing = [name for name, (_, state) in goals.items() if state and name not in found
               and not name.removesuffix(".q8").endswith(quiet)]
    above = [row[0] for row in rows if goals.get(row[0], (None, ""))[1] == "held"
             and int(row[1]) > goals[row[0]][0]]
    if missing:
        print("bench: FAILED, no row for " + ", ".join(missing))
    if above:
        print("bench: FAILED, above a goal that must hold: " + ", ".join(above))
    bad = [ended for ended in runs if ended.outcome != "passed"]
    for ended in bad:
        print("bench: FAILED, %s\n%s" % (ended.reason, ended.tail()))
    return 1 if missing or above or bad else 0


if __name__ == "__main__":
    sys.exit(main())
