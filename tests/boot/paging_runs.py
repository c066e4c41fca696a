# SPDX-License-Identifier: MIT
"""What the tests of paging share: disk images, what a log must say, and the figures' counts."""

import os
import re
import subprocess
import threading
from typing import Optional, Tuple

import fat_image
import hyperspace_qemu as hq
from trials import MAKE_IMAGE, Bench, explain

MEMORY = 64
PROCESSES = 4
LARGE, SMALL = 512, 112  # MB that are committed
POOL_MB = 128  # room for paged pool, and for what the system takes
TRAPPING = "trapping undefined behaviour"  # what such a kernel says of itself
TIMEOUT = 1200  # seconds; of a hang, not of the work
counting = threading.Lock()
paged = [0, 0]  # R2: pages read from the paging file, and pages that were wrong
injected = [0, 0]  # R4: requests that failed, and runs that were not right
confined = [0, 0]  # R14: runs compared, and those with a stray write
checked = [0, 0]  # R11: runs with checking on, and those that were not right
forced = [0, 0]  # R13: the same with force IRQL checking
soaked = [0, 0]  # R17: soaks, and those that drifted

TOUCHED = re.compile(r"^# paging: pages touched (\d+), written (\d+), wrong (\d+)", re.M)
MOVED = re.compile(r"^# paging: pages read (\d+) in (\d+) reads, written (\d+) in (\d+) writes",
                   re.M)
ERRORS = re.compile(r"^# paging: in-page errors (\d+), pages given up (\d+)", re.M)
FAILED = re.compile(r"^# paging: .* (\d+) failed requests", re.M)
VERDICT = re.compile(r"^# paging: (passed|failed)$", re.M)
GROWN = re.compile(r"^Page file +C:.pagefile.sys is too small: \d+ MB longer, now (\d+) MB", re.M)
NO_ROOM = re.compile(r"^Page file +C:.pagefile.sys is too small, and stays at (\d+) MB: the volume "
                     r"has no room", re.M)
CANNOT_CHANGE = re.compile(r"^# cache: C: cannot be changed, status c000007f", re.M)
NO_FILE = re.compile(r"^Page file +C:.pagefile.sys is not used: the volume has no room", re.M)


# ---- images ----

def set_paging_file(image: hq.Image, least: int, most: int) -> None:
    """What system.reg asks for, in MB."""
    text = image.read("system.reg").decode("latin-1")
    line = '"PagingFiles"="C:\\\\\\\\pagefile.sys %d %d"' % (least, most)
    changed, times = re.subn(r'^;?"PagingFiles"=[^\r\n]*', line, text, flags=re.M)
    if times != 1:
        raise ValueError("system.reg has %d lines for PagingFiles" % times)
    image.write("system.reg", changed.encode("latin-1"))


def base(bench: Bench, megabytes: int, files: str = "") -> str:
    """A disk whose volume has that size, made of what is in that folder of the build."""
    def make(path: str) -> None:
        subprocess.run([MAKE_IMAGE, path], check=True, env=dict(
            os.environ, FILES=os.path.join(bench.build, files), LAYOUT="mbr", FATBITS="32",
            DATA_MB=str(megabytes)))

    return bench.once("paging base %d %s" % (megabytes, files), make)


def own_copy(bench: Bench, source: str, name: str, run: str,
             file_mb: Optional[Tuple[int, int]] = None) -> str:
    path = os.path.join(bench.folder, re.sub(r"\W+", "_", name) + ".img")
    image = hq.Image(source, path)
    image.add_options("/RUN=" + run)
    if file_mb:
        set_paging_file(image, *file_mb)
    return path


def discard(*paths: str) -> None:
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


def fill(path: str, left: int) -> None:
    """Leave so many bytes free on the volume."""
    volume = "%s@@%d" % (path, hq.data_offset(path))
    environment = dict(os.environ, MTOOLS_SKIP_CHECK="1")
    filler = path + ".filler"
    free = subprocess.run(["mdir", "-i", volume, "::"], check=True, env=environment,
                          stdout=subprocess.PIPE).stdout.decode("latin-1")
    now = int(re.sub(r"\D", "", re.search(r"([\d ]+) bytes free", free).group(1)))
    with open(filler, "wb") as file:
        file.truncate(now - left)
    try:
        subprocess.run(["mcopy", "-i", volume, filler, "::FILLER"], check=True, env=environment)
    finally:
        os.remove(filler)


def file_bytes(path: str, name: str) -> int:
    listing = subprocess.run(["mdir", "-a", "-i", "%s@@%d" % (path, hq.data_offset(path)),
                              "::" + name], check=True, stdout=subprocess.PIPE,
                             env=dict(os.environ, MTOOLS_SKIP_CHECK="1")).stdout.decode("latin-1")
    return int(re.sub(r"\D", "", re.search(r"([\d ]+) bytes\b", listing).group(1)))


# ---- judging a run ----

def verdicts(result: hq.Result, wanted: int) -> Optional[str]:
    found = VERDICT.findall(result.log)
    if found != ["passed"] * wanted:
        return explain(result, "%d paging runs that passed, found %s" % (wanted, found))
    return None


def note_pages(result: hq.Result) -> None:
    with counting:
        paged[0] += sum(int(match[0]) for match in MOVED.findall(result.log))
        paged[1] += sum(int(match[2]) for match in TOUCHED.findall(result.log))


def really_paged(result: hq.Result, most_mb: int) -> Optional[str]:
    """A run that paged nothing out and in has shown nothing."""
    least = (most_mb - MEMORY) * 256
    for read, _, written, _ in MOVED.findall(result.log):
        if int(read) < least or int(written) < least:
            return "only %s pages read and %s written, %d are due" % (read, written, least)
    return None if MOVED.search(result.log) else "the run does not say what was read and written"


def stray(before: str, after: str, log: str) -> Optional[str]:
    """Every write was ours to make, and no write escaped the log."""
    written, problems = fat_image.confinement(before, after, log, hq.data_offset(before))
    if not written:
        problems.append("nothing was written at all")
    with counting:
        confined[0] += 1
        confined[1] += bool(problems)
    return "stray writes: " + "; ".join(problems[:5]) if problems else None


def check_volume(image: str) -> Optional[str]:
    done = subprocess.run(["sh", "-c", "dd if='%s' bs=1M skip=1 status=none of='%s.v' conv=sparse "
                           "&& /sbin/fsck.fat -n '%s.v'" % (image, image, image)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    discard(image + ".v")
    return "fsck.fat:\n" + done.stdout.decode("utf-8", "replace") if done.returncode else None
