/* SPDX-License-Identifier: MIT */
/*
 * tables.c - the page directory and page tables that the kernel is entered with.
 *
 *     directory  512, 513   boot window     (two tables)
 *                514, 515   kernel image    (two tables)
 *                832 - 835  these four instead, with /3GB
 *                768        the directory itself: the self-map
 *                1023       the HAL's area  (one empty table)
 *                < 512      the switch's page, identity mapped (one table)
 *
 * All of them are one allocation, the directory first, so that the kernel knows them by one run.
 * Entries are 4 KB only: the hand-over works on a processor without large pages.
 */
#include "arch/mmu.h"
#include "efi/firmware.h"

enum {
    BlpDirectory,
    BlpWindow0,
    BlpWindow1,
    BlpKernel0,
    BlpKernel1,
    BlpHal,
    BlpIdentity,
    BlpTableCount
};

static MMPTE *BlpTables; /* BlpTableCount pages */
static ULONG BlpWindowNext;

static MMPTE BlpMakePte(UINTN Physical, BOOLEAN Write)
{
    MMPTE Pte = {0};

    Pte.Hard.Valid = 1;
    Pte.Hard.Write = Write;
    Pte.Hard.PageFrameNumber = (ULONG)(Physical >> PAGE_SHIFT);
    return Pte;
}

static MMPTE *BlpTable(ULONG Index)
{
    return BlpTables + Index * PTE_PER_PAGE;
}

static void BlpLink(ULONG Va, ULONG Table)
{
    BlpTables[Va >> PDI_SHIFT] = BlpMakePte((UINTN)BlpTable(Table), TRUE);
}

/* => The table of Va is linked: those of the window and of the kernel are consecutive. */
static void BlpMapPage(ULONG Va, UINTN Physical, BOOLEAN Write)
{
    ULONG Slot = (Va - LOADER_WINDOW_BASE - BlContext.Delta) >> PTI_SHIFT;

    BlpTable(BlpWindow0)[Slot] = BlpMakePte(Physical, Write);
}

BOOLEAN BlCreatePageTables(void)
{
    const ULONG Delta = BlContext.Delta;

    BlpTables = BlAllocatePages(BlpTableCount, LoaderPageTables, FALSE);
    if (BlpTables == NULL) {
        return FALSE;
    }
    BlpWindowNext = LOADER_WINDOW_BASE + Delta;
    BlpLink(LOADER_WINDOW_BASE + Delta, BlpWindow0);
    BlpLink(LOADER_WINDOW_BASE + Delta + MM_LARGE_PAGE, BlpWindow1);
    BlpLink(LOADER_KERNEL_BASE + Delta, BlpKernel0);
    BlpLink(LOADER_KERNEL_BASE + Delta + MM_LARGE_PAGE, BlpKernel1);
    BlpLink(LOADER_HAL_BASE, BlpHal);
    BlpLink(PTE_BASE, BlpDirectory);
    BlContext.Block->PageDirectoryPhysical = (ULONG)(UINTN)BlpTables;
    return TRUE;
}

ULONG BlMapWindow(const void *Physical, ULONG Pages)
{
    ULONG Va = BlpWindowNext;
    ULONG i;

    if (Pages > (LOADER_WINDOW_END + BlContext.Delta - Va) >> PAGE_SHIFT) {
        return 0;
    }
    for (i = 0; i < Pages; i++) {
        BlpMapPage(Va + i * PAGE_SIZE, (UINTN)Physical + i * PAGE_SIZE, TRUE);
    }
    BlpWindowNext += Pages * PAGE_SIZE;
    return Va;
}

void BlMapKernel(void)
{
    LOADER_BLOCK *Block = BlContext.Block;
    ULONG i;

    for (i = 0; i < BlContext.Elf.Pages; i++) {
        BlpMapPage(Block->KernelVa + i * PAGE_SIZE, Block->KernelPhysical + i * PAGE_SIZE,
                   BlElfPageIsWritable(&BlContext.Elf, i));
    }
}

/* EFI_MEMORY_ATTRIBUTE_PROTOCOL (UEFI 2.10); gnu-efi does not have it. */
typedef struct _BLP_MEMORY_ATTRIBUTE {
    EFI_STATUS(EFIAPI *Get)
    (struct _BLP_MEMORY_ATTRIBUTE *This, UINT64 Base, UINT64 Bytes, UINT64 *);
    EFI_STATUS(EFIAPI *Set)(struct _BLP_MEMORY_ATTRIBUTE *This, UINT64 Base, UINT64 Bytes, UINT64);
    EFI_STATUS(EFIAPI *Clear)
    (struct _BLP_MEMORY_ATTRIBUTE *This, UINT64 Base, UINT64 Bytes, UINT64);
} BLP_MEMORY_ATTRIBUTE;

static EFI_GUID BlpMemoryAttributeGuid = {
    0xf4560cf6, 0x40ec, 0x4b4a, {0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1, 0x89}};

/* Strict firmware makes pages executable only when asked, even those for a loader's code. */
static void BlpAllowExecution(PVOID Page)
{
    const UINT64 ExecuteProtect = 0x4000; /* EFI_MEMORY_XP */
    BLP_MEMORY_ATTRIBUTE *Attribute;
    PVOID Interface = NULL;

    if (!EFI_ERROR(BlContext.Boot->LocateProtocol(&BlpMemoryAttributeGuid, NULL, &Interface))) {
        Attribute = Interface;
        (void)Attribute->Clear(Attribute, (UINTN)Page, PAGE_SIZE, ExecuteProtect);
    }
}

BOOLEAN BlMapSwitchPage(void)
{
    ULONG Va;

    BlContext.SwitchPage = BlAllocatePages(1, LoaderFirmwareTemporary, TRUE);
    if (BlContext.SwitchPage == NULL) {
        return FALSE;
    }
    BlpAllowExecution(BlContext.SwitchPage);
    Va = (ULONG)(UINTN)BlContext.SwitchPage;
    BlContext.Block->IdentityPage = Va;
    BlpLink(Va, BlpIdentity);
    BlpTable(BlpIdentity)[(Va >> PTI_SHIFT) % PTE_PER_PAGE] = BlpMakePte(Va, FALSE);
    return TRUE;
}
