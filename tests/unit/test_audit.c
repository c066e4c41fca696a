/* SPDX-License-Identifier: MIT */
/*
 * test_audit.c - the protection audit passes a sound machine and finds each violation planted in
 * it, by rule and address.
 */
#include "audit.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define VALID            MM_PTE_BITS_VALID
#define WRITE            MM_PTE_BITS_WRITE
#define OWNER            MM_PTE_BITS_OWNER
#define LARGE            MM_PTE_BITS_LARGE
#define GLOBAL           MM_PTE_BITS_GLOBAL
#define PROTOTYPE        MM_PTE_BITS_PROTOTYPE
#define RESERVED         MM_PTE_BITS_RESERVED

#define CODE             0x80400000u /* 4 read-only pages */
#define DATA             0x80404000u /* 2 writable pages */
#define GUARD            0x80406000u /* 1 page that is not there */
#define LARGE_CODE       0x81000000u /* read-only, 4 MB */
#define LARGE_DATA       0x81400000u
#define SHARED_PAGE      0xE0000000u /* user-visible */
#define USER             0x00010000u
#define USER_LAST        0x7FFEF000u

#define LARGE_CODE_FRAME 1024u
#define LARGE_DATA_FRAME 2048u

static const MI_AUDIT_RANGE Ranges[] = {
    {CODE, DATA, MiAuditReadOnly, "code"},
    {DATA, GUARD, MiAuditMapped, "data"},
    {GUARD, GUARD + PAGE_SIZE, MiAuditNoAccess, "guard"},
    {LARGE_CODE, LARGE_DATA, MiAuditReadOnly, "large code"},
    {SHARED_PAGE, SHARED_PAGE + PAGE_SIZE, MiAuditUserVisible, "shared page"},
};

static MI_AUDIT_RESULT Result;

static PMMPTE PdeOf(ULONG_PTR Va)
{
    return HostFindPde(HOST_DIRECTORY_FRAME, Va);
}

static PMMPTE PteOf(ULONG_PTR Va)
{
    return HostFindPte(HOST_DIRECTORY_FRAME, Va);
}

static PFN_NUMBER FrameOf(ULONG_PTR Va)
{
    return PteOf(Va)->Hard.PageFrameNumber;
}

static void Map(ULONG_PTR Va, PFN_NUMBER Frame, ULONG Bits)
{
    HostMapPage(HOST_DIRECTORY_FRAME, Va, Frame, Bits);
}

static void MapNew(ULONG_PTR Va, ULONG Pages, ULONG Bits)
{
    ULONG Page;

    for (Page = 0; Page < Pages; Page++) {
        Map(Va + Page * PAGE_SIZE, HostAllocateFrame(), VALID | Bits);
    }
}

static void MapLarge(ULONG_PTR Va, PFN_NUMBER Frame, ULONG Bits)
{
    MMPTE Pde = {.Long = VALID | LARGE | Bits};

    Pde.Hard.PageFrameNumber = Frame;
    MiWritePte(PdeOf(Va), Pde);
}

static void StartSoundMachine(void)
{
    HostMachineCreate(4096, TestSeed());
    MapNew(CODE, 4, GLOBAL);
    MapNew(DATA, 2, WRITE | GLOBAL);
    MapLarge(LARGE_CODE, LARGE_CODE_FRAME, GLOBAL);
    MapLarge(LARGE_DATA, LARGE_DATA_FRAME, WRITE);
    MapNew(SHARED_PAGE, 1, OWNER);
    PdeOf(SHARED_PAGE)->Hard.Owner = 1;
    MapNew(USER, 3, WRITE | OWNER);
    MapNew(USER_LAST, 1, OWNER);
}

static void Audit(void)
{
    MiAuditPageTables(Ranges, RTL_NUMBER_OF(Ranges), &Result);
}

/* With this range in place of most others. */
static void AuditRange(ULONG_PTR Start, ULONG_PTR End, MI_AUDIT_KIND Kind)
{
    MI_AUDIT_RANGE Two[] = {
        {Start, End, Kind, "tested"},
        {SHARED_PAGE, SHARED_PAGE + PAGE_SIZE, MiAuditUserVisible, "shared page"},
    };

    MiAuditPageTables(Two, RTL_NUMBER_OF(Two), &Result);
}

/* Audits what was planted: one violation, of this rule, here. */
static void CheckCaught(const char *Rule, ULONG_PTR Va, const char *Name)
{
    Audit();
    CHECK_EQUAL(1, Result.Violations);
    CHECK_EQUAL(0, strncmp(Rule, Result.FirstRule, 3));
    CHECK_EQUAL(Va, Result.FirstVa);
    CHECK((Name == NULL) == (Result.FirstName == NULL));
    if (Name != NULL) {
        CHECK_TEXT(Name, Result.FirstName);
    }
    HostMachineDelete();
}

TEST(Audit_passes_a_sound_machine_and_counts_its_pages)
{
    StartSoundMachine();
    Audit();
    CHECK_EQUAL(0, Result.Violations);
    CHECK(Result.FirstRule == NULL && Result.FirstName == NULL);
    CHECK_EQUAL(7, Result.Directories); /* 2 user, self-map, code, 2 large, shared page */
    CHECK_EQUAL(11, Result.ValidPages);
    CHECK_EQUAL(2, Result.LargePages);
    CHECK_EQUAL(6, Result.WritablePages);
    CHECK_EQUAL(7, Result.GlobalPages);
    CHECK_EQUAL(5, Result.UserPages);
    CHECK_EQUAL(0, HostCounters()->Faults);
    HostMachineDelete();
}

TEST(Audit_counts_only_rights_that_both_levels_grant)
{
    StartSoundMachine();
    PteOf(DATA)->Hard.Owner = 1; /* its directory entry is the supervisor's */
    PdeOf(USER)->Hard.Write = 0;
    Audit();
    CHECK_EQUAL(0, Result.Violations);
    CHECK_EQUAL(3, Result.WritablePages);
    CHECK_EQUAL(5, Result.UserPages);
    HostMachineDelete();
}

TEST(Audit_A1_finds_a_user_accessible_system_page)
{
    StartSoundMachine();
    PdeOf(DATA)->Hard.Owner = 1; /* alone it opens nothing */
    PteOf(DATA + PAGE_SIZE)->Hard.Owner = 1;
    CheckCaught("A1:", DATA + PAGE_SIZE, NULL);
}

TEST(Audit_A1_finds_a_user_accessible_large_page)
{
    StartSoundMachine();
    PdeOf(LARGE_DATA)->Hard.Owner = 1;
    CheckCaught("A1:", LARGE_DATA, NULL);
}

TEST(Audit_A1_finds_the_neighbour_of_a_user_visible_page)
{
    StartSoundMachine();
    MapNew(SHARED_PAGE + PAGE_SIZE, 1, OWNER);
    CheckCaught("A1:", SHARED_PAGE + PAGE_SIZE, NULL);
}

TEST(Audit_A2_finds_a_user_visible_page_that_user_mode_cannot_see)
{
    StartSoundMachine();
    PdeOf(SHARED_PAGE)->Hard.Owner = 0;
    CheckCaught("A2:", SHARED_PAGE, "shared page");
}

TEST(Audit_A3_finds_page_0)
{
    StartSoundMachine();
    MapNew(0, 1, 0);
    CheckCaught("A3:", 0, NULL);
}

TEST(Audit_A3_finds_the_last_page_of_the_first_64_KB)
{
    StartSoundMachine();
    MapNew(USER - PAGE_SIZE, 1, OWNER);
    CheckCaught("A3:", USER - PAGE_SIZE, NULL);
}

TEST(Audit_A3_finds_both_ends_of_the_last_64_KB_of_user_space)
{
    StartSoundMachine();
    MapNew(USER_LAST + PAGE_SIZE, 1, 0);
    CheckCaught("A3:", USER_LAST + PAGE_SIZE, NULL);
    StartSoundMachine();
    MapNew(0x7FFFF000, 1, 0);
    CheckCaught("A3:", 0x7FFFF000, NULL);
}

TEST(Audit_A4_finds_a_writable_read_only_page)
{
    StartSoundMachine();
    PteOf(CODE + 3 * PAGE_SIZE)->Hard.Write = 1;
    CheckCaught("A4:", CODE + 3 * PAGE_SIZE, "code");
}

TEST(Audit_A4_does_not_rely_on_the_directory_for_read_only)
{
    StartSoundMachine();
    MapNew(0x80800000, 1, WRITE);
    PdeOf(0x80800000)->Hard.Write = 0;
    AuditRange(0x80800000, 0x80801000, MiAuditReadOnly);
    CHECK_EQUAL(1, Result.Violations);
    CHECK_EQUAL(0x80800000, Result.FirstVa);
    HostMachineDelete();
}

TEST(Audit_A4_finds_a_missing_read_only_page)
{
    StartSoundMachine();
    PteOf(CODE + PAGE_SIZE)->Hard.Valid = 0;
    CheckCaught("A4:", CODE + PAGE_SIZE, "code");
}

TEST(Audit_A4_finds_each_page_of_a_writable_large_page)
{
    StartSoundMachine();
    PdeOf(LARGE_CODE)->Hard.Write = 1;
    Audit();
    CHECK_EQUAL(PTE_PER_PAGE, Result.Violations);
    CHECK_EQUAL(LARGE_CODE, Result.FirstVa);
    CHECK_TEXT("large code", Result.FirstName);
    HostMachineDelete();
}

TEST(Audit_A5_finds_a_mapped_guard_page)
{
    StartSoundMachine();
    MapNew(GUARD, 1, 0);
    CheckCaught("A5:", GUARD, "guard");
}

TEST(Audit_A6_finds_a_missing_page_and_counts_a_missing_table_once)
{
    StartSoundMachine();
    PteOf(DATA + PAGE_SIZE)->Hard.Valid = 0;
    CheckCaught("A6:", DATA + PAGE_SIZE, "data");
    StartSoundMachine();
    MapNew(GUARD, (0x80800000 - GUARD) / PAGE_SIZE, 0);
    AuditRange(DATA, 0x80C01000, MiAuditMapped);
    CHECK_EQUAL(2, Result.Violations); /* the tables of 80800000 and 80C00000 */
    CHECK_EQUAL(0x80800000, Result.FirstVa);
    HostMachineDelete();
}

TEST(Audit_A7_finds_a_self_map_that_user_mode_can_use)
{
    StartSoundMachine();
    PdeOf(PTE_BASE)->Hard.Owner = 1;
    CheckCaught("A7:", PTE_BASE, NULL);
}

TEST(Audit_A7_finds_a_self_map_of_another_directory)
{
    PFN_NUMBER Other;

    StartSoundMachine();
    Other = HostAllocateFrame();
    memcpy(HostFrame(Other), HostFrame(HOST_DIRECTORY_FRAME), PAGE_SIZE);
    PdeOf(PTE_BASE)->Hard.PageFrameNumber = Other;
    ((PMMPTE)HostFrame(Other))[PTE_BASE >> PDI_SHIFT].Hard.PageFrameNumber = Other;
    KeFlushEntireTb();
    CheckCaught("A7:", PTE_BASE, NULL);
}

TEST(Audit_A8_finds_software_bits_in_valid_entries)
{
    StartSoundMachine();
    PteOf(DATA)->Long |= PROTOTYPE;
    CheckCaught("A8:", DATA, NULL);
    StartSoundMachine();
    PteOf(USER)->Long |= RESERVED;
    CheckCaught("A8:", USER, NULL);
    StartSoundMachine();
    PteOf(DATA)->Long |= RESERVED;
    CheckCaught("A8:", DATA, NULL);
    StartSoundMachine();
    PdeOf(CODE)->Long |= RESERVED;
    CheckCaught("A8:", CODE, NULL);
    StartSoundMachine();
    PdeOf(LARGE_DATA)->Large.Zero = 1;
    CheckCaught("A8:", LARGE_DATA, NULL);
}

TEST(Audit_A8_lets_user_pages_show_physical_memory)
{
    StartSoundMachine();
    PteOf(USER)->Long |= PROTOTYPE;
    Audit();
    CHECK_EQUAL(0, Result.Violations);
    HostMachineDelete();
}

TEST(Audit_A8_leaves_invalid_entries_alone)
{
    StartSoundMachine();
    Map(GUARD, 0, PROTOTYPE | RESERVED);
    Audit();
    CHECK_EQUAL(0, Result.Violations);
    HostMachineDelete();
}

TEST(Audit_A9_finds_a_writable_alias_of_a_read_only_frame)
{
    StartSoundMachine();
    Map(USER + 8 * PAGE_SIZE, FrameOf(CODE + 2 * PAGE_SIZE), VALID | WRITE | OWNER);
    CheckCaught("A9:", USER + 8 * PAGE_SIZE, "code");
}

TEST(Audit_A9_looks_into_large_pages_on_both_sides)
{
    StartSoundMachine();
    Map(DATA + 16 * PAGE_SIZE, LARGE_CODE_FRAME + 1023, VALID | WRITE);
    CheckCaught("A9:", DATA + 16 * PAGE_SIZE, "large code");
    StartSoundMachine();
    PteOf(CODE)->Hard.PageFrameNumber = LARGE_DATA_FRAME + 1023;
    CheckCaught("A9:", LARGE_DATA, "code");
}

TEST(Audit_A9_finds_one_frame_in_the_middle_of_a_large_page)
{
    StartSoundMachine();
    PteOf(CODE)->Hard.PageFrameNumber = LARGE_DATA_FRAME + 500;
    AuditRange(CODE, CODE + PAGE_SIZE, MiAuditReadOnly);
    CHECK_EQUAL(1, Result.Violations);
    CHECK_EQUAL(LARGE_DATA, Result.FirstVa);
    HostMachineDelete();
}

TEST(Audit_A9_allows_read_only_aliases_and_neighbouring_frames)
{
    StartSoundMachine();
    Map(USER + 8 * PAGE_SIZE, FrameOf(CODE), VALID | OWNER);
    Map(USER + 9 * PAGE_SIZE, FrameOf(CODE) - 1, VALID | WRITE | OWNER);
    Map(USER + 10 * PAGE_SIZE, LARGE_CODE_FRAME - 1, VALID | WRITE | OWNER);
    Map(USER + 11 * PAGE_SIZE, LARGE_CODE_FRAME + PTE_PER_PAGE, VALID | WRITE | OWNER);
    Audit();
    CHECK_EQUAL(0, Result.Violations);
    HostMachineDelete();
}

TEST(Audit_A10_finds_a_writable_pageable_page_and_allows_a_missing_one)
{
    StartSoundMachine();
    PteOf(CODE + PAGE_SIZE)->Hard.Valid = 0;
    AuditRange(CODE, DATA, MiAuditPageable);
    CHECK_EQUAL(0, Result.Violations);
    PteOf(CODE + 2 * PAGE_SIZE)->Hard.Write = 1;
    AuditRange(CODE, DATA, MiAuditPageable);
    CHECK_EQUAL(1, Result.Violations);
    CHECK_EQUAL(CODE + 2 * PAGE_SIZE, Result.FirstVa);
    CHECK_EQUAL(0, strncmp("A10:", Result.FirstRule, 4));
    HostMachineDelete();
}

TEST(Audit_A9_finds_a_writable_alias_of_a_pageable_frame)
{
    StartSoundMachine();
    Map(USER + 8 * PAGE_SIZE, FrameOf(CODE + 2 * PAGE_SIZE), VALID | WRITE | OWNER);
    AuditRange(CODE, DATA, MiAuditPageable);
    CHECK_EQUAL(1, Result.Violations);
    CHECK_EQUAL(0, strncmp("A9:", Result.FirstRule, 3));
    HostMachineDelete();
}

TEST(Audit_counts_all_violations_and_reports_the_first)
{
    StartSoundMachine();
    MapNew(0, 2, 0);
    MapNew(GUARD, 1, 0);
    Audit();
    CHECK_EQUAL(3, Result.Violations);
    CHECK_EQUAL(GUARD, Result.FirstVa);
    HostMachineDelete();
}

TEST(Audit_takes_a_range_up_to_the_end_of_the_address_space)
{
    StartSoundMachine();
    MapNew(0xFFFFF000, 1, 0);
    AuditRange(0xFFC00000, 0, MiAuditNoAccess);
    CHECK_EQUAL(1, Result.Violations);
    CHECK_EQUAL(0xFFFFF000, Result.FirstVa);
    HostMachineDelete();
}
