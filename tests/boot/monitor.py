#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The monitor, as people and scripts use it; TAP.

    session    commands over the serial line, and what they answer; wrong input too
    editing    keys that edit a line and recall others: the answer, and what a terminal shows
    script     monitor.txt on the disk, started by /RUN=script and from the prompt
    ends       .crash, .bugcheck, .reboot and .shutdown
    noise      random bytes, then a command that still works
"""

import random
import re
import sys
import time
from typing import Callable, List, Optional, Tuple

import console
import crashes
import figures
import hyperspace_qemu as hq
import screen
import trials
from console import PROMPT, lost, scene
from trials import Bench, Test, explain

COLUMNS = 80
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"
HEX = "[0-9a-f]{8}"

# what is typed, and what the answer matches from its first to its last line
SESSION: List[Tuple[str, str]] = [
    ("help", r"  help +\[command\] +this list.*\n(?:  .*\n)+"),
    ("help ln", r"ln \[va\]\n    the nearest symbols\n"),
    ("db nt!KiCrash L11", r"(%s)  55 (?:[0-9a-f]{2}[ -]){15} U.{15}\n%s  [0-9a-f]{2} {47}.\n"
     % (HEX, HEX)),
    ("dd 80800000 L5", r"80800000(?:  ?%s){4}\n80800010  %s\n" % (HEX, HEX)),
    ("d", r"(?:%s  (?:%s ?){4}\n){8}" % (HEX, HEX)),
    ("", r"(?:%s  (?:%s ?){4}\n){8}" % (HEX, HEX)),
    ("dw 80800000 L8", r"80800000(?: [ 0-9a-f]{4,5}){8}\n"),
    ("dq 80800000 L1", r"80800000  %s`%s\n" % (HEX, HEX)),
    ("da nt!KiCrashKinds", r'%s  "null readonly stack .*"\n(?:%s  ".*"\n)+' % (HEX, HEX)),
    ("db 0 L10", r"00000000  \?\? (?:\?\?[ -]){15} \?{16}\n"),
    ("dd c0300c00 L1", r"c0300c00  [0-9a-f]{5}(?:063|023|067)\n"),
    ("!dd 0 L1", r"00000000  %s\n" % HEX),
    ("eb 80800000 90", r"80800000 is read-only; nothing was written\.\n"),
    ("ed 0 1", r"00000000 is not mapped; nothing was written\.\n"),
    ("r", r"eax=%s(?: e..=%s){5}\neip=(80\w{6}) .*iopl=0 .*\ncs=0008  ss=0010  ds=0023  es=0023  "
     r"fs=0030  gs=0000 .*\ncr0=%s.*\nnt!Mi\w+\+0x\w+:\n" % (HEX, HEX, HEX)),
    ("r cr0", r"cr0=8001003[19]\n"),
    ("k", r"ChildEBP RetAddr\n(?:%s %s nt!\S+\+0x\w+\n)*%s %s nt!KiRun\S*\n"
     r"%s 00000000 nt!KiSystemStartup\+0x\w+\n" % ((HEX,) * 5)),
    ("x nt!KiCra*", r"%s nt!KiCrash\n%s nt!KiCrashKinds\n" % (HEX, HEX)),
    ("ln nt!KiCrash+1", r"\(%s\)   nt!KiCrash\+0x1   \|  \(%s\)   nt!\S+\n" % (HEX, HEX)),
    ("lm", r"start    end        module name\n80800000 %s   nt .*\n" % HEX),
    ("? 80800000 + 2*3", r"Evaluate expression: -\d+ = 80800006\n"),
    ("? poi(@esp) - poi(@esp)", r"Evaluate expression: 0 = 00000000\n"),
    (".formats 1c407e62", r"Evaluate expression:\n  Hex:     1c407e62\n(?:.*\n){3}.*   .@~b\n"),
    ("!session", r"Sessions on machine: 1\nValid Sessions: 0\nCurrent Session none\n"),
    ("!session -s 3", r"There is no session 3; !session lists them\.\n"),
    ("!sprocess", r"The address space that runs belongs to no session; !session lists them\.\n"),
    ("!address -f:Free -o:1", r"0x0\n"),
    ("!memusage", r"(?:.*\n)+Control    Valid Standby  Dirty Shared Locked PageTables  name\n"
     r"(?:%s(?: +\d+){6}  .*\n)*" % HEX.replace("a-f", "A-F")),
    ("!irql", r"Debugger saved IRQL for processor 0x0 -- 0 \(LOW_LEVEL\)\n"),
    ("!pcr", r"KPCR for Processor 0 at ffdff000:\n(?:.*\n)+"),
    ("!idt e", r"Dumping IDT:\n0e:  %s nt!KiEntries\+0xe0\n" % HEX),
    ("dg 8", r"(?:.*\n){3}0008 00000000 ffffffff Code RE    0 Bg Pg P  Nl 0000c09b\n"),
    ("s -a nt!KiCrashKinds L20 \"only\"", r"%s  6f 6e 6c 79 .*\n" % HEX),
    ("memmap", r"Memory     \d+ runs\n(?:  .*\n)+"),
    ("version", r"\nHyperspace \d.*\n"),
    (".echo a; .echo b", r"a\nb\n"),
    ("x *\r\x03", r"(?:%s nt!\S+\n){0,999}\^C\n" % HEX),  # Ctrl-C while it prints
    # wrong input
    ("foo", r'"foo" is not a command; help lists them\n'),
    ("? 1 +", r'"1 \+", character 4: a number or a name is missing at the end\.\n'),
    ("? " + 13 * "1|1^1&1==1<1<<1+1*(", r'".*", character \d+: this is nested too deeply\.\n'),
    ("? " + 250 * "(", r'"\(+", character 17: this is nested too deeply\.\n'),
    ("? " + 250 * "-", r'"-+", character 32: this is nested too deeply\.\n'),
    ("? nope", r'"nope", character 1: there is no symbol called "nope"\.\n'),
    ("db 10 L0", r"The range is empty\.\n"),
    ("x foo!*", r'"foo" is not a module; there is nt\.\n'),
    ("r eax=1", r"The registers are the monitor's own and cannot be changed\.\n"),
    (".crash foo", r'"foo" is not a kind of crash; there are: null readonly .*\n'),
    (".shutdown now", r'"now" is more than this command takes\.\n'),
]

COMMANDS = ("db dw dd dc dp dq da du d !db !dc !dd s r k x ln lm ? .formats !irql !pcr !idt dg "
            "version .echo .assert help !pte !pte2va !vtop !ptov !searchpte !address !vprot "
            "!pfn !memusage !vm !sysptes !pool !poolval !poolused !poolfind !lookaside !thread "
            "!ready !running !stacks !process .process !session !sprocess !vad !dh !ca "
            "!filecache !defwrites !wsle !object !handle !irp !devobj !drvobj !fileobj "
            "example").split() + [".crash no"]
WORDS = ("0 1 4 ff 10000 20000 110000 ffffffff fffffff8 80000000 80800000 80bfffff c0000000 "
         "c0300c00 c03fffff ffc00000 ffdff000 ffdffffe ff000000 e1000000 fee00000 100000 KiStart "
         "nt!KiCrash nt!zz foo!x @esp @eip-4 @zz poi(@esp) poi(poi(@ebp)) by(0) poi(c0300c00) L4 "
         "l10 L L0 L20 (1 2) -1 ~0 1/0 zz * ? Ki* -a -d -u \"ab\" = ; -a").split()

LONG = "? " + "+".join(["1"] * 60)
# keys, what the terminal shows of the line at last, the answer
EDITING: List[Tuple[str, str, str]] = [
    ("? 1+" + LEFT + LEFT + "2" + END + "3", "mm> ? 21+3", "Evaluate expression: 36 = 00000024"),
    ("X? 4" + HOME + DELETE, "mm> ? 4", "Evaluate expression: 4 = 00000004"),
    ("5\x01? \x05+1", "mm> ? 5+1", "Evaluate expression: 6 = 00000006"),
    (UP, "mm> ? 5+1", "Evaluate expression: 6 = 00000006"),
    (UP + UP + "0", "mm> ? 40", "Evaluate expression: 64 = 00000040"),
    ("draft" + UP + UP + DOWN + DOWN + "\x15? 7", "mm> ? 7", "Evaluate expression: 7 = 00000007"),
    ("? 1 nonsense\x17\x7f", "mm> ? 1", "Evaluate expression: 1 = 00000001"),
    ("? 12345" + LEFT + LEFT + "\x0b", "mm> ? 123", "Evaluate expression: 291 = 00000123"),
    ("\x1bOA" + LEFT + LEFT + RIGHT + "\b", "mm> ? 13", "Evaluate expression: 19 = 00000013"),
]


def answer(guest: hq.Guest, keys: str, until: str = PROMPT, timeout: float = 20) -> Tuple[str, str]:
    """Type; give what came back up to the next prompt: the echoed line and the rest.  A script
    shows prompts of its own: until says which is the last."""
    before = len(guest.log())
    guest.send(keys.encode())
    limit = time.monotonic() + timeout
    while not re.search(until, guest.log()[before:], re.M) and time.monotonic() < limit:
        if not guest.pump(0.2):
            break
    echo, _, rest = guest.log()[before:].partition("\n")
    return echo, re.sub(PROMPT, "", rest, flags=re.M)


def booted(name: str, firmware: str, play: Callable[[hq.Guest, Bench], Optional[str]],
           options: str = "/RUN=report", key: str = "",
           change: Optional[Callable[[hq.Image], None]] = None) -> Test:
    """A scene that begins at the prompt."""
    title = "monitor: %s %s" % (name, firmware)

    def begin(guest: hq.Guest, bench: Bench) -> Optional[str]:
        return play(guest, bench) if guest.wait_for(PROMPT, 60) else lost(guest, "the prompt")

    return scene(title, begin, lambda bench: hq.Machine(
        bench.image(options, key=key, change=change), firmware))


def passed(guest: hq.Guest) -> Optional[str]:
    guest.send(b".shutdown\r")
    result = guest.finish(20)
    return None if result.outcome == "passed" else explain(result, "passed")


def play_session(guest: hq.Guest, _: Bench) -> Optional[str]:
    for typed, wanted in SESSION:
        _, found = answer(guest, typed if "\r" in typed else typed + "\r")
        if not re.fullmatch(wanted, found):
            return "%s: wanted %s, found:\n%s" % (typed, wanted, found)
    return passed(guest)


def play_editing(guest: hq.Guest, bench: Bench) -> Optional[str]:
    for keys, line, wanted in EDITING:
        _, found = answer(guest, keys + "\r")
        rows = screen.lay_out(guest.log(), COLUMNS)
        if rows[-3:-1] != [line, wanted] or found.rstrip("\n") != wanted:
            return "%r: wanted %r, the terminal shows %r" % (keys, [line, wanted], rows[-3:])
    _, found = answer(guest, LONG + HOME + END + "0" + "\x7f" + "\r")
    rows = "".join(screen.lay_out(guest.log(), COLUMNS)[-4:])
    if "mm> " + LONG not in rows or found != "Evaluate expression: 60 = 0000003c\n":
        return "the long line is shown as " + rows
    return (console.compare(guest, bench, "monitor editing", console.FIRST_LINE) or passed(guest))


def play_keyboard(guest: hq.Guest, bench: Bench) -> Optional[str]:
    """The same keys on the PS/2 keyboard."""
    for keys, wanted in (("? 12\u2190+", "3 = 00000003"), ("\u2191\u21921", "34 = 00000022"),
                         ("X? 2\u21f1\u2326\u21f20", "32 = 00000020"),
                         ("\u2191\u2191\u2193", "32 = 00000020")):
        problem = console.typed(guest, keys, "^Evaluate expression: %s$" % re.escape(wanted))
        if problem:
            return problem
    return (console.compare(guest, bench, "monitor keyboard", console.FIRST_LINE) or
            passed(guest))


def play_noise(guest: hq.Guest, _: Bench) -> Optional[str]:
    """No letters, so that no command is named; every other byte, escape sequences among them."""
    chance = random.Random(figures.seed())
    bytes_ = [byte for byte in range(256) if not chr(byte).isascii() or not chr(byte).isalpha()]
    sequences = [UP, DOWN, LEFT, RIGHT, HOME, END, DELETE, "\x1b[99;99~", "\x1b["]
    for _ in range(40):
        for _ in range(25):
            part = chance.choice(sequences).encode() if chance.random() < 0.3 else bytes(
                [chance.choice(bytes_)])
            guest.send(part)
        guest.pump(0.05)
    guest.send(b"\x03? 0n1234\r")
    if not guest.wait_for(r"^Evaluate expression: 1234 = 000004d2$", 30):
        return lost(guest, "an answer")
    return passed(guest)


def play_lines(guest: hq.Guest, _: Bench) -> Optional[str]:
    """Random lines of words that mean something, on the machine's own memory; none stops it."""
    chance = random.Random(figures.seed())
    processes = re.findall(r" (?:writer|reader) (\w{8})", guest.log())
    for number in range(250):
        line = " ".join([chance.choice(COMMANDS)] +
                        [chance.choice(WORDS + processes * 8)
                         for _ in range(chance.randrange(5))])
        guest.send(line.encode() + b"\r\x03? 0n%d\r" % (1000 + number))
        if not guest.wait_for(r"^Evaluate expression: %d = " % (1000 + number), 20):
            return "%s: %s" % (line, lost(guest, "an answer"))
    return passed(guest)


def play_crash(guest: hq.Guest, _: Bench) -> Optional[str]:
    guest.send(b".crash divide\r")
    if not guest.wait_for(r"^Press a key to restart\.$", 20):
        return lost(guest, "the stop screen")
    return crashes.check_crash("divide", hq.judge(hq.STATUS_BUGCHECK, guest.log()))


def play_bugcheck(guest: hq.Guest, _: Bench) -> Optional[str]:
    _, found = answer(guest, ".bugcheck\r")
    if found != "Bugcheck code 00000000\nArguments 00000000 00000000 00000000 00000000\n":
        return "found:\n" + found
    guest.send(b".bugcheck e2 1234 0n10\r")
    if not guest.wait_for(r"^\*\*\* STOP: 0x000000E2 \(0x00001234, 0x0000000A, 0x00000000, ", 20):
        return lost(guest, "the stop screen")
    return None


def play_example(guest: hq.Guest, _: Bench) -> Optional[str]:
    """What stays at the prompt; the report runs once more beside it, from inside one of the two."""
    found = re.search(r"^To look at: processes writer (\w{8}) and reader (\w{8}), ", guest.log(),
                      re.M)
    if not found:
        return "there is no example"
    writer, reader = found.groups()
    steps = [
        (".process " + writer, r"Implicit process is now %s\n" % writer),
        ("!vad", r"VAD .*\n.* 17  Private  ReadWrite\n.*  Pagefile section, shared commit 10\n"
         r".*  Mapped   ReadOnly  \\hyperspace.elf\nTotal VADs: 3 .*\n"),
        ("!wsle", r"Working Set @ c0503000\n(?:.*\n)+"),
        ("!handle", r"PROCESS %s .*\nHandle table at %s with 3 entries in use\n(?:.*\n)+"
         % (writer, HEX)),
        (".process " + reader, r"Implicit process is now %s\n" % reader),
        ("!vad", r"(?:.*\n)+.* 16  Mapped   WriteCopy .*\nTotal VADs: 2 .*\n"),
        ("!ca", r"(?:.*\n)+\w{8} +2 .* File Commit  \\hyperspace.elf\n3 control areas.*\n"),
        ("!filecache", r"(?:.*\n)+\w{8} +\d+ .* \\hyperspace.elf\n1 files\n"),
        ("!sprocess 0", r"(?:.*\n)+    Image: writer\n\n(?:.*\n)+    Image: reader\n\n"),
        ("report", r"\nThe boot's report\n(?:(?!not ok).*\n)+\d+ passed, 0 failed\n"),
        ("!vad", r"(?:.*\n)+Total VADs: 2 .*\n"),
        ("!verify", r"(?:.*  (?:sound|not started)\n)+"),
        ("example end", r"The example's processes have ended\.\n"),
        (".process", r"Implicit process is (?!%s)\w{8}\n" % reader),
        ("!session", r"Sessions on machine: 0\n(?:.*\n)+"),
        ("example", r"To look at: processes writer .*\n.*\n"),
    ]
    for typed, wanted in steps:
        _, shown = answer(guest, typed + "\r", timeout=90)
        if not re.fullmatch(wanted, shown):
            return "%s: wanted %s, found:\n%s" % (typed, wanted, shown)
    return passed(guest)


def play_reboot(guest: hq.Guest, _: Bench) -> Optional[str]:
    guest.send(b".reboot\r")
    result = guest.finish(20)
    return None if result.outcome == "reset" else explain(result, "reset")


# ---- scripts ----

def with_script(text: str) -> Callable[[hq.Image], None]:
    return lambda image: image.write("monitor.txt", text.encode())


def without_script(image: hq.Image) -> None:
    image.delete("monitor.txt")


def script_test(name: str, firmware: str, change: Callable[[hq.Image], None], outcome: str,
                *patterns: str) -> Test:
    title = "monitor: script: %s %s" % (name, firmware)

    def run(bench: Bench) -> Optional[str]:
        image = bench.image("/RUN=script,shutdown", key=name, change=change)
        result = bench.boot(title, hq.Machine(image, firmware))
        for pattern in patterns:
            if not re.search(pattern, result.log, re.M):
                return explain(result, pattern)
        return None if result.outcome == outcome else explain(result, outcome)

    return Test(title, run, "commands")


def play_script(guest: hq.Guest, _: Bench) -> Optional[str]:
    """From the prompt, and again."""
    for _ in range(2):
        _, found = answer(guest, "$<monitor.txt\r", r"^ok \d+ - script: .*\n" + PROMPT[1:])
        if not re.fullmatch(r"mm> \.echo one\none\nmm> ln 80800000\n(?:.*\n){3}ok \d+ - script: "
                            r"2 lines carried out, 0 failed\n", found):
            return "found:\n" + found
    return passed(guest)


def script_tests(firmware: str) -> List[Test]:
    return [
        script_test("the one that we ship", firmware, lambda image: None, "passed",
                    r"^mm> lm$", r"^ok 1 - script: \d+ lines carried out, 0 failed$"),
        script_test("ends the machine itself", firmware,
                    with_script("r\r\n.assert @eip >> 18 == 80\r\n.shutdown\r\n"), "passed",
                    r"^ok 1 - script: 3 lines carried out, 0 failed$"),
        script_test("ends inside the example's process", firmware,
                    with_script("example\n.process poi(nt!MipExample+8)\n!vad\n"), "passed",
                    r"^Implicit process is now \w{8}$", r"^Total VADs: 3 ",
                    r"^ok 1 - script: 3 lines carried out, 0 failed$"),
        script_test("a failing and an unknown command", firmware,
                    with_script("foo\ndb\n? nope\n"), "failed", r"^not ok 1 - script line 1: foo$",
                    r"^not ok 2 - script line 3: \? nope$",
                    r"^not ok 3 - script: 3 lines carried out, 2 failed$"),
        script_test("there is none", firmware, without_script, "failed",
                    r"^not ok 1 - script: there is no monitor\.txt on the disk$"),
        script_test("a crash", firmware, with_script(".crash null\n"), "bugcheck",
                    r"^KMODE_EXCEPTION_NOT_HANDLED$"),
    ]


def all_tests(thorough: bool, _seed: int) -> List[Test]:
    tests = []
    for firmware in ("x64", "ia32"):
        tests += [booted("every command answers; wrong input is told", firmware, play_session),
                  booted("keys of the PS/2 keyboard edit and recall", firmware, play_keyboard),
                  booted("/RUN=monitor goes straight there; .reboot", firmware, play_reboot,
                         "/RUN=monitor"),
                  booted("the example is there, and the report beside it", firmware,
                         play_example)]
        if thorough or firmware == "x64":
            tests += [booted("keys over the serial line edit and recall", firmware, play_editing),
                      booted("noise on the line", firmware, play_noise),
                      booted("random commands", firmware, play_lines),
                      booted(".crash stops the machine", firmware, play_crash),
                      booted(".bugcheck", firmware, play_bugcheck),
                      booted("$< carries a script out", firmware, play_script,
                             key="two lines", change=with_script(".echo one\nln 80800000\n"))]
            tests += script_tests(firmware)
    return tests


if __name__ == "__main__":
    sys.exit(trials.run_suite("monitor", all_tests))
