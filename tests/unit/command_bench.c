/* SPDX-License-Identifier: MIT */
/*
 * command_bench.c - see command_bench.h.
 */
#include "tests/unit/command_bench.h"

#include "mm/inspect/debugger.h"
#include "mm/pool/pool.h"
#include "mm/sysva/layout.h"
#include "tests/unit/mm_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 100u
#define FRAMES  4096u

static char Output[0x10000];

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
    PCMI_COMMAND Tables[] = {MiMemoryCommands, MiObjectCommands, MiDebuggerCommands};
    PCMI_COMMAND Found = NULL;
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Tables) && Found == NULL; Index++) {
        Found = FindIn(Tables[Index], Name, Length);
    }
    return Found;
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
    (void)MiExecuteLine(Line);
    snprintf(Output, sizeof(Output), "%s", HostConsoleText());
    if (Output[0] == 0 || Output[strlen(Output) - 1] != '\n') {
        TestFail(__FILE__, __LINE__, "%s: %zu characters, the last line is not ended", Line,
                 strlen(Output));
    }
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

const char *Text(const char *Format, ...)
{
    static char Texts[4][1024];
    static unsigned Turn;
    char *Result = Texts[Turn++ % 4];
    va_list Arguments;

    va_start(Arguments, Format);
    vsnprintf(Result, sizeof(Texts[0]), Format, Arguments);
    va_end(Arguments);
    return Result;
}

#define FILLERS  512u
#define TAG_FILL 0x6C6C6946u /* 'Fill' */

static PVOID Fillers[FILLERS];
static unsigned FillerCount;

void PopulatedStart(void)
{
    FillerCount = 0;
    MmWorldStart(FRAMES);
}

ULONG FreshPage(void)
{
    PVOID Block;

    MiTrimPools();
    while (BYTE_OFFSET(Block = Allocate(NonPagedPool, 8, TAG_FILL)) != 8) {
        CHECK(FillerCount < FILLERS);
        Fillers[FillerCount++] = Block;
    }
    ExFreePoolWithTag(Block, TAG_FILL);
    MiTrimPools();
    return Number(PAGE_ALIGN(Block));
}

void PopulatedFinish(void)
{
    while (FillerCount != 0) {
        ExFreePoolWithTag(Fillers[--FillerCount], TAG_FILL);
    }
    MmWorldFinish();
}

ULONG NonPagedStart(void)
{
    return (ULONG)MiLayout.Region[MiRegionInitialPool].Start;
}

ULONG ExpansionStart(void)
{
    return (ULONG)MiLayout.Region[MiRegionPoolExpansion].Start;
}

ULONG PagedStart(void)
{
    return (ULONG)MiLayout.Region[MiRegionPagedPool].Start;
}

ULONG Number(const volatile void *Address)
{
    return (ULONG)(ULONG_PTR)Address;
}

PVOID Allocate(POOL_TYPE Type, SIZE_T Bytes, ULONG Tag)
{
    PVOID Block = ExAllocatePoolWithTag(Type, Bytes, Tag);

    CHECK(Block != NULL);
    return Block;
}
