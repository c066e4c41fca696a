/* SPDX-License-Identifier: MIT */
/*
 * test_virtual_copy.c - NtReadVirtualMemory and NtWriteVirtualMemory.
 */
#include "ex.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/space_world.h"

#include <string.h>

#define RW    PAGE_READWRITE
#define BYTES 10000u

static UCHAR Bytes[BYTES];
static UCHAR Back[BYTES];

static void Fill(void)
{
    ULONG i;

    for (i = 0; i < BYTES; i++) {
        Bytes[i] = (UCHAR)(i * 7 + i / 256);
    }
    memset(Back, 0, sizeof(Back));
}

/* A process with 64 KB at 100000, and another one in which the test runs. */
static HANDLE Start(void)
{
    PEPROCESS Other;

    SpaceStart();
    Fill();
    SpaceAllocate(0x100000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    Other = SpaceCurrent();
    SpaceEnter(SpaceProcess());
    return SpaceHandle(Other);
}

/* Buffers lie in the system half, or the user half, of the simulated machine. */
TEST(Copy_writes_into_another_process_and_reads_it_back)
{
    HANDLE Other = Start();
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, BYTES, 0x74736554);
    SIZE_T Done = 0;

    memcpy(Buffer, Bytes, BYTES);
    CHECK_EQUAL(STATUS_SUCCESS, NtWriteVirtualMemory(Other, (PVOID)0x100123, Buffer, BYTES, &Done));
    CHECK_EQUAL(BYTES, Done);
    memset(Buffer, 0, BYTES);
    CHECK_EQUAL(STATUS_SUCCESS, NtReadVirtualMemory(Other, (PVOID)0x100123, Buffer, BYTES, &Done));
    CHECK(memcmp(Buffer, Bytes, BYTES) == 0);
    SpaceAllocate(0x200000, KB64, MEM_COMMIT | MEM_RESERVE, RW); /* into our own user half */
    CHECK_EQUAL(STATUS_SUCCESS,
                NtReadVirtualMemory(Other, (PVOID)0x100123, (PVOID)0x200FF0, BYTES, &Done));
    memcpy(Back, (PVOID)0x200FF0, BYTES);
    CHECK(memcmp(Back, Bytes, BYTES) == 0);
    CHECK_EQUAL(MEM_FREE, SpaceQuery(0x100000).State);
    ExFreePoolWithTag(Buffer, 0x74736554);
    SpaceFinish();
}

TEST(Copy_stops_at_a_page_that_cannot_be_accessed)
{
    HANDLE Other = Start();
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, 0x74736554);
    SIZE_T Done = 77;

    CHECK_EQUAL(STATUS_PARTIAL_COPY,
                NtReadVirtualMemory(Other, (PVOID)0x10E800, Buffer, 3 * PAGE_SIZE, &Done));
    CHECK_EQUAL(0x1800, Done);
    CHECK_EQUAL(STATUS_PARTIAL_COPY,
                NtReadVirtualMemory(Other, (PVOID)0x300000, Buffer, PAGE_SIZE, &Done));
    CHECK_EQUAL(0, Done);
    CHECK_EQUAL(STATUS_PARTIAL_COPY, NtReadVirtualMemory(Other, (PVOID)0x100000, (PVOID)0x900000,
                                                         PAGE_SIZE, &Done)); /* our side */
    CHECK_EQUAL(STATUS_SUCCESS, NtReadVirtualMemory(Other, NULL, NULL, 0, NULL));
    ExFreePoolWithTag(Buffer, 0x74736554);
    SpaceFinish();
}

TEST(Copy_refuses_ranges_that_leave_their_half_and_processes_that_are_none)
{
    HANDLE Other = Start();
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, 0x74736554);
    SIZE_T Done;

    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtReadVirtualMemory(Other, (PVOID)0x7FFEFFFF, Buffer, 2, &Done));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtReadVirtualMemory(Other, (PVOID)0x80801000, Buffer, 2, &Done));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtWriteVirtualMemory(Other, (PVOID)0x7FFEFFF0, Buffer, 0xFFFFFFF0, &Done));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtReadVirtualMemory(Other, (PVOID)0x100000, (PVOID)0x7FFEFFFF, 2, &Done));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtReadVirtualMemory(Other, (PVOID)0x100000, (PVOID)0xFFFFFFFF, 2, &Done));
    CHECK_EQUAL(STATUS_INVALID_HANDLE,
                NtReadVirtualMemory((HANDLE)3, (PVOID)0x100000, Buffer, 2, &Done));
    MiFailPoolAllocation(1);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                NtReadVirtualMemory(Other, (PVOID)0x100000, Buffer, 2, &Done));
    MiFailPoolAllocation(0);
    ExFreePoolWithTag(Buffer, 0x74736554);
    SpaceFinish();
}

TEST(Copy_honours_protection)
{
    HANDLE Other = Start();
    SIZE_T Bytes4 = 4;
    PVOID Va = (PVOID)0x100000;
    PULONG Word = ExAllocatePoolWithTag(NonPagedPool, sizeof(ULONG), 0x74736554);
    ULONG Old;

    CHECK_EQUAL(STATUS_SUCCESS, NtProtectVirtualMemory(Other, &Va, &Bytes4, PAGE_READONLY, &Old));
    CHECK_EQUAL(STATUS_PARTIAL_COPY, NtWriteVirtualMemory(Other, Va, Word, 4, NULL));
    *Word = 1;
    CHECK_EQUAL(STATUS_SUCCESS, NtReadVirtualMemory(Other, Va, Word, 4, NULL));
    CHECK_EQUAL(0, *Word);
    ExFreePoolWithTag(Word, 0x74736554);
    SpaceFinish();
}

/* A user's buffer is his own half's. */
TEST(Copy_lets_no_user_have_a_buffer_in_the_system_half)
{
    HANDLE Other = Start();
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, 0x74736554);
    SIZE_T Done = 77;

    memset(Buffer, 5, PAGE_SIZE);
    SpaceAllocate(0x200000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    (void)KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtReadVirtualMemory(Other, (PVOID)0x100000, Buffer, PAGE_SIZE, &Done));
    CHECK_EQUAL(0, Done);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtWriteVirtualMemory(Other, (PVOID)0x100000, Buffer, PAGE_SIZE, &Done));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtReadVirtualMemory(Other, (PVOID)0x100000, (PVOID)0x200000, PAGE_SIZE, &Done));
    (void)KeSetPreviousMode(KernelMode);
    CHECK_EQUAL(5, Buffer[PAGE_SIZE - 1]);
    ExFreePoolWithTag(Buffer, 0x74736554);
    SpaceFinish();
}
