/* SPDX-License-Identifier: MIT */
/*
 * memory_map.c - the firmware's memory map becomes a sorted list of runs, then gives pages away.
 *
 * Firmware maps are unsorted, have gaps, and some overlap themselves.  Nothing is sorted here:
 * a position sweeps the physical address space from 0 upwards, and at each stop all descriptors
 * are asked who covers it and where the next one begins or ends.  That is quadratic, but maps have
 * about a hundred entries, it needs no memory beside the result, and no order of the input can
 * confuse it.
 *
 * The types, from the one that leaves the kernel most freedom to the one that leaves it least.
 * Where descriptors overlap the later line wins:
 *
 *     run type                 EFI types
 *     LoaderFree               7 conventional
 *     LoaderFirmwareTemporary  1, 2 loader code, data; 3, 4 boot services code, data
 *     LoaderAcpiReclaim        9
 *     LoaderAcpiNvs            10
 *     LoaderFirmwarePermanent  0 reserved; 5, 6 runtime code, data; 13 PAL; every other number;
 *                              and RAM whose attribute says that runtime services use it
 *     LoaderMappedIo           11, 12 device registers and ports
 *     LoaderBad                8 unusable
 *
 * Invariants of a run list (BlVerifyMemoryRuns):
 *   M1  a run has at least one page and ends at or below BL_END_PAGE
 *   M2  runs are sorted by base and disjoint
 *   M3  runs that touch have different types
 *   M4  Type is a LOADER_MEMORY_TYPE, Reserved is 0
 *   M5  LoaderFree and LoaderFirmwareTemporary end at or below BL_HIGH_PAGE
 *
 * Locking: none; the loader has one thread.
 */
#include "memory_map.h"
#include "rtl.h"

/* EFI_MEMORY_DESCRIPTOR of the UEFI specification, version 1; firmware may append fields. */
typedef struct _BLP_DESCRIPTOR {
    ULONG Type;
    ULONG Pad;
    ULONG64 PhysicalStart;
    ULONG64 VirtualStart;
    ULONG64 NumberOfPages;
    ULONG64 Attribute;
} BLP_DESCRIPTOR;

NT_C_ASSERT(sizeof(BLP_DESCRIPTOR) == 40);

/* EFI_MEMORY_RUNTIME: runtime services need the range. */
#define BLP_ATTRIBUTE_RUNTIME ((ULONG64)1 << 63)

#define BLP_PAGES_PER_MB      (0x100000u / PAGE_SIZE)

/* The last KB below 640 KB is the extended BIOS data area, on PCs that have one. */
#define BLP_BIOS_DATA_PAGE (0x9FC00u / PAGE_SIZE)

typedef struct _BLP_MAP {
    const UCHAR *Bytes;
    SIZE_T Count;  /* descriptors */
    SIZE_T Stride; /* bytes from one to the next */
} BLP_MAP;

/* The pages [First, End); empty when First >= End. */
typedef struct _BLP_SPAN {
    ULONG64 First;
    ULONG64 End;
    ULONG Type; /* LOADER_MEMORY_TYPE */
} BLP_SPAN;

/* A position nobody covers. */
#define BLP_GAP LOADER_MEMORY_TYPES

/* How strict a type is; only those that BlpRunType returns can meet. */
static const UCHAR BlpStrictness[LOADER_MEMORY_TYPES] = {
    [LoaderFree] = 1,    [LoaderFirmwareTemporary] = 2, [LoaderAcpiReclaim] = 3,
    [LoaderAcpiNvs] = 4, [LoaderFirmwarePermanent] = 5, [LoaderMappedIo] = 6,
    [LoaderBad] = 7,
};

static BOOLEAN BlpIsRam(ULONG Type)
{
    return Type == LoaderFree || Type == LoaderFirmwareTemporary;
}

static ULONG BlpRunType(const BLP_DESCRIPTOR *Descriptor)
{
    static const UCHAR Types[] = {
        LoaderFirmwarePermanent, /* EfiReservedMemoryType */
        LoaderFirmwareTemporary, /* EfiLoaderCode */
        LoaderFirmwareTemporary, /* EfiLoaderData */
        LoaderFirmwareTemporary, /* EfiBootServicesCode */
        LoaderFirmwareTemporary, /* EfiBootServicesData */
        LoaderFirmwarePermanent, /* EfiRuntimeServicesCode */
        LoaderFirmwarePermanent, /* EfiRuntimeServicesData */
        LoaderFree,              /* EfiConventionalMemory */
        LoaderBad,               /* EfiUnusableMemory */
        LoaderAcpiReclaim,       /* EfiACPIReclaimMemory */
        LoaderAcpiNvs,           /* EfiACPIMemoryNVS */
        LoaderMappedIo,          /* EfiMemoryMappedIO */
        LoaderMappedIo,          /* EfiMemoryMappedIOPortSpace */
    };
    ULONG Type = LoaderFirmwarePermanent;

    if (Descriptor->Type < RTL_NUMBER_OF(Types)) {
        Type = Types[Descriptor->Type];
    }
    if (BlpIsRam(Type) && (Descriptor->Attribute & BLP_ATTRIBUTE_RUNTIME) != 0) {
        Type = LoaderFirmwarePermanent;
    }
    return Type;
}

/* The pages that descriptor Index stands for.  Whatever is odd makes for less RAM, never more. */
static BLP_SPAN BlpDecodeDescriptor(const BLP_MAP *Map, SIZE_T Index)
{
    BLP_DESCRIPTOR Descriptor;
    BLP_SPAN Span;
    ULONG64 Partial;
    ULONG64 Room;

    memcpy(&Descriptor, Map->Bytes + Index * Map->Stride, sizeof(Descriptor));
    Span.Type = BlpRunType(&Descriptor);
    Span.First = Descriptor.PhysicalStart >> PAGE_SHIFT;
    Span.End = Span.First;
    Partial = (Descriptor.PhysicalStart & (PAGE_SIZE - 1)) != 0;
    Room = BL_END_PAGE - Span.First - Partial;
    if (Descriptor.NumberOfPages == 0) {
        return Span;
    }
    if (BlpIsRam(Span.Type)) {
        Span.End += Descriptor.NumberOfPages <= Room ? Descriptor.NumberOfPages : 0;
        Span.First += Partial;
    } else {
        Span.End += Partial + (Descriptor.NumberOfPages <= Room ? Descriptor.NumberOfPages : Room);
    }
    return Span;
}

/* The stretch that begins at Position and has one type, or BLP_GAP, throughout. */
static BLP_SPAN BlpSweep(const BLP_MAP *Map, ULONG64 Position)
{
    BLP_SPAN Result;
    BLP_SPAN Span;
    SIZE_T Index;

    Result.First = Position;
    Result.End = Position < BL_HIGH_PAGE ? BL_HIGH_PAGE : BL_END_PAGE;
    Result.Type = BLP_GAP;
    for (Index = 0; Index < Map->Count; Index++) {
        Span = BlpDecodeDescriptor(Map, Index);
        if (Span.First >= Span.End || Span.End <= Position) {
            continue;
        }
        if (Span.First > Position) {
            Result.End = Span.First < Result.End ? Span.First : Result.End;
            continue;
        }
        Result.End = Span.End < Result.End ? Span.End : Result.End;
        if (Result.Type == BLP_GAP || BlpStrictness[Span.Type] > BlpStrictness[Result.Type]) {
            Result.Type = Span.Type;
        }
    }
    if (Position >= BL_HIGH_PAGE && BlpIsRam(Result.Type)) {
        Result.Type = LoaderUnusableHigh;
    }
    return Result;
}

static ULONG64 BlpRunEnd(const LOADER_MEMORY_RUN *Run)
{
    return Run->BasePage + Run->PageCount;
}

/* Add a span above all runs.  => FALSE: there is no room. */
static BOOLEAN BlpAppendSpan(LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count,
                             const BLP_SPAN *Span)
{
    LOADER_MEMORY_RUN *Last = *Count != 0 ? &Runs[*Count - 1] : NULL;

    if (Last != NULL && Last->Type == Span->Type && BlpRunEnd(Last) == Span->First) {
        Last->PageCount += Span->End - Span->First;
        return TRUE;
    }
    if (*Count == Capacity) {
        return FALSE;
    }
    Runs[*Count].BasePage = Span->First;
    Runs[*Count].PageCount = Span->End - Span->First;
    Runs[*Count].Type = Span->Type;
    Runs[*Count].Reserved = 0;
    (*Count)++;
    return TRUE;
}

NTSTATUS BlBuildMemoryRuns(const void *Map, SIZE_T MapBytes, SIZE_T DescriptorBytes,
                           LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count)
{
    BLP_MAP Source;
    BLP_SPAN Span;
    ULONG64 Position;
    ULONG Built = 0;

    if (MapBytes == 0 || DescriptorBytes < sizeof(BLP_DESCRIPTOR) ||
        MapBytes % DescriptorBytes != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    Source.Bytes = Map;
    Source.Count = MapBytes / DescriptorBytes;
    Source.Stride = DescriptorBytes;
    for (Position = 0; Position < BL_END_PAGE; Position = Span.End) {
        Span = BlpSweep(&Source, Position);
        if (Span.Type != BLP_GAP && !BlpAppendSpan(Runs, Capacity, &Built, &Span)) {
            return STATUS_BUFFER_TOO_SMALL;
        }
    }
    *Count = Built;
    return STATUS_SUCCESS;
}

/* Make Page the base of a run, if it lies inside one.  => Room for one more run. */
static void BlpSplitAt(LOADER_MEMORY_RUN *Runs, PULONG Count, ULONG64 Page)
{
    ULONG Index = 0;

    while (Index < *Count && BlpRunEnd(&Runs[Index]) <= Page) {
        Index++;
    }
    if (Index == *Count || Runs[Index].BasePage >= Page) {
        return;
    }
    memmove(&Runs[Index + 1], &Runs[Index], (*Count - Index) * sizeof(*Runs));
    (*Count)++;
    Runs[Index].PageCount = Page - Runs[Index].BasePage;
    Runs[Index + 1].BasePage += Runs[Index].PageCount;
    Runs[Index + 1].PageCount -= Runs[Index].PageCount;
}

/* Give the RAM in [First, End) the type Type.  Breaks M3.  => Room for two more runs. */
static void BlpRetypeRam(LOADER_MEMORY_RUN *Runs, PULONG Count, ULONG64 First, ULONG64 End,
                         ULONG Type)
{
    ULONG Index;

    BlpSplitAt(Runs, Count, First);
    BlpSplitAt(Runs, Count, End);
    for (Index = 0; Index < *Count; Index++) {
        if (Runs[Index].BasePage >= First && BlpRunEnd(&Runs[Index]) <= End &&
            BlpIsRam(Runs[Index].Type)) {
            Runs[Index].Type = Type;
        }
    }
}

/* Restore M3. */
static void BlpMergeRuns(LOADER_MEMORY_RUN *Runs, PULONG Count)
{
    ULONG Old;
    ULONG New = 0;

    for (Old = 1; Old < *Count; Old++) {
        if (Runs[Old].Type == Runs[New].Type && BlpRunEnd(&Runs[New]) == Runs[Old].BasePage) {
            Runs[New].PageCount += Runs[Old].PageCount;
        } else {
            Runs[++New] = Runs[Old];
        }
    }
    if (*Count != 0) {
        *Count = New + 1;
    }
}

static BOOLEAN BlpRangeIsRam(const LOADER_MEMORY_RUN *Runs, ULONG Count, ULONG64 First, ULONG64 End)
{
    ULONG Index;

    for (Index = 0; Index < Count && First < End; Index++) {
        if (BlpRunEnd(&Runs[Index]) <= First) {
            continue;
        }
        if (Runs[Index].BasePage > First || !BlpIsRam(Runs[Index].Type)) {
            return FALSE;
        }
        First = BlpRunEnd(&Runs[Index]);
    }
    return First >= End;
}

NTSTATUS BlClaimRange(LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count, ULONG64 BasePage,
                      ULONG64 PageCount, ULONG Type)
{
    if (PageCount == 0 || Type >= LOADER_MEMORY_TYPES) {
        return STATUS_INVALID_PARAMETER;
    }
    if (BasePage >= BL_END_PAGE || PageCount > BL_END_PAGE - BasePage ||
        !BlpRangeIsRam(Runs, *Count, BasePage, BasePage + PageCount)) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    if (Capacity < 2 || *Count > Capacity - 2) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    BlpRetypeRam(Runs, Count, BasePage, BasePage + PageCount, Type);
    BlpMergeRuns(Runs, Count);
    return STATUS_SUCCESS;
}

/* Withhold Pages pages of RAM from the top down.  Breaks M3.  => Room for one more run. */
static void BlpBurnPages(LOADER_MEMORY_RUN *Runs, PULONG Count, ULONG64 Pages)
{
    ULONG Index;

    for (Index = *Count; Index-- != 0 && Pages != 0;) {
        if (!BlpIsRam(Runs[Index].Type)) {
            continue;
        }
        if (Runs[Index].PageCount > Pages) {
            BlpSplitAt(Runs, Count, BlpRunEnd(&Runs[Index]) - Pages);
            Index++;
        }
        Runs[Index].Type = LoaderMaxMemory;
        Pages -= Runs[Index].PageCount;
    }
}

NTSTATUS BlLimitMemory(LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count, ULONG MaxMemoryMb,
                       ULONG BurnMemoryMb)
{
    if (Capacity < 2 || *Count > Capacity - 2) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (MaxMemoryMb != 0) {
        BlpRetypeRam(Runs, Count, (ULONG64)MaxMemoryMb * BLP_PAGES_PER_MB, BL_END_PAGE,
                     LoaderMaxMemory);
    }
    BlpBurnPages(Runs, Count, (ULONG64)BurnMemoryMb * BLP_PAGES_PER_MB);
    BlpMergeRuns(Runs, Count);
    return STATUS_SUCCESS;
}

NTSTATUS BlReserveLowMemory(LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count)
{
    if (Capacity < 4 || *Count > Capacity - 4) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    BlpRetypeRam(Runs, Count, 0, 1, LoaderFirmwarePermanent);
    BlpRetypeRam(Runs, Count, BLP_BIOS_DATA_PAGE, BLP_PAGES_PER_MB, LoaderFirmwarePermanent);
    BlpMergeRuns(Runs, Count);
    return STATUS_SUCCESS;
}

ULONG64 BlCountPages(const LOADER_MEMORY_RUN *Runs, ULONG Count, ULONG Type)
{
    ULONG64 Pages = 0;
    ULONG Index;

    for (Index = 0; Index < Count; Index++) {
        if (Runs[Index].Type == Type) {
            Pages += Runs[Index].PageCount;
        }
    }
    return Pages;
}

/* M1, M4 and M5: what one run can be asked alone. */
static BOOLEAN BlpVerifyRun(const LOADER_MEMORY_RUN *Run)
{
    if (Run->PageCount == 0 || Run->BasePage >= BL_END_PAGE ||
        Run->PageCount > BL_END_PAGE - Run->BasePage) {
        return FALSE;
    }
    if (Run->Type >= LOADER_MEMORY_TYPES || Run->Reserved != 0) {
        return FALSE;
    }
    return !BlpIsRam(Run->Type) || BlpRunEnd(Run) <= BL_HIGH_PAGE;
}

BOOLEAN BlVerifyMemoryRuns(const LOADER_MEMORY_RUN *Runs, ULONG Count)
{
    ULONG Index;

    for (Index = 0; Index < Count; Index++) {
        if (!BlpVerifyRun(&Runs[Index])) {
            return FALSE;
        }
        if (Index == 0) {
            continue;
        }
        if (BlpRunEnd(&Runs[Index - 1]) > Runs[Index].BasePage) {
            return FALSE; /* M2 */
        }
        if (BlpRunEnd(&Runs[Index - 1]) == Runs[Index].BasePage &&
            Runs[Index - 1].Type == Runs[Index].Type) {
            return FALSE; /* M3 */
        }
    }
    return TRUE;
}
