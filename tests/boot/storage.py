#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes 64 MB on each bus from within the guest, and looks at the disk afterwards; TAP.

    storage   the guest writes, reads, changes files; then fsck.fat finds nothing, mtools reads what
              storage_plan.py says, PAGEFILE.SYS is there, the volume is clean
    errors    the same with requests that fail: nothing hangs, each failure is a status, what did
              not fail is right, on the disk too, and fsck.fat finds lost clusters at worst (R4)
    slow      a disk that answers late, and one that answers too late
    unplug    a USB stick is taken away in the middle

In all of them every sector that was written is compared with what was ours to write (R14).

"quick" has one firmware for each bus, by the seed; "long" all of them, and a hub.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from typing import Dict, List, Optional, Set, Tuple

import fat_image
import early
import hyperspace_qemu as hq
import storage_plan
import trials
from trials import MAKE_IMAGE, Bench, Test, explain

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../disk"))
from fat_bench import HARMLESS  # noqa: E402 (the path comes first)

BUSES = ["ahci", "virtio", "nvme", "usb"]
RESTORABLE = ["ahci", "virtio", "usb"]  # QEMU does not save a machine with NVMe
MEMORY = 128
FAT16_MB = 255  # clusters of 4 KB, and room for a paging file beside the files
TIMEOUT = 180
REQUEST_SECONDS = 10  # that a request may take
SILENCE = 15
ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8", MTOOLS_SKIP_CHECK="1", TZ="UTC")
REQUESTS = re.compile(r"^# storage: (\d+) reads, (\d+) writes, (\d+) flushes, (\d+) failed", re.M)
LONGEST = re.compile(r"no call took longer than (\d+) ms")
REACHED = re.compile(r"^# storage: reached (\d+) (\d+)$", re.M)
DOUBTFUL = re.compile(r"^# storage: doubtful (\d+)$", re.M)
counting = threading.Lock()
confined = [0, 0]  # R14: runs compared, and those with a stray write
injected = [0, 0]  # R4: failures that the guest saw, and runs that were not right


def run(command: List[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=ENVIRONMENT, stdin=subprocess.DEVNULL)


# ---- what a run left on its disk ----

def compare_files(volume: str, folder: str, plan: storage_plan.Plan, doubtful: Set[int],
                  reached: Tuple[int, ...] = ()) -> Optional[str]:
    """mtools reads the files that there have to be, no more and no fewer."""
    out = os.path.join(folder, "files")
    os.mkdir(out)
    done = run(["mcopy", "-s", "-n", "-i", volume, "::/storage", out])
    found = {os.path.relpath(os.path.join(path, name), out)
             for path, folders, names in os.walk(out) for name in folders + names}
    wanted = plan.tree(*reached)
    sure = {path: file for path, file in wanted.items() if not file
            or file.number not in doubtful}
    missing = sorted(path for path, file in sure.items() if path not in found
                     and (file or not doubtful))
    known = set(wanted) | {plan.path(n, renamed) for n in doubtful for renamed in (False, True)}
    if missing or found - known:
        return "missing: %s; unexpected: %s; mcopy: %s" % (
            missing[:5], sorted(found - known)[:5], done.stdout.decode("utf-8", "replace"))
    for path, file in sure.items():
        if file:
            with open(os.path.join(out, path), "rb") as data:
                if data.read() != plan.contents(file):
                    return "%s (%s) is not what was written" % (path, file)
    return None


class Judgement:
    """A disk before and after a run; each method gives None, or what is wrong."""

    def __init__(self, before: str, after: str, log: str, folder: str):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        offset = hq.data_offset(before)
        self.original, self.disk, self.log = before, after, log
        self.before = fat_image.Volume(before, offset)
        self.after = fat_image.Volume(after, offset)
        self.volume = os.path.join(folder, "volume")
        fat_image.extract(after, offset, self.before.sectors * fat_image.SECTOR, self.volume)

    def close(self) -> None:
        self.before.close()
        self.after.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def fsck(self, harmless: bool) -> Optional[str]:
        """fsck.fat finds nothing; or what a power cut may leave."""
        done = run(["/sbin/fsck.fat", "-n", self.volume])
        lines = done.stdout.decode("utf-8", "replace").split("\n")
        strange = [line for line in lines if not HARMLESS.match(line)]
        if strange if harmless else done.returncode:
            return "fsck.fat:\n" + "\n".join(lines)
        return None

    def clean(self) -> Optional[str]:
        return None if self.after.clean() else "the volume is not marked clean"

    def paging_file(self) -> Optional[str]:
        entry = self.after.root_entries().get("PAGEFILE.SYS")
        if not entry or entry.bytes < 1 << 20:
            return "no PAGEFILE.SYS of 1 MB or more: %s" % (entry,)
        clusters = len(self.after.chain(entry.cluster))
        due = -(-entry.bytes // (self.after.each * fat_image.SECTOR))
        return None if clusters == due else "PAGEFILE.SYS has %d clusters of %d" % (clusters, due)

    def files(self, plan: storage_plan.Plan, doubtful: Set[int],
              reached: Tuple[int, ...] = ()) -> Optional[str]:
        return compare_files(self.volume, self.folder, plan, doubtful, reached)

    def confined(self) -> Optional[str]:
        """Every write was ours to make, and no write escaped the log."""
        written, problems = fat_image.confinement(self.original, self.disk, self.log,
                                                  self.before.offset)
        if not written:
            problems.append("nothing was written at all")
        with counting:
            confined[0] += 1
            confined[1] += bool(problems)
        return "stray writes: " + "; ".join(problems[:5]) if problems else None


# ---- images and machines ----

def base(bench: Bench, fat: str) -> str:
    """The disk that the tests copy."""
    def make(path: str) -> None:
        subprocess.run([MAKE_IMAGE, path], check=True, env=dict(
            os.environ, FILES=bench.build, LAYOUT="mbr", FATBITS=fat, DATA_MB=str(FAT16_MB)))

    return bench.base("gpt", fat) if fat == "32" else bench.once("storage base " + fat, make)


def own_copy(bench: Bench, source: str, name: str, options: str = "") -> str:
    path = os.path.join(bench.folder, re.sub(r"\W+", "_", name) + ".img")
    image = hq.Image(source, path)
    if options:
        image.add_options(options)
    return path


def discard(*paths: str) -> None:
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


def examine(before: str, disk: str, plan: storage_plan.Plan, result: hq.Result,
            disturbed: bool) -> Optional[str]:
    """All that can be said about the disk after a run; disturbed: requests failed."""
    judgement = Judgement(before, disk, disk + ".log", disk + ".d")
    doubtful = {int(number) for number in DOUBTFUL.findall(result.log)}
    reached = REACHED.search(result.log)
    if not reached:
        return "the guest does not say how far it came"
    try:
        turns = tuple(map(int, reached.groups()))
        problems = [judgement.fsck(disturbed), judgement.files(plan, doubtful, turns),
                    judgement.confined()]
        if not disturbed:
            problems += [judgement.clean(), judgement.paging_file()]
    finally:
        judgement.close()
    return "; ".join(problem for problem in problems if problem) or None


# ---- the tests ----

def judge(bench: Bench, name: str, before: str, image: str, plan: storage_plan.Plan,
          result: hq.Result, disturbed: bool) -> Optional[str]:
    """The guest's own verdict, then the disk's."""
    try:
        if result.outcome != "passed":
            return explain(result, "passed")
        return examine(before, image, plan, result, disturbed)
    finally:
        bench.keep(name, result)
        discard(image, image + ".log")


def storage_test(firmware: str, disk: str, fat: str, megabytes: int, seed: int) -> Test:
    name = "storage: %d MB on %s, %s, FAT%s" % (megabytes, disk, firmware, fat)

    def test(bench: Bench) -> Optional[str]:
        options = "/RUN=storage:%d:%d,shutdown" % (megabytes, seed)
        before = own_copy(bench, base(bench, fat), name + " before", options)
        image = own_copy(bench, before, name)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True, write_log=image + ".log")
        result = early.boot(machine, TIMEOUT)
        try:
            return judge(bench, name, before, image, storage_plan.Plan(seed, megabytes << 20),
                         result, False)
        finally:
            discard(before)

    return Test(name, test, "storage")


def wide_test(firmware: str, disk: str, seed: int) -> Test:
    """A disk whose sectors are 4096 bytes, as the firmware, the loader and we see it."""
    name = "storage: 16 MB on %s, %s, sectors of 4096 bytes" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        def make(path: str) -> None:
            subprocess.run([MAKE_IMAGE, path], check=True, env=dict(
                os.environ, FILES=bench.build, LAYOUT="superfloppy", SECTOR="4096"))

        options = "/RUN=storage:16:%d,shutdown" % seed
        image = own_copy(bench, bench.once("storage base 4096", make), name, options)
        result = early.boot(hq.Machine(image, firmware, disk, MEMORY, writable=True), TIMEOUT)
        bench.keep(name, result)
        try:
            if result.outcome != "passed":
                return explain(result, "passed")
            if "sectors of 4096 bytes" not in result.log:
                return "the guest saw no sectors of 4096 bytes"
            done = run(["/sbin/fsck.fat", "-n", image])
            if done.returncode:
                return "fsck.fat:\n" + done.stdout.decode("utf-8", "replace")
            folder = image + ".d"
            os.mkdir(folder)
            try:
                return compare_files(image, folder, storage_plan.Plan(seed, 16 << 20), set())
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            discard(image)

    return Test(name, test, "storage")


def fail_at(moments: Dict[int, str], lasting: bool) -> dict:
    """blkdebug's rules: the given reads, writes or flushes fail, counted by writes; or all of that
    kind from then on.  A state is how many writes there have been, and one."""
    events = {"read": "read_aio", "write": "write_aio", "flush": "flush_to_disk"}
    last = max(moments)
    return {"set-state": [{"event": "write_aio", "state": n, "new_state": n + 1}
                          for n in range(1, last)],
            "inject-error": [{"event": events[kind], "iotype": kind, "state": n, "errno": 5,
                              "once": not lasting} for n, kind in moments.items()]}


def count_injected(result: hq.Result, problem: Optional[str]) -> None:
    seen = REQUESTS.search(result.log)
    with counting:
        injected[0] += int(seen.group(4)) if seen else 0
        injected[1] += bool(problem)


def saved(bench: Bench, firmware: str, disk: str) -> str:
    """A machine that has started and waits; its disk stands beside it."""
    def make(path: str) -> None:
        image = own_copy(bench, base(bench, "16"), "waiting %s %s" % (firmware, disk),
                         "/RUN=wait,shutdown")
        result = hq.save(hq.Machine(image, firmware, disk, MEMORY, writable=True), path)
        if result.outcome != "stopped":
            raise RuntimeError(explain(result, "READY"))
        os.rename(image, path + ".img")

    return bench.once("storage state %s %s" % (firmware, disk), make)


def restored_errors_test(firmware: str, disk: str, times: int, seed: int) -> Test:
    """From a saved machine: each time other requests fail."""
    name = "errors: requests fail on %s, %s, %d runs" % (disk, firmware, times)

    def once(bench: Bench, number: int) -> Optional[str]:
        generator = random.Random(seed + number)
        state = saved(bench, firmware, disk)
        title = "%s %d" % (name, number)
        image = own_copy(bench, state + ".img", title)
        rules = random_rules(generator)
        plan_seed = generator.randrange(1, 1 << 31)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True, errors=rules,
                             write_log=image + ".log")
        result = hq.restore(machine, state, "storage:errors:1:%d,shutdown" % plan_seed, TIMEOUT)
        problem = judge(bench, title, state + ".img", image,
                        storage_plan.Plan(plan_seed, 1 << 20), result, True)
        count_injected(result, problem)
        return problem and "run %d, %s: %s" % (number, rules["inject-error"], problem)

    def test(bench: Bench) -> Optional[str]:
        problems = [problem for problem in (once(bench, number) for number in range(times))
                    if problem]
        return "%d of %d: %s" % (len(problems), times, problems[0]) if problems else None

    return Test(name, test, "errors", times)


def random_rules(generator: random.Random) -> dict:
    """Some single requests, or all of one kind from a moment on."""
    kinds = ("read", "write", "write", "flush")
    if generator.randrange(4) == 0:
        return fail_at({generator.randrange(1, 400): generator.choice(kinds)}, True)
    return fail_at({generator.randrange(1, 800): generator.choice(kinds) for _ in range(10)}, False)


def booted_errors_test(firmware: str, disk: str, number: int, seed: int) -> Test:
    """The same on machines that cannot be saved; the start's own writes come first."""
    name = "errors: requests fail on %s, %s, run %d" % (disk, firmware, number)

    def test(bench: Bench) -> Optional[str]:
        generator = random.Random(seed + number)
        plan_seed = generator.randrange(1, 1 << 31)
        before = own_copy(bench, base(bench, "16"), name + " before",
                          "/RUN=storage:errors:1:%d,shutdown" % plan_seed)
        image = own_copy(bench, before, name)
        rules = random_rules(generator)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True, errors=rules,
                             write_log=image + ".log")
        result = early.boot(machine, TIMEOUT)
        problem = judge(bench, name, before, image, storage_plan.Plan(plan_seed, 1 << 20), result,
                        True)
        count_injected(result, problem)
        discard(before)
        return problem and "%s: %s" % (rules["inject-error"], problem)

    return Test(name, test, "errors")


def slow_test(firmware: str, disk: str, seed: int) -> Test:
    """Few requests a second: late, never too late."""
    name = "slow: 200 requests a second on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        before = own_copy(bench, base(bench, "16"), name + " before",
                          "/RUN=wait,shutdown")
        image = own_copy(bench, before, name)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True,
                             write_log=image + ".log", throttle="x-iops-total=0")
        guest = early.start(machine, qmp=True)
        if guest.wait_for(r"^READY\s*$", TIMEOUT):
            guest.monitor.call("qom-set", path="/objects/slow", property="limits",
                               value={"iops-total": 200})
            guest.send(b"storage:1:%d,shutdown\r" % seed)
        result = guest.finish(TIMEOUT)
        try:
            return judge(bench, name, before, image, storage_plan.Plan(seed, 1 << 20), result,
                         False)
        finally:
            discard(before)

    return Test(name, test, "slow")


def silent_test(firmware: str, disk: str, seed: int) -> Test:
    """For a while the disk does not answer within a request's time; then it does again."""
    name = "slow: no answer in time on %s, %s" % (disk, firmware)

    def test(bench: Bench) -> Optional[str]:
        before = own_copy(bench, base(bench, "16"), name + " before",
                          "/RUN=wait,shutdown")
        image = own_copy(bench, before, name)
        machine = hq.Machine(image, firmware, disk, MEMORY, writable=True,
                             write_log=image + ".log", throttle="x-iops-total=0")
        guest = early.start(machine, qmp=True)
        if guest.wait_for(r"^READY\s*$", TIMEOUT):
            limits = dict(path="/objects/slow", property="limits")
            guest.monitor.socket.settimeout(TIMEOUT)  # a reset waits for what is under way
            guest.monitor.call("qom-set", value={"bps-total": 300}, **limits)
            guest.send(b"storage:errors:1:%d,shutdown\r" % seed)
            guest.wait_for(r"^(not ok|ok) \d+ - storage: ", SILENCE)
            guest.monitor.call("qom-set", value={"bps-total": 0}, **limits)
        result = guest.finish(TIMEOUT)
        problem = judge(bench, name, before, image, storage_plan.Plan(seed, 1 << 20), result, True)
        longest = LONGEST.search(result.log)
        if not problem and (not longest or int(longest.group(1)) < REQUEST_SECONDS * 1000):
            problem = explain(result, "a call that a request's time limit ended")
        count_injected(result, problem)
        discard(before)
        return problem

    return Test(name, test, "slow")


def unplug_test(firmware: str, seed: int) -> Test:
    """The stick is taken away while the guest writes to it: statuses, and a verdict."""
    name = "unplug: a USB stick in the middle of writing, %s" % firmware

    def test(bench: Bench) -> Optional[str]:
        before = own_copy(bench, base(bench, "16"), name + " before",
                          "/RUN=storage:errors:64:%d,shutdown" % seed)
        image = own_copy(bench, before, name)
        machine = hq.Machine(image, firmware, "usb", MEMORY, writable=True,
                             write_log=image + ".log")
        guest = early.start(machine, qmp=True)
        limit = time.monotonic() + TIMEOUT
        while time.monotonic() < limit and guest.pump(0.1):
            if os.path.getsize(image + ".log") > 8 << 20:
                guest.monitor.call("device_del", id="disk0")
                break
        result = guest.finish(TIMEOUT)
        if result.outcome == "passed" and "nothing works any more" not in result.log:
            result.outcome = "passed before the stick was gone"
        problem = judge(bench, name, before, image, storage_plan.Plan(seed, 64 << 20), result, True)
        count_injected(result, problem)
        discard(before)
        return problem

    return Test(name, test, "unplug")


def all_tests(thorough: bool, seed: int) -> List[Test]:
    generator = random.Random(seed)
    number = lambda: generator.randrange(1, 1 << 31)  # noqa: E731
    tests = []
    for place, disk in enumerate(BUSES + ["usbhub"] * thorough):
        for turn, firmware in enumerate(("x64", "ia32")):
            chosen = thorough or turn == (seed + place) % 2
            if not chosen:
                continue
            fat = ("32", "16")[(seed + turn + place // 2) % 2]
            tests.append(storage_test(firmware, disk, fat, 64, number()))
            if disk in RESTORABLE:
                times = 100 if thorough else 8
                tests.append(restored_errors_test(firmware, disk, times, number()))
            else:
                tests += [booted_errors_test(firmware, disk, n, number())
                          for n in range(40 if thorough else 3)]
            if thorough or disk == BUSES[seed % len(BUSES)]:
                tests += [slow_test(firmware, disk, number()),
                          silent_test(firmware, disk, number())]
    tests += [wide_test(firmware, disk, number())
              for turn, (firmware, disk) in enumerate((("x64", "nvme4k"), ("ia32", "virtio4k")))
              if thorough or turn == seed % 2]
    tests += [unplug_test(firmware, number()) for firmware in ("x64", "ia32")
              if thorough or firmware == ("x64", "ia32")[seed % 2]]
    return tests


def main() -> int:
    def finish(_options, _tests, _failed, _bench, _seconds):
        print("# figure R4 %d %d" % tuple(injected))
        print("# figure R14 %d %d" % tuple(confined))

    return trials.run_suite("storage", all_tests, finish)


if __name__ == "__main__":
    sys.exit(main())
