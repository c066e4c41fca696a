/* SPDX-License-Identifier: MIT */
/*
 * test_memory_usage.c - !memusage's table: a section's pages, wherever they are.
 */
#include "mm/pfn/pfn.h"
#include "mm/sysva/pte_kind.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/file_section_world.h"
#include "tests/unit/section_world.h"

#include <string.h>

/* The line of an area, without its name. */
static const char *Line(PSECTION Section, ULONG Valid, ULONG Standby, ULONG Dirty, ULONG Shared,
                        ULONG Locked)
{
    return Text("%08X %7u %7u %6u %6u %6u          0  ", Number(Section->Segment->ControlArea),
                Valid * 4, Standby * 4, Dirty * 4, Shared * 4, Locked * 4);
}

TEST(Memusage_shows_where_the_pages_of_a_paging_file_section_are)
{
    const char *Shown;
    PSECTION Section;
    ULONG_PTR First;
    ULONG_PTR Second;

    SpaceStart();
    Section = SectionMake(100, SEC_COMMIT, PAGE_READWRITE);
    First = SectionMap(Section, PAGE_READWRITE);
    Second = SectionMap(Section, PAGE_READWRITE);
    Shown = Command("!memusage");
    CHECK_SHOWS("Control    Valid Standby  Dirty Shared Locked PageTables  name\n", Shown);
    CHECK(strstr(Shown, "Page File Section") == NULL); /* none of it is in memory */
    SpaceWrite(First, 1);
    SpaceWrite(First + PAGE_SIZE, 2);
    SpaceWrite(First + 99 * PAGE_SIZE, 3);
    CHECK_EQUAL(1, SpaceRead(Second)); /* its neighbour is mapped with it */
    Shown = Command("!memusage");
    CHECK_SHOWS(Text("%sPage File Section\n", Line(Section, 3, 0, 0, 2, 0)), Shown);
    CHECK(strstr(Command("!memusage 8"), "Control") == NULL);
    SectionTrim();
    CHECK_SHOWS(Line(Section, 0, 0, 3, 0, 0), Command("!memusage"));
    SectionUnmap(First);
    SectionUnmap(Second);
    ObDereferenceObject(Section);
    CHECK(strstr(Command("!memusage"), "Page File Section") == NULL);
    SpaceFinish();
}

TEST(Memusage_names_the_file_and_tells_clean_pages_from_changed_ones)
{
    const char *Shown;
    PSECTION Section;
    HANDLE File;
    PUCHAR View;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\NAME.BIN", 8 * PAGE_SIZE, 1);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    View = FileSectionMap(Section, PAGE_READWRITE);
    CHECK(FileSectionRead(View) != 0); /* all eight are read */
    FileSectionWrite(View + PAGE_SIZE, 9);
    Shown = Command("!memusage");
    CHECK_SHOWS("mapped_file( \\NAME.BIN )\n", Shown);
    FileSectionTrim();
    CHECK_SHOWS(Text("%smapped_file( \\NAME.BIN )\n", Line(Section, 0, 7, 1, 0, 0)),
                Command("!memusage"));
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    CHECK_SHOWS("mapped_file( \\NAME.BIN )\n", Command("!memusage")); /* nobody has it open */
    FileSectionFinish();
}

/* => Two of its four pages are in memory, mapped at *Va. */
static PSECTION StartSection(PULONG_PTR Va)
{
    PSECTION Section;

    SpaceStart();
    Section = SectionMake(4, SEC_COMMIT, PAGE_READWRITE);
    *Va = SectionMap(Section, PAGE_READWRITE);
    SpaceWrite(*Va, 1);
    SpaceWrite(*Va + PAGE_SIZE, 1);
    return Section;
}

static void FinishSection(PSECTION Section, ULONG_PTR Va)
{
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(Memusage_counts_pages_that_are_locked)
{
    PSECTION Section;
    ULONG_PTR Va;
    PMDL Mdl;

    Section = StartSection(&Va);
    Mdl = IoAllocateMdl((PVOID)Va, PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    CHECK_SHOWS(Line(Section, 2, 0, 0, 0, 1), Command("!memusage"));
    SectionTrim();
    CHECK_SHOWS(Line(Section, 1, 0, 1, 0, 1), Command("!memusage")); /* it stays */
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    CHECK_SHOWS(Line(Section, 1, 0, 1, 0, 0), Command("!memusage"));
    FinishSection(Section, Va);
}

TEST(Memusage_believes_no_prototype_PTE_that_names_what_is_no_frame)
{
    MMPTE Broken = {.Long = 0xFFFFF000u | MM_PTE_BITS_VALID};
    PSECTION Section;
    ULONG_PTR Va;
    MMPTE Old;

    Section = StartSection(&Va);
    Old = SectionPrototype(Section, 1);
    *(volatile ULONG *)&Section->Segment->PrototypePte[1].Long = Broken.Long;
    CHECK_SHOWS(Line(Section, 1, 0, 0, 0, 0), Command("!memusage"));
    *(volatile ULONG *)&Section->Segment->PrototypePte[1].Long = Old.Long;
    FinishSection(Section, Va);
}
