/* SPDX-License-Identifier: MIT */
/*
 * firmware.h - what the loader's firmware-facing files share.
 *
 * One context, filled step by step by main.c.  Every step returns TRUE, or says on the firmware's
 * console why the machine cannot start (BlFail) and returns FALSE; main.c then gives back all
 * memory and returns to the firmware.  After ExitBootServices nothing here may be called.
 */
#ifndef EFI_FIRMWARE_H
#define EFI_FIRMWARE_H

#include <efi.h>

#include "efi/elf.h"
#include "efi/memory_map.h"
#include "loader.h"
#include "nt/status.h"
#include "rtl.h"

/*
 * UEFI's structures have 64-bit members at multiples of 8, which gcc for 32 bits does only with
 * -malign-double: without it every such structure of the 32-bit loader would be misread.
 */
typedef struct _BLP_ALIGNMENT {
    UINT8 First;
    UINT64 Second;
} BLP_ALIGNMENT;
NT_C_ASSERT(offsetof(BLP_ALIGNMENT, Second) == 8);

/* The trampoline runs identity-mapped below the kernel's half, so all our memory stays there. */
#define BL_HIGHEST_ADDRESS 0x7FFFFFFFu

#define BL_MAX_ALLOCATIONS 24
#define BL_RUN_CAPACITY    1024 /* memory runs; firmware reports 100 to 300 descriptors */

typedef struct _BL_ALLOCATION {
    EFI_PHYSICAL_ADDRESS Base;
    UINTN Pages;
    ULONG Type; /* LOADER_MEMORY_TYPE of the run at the hand-over */
} BL_ALLOCATION;

/* A file in memory.  Pages are ours until the hand-over. */
typedef struct _BL_FILE {
    PUCHAR Data; /* NULL: the file is not there */
    ULONG Bytes;
    ULONG Pages;
} BL_FILE;

typedef struct _BL_CONTEXT {
    EFI_HANDLE Image;
    EFI_SYSTEM_TABLE *System;
    EFI_BOOT_SERVICES *Boot;

    EFI_HANDLE Volume;    /* the volume that holds the kernel */
    EFI_FILE_HANDLE Root; /* its root directory */

    ULONG Delta; /* how much higher than it was linked for the kernel will lie */

    LOADER_BLOCK *Block;     /* as the loader addresses it */
    ULONG BlockVa;           /* as the kernel does */
    LOADER_MEMORY_RUN *Runs; /* BL_RUN_CAPACITY of them, in the boot window */

    BL_FILE Kernel;     /* the ELF file */
    BL_ELF_IMAGE Elf;   /* what its headers say */
    PUCHAR KernelImage; /* the loaded image */

    PVOID EfiMap; /* buffer for GetMemoryMap */
    UINTN EfiMapCapacity;

    PVOID SwitchPage; /* the trampoline's page */

    ULONG AllocationCount;
    BL_ALLOCATION Allocations[BL_MAX_ALLOCATIONS];
} BL_CONTEXT, *PBL_CONTEXT;

extern BL_CONTEXT BlContext;

/* ---- console.c ---- */

/* Print on the firmware's console. */
void BlPrint(const char *Format, ...) NT_PRINTF(1, 2);

/* As BlPrint, but only with /SOS. */
void BlTrace(const char *Format, ...) NT_PRINTF(1, 2);

/* "Hyperspace cannot start: ..."  => Returns FALSE, for the caller to return. */
BOOLEAN BlFail(const char *Format, ...) NT_PRINTF(1, 2);

/* Give a person time to read: until a key is pressed, for Seconds at most. */
void BlPause(ULONG Seconds);

/* ---- memory.c ---- */

/* => Zeroed pages below BL_HIGHEST_ADDRESS, recorded for release and for the memory runs; or NULL
 *    after BlFail.  Code: executable, unless the firmware wants to be asked (BlMapSwitchPage). */
PVOID BlAllocatePages(ULONG Pages, ULONG Type, BOOLEAN Code);

/* Return all that BlAllocatePages gave, or the last of it. */
void BlReleasePages(void);
void BlReleaseLastPages(void);

/* => Whether the firmware could give so many, in one piece. */
BOOLEAN BlHaveKilobytes(ULONG Kilobytes);

/* ---- volume.c ---- */

BOOLEAN BlFindVolume(void);

/* Close what BlFindVolume opened, before the firmware gets the machine back. */
void BlCloseVolume(void);

/*
 * Read a file of the root directory; Name begins with a backslash.
 *
 * => Without NULL: the file must be there; FALSE after BlFail.
 * => Without is a sentence: when the file is missing or cannot be read, that and the sentence are
 *    printed, File->Data is NULL and the result TRUE.  FALSE only when memory lacks.  With "" a
 *    file that is not there is nothing worth a word.
 */
BOOLEAN BlReadFile(const CHAR16 *Name, const char *Without, BL_FILE *File);

/* Fill LOADER_BLOCK.BootPartition. */
void BlDescribeBootPartition(void);

/* ---- machine.c ---- */

BOOLEAN BlCheckProcessor(void);
void BlDescribeMachine(void); /* vendor, screen, ACPI, entropy, time, TSC rate, Secure Boot */
ULONG64 BlReadTsc(void);
BOOLEAN BlProcessorHasEfer(void);
ULONG BlKernelCr4(void); /* the first CR4 of the kernel: PSE where there is one, nothing else */

/* ---- files.c ---- */

/* Read and parse boot.ini: before all else, since it says how much to print. */
BOOLEAN BlReadOptions(void);
BOOLEAN BlReadModules(void); /* system.reg, symbols, font */
BOOLEAN BlLoadKernel(void);

/* ---- tables.c ---- */

/* Give Pages at Physical the next address of the boot window.  => The address; 0: it is full. */
ULONG BlMapWindow(const void *Physical, ULONG Pages);
BOOLEAN BlCreatePageTables(void);
void BlMapKernel(void);
BOOLEAN BlMapSwitchPage(void);

/* ---- handoff.c ---- */

/* Everything that can still fail; tried on the memory map as it is now. */
BOOLEAN BlPrepareHandoff(void);

/* Leave the firmware and enter the kernel; restarts the machine when the firmware refuses. */
NT_NORETURN void BlHandOff(void);

#endif
