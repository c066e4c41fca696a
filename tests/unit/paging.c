/* SPDX-License-Identifier: MIT */
/*
 * paging.c - the helpers are as plain as they look; volatile makes each access one access.
 */
#include "tests/unit/paging.h"
#include "tests/unit/test.h"

ULONG PagingLastCode;
ULONG_PTR PagingLastVa;

BOOLEAN PagingRecordFault(ULONG_PTR Va, ULONG ErrorCode)
{
    PagingLastVa = Va;
    PagingLastCode = ErrorCode;
    return HostDemandZero(Va, ErrorCode);
}

void PagingStart(void)
{
    HostMachineCreate(4096, TestSeed());
    HostSetFaultHandler(PagingRecordFault);
}

ULONG PagingRead(ULONG_PTR Va)
{
    return *(volatile ULONG *)Va;
}

void PagingWrite(ULONG_PTR Va, ULONG Value)
{
    *(volatile ULONG *)Va = Value;
}

void PagingReadOnce(PVOID Va)
{
    PagingRead((ULONG_PTR)Va);
}

void PagingWriteOnce(PVOID Va)
{
    PagingWrite((ULONG_PTR)Va, 1);
}

ULONG PagingBitsOf(ULONG_PTR Va)
{
    PMMPTE Pte = HostFindPte(KiCurrentDirectoryFrame(), Va);

    CHECK(Pte != NULL);
    return MiReadPte(Pte).Long % PAGE_SIZE;
}

ULONG *PagingWordOf(PFN_NUMBER Frame)
{
    return HostFrame(Frame);
}

PFN_NUMBER PagingMap(ULONG_PTR Va, ULONG Bits)
{
    PFN_NUMBER Frame = HostAllocateFrame();

    HostMapPage(KiCurrentDirectoryFrame(), Va, Frame, Bits);
    return Frame;
}

PFN_NUMBER PagingMapLarge(ULONG Bits)
{
    MMPTE Pde = {.Long = MM_PTE_BITS_VALID | MM_PTE_BITS_WRITE | MM_PTE_BITS_LARGE | Bits};
    PFN_NUMBER Frame = PTE_PER_PAGE; /* a large page is aligned to its size */

    Pde.Hard.PageFrameNumber = Frame;
    MiWritePte(HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA), Pde);
    return Frame;
}
