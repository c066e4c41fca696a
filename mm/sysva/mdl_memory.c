/* SPDX-License-Identifier: MIT */
/*
 * mdl_memory.c - memory for MDLs until there are pools: whole pages under system PTEs.
 *
 * The seam that nonpaged pool takes over.  The run of system PTEs remembers how long a block is.
 */
#include "mi_assert.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"

PVOID MiAllocateMdlMemory(SIZE_T Bytes)
{
    ULONG Pages = (ULONG)BYTES_TO_PAGES(Bytes);
    PMMPTE First = MiReserveSystemPtes(Pages);
    NTSTATUS Status;

    if (First == NULL) {
        return NULL;
    }
    Status = MiCreateSystemPages(First, Pages, MiMakeKernelTemplate(MiKernelReadWrite, MiCached));
    if (!NT_SUCCESS(Status)) {
        MiReleaseSystemPtes(First, Pages);
        return NULL;
    }
    return (PVOID)MiGetVaMappedByPte(First);
}

void MiFreeMdlMemory(PVOID Memory)
{
    PMMPTE First = MiGetPteAddress((ULONG_PTR)Memory);
    ULONG Pages = MiSystemPteRunLength(First);

    MI_ASSERT(Pages != 0 && BYTE_OFFSET(Memory) == 0);
    MiDeleteSystemPages(First, Pages);
    MiReleaseSystemPtes(First, Pages);
}
