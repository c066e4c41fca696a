/* SPDX-License-Identifier: MIT */
/*
 * test_prop_commands.c - no argument makes a command fault, change anything or fill the screen's
 * width, on a machine with everything and with planted damage.
 *
 * Command() itself checks that something was printed, the width, and IRQL; a fault would be a bug
 * check, which fails the test.
 */
#include "mm/pool/pool_block.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/sysva_machine.h"

#include <stdio.h>
#include <string.h>

#define BLOCKS 60u

static PVOID Blocks[BLOCKS];

static const ULONG Interesting[] = {
    0,          1,          2,          0xFFF,      0x1000,     0x7FFFFFFF, 0x80000000,
    0x80FFFFFF, 0x81000000, 0x81000004, 0xBFFFFFFF, 0xC0000000, 0xC0300000, 0xC0300C00,
    0xC0300FFC, 0xC03FFFFC, 0xC0400000, 0xD0000000, 0xD0001000, 0xE1000000, 0xE1000008,
    0xE103FFFF, 0xE1040000, 0xE8000000, 0xF7000000, 0xFFFFF000, 0xFFFFFFFC, 0xFFFFFFFF,
};

static const char *const Odd[] = {
    "",        "*",      "????", "OneA", "None",    "x",    "-1",         "-summary",
    "-f:VAR,", "-o:csv", "-f:",  "0x",   "Toolong", "%s%n", "0x41656E4F",
};

static ULONG AnyNumber(uint64_t *State)
{
    ULONG Random = TestRandom(State);

    switch (TestRandom(State) % 7) {
    case 0:
        return Random;
    case 1:
        return Random % 16;
    case 2:
        return Random % 0x500;
    case 3:
        return (ULONG)(ULONG_PTR)Blocks[Random % BLOCKS] + Random % 64;
    case 4: {
        const MI_RANGE *Region = &MiLayout.Region[Random % MiRegions];

        return (ULONG)Region->Start + (TestRandom(State) % 3 - 1) * 4;
    }
    default:
        return Interesting[Random % RTL_NUMBER_OF(Interesting)];
    }
}

static void AddArgument(char *Line, size_t Bytes, uint64_t *State)
{
    size_t Length = strlen(Line);

    if (TestRandom(State) % 5 == 0) {
        snprintf(Line + Length, Bytes - Length, " %s", Odd[TestRandom(State) % RTL_NUMBER_OF(Odd)]);
    } else {
        snprintf(Line + Length, Bytes - Length, " %x", AnyNumber(State));
    }
}

static void RunAny(PCMI_COMMAND Table, uint64_t *State)
{
    char Line[128];
    ULONG Count = 0;
    ULONG Arguments = TestRandom(State) % 4;

    while (Table[Count].Name != NULL) {
        Count++;
    }
    snprintf(Line, sizeof(Line), "%s", Table[TestRandom(State) % Count].Name);
    if (strcmp(Line, "!verify") == 0 || strcmp(Line, "!object") == 0) {
        return; /* they stop the machine where there is damage: one looks for it, one needs pool */
    }
    for (; Arguments != 0; Arguments--) {
        AddArgument(Line, sizeof(Line), State);
    }
    while (Line[strlen(Line) - 1] == ' ') {
        Line[strlen(Line) - 1] = 0;
    }
    Command("%s", Line);
}

static void RunMany(uint64_t *State, ULONG Rounds)
{
    for (; Rounds != 0; Rounds--) {
        RunAny(TestRandom(State) % 2 == 0 ? MiMemoryCommands : MiObjectCommands, State);
    }
}

static void Populate(uint64_t *State)
{
    ULONG i;

    HostSetPageable(0, 0, NULL); /* the monitor asks the tables, then looks, at DISPATCH_LEVEL */
    for (i = 0; i < BLOCKS; i++) {
        SIZE_T Bytes = i % 10 == 0 ? PAGE_SIZE + 100 : 1 + TestRandom(State) % 600;

        Blocks[i] = ExAllocatePoolWithTag(i % 2 == 0 ? NonPagedPool : PagedPool, Bytes,
                                          i % 3 == 0 ? TAG_A : TAG_B);
        CHECK(Blocks[i] != NULL);
    }
    MiDeleteKernelStack(MiCreateKernelStack());
    MiReleaseSystemPtes(MiReserveSystemPtes(30), 30);
}

static void FreeAll(void)
{
    ULONG i;

    for (i = 0; i < BLOCKS; i++) {
        ExFreePool(Blocks[i]);
    }
}

TEST(Prop_commands_take_any_argument_and_change_nothing)
{
    uint64_t State = TestSeed();
    SYSVA_BALANCE Before;
    SYSVA_BALANCE After;

    PopulatedStart();
    Populate(&State);
    Before = SysvaBalance();
    RunMany(&State, (ULONG)TestRounds(1500));
    After = SysvaBalance();
    CHECK_EQUAL(0, memcmp(&Before, &After, sizeof(Before)));
    FreeAll();
    PopulatedFinish();
}

/* The headers of small blocks are overwritten; large ones have none. */
static void DamageHeaders(uint64_t *State)
{
    ULONG i;

    for (i = 1; i < BLOCKS; i++) {
        if (i % 10 != 0 && TestRandom(State) % 4 == 0) {
            ((PULONG)Blocks[i])[-2 + (LONG)(TestRandom(State) % 2)] = TestRandom(State);
        }
    }
}

TEST(Prop_commands_survive_damaged_pool_headers)
{
    uint64_t State = TestSeed();
    ULONG Round;

    for (Round = 0; Round < 10; Round++) {
        PopulatedStart();
        Populate(&State);
        DamageHeaders(&State);
        RunMany(&State, (ULONG)TestRounds(200));
        HostMachineDelete();
    }
}
