# SPDX-License-Identifier: MIT
"""The figures of the reliability plan: one JSON line each, honest about what was not measured.

No failure in n independent trials bounds the failure rate below 3/n with 95 % confidence; with
failures the bound is the Poisson one.  A figure without trials is "not measured", never green.
"""

import json
import math
import os
import subprocess

# id: (target of the whole run, what a trial is)
DUE = {
    "R1": (10000000, "operation on address spaces and paged pool that agreed with a plain model"),
    "R2": (1000000, "page read back from a paging file under pressure, and compared"),
    "R3": (1000, "allocation made to fail, everything verified and balanced after it"),
    "R4": (4000, "disk request made to fail, a status and whole files after it"),
    "R5": (10000, "disk image after a power cut"),
    "R6": (2000000, "damaged FAT volume"),
    "R7": (1000000, "fuzzed input: memory map, ACPI table, ELF, configuration"),
    "R10": (1, "boot whose protection audit ran"),
    "R11": (10, "run under pressure: special or poisoned pool, undefined behaviour trapped"),
    "R12": (1000, "run after which every counter was what it was before"),
    "R13": (100, "test under the checker of lock order and of pageable memory at raised IRQL"),
    "R14": (100, "run whose every written sector was compared with what was ours to write"),
    "R15": (1000000, "operation on files by services and views that agreed with a plain model"),
    "R17": (1, "soak under memory pressure without drift"),
    "R16": (120, "boot of another configuration"),
    "R18": (300, "induced crash"),
    "R20": (20, "seed, run three times"),
}


def bound95(failures, trials):
    """Upper 95 % bound of the failure rate."""
    if trials == 0:
        return None
    if failures == 0:
        return min(1.0, 3.0 / trials)
    low, high = float(failures), failures + 10.0 + 5.0 * math.sqrt(failures)
    while high - low > 1e-6:
        mean = (low + high) / 2
        below = sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1))
                    for k in range(failures + 1))
        low, high = (mean, high) if below > 0.05 else (low, mean)
    return min(1.0, high / trials)


def seed():
    """HYPERSPACE_SEED, or the commit's hash, so that a run can be had again."""
    given = os.environ.get("HYPERSPACE_SEED")
    if given:
        return int(given, 0)
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, check=False).stdout.decode().strip()
    except FileNotFoundError:  # an unpacked archive on a machine without git
        commit = ""
    return int(commit[:8], 16) if len(commit) == 40 else 1


def record(path, identifier, trials, failures, seconds, share=1, seed_used=None):
    """Append a figure; share is the part of the target that this run is meant to reach."""
    target = max(1, int(DUE[identifier][0] * share))
    line = {"id": identifier, "target": target, "trials": trials,
            "failures": failures if trials else None, "bound95": bound95(failures, trials),
            "seconds": round(seconds, 1), "seed": seed() if seed_used is None else seed_used}
    if trials == 0:
        line["note"] = "not measured"
    elif trials < target:
        line["note"] = "fewer trials than the target"
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return line


def read(path):
    """The last line of each figure; those without one come as not measured."""
    lines = {name: {"id": name, "target": DUE[name][0], "trials": 0, "failures": None,
                    "bound95": None, "seconds": 0, "seed": None, "note": "not measured"}
             for name in DUE}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                lines[line["id"]] = line
    return list(lines.values())


def write(path, lines):
    """One JSON line per figure."""
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def sentence(line):
    """A figure in words."""
    if line["trials"] == 0:
        return "%s: not measured" % line["id"]
    words = "%s: %d failures in %d trials (%s), rate below %.2g with 95 %% confidence" % (
        line["id"], line["failures"], line["trials"], DUE[line["id"]][1], line["bound95"])
    return words + (", target %d missed" % line["target"]
                    if line["trials"] < line["target"] else "")
