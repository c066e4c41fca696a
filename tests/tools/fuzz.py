#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the fuzz targets for a number of inputs each; TAP on stdout, figures R6 and R7.

    fuzz.py --runs N TARGET...

A target build/fuzz/fuzz_x starts from the seeds in tests/fuzz/corpus/x, when there are any, and
leaves what it finds in build/fuzz/x; an input that fails is kept there as crash-*.
"""

import argparse
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../boot"))
import figures  # noqa: E402 (the path comes first)

# R6 asks for more volumes than R7 for inputs of a kind: target, how many times --runs.
VOLUMES = {"fuzz_fat": 2}
DONE = re.compile(r"Done (\d+) runs in")


def run(target, runs, seed):
    """(inputs run, what went wrong or None)."""
    name = os.path.basename(target)[len("fuzz_"):]
    folder = os.path.join(os.path.dirname(target), name)
    os.makedirs(folder, exist_ok=True)
    seeds = os.path.join("tests/fuzz/corpus", name)
    command = [target, "-runs=%d" % runs, "-seed=%d" % (seed & 0x7FFFFFFF or 1), "-timeout=10",
               "-rss_limit_mb=1024", "-print_final_stats=0", "-verbosity=1",
               "-artifact_prefix=%s/" % folder, folder]
    command += [seeds] if os.path.isdir(seeds) else []
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False)
    words = done.stdout.decode("utf-8", "replace")
    match = DONE.search(words)
    count = int(match.group(1)) if match else 0
    if done.returncode or count < runs:
        return count, "status %d\n%s" % (done.returncode, "\n".join(words.split("\n")[-30:]))
    return count, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=100000)
    parser.add_argument("--figures", default="")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    seed = figures.seed()
    started = time.monotonic()
    counts, failed, others = [], 0, 0
    for number, target in enumerate(options.targets, 1):
        volumes = VOLUMES.get(os.path.basename(target))
        count, problem = run(target, options.runs * (volumes or 1), seed)
        if volumes:
            print("# figure R6 %d %d" % (count, problem is not None))
        else:
            counts.append(count)
        failed += problem is not None
        others += problem is not None and not volumes
        print("%s %d - fuzz: %s survives %d inputs (seed %d)" % (
            "not ok" if problem else "ok", number, os.path.basename(target)[5:], count, seed))
        if problem:
            print("\n".join("#   " + line for line in problem.split("\n")))
        sys.stdout.flush()
    if options.figures:  # R7 asks for that many inputs of each kind: the poorest target counts
        figures.record(options.figures, "R7", min(counts, default=0), others,
                       time.monotonic() - started, options.runs / figures.DUE["R7"][0])
    if not counts:
        print("# fuzz: no targets")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
