/* SPDX-License-Identifier: MIT */
/*
 * boot_map.c - memory behind system addresses, before there is a page-frame database.
 *
 * The database itself needs memory before it can say which memory is free.  What is taken here
 * comes from the loader's map, and the database then calls it Active: it was never anybody else's.
 */
#include "mm/init/boot_map.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/boot_frames.h"
#include "mm/pfn/pfn.h"
#include "mm/sysva/pte_make.h"
#include "rtl.h"

static BOOLEAN MipMapBootTable(ULONG_PTR Va)
{
    PMMPTE Pde = MiGetPdeAddress(Va);
    PFN_NUMBER Frame;

    if (MiReadPte(Pde).Hard.Valid) {
        return TRUE;
    }
    Frame = MiTakeBootFrames(1, 1);
    if (Frame == MI_NO_FRAME) {
        return FALSE;
    }
    MiWritePte(Pde, MiMakeKernelPde(Frame));
    memset(PAGE_ALIGN(MiGetPteAddress(Va)), 0, PAGE_SIZE);
    return TRUE;
}

static BOOLEAN MipMapBootTables(ULONG_PTR Start, ULONG Bytes)
{
    ULONG_PTR Last = Start + (Bytes - 1);
    ULONG_PTR Va;

    for (Va = ROUND_DOWN(Start, MM_LARGE_PAGE); Va <= Last; Va += MM_LARGE_PAGE) {
        if (!MipMapBootTable(Va)) {
            return FALSE;
        }
    }
    return TRUE;
}

static void MipMapRun(ULONG_PTR Va, PFN_NUMBER First, ULONG Pages)
{
    MMPTE Template = MiMakeKernelTemplate(MiKernelReadWrite, MiCached);
    PMMPTE Pte = MiGetPteAddress(Va);
    ULONG i;

    for (i = 0; i < Pages; i++) {
        MI_ASSERT(!MiReadPte(Pte + i).Hard.Valid);
        MiWritePte(Pte + i, MiMakeValidKernelPte(Template, First + i));
    }
    memset((PVOID)Va, 0, Pages << PAGE_SHIFT);
}

/* In as few runs as there are: few, so that the list of what boot took stays short. */
BOOLEAN MiMapBootFrames(ULONG_PTR Start, ULONG Bytes)
{
    ULONG Pages = (ULONG)BYTES_TO_PAGES(Bytes);
    ULONG Chunk = Pages;

    if (!MipMapBootTables(Start, Bytes)) {
        return FALSE;
    }
    while (Pages != 0) {
        PFN_NUMBER First = MiTakeBootFrames(Chunk, 1);

        if (First != MI_NO_FRAME) {
            MipMapRun(Start, First, Chunk);
            Start += (ULONG_PTR)Chunk << PAGE_SHIFT;
            Pages -= Chunk;
        } else if (Chunk == 1) {
            return FALSE;
        } else {
            Chunk /= 2;
        }
        Chunk = Chunk < Pages ? Chunk : Pages;
    }
    return TRUE;
}
