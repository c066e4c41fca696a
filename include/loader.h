/* SPDX-License-Identifier: MIT */
/*
 * loader.h - LOADER_BLOCK, the only thing that crosses from the loader to the kernel.
 *
 * The loader may be 64-bit and the kernel is 32-bit, so every field has a fixed width, every
 * structure is laid out without padding, and the offsets are pinned below.  The loader fills the
 * block; after the switch nobody writes it.
 *
 * Addresses.  "Physical" fields are physical addresses.  "Va" fields are valid in the page tables
 * that the kernel is entered with, whose map is:
 *
 *     80000000 - 807FFFFF  boot window: this block, the memory runs, the modules (4 KB pages, RW)
 *     80800000 - 80FFFFFF  the kernel image, as its program headers ask (text and constants RO)
 *     C0000000 - C03FFFFF  the self-map of the page tables (directory at C0300000)
 *     FFC00000 - FFFFFFFF  a page table without entries: the HAL's area
 *     one identity page    the switch's own code; the kernel drops it
 *
 * With /3GB the first two are at D0000000 and D0800000.
 *
 * A change of layout or meaning raises LOADER_BLOCK_VERSION; the kernel refuses any other.
 */
#ifndef LOADER_H
#define LOADER_H

#include <stddef.h>
#include <stdint.h>

#define LOADER_BLOCK_SIGNATURE 0x4B4C4248u /* 'HBLK' in memory */
#define LOADER_BLOCK_VERSION   3u

#define LOADER_WINDOW_BASE     0x80000000u
#define LOADER_WINDOW_END      0x80800000u
#define LOADER_KERNEL_BASE     0x80800000u
#define LOADER_KERNEL_END      0x81000000u
#define LOADER_HAL_BASE        0xFFC00000u

/* With /3GB window and image lie this much higher; the kernel learns it from KernelVa. */
#define LOADER_HIGH_BASE  0xD0000000u
#define LOADER_HIGH_DELTA (LOADER_HIGH_BASE - LOADER_WINDOW_BASE)

/* What a run of physical pages holds at the hand-over. */
typedef enum _LOADER_MEMORY_TYPE {
    LoaderFree,              /* RAM that nobody uses */
    LoaderFirmwareTemporary, /* RAM of boot services and of the loader's code: reclaim it late */
    LoaderFirmwarePermanent, /* runtime services, reserved: never touch */
    LoaderAcpiReclaim,       /* ACPI tables: RAM once they have been read */
    LoaderAcpiNvs,           /* firmware's ACPI storage: never touch */
    LoaderBad,               /* RAM with errors */
    LoaderMappedIo,          /* device registers */
    LoaderSystemCode,        /* the kernel image */
    LoaderBootData,          /* this block, the runs and the modules */
    LoaderPageTables,        /* the page directory and tables of the hand-over */
    LoaderUnusableHigh,      /* RAM above 4 GB: counted, unusable without PAE */
    LoaderMaxMemory          /* RAM withheld by /MAXMEM or /BURNMEMORY */
} LOADER_MEMORY_TYPE;

#define LOADER_MEMORY_TYPES 12

/* One run of physical pages.  Sorted by base, disjoint, neighbours of one type merged. */
typedef struct _LOADER_MEMORY_RUN {
    uint64_t BasePage;  /* first frame number; above 0xFFFFF the memory lies above 4 GB */
    uint64_t PageCount; /* never 0 */
    uint32_t Type;      /* LOADER_MEMORY_TYPE */
    uint32_t Reserved;  /* 0 */
} LOADER_MEMORY_RUN;

/* A file, or a table made by the loader, in the boot window. */
typedef struct _LOADER_MODULE {
    uint32_t Physical; /* page aligned; 0 = absent */
    uint32_t Va;       /* page aligned */
    uint32_t Bytes;    /* length of the contents; the page's rest is zero */
    uint32_t Reserved;
} LOADER_MODULE;

typedef enum _LOADER_MODULE_INDEX {
    LoaderModuleBootIni,   /* text of boot.ini */
    LoaderModuleSystemReg, /* array of LOADER_REGISTRY_VALUE, then their data */
    LoaderModuleSymbols,   /* text: "hhhhhhhh t name\n", sorted by address */
    LoaderModuleFont,      /* PSF 1 or 2 console font */
    LoaderModuleScript,    /* text of monitor.txt: commands of the monitor; optional */
    LoaderModuleReserved5,
    LoaderModuleReserved6,
    LoaderModuleReserved7,
    LoaderModuleMaximum
} LOADER_MODULE_INDEX;

#define LOADER_REGISTRY_NAME_BYTES 48

/* Documented registry types. */
#define LOADER_REG_SZ       1u
#define LOADER_REG_BINARY   3u
#define LOADER_REG_DWORD    4u
#define LOADER_REG_MULTI_SZ 7u

/*
 * One value of ...\Session Manager\Memory Management.  The array starts the module; its length is
 * LOADER_BLOCK.RegistryValueCount.
 */
typedef struct _LOADER_REGISTRY_VALUE {
    char Name[LOADER_REGISTRY_NAME_BYTES]; /* ASCII, zero terminated */
    uint32_t Type;                         /* LOADER_REG_* */
    uint32_t Dword;                        /* the value, when Type is LOADER_REG_DWORD */
    uint32_t
        DataOffset; /* other types: from the module's start, UTF-8; MULTI_SZ ends in two zeros */
    uint32_t DataBytes;
} LOADER_REGISTRY_VALUE;

/* The screen as the firmware left it. */
typedef struct _LOADER_FRAMEBUFFER {
    uint64_t Physical; /* 0 = no framebuffer; may lie above 4 GB */
    uint64_t Bytes;
    uint32_t Width;  /* pixels */
    uint32_t Height; /* pixels */
    uint32_t Pitch;  /* bytes from one line to the next */
    uint32_t BytesPerPixel;
    uint32_t RedMask; /* which bits of a pixel carry which colour */
    uint32_t GreenMask;
    uint32_t BlueMask;
    uint32_t Reserved;
} LOADER_FRAMEBUFFER;

typedef enum _LOADER_PARTITION_STYLE {
    LoaderPartitionNone, /* the volume fills the disk */
    LoaderPartitionMbr,
    LoaderPartitionGpt
} LOADER_PARTITION_STYLE;

/* The partition that holds the kernel: how disk drivers find it again. */
typedef struct _LOADER_BOOT_PARTITION {
    uint8_t Guid[16]; /* GPT: the partition's unique GUID, as on disk; MBR: the signature first */
    uint64_t StartBlock;   /* first logical block */
    uint64_t BlockCount;   /* length in logical blocks */
    uint32_t BlockBytes;   /* logical block size */
    uint32_t Style;        /* LOADER_PARTITION_STYLE */
    uint32_t Number;       /* 1-based index in the partition table; 0 = none */
    uint32_t VolumeSerial; /* FAT volume serial number; 0 = could not be read */
} LOADER_BOOT_PARTITION;

/* LOADER_OPTIONS.Flags */
#define LOADER_OPTION_SOS     0x00000001u /* /SOS: name each file and step */
#define LOADER_OPTION_3GB     0x00000002u
#define LOADER_OPTION_PAE     0x00000004u
#define LOADER_OPTION_RECLAIM 0x00000008u

#define LOADER_RUN_BYTES      96

/* boot.ini's switches, parsed. */
typedef struct _LOADER_OPTIONS {
    uint32_t Flags;             /* LOADER_OPTION_* */
    uint32_t MaxMemoryMb;       /* /MAXMEM=n; 0 = no limit */
    uint32_t BurnMemoryMb;      /* /BURNMEMORY=n */
    uint32_t BaudRate;          /* /BAUDRATE=n; default 115200 */
    uint32_t UserVaMb;          /* with /3GB where the user half ends, whole 4 MB; else 0 */
    uint32_t Warnings;          /* configuration lines that were refused */
    char Run[LOADER_RUN_BYTES]; /* /RUN=a,b,c without the switch; "" = interactive */
} LOADER_OPTIONS;

/* LOADER_BLOCK.FirmwareFlags */
#define LOADER_FIRMWARE_64BIT       0x00000001u /* entered from long mode */
#define LOADER_FIRMWARE_SECURE_BOOT 0x00000002u
#define LOADER_FIRMWARE_LA57        0x00000004u /* five-level paging was on */
#define LOADER_FIRMWARE_RNG         0x00000008u /* entropy came from EFI_RNG_PROTOCOL */

#define LOADER_VENDOR_BYTES         64

typedef struct _LOADER_BLOCK {
    uint32_t Signature; /* LOADER_BLOCK_SIGNATURE */
    uint32_t Version;   /* LOADER_BLOCK_VERSION */
    uint32_t Bytes;     /* sizeof(LOADER_BLOCK) */
    uint32_t FirmwareFlags;

    char FirmwareVendor[LOADER_VENDOR_BYTES]; /* ASCII */
    uint32_t FirmwareRevision;
    uint32_t UefiRevision; /* 0x0002003C = 2.6 */

    uint64_t EntryTsc;     /* time-stamp counter at the loader's entry */
    uint64_t TscHz;        /* estimate; the kernel calibrates again */
    uint64_t RsdpPhysical; /* ACPI root pointer; 0 = none */
    uint8_t Entropy[32];   /* for the pool cookie and the like */

    uint32_t MemoryRunsVa; /* array of LOADER_MEMORY_RUN */
    uint32_t MemoryRunCount;
    uint32_t PageDirectoryPhysical;
    uint32_t IdentityPage; /* physical = virtual address of the switch's page */

    uint32_t KernelPhysical; /* contiguous */
    uint32_t KernelVa;
    uint32_t KernelBytes; /* whole pages */
    uint32_t RegistryValueCount;

    uint32_t OldCr0; /* control registers as the firmware left them, low halves */
    uint32_t OldCr4;
    uint32_t OldEfer;       /* 0 when the CPU has no EFER */
    uint32_t ExitBootTries; /* calls of ExitBootServices that it took */

    LOADER_FRAMEBUFFER Framebuffer;
    LOADER_BOOT_PARTITION BootPartition;
    LOADER_OPTIONS Options;
    LOADER_MODULE Modules[LoaderModuleMaximum];

    uint64_t SystemTime;    /* 100 ns since 1 January 1601 UTC; 0 = the firmware has no clock */
    uint64_t SystemTimeTsc; /* time-stamp counter at that time */
} LOADER_BLOCK;

#define LOADER_PIN(Type, Field, Offset)                                                            \
    _Static_assert(offsetof(Type, Field) == (Offset), #Type "." #Field " moved")

LOADER_PIN(LOADER_MEMORY_RUN, Type, 16);
LOADER_PIN(LOADER_REGISTRY_VALUE, Type, 48);
LOADER_PIN(LOADER_FRAMEBUFFER, Width, 16);
LOADER_PIN(LOADER_BOOT_PARTITION, StartBlock, 16);
LOADER_PIN(LOADER_BOOT_PARTITION, Style, 36);
LOADER_PIN(LOADER_OPTIONS, Run, 24);
LOADER_PIN(LOADER_BLOCK, FirmwareVendor, 16);
LOADER_PIN(LOADER_BLOCK, EntryTsc, 88);
LOADER_PIN(LOADER_BLOCK, Entropy, 112);
LOADER_PIN(LOADER_BLOCK, MemoryRunsVa, 144);
LOADER_PIN(LOADER_BLOCK, KernelPhysical, 160);
LOADER_PIN(LOADER_BLOCK, OldCr0, 176);
LOADER_PIN(LOADER_BLOCK, Framebuffer, 192);
LOADER_PIN(LOADER_BLOCK, BootPartition, 240);
LOADER_PIN(LOADER_BLOCK, Options, 288);
LOADER_PIN(LOADER_BLOCK, Modules, 408);
LOADER_PIN(LOADER_BLOCK, SystemTime, 536);
_Static_assert(sizeof(LOADER_MEMORY_RUN) == 24, "LOADER_MEMORY_RUN changed size");
_Static_assert(sizeof(LOADER_REGISTRY_VALUE) == 64, "LOADER_REGISTRY_VALUE changed size");
_Static_assert(sizeof(LOADER_BLOCK) == 552, "LOADER_BLOCK changed size");

#endif
