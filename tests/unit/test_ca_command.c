/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/inspect/ca_command.c, and of views in !vad, !pte and !address.
 */
#include "tests/unit/command_bench.h"
#include "tests/unit/file_section_world.h"
#include "tests/unit/image_world.h"
#include "tests/unit/physical_world.h"
#include "tests/unit/section_world.h"

static PSECTION Section;
static ULONG_PTR Va;

static void Begin(ULONG Attributes)
{
    SpaceStart();
    Section = SectionMake(20, Attributes, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
}

static void End(void)
{
    ObDereferenceObject(Section);
    SpaceFinish();
}

static ULONG AreaOf(void)
{
    return Number(Section->Segment->ControlArea);
}

TEST(Ca_command_lists_all_control_areas)
{
    const char *Shown;

    Begin(SEC_COMMIT);
    Shown = Command("!ca");
    CHECK_SHOWS(
        Text("%08X       1       1       0        20        20  Commit  pagefile-backed", AreaOf()),
        Shown);
    CHECK_SHOWS("2 control areas, 20 pages of sections are committed\n", Shown);
    CHECK_SHOWS("0 unused control areas", Command("!ca -1"));
    CHECK_SHOWS("Segment @", Command("!ca 0 1"));
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    CHECK_SHOWS("1 control areas, 0 pages", Command("!ca 0"));
    CHECK_SHOWS(" Commit PhysicalMemory  physical memory\n", Command("!ca 0"));
    SpaceFinish();
}

TEST(Ca_command_shows_one_in_full)
{
    const char *Shown;

    Begin(SEC_RESERVE);
    Shown = Command("!ca %x", AreaOf());
    CHECK_SHOWS(Text("ControlArea  @ %08X\n", AreaOf()), Shown);
    CHECK_SHOWS("  Section Ref         1  Pfn Ref              0  Mapped Views         1\n", Shown);
    CHECK_SHOWS("  User Ref            2  Subsections          1  Flush Count          0\n", Shown);
    CHECK_SHOWS(" Reserve\n", Shown);
    CHECK_SHOWS("Total Ptes        14  Committed            0\n", Shown);
    CHECK_SHOWS(Text("ProtoPtes     %08X\n", Number(Section->Segment->PrototypePte)), Shown);
    CHECK_SHOWS("Ptes In subsect       14  Unused Ptes              0\n", Shown);
    CHECK_SHOWS("4  ReadWrite\n", Shown);
    CHECK_SHOWS("Reserve  pagefile-backed section\n", Command("!ca %x 8", AreaOf()));
    CHECK_SHOWS("is no control area", Command("!ca 80801000"));
    End();
}

TEST(Ca_command_vads_of_views_name_their_section)
{
    const char *Shown;
    ULONG Vad;

    Begin(SEC_COMMIT);
    CHECK_SHOWS("       0  Mapped   ReadWrite  Pagefile section, shared commit 14\n",
                Command("!vad"));
    Vad = Number(MiFindVad(SpaceCurrent(), (ULONG)(Va >> PAGE_SHIFT)));
    Shown = Command("!vad %x 1", Vad);
    CHECK_SHOWS("Flags: ViewShare\n", Shown);
    CHECK_SHOWS(Text("ControlArea    %08X  First ProtoPte %08X", AreaOf(),
                     Number(Section->Segment->PrototypePte)),
                Shown);
    End();
}

TEST(Ca_command_vads_of_physical_memory_say_so)
{
    ULONG Vad;

    SpaceStart();
    Va = PhysicalMap(PHYSICAL_DEVICE, PAGE_READONLY | PAGE_NOCACHE);
    CHECK_SHOWS("       0  Phys     ReadOnly NoCache  Physical memory\n", Command("!vad"));
    Vad = Number(MiFindVad(SpaceCurrent(), (ULONG)(Va >> PAGE_SHIFT)));
    CHECK_SHOWS("Flags: ViewShare PhysicalMapping\n", Command("!vad %x 1", Vad));
    SectionUnmap(Va);
    SpaceFinish();
}

TEST(Ca_command_pages_of_views_are_shown_by_pte_and_address)
{
    Begin(SEC_COMMIT);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + PAGE_SIZE, 1);
    (void)SpaceProtect(Va + PAGE_SIZE, PAGE_SIZE, PAGE_READONLY);
    SectionTrim();
    CHECK_SHOWS(
        Text("not valid: prototype\n Proto: %08X\n", Number(Section->Segment->PrototypePte)),
        Command("!pte %x", (unsigned)Va));
    CHECK_SHOWS("not valid: prototype\n Proto: VAD\n Protect: 1 - ReadOnly\n",
                Command("!pte %x", (unsigned)Va + PAGE_SIZE));
    CHECK_SHOWS("Type:                   00040000  MEM_MAPPED\n",
                Command("!address %x", (unsigned)Va));
    End();
}

TEST(Ca_command_shows_files_and_those_that_nobody_uses)
{
    const char *Shown;
    HANDLE File;
    PUCHAR View;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\NAME.BIN", 3 * PAGE_SIZE, 1);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    View = FileSectionMap(Section, PAGE_READWRITE);
    (void)FileSectionRead(View);
    Shown = Command("!ca 0 10");
    CHECK_SHOWS(Text("%08X       1       1       3         3         0  File", AreaOf()), Shown);
    CHECK_SHOWS("NAME.BIN\n", Shown);
    CHECK_SHOWS("1 control areas, 0 pages", Shown);
    CHECK_SHOWS("0 control areas, 0 pages", Command("!ca 0 60"));
    Shown = Command("!ca %x 7", AreaOf());
    CHECK_SHOWS("Pfn Ref              3  Mapped Views         1\n", Shown);
    CHECK_SHOWS("      \\NAME.BIN\n", Shown);
    CHECK_SHOWS("6  ExecuteReadWrite\n", Shown);
    CHECK_SHOWS(Text("View 1  Process %08X", Number(SpaceCurrent())), Shown);
    CHECK_SHOWS("NAME.BIN\n", Command("!vad"));
    CHECK_SHOWS("Mapped file reads: ", Command("!vm"));
    FileSectionUnmap(View);
    CHECK_SHOWS("0 unused control areas", Command("!ca -1"));
    ObDereferenceObject(Section);
    NtWorldClose(File);
    Shown = Command("!ca -1");
    CHECK_SHOWS("NAME.BIN\n", Shown);
    CHECK_SHOWS("1 unused control areas", Shown);
    FileSectionFinish();
}

/* ---- images ---- */

TEST(Ca_command_shows_an_images_parts)
{
    const char *Shown;
    HANDLE File;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    Shown = Command("!ca 0 40");
    CHECK_SHOWS(" Image File DeleteOnClose  \\SEED.EXE\n", Shown);
    CHECK_SHOWS("0 control areas", Command("!ca 0 30"));
    Shown = Command("!ca %x", AreaOf());
    CHECK_SHOWS("Based Addr    400000\n", Shown);
    CHECK_SHOWS("Subsection 2 @", Shown);
    CHECK_SHOWS("Starting Sector        2  Number Of Sectors        2\n", Shown);
    CHECK_SHOWS("3  ExecuteRead\n", Shown);
    CHECK_SHOWS("Subsection 6 @", Shown);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK_SHOWS("ExecuteWriteCopy Exe", Command("!vad"));
    FileSectionUnmap((PUCHAR)SEED_IMAGE_BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}
