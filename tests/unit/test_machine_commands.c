/* SPDX-License-Identifier: MIT */
/*
 * test_machine_commands.c - registers, tables, and commands that end the machine.
 */
#include "nt/bugcodes.h"
#include "tests/unit/monitor_bench.h"

#include <string.h>

TEST(Registers_in_WinDbgs_layout)
{
    MonitorStart();
    HostRegisters.Fs = 0x30;
    HostRegisters.Cr3 = 0x1000;
    CHECK_TEXT("eax=11111111 ebx=00000000 ecx=00000000 edx=00000000 esi=00000000 edi=00000000\n"
               "eip=80800025 esp=80900f00 ebp=80900f10 iopl=0         nv up ei pl zr na pe nc\n"
               "cs=0008  ss=0000  ds=0000  es=0000  fs=0030  gs=0000             efl=00000246\n"
               "cr0=00000000 cr2=00000000 cr3=00001000 cr4=00000000\n"
               "nt!KeBugCheckEx+0x5:\n",
               MonitorAnswer("r"));
    HostRegisters.EFlags = 0x3CD5;
    CHECK(strstr(MonitorAnswer("r"), "iopl=3         ov dn di ng zr ac pe cy\n") != NULL);
}

TEST(Registers_one_by_one_and_never_changed)
{
    MonitorStart();
    CHECK_TEXT("eax=11111111\nebp=80900f10\n", MonitorAnswer("r eax @ebp"));
    CHECK_TEXT("There is no register called \"foo\".\n", MonitorRefusal("r foo"));
    CHECK_TEXT("The registers are the monitor's own and cannot be changed.\n",
               MonitorRefusal("r eax=5"));
    CHECK_TEXT(
        "No register has so long a name.\n",
        MonitorRefusal("r aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

TEST(Irql_by_number_and_name)
{
    MonitorStart();
    CHECK_TEXT("Debugger saved IRQL for processor 0x0 -- 0 (LOW_LEVEL)\n", MonitorAnswer("!irql"));
}

TEST(Pcr_shows_where_it_is)
{
    MonitorStart();
    CHECK(strstr(MonitorAnswer("!pcr"), "KPCR for Processor 0 at ffdff000:\n") != NULL);
    CHECK(strstr(HostConsoleText(), "    SelfPcr: ffdff000\n") != NULL);
}

TEST(Idt_lists_exceptions_and_what_is_connected)
{
    MonitorStart();
    CHECK(strstr(MonitorAnswer("!idt"), "00:  80800100 nt!KiEntries\n") != NULL);
    CHECK(strstr(HostConsoleText(), "03:  80800130 nt!KiEntries+0x30  (DPL 3)\n") != NULL);
    CHECK(strstr(HostConsoleText(), "08:  Task Selector = 0x0050\n") != NULL);
    CHECK(strstr(HostConsoleText(), "d1:  80800e10 nt!KiStart\n") != NULL);
    CHECK(strstr(HostConsoleText(), "\n20:") == NULL);
    CHECK(strstr(MonitorAnswer("!idt -a"), "\n20:") != NULL);
    CHECK_TEXT("Dumping IDT:\nff:  not present\n", MonitorAnswer("!idt ff"));
    CHECK_TEXT("Vectors end at ff.\n", MonitorRefusal("!idt 101"));
}

TEST(Descriptors_as_WinDbg_shows_them)
{
    MonitorStart();
    CHECK_TEXT("                                   P Si Gr Pr Lo\n"
               "Sel    Base     Limit     Type     l ze an es ng Flags\n"
               "---- -------- -------- ---------- - -- -- -- -- --------\n"
               "0008 00000000 ffffffff Code RE    0 Bg Pg P  Nl 0000c09b\n"
               "0010 80801000 00000067 TSS32 Busy 0 Sm By P  Nl 0000008b\n",
               MonitorAnswer("dg b 100"));
    CHECK_TEXT("Selector 0018 lies behind the end of the table.\n", MonitorRefusal("dg 18"));
    CHECK_TEXT("Selector fffffff8 lies behind the end of the table.\n", MonitorRefusal("dg -1"));
    CHECK_TEXT("The selector is missing.\n", MonitorRefusal("dg"));
}

TEST(Machine_commands_ask_the_machine)
{
    MonitorStart();
    CHECK_TEXT("version\n", MonitorAnswer("version"));
    CHECK_TEXT("version\nmachine\n", MonitorAnswer("vertarget"));
    CHECK_TEXT("memory\n", MonitorAnswer("memmap"));
    CHECK_TEXT("report\n", MonitorAnswer("report"));
    CHECK_TEXT("\"x\" is more than this command takes.\n", MonitorRefusal("report x"));
}

static void Execute(PVOID Line)
{
    (void)MiExecuteLine(Line);
}

static void CheckEnds(ULONG Code, ULONG_PTR P1, const char *Line)
{
    HOST_BUGCHECK BugCheck;

    MonitorStart();
    CHECK(HostCatchBugCheck(Execute, (PVOID)Line, &BugCheck));
    CHECK_EQUAL(Code, BugCheck.Code);
    CHECK_EQUAL(P1, BugCheck.Parameter[0]);
}

TEST(Machine_commands_that_end_it)
{
    CheckEnds(HOST_BUGCHECK_REBOOT, 0, ".reboot");
    CheckEnds(HOST_BUGCHECK_POWER, 0, ".shutdown");
    CheckEnds(MANUALLY_INITIATED_CRASH, 0, ".crash");
    CheckEnds(MANUALLY_INITIATED_CRASH, 0, ".crash manual");
    CheckEnds(0x50, 0x1234, ".bugcheck 50 1234");
}

TEST(Machine_commands_that_must_not_end_it)
{
    MonitorStart();
    CHECK_TEXT("\"now\" is more than this command takes.\n", MonitorRefusal(".reboot now"));
    CHECK_TEXT("\"foo\" is not a kind of crash; there are: manual\n", MonitorRefusal(".crash foo"));
    CHECK_TEXT("manual\n", MonitorAnswer(".crash ?"));
    CHECK_TEXT("Bugcheck code 00000000\nArguments 00000000 00000000 00000000 00000000\n",
               MonitorAnswer(".bugcheck"));
    CHECK_TEXT("\"zz\", character 1: there is no symbol called \"zz\".\n",
               MonitorRefusal(".bugcheck 50 zz"));
}
