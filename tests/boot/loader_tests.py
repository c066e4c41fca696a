# SPDX-License-Identifier: MIT
"""What the loader refuses, and what it complains of and goes on: a boot each, for matrix.py."""

import re
import struct
import subprocess
from typing import Callable, List, Optional

import early
import hyperspace_qemu as hq
from trials import REPORT, Bench, Test, explain

def as_directory(name: str) -> Callable[[hq.Image], None]:
    """The name is there and is no file: it cannot be read."""
    def change(image: hq.Image) -> None:
        image.delete(name)
        volume = "%s@@%d" % (image.path, hq.data_offset(image.path))
        subprocess.run(["mmd", "-i", volume, "::" + name], check=True)

    return change


def without(name: str) -> Callable[[hq.Image], None]:
    return lambda image: image.delete(name)


def truncated_kernel(image: hq.Image) -> None:
    """The file ends 16 bytes before its last loaded byte."""
    data = image.read("hyperspace.elf")
    (offset,) = struct.unpack_from("<I", data, 28)
    (count,) = struct.unpack_from("<H", data, 44)
    headers = [struct.unpack_from("<5I", data, offset + 32 * n) for n in range(count)]
    end = max(start + length for kind, start, _, _, length in headers if kind == 1)
    image.write("hyperspace.elf", data[:end - 16])


def headless_kernel(image: hq.Image) -> None:
    image.write("hyperspace.elf", image.read("hyperspace.elf")[:40])


def patched_kernel(offset: int, value: bytes) -> Callable[[hq.Image], None]:
    def change(image: hq.Image) -> None:
        data = bytearray(image.read("hyperspace.elf"))
        data[offset:offset + len(value)] = value
        image.write("hyperspace.elf", bytes(data))

    return change


def misplaced_kernel(image: hq.Image) -> None:
    """The first segment is said to go to address 0."""
    data = bytearray(image.read("hyperspace.elf"))
    (headers,) = struct.unpack_from("<I", data, 28)
    struct.pack_into("<I", data, headers + 8, 0)
    image.write("hyperspace.elf", bytes(data))


REFUSALS = [
    ("kernel that is a directory", as_directory("hyperspace.elf"),
     r"hyperspace\.elf is a directory"),
    ("no kernel file", without("hyperspace.elf"), r"hyperspace\.elf"),
    ("truncated kernel", truncated_kernel, r"hyperspace\.elf"),
    ("kernel of 40 bytes", headless_kernel, r"hyperspace\.elf"),
    ("kernel that is no ELF file", patched_kernel(0, b"MZ\x90\0"), r"hyperspace\.elf"),
    ("kernel for another CPU", patched_kernel(18, b"\x3e\0"), r"hyperspace\.elf"),
    ("kernel segment at address 0", misplaced_kernel, r"hyperspace\.elf"),
]


def without_relocations(image: hq.Image) -> None:
    """As objcopy --strip-all leaves the kernel."""
    data = bytearray(image.read("hyperspace.elf"))
    data[48:50] = bytes(2)  # no section headers
    image.write("hyperspace.elf", bytes(data))


def unmovable_test(firmware: str) -> Test:
    name = "loader refuses: /3GB and a kernel without relocations %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT + " /3GB", key=name, change=without_relocations)
        result = bench.boot(name, hq.Machine(image, firmware))
        if result.outcome != "loader" or "linked without relocations" not in result.reason:
            return explain(result, "a loader failure about relocations")
        return None

    return Test(name, run, "loader")


def lonely_userva_test(firmware: str) -> Test:
    name = "loader complains: /USERVA without /3GB %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT + " /USERVA=2560"), firmware))
        if not re.search(r"boot\.ini line \d+: /USERVA has no effect without /3GB", result.log):
            return explain(result, "boot.ini line N: /USERVA has no effect without /3GB")
        return None if result.outcome == "passed" else explain(result, "passed")

    return Test(name, run, "loader")


def refusal_test(name: str, change: Callable, words: str, firmware: str) -> Test:
    title = "loader refuses: %s %s" % (name, firmware)

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT, key=name, change=change)
        result = bench.boot(title, hq.Machine(image, firmware))
        if result.outcome != "loader" or not re.search(words, result.reason, re.I):
            return explain(result, "a loader failure about " + words)
        return None

    return Test(title, run, "loader")


def small_machine_test(firmware: str) -> Test:
    """The least memory with which OVMF starts a loader at all."""
    name = "loader refuses: a machine with hardly any memory %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        memory = {"x64": 48, "ia32": 56}[firmware]
        result = bench.boot(name, hq.Machine(bench.image(REPORT), firmware, memory=memory))
        if result.outcome != "loader" or "too little memory" not in result.reason:
            return explain(result, "a loader failure about too little memory")
        return None

    return Test(name, run, "loader")


def maxmem_test(firmware: str) -> Test:
    name = "loader refuses: too little memory %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT + " /MAXMEM=8"), firmware))
        if result.outcome != "loader" or "memory" not in result.reason:
            return explain(result, "a loader failure about memory")
        return None

    return Test(name, run, "loader")


# What the kernel cannot do without, as far as the firmware itself can: 64-bit OVMF hangs without
# CMOV, 32-bit OVMF without APIC.
CPU_LACKS = {
    "x64": [("tsc", "TSC|time-stamp"), ("cx8", "CX8|CMPXCHG8B"), ("apic", "APIC")],
    "ia32": [("tsc", "TSC|time-stamp"), ("cx8", "CX8|CMPXCHG8B"), ("cmov", "CMOV")],
}


def cpu_test(feature: str, words: str, firmware: str) -> Test:
    name = "loader refuses: CPU without %s %s" % (feature.upper(), firmware)

    def run(bench: Bench) -> Optional[str]:
        cpu = "%s,-%s" % (hq.DEFAULT_CPU[firmware], feature)
        result = bench.boot(name, hq.Machine(bench.image(REPORT), firmware, cpu=cpu))
        if result.outcome != "loader" or not re.search(words, result.reason):
            return explain(result, "a loader failure about " + words)
        return None

    return Test(name, run, "loader")


def secure_boot_test() -> Test:
    name = "firmware refuses: Secure Boot is on"

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT), "secure"))
        return None if result.outcome == "refused" else explain(result, "refused")

    return Test(name, run, "loader")


def with_bad_line(name: str, file: str, header: str, bad: str) -> Callable[[str], Test]:
    """A file with one bad line below a header: a complaint names it, and the boot passes."""
    lines: List[int] = []

    def change(image: hq.Image) -> None:
        text = image.read(file).decode("latin-1").split("\n")
        number = [header in line for line in text].index(True) + 1
        text.insert(number, bad + "\r" * text[0].endswith("\r"))
        lines.append(number + 1)
        image.write(file, "\n".join(text).encode("latin-1"))

    def test(firmware: str) -> Test:
        title = "loader complains: %s %s" % (name, firmware)

        def run(bench: Bench) -> Optional[str]:
            image = bench.image(REPORT, key=name, change=change)
            result = bench.boot(title, hq.Machine(image, firmware))
            complaint = "%s line %d: " % (file, lines[0])
            if complaint not in result.log:
                return explain(result, "the complaint " + complaint)
            return None if result.outcome == "passed" else explain(result, "passed")

        return Test(title, run, "loader")

    return test


def with_said(name: str, change: Callable, sentence: str, configuration: str = "") -> Callable:
    """A file that may be missing is: a sentence says so, and the boot passes all the same."""
    def test(firmware: str) -> Test:
        title = "loader goes on: %s %s" % (name, firmware)

        def run(bench: Bench) -> Optional[str]:
            image = bench.image(REPORT, key=name, change=change)
            result = bench.boot(title, hq.Machine(image, firmware))
            if sentence + "\n" not in result.log:
                return explain(result, "the sentence: " + sentence)
            if not re.search(r"^ok \d+ - configuration: .*" + configuration, result.log, re.M):
                return explain(result, "a configuration line with: " + configuration)
            return None if result.outcome == "passed" else explain(result, "passed")

        return Test(title, run, "loader")

    return test


def no_boot_ini_test(firmware: str) -> Test:
    """Nothing says what to run: the report, then the prompt, where the bench ends the machine."""
    name = "loader goes on: no boot.ini %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        image = bench.image(REPORT, key=name, change=without("boot.ini"))
        guest = early.start(hq.Machine(image, firmware))
        ended = guest.wait_for(hq.VERDICT.pattern, 60)
        result = bench.keep(name, guest.end(("stopped", "at the prompt") if ended else None))
        verdict = hq.VERDICT.search(result.log)
        wanted = ("boot.ini is not there: every switch has its default\n",
                  "configuration: boot.ini absent, defaults hold")
        if not verdict or verdict.group(2) != "0" or any(w not in result.log for w in wanted):
            return explain(result, "a report that passes without boot.ini")
        return None

    return Test(name, run, "loader")


COMPLAINTS = [
    with_bad_line("boot.ini line without sense behind the entries", "boot.ini", "/RUN=",
                  "neither does this one"),
    with_said("no system.reg", without("system.reg"),
              "system.reg is not there: every value has its default",
              "system.reg absent, defaults hold, 0 values"),
    with_said("system.reg cannot be read", as_directory("system.reg"),
              "system.reg is a directory: every value has its default",
              "system.reg absent, defaults hold, 0 values"),
    with_said("font cannot be read", as_directory("font.psf"),
              "font.psf is a directory: going on without it"),
    with_said("no font", without("font.psf"),
              "font.psf is not there: going on without it"),
    no_boot_ini_test,
    with_bad_line("boot.ini line without sense", "boot.ini", "[boot loader]",
                  "this line says nothing"),
    with_bad_line("system.reg value without sense", "system.reg", "\\Memory Management]",
                  '"PagedPoolSize"=dword:wxyz'),
]


def unknown_switch_test(firmware: str) -> Test:
    name = "loader complains: unknown switch %s" % firmware

    def run(bench: Bench) -> Optional[str]:
        result = bench.boot(name, hq.Machine(bench.image(REPORT + " /NONSENSE=1"), firmware))
        if not re.search(r"boot\.ini line \d+: .*NONSENSE", result.log):
            return explain(result, "boot.ini line N: ... NONSENSE")
        return None if result.outcome == "passed" else explain(result, "passed")

    return Test(name, run, "loader")


def loader_tests(firmware: str) -> List[Test]:
    tests = [refusal_test(*refusal, firmware) for refusal in REFUSALS]
    tests += [test(firmware) for test in COMPLAINTS]
    tests += [unmovable_test(firmware), lonely_userva_test(firmware)]
    tests += [unknown_switch_test(firmware), maxmem_test(firmware), small_machine_test(firmware)]
    tests += [cpu_test(*lack, firmware) for lack in CPU_LACKS[firmware]]
    return tests
