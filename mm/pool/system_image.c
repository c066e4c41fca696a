/* SPDX-License-Identifier: MIT */
/*
 * system_image.c - pageable sections: made so, locked, unlocked.
 *
 *     a section                     its pages
 *     PagedPages is 0               valid, and of no working set: nobody takes them
 *     not held                      in the system's working set while they are valid
 *     held: locked, or Nonpaged     in the system's working set, their entries locked
 *
 * A section is held as long as anybody wants it: each lock, and Nonpaged, which a section has that
 * is not pageable by its name, but while MmPageEntireDriver overrides that.  Pages become pageable
 * once, from the first one on, and then stay so; where there is no memory for an entry the rest of
 * the section is as before.
 *
 * Invariants (MiVerifySystemImages):
 *   M1  a page of a section is pageable exactly when it is one of the first PagedPages; then it is
 *       valid, in transition or in a paging file
 *   M2  the pages of a section that is held, and pageable, are valid and locked; of one that is not
 *       held none is locked
 *   M3  MiResidentSystemCode pages of all images are valid
 *
 * A section is brought in page by page, by touching it: the fault may wait for the disk, so no lock
 * is held then but the mutex, which nothing on the way to the disk takes.
 *
 * Locking: MiSystemImageMutex for the sections; under it MiSystemWorkingSetMutex.  Who asks what an
 * address is has that one, or MiPfnLock: an image comes and goes under all three.
 */
#include "mm/pool/system_image.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm.h"
#include "mm/pfn/commit.h"
#include "mm/pool/paged_page.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"
#include "nt/bugcodes.h"
#include "report.h"
#include "rtl.h"
#include "user_half.h"

#define MIP_NOT_LOCKED 0x1010u /* subcodes of 0x1A */
#define MIP_NO_SECTION 0x1234u

FAST_MUTEX MiSystemImageMutex;
ULONG MiSystemImages;
static LIST_ENTRY MipImages;  /* (M,W,P) */
static BOOLEAN MipPageImages; /* (I) */

/* ---- names ---- */

static BOOLEAN MipBeginsWith(const MI_IMAGE_SECTION *Section, const char *Text)
{
    return strncmp(Section->Name, Text, strlen(Text)) == 0;
}

static BOOLEAN MipIsPageableName(const MI_IMAGE_SECTION *Section)
{
    return MipBeginsWith(Section, "PAGE") ||
           strncmp(Section->Name, ".edata", MI_SECTION_NAME_BYTES) == 0;
}

/* ---- finding ---- */

static BOOLEAN MipIsInSection(const MI_IMAGE_SECTION *Section, ULONG_PTR Va)
{
    return (Va - Section->Start) >> PAGE_SHIFT < Section->Pages;
}

static PMI_SYSTEM_IMAGE MipImageOf(PLIST_ENTRY Entry)
{
    return CONTAINING_RECORD(Entry, MI_SYSTEM_IMAGE, Links);
}

/* => Under the mutex.  NULL: there is none. */
static PMI_SYSTEM_IMAGE MipFindImage(ULONG_PTR Va)
{
    PLIST_ENTRY Entry;

    for (Entry = MipImages.Flink; Entry != &MipImages; Entry = Entry->Flink) {
        PMI_SYSTEM_IMAGE Image = MipImageOf(Entry);

        if ((Va - Image->Base) >> PAGE_SHIFT < Image->Pages) {
            return Image;
        }
    }
    return NULL;
}

/* => Under the mutex.  Bug check 1234: no section of an image lies there. */
static PMI_IMAGE_SECTION MipFindSection(ULONG_PTR Va)
{
    PMI_SYSTEM_IMAGE Image = MipFindImage(Va);
    ULONG i;

    for (i = 0; Image != NULL && i < Image->SectionCount; i++) {
        if (MipIsInSection(&Image->Sections[i], Va)) {
            return &Image->Sections[i];
        }
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, MIP_NO_SECTION, Va, 1, 0);
}

/* A handle is a section's address.  => Under the mutex.  Bug check 1234: it is not one. */
static PMI_IMAGE_SECTION MipCheckHandle(PVOID Handle)
{
    PLIST_ENTRY Entry;
    ULONG i;

    for (Entry = MipImages.Flink; Entry != &MipImages; Entry = Entry->Flink) {
        PMI_SYSTEM_IMAGE Image = MipImageOf(Entry);

        for (i = 0; i < Image->SectionCount; i++) {
            if (Handle == &Image->Sections[i] && Image->Sections[i].Pages != 0) {
                return &Image->Sections[i];
            }
        }
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, MIP_NO_SECTION, (ULONG_PTR)Handle, 0, 0);
}

static void MipVisitImage(const MI_SYSTEM_IMAGE *Image, MI_VISIT_PAGED_RUN *Visit, PVOID Context)
{
    ULONG i;

    for (i = 0; i < Image->SectionCount; i++) {
        if (Image->Sections[i].PagedPages != 0) {
            Visit(Context, Image->Sections[i].Start, Image->Sections[i].PagedPages);
        }
    }
}

void MiVisitPagedRuns(MI_VISIT_PAGED_RUN *Visit, PVOID Context)
{
    PLIST_ENTRY Entry = MipImages.Flink;
    ULONG i;

    for (i = 0; i < MiSystemImages; i++) {
        MipVisitImage(MipImageOf(Entry), Visit, Context);
        Entry = Entry->Flink;
    }
}

typedef struct _MIP_SEARCH {
    ULONG_PTR Va;
    BOOLEAN Found;
} MIP_SEARCH;

static void MipSearchRun(PVOID Context, ULONG_PTR Va, ULONG Pages)
{
    MIP_SEARCH *Search = Context;

    Search->Found |= (Search->Va - Va) >> PAGE_SHIFT < Pages;
}

BOOLEAN MiIsPageableImageVa(ULONG_PTR Va)
{
    MIP_SEARCH Search = {.Va = Va};

    MiVisitPagedRuns(MipSearchRun, &Search);
    return Search.Found;
}

/* Whoever was interrupted may be changing the list: the walk follows one link, and has an end. */
BOOLEAN MiIsDriverVa(ULONG_PTR Va)
{
    PLIST_ENTRY Entry = MipImages.Flink;
    BOOLEAN Found = FALSE;
    ULONG i;

    for (i = 0; i < MiSystemImages && Entry != &MipImages; i++) {
        const MI_SYSTEM_IMAGE *Image = MipImageOf(Entry);

        Found |= !Image->Loader && (Va - Image->Base) >> PAGE_SHIFT < Image->Pages;
        Entry = Entry->Flink;
    }
    return Found;
}

/* ---- held ---- */

static BOOLEAN MipIsHeld(const MI_IMAGE_SECTION *Section)
{
    return Section->Locks != 0 || Section->Nonpaged;
}

/* The page comes, and its entry is locked. */
static void MipLockPage(ULONG_PTR Va)
{
    BOOLEAN Locked = FALSE;

    while (!Locked) {
        MMPTE Pte;

        (void)*(const volatile UCHAR *)Va;
        ExAcquireFastMutex(&MiSystemWorkingSetMutex);
        Pte = MiReadPte(MiGetPteAddress(Va));
        Locked = Pte.Hard.Valid;
        if (Locked) {
            (void)MiLockWsle(&MiSystemCacheWorkingSet, Va, Pte.Hard.PageFrameNumber,
                             MI_LOCK_IN_MEMORY);
        }
        ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    }
}

/* Somebody wants it, the first one.  Its pages are charged if they can be; they come anyway. */
static void MipHold(PMI_IMAGE_SECTION Section)
{
    ULONG Page;

    if (Section->PagedPages == 0) {
        return;
    }
    Section->Charged = Section->Charged || MiChargeResidentAvailable(Section->PagedPages);
    __atomic_add_fetch(&MiBringingPages, 1, __ATOMIC_RELAXED);
    for (Page = 0; Page < Section->PagedPages; Page++) {
        MipLockPage(Section->Start + Page * PAGE_SIZE);
    }
    __atomic_sub_fetch(&MiBringingPages, 1, __ATOMIC_RELAXED);
}

static void MipReturnCharge(PMI_IMAGE_SECTION Section)
{
    if (Section->Charged) {
        MiReturnResidentAvailable(Section->PagedPages);
        Section->Charged = FALSE;
    }
}

/* Nobody wants it any more. */
static void MipRelease(PMI_IMAGE_SECTION Section)
{
    ULONG Page;

    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    for (Page = 0; Page < Section->PagedPages; Page++) {
        ULONG_PTR Va = Section->Start + Page * PAGE_SIZE;

        (void)MiUnlockWsle(&MiSystemCacheWorkingSet, Va,
                           MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber, MI_LOCK_IN_MEMORY);
    }
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    MipReturnCharge(Section);
}

/* ---- becoming pageable ---- */

/* => FALSE: there is no memory for its entry, or no commitment. */
static BOOLEAN MipPageOne(const MI_SYSTEM_IMAGE *Image, PMI_IMAGE_SECTION Section)
{
    ULONG_PTR Va = Section->Start + Section->PagedPages * PAGE_SIZE;

    if (!NT_SUCCESS(MiReserveWsle(&MiSystemCacheWorkingSet)) ||
        (Image->Loader && !MiChargeCommitment(1))) {
        return FALSE;
    }
    MiMakePagePageable(MiGetPteAddress(Va), Section->Protection);
    if (!Image->Loader) {
        MiReturnResidentAvailable(1); /* the loader's were never charged */
    }
    Section->PagedPages++;
    return TRUE;
}

/* From its next page on.  => Nobody holds it. */
static void MipMakePageable(const MI_SYSTEM_IMAGE *Image, PMI_IMAGE_SECTION Section)
{
    MI_ASSERT(!MipIsHeld(Section));
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    while (MipPageImages && Section->PagedPages < Section->Pages && MipPageOne(Image, Section)) {
        continue;
    }
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
}

/* ---- images come and go ---- */

void MiInitializeSystemImages(BOOLEAN PageExecutive)
{
    ExInitializeFastMutex(&MiSystemImageMutex);
    InitializeListHead(&MipImages);
    MiSystemImages = 0;
    MipPageImages = PageExecutive;
}

/* How many there are changes by Change, which puts Image into the list or takes it out. */
static void MipChangeList(PMI_SYSTEM_IMAGE Image, LONG Change)
{
    KIRQL OldIrql;

    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    OldIrql = MiLockPfn();
    if (Change > 0) {
        InsertTailList(&MipImages, &Image->Links);
    } else {
        RemoveEntryList(&Image->Links);
    }
    MiSystemImages += (ULONG)Change;
    MiUnlockPfn(OldIrql);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
}

static void MipCheckSection(const MI_SYSTEM_IMAGE *Image, const MI_IMAGE_SECTION *Section)
{
    MI_ASSERT(Section->Pages != 0 && BYTE_OFFSET(Section->Start) == 0);
    MI_ASSERT((Section->Start - Image->Base) >> PAGE_SHIFT <= Image->Pages - Section->Pages &&
              Section->Pages <= Image->Pages);
    MI_ASSERT(Section->PagedPages == 0 && Section->Locks == 0 && !Section->Charged);
}

void MiInsertSystemImage(PMI_SYSTEM_IMAGE Image)
{
    ULONG i;

    MI_ASSERT(Image->Base >= MM_SYSTEM_RANGE_START && BYTE_OFFSET(Image->Base) == 0);
    ExAcquireFastMutex(&MiSystemImageMutex);
    MipChangeList(Image, 1);
    for (i = 0; i < Image->SectionCount; i++) {
        PMI_IMAGE_SECTION Section = &Image->Sections[i];

        MipCheckSection(Image, Section);
        Section->Nonpaged = !MipIsPageableName(Section);
        if (!Section->Nonpaged) {
            MipMakePageable(Image, Section);
        }
    }
    ExReleaseFastMutex(&MiSystemImageMutex);
}

/* => Nobody holds it, unless it is Nonpaged. */
static void MipDeleteSection(PMI_IMAGE_SECTION Section)
{
    PMMPTE First = MiGetPteAddress(Section->Start);
    ULONG Paged = Section->PagedPages;
    ULONG i;

    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    for (i = 0; i < Paged; i++) {
        MiDeletePagedPage(First + i);
    }
    MipReturnCharge(Section);
    Section->PagedPages = 0;
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    MiReturnCommitment(Paged);
    MiDeleteSystemPages(First + Paged, Section->Pages - Paged);
    Section->Pages = 0;
}

static void MipCheckUnlocked(const MI_IMAGE_SECTION *Section)
{
    if (Section->Locks != 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_NOT_LOCKED, (ULONG_PTR)Section, Section->Locks, 0);
    }
}

void MiDiscardInitSections(PMI_SYSTEM_IMAGE Image)
{
    ULONG i;

    MI_ASSERT(!Image->Loader);
    ExAcquireFastMutex(&MiSystemImageMutex);
    for (i = 0; i < Image->SectionCount; i++) {
        if (MipBeginsWith(&Image->Sections[i], "INIT")) {
            MipCheckUnlocked(&Image->Sections[i]);
            MipDeleteSection(&Image->Sections[i]);
        }
    }
    ExReleaseFastMutex(&MiSystemImageMutex);
}

void MiRemoveSystemImage(PMI_SYSTEM_IMAGE Image)
{
    ULONG i;

    MI_ASSERT(!Image->Loader);
    ExAcquireFastMutex(&MiSystemImageMutex);
    for (i = 0; i < Image->SectionCount; i++) {
        MipCheckUnlocked(&Image->Sections[i]);
        MipDeleteSection(&Image->Sections[i]);
    }
    MipChangeList(Image, -1);
    ExReleaseFastMutex(&MiSystemImageMutex);
}

/* ---- the calls of mm.h ---- */

void MmPagedCodeAtRaisedIrql(const char *Routine, ULONG Line)
{
    KiPrint("EX: Pageable code called at IRQL %u\n", KeGetCurrentIrql());
    MiAssertionFailed("PAGED_CODE()", Routine, Line);
}

static void MipAddLock(PMI_IMAGE_SECTION Section)
{
    if (!MipIsHeld(Section)) {
        MipHold(Section);
    }
    Section->Locks++;
}

PVOID NTAPI MmLockPagableDataSection(PVOID AddressWithinSection)
{
    PMI_IMAGE_SECTION Section;

    ExAcquireFastMutex(&MiSystemImageMutex);
    Section = MipFindSection((ULONG_PTR)AddressWithinSection);
    MipAddLock(Section);
    ExReleaseFastMutex(&MiSystemImageMutex);
    return Section;
}

void NTAPI MmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
    ExAcquireFastMutex(&MiSystemImageMutex);
    MipAddLock(MipCheckHandle(ImageSectionHandle));
    ExReleaseFastMutex(&MiSystemImageMutex);
}

void NTAPI MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    PMI_IMAGE_SECTION Section;

    ExAcquireFastMutex(&MiSystemImageMutex);
    Section = MipCheckHandle(ImageSectionHandle);
    if (Section->Locks == 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_NOT_LOCKED, (ULONG_PTR)ImageSectionHandle, 0, 0);
    }
    Section->Locks--;
    if (!MipIsHeld(Section)) {
        MipRelease(Section);
    }
    ExReleaseFastMutex(&MiSystemImageMutex);
}

/* => No call has locked it. */
static void MipPageSection(const MI_SYSTEM_IMAGE *Image, PMI_IMAGE_SECTION Section)
{
    if (Section->Nonpaged) {
        MipRelease(Section);
        Section->Nonpaged = FALSE;
    }
    MipMakePageable(Image, Section);
}

PVOID NTAPI MmPageEntireDriver(PVOID AddressWithinSection)
{
    PMI_SYSTEM_IMAGE Image;
    ULONG i;

    ExAcquireFastMutex(&MiSystemImageMutex);
    Image = MipFindImage((ULONG_PTR)AddressWithinSection);
    for (i = 0; MipPageImages && Image != NULL && i < Image->SectionCount; i++) {
        if (Image->Sections[i].Locks == 0) {
            MipPageSection(Image, &Image->Sections[i]);
        }
    }
    ExReleaseFastMutex(&MiSystemImageMutex);
    return Image != NULL ? (PVOID)Image->Base : NULL;
}

void NTAPI MmResetDriverPaging(PVOID AddressWithinSection)
{
    PMI_SYSTEM_IMAGE Image;
    ULONG i;

    ExAcquireFastMutex(&MiSystemImageMutex);
    Image = MipFindImage((ULONG_PTR)AddressWithinSection);
    for (i = 0; Image != NULL && i < Image->SectionCount; i++) {
        PMI_IMAGE_SECTION Section = &Image->Sections[i];

        if (!Section->Nonpaged && !MipIsPageableName(Section)) {
            if (!MipIsHeld(Section)) {
                MipHold(Section);
            }
            Section->Nonpaged = TRUE;
        }
    }
    ExReleaseFastMutex(&MiSystemImageMutex);
}

/* ---- figures, verify ---- */

static void MipAddFigures(PMI_IMAGE_FIGURES Figures, const MI_SYSTEM_IMAGE *Image)
{
    ULONG i;

    for (i = 0; i < Image->SectionCount; i++) {
        const MI_IMAGE_SECTION *Section = &Image->Sections[i];

        Figures->PagedPages += Section->PagedPages;
        Figures->LockedPages += MipIsHeld(Section) ? Section->PagedPages : 0;
    }
}

void MiQuerySystemImages(PMI_IMAGE_FIGURES Figures)
{
    MI_IMAGE_FIGURES Sum = {0};
    KIRQL OldIrql = MiLockPfn();
    PLIST_ENTRY Entry = MipImages.Flink;

    for (; Sum.Images < MiSystemImages; Sum.Images++) {
        MipAddFigures(&Sum, MipImageOf(Entry));
        Entry = Entry->Flink;
    }
    Sum.ResidentPages = MiResidentSystemCode;
    Sum.Faults = MiSystemCodeFaults;
    MiUnlockPfn(OldIrql);
    *Figures = Sum;
}

/* M2 for one page.  => Under the working set's mutex. */
static void MipVerifyLock(ULONG_PTR Va, BOOLEAN Held)
{
    MMPTE Pte = MiReadPte(MiGetPteAddress(Va));

    MI_ASSERT(MiPteKind(Pte) == MiPteValid || MiPteKind(Pte) == MiPteTransition ||
              MiPteKind(Pte) == MiPtePagefile); /* M1 */
    MI_ASSERT(Pte.Hard.Valid || !Held);
    if (Pte.Hard.Valid) {
        MI_ASSERT((MiQueryWsleLocks(&MiSystemCacheWorkingSet, Va, Pte.Hard.PageFrameNumber) != 0) ==
                  Held);
    }
}

/* => Returns how many of its pages are valid, and pageable. */
static ULONG MipVerifySection(const MI_IMAGE_SECTION *Section)
{
    PMMPTE First = MiGetPteAddress(Section->Start);
    ULONG i;

    for (i = 0; i < Section->Pages; i++) {
        if (i < Section->PagedPages) {
            MipVerifyLock(Section->Start + i * PAGE_SIZE, MipIsHeld(Section));
        } else {
            MI_ASSERT(MiReadPte(First + i).Hard.Valid); /* M1 */
        }
    }
    return MiVerifyPagedPages(First, Section->PagedPages, Section->Protection);
}

static ULONG MipVerifyImage(const MI_SYSTEM_IMAGE *Image)
{
    ULONG Valid = 0;
    ULONG i;

    for (i = 0; i < Image->SectionCount; i++) {
        Valid += MipVerifySection(&Image->Sections[i]);
    }
    return Valid;
}

void MiVerifySystemImages(void)
{
    ULONG Valid = 0;
    PLIST_ENTRY Entry;

    if (MiSystemImages == 0) {
        MI_ASSERT(MiResidentSystemCode == 0); /* M3 */
        return;
    }
    ExAcquireFastMutex(&MiSystemImageMutex);
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    for (Entry = MipImages.Flink; Entry != &MipImages; Entry = Entry->Flink) {
        Valid += MipVerifyImage(MipImageOf(Entry));
    }
    MI_ASSERT(Valid == MiResidentSystemCode); /* M3 */
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    ExReleaseFastMutex(&MiSystemImageMutex);
}
