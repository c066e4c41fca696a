/* SPDX-License-Identifier: MIT */
/*
 * file_sizes.c - CcSetFileSizes: a cached file becomes longer or shorter.
 *
 * The section grows by whole views before anybody may use the new range, and never becomes
 * smaller: what is behind the file's end is forgotten, so that it is read (as zeroes) when the file
 * grows again.  The rest of the last page is the file system's to zero when it lets the file grow.
 *
 * Locking: CcMasterLock for the sizes; the file system keeps others away from the file.
 */
#include "mm/cc/dirty.h"
#include "mm/cc/view_index.h"

static LONGLONG CcipMinimum(LONGLONG A, LONGLONG B)
{
    return A < B ? A : B;
}

/* The index first: what it has too much does no harm. */
static NTSTATUS CcipExtend(PSHARED_CACHE_MAP Map, LONGLONG Bytes)
{
    LARGE_INTEGER Size = {.QuadPart = Bytes};
    KIRQL OldIrql = CciLock();
    NTSTATUS Status = CciGrowIndex(Map, (ULONG64)Size.QuadPart >> VACB_OFFSET_SHIFT);

    CciUnlock(OldIrql);
    if (NT_SUCCESS(Status)) {
        Status = CciCalls->MmExtendSection(Map->Section, &Size);
    }
    if (NT_SUCCESS(Status)) {
        OldIrql = CciLock();
        Map->SectionSize = Size.QuadPart;
        CciUnlock(OldIrql);
    }
    return Status;
}

/* The next read of each file object looks at the size again. */
static void CcipForgetQuiet(PSHARED_CACHE_MAP Map) NT_HOLDS(CcMasterLock)
{
    PLIST_ENTRY Entry;

    for (Entry = Map->PrivateList.Flink; Entry != &Map->PrivateList; Entry = Entry->Flink) {
        CONTAINING_RECORD(Entry, PRIVATE_CACHE_MAP, PrivateLinks)->ReadAheadQuiet = 0;
    }
}

/* => The file became shorter. */
static BOOLEAN CcipStoreSizes(PSHARED_CACHE_MAP Map, const CC_FILE_SIZES *Sizes)
{
    LONGLONG Valid = Sizes->ValidDataLength.QuadPart;
    KIRQL OldIrql = CciLock();
    BOOLEAN Shorter = Sizes->FileSize.QuadPart < Map->FileSize;
    LONGLONG Written = CcipMinimum(Map->ValidDataGoal, Sizes->FileSize.QuadPart);

    Map->FileSize = Sizes->FileSize.QuadPart;
    if (Shorter) {
        CcipForgetQuiet(Map);
    }
    Map->ValidDataGoal =
        Written > Valid || Map->ValidDataLength == CC_NO_VALID_DATA_LENGTH ? Written : Valid;
    if (Valid == CC_NO_VALID_DATA_LENGTH) {
        Map->ValidDataGoal = Valid;
    }
    Map->ValidDataLength = Valid;
    CciUnlock(OldIrql);
    return Shorter;
}

NTSTATUS NTAPI CcSetFileSizesEx(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes)
{
    PSHARED_CACHE_MAP Map = CciReferenceMap(FileObject->SectionObjectPointer);
    NTSTATUS Status = STATUS_SUCCESS;

    if (Map == NULL) {
        return STATUS_SUCCESS;
    }
    if (CciSectionBytes(FileSizes) > Map->SectionSize) {
        Status = CcipExtend(Map, CciSectionBytes(FileSizes));
    }
    if (NT_SUCCESS(Status) && CcipStoreSizes(Map, FileSizes) &&
        !CciForgetBehind(Map, FileSizes->FileSize.QuadPart)) {
        Status = STATUS_USER_MAPPED_FILE;
    }
    CciDereferenceMap(Map);
    return Status;
}

/* NT keeps silent about a view that is in the way, and raises the rest. */
void NTAPI CcSetFileSizes(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes)
{
    NTSTATUS Status = CcSetFileSizesEx(FileObject, FileSizes);

    if (!NT_SUCCESS(Status) && Status != STATUS_USER_MAPPED_FILE) {
        CciRaise(Status);
    }
}
