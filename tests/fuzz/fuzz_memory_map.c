/* SPDX-License-Identifier: MIT */
/*
 * fuzz_memory_map.c - any bytes as a firmware map, then claims and limits from the same bytes.
 *
 *     byte 0 stride - 40    1 capacity    2-5 a claim: page, pages (2), type    6-7 limits in MB
 *     then the map
 *
 * When byte 0 is odd the map is short: a descriptor is three bytes, its type, its first page and
 * its number of pages; pages from 128 on lie at 4 GB.
 */
#include "efi/memory_map.h"

#include <string.h>

#define CAPACITY      256
#define PREFIX_BYTES  8
#define STRIDE_SPREAD 32
#define SHORT_MOST    64

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

static void Require(BOOLEAN Condition)
{
    if (!Condition) {
        __builtin_trap();
    }
}

static ULONG64 AllPages(const LOADER_MEMORY_RUN *Runs, ULONG Count)
{
    ULONG64 Pages = 0;
    ULONG Type;

    for (Type = 0; Type < LOADER_MEMORY_TYPES; Type++) {
        Pages += BlCountPages(Runs, Count, Type);
    }
    return Pages;
}

static void Put64(UCHAR *To, ULONG64 Value)
{
    memcpy(To, &Value, sizeof(Value));
}

static NTSTATUS BuildShort(const uint8_t *Data, size_t Size, LOADER_MEMORY_RUN *Runs,
                           ULONG Capacity, PULONG Count)
{
    static UCHAR Map[SHORT_MOST][40];
    SIZE_T Index;

    memset(Map, 0, sizeof(Map));
    for (Index = 0; Index < SHORT_MOST && 3 * Index + 3 <= Size; Index++, Data += 3) {
        Map[Index][0] = Data[0] % 17; /* one more than there are types */
        Put64(Map[Index] + 8, (Data[1] < 128 ? Data[1] : BL_HIGH_PAGE + Data[1] - 192)
                                  << PAGE_SHIFT);
        Put64(Map[Index] + 24, Data[2]);
    }
    return BlBuildMemoryRuns(Map, 40 * Index, 40, Runs, Capacity, Count);
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static LOADER_MEMORY_RUN Runs[CAPACITY];
    static LOADER_MEMORY_RUN Before[CAPACITY];
    ULONG Count = 0;
    ULONG OldCount;
    ULONG64 Pages;
    NTSTATUS Status;

    if (Size < PREFIX_BYTES) {
        return 0;
    }
    Status = Data[0] % 2 != 0
                 ? BuildShort(Data + PREFIX_BYTES, Size - PREFIX_BYTES, Runs, Data[1], &Count)
                 : BlBuildMemoryRuns(Data + PREFIX_BYTES, Size - PREFIX_BYTES,
                                     40 + Data[0] % STRIDE_SPREAD, Runs, Data[1], &Count);
    if (!NT_SUCCESS(Status)) {
        return 0;
    }
    Require(Count <= Data[1] && BlVerifyMemoryRuns(Runs, Count));
    Pages = AllPages(Runs, Count);
    OldCount = Count;
    memcpy(Before, Runs, sizeof(Runs));
    if (!NT_SUCCESS(
            BlClaimRange(Runs, CAPACITY, &Count, Data[2], Data[3] | Data[4] << 8, Data[5]))) {
        Require(Count == OldCount && memcmp(Before, Runs, Count * sizeof(*Runs)) == 0);
    }
    Require(BlVerifyMemoryRuns(Runs, Count));
    Require(NT_SUCCESS(BlLimitMemory(Runs, CAPACITY, &Count, Data[6], Data[7])));
    Require(BlVerifyMemoryRuns(Runs, Count) && AllPages(Runs, Count) == Pages);
    return 0;
}
