/* SPDX-License-Identifier: MIT */
/*
 * test_process_commands.c - !process, .process, !vad, and !pte and !address in the user half.
 */
#include "mm/inspect/commands.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/space_world.h"

#include <string.h>

#define RW PAGE_READWRITE

TEST(Process_command_shows_one_or_all)
{
    const char *Shown;
    PEPROCESS Process;

    SpaceStart();
    Process = SpaceCurrent();
    SpaceWrite(SpaceAllocate(0, KB64, MEM_COMMIT, RW), 1);
    Shown = Command("!process 0 0");
    CHECK_SHOWS("Image: System\n", Shown);
    CHECK_SHOWS("Image: test\n", Shown);
    CHECK(strstr(Shown, "CommitCharge") == NULL);
    Shown = Command("!process %x", Number(Process));
    CHECK_SHOWS(Text("PROCESS %08X  SessionId: none  Cid: 0008\n", Number(Process)), Shown);
    CHECK_SHOWS(Text("DirBase: %08x", (unsigned)Process->Pcb.DirectoryTableBase[0]), Shown);
    CHECK_EQUAL(17, NumberBehind(Shown, "CommitCharge"));
    CHECK_EQUAL(64, NumberBehind(Shown, "VirtualSize"));
    CHECK_EQUAL(1, NumberBehind(Shown, "Vads"));
    CHECK_EQUAL(1, NumberBehind(Shown, "PageFaultCount"));
    CHECK_SHOWS(Text("PROCESS %08X", Number(Process)), Command("!process"));
    CHECK_SHOWS("is not the address of a process", Command("!process 12345678"));
    CHECK_SHOWS(Text("PROCESS %08X", Number(Process)), Command("!process -1"));
    CHECK_SHOWS("is not the address of a process", Command("!process -2"));
    CHECK(strstr(Command("!process -1 1"), "THREAD") == NULL);
    Shown = Command("!process -1 4");
    CHECK_SHOWS(Text("THREAD %08X  Id ", Number(KeGetCurrentThread())), Shown);
    CHECK(strstr(Shown, "CommitCharge") == NULL);
    SpaceFinish();
}

TEST(Process_command_without_processes_says_so)
{
    HostMachineCreate(64, TestSeed());
    CHECK_SHOWS("no processes yet", Command("!process 0 0"));
    CHECK_SHOWS("no processes yet", Command(".process"));
    CHECK_SHOWS("no processes yet", Command("!vad"));
    CHECK_SHOWS("no processes yet", Command("!address 10000"));
    HostMachineDelete();
}

TEST(Implicit_process_is_the_one_whose_addresses_are_shown)
{
    PEPROCESS First;
    PEPROCESS Second;
    ULONG_PTR Va;
    ULONG Word;

    SpaceStart();
    First = SpaceCurrent();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 0xABCD1234);
    Second = SpaceProcess();
    CHECK_SHOWS(Text("Implicit process is now %08X\n", Number(Second)),
                Command(".process %x", Number(Second)));
    CHECK_SHOWS("Total VADs: 0", Command("!vad"));
    CHECK_SHOWS("not valid", Command("!pte %x", (unsigned)Va));
    CHECK_SHOWS(Text("now %08X\n", Number(First)), Command(".process %x", Number(First)));
    CHECK_SHOWS("UWEV", Command("!pte %x", (unsigned)Va));
    CHECK_EQUAL(sizeof(Word), MiReadVirtual(Va, &Word, sizeof(Word)));
    CHECK_EQUAL(0xABCD1234, Word);
    CHECK_SHOWS("Total VADs: 1", Command("!vad"));
    CHECK_SHOWS(Text("process is %08X\n", Number(First)), Command(".process"));
    CHECK_SHOWS(Text("now %08X\n", Number(First)), Command(".process 0"));
    CHECK_SHOWS("is not the address of a process", Command(".process 4"));
    SpaceFinish();
}

static PEPROCESS RanIn;

static void Run(void)
{
    RanIn = PsGetCurrentProcess();
}

TEST(What_is_to_run_in_the_systems_process_does_so_and_the_implicit_process_stays)
{
    PEPROCESS Process;

    SpaceStart();
    Process = SpaceProcess();
    SpaceEnter(PsInitialSystemProcess);
    Command(".process %x", Number(Process));
    MiRunInSystemProcess(Run);
    CHECK(RanIn == PsInitialSystemProcess);
    CHECK(PsGetCurrentProcess() == Process);
    Command(".process 0");
    MiRunInSystemProcess(Run);
    CHECK(RanIn == PsInitialSystemProcess && PsGetCurrentProcess() == PsInitialSystemProcess);
    SpaceFinish();
}

TEST(Vad_command_lists_by_address_and_shows_one_in_full)
{
    const char *Shown;
    ULONG Vad;

    SpaceStart();
    SpaceAllocate(0x100000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    SpaceAllocate(0x200000, 0x3000, MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READONLY | PAGE_GUARD);
    Shown = Command("!vad");
    CHECK_SHOWS(" ( 1)       100       10f      16  Private  ReadWrite\n", Shown);
    CHECK_SHOWS(" ( 2)       200       202       0  Private  ReadOnly Guard WriteWatch\n", Shown);
    CHECK_SHOWS("Total VADs: 2  average level: 2  maximum depth: 2\n", Shown);
    Vad = Number(MiFindVad(SpaceCurrent(), 0x200));
    Shown = Command("!vad %x 1", Vad);
    CHECK_SHOWS("Start VPN           200  End VPN       202\n", Shown);
    CHECK_SHOWS("Flags: PrivateMemory WriteWatch\n", Shown);
    CHECK_SHOWS("Total VADs: 2", Command("!vad %x", Number(SpaceCurrent()->VadRoot.Root)));
    CHECK_SHOWS("is no VAD of process", Command("!vad 80801000 1"));
    SpaceFinish();
}

TEST(Pte_command_shows_pages_of_the_user_half_in_each_state)
{
    ULONG_PTR Va;
    const char *Shown;

    SpaceStart();
    Va = SpaceAllocate(0x100000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + PAGE_SIZE, 1);
    SpaceProtect(Va + PAGE_SIZE, 1, PAGE_NOACCESS);
    SpaceProtect(Va + 2 * PAGE_SIZE, 1, RW | PAGE_GUARD);
    CHECK_SHOWS("---DA--UWEV", Command("!pte %x", (unsigned)Va));
    Shown = Command("!pte %x", (unsigned)Va + PAGE_SIZE);
    CHECK_SHOWS("not valid: transition", Shown);
    CHECK_SHOWS("Protect: 18 - NoAccess", Shown);
    Shown = Command("!pte %x", (unsigned)Va + 2 * PAGE_SIZE);
    CHECK_SHOWS("not valid: demand zero", Shown);
    CHECK_SHOWS("Protect: 14 - ReadWrite Guard", Shown);
    SpaceFinish();
}

TEST(Address_and_vprot_commands_show_a_region_of_the_user_half)
{
    ULONG_PTR Va;
    const char *Shown;

    SpaceStart();
    Va = SpaceAllocate(0x100000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    SpaceProtect(Va + 2 * PAGE_SIZE, 1, RW | PAGE_GUARD);
    Shown = Command("!address %x", (unsigned)Va + 2 * PAGE_SIZE + 5);
    CHECK_SHOWS("Usage:                  VAR\nBase Address:           00102000\n"
                "End Address:            00103000\n"
                "Region Size:            00001000  (   4.000 kB)\n"
                "State:                  00001000  MEM_COMMIT\n"
                "Protect:                00000104  PAGE_READWRITE|PAGE_GUARD\n"
                "Type:                   00020000  MEM_PRIVATE\n"
                "Allocation Base:        00100000\n"
                "Allocation Protect:     00000004  PAGE_READWRITE\n",
                Shown);
    CHECK_SHOWS("State:                  00010000  MEM_FREE\n", Command("!address 500000"));
    CHECK_SHOWS("last 64 KB", Command("!address 7fff0000"));
    CHECK_TEXT("BaseAddress:       00102000\nAllocationBase:    00100000\n"
               "AllocationProtect: 00000004  PAGE_READWRITE\nRegionSize:        00001000\n"
               "State:             00001000  MEM_COMMIT\n"
               "Protect:           00000104  PAGE_READWRITE|PAGE_GUARD\n"
               "Type:              00020000  MEM_PRIVATE\n",
               Command("!vprot %x", (unsigned)Va + 2 * PAGE_SIZE));
    CHECK_SHOWS("Protect:           00000001  PAGE_NOACCESS\n", Command("!vprot 500000"));
    CHECK_SHOWS("Which address?", Command("!vprot"));
    CHECK_SHOWS("last 64 KB", Command("!vprot 80000000"));
    SpaceFinish();
}
