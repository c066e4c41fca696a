/* SPDX-License-Identifier: MIT */
/*
 * test_system_image.c - pageable sections of an image: trimmed, read back, locked, unlocked.
 *
 * The image is made up: a page of headers, then its sections, in system PTEs.
 */
#include "mm/pool/system_image.h"

#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/trim_system.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"
#include "nt/bugcodes.h"
#include "tests/unit/paged_world.h"
#include "verify.h"

#include <string.h>

/*
 *     page   0        1     2     3      4      5      6      7          8      9
 *            headers  .text .text PAGE   PAGE   PAGE   .edata PAGEDATA   INIT   INIT
 */
#define IMAGE_PAGES 10u
#define PAGED_PAGES 5u

enum {
    Text,
    Code,
    Exports,
    Data,
    Init,
    Sections
};

static MI_IMAGE_SECTION Section[Sections];
static MI_SYSTEM_IMAGE Image;
static PMMPTE First;

static ULONG_PTR At(ULONG Page)
{
    return Image.Base + Page * PAGE_SIZE;
}

static volatile ULONG *Word(ULONG Page)
{
    return (volatile ULONG *)(At(Page) + 8 * Page);
}

static void Describe(ULONG Which, const char *Name, ULONG Page, ULONG Pages, ULONG Protection)
{
    Section[Which] =
        (MI_IMAGE_SECTION){.Start = At(Page), .Pages = Pages, .Protection = Protection};
    memcpy(Section[Which].Name, Name, strlen(Name));
}

/* The machine, with the values of system.reg that it has; the image is there, not inserted. */
static void Load(void)
{
    ULONG Page;

    First = MiReserveSystemPtes(IMAGE_PAGES);
    CHECK_EQUAL(
        STATUS_SUCCESS,
        MiCreateSystemPages(First, IMAGE_PAGES, MiMakeKernelTemplate(MiKernelReadWrite, MiCached)));
    Image = (MI_SYSTEM_IMAGE){.Name = "made up",
                              .Base = MiGetVaMappedByPte(First),
                              .Pages = IMAGE_PAGES,
                              .SectionCount = Sections,
                              .Sections = Section};
    for (Page = 0; Page < IMAGE_PAGES; Page++) {
        memset((PVOID)At(Page), (int)Page, PAGE_SIZE);
        *Word(Page) = 0xC0DE0000 + Page;
    }
    Describe(Text, ".text", 1, 2, MM_EXECUTE_READ);
    Describe(Code, "PAGECODE", 3, 3, MM_EXECUTE_READ); /* eight bytes: no zero behind them */
    Describe(Exports, ".edata", 6, 1, MM_READONLY);
    Describe(Data, "PAGEDATA", 7, 1, MM_READWRITE);
    Describe(Init, "INIT", 8, 2, MM_EXECUTE_READ);
}

static void Start(void)
{
    MmWorldNextUnforced();
    PagedBegin(0);
    Load();
    MiInsertSystemImage(&Image);
    MiVerifyAll();
}

static void Finish(void)
{
    MiVerifyAll();
    MiRemoveSystemImage(&Image);
    MiDeleteSystemPages(First, 1);
    MiReleaseSystemPtes(First, IMAGE_PAGES);
    PagedEnd();
}

static MI_IMAGE_FIGURES Figures(void)
{
    MI_IMAGE_FIGURES Now;

    MiQuerySystemImages(&Now);
    return Now;
}

static void Trim(void)
{
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    MiVerifyAll();
}

static BOOLEAN IsWhole(ULONG Page)
{
    return *Word(Page) == 0xC0DE0000 + Page &&
           *(volatile UCHAR *)(At(Page) + PAGE_SIZE - 1) == (UCHAR)Page;
}

/* ---- what is pageable ---- */

TEST(SystemImage_pages_the_sections_whose_names_say_so_and_no_others)
{
    ULONG Page;

    Start();
    CHECK_EQUAL(1, Figures().Images);
    CHECK_EQUAL(PAGED_PAGES, Figures().PagedPages);
    CHECK_EQUAL(PAGED_PAGES, Figures().ResidentPages);
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK_EQUAL(0, Figures().ResidentPages);
    CHECK_EQUAL(0, MiSystemCacheWorkingSet.WorkingSetSize);
    for (Page = 0; Page < IMAGE_PAGES; Page++) {
        CHECK_EQUAL(Page >= 3 && Page <= 7 ? MiPteTransition : MiPteValid, PagedKind(At(Page)));
    }
    Finish();
}

TEST(SystemImage_brings_pages_back_by_soft_and_by_hard_faults)
{
    ULONG Soft;
    ULONG Reads;
    ULONG Page;

    Start();
    Trim();
    Soft = MiFaultCounters.Transition;
    for (Page = 3; Page <= 7; Page++) {
        CHECK(IsWhole(Page));
    }
    CHECK_EQUAL(Soft + PAGED_PAGES, MiFaultCounters.Transition);
    PagedOut(At(3), PAGED_PAGES);
    MiVerifyAll();
    Reads = MiFaultCounters.PagesRead;
    for (Page = 3; Page <= 7; Page++) {
        CHECK(IsWhole(Page));
    }
    CHECK_EQUAL(Reads + PAGED_PAGES, MiFaultCounters.PagesRead);
    CHECK_EQUAL(PAGED_PAGES, Figures().ResidentPages);
    Finish();
}

TEST(SystemImage_keeps_each_section_s_right_to_write)
{
    Start();
    PagedOut(At(3), PAGED_PAGES);
    *Word(7) = 77; /* the first access to data may be a write */
    CHECK_EQUAL(77, *Word(7));
    CHECK(IsWhole(6) && IsWhole(3));
    CHECK(PagedPte(At(7)).Hard.Write);
    CHECK(!PagedPte(At(6)).Hard.Write && !PagedPte(At(3)).Hard.Write);
    PagedOut(At(7), 1);
    CHECK_EQUAL(77, *Word(7)); /* what was written went out, not what the page was at first */
    Finish();
}

TEST(SystemImage_stays_resident_where_no_entry_can_be_had)
{
    MmWorldNextUnforced();
    PagedBegin(0);
    Load();
    MiFailWsleReservation = 2; /* the code's second page */
    MiInsertSystemImage(&Image);
    CHECK_EQUAL(0, MiFailWsleReservation);
    CHECK_EQUAL(1, Section[Code].PagedPages);
    CHECK_EQUAL(3, Figures().PagedPages);
    Trim();
    CHECK_EQUAL(MiPteTransition, PagedKind(At(3)));
    CHECK_EQUAL(MiPteValid, PagedKind(At(4)));
    CHECK_EQUAL(MiPteValid, PagedKind(At(5)));
    CHECK(IsWhole(3) && IsWhole(4) && IsWhole(5));
    Finish();
}

TEST(SystemImage_stays_resident_with_DisablePagingExecutive)
{
    const MM_VALUE Resident = {"DisablePagingExecutive", 1};
    PVOID Handle;

    MmWorldStartWith(4096, &Resident, 1);
    Load();
    MiInsertSystemImage(&Image);
    CHECK_EQUAL(0, Figures().PagedPages);
    Handle = MmLockPagableCodeSection((PVOID)At(4));
    MmUnlockPagableImageSection(Handle);
    CHECK(MmPageEntireDriver((PVOID)At(1)) == (PVOID)Image.Base);
    Trim();
    CHECK_EQUAL(0, Figures().PagedPages);
    CHECK_EQUAL(MiPteValid, PagedKind(At(4)));
    MiRemoveSystemImage(&Image);
    MiDeleteSystemPages(First, 1);
    MiReleaseSystemPtes(First, IMAGE_PAGES);
    MmWorldFinish();
}

TEST(SystemImage_loses_its_INIT_sections_once_it_runs)
{
    ULONG Committed;

    Start();
    Committed = MiCommit.Committed;
    MiDiscardInitSections(&Image);
    CHECK_EQUAL(Committed - 2, MiCommit.Committed);
    CHECK_EQUAL(MiPteZero, PagedKind(At(8)));
    CHECK_EQUAL(MiPteZero, PagedKind(At(9)));
    CHECK(IsWhole(1));
    MiDiscardInitSections(&Image); /* there are none left */
    CHECK_EQUAL(Committed - 2, MiCommit.Committed);
    Finish();
}

TEST(SystemImage_that_goes_leaves_nothing_in_whatever_state_its_pages_are)
{
    Start();
    PagedToStandby(At(3), 3);
    PagedOut(At(6), 1);
    CHECK(IsWhole(4)); /* valid again; 3 and 5 are on standby, 6 in the file, 7 is valid */
    (void)*Word(7);
    Finish(); /* which compares frames, commitment and slots with the start */
}

/* ---- locks ---- */

TEST(Lock_brings_a_section_in_and_keeps_it_until_the_last_unlock)
{
    ULONG Available;
    PVOID Handle;

    Start();
    PagedOut(At(3), PAGED_PAGES);
    Available = MiCommit.ResidentAvailable;
    Handle = MmLockPagableCodeSection((PVOID)(At(4) + 123));
    CHECK_EQUAL(3, Figures().ResidentPages);
    CHECK_EQUAL(3, Figures().LockedPages);
    CHECK_EQUAL(Available - 3, MiCommit.ResidentAvailable);
    CHECK(MmLockPagableDataSection((PVOID)At(3)) == Handle);
    MmLockPagableSectionByHandle(Handle);
    Trim();
    CHECK_EQUAL(3, Figures().ResidentPages);
    MmUnlockPagableImageSection(Handle);
    MmUnlockPagableImageSection(Handle);
    Trim();
    CHECK_EQUAL(3, Figures().ResidentPages);
    CHECK(IsWhole(3) && IsWhole(4) && IsWhole(5));
    MmUnlockPagableImageSection(Handle);
    CHECK_EQUAL(0, Figures().LockedPages);
    CHECK_EQUAL(Available, MiCommit.ResidentAvailable);
    Trim();
    CHECK_EQUAL(0, Figures().ResidentPages);
    CHECK(IsWhole(3) && IsWhole(4) && IsWhole(5));
    Finish();
}

TEST(Lock_holds_under_force_IRQL_checking_and_comes_to_an_end)
{
    PVOID Handle;
    KIRQL OldIrql;

    Start();
    MiSetForcedTrims(TRUE);
    Handle = MmLockPagableCodeSection((PVOID)At(3));
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    CHECK(IsWhole(3) && IsWhole(4) && IsWhole(5)); /* that is what a lock is for */
    KfLowerIrql(OldIrql);
    MmUnlockPagableImageSection(Handle);
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    CHECK(!PagedPte(At(3)).Hard.Valid);
    KfLowerIrql(OldIrql);
    MiSetForcedTrims(FALSE);
    Finish();
}

TEST(Lock_of_a_section_that_is_not_pageable_changes_nothing)
{
    PVOID Handle;

    Start();
    Handle = MmLockPagableDataSection((PVOID)At(2));
    CHECK_EQUAL(0, Figures().LockedPages);
    MmUnlockPagableImageSection(Handle);
    CHECK_EQUAL(MiPteValid, PagedKind(At(2)));
    Finish();
}

/* Resident available is what nobody has been promised; a lock cannot fail all the same. */
TEST(Lock_succeeds_when_it_cannot_be_charged)
{
    ULONG Taken;
    PVOID Handle;

    Start();
    Taken = MiCommit.ResidentAvailable;
    CHECK(MiChargeResidentAvailable(Taken));
    Handle = MmLockPagableCodeSection((PVOID)At(3));
    Trim();
    CHECK_EQUAL(3, Figures().ResidentPages);
    MmUnlockPagableImageSection(Handle);
    CHECK_EQUAL(0, MiCommit.ResidentAvailable); /* nothing is given back that was not taken */
    MiReturnResidentAvailable(Taken);
    Finish();
}

/* ---- all of a driver ---- */

TEST(PageEntireDriver_pages_what_is_not_locked_and_ResetDriverPaging_undoes_it)
{
    PVOID Handle;

    Start();
    Handle = MmLockPagableDataSection((PVOID)At(8)); /* INIT: it is not to be paged */
    CHECK(MmPageEntireDriver((PVOID)At(4)) == (PVOID)Image.Base);
    CHECK_EQUAL(PAGED_PAGES + 2, Figures().PagedPages);
    Trim();
    CHECK_EQUAL(0, Figures().ResidentPages);
    CHECK_EQUAL(MiPteTransition, PagedKind(At(1)));
    CHECK_EQUAL(MiPteValid, PagedKind(At(8)));
    MmUnlockPagableImageSection(Handle);
    PagedOut(At(1), 2);
    MmResetDriverPaging((PVOID)At(4));
    CHECK_EQUAL(2, Figures().ResidentPages);
    Trim();
    CHECK_EQUAL(2, Figures().ResidentPages);
    CHECK(IsWhole(1) && IsWhole(2));
    MmResetDriverPaging((PVOID)At(4)); /* once is enough */
    CHECK_EQUAL(2, Figures().LockedPages);
    CHECK(MmPageEntireDriver((PVOID)At(1)) == (PVOID)Image.Base);
    Trim();
    CHECK_EQUAL(0, Figures().ResidentPages);
    CHECK_EQUAL(PAGED_PAGES + 4, Figures().PagedPages); /* INIT too this time */
    Finish();
}

TEST(PageEntireDriver_of_an_address_in_no_image_is_refused)
{
    Start();
    CHECK(MmPageEntireDriver((PVOID)(Image.Base - PAGE_SIZE)) == NULL);
    CHECK(MmPageEntireDriver((PVOID)At(IMAGE_PAGES)) == NULL);
    MmResetDriverPaging((PVOID)At(IMAGE_PAGES)); /* has nothing to do */
    CHECK_EQUAL(PAGED_PAGES, Figures().PagedPages);
    Finish();
}

/* ---- what is wrong ---- */

static void ExpectStop(ULONG Stop, ULONG_PTR P1, ULONG_PTR P2, KSTART *Routine, PVOID Context)
{
    HOST_BUGCHECK BugCheck;

    CHECK(HostCatchBugCheck(Routine, Context, &BugCheck));
    CHECK_EQUAL(Stop, BugCheck.Code);
    CHECK_EQUAL(P1, BugCheck.Parameter[0]);
    CHECK_EQUAL(P2, BugCheck.Parameter[1]);
    HostMachineDelete();
}

static void Lock(PVOID Context)
{
    (void)MmLockPagableCodeSection(Context);
}

static void LockByHandle(PVOID Context)
{
    MmLockPagableSectionByHandle(Context);
}

static void Unlock(PVOID Context)
{
    MmUnlockPagableImageSection(Context);
}

TEST(Lock_of_an_address_in_no_section_stops)
{
    Start();
    ExpectStop(MEMORY_MANAGEMENT, 0x1234, At(0), Lock, (PVOID)At(0));
}

TEST(Lock_of_a_section_that_was_discarded_stops)
{
    Start();
    MiDiscardInitSections(&Image);
    ExpectStop(MEMORY_MANAGEMENT, 0x1234, (ULONG_PTR)&Section[Init], LockByHandle, &Section[Init]);
}

TEST(Lock_by_what_is_no_handle_stops)
{
    Start();
    ExpectStop(MEMORY_MANAGEMENT, 0x1234, At(3), LockByHandle, (PVOID)At(3));
}

TEST(Unlock_of_what_is_not_locked_stops)
{
    Start();
    MmUnlockPagableImageSection(MmLockPagableCodeSection((PVOID)At(3)));
    ExpectStop(MEMORY_MANAGEMENT, 0x1010, (ULONG_PTR)&Section[Code], Unlock, &Section[Code]);
}

TEST(Unlock_of_what_is_no_handle_stops)
{
    Start();
    ExpectStop(MEMORY_MANAGEMENT, 0x1234, 0, Unlock, NULL);
}

static void Remove(PVOID Context)
{
    MiRemoveSystemImage(Context);
}

TEST(SystemImage_with_a_locked_section_cannot_go)
{
    Start();
    Lock((PVOID)At(3));
    ExpectStop(MEMORY_MANAGEMENT, 0x1010, (ULONG_PTR)&Section[Code], Remove, &Image);
}

static void WriteCode(PVOID Context)
{
    *(volatile ULONG *)Context = 1;
}

TEST(SystemImage_code_that_is_written_to_stops_even_when_it_was_paged_out)
{
    HOST_BUGCHECK BugCheck;

    Start();
    PagedOut(At(3), PAGED_PAGES);
    CHECK(HostCatchBugCheck(WriteCode, (PVOID)At(3), &BugCheck));
    CHECK_EQUAL(ATTEMPTED_WRITE_TO_READONLY_MEMORY, BugCheck.Code);
    CHECK_EQUAL(At(3), BugCheck.Parameter[0]);
    CHECK(
        PagedPte(At(3)).Hard.Valid); /* it came for the access, which may not write all the same */
    CHECK_EQUAL(PagedPte(At(3)).Long, BugCheck.Parameter[1]);
    HostMachineDelete();
}

static void TouchAtDispatch(PVOID Context)
{
    (void)KfRaiseIrql(DISPATCH_LEVEL);
    (void)*(volatile ULONG *)Context;
}

TEST(SystemImage_code_that_is_not_resident_stops_at_raised_IRQL)
{
    Start();
    Trim();
    ExpectStop(IRQL_NOT_LESS_OR_EQUAL, At(4), DISPATCH_LEVEL, TouchAtDispatch, (PVOID)At(4));
}

/* => The code of the stop that this address' instruction deserves. */
static ULONG StopOf(ULONG_PTR Eip)
{
    const MM_FAULT Fault = {.Va = At(4), .Irql = DISPATCH_LEVEL, .Write = TRUE, .Eip = Eip};
    MM_STOP Stop = {0};

    CHECK(!MmAccessFault(&Fault, &Stop));
    CHECK_EQUAL(At(4), Stop.Parameter[0]);
    CHECK_EQUAL(DISPATCH_LEVEL, Stop.Parameter[1]);
    CHECK_EQUAL(1, Stop.Parameter[2]);
    CHECK_EQUAL(Eip, Stop.Parameter[3]);
    return Stop.Code;
}

TEST(SystemImage_of_a_driver_is_named_D1_at_raised_IRQL_and_the_kernel_0A)
{
    Start();
    Trim();
    CHECK_EQUAL(DRIVER_IRQL_NOT_LESS_OR_EQUAL, StopOf(At(1)));
    CHECK_EQUAL(DRIVER_IRQL_NOT_LESS_OR_EQUAL, StopOf(At(IMAGE_PAGES) - 1));
    CHECK_EQUAL(IRQL_NOT_LESS_OR_EQUAL, StopOf(At(IMAGE_PAGES)));
    CHECK_EQUAL(IRQL_NOT_LESS_OR_EQUAL, StopOf(Image.Base - 1));
    Image.Loader = TRUE;
    CHECK_EQUAL(IRQL_NOT_LESS_OR_EQUAL, StopOf(At(1)));
    Image.Loader = FALSE;
    Finish();
}

static void Discarded(PVOID Context)
{
    MiDiscardInitSections(&Image);
    (void)*(volatile ULONG *)Context;
}

TEST(SystemImage_INIT_that_is_used_afterwards_stops)
{
    Start();
    ExpectStop(PAGE_FAULT_IN_NONPAGED_AREA, At(8), 0, Discarded, (PVOID)At(8));
}

TEST(SystemImage_page_that_cannot_be_read_stops_with_7A)
{
    Start();
    PagedOut(At(3), PAGED_PAGES);
    PagedPlace(At(3))[100] ^= 1; /* its checksum tells */
    ExpectStop(KERNEL_DATA_INPAGE_ERROR, (ULONG_PTR)MiGetPteAddress(At(3)), (ULONG)STATUS_CRC_ERROR,
               Lock, (PVOID)At(3));
}

/* ---- PAGED_CODE ---- */

static void Paged(PVOID Context)
{
    PAGED_CODE();
    (*(PULONG)Context)++;
}

static void PagedAtDispatch(PVOID Context)
{
    (void)KfRaiseIrql(DISPATCH_LEVEL);
    Paged(Context);
}

TEST(PAGED_CODE_lets_APC_LEVEL_through_and_stops_above)
{
    HOST_BUGCHECK BugCheck;
    ULONG Ran = 0;
    KIRQL OldIrql;

    Start();
    Paged(&Ran);
    OldIrql = KfRaiseIrql(APC_LEVEL);
    Paged(&Ran);
    KfLowerIrql(OldIrql);
    CHECK_EQUAL(2, Ran);
    CHECK(HostCatchBugCheck(PagedAtDispatch, &Ran, &BugCheck));
    CHECK_EQUAL(MEMORY_MANAGEMENT, BugCheck.Code);
    CHECK_EQUAL(MI_ASSERTION, BugCheck.Parameter[0]);
    CHECK_EQUAL(2, Ran);
    HostMachineDelete();
}
