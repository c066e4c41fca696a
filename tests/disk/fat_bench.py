# SPDX-License-Identifier: MIT
"""What the scripts in tests/disk share: volumes, our tool, mtools, fsck.fat and FatFs."""

import os
import re
import shutil
import subprocess
import zlib

ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8", MTOOLS_SKIP_CHECK="1", TZ="UTC")

# What fsck.fat -n may say of a volume whose power was cut.
HARMLESS = re.compile(
    r"^(fsck\.fat .*|.*: \d+ files, \d+/\d+ clusters|Leaving filesystem unchanged\.|"
    r"There are differences between boot sector and its backup\..*|"
    r"Dirty bit is set\. Fs was not properly unmounted and some data may be corrupt\.|"
    r" Automatically removing dirty bit\.|\*\*\* Filesystem was changed \*\*\*|"
    r"The changes have not yet been written, .*|"
    r"Reclaimed \d+ unused clusters? \(\d+ bytes\)( in \d+ chains)?\.|"
    r"Free cluster summary (wrong \(.*\)|uninitialized \(.*\))|"
    r"  Auto-correcting\.|  Auto-setting\.|"
    r"FATs differ( but appear to be intact\.|\.).*|  Using first FAT\.|Using first FAT\.|"
    r"Orphaned long file name part \".*\"|  Auto-deleting\.|"
    r"/.*|  File size is \d+ bytes, cluster chain length is > \d+ bytes\.|"
    r"  Truncating file to \d+ bytes\.|)$")


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


def run(command, more_environment=None, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=dict(ENVIRONMENT, **(more_environment or {})), **more)


def make(path, volume):
    """An empty volume: kind, sector bytes, sectors a cluster, sectors."""
    kind, sector, cluster, sectors = volume
    if os.path.exists(path):
        os.remove(path)
    with open(path, "wb") as file:
        file.truncate(sectors * sector)
    done = run(["/sbin/mkfs.fat", "-F", str(kind), "-S", str(sector), "-s", str(cluster), path])
    require(done.returncode == 0, "mkfs.fat: " + done.stdout.decode())


def fsck(image):
    """(status, lines) of fsck.fat -n; None when it does not end well itself."""
    try:
        done = run(["/sbin/fsck.fat", "-n", image], timeout=20)
    except subprocess.TimeoutExpired:
        return None, []
    lines = done.stdout.decode("utf-8", "replace").split("\n")
    return (done.returncode if done.returncode >= 0 else None), lines


def require_harmless(image, where):
    """fsck.fat finds what a power cut may leave, and nothing else."""
    status, lines = fsck(image)
    strange = [line for line in lines if not HARMLESS.match(line)]
    require(status is not None and not strange,
            "%s: fsck.fat says\n%s" % (where, "\n".join(lines)))


def difference(ours, theirs):
    return "\n".join("%s: ours %s, theirs %s" % (path, ours.get(path, "-"), theirs.get(path, "-"))
                     for path in sorted(set(ours) | set(theirs))
                     if ours.get(path, "-") != theirs.get(path, "-"))[:2000]


class Server:
    """A program that answers each line with lines, the last of which begins with "status"."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=ENVIRONMENT)

    def ask(self, *words):
        """(status, lines before it)."""
        text = "\t".join(str(word) for word in words) + "\n"
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        lines = []
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if line.startswith("status "):
                return int(line[7:], 16), lines
            lines.append(line)
        raise Failure("%s has ended with %s at %r:\n%s" % (
            self.process.args[0], self.process.wait(), text, "\n".join(lines[-40:])))

    def end(self):
        """What it says after the last line."""
        self.process.stdin.close()
        lines = self.process.stdout.read().decode("utf-8", "replace").split("\n")
        require(self.process.wait() == 0, "\n".join(lines))
        return lines

    def tree(self, *words):
        """{path: (size, checksum)}, None for directories, from lines that "tree" prints."""
        status, lines = self.ask(*(words or ("tree",)))
        found = {}
        for line in lines:
            if line.startswith("mount "):
                continue
            word = line.split("\t")
            require(word[0] in ("file", "dir"), line)
            path = word[1]
            require(path not in found, "twice: " + path)
            if word[0] == "file":
                require(word[4] == "00000000", line)
                found[path] = (int(word[2]), int(word[3], 16))
            else:
                found[path] = None
        require(status == 0, "no tree: %08x" % status)
        return found


class Tool(Server):
    """disk/fat over an image file."""

    def __init__(self, tool, image, sector_bytes):
        super().__init__([tool, image, str(sector_bytes)])
        self.mounted = self.process.stdout.readline().decode().strip() == "mount 00000000"

    def end(self):
        lines = super().end()
        require("blocks 0" in lines, "pool blocks are left:\n" + "\n".join(lines))
        return lines


class FatFs(Server):
    """ChaN's FatFs over image files; its package lies in home."""

    def __init__(self, home):
        here = os.path.dirname(os.path.abspath(__file__))
        super().__init__(["node", os.path.join(here, "fatfs.mjs"), home])


ATTRIBUTES = {"A": 0x20, "S": 0x4, "H": 0x2, "R": 0x1}


def mtools_entry(image, folder, name):
    """Seconds since 1970 of the last write, and attributes, after mtools_tree."""
    done = run(["mattrib", "-i", image, "::/" + name])
    line = done.stdout.decode("utf-8", "replace")
    require(done.returncode == 0 and "::/" in line, "mattrib: " + line)
    attributes = sum(ATTRIBUTES[letter] for letter in line[:line.index("::/")].replace(" ", ""))
    return int(os.stat(os.path.join(folder, "out", name)).st_mtime), attributes


def mtools_tree(image, folder):
    """The same as mtools reads it."""
    out = os.path.join(folder, "out")
    shutil.rmtree(out, ignore_errors=True)
    os.mkdir(out)
    listed = run(["mdir", "-b", "-a", "-i", image, "::"]).stdout.decode("utf-8", "replace")
    names = [line for line in listed.split("\n") if line.startswith("::/")]
    for name in names:
        done = run(["mcopy", "-s", "-n", "-m", "-i", image, name.rstrip("/"), out])
        require(done.returncode == 0, "mcopy: " + done.stdout.decode("utf-8", "replace"))
    found = {}
    for folder, folders, files in os.walk(out):
        at = folder[len(out):]
        for name in folders:
            found[at + "/" + name] = None
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()
            found[at + "/" + name] = (len(data), zlib.crc32(data))
    return found
