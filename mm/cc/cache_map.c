/* SPDX-License-Identifier: MIT */
/*
 * cache_map.c - the life of a file's map: made by its first file object, gone after its last.
 *
 *     being created    the file names it; its section is being made, others wait
 *     in use           OpenCount counts file objects, and who needs it for a moment
 *     closing          OpenCount 0: dirty pages, writes, views in use or being unmapped are left
 *     being deleted    the file does not name it any more; its views are being unmapped
 *
 * A closing map that becomes clean goes by the hand that made it so: CciUnlockMap.  A file object
 * that comes while it is closing uses it again.
 *
 * Invariants (checked by CciVerifyMaps):
 *   F1  a map that is not being deleted is what its file names
 *   F2  OpenCount is at least the number of its private maps
 *   F3  DirtyPages and WritingPages count bits of its slots; it is on CcDirtyMaps exactly when
 *       DirtyPages is not 0
 *   F4  Views and ActiveViews count its views and their uses, LeavingViews those being unmapped
 *   F5  the sum of DirtyPages over all maps is CcTotalDirtyPages
 *   F6  no private map's ReadAheadQuiet lies behind the end of the file
 *
 * Locking: CcMasterLock; sections are made and views unmapped without it.
 */
#include "mm/cc/cache_map.h"

#include "ex.h"
#include "mm/cc/bcb.h"
#include "mm/cc/copy.h"
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"
#include "mm/cc/read_ahead.h"
#include "mm/cc/vacb.h"
#include "mm/cc/view_index.h"
#include "nt/bugcodes.h"
#include "ob.h"
#include "rtl.h"

/* A thread that waits for something that CcMasterLock protects. */
typedef struct _CC_WAITER {
    LIST_ENTRY Links; /* (M) */
    KEVENT Event;
} CC_WAITER;

KSPIN_LOCK CcMasterLock;
LIST_ENTRY CcAllMaps;
LIST_ENTRY CcDirtyMaps;
LIST_ENTRY CcWaiters;
const MM_CACHE_VIEW_CALLS *CciCalls;

void CciWaitForChange(PKIRQL OldIrql)
{
    CC_WAITER Waiter;

    KeInitializeEvent(&Waiter.Event, NotificationEvent, FALSE);
    InsertTailList(&CcWaiters, &Waiter.Links);
    CciUnlock(*OldIrql);
    KeWaitForSingleObject(&Waiter.Event, Executive, KernelMode, FALSE, NULL);
    *OldIrql = CciLock();
}

/* Who is woken is off the list, so that no later change is taken for this one. */
void CciWakeWaiters(void)
{
    while (!IsListEmpty(&CcWaiters)) {
        CC_WAITER *Waiter = CONTAINING_RECORD(RemoveHeadList(&CcWaiters), CC_WAITER, Links);

        KeSetEvent(&Waiter->Event, IO_NO_INCREMENT, FALSE);
    }
}

void CciRaise(NTSTATUS Status)
{
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)Status,
                 (ULONG_PTR)__builtin_return_address(0), 0, 0);
}

NTSTATUS CcInitializeCacheManager(const MM_CACHE_VIEW_CALLS *Calls, ULONG RamPages)
{
    KIRQL OldIrql;

    KeInitializeSpinLock(&CcMasterLock);
    OldIrql = CciLock();
    CciCalls = Calls;
    InitializeListHead(&CcWaiters);
    InitializeListHead(&CcAllMaps);
    InitializeListHead(&CcDirtyMaps);
    CcCopyCounters = (CC_COPY_COUNTERS){.Reads = 0};
    CcReadAheadCounters = (CC_READ_AHEAD_COUNTERS){.Scheduled = 0};
    CciInitializeDirty(RamPages);
    CciInitializeLazyWriter();
    CciInitializeThrottle();
    CciUnlock(OldIrql);
    return CciInitializeViews();
}

BOOLEAN CcIsRunning(void)
{
    return CciCalls != NULL;
}

/* ---- deletion ---- */

static BOOLEAN CcipIsNeeded(const SHARED_CACHE_MAP *Map)
{
    return Map->OpenCount != 0 || Map->DirtyPages != 0 || Map->WritingPages != 0 ||
           Map->ActiveViews != 0 || Map->LeavingViews != 0 || Map->BeingDeleted;
}

static void CcipSignalUninitialized(PCACHE_UNINITIALIZE_EVENT Event)
{
    while (Event != NULL) {
        PCACHE_UNINITIALIZE_EVENT Next = Event->Next; /* it is its owner's once it is set */

        KeSetEvent(&Event->Event, IO_NO_INCREMENT, FALSE);
        Event = Next;
    }
}

BOOLEAN CciUnlockUnopenedMap(PSHARED_CACHE_MAP Map, KIRQL OldIrql)
{
    PCACHE_UNINITIALIZE_EVENT Events;
    PFILE_OBJECT FileObject;

    if (CcipIsNeeded(Map)) {
        CciUnlock(OldIrql);
        return FALSE;
    }
    Map->BeingDeleted = TRUE;
    Map->Pointers->SharedCacheMap = NULL;
    MI_ASSERT(CciUnmapViews(Map, 0, CciIndexSlots(CC_MOST_LEVELS), &OldIrql));
    MI_ASSERT(Map->Views == 0 && Map->LeavingViews == 0);
    MI_ASSERT(IsListEmpty(&Map->BcbList) && IsListEmpty(&Map->PrivateList));
    CciDeleteIndex(Map);
    RemoveEntryList(&Map->SharedCacheMapLinks);
    Events = Map->UninitializeEvent;
    FileObject = Map->FileObject;
    CciUnlock(OldIrql);
    CciFreeSpareBcbs(Map);
    CciCalls->ObDereferenceObject(Map->Section);
    ExFreePoolWithTag(Map, CC_TAG_MAP);
    CcipSignalUninitialized(Events);
    ObDereferenceObject(FileObject);
    return TRUE;
}

PSHARED_CACHE_MAP CciReferenceMap(PSECTION_OBJECT_POINTERS Pointers)
{
    KIRQL OldIrql = CciLock();
    PSHARED_CACHE_MAP Map = Pointers->SharedCacheMap;

    while (Map != NULL && Map->BeingCreated) {
        CciWaitForChange(&OldIrql);
        Map = Pointers->SharedCacheMap;
    }
    if (Map != NULL) {
        Map->OpenCount++;
    }
    CciUnlock(OldIrql);
    return Map;
}

void CciDereferenceMap(PSHARED_CACHE_MAP Map)
{
    KIRQL OldIrql = CciLock();

    MI_ASSERT(Map->OpenCount != 0);
    Map->OpenCount--;
    (void)CciUnlockMap(Map, OldIrql);
}

/* ---- creation ---- */

static void CcipFillMap(PSHARED_CACHE_MAP Map, PFILE_OBJECT FileObject, const CC_FILE_SIZES *Sizes)
{
    LONGLONG Bytes = CciSectionBytes(Sizes);

    memset(Map, 0, sizeof(*Map));
    Map->NodeTypeCode = CACHE_NTC_SHARED_CACHE_MAP;
    Map->NodeByteSize = (CSHORT)sizeof(*Map);
    Map->OpenCount = 1;
    Map->FileSize = Sizes->FileSize.QuadPart;
    Map->ValidDataLength = Sizes->ValidDataLength.QuadPart;
    Map->ValidDataGoal = Map->ValidDataLength;
    Map->SectionSize = Bytes == 0 ? VACB_MAPPING_GRANULARITY : Bytes;
    Map->FileObject = FileObject;
    Map->Pointers = FileObject->SectionObjectPointer;
    Map->BeingCreated = TRUE;
    InitializeListHead(&Map->BcbList);
    InitializeListHead(&Map->PrivateList);
}

/* The file names it already; nobody uses it before its section is there. */
static NTSTATUS CcipMakeSection(PSHARED_CACHE_MAP Map)
{
    LARGE_INTEGER Bytes = {.QuadPart = Map->SectionSize};
    struct _SECTION *Section = NULL;
    NTSTATUS Status = CciCalls->MmCreateSection(Map->FileObject, &Bytes, &Section);
    KIRQL OldIrql = CciLock();

    Map->Section = Section;
    if (NT_SUCCESS(Status)) {
        Status = CciGrowIndex(Map, (ULONG64)Map->SectionSize >> VACB_OFFSET_SHIFT);
    }
    Map->BeingCreated = FALSE;
    if (!NT_SUCCESS(Status)) {
        Map->Pointers->SharedCacheMap = NULL;
        RemoveEntryList(&Map->SharedCacheMapLinks);
    }
    CciSignalChange();
    CciUnlock(OldIrql);
    if (!NT_SUCCESS(Status) && Section != NULL) {
        CciCalls->ObDereferenceObject(Section);
    }
    return Status;
}

/* => The file's map with a reference; *Created: New became it. */
static PSHARED_CACHE_MAP CcipFindOrInsert(PSHARED_CACHE_MAP New, BOOLEAN *Created)
{
    KIRQL OldIrql = CciLock();
    PSHARED_CACHE_MAP Map = New->Pointers->SharedCacheMap;

    while (Map != NULL && Map->BeingCreated) {
        CciWaitForChange(&OldIrql);
        Map = New->Pointers->SharedCacheMap;
    }
    *Created = Map == NULL;
    if (Map == NULL) {
        Map = New;
        Map->Pointers->SharedCacheMap = Map;
        InsertTailList(&CcAllMaps, &Map->SharedCacheMapLinks);
    } else {
        Map->OpenCount++;
    }
    CciUnlock(OldIrql);
    return Map;
}

/* => FALSE: another thread was quicker; the reference to the map is gone. */
static BOOLEAN CcipAddPrivate(PSHARED_CACHE_MAP Map, PPRIVATE_CACHE_MAP Private, PFILE_OBJECT File,
                              BOOLEAN PinAccess)
{
    KIRQL OldIrql = CciLock();

    if (File->PrivateCacheMap != NULL) {
        Map->OpenCount--;
        CciUnlock(OldIrql);
        return FALSE;
    }
    memset(Private, 0, sizeof(*Private));
    Private->NodeTypeCode = CACHE_NTC_PRIVATE_CACHE_MAP;
    Private->ReadAheadMask = PAGE_SIZE - 1;
    Private->FileObject = File;
    Private->Map = Map;
    InsertTailList(&Map->PrivateList, &Private->PrivateLinks);
    Map->PinAccess = Map->PinAccess || PinAccess;
    File->PrivateCacheMap = Private;
    CciUnlock(OldIrql);
    return TRUE;
}

NTSTATUS CcTryInitializeCacheMap(PFILE_OBJECT FileObject, const CC_FILE_SIZES *FileSizes,
                                 BOOLEAN PinAccess, PCACHE_MANAGER_CALLBACKS Callbacks,
                                 PVOID LazyWriteContext)
{
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    BOOLEAN Created = FALSE;
    PPRIVATE_CACHE_MAP Private;
    PSHARED_CACHE_MAP New;
    PSHARED_CACHE_MAP Map;

    if (FileObject->PrivateCacheMap != NULL) {
        return STATUS_SUCCESS;
    }
    Private = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Private), CC_TAG_PRIVATE);
    New = ExAllocatePoolWithTag(NonPagedPool, sizeof(*New), CC_TAG_MAP);
    if (Private == NULL || New == NULL) {
        goto Free;
    }
    CcipFillMap(New, FileObject, FileSizes);
    New->Callbacks = Callbacks;
    New->LazyWriteContext = LazyWriteContext;
    Map = CcipFindOrInsert(New, &Created);
    Status = Created ? CcipMakeSection(Map) : STATUS_SUCCESS;
    if (NT_SUCCESS(Status)) {
        if (Created) {
            ObReferenceObject(FileObject); /* it may be closed before the map is clean */
        }
        Private = CcipAddPrivate(Map, Private, FileObject, PinAccess) ? NULL : Private;
        New = Created ? NULL : New;
    }

Free:
    if (New != NULL) {
        ExFreePoolWithTag(New, CC_TAG_MAP);
    }
    if (Private != NULL) {
        ExFreePoolWithTag(Private, CC_TAG_PRIVATE);
    }
    return Status;
}

void NTAPI CcInitializeCacheMap(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes,
                                BOOLEAN PinAccess, PCACHE_MANAGER_CALLBACKS Callbacks,
                                PVOID LazyWriteContext)
{
    NTSTATUS Status =
        CcTryInitializeCacheMap(FileObject, FileSizes, PinAccess, Callbacks, LazyWriteContext);

    if (!NT_SUCCESS(Status)) {
        CciRaise(Status);
    }
}

/* ---- the end ---- */

/* => The private map to free, or NULL: read-ahead still has it, and will. */
static PPRIVATE_CACHE_MAP CcipRemovePrivate(PFILE_OBJECT FileObject) NT_HOLDS(CcMasterLock)
{
    PPRIVATE_CACHE_MAP Private = FileObject->PrivateCacheMap;

    RemoveEntryList(&Private->PrivateLinks);
    FileObject->PrivateCacheMap = NULL;
    Private->Orphan = Private->ReadAheadActive;
    return Private->Orphan ? NULL : Private;
}

void CciUninitializeFileObjects(PSHARED_CACHE_MAP Map)
{
    KIRQL OldIrql = CciLock();

    while (!IsListEmpty(&Map->PrivateList)) {
        PPRIVATE_CACHE_MAP Private =
            CONTAINING_RECORD(Map->PrivateList.Flink, PRIVATE_CACHE_MAP, PrivateLinks);

        Private = CcipRemovePrivate(Private->FileObject);
        MI_ASSERT(Map->OpenCount > 1);
        Map->OpenCount--;
        CciUnlock(OldIrql);
        if (Private != NULL) {
            ExFreePoolWithTag(Private, CC_TAG_PRIVATE);
        }
        OldIrql = CciLock();
    }
    CciUnlock(OldIrql);
}

/* => The event is to be set at once. */
static BOOLEAN CcipQueueEvent(PSHARED_CACHE_MAP Map, PCACHE_UNINITIALIZE_EVENT Event)
    NT_HOLDS(CcMasterLock)
{
    if (Event == NULL || !IsListEmpty(&Map->PrivateList)) {
        return Event != NULL;
    }
    Event->Next = Map->UninitializeEvent;
    Map->UninitializeEvent = Event;
    return FALSE;
}

BOOLEAN NTAPI CcUninitializeCacheMap(PFILE_OBJECT FileObject, PLARGE_INTEGER TruncateSize,
                                     PCACHE_UNINITIALIZE_EVENT UninitializeEvent)
{
    PPRIVATE_CACHE_MAP Private = FileObject->PrivateCacheMap;
    PSHARED_CACHE_MAP Map = Private == NULL ? NULL : Private->Map;
    BOOLEAN Last;
    BOOLEAN Now;
    KIRQL OldIrql;

    if (Map == NULL) {
        if (UninitializeEvent != NULL) {
            KeSetEvent(&UninitializeEvent->Event, IO_NO_INCREMENT, FALSE);
        }
        return FALSE;
    }
    OldIrql = CciLock();
    Private = CcipRemovePrivate(FileObject);
    Last = IsListEmpty(&Map->PrivateList);
    Now = CcipQueueEvent(Map, UninitializeEvent);
    CciUnlock(OldIrql);
    if (Last && TruncateSize != NULL) {
        (void)CciForgetBehind(Map, TruncateSize->QuadPart);
    }
    if (Now) {
        KeSetEvent(&UninitializeEvent->Event, IO_NO_INCREMENT, FALSE);
    }
    if (Private != NULL) {
        ExFreePoolWithTag(Private, CC_TAG_PRIVATE);
    }
    OldIrql = CciLock();
    Map->OpenCount--;
    return CciUnlockMap(Map, OldIrql);
}

/* ---- looking at it ---- */

PFILE_OBJECT NTAPI CcGetFileObjectFromSectionPtrs(PSECTION_OBJECT_POINTERS SectionObjectPointer)
{
    KIRQL OldIrql = CciLock();
    PSHARED_CACHE_MAP Map = SectionObjectPointer->SharedCacheMap;
    PFILE_OBJECT File = Map == NULL ? NULL : Map->FileObject;

    CciUnlock(OldIrql);
    return File;
}

BOOLEAN CcIsFileDirty(PSECTION_OBJECT_POINTERS SectionObjectPointer)
{
    KIRQL OldIrql = CciLock();
    const SHARED_CACHE_MAP *Map = SectionObjectPointer->SharedCacheMap;
    BOOLEAN Dirty = Map != NULL && (Map->DirtyPages != 0 || Map->WritingPages != 0);

    CciUnlock(OldIrql);
    return Dirty;
}

BOOLEAN NTAPI CcIsThereDirtyData(PVPB Vpb)
{
    KIRQL OldIrql = CciLock();
    BOOLEAN Found = FALSE;
    PLIST_ENTRY Entry;

    for (Entry = CcAllMaps.Flink; !Found && Entry != &CcAllMaps; Entry = Entry->Flink) {
        const SHARED_CACHE_MAP *Map =
            CONTAINING_RECORD(Entry, SHARED_CACHE_MAP, SharedCacheMapLinks);

        Found = Map->FileObject->Vpb == Vpb && !CciIsTemporary(Map) &&
                (Map->DirtyPages != 0 || Map->WritingPages != 0);
    }
    CciUnlock(OldIrql);
    return Found;
}
