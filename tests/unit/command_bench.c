/* SPDX-License-Identifier: MIT */
/*
 * command_bench.c - see command_bench.h.
 *
 * The populated machine's pools get their pages as a booted one's do: system pages, charged; paged
 * pool at the first touch, by its fault handler.
 */
#include "tests/unit/command_bench.h"

#include "mm/pool/pool_pages.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/system_pages.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/sysva_machine.h"
#include "verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 100u

static char Output[0x10000];
static ULONG Bits[MiPoolPartCount][MI_POOL_REGION_BYTES(POPULATED_POOL_PAGES) / sizeof(ULONG)];

/* ---- commands ---- */

static PCMI_COMMAND FindIn(PCMI_COMMAND Table, const char *Name, size_t Length)
{
    for (; Table->Name != NULL; Table++) {
        if (strlen(Table->Name) == Length && strncmp(Table->Name, Name, Length) == 0) {
            return Table;
        }
    }
    return NULL;
}

static PCMI_COMMAND FindCommand(const char *Name, size_t Length)
{
    PCMI_COMMAND Found = FindIn(MiMemoryCommands, Name, Length);

    return Found != NULL ? Found : FindIn(MiObjectCommands, Name, Length);
}

static void CheckColumns(const char *Line, const char *Text)
{
    while (*Text != 0) {
        size_t Length = strcspn(Text, "\n");

        if (Length > COLUMNS) {
            TestFail(__FILE__, __LINE__, "%s prints %zu columns: %.*s", Line, Length, (int)Length,
                     Text);
        }
        Text += Length + (Text[Length] != 0);
    }
}

const char *Command(const char *Format, ...)
{
    char Line[256];
    va_list Arguments;
    PCMI_COMMAND Found;
    size_t Length;

    va_start(Arguments, Format);
    vsnprintf(Line, sizeof(Line), Format, Arguments);
    va_end(Arguments);
    Length = strcspn(Line, " ");
    Found = FindCommand(Line, Length);
    if (Found == NULL) {
        TestFail(__FILE__, __LINE__, "there is no command %s", Line);
    }
    HostConsoleClear();
    Found->Routine(Line + Length + strspn(Line + Length, " "));
    snprintf(Output, sizeof(Output), "%s", HostConsoleText());
    CHECK(Output[0] != 0 && Output[strlen(Output) - 1] == '\n');
    CheckColumns(Line, Output);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    return Output;
}

void CheckShows(const char *File, int Line, const char *Part, const char *Text)
{
    if (strstr(Text, Part) == NULL) {
        TestFail(File, Line, "\"%s\" is not in:\n%s", Part, Text);
    }
}

unsigned NumberBehind(const char *Text, const char *Word)
{
    const char *Found = strstr(Text, Word);

    if (Found == NULL) {
        TestFail(__FILE__, __LINE__, "\"%s\" is not in:\n%s", Word, Text);
    }
    return (unsigned)strtoul(Found + strlen(Word), NULL, 10);
}

unsigned LineCount(const char *Text)
{
    unsigned Count = 0;

    for (; *Text != 0; Text++) {
        Count += *Text == '\n';
    }
    return Count;
}

/* ---- the populated machine ---- */

static NTSTATUS CommitPages(ULONG_PTR Va, ULONG Pages)
{
    return MiCreateSystemPages(MiGetPteAddress(Va), Pages,
                               MiMakeKernelTemplate(MiKernelReadWrite, MiCached));
}

static void DecommitPages(ULONG_PTR Va, ULONG Pages)
{
    MiDeleteSystemPages(MiGetPteAddress(Va), Pages);
}

static NTSTATUS CommitPaged(ULONG_PTR Va, ULONG Pages)
{
    (void)Va;
    (void)Pages;
    return STATUS_SUCCESS;
}

static void DecommitPaged(ULONG_PTR Va, ULONG Pages)
{
    for (; Pages != 0; Pages--, Va += PAGE_SIZE) {
        if (MiReadPte(MiGetPteAddress(Va)).Hard.Valid) {
            DecommitPages(Va, 1);
        }
    }
}

static BOOLEAN FaultPaged(ULONG_PTR Va, ULONG ErrorCode)
{
    POOL_TYPE BaseType;
    MI_POOL_PLACE Place = MiQueryPoolPlace((PVOID)Va, &BaseType);

    (void)ErrorCode;
    if ((Place != MiPoolPlaceStart && Place != MiPoolPlaceMiddle) || BaseType != PagedPool) {
        return FALSE;
    }
    return NT_SUCCESS(CommitPages((ULONG_PTR)PAGE_ALIGN(Va), 1));
}

static void StartPools(void)
{
    MI_POOL_RANGE Ranges[MiPoolPartCount] = {
        {POOL_INITIAL_VA, POPULATED_POOL_PAGES, Bits[0], CommitPages, DecommitPages},
        {POOL_EXPANSION_VA, POPULATED_POOL_PAGES, Bits[1], CommitPages, DecommitPages},
        {POOL_PAGED_VA, POPULATED_POOL_PAGES, Bits[2], CommitPaged, DecommitPaged},
    };
    ULONG Part;

    for (Part = 0; Part < MiPoolPartCount; Part++) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    MiCreateSystemPageTables(Ranges[Part].Base, POPULATED_POOL_PAGES * PAGE_SIZE));
    }
    CHECK_EQUAL(STATUS_SUCCESS, CommitPages(POOL_INITIAL_VA, POPULATED_POOL_PAGES));
    HostSetFaultHandler(FaultPaged);
    MiInitializePoolPages(Ranges, FALSE);
    MiInitializePools(FALSE);
}

void PopulatedStart(void)
{
    MI_LAYOUT_INPUT Input = {.RamPages = 0x4000, .HighestFrame = 0x3FFF};

    SysvaStart(1024, 2048);
    MiLayout = MiComputeLayout(&Input);
    StartPools();
}

void PopulatedFinish(void)
{
    MiVerifyAll();
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    HostMachineDelete();
}
