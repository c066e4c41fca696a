/* SPDX-License-Identifier: MIT */
/*
 * fsd_cache.c - what the system cache has of a file, and what it is told.
 *
 *     request                     before, with Resource                     after
 *     cached read, write          the file object is cached (fsd_copy.c)    -
 *     most below, and a new name  its entry says its size (fsd_valid.c)     -
 *     read, not cached            dirty pages of the range are written      -
 *     write, not cached           the same; longer: see below               sizes
 *     becomes longer              the section too; behind the old end the   sizes
 *                                 cache has zeroes
 *     becomes shorter             -                                         sizes; what is behind
 *                                                                           is forgotten
 *     flush                       dirty pages are written                   -
 *     cleanup                     the file object is not cached any more;   -
 *                                 with the last one of a deleted file all
 *                                 is forgotten
 *     lock (FatLetGoVolume)       files that nobody has open are written, and closed
 *     create, volume query, and   orphans that nobody has mapped any more are forgotten
 *     what finds no room
 *
 * What makes a file longer past the cache writes zeroes or data to the disk first (write.c): behind
 * what the cache has, the disk agrees with it.  The rest of the page that was the last one may be
 * in memory with what views wrote there, or with what was there before the file was cut: it becomes
 * zero in the cache.  So does all of the new part, when pages behind an earlier cut could not be
 * forgotten because somebody has them mapped (FAT_FCB.Behind).
 *
 * The cache's own threads take Resource, shared: who has it exclusive is alone with the file.
 *
 * Locking: the file's Resource, held by the caller; neither PagingIoResource nor the mutex.
 */
#include "cc.h"
#include "disk/fat/fsd_i.h"

/* ---- the cache's threads ---- */

static BOOLEAN NTAPI FatpAcquireForCache(PVOID Context, BOOLEAN Wait)
{
    PFAT_FCB Fcb = Context;

    KeEnterCriticalRegion();
    if (ExAcquireResourceSharedLite(&Fcb->Resource, Wait)) {
        return TRUE;
    }
    KeLeaveCriticalRegion();
    return FALSE;
}

static void NTAPI FatpReleaseFromCache(PVOID Context)
{
    PFAT_FCB Fcb = Context;

    ExReleaseResourceLite(&Fcb->Resource);
    KeLeaveCriticalRegion();
}

static void NTAPI FatpReleaseFromLazyWrite(PVOID Context)
{
    FatFollowLazyWrite(Context);
    FatpReleaseFromCache(Context);
}

static CACHE_MANAGER_CALLBACKS FatpCallbacks = {
    .AcquireForLazyWrite = FatpAcquireForCache,
    .ReleaseFromLazyWrite = FatpReleaseFromLazyWrite,
    .AcquireForReadAhead = FatpAcquireForCache,
    .ReleaseFromReadAhead = FatpReleaseFromCache,
};

/* ---- sizes ---- */

static CC_FILE_SIZES FatpSizes(const FAT_FCB *Fcb)
{
    return (CC_FILE_SIZES){
        .AllocationSize = Fcb->Header.AllocationSize,
        .FileSize = Fcb->Header.FileSize,
        .ValidDataLength = Fcb->Header.ValidDataLength,
    };
}

#define FATP_READ_AHEAD 0x10000u /* bytes at once */

NTSTATUS FatBeginCaching(PFAT_REQUEST Request)
{
    CC_FILE_SIZES Sizes = FatpSizes(Request->Fcb);
    NTSTATUS Status;

    if (Request->FileObject->PrivateCacheMap != NULL) {
        return STATUS_SUCCESS;
    }
    Status =
        CcTryInitializeCacheMap(Request->FileObject, &Sizes, FALSE, &FatpCallbacks, Request->Fcb);
    if (NT_SUCCESS(Status)) {
        CcSetReadAheadGranularity(Request->FileObject, FATP_READ_AHEAD);
    }
    return Status;
}

/* Of the file object the call looks at the section pointers alone. */
static NTSTATUS FatpTell(PFAT_FCB Fcb, CC_FILE_SIZES *Sizes)
{
    FILE_OBJECT File = {.Type = IO_TYPE_FILE, .SectionObjectPointer = &Fcb->Section};

    return CcSetFileSizesEx(&File, Sizes);
}

void FatFinishCache(PFAT_FCB Fcb, LONGLONG Before)
{
    CC_FILE_SIZES Sizes = FatpSizes(Fcb);
    ULONG64 Now = (ULONG64)Sizes.FileSize.QuadPart;
    BOOLEAN Shorter = (LONGLONG)Now < Before;
    NTSTATUS Status = STATUS_SUCCESS;

    if ((LONGLONG)Now == Before) {
        return;
    }
    if (Fcb->Section.SharedCacheMap != NULL) {
        Status = FatpTell(Fcb, &Sizes);
    } else if (Shorter) {
        Status = FatPurgeCached(Fcb, ROUND_UP(Now, (ULONG64)PAGE_SIZE), FAT_TO_THE_END);
    }
    MI_ASSERT(NT_SUCCESS(Status) || Status == STATUS_USER_MAPPED_FILE); /* no section grew */
    if (Shorter || !NT_SUCCESS(Status)) {
        Fcb->Behind = !NT_SUCCESS(Status);
    }
}

/* What the cache may have behind the old end becomes zero. */
static NTSTATUS FatpZeroBehind(PFAT_REQUEST Request, LONGLONG Before, LONGLONG Bytes)
{
    LONGLONG PageEnd = ROUND_UP(Before, (LONGLONG)PAGE_SIZE);
    LONGLONG End = Request->Fcb->Behind || Bytes < PageEnd ? Bytes : PageEnd;
    NTSTATUS Status;

    if (End == Before) {
        return STATUS_SUCCESS;
    }
    Status = FatBeginCaching(Request);
    if (NT_SUCCESS(Status)) {
        FatNoteCopied(Request->Fcb, TRUE);
        Status = CcTryZeroData(Request->FileObject, Before, End, TRUE);
    }
    return Status;
}

NTSTATUS FatPrepareGrowth(PFAT_REQUEST Request, LONGLONG Bytes)
{
    PFAT_FCB Fcb = Request->Fcb;
    LONGLONG Before = Fcb->Header.FileSize.QuadPart;
    CC_FILE_SIZES Sizes = {
        .AllocationSize.QuadPart = Bytes,
        .FileSize.QuadPart = Bytes,
        .ValidDataLength.QuadPart = Before,
    };
    NTSTATUS Status;

    if (!FatHasSection(Fcb) || !CcIsRunning()) {
        return STATUS_SUCCESS;
    }
    Status = FatBeginCaching(Request);
    if (NT_SUCCESS(Status)) {
        Status = FatpTell(Fcb, &Sizes);
        Request->Told = TRUE; /* and told again when it is over, or did not happen */
    }
    return NT_SUCCESS(Status) ? FatpZeroBehind(Request, Before, Bytes) : Status;
}

/* ---- before the handler ---- */

/* => The handler says what is wrong with such a request. */
static BOOLEAN FatpHasNoData(PFAT_REQUEST Request)
{
    return Request->Stack->Parameters.Read.Length == 0 || !FatHasSection(Request->Fcb) ||
           !FatFindStart(Request, &Request->Start);
}

static NTSTATUS FatpPrepareRead(PFAT_REQUEST Request)
{
    if (FatpHasNoData(Request)) {
        return STATUS_SUCCESS;
    }
    return FatFlushCached(Request->Fcb, Request->Start,
                          Request->Start + Request->Stack->Parameters.Read.Length);
}

static NTSTATUS FatpPrepareWrite(PFAT_REQUEST Request)
{
    PFAT_FCB Fcb = Request->Fcb;
    ULONG64 Size = (ULONG64)Fcb->Header.FileSize.QuadPart;
    ULONG64 End;
    NTSTATUS Status;

    if (FatpHasNoData(Request)) {
        return STATUS_SUCCESS;
    }
    End = Request->Start + Request->Stack->Parameters.Write.Length;
    if (!NT_SUCCESS(FatCheckWrite(Fcb, Request->Start, (ULONG)(End - Request->Start)))) {
        return STATUS_SUCCESS;
    }
    Status = End > Size ? FatPrepareGrowth(Request, (LONGLONG)End) : STATUS_SUCCESS;
    return NT_SUCCESS(Status)
               ? FatFlushCached(Fcb, Request->Start < Size ? Request->Start : Size, End)
               : Status;
}

/* => Whether a request to set something goes by the entry.  To make a file shorter does not. */
static BOOLEAN FatpSetsByEntry(const FAT_REQUEST *Request)
{
    FILE_INFORMATION_CLASS Class = Request->Stack->Parameters.SetFile.FileInformationClass;

    if (Class != FileEndOfFileInformation ||
        Request->Stack->Parameters.SetFile.Length < sizeof(LARGE_INTEGER)) {
        return Class == FileRenameInformation;
    }
    return ((PLARGE_INTEGER)Request->Irp->AssociatedIrp.SystemBuffer)->QuadPart >
           Request->Fcb->Header.FileSize.QuadPart;
}

/* => STATUS_SUCCESS: the handler may go by File.Bytes, unless it makes the file shorter. */
static NTSTATUS FatpPrepareLag(PFAT_REQUEST Request)
{
    switch (Request->Stack->MajorFunction) {
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
        return FatCatchUp(Request->Fcb);
    case IRP_MJ_SET_INFORMATION:
        return FatpSetsByEntry(Request) ? FatCatchUp(Request->Fcb) : STATUS_SUCCESS;
    default:
        return STATUS_SUCCESS;
    }
}

static NTSTATUS FatpPrepareSize(PFAT_REQUEST Request)
{
    FILE_INFORMATION_CLASS Class = Request->Stack->Parameters.SetFile.FileInformationClass;
    LONGLONG Bytes;

    if (Class != FileEndOfFileInformation ||
        Request->Stack->Parameters.SetFile.Length < sizeof(LARGE_INTEGER)) {
        return STATUS_SUCCESS;
    }
    Bytes = ((PLARGE_INTEGER)Request->Irp->AssociatedIrp.SystemBuffer)->QuadPart;
    return Bytes > Request->Fcb->Header.FileSize.QuadPart && Bytes <= FAT_MOST_BYTES
               ? FatPrepareGrowth(Request, Bytes)
               : STATUS_SUCCESS;
}

/* => Whether the file goes with this handle, and nobody has it mapped. */
static BOOLEAN FatpIsLastOfDeleted(PFAT_REQUEST Request)
{
    PFAT_FCB Fcb = Request->Fcb;
    BOOLEAN Last;

    ExAcquireFastMutex(&Request->Vcb->Mutex);
    Last = Fcb->Handles == 1 && (Fcb->DeletePending || Request->Ccb->DeleteOnClose);
    Fcb->DeletePending |= Last; /* nobody opens it from here on */
    ExReleaseFastMutex(&Request->Vcb->Mutex);
    return Last && (FatIsDirectory(Fcb) || NT_SUCCESS(FatMayDelete(Fcb)));
}

/* Nobody will open it again, so Last stays.  What cannot be forgotten is never written. */
static void FatpEndCaching(PFAT_REQUEST Request)
{
    BOOLEAN Last = FatpIsLastOfDeleted(Request);
    LARGE_INTEGER Nothing = {.QuadPart = 0};

    if (CcIsRunning() && Request->FileObject->PrivateCacheMap != NULL) {
        (void)CcUninitializeCacheMap(Request->FileObject, Last ? &Nothing : NULL, NULL);
    }
    if (Last) {
        NTSTATUS Status = FatPurgeCached(Request->Fcb, 0, FAT_TO_THE_END);

        Request->Fcb->Behind |= !NT_SUCCESS(Status);
    }
}

NTSTATUS FatPrepareCache(PFAT_REQUEST Request)
{
    NTSTATUS Status = FatpPrepareLag(Request);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    switch (Request->Stack->MajorFunction) {
    case IRP_MJ_READ:
        return FatpPrepareRead(Request);
    case IRP_MJ_WRITE:
        return FatpPrepareWrite(Request);
    case IRP_MJ_SET_INFORMATION:
        return FatpPrepareSize(Request);
    case IRP_MJ_FLUSH_BUFFERS:
        return Request->Fcb != NULL ? FatFlushFile(Request->Fcb) : FatFlushFiles(Request->Vcb);
    case IRP_MJ_CLEANUP:
        FatpEndCaching(Request);
        return STATUS_SUCCESS;
    default:
        return STATUS_SUCCESS;
    }
}

/* ---- all files of a volume ---- */

#define FATP_TRIES    100u
#define FATP_INTERVAL 100000 /* 10 ms, in units of 100 ns */

/* Read-ahead that is under way has the map for a moment; without Resource it ends at once. */
static void FatpWaitForMap(PFAT_FCB Fcb)
{
    LARGE_INTEGER Interval = {.QuadPart = -FATP_INTERVAL};
    ULONG Tries;

    for (Tries = 0; Tries < FATP_TRIES && Fcb->Section.SharedCacheMap != NULL; Tries++) {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
}

/* Who opens it meanwhile finds pages gone that are on the disk. */
NTSTATUS FatLetGo(PFAT_FCB Fcb)
{
    NTSTATUS Status = FatFlushFile(Fcb);

    if (!NT_SUCCESS(Status) || Fcb->Handles != 0) {
        return Status;
    }
    Status = FatPurgeCached(Fcb, 0, FAT_TO_THE_END);
    if (NT_SUCCESS(Status)) {
        FatpWaitForMap(Fcb);
        FatForceClosed(Fcb);
    }
    return Status;
}

/* What was written to it reaches no disk any more: nobody will read it. */
static NTSTATUS FatpForgetOrphan(PFAT_FCB Fcb)
{
    NTSTATUS Status = FatMayDelete(Fcb);

    if (NT_SUCCESS(Status)) {
        Status = FatPurgeCached(Fcb, 0, FAT_TO_THE_END);
    }
    if (NT_SUCCESS(Status)) {
        FatpWaitForMap(Fcb);
        FatForceClosed(Fcb);
    }
    return Status;
}

/* What is done, to which files. */
typedef enum _FATP_FILES {
    FatpFlushAll,
    FatpLetGoAll,
    FatpOrphans
} FATP_FILES;

static NTSTATUS FatpFlushFile(PFAT_FCB Fcb, FATP_FILES Which)
{
    NTSTATUS Status;

    KeEnterCriticalRegion();
    if (Which != FatpFlushAll) {
        (void)ExAcquireResourceExclusiveLite(&Fcb->Resource, TRUE);
        Status = Which == FatpOrphans ? FatpForgetOrphan(Fcb) : FatLetGo(Fcb);
    } else {
        (void)ExAcquireResourceSharedLite(&Fcb->Resource, TRUE);
        Status = FatFlushFile(Fcb);
    }
    ExReleaseResourceLite(&Fcb->Resource);
    KeLeaveCriticalRegion();
    return Status;
}

/* The list may change while a file is flushed, but for that file, which is referenced. */
static NTSTATUS FatpForFiles(PFAT_VCB Vcb, FATP_FILES Which)
{
    NTSTATUS First = STATUS_SUCCESS;
    PLIST_ENTRY Link;

    ExAcquireFastMutex(&Vcb->Mutex);
    Link = Vcb->Fcbs.Flink;
    while (Link != &Vcb->Fcbs) {
        PFAT_FCB Fcb = CONTAINING_RECORD(Link, FAT_FCB, Link);
        NTSTATUS Status;

        if (Which == FatpOrphans && Fcb->Orphan == 0) {
            Link = Link->Flink;
            continue;
        }
        Fcb->References++;
        ExReleaseFastMutex(&Vcb->Mutex);
        Status = FatpFlushFile(Fcb, Which);
        First = NT_SUCCESS(First) ? Status : First;
        ExAcquireFastMutex(&Vcb->Mutex);
        Link = Link->Flink;
        FatDereferenceFcb(Fcb);
    }
    ExReleaseFastMutex(&Vcb->Mutex);
    return First;
}

NTSTATUS FatFlushFiles(PFAT_VCB Vcb)
{
    return FatpForFiles(Vcb, FatpFlushAll);
}

NTSTATUS FatLetGoFiles(PFAT_VCB Vcb)
{
    return FatpForFiles(Vcb, FatpLetGoAll);
}

void FatLetGoOrphans(PFAT_VCB Vcb)
{
    NTSTATUS Status = FatpForFiles(Vcb, FatpOrphans);

    (void)NT_SUCCESS(Status); /* those that are mapped stay */
}
