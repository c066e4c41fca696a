/* SPDX-License-Identifier: MIT */
/*
 * test_page_table_fault.c - faults below a page table that is out: on slow disks, and on bad ones.
 */
#include "mm/paging/slots.h"
#include "mm/ws/wsle.h"
#include "tests/unit/paged_world.h"

#include <string.h>

#define RW      PAGE_READWRITE
#define THREADS 6u

static ULONG_PTR Base;
static NTSTATUS Results[THREADS];
static ULONG Values[THREADS];

/* One page at Base, which the paging file has, and its page table too. */
static void Begin(ULONG64 Seed)
{
    PagedBegin(Seed);
    Base = PagedAllocate(1);
    PagedTablesOut(Base, PAGE_SIZE);
}

/* Where on the disk's medium the page table is. */
static PUCHAR TablePlace(void)
{
    const MMPAGING_FILE *File = MmPagingFile[MiPteFile(PagedPde(Base))];

    CHECK_EQUAL(MiPtePagefile, MiPteKind(PagedPde(Base)));
    return IoDisk.Image + File->FirstSector * IoDisk.Device.SectorBytes +
           (SIZE_T)MiPteSlot(PagedPde(Base)) * PAGE_SIZE;
}

TEST(PageTable_fault_reads_the_table_and_then_the_page)
{
    MI_FAULT_COUNTERS Before;

    Begin(0);
    Before = MiFaultCounters;
    CHECK(PagedIsWhole(Base));
    CHECK_EQUAL(Before.PagingFileReads + 2, MiFaultCounters.PagingFileReads);
    CHECK_EQUAL(Before.Transition, MiFaultCounters.Transition);
    CHECK_EQUAL(1, MiPageTableCounters.Reads);
    CHECK_EQUAL(2, PagedProcess()->Vm.WorkingSetSize);
    PagedEnd();
}

TEST(PageTable_fault_on_a_page_that_is_not_there_is_a_violation_all_the_same)
{
    ULONG Value;

    Begin(0);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Base + KB64, &Value));
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryRead(Base, &Value));
    PagedEnd();
}

static void Reader(PVOID Context)
{
    ULONG Index = (ULONG)(ULONG_PTR)Context;
    KAPC_STATE Home;

    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    Results[Index] = SpaceTryRead(Base, &Values[Index]);
    KeUnstackDetachProcess(&Home);
}

/* A service in the middle of it: it waits under the lock. */
static void Querier(PVOID Context)
{
    MEMORY_BASIC_INFORMATION Information;
    KAPC_STATE Home;

    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    Results[(ULONG_PTR)Context] =
        NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)Base, MemoryBasicInformation, &Information,
                             sizeof(Information), NULL);
    Values[(ULONG_PTR)Context] = PagedWord(Base);
    KeUnstackDetachProcess(&Home);
}

static void StartReaders(void)
{
    ULONG_PTR i;

    for (i = 0; i < THREADS; i++) {
        Results[i] = STATUS_PENDING;
        HostThreadCreate(i % 3 == 1 ? Querier : Reader, (PVOID)i);
    }
    HostRunThreads();
}

TEST(PageTable_faults_and_services_of_several_threads_share_one_read)
{
    ULONG i;

    Begin(TestSeed() | 1);
    StartReaders();
    for (i = 0; i < THREADS; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, Results[i]);
        CHECK_EQUAL(PagedWord(Base), Values[i]);
    }
    CHECK_EQUAL(1, MiPageTableCounters.Reads);
    CHECK_EQUAL(1, MiPageTableCounters.Restored);
    MiVerifyAll();
    PagedEnd();
}

/* ---- the table itself is touched ---- */

static void ReadWord(PVOID Va)
{
    (void)*(volatile ULONG *)Va;
}

static void ReadUnderLock(PVOID Va)
{
    MiLockAddressSpace(PagedProcess());
    ReadWord(Va);
}

TEST(PageTable_that_is_looked_at_without_the_lock_comes_by_a_fault)
{
    Begin(0);
    CHECK_EQUAL(MiPtePagefile, PagedKind(Base));
    CHECK_EQUAL(1, MiPageTableCounters.Restored);
    CHECK(PagedIsWhole(Base));
    PagedEnd();
}

TEST(PageTable_that_was_not_brought_in_under_the_lock_is_a_bug)
{
    HOST_BUGCHECK Stop;

    Begin(0);
    CHECK(HostCatchBugCheck(ReadUnderLock, MiGetPteAddress(Base), &Stop));
    CHECK_EQUAL(MEMORY_MANAGEMENT, Stop.Code);
    CHECK_EQUAL(0x41287, Stop.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)MiGetPteAddress(Base), Stop.Parameter[1]);
    HostMachineDelete();
}

TEST(PageTable_that_is_looked_at_and_cannot_be_read_stops_with_7A)
{
    HOST_BUGCHECK Stop;

    Begin(0);
    IoDisk.FailAt[DiskRead] = 1;
    CHECK(HostCatchBugCheck(ReadWord, MiGetPteAddress(Base), &Stop));
    CHECK_EQUAL(KERNEL_DATA_INPAGE_ERROR, Stop.Code);
    CHECK_EQUAL((ULONG_PTR)MiGetPdeAddress(Base), Stop.Parameter[0]);
    CHECK_EQUAL(MiTableVa(Base), Stop.Parameter[3]);
    CHECK(PagedIsWhole(Base));
    PagedEnd();
}

/* ---- tables that cannot be read ---- */

TEST(PageTable_fault_that_the_disk_fails_is_an_in_page_error_once)
{
    ULONG Errors;
    ULONG Value;
    MMPTE Pde;

    Begin(0);
    Pde = PagedPde(Base);
    Errors = MiFaultCounters.InPageErrors;
    IoDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Base, &Value));
    CHECK_EQUAL(Errors + 1, MiFaultCounters.InPageErrors);
    CHECK_EQUAL(Pde.Long, PagedPde(Base).Long);
    MiVerifyPagingFiles();
    CHECK(PagedIsWhole(Base));
    PagedEnd();
}

/* Its alarm is the exception: there is none yet. */
TEST(PageTable_fault_that_the_disk_fails_leaves_a_guard_page_one)
{
    ULONG Value;
    ULONG Alarms;

    PagedBegin(0);
    Base = PagedAllocate(2);
    SpaceProtect(Base, PAGE_SIZE, RW | PAGE_GUARD);
    PagedTablesOut(Base, 2 * PAGE_SIZE);
    Alarms = MiFaultCounters.GuardPages;
    IoDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Base, &Value));
    CHECK_EQUAL(Alarms, MiFaultCounters.GuardPages);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, SpaceTryRead(Base, &Value));
    CHECK_EQUAL(Alarms + 1, MiFaultCounters.GuardPages);
    CHECK_EQUAL(RW, SpaceQuery(Base).Protect);
    CHECK(PagedIsWhole(Base));
    PagedEnd();
}

TEST(PageTable_fault_of_the_kernel_without_protection_stops_with_7A)
{
    HOST_BUGCHECK Stop;
    MMPTE Pde;

    Begin(0);
    Pde = PagedPde(Base);
    IoDisk.FailAt[DiskRead] = 1;
    CHECK(HostCatchBugCheck(ReadWord, (PVOID)(Base + 12), &Stop));
    CHECK_EQUAL(KERNEL_DATA_INPAGE_ERROR, Stop.Code);
    CHECK_EQUAL((ULONG_PTR)MiGetPdeAddress(Base), Stop.Parameter[0]);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, (NTSTATUS)Stop.Parameter[1]);
    CHECK_EQUAL(Pde.Long, Stop.Parameter[2]);
    CHECK_EQUAL(MiTableVa(Base), Stop.Parameter[3]);
    CHECK(PagedIsWhole(Base));
    PagedEnd();
}

TEST(PageTable_with_another_checksum_is_never_believed)
{
    PUCHAR Place;
    ULONG Value;

    Begin(0);
    Place = TablePlace();
    Place[(Base >> PAGE_SHIFT) % PTE_PER_PAGE * sizeof(MMPTE) + 1] ^= 0x10;
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Base, &Value));
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryWrite(Base, 1));
    CHECK_EQUAL(2, MiInPageCounters.WrongChecksums);
    Place[(Base >> PAGE_SHIFT) % PTE_PER_PAGE * sizeof(MMPTE) + 1] ^= 0x10;
    CHECK(PagedIsWhole(Base));
    PagedEnd();
}

TEST(PageTable_that_a_service_needs_is_read_again_when_a_read_fails)
{
    Begin(0);
    IoDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(RW, SpaceQuery(Base).Protect);
    CHECK_EQUAL(1, MiInPageCounters.Failed);
    CHECK_EQUAL(2, MiPageTableCounters.Reads);
    PagedEnd();
}

static void Release(PVOID Va)
{
    SpaceFree((ULONG_PTR)Va, 0, MEM_RELEASE);
}

static void EndProcess(PVOID Context)
{
    (void)Context;
    PagedEndProcess();
}

static void CheckThatItStops(KSTART *Routine)
{
    HOST_BUGCHECK Stop;

    Begin(0);
    IoDisk.FailFrom = 1;
    CHECK(HostCatchBugCheck(Routine, (PVOID)Base, &Stop));
    CHECK_EQUAL(KERNEL_DATA_INPAGE_ERROR, Stop.Code);
    CHECK_EQUAL(1, Stop.Parameter[0]);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, (NTSTATUS)Stop.Parameter[1]);
    CHECK_EQUAL((ULONG_PTR)PagedProcess(), Stop.Parameter[2]);
    CHECK_EQUAL(MiTableVa(Base), Stop.Parameter[3]);
    CHECK_EQUAL(4, MiPageTableCounters.Reads);
    HostMachineDelete();
}

TEST(PageTable_that_the_kernel_cannot_do_without_stops_with_7A)
{
    CheckThatItStops(Release);
    CheckThatItStops(EndProcess);
}

/* ---- what may fail on the way ---- */

TEST(PageTable_fault_survives_each_single_failure_on_its_way)
{
    ULONG What;
    ULONG Nth;

    for (What = 0; What < 4; What++) {
        for (Nth = 1; Nth <= 8; Nth++) {
            NTSTATUS Status;
            ULONG Value = 0;

            Begin(0);
            PagedArm(What, Nth);
            Status = SpaceTryRead(Base, &Value);
            CHECK(Status == STATUS_SUCCESS || (What == 3 && Status == STATUS_IN_PAGE_ERROR));
            CHECK(Status != STATUS_SUCCESS || Value == PagedWord(Base));
            PagedArm(0, 0);
            CHECK(PagedIsWhole(Base));
            PagedEnd();
        }
    }
}

TEST(PageTable_that_a_service_needs_survives_each_single_failure)
{
    ULONG What;
    ULONG Nth;

    for (What = 0; What < 4; What++) {
        for (Nth = 1; Nth <= 8; Nth++) {
            Begin(0);
            PagedArm(What, Nth);
            CHECK_EQUAL(RW, SpaceQuery(Base).Protect);
            PagedArm(0, 0);
            CHECK(PagedIsWhole(Base));
            PagedEnd();
        }
    }
}
