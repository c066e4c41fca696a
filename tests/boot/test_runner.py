#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the runner bite?  Its decisions, on logs made up for the purpose; TAP on stdout."""

import io
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import redirect_stdout

import fat_image
import figures
import hyperspace_qemu as hq
import crashes
import matrix
import processors
import storage
import storage_plan
import trials

TAP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools/tap.py")
GOOD = "ok 1 - a\nok 2 - b\n2 passed, 0 failed\n"
STOP = ("*** STOP: 0x0000001E (0xC0000005, 0x80801234, 0x00000000, 0x00000008)\n"
        "KMODE_EXCEPTION_NOT_HANDLED\n"
        "eax=00000000 ebx=00000000 ecx=00000000 edx=00000000 esi=00000000 edi=00000000\n"
        "eip=80801234 esp=8084cecc ebp=8084ced8 efl=00000246 irql=0\n"
        "cs=0008 ss=0010 ds=0023 es=0023 fs=0030 gs=0000\n"
        "cr0=80010031 cr2=00000008 cr3=0da1c000 cr4=00000090\n\nChildEBP RetAddr\n"
        "8084cec8 80804ebe KipReadNull+0x19\n8084ced8 80808d03 KiCrash+0x2e\n"
        "8084cfc8 80816b82 KiRun+0x153\n8084cfe8 00000000 KiSystemStartup+0x62\n")
INI = ('[boot loader]\r\ndefault=rdisk(0)\\B\r\n[operating systems]\r\n'
       'rdisk(0)\\A="A" /SOS\r\nrdisk(0)\\B="B" /MAXMEM=64 /RUN=old\r\n')


def outcome(status, log, early=None):
    return hq.judge(status, log, early).outcome


def check(name, condition):
    check.number += 1
    print("%s %d - runner: %s" % ("ok" if condition else "not ok", check.number, name))
    check.failed += not condition


check.number = check.failed = 0


def dying_machine(path):
    """A control channel that greets, answers once, and is gone before it answers again."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)

    def serve():
        channel, _ = server.accept()
        channel.sendall(b'{"QMP": {}}\n')
        channel.recv(4096)
        channel.sendall(b'{"return": {}}\n')
        channel.recv(1)  # the rest stays unread: closing resets the connection
        channel.close()
        server.close()

    threading.Thread(target=serve, daemon=True).start()


def control_channel():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        alive = subprocess.Popen(["sleep", "30"])
        try:
            dying_machine(path)
            hq.Monitor(path, alive).call_last("inject")
            check("a command that ends QEMU needs no answer", True)
            os.unlink(path)
            dying_machine(path)
            try:
                hq.Monitor(path, alive).call("inject")
                lost = False
            except (ConnectionResetError, RuntimeError):
                lost = True
            check("any other command does", lost)
        finally:
            alive.kill()
            alive.wait()


def judging():
    check("status and verdict make a pass", outcome(85, GOOD) == "passed")
    check("other lines do not disturb", outcome(85, "noise\n" + GOOD + "bye\n") == "passed")
    check("no verdict line is a failure", outcome(85, "ok 1 - a\n") == "failed")
    check("a verdict of nothing is a failure", outcome(85, "0 passed, 0 failed\n") == "failed")
    check("a verdict that miscounts is a failure",
          outcome(85, "ok 1 - a\n2 passed, 0 failed\n") == "failed")
    check("a report run again counts on", outcome(
        85, GOOD + "ok 3 - a\nok 4 - b\n4 passed, 0 failed\n4 passed, 0 failed\n") == "passed")
    check("lines after the verdict are a failure",
          outcome(85, GOOD + "ok 3 - a\n") == "failed")
    check("a line that failed is a failure whatever the status",
          outcome(85, "ok 1 - a\nnot ok 2 - b\n2 passed, 0 failed\n") == "failed")
    check("status 87 is a failure", outcome(87, GOOD) == "failed")
    check("status 0 is a silent reset, even after a verdict", outcome(0, GOOD) == "reset")
    check("status 0 after a signal to QEMU is an error", hq.judge(
        0, GOOD, None, "qemu: terminating on signal 15 from pid 7 (make)\n").outcome == "error")
    check("QEMU's own failure is an error", outcome(1, "") == "error")
    check("being killed is an error", outcome(-9, "") == "error")
    check("a stop screen is a bug check", outcome(89, STOP) == "bugcheck")
    check("a stop screen before a hang is not a hang's fault",
          outcome(None, STOP, ("hang", "")) == "hang")
    check("a loader's sentence ends the run",
          outcome(None, "Hyperspace cannot start: no kernel\n", ("hang", "")) == "loader")
    check("escapes do not hide it",
          hq.final_line(hq.plain(b"\x1b[2J\x1b[01;01HHyperspace \x1b[0mcannot start: x\r\n")))
    check("a stop of the report is one line, however often it was broken",
          hq.plain(b"ok 1 - a\r\n        b\r\n        c\r\nnot ok 2 - d\r\n        e\r\n")
          == "ok 1 - a b c\nnot ok 2 - d e\n")
    check("no other lines are put together",
          hq.plain(b"ok 1 - a\n         b\nmm> x\n        y\n")
          == "ok 1 - a\n         b\nmm> x\n        y\n")
    check("an unfinished sentence is waited for",
          hq.final_line("Hyperspace cannot start: no ker") is None)
    check("nothing bootable ends the run",
          outcome(None, "UEFI Interactive Shell v2.2\n", ("hang", "")) == "noboot")


def ended_from_outside():
    """A real QEMU, with nothing to boot, that somebody else ends."""
    with tempfile.NamedTemporaryFile() as disk:
        disk.truncate(1 << 20)
        guest = hq.Guest(hq.Machine(disk.name))
        guest.wait_for("BdsDxe|Shell|UEFI", 20)
        guest.process.terminate()
        result = guest.end()
        check("a QEMU that was terminated did not reset silently",
              result.outcome == "error" and "ended from outside" in result.reason)


def stop_screens():
    result = hq.judge(89, STOP)
    check("the right stop screen is accepted", crashes.check_crash("null", result) is None)
    check("another kind's stop screen is not", crashes.check_crash("irql", result) is not None)
    check("status 85 after a stop screen is not",
          crashes.check_crash("null", hq.judge(85, STOP + GOOD)) is not None)
    check("a parameter out of range is not", crashes.check_crash("null", hq.judge(
        89, STOP.replace("0x00000008)", "0x00000009)"))) is not None)
    check("a stack without names is not", crashes.check_crash("null", hq.judge(
        89, STOP.replace("KiCrash+0x2e", "0x80808d03"))) is not None)
    check("a trace that skips the culprit's caller is not", crashes.check_crash("null", hq.judge(
        89, STOP.replace("8084ced8 80808d03 KiCrash+0x2e\n", ""))) is not None)
    check("a trace that begins elsewhere is not", crashes.check_crash("null", hq.judge(
        89, STOP.replace("KipReadNull", "KipDivide"))) is not None)
    check("a trace that ends early is not", crashes.check_crash("null", hq.judge(
        89, STOP.replace("00000000 KiSystemStartup", "80816b82 KiRun"))) is not None)
    check("a screen without control registers is not", crashes.check_crash("null", hq.judge(
        89, STOP.replace("cr0=", "cr9="))) is not None)


def boot_ini():
    text = hq.append_options(INI, "/RUN=report,shutdown /DEBUG")
    check("switches go to the default entry, and replace",
          'B="B" /MAXMEM=64 /RUN=report,shutdown /DEBUG\r\n' in text and 'A="A" /SOS\r\n' in text)
    check("the rest of boot.ini stays", text.startswith(INI[:INI.index("rdisk(0)\\B=")]))


def data_volume():
    """A run changes its copy and never the image."""
    with tempfile.TemporaryDirectory() as folder:
        for layout in ("gpt", "mbr", "superfloppy"):
            source, copy = os.path.join(folder, layout), os.path.join(folder, "copy")
            subprocess.run([trials.MAKE_IMAGE, source], check=True, env=dict(
                os.environ, LAYOUT=layout, FILES=sys.argv[1]))
            with open(source, "rb") as file:
                before = hash(file.read(64 << 20))
            image = hq.Image(source, copy)
            image.add_options("/DEBUG")
            with open(source, "rb") as file:
                after = hash(file.read(64 << 20))
            check("boot.ini is found and changed in a copy, " + layout,
                  b" /DEBUG" in image.read("boot.ini") and before == after)


def suites_together():
    """What runs at the same time is told in order, and nothing that goes wrong looks green."""
    with tempfile.TemporaryDirectory() as folder:
        def add_up(*suites):
            done = subprocess.run([sys.executable, TAP, "--log", os.path.join(folder, "log"),
                                   *suites], stdout=subprocess.PIPE, check=False)
            lines = done.stdout.decode().split("\n")
            return done.returncode, [line for line in lines if not line.startswith("#")]

        status, lines = add_up("a&=sleep 0.6; echo ok 1 - slow", "b&=echo ok 1 - quick",
                               "c=echo ok 1 - alone")
        check("suites at the same time speak in their order", status == 0 and lines == [
            "ok 1 - slow", "ok 1 - quick", "ok 1 - alone", "3 passed, 0 failed", ""])
        status, lines = add_up("a&=echo ok 1 - good", "b&=exit 3")
        check("one that dies beside another is a failure", status == 1 and lines == [
            "ok 1 - good", "not ok - b died with status 3", "1 passed, 1 failed", ""])


def processors_shared():
    """A suite has one of its own, and more while they are free; it gives back what it takes."""
    with tempfile.TemporaryDirectory() as folder:
        shared = processors.make(os.path.join(folder, "pipe"), 1)
        check("a free processor is had once", shared.take() and not free(shared))
        check("one at a time runs where none is free", most_at_once(folder) == 1)
        check("one that is idle runs beside it", most_at_once(folder, 1) == 2)
        shared.give()
        check("two at a time run where one is free", most_at_once(folder) == 2)
        check("it is free again, once", free(shared) and not free(shared))


def free(shared):
    """Take a processor, if there is one now."""
    questions = iter([True, False])
    return shared.take(lambda: next(questions))


def most_at_once(folder, idle=0):
    """So many of six tests ran at the same time, in a suite that is lent what is in the pipe."""
    running, most, lock = [0], [0], threading.Lock()

    def run(_):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.1)
        with lock:
            running[0] -= 1

    tests = [trials.Test("test %d" % number, run, "runner", idle=number < idle)
             for number in range(6)]
    before = os.environ.get(processors.VARIABLE)
    os.environ[processors.VARIABLE] = os.path.join(folder, "pipe")
    try:
        with redirect_stdout(io.StringIO()) as told:
            failed = trials.run_all(tests, trials.Bench(folder, folder), 2)
    finally:
        del os.environ[processors.VARIABLE]
        if before:
            os.environ[processors.VARIABLE] = before
    return most[0] if not failed and told.getvalue().count("ok ") == len(tests) else 0


def fill(volume, plan):
    """Put a plan's files on a volume with mtools."""
    environment = dict(storage.ENVIRONMENT)
    for path, file in plan.tree().items():
        command = ["mmd", "-i", volume, "::/" + path] if not file else [
            "mcopy", "-i", volume, "-", "::/" + path]
        subprocess.run(command, check=True, env=environment,
                       input=plan.contents(file) if file else b"")
    subprocess.run(["mcopy", "-i", volume, "-", "::/pagefile.sys"], check=True, env=environment,
                   input=bytes(1 << 20))


def storage_judged():
    """A disk as the guest should leave it, and what can be wrong with one."""
    with tempfile.TemporaryDirectory() as folder:
        before, after, log = (os.path.join(folder, name) for name in ("before", "after", "log"))
        subprocess.run([trials.MAKE_IMAGE, before], check=True, env=dict(
            os.environ, LAYOUT="mbr", FATBITS="16", DATA_MB="40", FILES=sys.argv[1]))
        image = hq.Image(before, after)
        plan = storage_plan.Plan(3, 1 << 20)
        fill(image.volume, plan)
        with open(after, "rb") as file:
            good = file.read()
        first = hq.data_offset(after)

        def judged(change=None, unlogged=()):
            with open(after, "wb") as file:
                file.write(good)
            if change:
                change()
            written = sorted(fat_image.differing_sectors(before, after) - set(unlogged))
            write_log(log, written)
            judgement = storage.Judgement(before, after, log, os.path.join(folder, "judged"))
            try:
                return {name: getattr(judgement, name)() for name in (
                    "clean", "paging_file", "confined")} | {
                        "fsck": judgement.fsck(False), "files": judgement.files(plan, set())}
            finally:
                judgement.close()

        def put(sector, offset, data):
            def change():
                with open(after, "r+b") as file:
                    file.seek(sector * 512 + offset)
                    file.write(data)
            return change

        def found(verdicts):
            return sorted(name for name, verdict in verdicts.items() if verdict)

        volume = fat_image.Volume(after, first)
        name, entry = next((item for item in volume.root_entries().items() if item[1].bytes > 4096
                            and item[0] not in fat_image.OWN))
        foreign = first // 512 + volume.cluster_sectors(entry.cluster)[0]
        own = fat_image.differing_sectors(before, after)
        data = first // 512 + volume.data
        inside = next(n for n in range(data, data + volume.clusters * volume.each) if good[
            n * 512 + 8:n * 512 + 16] == plan.written(5, 0, 512, 512)[8:16])
        fats = first // 512 + volume.reserved
        volume.close()
        check("a disk as planned is in order", found(judged()) == [])
        check("a changed byte of a file is found", found(judged(put(inside, 100, b"?"))) == [
            "files"])
        check("a deleted file is missed", "files" in found(judged(lambda: image.delete(
            plan.path(0, False)))))
        check("a file too many is found", found(judged(lambda: image.write(
            "storage/more", b"x"))) == ["files"])
        check("a missing paging file is found", found(judged(lambda: image.delete(
            "pagefile.sys"))) == ["paging_file"])
        check("a write into %s is found" % name, found(judged(put(foreign, 0, b"?"))) == [
            "confined"])
        check("a write outside the volume is found", found(judged(put(1, 0, b"?"))) == ["confined"])
        check("a write that no log has is found", found(judged(None, [max(own)])) == ["confined"])
        check("a chain that was changed is found", "confined" in found(judged(put(
            fats, entry.cluster * 2, b"\xff\xff"))))
        check("FATs that differ are found", "fsck" in found(judged(put(
            fats, 10000, b"\x01\x00"))))
        check("a volume that is not clean is found", "clean" in found(judged(put(
            fats, 3, b"\x7f"))))


def write_log(path, sectors):
    """What blklogwrites would have written."""
    with open(path, "wb") as file:
        file.write(struct.pack("<QQQI", 0x6A736677736872, 1, len(sectors), 512).ljust(512, b"\0"))
        for sector in sectors:
            file.write(struct.pack("<QQQQ", sector, 1, 0, 512).ljust(1024, b"\0"))


def figures_tell():
    check("no failure in 300 is below 1 %", figures.bound95(0, 300) == 0.01)
    check("one failure in 100 is below 4.8 %", 0.047 < figures.bound95(1, 100) < 0.048)
    check("no trial bounds nothing", figures.bound95(0, 0) is None)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "figures")
        line = figures.record(path, "R16", 0, 0, 1.0)
        check("no trial is not measured", line["note"] == "not measured"
              and all("not measured" in figures.sentence(line) for line in figures.read(path)))
    events = [matrix.events("noise %d\nHyperspace 1\nTSC 1000.0%d MHz\nirq %d\n" % (n, n, 7))
              for n in (1, 2)]
    check("measurements are no events", events[0] == events[1] and "irq 7" in events[0])


if __name__ == "__main__":
    judging()
    control_channel()
    ended_from_outside()
    stop_screens()
    boot_ini()
    data_volume()
    suites_together()
    processors_shared()
    storage_judged()
    figures_tell()
    print("1..%d" % check.number)
    sys.exit(1 if check.failed else 0)
