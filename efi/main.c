/* SPDX-License-Identifier: MIT */
/*
 * main.c - the loader: the order of its steps, and nothing else.
 *
 * Each step either does its part or prints one sentence and returns FALSE.  All that can fail comes
 * before BlHandOff; until then the firmware is untouched and gets the machine back.
 */
#include "efi/firmware.h"

BL_CONTEXT BlContext;

/* With a failure on the screen, a person gets this long before the firmware goes on. */
#define BL_READING_SECONDS 10

static BOOLEAN BlpStart(ULONG64 EntryTsc)
{
    static LOADER_BLOCK Early; /* until the real block has pages of its own */

    BlContext.Block = &Early;
    Early.EntryTsc = EntryTsc;
    Early.Signature = LOADER_BLOCK_SIGNATURE;
    Early.Version = LOADER_BLOCK_VERSION;
    Early.Bytes = sizeof(LOADER_BLOCK);
    return BlCheckProcessor() && BlFindVolume() && BlReadOptions() && BlCreatePageTables() &&
           BlLoadKernel() && BlReadModules();
}

static BOOLEAN BlpRun(ULONG64 EntryTsc)
{
    if (!BlpStart(EntryTsc)) {
        return FALSE;
    }
    BlDescribeBootPartition();
    BlDescribeMachine();
    BlMapKernel();
    if (!BlMapSwitchPage() || !BlPrepareHandoff()) {
        return FALSE;
    }
    BlHandOff();
}

EFI_STATUS efi_main(EFI_HANDLE Image, EFI_SYSTEM_TABLE *System);

EFI_STATUS efi_main(EFI_HANDLE Image, EFI_SYSTEM_TABLE *System)
{
    ULONG64 EntryTsc = BlReadTsc();

    BlContext.Image = Image;
    BlContext.System = System;
    BlContext.Boot = System->BootServices;
    BlContext.Boot->SetWatchdogTimer(0, 0, 0, NULL);
    BlPrint("Hyperspace loader, %u-bit UEFI\n", (ULONG)sizeof(UINTN) * 8);
    if (!BlpRun(EntryTsc)) {
        BlPause(BL_READING_SECONDS);
        BlCloseVolume();
        BlReleasePages();
    }
    return EFI_LOAD_ERROR;
}
