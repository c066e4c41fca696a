#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The house style's figures, over the files that git tracks; TAP on stdout.

Functions are those of the format check's layout: the opening and the closing brace stand alone in
the first column.
"""

import os
import re
import subprocess
import sys

LICENCE = "SPDX-License-Identifier: MIT"
CODE = (".c", ".h", ".S", ".ld", ".py", ".sh")
NOT_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'"
                      r"|^[ \t]*#[ \t]*(?:if|else|elif)[^\n]*", re.S | re.M)
CONTROL = re.compile(r"\b(if|else|for|while)\b")
FUNCTION_LINES, FILE_LINES, COLUMNS = 60, 600, 100


def tracked():
    """Tracked files and new ones; without git (an unpacked archive) all files."""
    try:
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=False,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL).stdout.decode()
    except FileNotFoundError:
        listed = ""
    files = listed.split("\n") if listed else [
        os.path.relpath(os.path.join(folder, name), ".")
        for folder, _, names in os.walk(".") for name in names if not folder.startswith("./build")]
    return sorted({path for path in files if os.path.isfile(path)})


def is_code(path):
    return path.endswith(CODE) or os.path.basename(path) in ("Makefile", "run")


def no_licence(path, lines):
    """The first line, or the second after #!."""
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if LICENCE not in first:
        yield "%s:1: the first line is not the licence's" % path


def long_functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start - 1 > FUNCTION_LINES:
                yield "%s:%d: a function of %d lines" % (path, start, number - start - 1)
            start = None


def long_file(path, lines):
    if len(lines) - 1 > FILE_LINES:
        yield "%s: %d lines" % (path, len(lines) - 1)


def long_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if len(line.expandtabs(4)) > COLUMNS:
            yield "%s:%d: %d columns" % (path, number, len(line.expandtabs(4)))


def untidy_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield "%s:%d: white space at the end" % (path, number)
    if lines[-1] or (len(lines) > 1 and not lines[-2]):
        yield "%s: does not end in exactly one newline" % path


def bare_statements(path, lines):
    """if, else, for and while are followed by a brace (clang-format 14 cannot insert them)."""
    text = NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), "\n".join(lines))
    for match in CONTROL.finditer(text):
        end = match.end()
        depth = 0
        while match.group(1) != "else" and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
            if depth == 0 and text[end - 1] == ")":
                break
        rest = text[end:].lstrip(" \n\\")
        closes_do = match.group(1) == "while" and rest.startswith(";")
        if not (rest.startswith("{") or closes_do or
                (match.group(1) == "else" and re.match(r"if\b", rest))):
            line = text.count("\n", 0, match.start()) + 1
            yield "%s:%d: %s without braces" % (path, line, match.group(1))


RULES = [
    ("the licence stands first", no_licence, CODE + ("Makefile", "run")),
    ("functions have at most %d lines" % FUNCTION_LINES, long_functions, (".c", ".h")),
    ("every body has its braces", bare_statements, (".c", ".h")),
    ("files have at most %d lines" % FILE_LINES, long_file, CODE),
    ("lines have at most %d columns" % COLUMNS, long_lines, CODE + ("run",)),
    ("no stray white space", untidy_lines, CODE + ("Makefile", "run")),
]


# rule: a text that breaks it, one that does not
PLANTED = {
    no_licence: ("int x;\n", "/* %s */\n" % LICENCE),
    long_functions: ("{\n" + ";\n" * 61 + "}\n", "{\n" + ";\n" * 60 + "}\n"),
    bare_statements: ("if (f(x))\n    y;\n", "if (f(x)) { /* if y */\n} else if (z) {\n}\n"),
    long_file: ("\n" * 601, "\n" * 600),
    long_lines: ("x" * 101 + "\n", "x" * 100 + "\n"),
    untidy_lines: ("x \n", "x\n"),
}


def self_test():
    """Every rule notices its violation and is content without one."""
    return [rule.__name__ for _, rule, _ in RULES
            if not list(rule("bad.c", PLANTED[rule][0].split("\n")))
            or list(rule("good.c", PLANTED[rule][1].split("\n")))]


def main():
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(" ".join(self_test()) or 0)
    files = {}
    for path in filter(is_code, tracked()):
        with open(path, encoding="utf-8") as file:
            files[path] = file.read().split("\n")
    failed = 0
    for number, (name, rule, kinds) in enumerate(RULES, 1):
        found = [problem for path, lines in files.items() if path.endswith(kinds)
                 for problem in rule(path, lines)]
        failed += bool(found)
        print("%s %d - style: %s" % ("not ok" if found else "ok", number, name))
        print("".join("#   %s\n" % problem for problem in found), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
