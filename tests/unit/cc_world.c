/* SPDX-License-Identifier: MIT */
/*
 * cc_world.c - see cc_world.h.
 */
#include "tests/unit/cc_world.h"

#include "ex.h"
#include "mm/ke/thread.h"
#include "mm/pfn/pfn.h"
#include "mm/pool/pool_tag.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/system_pages.h"

#include <stdlib.h>
#include <string.h>

#define TAG         0x66746343u /* 'Cctf' */
#define FRAMES      8192u
#define WORLD_VIEWS 4096u
#define READ_ONLY   (MM_PTE_BITS_VALID | MM_PTE_BITS_ACCESSED)
#define WRITABLE    (READ_ONLY | MM_PTE_BITS_WRITE | MM_PTE_BITS_DIRTY)

typedef struct _WORLD_VIEW {
    CC_WORLD_FILE *File; /* NULL: nothing is mapped */
    ULONG FirstPage;
} WORLD_VIEW;

CC_WORLD_FAILURE CcWorldFail[CcWorldCalls];
ULONG CcWorldCounts[CcWorldCalls];
BOOLEAN CcWorldYields;
ULONG CcWorldLocks;
BOOLEAN CcWorldRefuses;
CC_WORLD_FILE CcWorldFile[CC_WORLD_FILES];

static POBJECT_TYPE FileType;
static WORLD_VIEW Views[WORLD_VIEWS];
static ULONG_PTR CacheStart;
static ULONG StartBlocks; /* of PoolBlocks */
static KTHREAD Worker;
static UCHAR WorkerStack[HOST_STACK_BYTES] NT_ALIGNED(16);

/* ---- failures ---- */

static BOOLEAN Fails(CC_WORLD_CALL Call)
{
    CC_WORLD_FAILURE *Fail = &CcWorldFail[Call];

    CcWorldCounts[Call]++;
    if (CcWorldYields && KeGetCurrentIrql() < DISPATCH_LEVEL) {
        HostYield();
    }
    if (Fail->Nth == 0) {
        return FALSE;
    }
    if (Fail->Nth > 1) {
        Fail->Nth--;
        return FALSE;
    }
    if (--Fail->Repeat == 0) {
        Fail->Nth = 0;
    }
    return TRUE;
}

/* ---- pages and views ---- */

static WORLD_VIEW *ViewAt(ULONG_PTR Va)
{
    ULONG_PTR Index = (Va - CacheStart) >> VACB_OFFSET_SHIFT;

    return Va < CacheStart || Index >= WORLD_VIEWS ? NULL : &Views[Index];
}

static ULONG PageAt(const WORLD_VIEW *View, ULONG_PTR Va)
{
    return View->FirstPage + ((Va >> PAGE_SHIFT) & (MM_CACHE_VIEW_PAGES - 1));
}

static void SetPte(ULONG_PTR Va, ULONG Long)
{
    HostFindPte(HOST_DIRECTORY_FRAME, Va)->Long = Long;
    KeFlushSingleTb(Va);
}

/* What was written through a view's PTE is known to the file's page from now on. */
static void MoveDirty(ULONG_PTR Va)
{
    WORLD_VIEW *View = ViewAt(Va);

    if ((HostFindPte(HOST_DIRECTORY_FRAME, Va)->Long & MM_PTE_BITS_DIRTY) != 0) {
        View->File->Modified[PageAt(View, Va)] = 1;
    }
}

static ULONG FrameOf(PVOID Page)
{
    return (ULONG)(MmGetPhysicalAddress(Page).QuadPart >> PAGE_SHIFT);
}

/* Change the PTEs of all views of a page that have one. */
static void RemapPage(CC_WORLD_FILE *File, ULONG Page, ULONG Long)
{
    ULONG i;

    for (i = 0; i < WORLD_VIEWS; i++) {
        if (Views[i].File == File && Page - Views[i].FirstPage < MM_CACHE_VIEW_PAGES) {
            ULONG_PTR Va =
                CacheStart + i * MM_CACHE_VIEW_BYTES + (Page - Views[i].FirstPage) * PAGE_SIZE;

            if ((HostFindPte(HOST_DIRECTORY_FRAME, Va)->Long & MM_PTE_BITS_VALID) != 0) {
                SetPte(Va, Long);
            }
        }
    }
}

static void WriteToDisk(CC_WORLD_FILE *File, ULONG Page)
{
    ULONG First = Page * PAGE_SIZE;

    if (!File->Modified[Page]) {
        return;
    }
    File->Modified[Page] = 0;
    RemapPage(File, Page, FrameOf(File->Page[Page]) << PAGE_SHIFT | READ_ONLY);
    if (First < File->Bytes) {
        memcpy(File->Disk + First, File->Page[Page],
               File->Bytes - First < PAGE_SIZE ? File->Bytes - First : PAGE_SIZE);
    }
}

static void DropPage(CC_WORLD_FILE *File, ULONG Page)
{
    if (File->Page[Page] != NULL) {
        RemapPage(File, Page, 0);
        ExFreePoolWithTag(File->Page[Page], TAG);
        File->Page[Page] = NULL;
        File->Modified[Page] = 0;
    }
}

static BOOLEAN IsLocked(CC_WORLD_FILE *File, ULONG Page)
{
    return MI_PFN(FrameOf(File->Page[Page]))->u3.e2.ReferenceCount > 1;
}

/* Bytes behind the file's end are zeroes. */
static NTSTATUS ReadPage(CC_WORLD_FILE *File, ULONG Page)
{
    ULONG First = Page * PAGE_SIZE;
    PUCHAR Memory;

    if (Fails(CcWorldRead)) {
        return STATUS_IN_PAGE_ERROR;
    }
    Memory = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    if (Memory == NULL) {
        return STATUS_IN_PAGE_ERROR;
    }
    if (File->Page[Page] != NULL) {
        ExFreePoolWithTag(Memory, TAG); /* another thread was quicker */
        return STATUS_SUCCESS;
    }
    memset(Memory, 0, PAGE_SIZE);
    if (First < File->Bytes) {
        memcpy(Memory, File->Disk + First,
               File->Bytes - First < PAGE_SIZE ? File->Bytes - First : PAGE_SIZE);
    }
    File->Page[Page] = Memory;
    return STATUS_SUCCESS;
}

static BOOLEAN Fault(ULONG_PTR Va, ULONG ErrorCode)
{
    WORLD_VIEW *View = ViewAt(Va);
    NTSTATUS Status = STATUS_SUCCESS;
    CC_WORLD_FILE *File;
    ULONG Page;

    if (View == NULL || View->File == NULL) {
        return MmWorldFault(Va, ErrorCode);
    }
    File = View->File;
    Page = PageAt(View, Va);
    CHECK(Page < CC_WORLD_PAGES && KeGetCurrentIrql() < DISPATCH_LEVEL);
    if (File->Page[Page] == NULL) {
        Status = ReadPage(File, Page);
    }
    if (!NT_SUCCESS(Status)) {
        HostEndGuardedAccess(Status);
        return FALSE;
    }
    CHECK(View->File == File);
    SetPte(
        (Va & ~(ULONG_PTR)(PAGE_SIZE - 1)),
        FrameOf(File->Page[Page]) << PAGE_SHIFT |
            ((ErrorCode & HOST_FAULT_WRITE) != 0 || File->Modified[Page] ? WRITABLE : READ_ONLY));
    return TRUE;
}

/* ---- the seam ---- */

static CC_WORLD_FILE *FileOf(PSECTION_OBJECT_POINTERS Pointers)
{
    return CONTAINING_RECORD(Pointers, CC_WORLD_FILE, Pointers);
}

static NTSTATUS Create(PFILE_OBJECT Object, PLARGE_INTEGER Bytes, struct _SECTION **Section)
{
    CC_WORLD_FILE *File = FileOf(Object->SectionObjectPointer);

    if (Fails(CcWorldCreate)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    File->Sections++;
    File->Section = File->Section < Bytes->QuadPart ? Bytes->QuadPart : File->Section;
    *Section = (struct _SECTION *)File;
    return STATUS_SUCCESS;
}

static void Dereference(struct _SECTION *Section)
{
    CC_WORLD_FILE *File = (CC_WORLD_FILE *)Section;

    CHECK(File->Sections != 0);
    File->Sections--;
}

static NTSTATUS Extend(struct _SECTION *Section, PLARGE_INTEGER NewBytes)
{
    CC_WORLD_FILE *File = (CC_WORLD_FILE *)Section;

    if (Fails(CcWorldExtend)) {
        return STATUS_DISK_FULL;
    }
    File->Section = File->Section < NewBytes->QuadPart ? NewBytes->QuadPart : File->Section;
    return STATUS_SUCCESS;
}

static NTSTATUS Map(struct _SECTION *Section, PVOID Base, LARGE_INTEGER Offset, ULONG Bytes)
{
    CC_WORLD_FILE *File = (CC_WORLD_FILE *)Section;
    WORLD_VIEW *View = ViewAt((ULONG_PTR)Base);

    CHECK(View != NULL && View->File == NULL && File->Sections != 0);
    CHECK_EQUAL(MM_CACHE_VIEW_BYTES, Bytes);
    CHECK((Offset.QuadPart & (MM_CACHE_VIEW_BYTES - 1)) == 0);
    CHECK(Offset.QuadPart + Bytes <= File->Section);
    if (Fails(CcWorldMap) || !NT_SUCCESS(MiCreateSystemPageTables((ULONG_PTR)Base, Bytes))) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *View = (WORLD_VIEW){File, (ULONG)(Offset.QuadPart >> PAGE_SHIFT)};
    File->Views++;
    return STATUS_SUCCESS;
}

static void Unmap(PVOID Base, ULONG Bytes)
{
    WORLD_VIEW *View = ViewAt((ULONG_PTR)Base);
    ULONG_PTR Va;

    CHECK(View != NULL && View->File != NULL);
    if (CcWorldYields) {
        HostYield();
    }
    for (Va = (ULONG_PTR)Base; Va < (ULONG_PTR)Base + Bytes; Va += PAGE_SIZE) {
        MoveDirty(Va);
        SetPte(Va, 0);
    }
    View->File->Views--;
    View->File = NULL;
}

static BOOLEAN FASTCALL IsResident(PVOID Base, ULONG Bytes)
{
    WORLD_VIEW *View = ViewAt((ULONG_PTR)Base);
    ULONG_PTR Va = (ULONG_PTR)PAGE_ALIGN(Base);

    CHECK(View != NULL && View->File != NULL);
    for (; Va < (ULONG_PTR)Base + Bytes; Va += PAGE_SIZE) {
        if (View->File->Page[PageAt(View, Va)] == NULL) {
            return FALSE;
        }
    }
    return TRUE;
}

static NTSTATUS CopyPage(PVOID Va, const void *Buffer)
{
    WORLD_VIEW *View = ViewAt((ULONG_PTR)Va);
    ULONG Page = PageAt(View, (ULONG_PTR)Va);
    NTSTATUS Status;
    PUCHAR Memory;
    ULONG Copied;

    CHECK(View->File != NULL && BYTE_OFFSET(Va) == 0);
    if (Fails(CcWorldCopy)) {
        return STATUS_NO_MEMORY;
    }
    Memory = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    if (Memory == NULL) {
        return STATUS_NO_MEMORY;
    }
    Status = CciCopyGuarded(Memory, Buffer, PAGE_SIZE, &Copied);
    if (NT_SUCCESS(Status) && View->File->Page[Page] != NULL) {
        Status = STATUS_ALREADY_COMMITTED;
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Memory, TAG);
        return Status;
    }
    View->File->Page[Page] = Memory;
    View->File->Modified[Page] = 1;
    return STATUS_SUCCESS;
}

/* What was written to is known to the flush only from here on, or when its view is unmapped. */
static BOOLEAN SetModified(PVOID Va, SIZE_T Bytes)
{
    ULONG_PTR End = (ULONG_PTR)Va + Bytes;
    ULONG_PTR Page;

    CHECK(ViewAt((ULONG_PTR)Va) != NULL && ViewAt((ULONG_PTR)Va)->File != NULL);
    CHECK(ViewAt((ULONG_PTR)Va) == ViewAt(End - 1));
    for (Page = (ULONG_PTR)PAGE_ALIGN(Va); Page < End; Page += PAGE_SIZE) {
        MoveDirty(Page);
    }
    return TRUE; /* nobody asks */
}

static NTSTATUS Flush(PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER FileOffset, ULONG Bytes,
                      PIO_STATUS_BLOCK IoStatus)
{
    CC_WORLD_FILE *File = FileOf(Pointers);
    ULONG Page = FileOffset == NULL ? 0 : (ULONG)(FileOffset->QuadPart >> PAGE_SHIFT);
    ULONG64 End = FileOffset == NULL ? CC_WORLD_PAGES
                                     : (FileOffset->QuadPart + Bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;

    IoStatus->Status = STATUS_SUCCESS;
    for (; Page < End && Page < CC_WORLD_PAGES; Page++) {
        if (File->Modified[Page]) {
            if (Fails(CcWorldFlush)) {
                IoStatus->Status = STATUS_IO_DEVICE_ERROR;
                return STATUS_IO_DEVICE_ERROR;
            }
            WriteToDisk(File, Page);
        }
    }
    return STATUS_SUCCESS;
}

static BOOLEAN Purge(PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER FileOffset, ULONG Bytes)
{
    CC_WORLD_FILE *File = FileOf(Pointers);
    ULONG Page = FileOffset == NULL ? 0 : (ULONG)(FileOffset->QuadPart >> PAGE_SHIFT);
    ULONG End = Bytes == 0 ? CC_WORLD_PAGES : Page + (ULONG)BYTES_TO_PAGES(Bytes);

    if (Fails(CcWorldPurge) || File->UserView) {
        return FALSE;
    }
    for (; Page < End && Page < CC_WORLD_PAGES; Page++) {
        DropPage(File, Page);
    }
    return TRUE;
}

/* Past the pages in memory; a driver may map the frames and leave that to who sent them. */
static NTSTATUS NTAPI PageWrite(PFILE_OBJECT Object, PMDL Mdl, PLARGE_INTEGER FileOffset,
                                PKEVENT Event, PIO_STATUS_BLOCK IoStatus)
{
    CC_WORLD_FILE *File = FileOf(Object->SectionObjectPointer);
    ULONG Bytes = MmGetMdlByteCount(Mdl);
    ULONG Offset = (ULONG)FileOffset->QuadPart;
    PUCHAR From = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);

    CHECK((Mdl->MdlFlags & MDL_PAGES_LOCKED) != 0 && From != NULL);
    CHECK(Bytes != 0 && ((Offset | Bytes) & (CC_WORLD_SECTOR - 1)) == 0);
    CHECK(Offset + Bytes <= CC_WORLD_PAGES * PAGE_SIZE);
    IoStatus->Status = Fails(CcWorldPageWrite) ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS;
    if (NT_SUCCESS(IoStatus->Status)) {
        memcpy(File->Disk + Offset, From, Bytes);
        IoStatus->Information = Bytes;
    }
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
}

static ULONG SectorBytes(PFILE_OBJECT File)
{
    (void)File;
    return CC_WORLD_SECTOR;
}

static const MM_CACHE_VIEW_CALLS Calls = {
    .MmCreateSection = Create,
    .ObDereferenceObject = Dereference,
    .MmExtendSection = Extend,
    .MmMapViewInSystemCache = Map,
    .MmUnmapViewInSystemCache = Unmap,
    .MmIsRangeResident = IsResident,
    .MmCopyToCachedPage = CopyPage,
    .MmSetAddressRangeModified = SetModified,
    .MmFlushSection = Flush,
    .MmPurgeSection = Purge,
    .IoSynchronousPageWrite = PageWrite,
    .SectorBytes = SectorBytes,
};

/* ---- callbacks ---- */

static BOOLEAN NTAPI Acquire(PVOID Context, BOOLEAN Wait)
{
    (void)Wait;
    CHECK(Context != NULL);
    CcWorldLocks += !CcWorldRefuses;
    return !CcWorldRefuses;
}

static void NTAPI Release(PVOID Context)
{
    CHECK(Context != NULL);
    CcWorldLocks--;
}

static CACHE_MANAGER_CALLBACKS Callbacks = {Acquire, Release, Acquire, Release};

/* ---- the world ---- */

static void MakeType(void)
{
    const OB_TYPE_DESCRIPTION Description = {
        .Name = u"CachedFile",
        .PoolType = NonPagedPool,
        .Tag = TAG,
        .ValidAccessMask = STANDARD_RIGHTS_ALL,
    };

    CHECK_EQUAL(STATUS_SUCCESS, ObCreateType(&Description, &FileType));
}

static PFILE_OBJECT MakeObject(CC_WORLD_FILE *File)
{
    PFILE_OBJECT Object = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, ObCreateObject(KernelMode, FileType, NULL, KernelMode, NULL,
                                               sizeof(FILE_OBJECT), 0, 0, (PVOID *)&Object));
    memset(Object, 0, sizeof(*Object));
    Object->Type = IO_TYPE_FILE;
    Object->SectionObjectPointer = &File->Pointers;
    return Object;
}

static void MakeFile(CC_WORLD_FILE *File)
{
    ULONG i;

    free(File->Disk);
    free(File->Page);
    free(File->Modified);
    memset(File, 0, sizeof(*File));
    File->Disk = calloc(CC_WORLD_PAGES, PAGE_SIZE);
    File->Page = calloc(CC_WORLD_PAGES, sizeof(PUCHAR));
    File->Modified = calloc(CC_WORLD_PAGES, 1);
    CHECK(File->Disk != NULL && File->Page != NULL && File->Modified != NULL);
    for (i = 0; i < CC_WORLD_OPENS; i++) {
        File->Object[i] = MakeObject(File);
    }
}

/* What the cache has of both pools, by the tags 'Cc..'; TAG is this world's. */
static ULONG PoolBlocks(void)
{
    ULONG Blocks = 0;
    ULONG i;

    for (i = 0; i < MI_POOL_TAGS; i++) {
        const MI_POOL_TAG *Tag = &MiPoolTags[i];

        if ((Tag->Tag & 0xFFFF) == (CC_TAG_MAP & 0xFFFF) && Tag->Tag != TAG) {
            Blocks += Tag->Use[NonPagedPool].Allocs - Tag->Use[NonPagedPool].Frees;
            Blocks += Tag->Use[PagedPool].Allocs - Tag->Use[PagedPool].Frees;
        }
    }
    return Blocks;
}

void CcWorldStart(void)
{
    ULONG i;

    MmWorldNextUnforced();
    MmWorldStart(FRAMES);
    HostSetFaultHandler(Fault);
    CacheStart = MiLayout.Region[MiRegionSystemCache].Start;
    memset(Views, 0, sizeof(Views));
    memset(CcWorldFail, 0, sizeof(CcWorldFail));
    memset(CcWorldCounts, 0, sizeof(CcWorldCounts));
    CcWorldYields = FALSE;
    CcWorldLocks = 0;
    CcWorldRefuses = FALSE;
    MakeType();
    for (i = 0; i < CC_WORLD_FILES; i++) {
        MakeFile(&CcWorldFile[i]);
    }
    CHECK_EQUAL(STATUS_SUCCESS, CcInitializeCacheManager(&Calls, FRAMES));
    CHECK(CcViewCounters.Total <= WORLD_VIEWS);
    StartBlocks = PoolBlocks();
}

void CcWorldStartThreads(void)
{
    CcWorldStart();
    HostStartClock();
    CHECK_EQUAL(STATUS_SUCCESS,
                KeCreateWorkerThread(&Worker, DelayedWorkQueue, WorkerStack + HOST_STACK_BYTES,
                                     HOST_STACK_BYTES));
    CHECK_EQUAL(STATUS_SUCCESS, CcStartLazyWriter());
}

void CcWorldFinish(void)
{
    ULONG Page;
    ULONG i;

    MiVerifyAll();
    CHECK(IsListEmpty(&CcAllMaps));
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(0, CcWorldLocks);
    CHECK_EQUAL(CcViewCounters.Total, CcViewCounters.Free);
    CHECK_EQUAL(StartBlocks, PoolBlocks());
    for (i = 0; i < CC_WORLD_FILES; i++) {
        CHECK_EQUAL(0, CcWorldFile[i].Sections);
        CHECK_EQUAL(0, CcWorldFile[i].Views);
        for (Page = 0; Page < CC_WORLD_PAGES; Page++) {
            DropPage(&CcWorldFile[i], Page);
        }
        for (Page = 0; Page < CC_WORLD_OPENS; Page++) {
            ObDereferenceObject(CcWorldFile[i].Object[Page]);
        }
    }
    HostSetFaultHandler(MmWorldFault);
    MmWorldFinish();
}

UCHAR CcWorldByte(ULONG Offset)
{
    return (UCHAR)(Offset * 7 + (Offset >> PAGE_SHIFT) * 13 + 1);
}

NTSTATUS CcWorldCache(CC_WORLD_FILE *File, ULONG Open)
{
    CC_FILE_SIZES Sizes = {.AllocationSize.QuadPart = File->Bytes,
                           .FileSize.QuadPart = File->Bytes,
                           .ValidDataLength.QuadPart =
                               File->Valid != 0 ? File->Valid : CC_NO_VALID_DATA_LENGTH};

    return CcTryInitializeCacheMap(File->Object[Open], &Sizes, TRUE, &Callbacks, File);
}

CC_WORLD_FILE *CcWorldOpen(ULONG Number, ULONG Bytes)
{
    CC_WORLD_FILE *File = &CcWorldFile[Number];
    ULONG i;

    CHECK(Bytes <= CC_WORLD_PAGES * PAGE_SIZE);
    for (i = 0; i < Bytes; i++) {
        File->Disk[i] = CcWorldByte(i);
    }
    File->Bytes = Bytes;
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldCache(File, 0));
    return File;
}

void CcWorldClose(CC_WORLD_FILE *File, ULONG Open)
{
    (void)CcUninitializeCacheMap(File->Object[Open], NULL, NULL);
}

void CcWorldTrim(CC_WORLD_FILE *File)
{
    ULONG Page;
    ULONG View;

    for (View = 0; View < WORLD_VIEWS; View++) {
        if (Views[View].File == File) {
            (void)SetModified((PVOID)(CacheStart + View * MM_CACHE_VIEW_BYTES),
                              MM_CACHE_VIEW_BYTES);
        }
    }
    for (Page = 0; Page < CC_WORLD_PAGES; Page++) {
        if (File->Page[Page] != NULL && !IsLocked(File, Page)) {
            WriteToDisk(File, Page);
            DropPage(File, Page);
        }
    }
}
