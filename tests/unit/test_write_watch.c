/* SPDX-License-Identifier: MIT */
/*
 * test_write_watch.c - NtGetWriteWatch and NtResetWriteWatch.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

static PVOID Pages[16];

static ULONG Get(ULONG_PTR Va, SIZE_T Bytes, ULONG Flags, SIZE_T Most)
{
    SIZE_T Entries = Most;
    ULONG Granularity = 0;

    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(NtCurrentProcess(), Flags, (PVOID)Va, Bytes, Pages,
                                                &Entries, &Granularity));
    CHECK_EQUAL(PAGE_SIZE, Granularity);
    return (ULONG)Entries;
}

TEST(Write_watch_tells_written_pages_lowest_first)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT | MEM_RESERVE | MEM_WRITE_WATCH, RW);
    CHECK_EQUAL(0, Get(Va, KB64, 0, 16));
    SpaceWrite(Va + 0x5000, 1);
    (void)SpaceRead(Va + 0x6000);
    SpaceWrite(Va + 0x2000, 1);
    CHECK_EQUAL(2, Get(Va, KB64, 0, 16));
    CHECK_EQUAL(Va + 0x2000, (ULONG_PTR)Pages[0]);
    CHECK_EQUAL(Va + 0x5000, (ULONG_PTR)Pages[1]);
    CHECK_EQUAL(1, Get(Va, KB64, WRITE_WATCH_FLAG_RESET, 1)); /* only what was told is reset */
    CHECK_EQUAL(1, Get(Va, KB64, 0, 16));
    CHECK_EQUAL(Va + 0x5000, (ULONG_PTR)Pages[0]);
    CHECK_EQUAL(STATUS_SUCCESS, NtResetWriteWatch(NtCurrentProcess(), (PVOID)Va, KB64));
    CHECK_EQUAL(0, Get(Va, KB64, 0, 16));
    SpaceWrite(Va + 0x5000, 2);
    CHECK_EQUAL(1, Get(Va, KB64, 0, 16));
    SpaceFinish();
}

TEST(Write_watch_remembers_what_the_PTE_forgets)
{
    ULONG_PTR Va;
    PFN_NUMBER Frame;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT | MEM_RESERVE | MEM_WRITE_WATCH, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + 0x1000, 1);
    SpaceWrite(Va + 0x2000, 1);
    SpaceProtect(Va, 1, PAGE_READONLY);
    SpaceProtect(Va + 0x1000, 1, PAGE_NOACCESS);
    SpaceFree(Va + 0x2000, 1, MEM_DECOMMIT);
    CHECK_EQUAL(3, Get(Va, KB64, WRITE_WATCH_FLAG_RESET, 16));
    CHECK_EQUAL(0, Get(Va, KB64, 0, 16));
    SpaceProtect(Va, 1, RW);
    SpaceWrite(Va, 2);
    CHECK_EQUAL(1, Get(Va, KB64, WRITE_WATCH_FLAG_RESET, 16));
    Frame = MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber;
    CHECK(MI_PFN(Frame)->u3.e1.Modified); /* reset, but not on disk */
    SpaceFinish();
}

TEST(Write_watch_refuses_each_wrong_argument_with_its_status)
{
    SIZE_T Entries = 16;
    SIZE_T None = 0;
    ULONG Granularity;
    PVOID Va;
    PVOID Plain;

    SpaceStart();
    Va = (PVOID)SpaceAllocate(0, KB64, MEM_RESERVE | MEM_WRITE_WATCH, RW);
    Plain = (PVOID)SpaceAllocate(0, KB64, MEM_RESERVE, RW);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2,
                NtGetWriteWatch(NtCurrentProcess(), 2, Va, KB64, Pages, &Entries, &Granularity));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4,
                NtGetWriteWatch(NtCurrentProcess(), 0, Va, 0, Pages, &Entries, &Granularity));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6,
                NtGetWriteWatch(NtCurrentProcess(), 0, Va, KB64, Pages, &None, &Granularity));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3,
                NtGetWriteWatch(NtCurrentProcess(), 0, Plain, KB64, Pages, &Entries, &Granularity));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3, NtGetWriteWatch(NtCurrentProcess(), 0, Va, KB64 + 1,
                                                            Pages, &Entries, &Granularity));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_1, NtResetWriteWatch(NtCurrentProcess(), Plain, KB64));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2, NtResetWriteWatch(NtCurrentProcess(), Va, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2,
                NtResetWriteWatch(NtCurrentProcess(), (PVOID)0x90000000, 1));
    SpaceFinish();
}

TEST(Write_watch_takes_the_room_that_it_needs_and_no_users_array_in_the_system_half)
{
    const ULONG Many = 70; /* the stack has room for 64 */
    ULONG Granularity = 0;
    SIZE_T Entries;
    ULONG_PTR Array;
    ULONG_PTR Va;
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0, Many * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE | MEM_WRITE_WATCH, RW);
    for (i = 0; i < Many; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i + 1);
    }
    Array = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    for (Entries = 63; Entries < 68; Entries++) { /* where it is the stack's, or not */
        SIZE_T Found = Entries;

        CHECK_EQUAL(STATUS_SUCCESS,
                    NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, Many * PAGE_SIZE,
                                    (PVOID *)Array, &Found, &Granularity));
        CHECK_EQUAL(Entries, Found);
        CHECK_EQUAL(Va + (Found - 1) * PAGE_SIZE, SpaceRead(Array + (Found - 1) * sizeof(PVOID)));
    }
    Entries = 0x10000000; /* more than there are pages: no room is needed for them */
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, Many * PAGE_SIZE,
                                                (PVOID *)Array, &Entries, &Granularity));
    CHECK_EQUAL(Many, Entries);
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, KB64,
                                (PVOID *)MM_SYSTEM_RANGE_START, &Entries, &Granularity));
    KeSetPreviousMode(KernelMode);
    SpaceFinish();
}

/* The caller's array may be pageable, as his own half is, also where he asks about another one. */
TEST(Write_watch_stores_into_the_callers_address_space)
{
    const ULONG Many = 300; /* more than the stack has room for */
    PEPROCESS Other;
    ULONG Granularity = 0;
    SIZE_T Entries = Many;
    HANDLE Handle;
    ULONG_PTR Array;
    ULONG_PTR Va;
    ULONG i;

    SpaceStart();
    Other = SpaceCurrent();
    Va = SpaceAllocate(0, Many * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE | MEM_WRITE_WATCH, RW);
    for (i = 0; i < Many; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i + 1);
    }
    Array = SpaceAllocate(0, KB64, MEM_COMMIT, RW); /* nobody has touched it */
    CHECK_EQUAL(STATUS_SUCCESS,
                NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, Many * PAGE_SIZE,
                                (PVOID *)(Array + PAGE_SIZE - 8), &Entries, &Granularity));
    CHECK_EQUAL(Many, Entries);
    CHECK_EQUAL(Va + 2 * PAGE_SIZE, SpaceRead(Array + PAGE_SIZE));
    MiFailPoolAllocation(1);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                NtGetWriteWatch(NtCurrentProcess(), WRITE_WATCH_FLAG_RESET, (PVOID)Va,
                                Many * PAGE_SIZE, (PVOID *)Array, &Entries, &Granularity));
    MiFailPoolAllocation(0);
    CHECK_EQUAL(Many, Entries);
    SpaceEnter(SpaceProcess());
    Handle = SpaceHandle(Other);
    Array = SpaceAllocate(0x5000000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    Entries = 2;
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(Handle, 0, (PVOID)Va, KB64, (PVOID *)Array,
                                                &Entries, &Granularity));
    CHECK_EQUAL(Va, SpaceRead(Array));
    CHECK_EQUAL(Va + PAGE_SIZE, SpaceRead(Array + 4));
    Entries = 2;
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtGetWriteWatch(Handle, WRITE_WATCH_FLAG_RESET, (PVOID)Va, KB64,
                                (PVOID *)(Array + KB64 - 4), &Entries, &Granularity));
    CHECK_EQUAL(2, Entries);
    SpaceWrite(Array, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(Handle, 0, (PVOID)Va, KB64, (PVOID *)Array,
                                                &Entries, &Granularity));
    CHECK_EQUAL(2, Entries);
    CHECK_EQUAL(Va, SpaceRead(Array)); /* nothing was reset for nothing */
    MiVerifyAll();
    SpaceFinish();
}
