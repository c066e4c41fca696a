/* SPDX-License-Identifier: MIT */
/*
 * test_mdl.c - MDLs: sizes, locking and unlocking, partial MDLs, and what is refused.
 */
#include "mm/sysva/mdl.h"

#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_reference.h"
#include "nt/bugcodes.h"
#include "tests/unit/sysva_machine.h"

#include <string.h>

#define BUFFER_PAGES 5u

static PUCHAR Buffer;

static void Start(void)
{
    PHYSICAL_ADDRESS Highest = SysvaPhysical(0xFFFFFFFF);

    SysvaStart(512, 1024);
    Buffer = MmAllocateContiguousMemory(BUFFER_PAGES * PAGE_SIZE, Highest);
    CHECK(Buffer != NULL);
}

static void Finish(void)
{
    MmFreeContiguousMemory(Buffer);
    SysvaFinish();
}

static ULONG ReferencesOf(PVOID Va)
{
    PHYSICAL_ADDRESS Physical = MmGetPhysicalAddress(Va);

    return MI_PFN(Physical.LowPart >> PAGE_SHIFT)->u3.e2.ReferenceCount;
}

TEST(SizeOfMdl_is_28_bytes_and_4_a_page)
{
    CHECK_EQUAL(28, MmSizeOfMdl((PVOID)0x80001000, 0));
    CHECK_EQUAL(32, MmSizeOfMdl((PVOID)0x80001000, 1));
    CHECK_EQUAL(32, MmSizeOfMdl((PVOID)0x80001000, PAGE_SIZE));
    CHECK_EQUAL(36, MmSizeOfMdl((PVOID)0x80001FFF, 2));
    CHECK_EQUAL(36, MmSizeOfMdl((PVOID)0x80001001, PAGE_SIZE));
}

TEST(IoAllocateMdl_describes_the_buffer)
{
    PMDL Mdl;

    Start();
    Mdl = IoAllocateMdl(Buffer + 100, PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK(Mdl->StartVa == Buffer);
    CHECK_EQUAL(100, Mdl->ByteOffset);
    CHECK_EQUAL(PAGE_SIZE, Mdl->ByteCount);
    CHECK_EQUAL(36, Mdl->Size);
    CHECK_EQUAL(0, Mdl->MdlFlags);
    CHECK(MmGetMdlVirtualAddress(Mdl) == Buffer + 100);
    IoFreeMdl(Mdl);
    CHECK(IoAllocateMdl((PVOID)0x80000000, 16376 * PAGE_SIZE + 1, FALSE, FALSE, NULL) == NULL);
    CHECK(IoAllocateMdl((PVOID)0x80000FFF, 16376 * PAGE_SIZE, FALSE, FALSE, NULL) == NULL);
    CHECK(IoAllocateMdl((PVOID)0x80000000, 0xFFFFFFFF, FALSE, FALSE, NULL) == NULL);
    Finish();
}

TEST(ProbeAndLockPages_holds_each_page_once_for_each_mdl)
{
    PMDL First;
    PMDL Second;

    Start();
    First = IoAllocateMdl(Buffer + 10, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    Second = IoAllocateMdl(Buffer, PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(First, KernelMode, IoWriteAccess);
    MmProbeAndLockPages(Second, KernelMode, IoReadAccess);
    CHECK_EQUAL(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION, First->MdlFlags);
    CHECK_EQUAL(MDL_PAGES_LOCKED, Second->MdlFlags);
    CHECK_EQUAL(4, MiLockedPages);
    CHECK_EQUAL(3, ReferencesOf(Buffer));
    CHECK_EQUAL(2, ReferencesOf(Buffer + PAGE_SIZE));
    CHECK_EQUAL(2, ReferencesOf(Buffer + 2 * PAGE_SIZE));
    CHECK_EQUAL(1, ReferencesOf(Buffer + 3 * PAGE_SIZE));
    CHECK_EQUAL(MmGetPhysicalAddress(Buffer + PAGE_SIZE).LowPart >> PAGE_SHIFT,
                MmGetMdlPfnArray(First)[1]);
    MmUnlockPages(First);
    CHECK_EQUAL(0, First->MdlFlags);
    CHECK_EQUAL(2, ReferencesOf(Buffer));
    MmUnlockPages(Second);
    CHECK_EQUAL(1, ReferencesOf(Buffer));
    IoFreeMdl(First);
    IoFreeMdl(Second);
    Finish();
}

static NTSTATUS TryLock(PVOID Va, ULONG Bytes, KPROCESSOR_MODE Mode, LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl(Va, Bytes, FALSE, FALSE, NULL);
    NTSTATUS Status = MiProbeAndLockPages(Mdl, Mode, Operation);

    CHECK(!NT_SUCCESS(Status));
    CHECK_EQUAL(0, Mdl->MdlFlags);
    CHECK_EQUAL(0, MiLockedPages);
    IoFreeMdl(Mdl);
    return Status;
}

TEST(ProbeAndLockPages_refuses_what_may_not_be_accessed)
{
    PMMPTE Pte;
    MMPTE ReadOnly;

    Start();
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, TryLock((PVOID)0x10000, 1, KernelMode, IoReadAccess));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, TryLock((PVOID)0x7FFFF000, 8192, KernelMode, 0));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, TryLock((PVOID)0xFFFFF000, 8192, KernelMode, 0));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, TryLock(Buffer, 1, UserMode, IoReadAccess));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                TryLock(Buffer, (BUFFER_PAGES + 1) * PAGE_SIZE, KernelMode, IoReadAccess));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, TryLock((PVOID)0x90000000, 1, KernelMode, IoReadAccess));
    Pte = MiGetPteAddress((ULONG_PTR)Buffer + PAGE_SIZE);
    ReadOnly = MiReadPte(Pte);
    ReadOnly.Hard.Write = 0;
    MiWritePte(Pte, ReadOnly);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, TryLock(Buffer, 8192, KernelMode, IoWriteAccess));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, TryLock(Buffer, 8192, KernelMode, IoModifyAccess));
    CHECK_EQUAL(1, ReferencesOf(Buffer));
    KeFlushEntireTb();
    Finish();
}

static ULONG BroughtIn;
static MMPTE Absent;

static NTSTATUS BringIn(ULONG_PTR Va, BOOLEAN Write)
{
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK(Write);
    BroughtIn++;
    if (BroughtIn == 3) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MiWritePte(MiGetPteAddress(Va), Absent);
    return STATUS_SUCCESS;
}

static void Hide(ULONG_PTR Va)
{
    Absent = MiReadPte(MiGetPteAddress(Va));
    MiWritePte(MiGetPteAddress(Va), MiMakeZeroPte());
    KeFlushSingleTb(Va);
}

TEST(ProbeAndLockPages_brings_in_a_page_that_is_not_there)
{
    PMDL Mdl;

    Start();
    BroughtIn = 0;
    MiSetMakeResidentRoutine(BringIn);
    Mdl = IoAllocateMdl(Buffer, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
    Hide((ULONG_PTR)Buffer + PAGE_SIZE);
    CHECK_EQUAL(STATUS_SUCCESS, MiProbeAndLockPages(Mdl, KernelMode, IoWriteAccess));
    CHECK_EQUAL(1, BroughtIn);
    CHECK_EQUAL(3, MiLockedPages);
    MmUnlockPages(Mdl);
    BroughtIn = 2;
    Hide((ULONG_PTR)Buffer + 2 * PAGE_SIZE);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiProbeAndLockPages(Mdl, KernelMode, IoWriteAccess));
    CHECK_EQUAL(0, MiLockedPages);
    MiWritePte(MiGetPteAddress((ULONG_PTR)Buffer + 2 * PAGE_SIZE), Absent);
    IoFreeMdl(Mdl);
    Finish();
}

TEST(ProbeAndLockPages_undoes_all_batches_when_the_last_page_is_refused)
{
    PMDL Mdl;
    PUCHAR Long;

    SysvaStart(512, 1024);
    Long = MmAllocateNonCachedMemory(150 * PAGE_SIZE);
    Mdl = IoAllocateMdl(Long, 150 * PAGE_SIZE, FALSE, FALSE, NULL);
    Hide((ULONG_PTR)Long + 149 * PAGE_SIZE);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MiProbeAndLockPages(Mdl, KernelMode, IoWriteAccess));
    CHECK_EQUAL(0, MiLockedPages);
    CHECK_EQUAL(1, ReferencesOf(Long));
    CHECK_EQUAL(1, ReferencesOf(Long + 148 * PAGE_SIZE));
    MiWritePte(MiGetPteAddress((ULONG_PTR)Long + 149 * PAGE_SIZE), Absent);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    CHECK_EQUAL(150, MiLockedPages);
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    MmFreeNonCachedMemory(Long, 150 * PAGE_SIZE);
    SysvaFinish();
}

static void Lock(PVOID Mdl)
{
    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
}

static void Unlock(PVOID Mdl)
{
    MmUnlockPages(Mdl);
}

static void Free(PVOID Mdl)
{
    IoFreeMdl(Mdl);
}

static void Build(PVOID Mdl)
{
    MmBuildMdlForNonPagedPool(Mdl);
}

TEST(Mdl_misuse_stops_the_machine_with_the_documented_codes)
{
    PMDL Mdl;
    PMDL User;

    Start();
    Mdl = IoAllocateMdl(Buffer, PAGE_SIZE, FALSE, FALSE, NULL);
    SysvaExpectBugCheck(PROCESS_HAS_LOCKED_PAGES, 1, (ULONG_PTR)Mdl, 1, 0, Unlock, Mdl);
    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x61946, (ULONG_PTR)Mdl, MDL_PAGES_LOCKED, 0, Lock, Mdl);
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x61946, (ULONG_PTR)Mdl, MDL_PAGES_LOCKED, 0, Free, Mdl);
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    User = IoAllocateMdl((PVOID)0x10000, 1, FALSE, FALSE, NULL);
    SysvaExpectBugCheck(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_ACCESS_VIOLATION, 0x10000, 0, 0,
                        Lock, User);
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x1240, (ULONG_PTR)User, 0x10000, 0, Build, User);
    IoFreeMdl(User);
    Finish();
}

TEST(BuildMdlForNonPagedPool_takes_the_buffer_s_own_address)
{
    PMDL Mdl;

    Start();
    Mdl = IoAllocateMdl(Buffer + 8, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    CHECK_EQUAL(MDL_SOURCE_IS_NONPAGED_POOL, Mdl->MdlFlags);
    CHECK(MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority) == Buffer + 8);
    CHECK_EQUAL(MmGetPhysicalAddress(Buffer + 2 * PAGE_SIZE).LowPart >> PAGE_SHIFT,
                MmGetMdlPfnArray(Mdl)[2]);
    IoFreeMdl(Mdl);
    Finish();
}

TEST(PrepareMdlForReuse_unmaps_a_part_and_nothing_else)
{
    PMDL Whole;
    PMDL Part;

    Start();
    Whole = IoAllocateMdl(Buffer, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    Part = IoAllocateMdl(Buffer, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Whole, KernelMode, IoReadAccess);
    IoBuildPartialMdl(Whole, Part, Buffer, PAGE_SIZE);
    MmPrepareMdlForReuse(Part); /* not mapped: nothing to do */
    CHECK_EQUAL(MDL_PARTIAL, Part->MdlFlags);
    CHECK(MmGetSystemAddressForMdlSafe(Part, NormalPagePriority) != NULL);
    MmPrepareMdlForReuse(Part);
    CHECK_EQUAL(MDL_PARTIAL, Part->MdlFlags);
    IoBuildPartialMdl(Whole, Part, Buffer + PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(MmGetMdlPfnArray(Whole)[1], MmGetMdlPfnArray(Part)[0]);
    IoFreeMdl(Part);
    MmUnlockPages(Whole);
    IoFreeMdl(Whole);
    Finish();
}

TEST(BuildPartialMdl_shares_frames_and_mapping)
{
    PMDL Whole;
    PMDL Part;
    PUCHAR Va;

    Start();
    Whole = IoAllocateMdl(Buffer + 16, 4 * PAGE_SIZE, FALSE, FALSE, NULL);
    Part = IoAllocateMdl(Buffer, 4 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Whole, KernelMode, IoReadAccess);
    IoBuildPartialMdl(Whole, Part, Buffer + 2 * PAGE_SIZE + 5, 100);
    CHECK_EQUAL(MDL_PARTIAL, Part->MdlFlags);
    CHECK_EQUAL(100, Part->ByteCount);
    CHECK_EQUAL(5, Part->ByteOffset);
    CHECK_EQUAL(MmGetMdlPfnArray(Whole)[2], MmGetMdlPfnArray(Part)[0]);
    Buffer[2 * PAGE_SIZE + 5] = 0x5A;
    Va = MmGetSystemAddressForMdlSafe(Part, NormalPagePriority);
    CHECK_EQUAL(0x5A, *Va);
    CHECK(Part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
    IoFreeMdl(Part); /* unmaps it */
    Part = IoAllocateMdl(Buffer, 4 * PAGE_SIZE, FALSE, FALSE, NULL);
    Va = MmGetSystemAddressForMdlSafe(Whole, NormalPagePriority);
    IoBuildPartialMdl(Whole, Part, Buffer + PAGE_SIZE, 0);
    CHECK_EQUAL(3 * PAGE_SIZE + 16, Part->ByteCount);
    CHECK(MmGetSystemAddressForMdlSafe(Part, NormalPagePriority) == Va + PAGE_SIZE - 16);
    IoFreeMdl(Part); /* leaves the parent's mapping alone */
    CHECK_EQUAL(Buffer[16], *Va);
    MmUnlockPages(Whole); /* unmaps */
    IoFreeMdl(Whole);
    Finish();
}
