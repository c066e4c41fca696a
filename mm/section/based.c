/* SPDX-License-Identifier: MIT */
/*
 * based.c - SEC_BASED: sections that have an address of their own, the same in every process.
 *
 * The address is chosen when the section is made, from the top of the user half down, where no
 * other such section has its own: a process can map all of them.  A view of one is at that address
 * plus its offset, or nowhere: what a process has there already is in the way.
 *
 * Invariant (checked by MiVerifyBasedSections):
 *   B1  the list is in the order of addresses, from the top; what they take does not overlap
 *
 * Locking: MipBasedMutex; the objects are pageable.
 */
#include "mi_assert.h"
#include "mm/section/section.h"

#define MIP_BELOW_TOP 0x800000u /* the last 8 MB are for what a system puts into each process */

static FAST_MUTEX MipBasedMutex;
static LIST_ENTRY MipBased; /* of SECTION.BasedLink */

void MiInitializeBasedSections(void)
{
    ExInitializeFastMutex(&MipBasedMutex);
    InitializeListHead(&MipBased);
}

static ULONG_PTR MipTop(void)
{
    return ROUND_DOWN(MM_HIGHEST_USER_ADDRESS + 1 - MIP_BELOW_TOP,
                      (ULONG_PTR)MM_ALLOCATION_GRANULARITY);
}

static PSECTION MipSectionOf(PLIST_ENTRY Link)
{
    return CONTAINING_RECORD(Link, SECTION, BasedLink);
}

/* => The highest place for Bytes that is free, 0: there is none; *Above: what lies next above. */
static ULONG_PTR MipFindPlace(ULONG Bytes, PLIST_ENTRY *Above)
{
    ULONG_PTR End = MipTop();
    PLIST_ENTRY Link;

    *Above = &MipBased;
    for (Link = MipBased.Flink; Link != &MipBased; Link = Link->Flink) {
        const SECTION *Section = MipSectionOf(Link);

        if (End - (Section->BasedAddress + Section->BasedBytes) >= Bytes) {
            return End - Bytes;
        }
        End = Section->BasedAddress;
        *Above = Link;
    }
    return End - MM_LOWEST_USER_ADDRESS >= Bytes ? End - Bytes : 0;
}

NTSTATUS MiPlaceBasedSection(PSECTION Section)
{
    ULONG64 Bytes = ROUND_UP(Section->SizeOfSection, (ULONG64)MM_ALLOCATION_GRANULARITY);
    PLIST_ENTRY Above;
    ULONG_PTR Place;

    if (Bytes > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_NO_MEMORY;
    }
    ExAcquireFastMutex(&MipBasedMutex);
    Place = MipFindPlace((ULONG)Bytes, &Above);
    if (Place != 0) {
        Section->BasedAddress = Place;
        Section->BasedBytes = (ULONG)Bytes;
        InsertHeadList(Above, &Section->BasedLink); /* behind it */
    }
    ExReleaseFastMutex(&MipBasedMutex);
    return Place == 0 ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

void MiForgetBasedSection(PSECTION Section)
{
    if (Section->BasedAddress != 0) {
        ExAcquireFastMutex(&MipBasedMutex);
        RemoveEntryList(&Section->BasedLink);
        ExReleaseFastMutex(&MipBasedMutex);
    }
}

NTSTATUS MiBaseOfView(const SECTION *Section, ULONG64 Offset, PVOID *Base)
{
    ULONG_PTR Place = Section->BasedAddress + (ULONG_PTR)Offset;

    if (Section->BasedAddress == 0) {
        return STATUS_SUCCESS;
    }
    if (Offset > MM_HIGHEST_USER_ADDRESS - Section->BasedAddress) {
        return STATUS_INVALID_VIEW_SIZE;
    }
    if (*Base != NULL && (ULONG_PTR)*Base != Place) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    *Base = (PVOID)Place;
    return STATUS_SUCCESS;
}

void MiVerifyBasedSections(void)
{
    ULONG_PTR End = MipTop();
    PLIST_ENTRY Link;

    ExAcquireFastMutex(&MipBasedMutex);
    for (Link = MipBased.Flink; Link != &MipBased; Link = Link->Flink) {
        const SECTION *Section = MipSectionOf(Link);

        MI_ASSERT((Section->AllocationAttributes & SEC_BASED) != 0);
        MI_ASSERT(Section->BasedBytes != 0 && Section->BasedAddress >= MM_LOWEST_USER_ADDRESS &&
                  Section->BasedAddress < End &&
                  Section->BasedBytes <= End - Section->BasedAddress); /* B1 */
        End = Section->BasedAddress;
    }
    ExReleaseFastMutex(&MipBasedMutex);
}
