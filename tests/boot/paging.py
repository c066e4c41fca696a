#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Uses far more memory than there is, on each disk bus; TAP.

    paging    64 MB of RAM, up to 512 MB of private memory in four processes and paged pool beside
              them: every page is stamped and compared at each touch (R2)
    errors    requests fail in the middle of paging out and in: the run ends, no page is wrong, an
              error is a status (R4)
    sector    a sector of the paging file cannot be read: whoever owns that page hears of it
    small     a paging file too small for the memory that is asked for: refused at once
    full      a volume without room for a paging file: said, and the machine works
    grow      a paging file that is small at first: the work passes as it grows; at the next start
              it has its smallest size; on a volume that becomes full the rest is refused
    sizes     64 MB to 4 GB of RAM: the report passes
    pool      paged pool filled to its limit, where one more page is refused, while processes need
              the memory too; nonpaged pool exhausted while pages move
    checked   the work with freed pool poisoned, or all pool in special pool, or by the kernel that
              traps undefined behaviour, which clang built (R11); with paged pool,
              and all pageable memory trimmed before each raise of IRQL (R13)
    soak      the same work again and again: counters do not drift (R17)

Where the volume is small enough every sector that was written is compared with what was ours to
write (R14).  "quick" has 512 MB on one bus, by the seed, and less on the others; "long" has all of
it on all buses and both firmwares.  `paging.py soak [minutes]` soaks alone.
"""

import random
import re
import subprocess
import sys
from dataclasses import replace
from typing import Callable, Dict, List, Optional

import fat_image
import hyperspace_qemu as hq
import trials
from early import boot
from matrix import with_value
from paging_runs import (CANNOT_CHANGE, ERRORS, FAILED, GROWN, LARGE, MEMORY, NO_FILE, NO_ROOM,
                         POOL_MB, PROCESSES, SMALL, TIMEOUT, TRAPPING, base, check_volume, checked,
                         confined, counting, discard, file_bytes, fill, forced, injected,
                         note_pages, own_copy, paged, really_paged, soaked, stray, verdicts)
from trials import Bench, Test, explain

BUSES = ["ahci", "virtio", "nvme", "usb"]
FIRMWARE = ["x64", "ia32"]
COMMITMENT_LIMIT = "c000012d"
FULL_MB = 40  # paged pool has at least so much with MEMORY


# ---- the workload ----

def work_test(firmware: str, disk: str, megabytes: int, seed: int) -> Test:
    whole = megabytes == LARGE
    name = "paging: %d MB%s with %d MB of RAM on %s, %s" % (
        megabytes, " and paged pool" if whole else "", MEMORY, disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        file_mb = megabytes + POOL_MB
        run = "paging:%d:%d:%d%s,shutdown" % (megabytes, PROCESSES, seed, ":pool" if whole else "")
        before = own_copy(bench, base(bench, file_mb + 64 if whole else 340), name + " before", run,
                          (file_mb, file_mb))
        image = before + ".after"
        subprocess.run(["cp", "--sparse=always", before, image], check=True)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True,
                             write_log="" if whole else image + ".log")
        result = bench.keep(name, boot(machine, TIMEOUT))
        try:
            note_pages(result)
            if result.outcome != "passed":
                return explain(result, "passed")
            problems = [verdicts(result, 1), really_paged(result, megabytes), check_volume(image)]
            if not whole:
                problems.append(stray(before, image, image + ".log"))
            return "; ".join(problem for problem in problems if problem) or None
        finally:
            discard(before, image, image + ".log")

    return Test(name, test, "paging")


TRIES = 4  # that a driver gives a request at most
READS = 40  # in a row: several threads read, and what failed together is tried alone again
FIRST, STEPS = 300, 700  # writes: the start is over, the work is not


def random_rules(generator: random.Random) -> dict:
    """blkdebug's rules: now and then a write fails with all its tries, or the next reads do.  A
    state is how many writes there have been, and one.  (A rule that is not for once would last.)"""
    rules = []
    for _ in range(14):
        first = generator.randrange(FIRST, STEPS)
        kind = generator.choice(["read", "write"])
        rules += [{"event": kind + "_aio", "iotype": kind, "errno": 5, "once": True,
                   "state": first + number * (kind == "write")}
                  for number in range(2 * TRIES if kind == "write" else READS)]
    return {"set-state": [{"event": "write_aio", "state": n, "new_state": n + 1}
                          for n in range(1, STEPS + 2 * TRIES)],
            "inject-error": rules}


def errors_test(firmware: str, disk: str, number: int, seed: int) -> Test:
    name = "errors: requests fail while pages move on %s, %s, run %d" % (disk, firmware, number)

    def test(bench: Bench) -> Optional[str]:
        generator = random.Random(seed + number)
        run = "paging:%d:%d:%d:errors,shutdown" % (SMALL, PROCESSES,
                                                   generator.randrange(1, 1 << 31))
        image = own_copy(bench, base(bench, 340), name, run, (SMALL + POOL_MB, SMALL + POOL_MB))
        rules = random_rules(generator)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True, errors=rules)
        result = bench.keep(name, boot(machine, TIMEOUT))
        discard(image)
        note_pages(result)
        problem = None
        if result.outcome != "passed":
            problem = explain(result, "passed")
        problem = problem or verdicts(result, 1) or really_paged(result, SMALL)
        failures = [int(count) for count in FAILED.findall(result.log)]
        if not problem and not any(failures):
            problem = "no request failed"
        with counting:
            injected[0] += sum(failures)
            injected[1] += bool(problem)
        return problem

    return Test(name, test, "errors")


BAD_SLOT = 6000  # in the middle of what is used: a worker's, not the kernel's


def bad_sector(image: str) -> int:
    """The first sector, in the image, of that page of the paging file."""
    offset = hq.data_offset(image)
    volume = fat_image.Volume(image, offset)
    try:
        chain = volume.chain(volume.root_entries()["PAGEFILE.SYS"].cluster)
        place, rest = divmod(BAD_SLOT * 8, volume.each)
        return offset // fat_image.SECTOR + volume.cluster_sectors(chain[place])[rest]
    finally:
        volume.close()


def sector_test(firmware: str, disk: str, seed: int) -> Test:
    name = "sector: one of the paging file cannot be read on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        run = "paging:%d:%d:%d:errors,shutdown" % (SMALL, PROCESSES, seed)
        file_mb = (SMALL + POOL_MB, SMALL + POOL_MB)
        image = own_copy(bench, base(bench, 340), name, "paging:8:1,shutdown", file_mb)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True)
        result = bench.keep(name + ", first boot", boot(machine, TIMEOUT))
        if result.outcome != "passed":
            return explain(result, "passed")
        hq.Image(image, image + ".run").add_options("/RUN=" + run)
        rule = {"event": "read_aio", "iotype": "read", "errno": 5, "sector": bad_sector(image)}
        machine = replace(machine, image=image + ".run", errors={"inject-error": [rule]})
        result = bench.keep(name, boot(machine, TIMEOUT))
        discard(image, image + ".run")
        note_pages(result)
        problem = None if result.outcome == "passed" else explain(result, "passed")
        problem = problem or verdicts(result, 1) or really_paged(result, SMALL)
        if not problem and not all(int(errors) for errors, _ in ERRORS.findall(result.log)):
            problem = explain(result, "an in-page error")
        with counting:
            injected[0] += sum(int(count) for count in FAILED.findall(result.log))
            injected[1] += bool(problem)
        return problem

    return Test(name, test, "sector")


# ---- too little ----

def small_test(firmware: str, disk: str) -> Test:
    name = "small: a paging file of 4 MB for 512 MB on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        image = own_copy(bench, base(bench, 340), name,
                         "paging:512:4:refused,paging:8:2,report,shutdown", (4, 4))
        result = bench.keep(name, boot(hq.Machine(image, firmware, disk, MEMORY, writable=True),
                                       TIMEOUT))
        discard(image)
        if result.outcome != "passed":
            return explain(result, "passed")
        if not re.search(r"MB committed in 4 processes: %s" % COMMITMENT_LIMIT, result.log):
            return explain(result, "STATUS_COMMITMENT_LIMIT")
        return verdicts(result, 2)

    return Test(name, test, "small")


def full_test(firmware: str, disk: str) -> Test:
    name = "full: no room for a paging file on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        image = own_copy(bench, base(bench, 340), name,
                         "report,paging:12:2,paging:512:4:refused,shutdown")
        fill(image, 256 << 10)
        result = bench.keep(name, boot(hq.Machine(image, firmware, disk, MEMORY, writable=True),
                                       TIMEOUT))
        discard(image)
        if result.outcome != "passed":
            return explain(result, "passed")
        if not NO_FILE.search(result.log):
            return explain(result, "that the volume has no room")
        if not CANNOT_CHANGE.search(result.log):
            return explain(result, "that it has none for the report's files either")
        return verdicts(result, 2)

    return Test(name, test, "full")


# ---- growth ----

FIRST_MB = 16  # of a paging file that grows


def check_growth(image: str, log: str) -> Optional[str]:
    """It grew, and is on the disk as long as the log says."""
    grown = GROWN.findall(log)
    if not grown:
        return "the paging file never became longer"
    size = file_bytes(image, "pagefile.sys")
    if size != int(grown[-1]) << 20:
        return "it has %d bytes, not %s MB" % (size, grown[-1])
    return None


def check_next_start(bench: Bench, name: str, image: str, machine: hq.Machine) -> Optional[str]:
    """The machine starts again: the file has its smallest size, the volume is in order."""
    result = bench.keep(name + " again", boot(machine, TIMEOUT))
    if result.outcome != "passed":
        return explain(result, "passed")
    if not re.search(r"^Page file +C:.pagefile.sys: %d MB, .*; shorter\r?$" % FIRST_MB, result.log,
                     re.M):
        return explain(result, "a paging file that has %d MB again" % FIRST_MB)
    return check_volume(image)


def grow_test(firmware: str, disk: str, megabytes: int, seed: int) -> Test:
    name = "grow: %d MB with a paging file of %d MB that grows on %s, %s" % (
        megabytes, FIRST_MB, disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        most = megabytes + POOL_MB
        before = own_copy(bench, base(bench, max(340, most + 64)), name + " before",
                          "paging:%d:%d:%d,shutdown" % (megabytes, PROCESSES, seed),
                          (FIRST_MB, most))
        image = before + ".after"
        log = image + ".log" if megabytes == SMALL else ""
        subprocess.run(["cp", "--sparse=always", before, image], check=True)
        result = bench.keep(name, boot(hq.Machine(image, firmware, disk, MEMORY, writable=True,
                                                  write_log=log), TIMEOUT))
        try:
            note_pages(result)
            if result.outcome != "passed":
                return explain(result, "passed")
            problems = [verdicts(result, 1), really_paged(result, megabytes), check_volume(image),
                        check_growth(image, result.log)]
            if log:
                problems.append(stray(before, image, log))
            problems.append(check_next_start(bench, name, image, hq.Machine(
                image, firmware, disk, MEMORY, writable=True)))
            return "; ".join(problem for problem in problems if problem) or None
        finally:
            discard(before, image, log or image + ".log")

    return Test(name, test, "grow")


def grow_full_test(firmware: str, disk: str) -> Test:
    name = "grow: a volume that becomes full on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        image = own_copy(bench, base(bench, 340), name,
                         "paging:512:4:refused,paging:%d:2,report,shutdown" % (MEMORY + 8),
                         (FIRST_MB, 600))
        fill(image, (FIRST_MB + 40) << 20)
        result = bench.keep(name, boot(hq.Machine(image, firmware, disk, MEMORY, writable=True),
                                       TIMEOUT))
        try:
            note_pages(result)
            if result.outcome != "passed":
                return explain(result, "passed")
            if not re.search(r"MB committed in 4 processes: %s" % COMMITMENT_LIMIT, result.log):
                return explain(result, "STATUS_COMMITMENT_LIMIT")
            if not NO_ROOM.search(result.log):
                return explain(result, "that the volume has no room")
            problems = [verdicts(result, 2), check_volume(image), check_growth(image, result.log)]
            return "; ".join(problem for problem in problems if problem) or None
        finally:
            discard(image)

    return Test(name, test, "grow")


# ---- sizes, checking ----

def size_test(firmware: str, memory: int) -> Test:
    name = "sizes: %d MB, %s" % (memory, firmware)

    def test(bench: Bench) -> Optional[str]:
        megabytes = max(32, min(memory // 2, 256))
        image = own_copy(bench, base(bench, 340), name,
                         "report,paging:%d:2,shutdown" % megabytes, (128, 200))
        result = bench.keep(name, boot(hq.Machine(image, firmware, "virtio", memory,
                                                  writable=True), TIMEOUT))
        discard(image)
        if result.outcome != "passed":
            return explain(result, "passed")
        return verdicts(result, 1)

    return Test(name, test, "sizes")


FULL = re.compile(r"^# paging: paged pool refused a page with (\d+) of (\d+) in use", re.M)


def filled(result: hq.Result) -> Optional[str]:
    """=> What is wrong: paged pool refused nothing, or refused a page while it had some."""
    match = FULL.search(result.log)
    if not match or match.group(1) != match.group(2):
        return explain(result, "paged pool to be full: " + (match.group(0) if match else "no"))
    return None


def pool_test(firmware: str, disk: str, seed: int) -> Test:
    name = "pool: paged pool filled to its limit on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        image = own_copy(bench, base(bench, 340), name,
                         "paging:%d:%d:%d:pool,shutdown" % (SMALL // 2, PROCESSES, seed),
                         (SMALL + POOL_MB, SMALL + POOL_MB))
        result = bench.keep(name, boot(hq.Machine(image, firmware, disk, MEMORY, writable=True),
                                       TIMEOUT))
        discard(image)
        note_pages(result)
        if result.outcome != "passed":
            return explain(result, "passed")
        return verdicts(result, 1) or really_paged(result, SMALL // 2 + FULL_MB) or filled(result)

    return Test(name, test, "pool")


def hoard_test(firmware: str, disk: str, seed: int) -> Test:
    name = "pool: nonpaged pool exhausted while pages move on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        image = own_copy(bench, base(bench, 340), name,
                         "paging:%d:%d:%d:nonpaged,shutdown" % (SMALL, PROCESSES, seed),
                         (SMALL + POOL_MB, SMALL + POOL_MB))
        result = bench.keep(name, boot(hq.Machine(image, firmware, disk, MEMORY, writable=True),
                                       TIMEOUT))
        discard(image)
        note_pages(result)
        if result.outcome != "passed":
            return explain(result, "passed")
        return verdicts(result, 1) or really_paged(result, SMALL)

    return Test(name, test, "pool")


def forced_test(firmware: str, disk: str, seed: int) -> Test:
    name = "checked: VerifyDriverLevel 2, with paged pool, on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        image = own_copy(bench, base(bench, 340), name,
                         "report,paging:%d:2:%d:pool,shutdown" % (SMALL // 2, seed),
                         (SMALL + POOL_MB, SMALL + POOL_MB))
        copy = hq.Image(image, image + ".checked")
        with_value("VerifyDriverLevel", "00000002")(copy)
        result = bench.keep(name, boot(hq.Machine(copy.path, firmware, disk, MEMORY,
                                                  writable=True), TIMEOUT))
        discard(image, copy.path)
        note_pages(result)
        problem = None if result.outcome == "passed" else explain(result, "passed")
        problem = problem or verdicts(result, 1) or filled(result)
        with counting:
            forced[0] += 1
            forced[1] += bool(problem)
        return problem

    return Test(name, test, "checked")


def checked_test(firmware: str, disk: str, value: str, number: str, seed: int,
                 files: str = "") -> Test:
    # the seed: of two with one name, both machines would have one disk
    name = "checked: %s %s on %s, %s, seed %d" % (value, number, disk, firmware, seed)

    def test(bench: Bench) -> Optional[str]:
        image = own_copy(bench, base(bench, 340, files), name,
                         "paging:%d:%d:%d,shutdown" % (SMALL, PROCESSES, seed),
                         (SMALL + POOL_MB, SMALL + POOL_MB))
        copy = hq.Image(image, image + ".checked")
        if not files:
            with_value(value, number)(copy)
        result = bench.keep(name, boot(hq.Machine(copy.path, firmware, disk, MEMORY,
                                                  writable=True), TIMEOUT))
        discard(image, copy.path)
        note_pages(result)
        problem = None if result.outcome == "passed" else explain(result, "passed")
        problem = problem or verdicts(result, 1) or really_paged(result, SMALL)
        if files and TRAPPING not in result.log:
            problem = problem or "that kernel traps nothing"
        with counting:
            checked[0] += 1
            checked[1] += bool(problem)
        return problem

    return Test(name, test, "checked")


# ---- soak ----

SAMPLE = re.compile(r"^# paging: after: (.*)$", re.M)


def drift(samples: List[Dict[str, int]]) -> Optional[str]:
    """What is kept may not grow: the last third of the samples does not lie above the first.

    A frame that is being zeroed at the moment of a sample counts as one in use.  A page of the
    kernel's own that is out has a slot in the place of its frame: the two are one count.
    """
    if len(samples) < 4:
        return "only %d samples" % len(samples)
    samples = [{**sample, "slots and frames": sample["slots"] + sample["frames in use"]}
               for sample in samples]
    third = (len(samples) - 1) // 3
    for name in samples[1].keys() - {"slots", "frames in use"}:
        first = max(sample[name] for sample in samples[1:1 + third])
        last = min(sample[name] for sample in samples[-third:])
        if last > first:
            return "%s grew from %d to %d over %d rounds" % (name, first, last, len(samples) - 2)
    return None


def soak_test(firmware: str, disk: str, minutes: float, seed: int) -> Test:
    """Rounds by the clock; each has its own seed, and ends with what is kept."""
    name = "soak: %g minutes on %s, %s" % (minutes, disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        image = own_copy(bench, base(bench, 340), name, "paging:%d:%d:%d:soak%d,shutdown" % (
            SMALL, PROCESSES, seed, minutes * 60), (SMALL + POOL_MB, SMALL + POOL_MB))
        result = bench.keep(name, boot(hq.Machine(image, firmware, disk, MEMORY, writable=True),
                                       minutes * 60 + TIMEOUT))
        discard(image)
        note_pages(result)
        samples = [{part.rsplit(" ", 1)[0]: int(part.rsplit(" ", 1)[1])
                    for part in line.split(", ")} for line in SAMPLE.findall(result.log)]
        problem = explain(result, "passed") if result.outcome != "passed" else drift(samples)
        with counting:
            soaked[0] += 1
            soaked[1] += bool(problem)
        return problem

    return Test(name, test, "soak")


# ---- the suite ----

def all_tests(thorough: bool, seed: int) -> List[Test]:
    generator = random.Random(seed)
    number: Callable[[], int] = lambda: generator.randrange(1, 1 << 31)  # noqa: E731
    tests = []
    for place, disk in enumerate(BUSES):
        for turn, firmware in enumerate(FIRMWARE):
            if not thorough and turn != (seed + place) % 2:
                continue
            whole = thorough or place == seed % len(BUSES)
            tests.append(work_test(firmware, disk, LARGE if whole else SMALL, number()))
            if thorough:
                tests.append(work_test(firmware, disk, SMALL, number()))
            tests += [errors_test(firmware, disk, n, number())
                      for n in range(10 if thorough else 1)]
    for turn, firmware in enumerate(FIRMWARE):
        if thorough or turn != seed % 2:
            tests.append(sector_test(firmware, BUSES[number() % len(BUSES)], number()))
        if thorough or turn == seed % 2:
            tests.append(small_test(firmware, BUSES[number() % len(BUSES)]))
            tests.append(full_test(firmware, BUSES[number() % len(BUSES)]))
            tests.append(grow_full_test(firmware, BUSES[number() % len(BUSES)]))
            tests.append(grow_test(firmware, BUSES[number() % len(BUSES)], SMALL, number()))
            if thorough:
                tests.append(grow_test(firmware, BUSES[number() % len(BUSES)], LARGE, number()))
        if thorough or turn != seed % 2:
            tests.append(pool_test(firmware, BUSES[number() % len(BUSES)], number()))
            tests.append(hoard_test(firmware, BUSES[number() % len(BUSES)], number()))
            tests.append(forced_test(firmware, BUSES[number() % len(BUSES)], number()))
        sizes = (64, 96, 128, 256, 512, 1024, 2048, 4096) if thorough else ((64,), (4096,))[turn]
        tests += [size_test(firmware, memory) for memory in sizes]
    for turn, (value, to) in enumerate((("PoisonFreedPool", "00000001"), ("PoolTag", "0000002a"))):
        tests += [checked_test(FIRMWARE[turn], BUSES[number() % len(BUSES)], value, to, number())
                  for _ in range(5 if thorough else turn == seed % 2)]
    tests += [checked_test(firmware, BUSES[number() % len(BUSES)], "undefined behaviour", "trapped",
                           number(), "clang")
              for turn, firmware in enumerate(FIRMWARE) if thorough or turn != seed % 2]
    if thorough:
        tests.append(soak_test("x64", "virtio", 2, number()))
    return tests


def main() -> int:
    def finish(_options, _tests, _failed, _bench, _seconds):
        print("# figure R2 %d %d" % tuple(paged))
        print("# figure R4 %d %d" % tuple(injected))
        print("# figure R11 %d %d" % tuple(checked))
        print("# figure R13 %d %d" % tuple(forced))
        print("# figure R14 %d %d" % tuple(confined))
        if soaked[0]:
            print("# figure R17 %d %d" % tuple(soaked))

    if sys.argv[1:2] == ["soak"]:
        minutes = float(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2][0].isdigit() else 60
        sys.argv[1:] = [word for word in sys.argv[2 if minutes == 60 and len(sys.argv) < 3 else 3:]]

        def soak(_thorough: bool, seed: int) -> List[Test]:
            return [soak_test(firmware, disk, minutes, seed + place)
                    for place, (firmware, disk) in enumerate((("x64", "ahci"), ("ia32", "virtio")))]

        return trials.run_suite("soak", soak, finish)
    return trials.run_suite("paging", all_tests, finish)


if __name__ == "__main__":
    sys.exit(main())
