/* SPDX-License-Identifier: MIT */
/*
 * crash_pool.c - what a driver does wrong with pool.
 */
#include "mm/inspect/crash_memory.h"

#include "arch/cpu.h"
#include "ex.h"
#include "mm/init/init.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/special_pool.h"
#include "mm/pool/system_image.h"
#include "mm/sysva/layout.h"
#include "nt/bugcodes.h"
#include "nt/status.h"
#include "user_half.h"

#define MIP_TAG       0x68737243u /* 'Crsh' */
#define MIP_OTHER_TAG 0x6568744Fu /* 'Othe' */
#define MIP_BYTES     40u

static PVOID MipAllocate(POOL_TYPE Type, SIZE_T Bytes)
{
    return ExAllocatePoolWithTag(Type, Bytes, MIP_TAG);
}

static __attribute__((noinline)) void MipTouch(PVOID Va)
{
    (void)*(volatile UCHAR *)Va;
}

static void MipTouchPagedAtDispatch(void)
{
    PVOID Page = MipAllocate(PagedPool, PAGE_SIZE);

    MiExpectStop(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Page, DISPATCH_LEVEL, 0, MI_ANY_PARAMETER);
    KfRaiseIrql(DISPATCH_LEVEL);
    MipTouch(Page);
}

/* The code that touches it passes for a driver's. */
static void MipTouchPagedByDriver(void)
{
    static MI_SYSTEM_IMAGE Driver = {.Name = "crash.sys", .Pages = 2}; /* its end */
    PVOID Page = MipAllocate(PagedPool, PAGE_SIZE);

    Driver.Base = ROUND_DOWN((ULONG_PTR)MipTouch, (ULONG_PTR)PAGE_SIZE);
    MiInsertSystemImage(&Driver);
    MiExpectStop(DRIVER_IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Page, DISPATCH_LEVEL, 0,
                 MI_ANY_PARAMETER);
    KfRaiseIrql(DISPATCH_LEVEL);
    MipTouch(Page);
}

static void MipTouchFreedPaged(void)
{
    PVOID Pages = MipAllocate(PagedPool, 2 * PAGE_SIZE);

    MipTouch(Pages);
    ExFreePoolWithTag(Pages, MIP_TAG);
    MiExpectStop(PAGE_FAULT_IN_NONPAGED_AREA, (ULONG_PTR)Pages, 0, MI_ANY_PARAMETER, 0);
    MipTouch(Pages);
}

/* The first free left the block waiting for the next allocation of its size. */
static void MipFreeTwice(void)
{
    PVOID Block = MipAllocate(NonPagedPool, MIP_BYTES);

    ExFreePoolWithTag(Block, MIP_TAG);
    MiExpectStop(BAD_POOL_CALLER, 6, 0, (ULONG_PTR)MiPoolHeaderOf(Block),
                 *(PULONG)MiPoolHeaderOf(Block));
    ExFreePoolWithTag(Block, MIP_TAG);
}

static void MipFreePagesTwice(void)
{
    PVOID Pages = MipAllocate(NonPagedPool, 3 * PAGE_SIZE);

    ExFreePoolWithTag(Pages, MIP_TAG);
    MiExpectStop(BAD_POOL_CALLER, 0x44, (ULONG_PTR)Pages, 0, 0);
    ExFreePoolWithTag(Pages, MIP_TAG);
}

static void MipFreeWithWrongTag(void)
{
    PVOID Block = MipAllocate(NonPagedPool, MIP_BYTES);

    MiExpectStop(BAD_POOL_CALLER, 0xA, (ULONG_PTR)Block, MIP_TAG, MIP_OTHER_TAG);
    ExFreePoolWithTag(Block, MIP_OTHER_TAG);
}

/* One word too many: the next block's idea of its predecessor is gone. */
static void MipOverrun(void)
{
    PULONG Block = MipAllocate(NonPagedPool, MIP_BYTES);
    PPOOL_HEADER Header = MiPoolHeaderOf(Block);
    PPOOL_HEADER Next = Header + Header->BlockSize;

    MiExpectStop(BAD_POOL_HEADER, 0x20, (ULONG_PTR)Header, (ULONG_PTR)Next,
                 (ULONG_PTR)PAGE_ALIGN(Header));
    Block[MIP_BYTES / sizeof(ULONG)] = 0x41414141;
    ExFreePoolWithTag(Block, MIP_TAG);
}

static void MipAllocatePagedAtDispatch(void)
{
    MiExpectStop(BAD_POOL_CALLER, 8, DISPATCH_LEVEL, PagedPool, MIP_BYTES);
    KfRaiseIrql(DISPATCH_LEVEL);
    MipAllocate(PagedPool, MIP_BYTES);
}

static void MipFreePagedAtDispatch(void)
{
    PVOID Block = MipAllocate(PagedPool, MIP_BYTES);

    MiExpectStop(BAD_POOL_CALLER, 9, DISPATCH_LEVEL, PagedPool, (ULONG_PTR)Block);
    KfRaiseIrql(DISPATCH_LEVEL);
    ExFreePoolWithTag(Block, MIP_TAG);
}

static void MipMustSucceed(void)
{
    MiExpectStop(BAD_POOL_CALLER, 0x9A, NonPagedPoolMustSucceed, MIP_BYTES, MIP_TAG);
    MipAllocate(NonPagedPoolMustSucceed, MIP_BYTES);
}

static void MipAllocateWithoutTag(void)
{
    MiExpectStop(BAD_POOL_CALLER, 0x9B, NonPagedPool, MIP_BYTES, MI_ANY_PARAMETER);
    ExAllocatePoolWithTag(NonPagedPool, MIP_BYTES, 0);
}

static void MipFreeUserAddress(void)
{
    MiExpectStop(BAD_POOL_CALLER, 0x40, 0x10000, MM_SYSTEM_RANGE_START, 0);
    ExFreePool((PVOID)(ULONG_PTR)0x10000);
}

static void MipFreeWhatWasNeverPool(void)
{
    const ULONG_PTR Database = MiLayout.Region[MiRegionPfnDatabase].Start;

    MiExpectStop(BAD_POOL_CALLER, 0x43, Database + 8, 0, 0);
    ExFreePool((PVOID)(Database + 8));
}

static void MipFreeMisaligned(void)
{
    PUCHAR Block = MipAllocate(NonPagedPool, MIP_BYTES);

    MiExpectStop(BAD_POOL_CALLER, 0x46, (ULONG_PTR)(Block + 4), 0, 0);
    ExFreePool(Block + 4);
}

static void MipExceedQuota(void)
{
    MiExpectStop(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_INSUFFICIENT_RESOURCES,
                 MI_ANY_PARAMETER, 0, 0);
    ExAllocatePoolWithQuotaTag(NonPagedPool, 0x30000000, MIP_TAG);
}

/* ---- special pool ---- */

/* => A block at the end of its page, or (underrun) at its start. */
static PUCHAR MipAllocateSpecial(EX_POOL_PRIORITY Priority)
{
    MI_SPECIAL_POOL_COUNTERS Counters;

    MiQuerySpecialPool(&Counters);
    if (Counters.MaximumPages == 0 && !MiCreateSpecialPool()) {
        return NULL;
    }
    return ExAllocatePoolWithTagPriority(NonPagedPool, MIP_BYTES, MIP_TAG, Priority);
}

static void MipReadBehindSpecial(void)
{
    PUCHAR Block = MipAllocateSpecial(NormalPoolPrioritySpecialPoolOverrun);

    MiExpectStop(PAGE_FAULT_BEYOND_END_OF_ALLOCATION, (ULONG_PTR)(Block + MIP_BYTES), 0,
                 MI_ANY_PARAMETER, 0);
    MipTouch(Block + MIP_BYTES);
}

static void MipReadBeforeSpecial(void)
{
    PUCHAR Block = MipAllocateSpecial(NormalPoolPrioritySpecialPoolUnderrun);

    MiExpectStop(PAGE_FAULT_BEYOND_END_OF_ALLOCATION, (ULONG_PTR)(Block - 1), 0, MI_ANY_PARAMETER,
                 0);
    MipTouch(Block - 1);
}

static void MipWriteFreedSpecial(void)
{
    PUCHAR Block = MipAllocateSpecial(NormalPoolPrioritySpecialPoolOverrun);

    ExFreePoolWithTag(Block, MIP_TAG);
    MiExpectStop(PAGE_FAULT_IN_FREED_SPECIAL_POOL, (ULONG_PTR)Block, 1, MI_ANY_PARAMETER, 0);
    *(volatile UCHAR *)Block = 1;
}

/* On the page, but in front of the block: found when it is freed. */
static void MipUnderrunSpecial(void)
{
    PUCHAR Block = MipAllocateSpecial(NormalPoolPrioritySpecialPoolOverrun);

    MiExpectStop(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, (ULONG_PTR)Block, (ULONG_PTR)(Block - 4),
                 0, 0x23);
    *(volatile ULONG *)(Block - 4) ^= 0xFFFFFFFF;
    ExFreePoolWithTag(Block, MIP_TAG);
}

static void MipFreeSpecialTwice(void)
{
    PUCHAR Block = MipAllocateSpecial(NormalPoolPrioritySpecialPoolOverrun);

    ExFreePoolWithTag(Block, MIP_TAG);
    MiExpectStop(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, (ULONG_PTR)Block, 0, 0, 0x20);
    ExFreePoolWithTag(Block, MIP_TAG);
}

const MI_CRASH MiPoolCrashes[] = {
    {"paged-at-dispatch", MipTouchPagedAtDispatch},
    {"paged-by-driver", MipTouchPagedByDriver},
    {"paged-freed", MipTouchFreedPaged},
    {"pool-double-free", MipFreeTwice},
    {"pool-double-free-page", MipFreePagesTwice},
    {"pool-wrong-tag", MipFreeWithWrongTag},
    {"pool-overrun", MipOverrun},
    {"pool-irql", MipAllocatePagedAtDispatch},
    {"pool-free-irql", MipFreePagedAtDispatch},
    {"pool-must-succeed", MipMustSucceed},
    {"pool-no-tag", MipAllocateWithoutTag},
    {"pool-user-address", MipFreeUserAddress},
    {"pool-never", MipFreeWhatWasNeverPool},
    {"pool-misaligned", MipFreeMisaligned},
    {"pool-quota", MipExceedQuota},
    {"special-overrun", MipReadBehindSpecial},
    {"special-underrun", MipReadBeforeSpecial},
    {"special-freed", MipWriteFreedSpecial},
    {"special-pattern", MipUnderrunSpecial},
    {"special-double-free", MipFreeSpecialTwice},
    {NULL, NULL},
};
