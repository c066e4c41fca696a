/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/inspect/session_commands.c: !session, !sprocess, and what !vm and !process say.
 */
#include "ex.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/session_world.h"

#include <string.h>

TEST(Session_command_lists_sessions_and_selects_one)
{
    SessionBegin(0);
    CHECK_SHOWS("Sessions on machine: 2\nValid Sessions: 0 1\nCurrent Session 0\n",
                Command("!session"));
    CHECK_SHOWS("Using session 1\n", Command("!session -s 1"));
    CHECK_SHOWS("Current Session 1\n", Command("!session"));
    CHECK_SHOWS("There is no session 7", Command("!session -s 7"));
    CHECK_SHOWS("Dumping Session 1\n", Command("!sprocess"));
    CHECK_SHOWS("Using session 0\n", Command("!session -s -1"));
    SessionEnter(SESSIONS);
    CHECK_SHOWS("Current Session none\n", Command("!session"));
    CHECK_SHOWS("belongs to no session", Command("!sprocess"));
    CHECK_SHOWS("-1 is the session that runs", Command("!session 1"));
    SessionFinish();
}

TEST(Session_process_command_shows_a_session_and_its_processes)
{
    const char *Shown;
    PVOID Block;

    SessionBegin(0);
    Block = SessionAllocate(2 * PAGE_SIZE);
    Shown = Command("!sprocess 0");
    CHECK_SHOWS(Text("_MM_SESSION_SPACE %08X\n", Number(SessionSpace(0))), Shown);
    CHECK_SHOWS("PagedPool 1 allocations, 8192 bytes; 2 of 1024 pages", Shown);
    CHECK_SHOWS("Image: session\n", Shown);
    CHECK_SHOWS("Image: member\n", Shown);
    CHECK_SHOWS(Text("PROCESS %08X  SessionId: 0  Cid", Number(SessionProcess(0))), Shown);
    CHECK(strstr(Shown, "Image: System") == NULL && strstr(Shown, "Dumping Session 1") == NULL);
    Shown = Command("!sprocess -4 1");
    CHECK_SHOWS("Dumping Session 0\n", Shown);
    CHECK_SHOWS("Dumping Session 1\n", Shown);
    CHECK_SHOWS("PeakWorkingSetSize", Shown);
    CHECK_SHOWS("There is no session 9", Command("!sprocess 9"));
    ExFreePool(Block);
    SessionFinish();
}

TEST(Vm_command_shows_what_sessions_use)
{
    const char *Shown;
    PVOID Block;

    SessionBegin(0);
    Block = SessionAllocate(3 * PAGE_SIZE);
    Shown = Command("!vm 4");
    CHECK_SHOWS("Session Paged Pool Maximum is 4096K\n", Shown);
    CHECK_SHOWS("Session View Space Maximum is 20480K\n", Shown);
    CHECK_SHOWS(Text("Session ID 1 @ %08x:\n", Number(SessionSpace(1))), Shown);
    CHECK_EQUAL(12, NumberBehind(Shown, "Paged Pool Usage:"));
    ExFreePool(Block);
    SessionEnd(0);
    SessionEnd(1);
    CHECK_SHOWS("there are no sessions", Command("!vm 4"));
    CHECK_SHOWS("There are no sessions", Command("!sprocess -4"));
    SessionFinish();
}

TEST(Pte_command_sees_a_page_table_that_the_directory_does_not_have_yet)
{
    PEPROCESS Second = NULL;
    KAPC_STATE Home;
    PULONG Block;

    SessionBegin(0);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateSessionProcess("second", 0, 0, &Second));
    Block = SessionAllocate(64);
    *Block = 4711;
    KeStackAttachProcess(&Second->Pcb, &Home);
    CHECK(!MiReadPte(MiGetPdeAddress((ULONG_PTR)Block)).Hard.Valid);
    CHECK_SHOWS(Text("contains %08X", MiReadPte(MiGetPteAddress((ULONG_PTR)Block)).Long),
                Command("!pte %x", Number(Block)));
    MiWritePte(MiGetPdeAddress((ULONG_PTR)Block), MiMakeZeroPte());
    KeFlushSingleTb((ULONG_PTR)MiGetPteAddress((ULONG_PTR)Block));
    CHECK(strstr(Command("!pte %x", Number(Block)), "not valid") == NULL);
    KeUnstackDetachProcess(&Home);
    ExFreePool(Block);
    PsTerminateProcess(Second);
    PsDereferenceProcess(Second);
    SessionFinish();
}

TEST(Session_commands_without_processes_say_so)
{
    HostMachineCreate(64, TestSeed());
    CHECK_SHOWS("no processes yet", Command("!session"));
    CHECK_SHOWS("no processes yet", Command("!sprocess -4"));
    HostMachineDelete();
}
