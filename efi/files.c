/* SPDX-License-Identifier: MIT */
/*
 * files.c - what the loader reads: configuration, kernel, symbols, font, script.
 *
 * Configuration mistakes are complaints with file and line; the start goes on with the documented
 * defaults.  Only the kernel itself must be there and be right.
 */
#include "efi/firmware.h"

#include "efi/boot_ini.h"
#include "efi/elf_move.h"
#include "efi/registry.h"

/* Enough for every documented value several times over. */
#define BLP_REGISTRY_PAGES 4

static BL_FILE BlpBootIni;

/* Context is the file's name. */
static void BlpComplain(PVOID Context, ULONG Line, const char *Message)
{
    BlPrint("%s line %u: %s\n", (const char *)Context, Line, Message);
}

BOOLEAN BlReadOptions(void)
{
    LOADER_OPTIONS *Options = &BlContext.Block->Options;

    BlDefaultOptions(Options);
    if (!BlReadFile(L"\\boot.ini", "every switch has its default", &BlpBootIni)) {
        return FALSE;
    }
    BlParseBootIni(BlpBootIni.Data, BlpBootIni.Bytes, Options, BlpComplain, (PVOID) "boot.ini");
    if (Options->Flags & LOADER_OPTION_3GB) {
        BlContext.Delta = LOADER_HIGH_DELTA;
        BlTrace("  user addresses up to %u MB, kernel at %08x\n", Options->UserVaMb,
                LOADER_HIGH_BASE);
    }
    return TRUE;
}

/* Move the early block into pages that the kernel sees, with room for the runs behind it. */
static BOOLEAN BlpPlaceBlock(void)
{
    const ULONG BlockBytes = ROUND_UP(sizeof(LOADER_BLOCK), 16);
    const ULONG Pages = BYTES_TO_PAGES(BlockBytes + BL_RUN_CAPACITY * sizeof(LOADER_MEMORY_RUN));
    PUCHAR Place = BlAllocatePages(Pages, LoaderBootData, FALSE);

    if (Place == NULL) {
        return FALSE;
    }
    memcpy(Place, BlContext.Block, sizeof(LOADER_BLOCK));
    BlContext.Block = (LOADER_BLOCK *)(PVOID)Place;
    BlContext.Runs = (LOADER_MEMORY_RUN *)(PVOID)(Place + BlockBytes);
    BlContext.BlockVa = BlMapWindow(Place, Pages);
    BlContext.Block->MemoryRunsVa = BlContext.BlockVa + BlockBytes;
    return TRUE;
}

static BOOLEAN BlpAddModule(ULONG Index, const BL_FILE *File, const char *Name)
{
    LOADER_MODULE *Module = &BlContext.Block->Modules[Index];

    if (File->Data == NULL) {
        return TRUE;
    }
    Module->Physical = (ULONG)(UINTN)File->Data;
    Module->Bytes = File->Bytes;
    Module->Va = BlMapWindow(File->Data, File->Pages);
    if (Module->Va == 0) {
        return BlFail("%s does not fit into the boot window of 8 MB", Name);
    }
    return TRUE;
}

static BOOLEAN BlpReadRegistry(void)
{
    LOADER_BLOCK *Block = BlContext.Block;
    BL_FILE Text;
    BL_FILE Values = {.Pages = BLP_REGISTRY_PAGES};
    ULONG Warnings = 0;

    if (!BlReadFile(L"\\system.reg", "every value has its default", &Text)) {
        return FALSE;
    }
    if (Text.Data == NULL) {
        return TRUE;
    }
    Values.Data = BlAllocatePages(Values.Pages, LoaderBootData, FALSE);
    if (Values.Data == NULL) {
        return FALSE;
    }
    if (!NT_SUCCESS(BlParseRegistry(Text.Data, Text.Bytes, Values.Data, Values.Pages * PAGE_SIZE,
                                    &Values.Bytes, &Block->RegistryValueCount, &Warnings,
                                    BlpComplain, (PVOID) "system.reg"))) {
        BlPrint("system.reg holds more than %u KB of values: every value has its default\n",
                Values.Pages * 4);
        Block->RegistryValueCount = 0;
        Block->Options.Warnings++;
        return TRUE;
    }
    Block->Options.Warnings += Warnings;
    return BlpAddModule(LoaderModuleSystemReg, &Values, "system.reg");
}

/* Without is as BlReadFile has it. */
static BOOLEAN BlpReadModule(const CHAR16 *Name, const char *Text, ULONG Index, const char *Without)
{
    BL_FILE File;

    return BlReadFile(Name, Without, &File) && BlpAddModule(Index, &File, Text);
}

BOOLEAN BlReadModules(void)
{
    static const char Without[] = "going on without it";

    return BlpAddModule(LoaderModuleBootIni, &BlpBootIni, "boot.ini") && BlpReadRegistry() &&
           BlpReadModule(L"\\hyperspace.sym", "hyperspace.sym", LoaderModuleSymbols, Without) &&
           BlpReadModule(L"\\font.psf", "font.psf", LoaderModuleFont, Without) &&
           BlpReadModule(L"\\monitor.txt", "monitor.txt", LoaderModuleScript, "");
}

BOOLEAN BlLoadKernel(void)
{
    const char *Reason = "";
    LOADER_BLOCK *Block;

    if (!BlpPlaceBlock() || !BlReadFile(L"\\hyperspace.elf", NULL, &BlContext.Kernel)) {
        return FALSE;
    }
    if (!NT_SUCCESS(BlCheckElf(BlContext.Kernel.Data, BlContext.Kernel.Bytes, LOADER_KERNEL_BASE,
                               LOADER_KERNEL_END, &BlContext.Elf, &Reason))) {
        return BlFail("hyperspace.elf is not a kernel: %s", Reason);
    }
    BlContext.KernelImage = BlAllocatePages(BlContext.Elf.Pages, LoaderSystemCode, FALSE);
    if (BlContext.KernelImage == NULL) {
        return FALSE;
    }
    BlCopyElf(BlContext.Kernel.Data, &BlContext.Elf, BlContext.KernelImage);
    if (BlContext.Delta != 0 &&
        !NT_SUCCESS(BlMoveElf(BlContext.Kernel.Data, BlContext.Kernel.Bytes, BlContext.Delta,
                              BlContext.KernelImage, &BlContext.Elf, &Reason))) {
        return BlFail("hyperspace.elf cannot be moved for /3GB: %s", Reason);
    }
    Block = BlContext.Block;
    Block->KernelPhysical = (ULONG)(UINTN)BlContext.KernelImage;
    Block->KernelVa = BlContext.Elf.BaseVa;
    Block->KernelBytes = BlContext.Elf.Pages * PAGE_SIZE;
    BlTrace("  kernel at %08x, %u KB, physical %08x\n", Block->KernelVa, Block->KernelBytes / 1024,
            Block->KernelPhysical);
    return TRUE;
}
