#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps the picture of the design true: which file may include which.

    rule 1  downward only: a file includes its own layer and those below
    rule 3  portable code includes freestanding headers and include/ only, has no switch for the
            host, no inline assembly and no port I/O

The tables below are the picture.  --self-test plants one violation of each kind in a scratch tree
and expects each to be found.
"""

import argparse
import os
import re
import sys
import tempfile

FREESTANDING = {"stddef.h", "stdint.h", "stdbool.h", "stdarg.h", "limits.h", "float.h",
                "iso646.h", "stdalign.h", "stdnoreturn.h"}

# The core, bottom first.  Folders on one line are one layer.
MM = [
    ["mm/rtl", "mm/ke"],
    ["mm/pfn"],
    ["mm/sysva"],
    ["mm/ws"],
    ["mm/pool"],
    ["mm/ob"],
    ["mm/space"],
    ["mm/paging"],
    ["mm/section"],
    ["mm/session"],
    ["mm/fault", "mm/balance"],
    ["mm/cc"],
    ["mm/io"],
    ["mm/init"],
    ["mm/inspect"],
]
DISK = [["disk/driver"], ["disk/volume"], ["disk/fat"]]

# folder: what it may include besides itself (include/ stands for all of it)
OTHERS = {
    "include/nt": [],
    "include/arch": ["include/nt"],
    "include": ["include/nt", "include/arch"],
    "arch/x86": ["include"],
    "efi": ["include"],
}
PORT = "include/arch/port.h"
PORT_USERS = ("arch/", "disk/driver")

# Files that also run on the host although their folder belongs to the machine.
PURE = re.compile(r"efi/(memory_map|elf|boot_ini|registry\w*|text_source|firmware_time)\.c|"
                  r"arch/x86/(acpi_\w+|psf|text_screen|screen_pixels|keymap)\.c|"
                  r"(mm|disk)/.*\.[ch]")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
HOST = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*(HOST|__linux__|__unix__|_WIN32)")
ASM = re.compile(r"\b(asm|__asm__|__asm)\b")
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)


def allowed_folders(folder):
    """The folders whose headers a file of this folder may include, or None: all."""
    for layers, extra in ((MM, ["include"]), (DISK, ["include"])):
        below = []
        for layer in layers:
            below += layer
            if folder in layer:
                return below + extra
    if folder in OTHERS:
        return [folder] + OTHERS[folder]
    return None


def inside(path, folder):
    """"include" holds its subfolders too; the others are flat."""
    parent = os.path.dirname(path)
    return parent == folder or (folder == "include" and parent.startswith("include/"))


def resolve(root, source, quote, name):
    """The included file's path in the tree, or None when it is not ours."""
    places = [os.path.dirname(source)] if quote == '"' else []
    for place in places + ["include", "."]:
        path = os.path.normpath(os.path.join(place, name))
        if os.path.isfile(os.path.join(root, path)):
            return path
    return None


def judge_include(root, source, quote, name):
    """What is wrong with an include, or None."""
    target = resolve(root, source, quote, name)
    folder = os.path.dirname(source)
    pure = PURE.fullmatch(source) or folder.startswith("include")
    if target is None:
        if pure and name not in FREESTANDING:
            return "<%s> is not a freestanding header" % name
        return None
    if target.endswith(".c"):
        return "includes %s, which is no header" % target
    allowed = allowed_folders(folder)
    if allowed is not None and not any(inside(target, place) for place in allowed):
        return "includes %s, which is not below it" % target
    if target == PORT and not source.startswith(PORT_USERS):
        return "includes %s, which is for drivers" % target
    return None


def judge_file(root, source):
    """All that is wrong with a file: (line, sentence)."""
    with open(os.path.join(root, source), encoding="utf-8", errors="replace") as file:
        text = file.read()
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        problem = judge_include(root, source, *match.groups()) if match else None
        if problem:
            yield number, problem
        if PURE.fullmatch(source) and HOST.match(line):
            yield number, "has a switch for the host"
    if PURE.fullmatch(source) and not source.startswith("arch/"):
        code = COMMENT.sub(lambda found: "\n" * found.group(0).count("\n"), text)
        for match in ASM.finditer(code):
            yield code[:match.start()].count("\n") + 1, "has inline assembly"


def sources(root):
    for top in ("arch", "disk", "efi", "include", "mm"):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def unknown_folders(root):
    """Folders of the core that the tables do not know: they would escape the rules."""
    for path in sources(root):
        if path.startswith(("mm/", "disk/")) and allowed_folders(os.path.dirname(path)) is None:
            yield path, 1, "is in a folder that the tables do not know"


def judge_tree(root):
    found = list(unknown_folders(root))
    for source in sources(root):
        found += [(source, line, problem) for line, problem in judge_file(root, source)]
    return found


# path: (contents, what must be said about it; None = nothing)
PLANTED = {
    "include/nt/types.h": ("#include <stdint.h>\n", None),
    "include/mm.h": ("#include \"nt/types.h\"\n", None),
    "include/arch/port.h": ("#include \"nt/types.h\"\n", None),
    "include/arch/up.h": ("#include \"mm.h\"\n", "not below"),
    "include/nt/libc.h": ("#include <stdio.h>\n", "freestanding"),
    "mm/pfn/list.h": ("#include \"nt/types.h\"\n", None),
    "mm/pfn/list.c": ("#include \"list.h\"\n#include \"mm/space/vad.h\"\n", "not below"),
    "mm/pfn/asm.c": ("/* asm */ void f(void) { __asm__(\"cli\"); }\n", "assembly"),
    "mm/pfn/words.c": ("/* asm in a comment, \"asm\" in a string */ char *s = \"asm\";\n", None),
    "mm/space/vad.h": ("#include <mm/pfn/list.h>\n#include <stddef.h>\n", None),
    "mm/space/host.c": ("#ifdef HYPERSPACE_HOST\n#endif\n", "host"),
    "mm/space/libc.c": ("#include <string.h>\n", "freestanding"),
    "mm/space/port.c": ("#include \"arch/port.h\"\n", "drivers"),
    "mm/space/body.c": ("#include \"libc.c\"\n", "no header"),
    "mm/new/thing.c": ("\n", "tables"),
    "disk/fat/up.c": ("#include \"mm/pfn/list.h\"\n", "not below"),
    "disk/driver/ahci.c": ("#include \"arch/port.h\"\n", None),
    "disk/driver/up.c": ("#include \"disk/fat/fat.h\"\n", "not below"),
    "disk/fat/fat.h": ("\n", None),
    "efi/main.c": ("#include <efi.h>\n", None),
    "efi/elf.c": ("#include <efi.h>\n", "freestanding"),
    "efi/core.c": ("#include \"mm/pfn/list.h\"\n", "not below"),
    "arch/x86/psf.c": ("#include <stdlib.h>\n", "freestanding"),
    "arch/x86/text_screen.c": ("void f(void) { __asm__(\"cli\"); }\n", None),
    "efi/boot_ini.c": ("void f(void) { __asm__(\"cli\"); }\n", "assembly"),
    "arch/x86/core.c": ("#include \"mm/pfn/list.h\"\n", "not below"),
}


def self_test():
    """Every planted violation is found, and nothing else."""
    with tempfile.TemporaryDirectory() as root:
        for path, (contents, _) in PLANTED.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(contents)
        found = judge_tree(root)
    wrong = []
    for path, (_, words) in PLANTED.items():
        said = [problem for source, _, problem in found if source == path]
        right = not said if words is None else any(words in problem for problem in said)
        if not right:
            wrong.append("%s: wanted %s, found %s" % (path, words, said))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", nargs="?", default=".")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    problems = self_test() if options.self_test else [
        "%s:%d: %s" % problem for problem in judge_tree(options.root)]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
