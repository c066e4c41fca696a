/* SPDX-License-Identifier: MIT */
/*
 * image.h - portable executable files: structures and values of Microsoft's public PE/COFF
 * specification, under the names of winnt.h; and what NtQuerySection says of an image section.
 *
 * All numbers are little-endian.  An RVA is an address in the image, less the image's base.
 */
#ifndef NT_IMAGE_H
#define NT_IMAGE_H

#include "nt/types.h"

#define IMAGE_DOS_SIGNATURE    0x5A4Du     /* MZ */
#define IMAGE_OS2_SIGNATURE    0x454Eu     /* NE: 16 bits */
#define IMAGE_OS2_SIGNATURE_LE 0x454Cu     /* LE: a VxD, or OS/2 */
#define IMAGE_NT_SIGNATURE     0x00004550u /* PE, 0, 0 */

/* The first bytes of every image; only the first and the last field mean something to NT. */
typedef struct _IMAGE_DOS_HEADER {
    USHORT e_magic; /* IMAGE_DOS_SIGNATURE */
    USHORT e_cblp;
    USHORT e_cp;
    USHORT e_crlc;
    USHORT e_cparhdr;
    USHORT e_minalloc;
    USHORT e_maxalloc;
    USHORT e_ss;
    USHORT e_sp;
    USHORT e_csum;
    USHORT e_ip;
    USHORT e_cs;
    USHORT e_lfarlc;
    USHORT e_ovno;
    USHORT e_res[4];
    USHORT e_oemid;
    USHORT e_oeminfo;
    USHORT e_res2[10];
    LONG e_lfanew; /* where in the file IMAGE_NT_HEADERS stand */
} IMAGE_DOS_HEADER, *PIMAGE_DOS_HEADER;

NT_C_ASSERT(sizeof(IMAGE_DOS_HEADER) == 64 && offsetof(IMAGE_DOS_HEADER, e_lfanew) == 60);

#define IMAGE_FILE_MACHINE_UNKNOWN         0x0000u
#define IMAGE_FILE_MACHINE_I386            0x014Cu
#define IMAGE_FILE_MACHINE_ARM             0x01C0u
#define IMAGE_FILE_MACHINE_IA64            0x0200u
#define IMAGE_FILE_MACHINE_AMD64           0x8664u

#define IMAGE_FILE_RELOCS_STRIPPED         0x0001u /* it must lie at its preferred base */
#define IMAGE_FILE_EXECUTABLE_IMAGE        0x0002u /* the linker was content */
#define IMAGE_FILE_LINE_NUMS_STRIPPED      0x0004u
#define IMAGE_FILE_LOCAL_SYMS_STRIPPED     0x0008u
#define IMAGE_FILE_LARGE_ADDRESS_AWARE     0x0020u
#define IMAGE_FILE_32BIT_MACHINE           0x0100u
#define IMAGE_FILE_DEBUG_STRIPPED          0x0200u
#define IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP 0x0400u
#define IMAGE_FILE_NET_RUN_FROM_SWAP       0x0800u
#define IMAGE_FILE_SYSTEM                  0x1000u
#define IMAGE_FILE_DLL                     0x2000u
#define IMAGE_FILE_UP_SYSTEM_ONLY          0x4000u

typedef struct _IMAGE_FILE_HEADER {
    USHORT Machine;
    USHORT NumberOfSections;
    ULONG TimeDateStamp;
    ULONG PointerToSymbolTable;
    ULONG NumberOfSymbols;
    USHORT SizeOfOptionalHeader; /* the section headers stand behind it */
    USHORT Characteristics;      /* IMAGE_FILE_* */
} IMAGE_FILE_HEADER, *PIMAGE_FILE_HEADER;

NT_C_ASSERT(sizeof(IMAGE_FILE_HEADER) == 20);
NT_C_ASSERT(offsetof(IMAGE_FILE_HEADER, SizeOfOptionalHeader) == 16);

typedef struct _IMAGE_DATA_DIRECTORY {
    ULONG VirtualAddress; /* RVA; of the certificates: offset in the file */
    ULONG Size;
} IMAGE_DATA_DIRECTORY, *PIMAGE_DATA_DIRECTORY;

#define IMAGE_NUMBEROF_DIRECTORY_ENTRIES      16

#define IMAGE_DIRECTORY_ENTRY_EXPORT          0
#define IMAGE_DIRECTORY_ENTRY_IMPORT          1
#define IMAGE_DIRECTORY_ENTRY_RESOURCE        2
#define IMAGE_DIRECTORY_ENTRY_EXCEPTION       3
#define IMAGE_DIRECTORY_ENTRY_SECURITY        4
#define IMAGE_DIRECTORY_ENTRY_BASERELOC       5
#define IMAGE_DIRECTORY_ENTRY_DEBUG           6
#define IMAGE_DIRECTORY_ENTRY_ARCHITECTURE    7
#define IMAGE_DIRECTORY_ENTRY_GLOBALPTR       8
#define IMAGE_DIRECTORY_ENTRY_TLS             9
#define IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG     10
#define IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT    11
#define IMAGE_DIRECTORY_ENTRY_IAT             12
#define IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT    13
#define IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR  14

#define IMAGE_NT_OPTIONAL_HDR32_MAGIC         0x010Bu
#define IMAGE_NT_OPTIONAL_HDR64_MAGIC         0x020Bu
#define IMAGE_ROM_OPTIONAL_HDR_MAGIC          0x0107u

#define IMAGE_SUBSYSTEM_UNKNOWN               0
#define IMAGE_SUBSYSTEM_NATIVE                1
#define IMAGE_SUBSYSTEM_WINDOWS_GUI           2
#define IMAGE_SUBSYSTEM_WINDOWS_CUI           3
#define IMAGE_SUBSYSTEM_OS2_CUI               5
#define IMAGE_SUBSYSTEM_POSIX_CUI             7

#define IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE 0x0040u
#define IMAGE_DLLCHARACTERISTICS_NX_COMPAT    0x0100u
#define IMAGE_DLLCHARACTERISTICS_NO_ISOLATION 0x0200u
#define IMAGE_DLLCHARACTERISTICS_NO_SEH       0x0400u
#define IMAGE_DLLCHARACTERISTICS_NO_BIND      0x0800u
#define IMAGE_DLLCHARACTERISTICS_WDM_DRIVER   0x2000u

typedef struct _IMAGE_OPTIONAL_HEADER {
    USHORT Magic; /* IMAGE_NT_OPTIONAL_HDR32_MAGIC */
    UCHAR MajorLinkerVersion;
    UCHAR MinorLinkerVersion;
    ULONG SizeOfCode;
    ULONG SizeOfInitializedData;
    ULONG SizeOfUninitializedData;
    ULONG AddressOfEntryPoint; /* RVA; 0: none */
    ULONG BaseOfCode;
    ULONG BaseOfData;
    ULONG ImageBase;        /* preferred; a multiple of 64 KB */
    ULONG SectionAlignment; /* of sections in memory */
    ULONG FileAlignment;    /* of their data in the file */
    USHORT MajorOperatingSystemVersion;
    USHORT MinorOperatingSystemVersion;
    USHORT MajorImageVersion;
    USHORT MinorImageVersion;
    USHORT MajorSubsystemVersion;
    USHORT MinorSubsystemVersion;
    ULONG Win32VersionValue;
    ULONG SizeOfImage;   /* in memory, with the headers */
    ULONG SizeOfHeaders; /* all headers, rounded to FileAlignment */
    ULONG CheckSum;
    USHORT Subsystem;
    USHORT DllCharacteristics;
    ULONG SizeOfStackReserve;
    ULONG SizeOfStackCommit;
    ULONG SizeOfHeapReserve;
    ULONG SizeOfHeapCommit;
    ULONG LoaderFlags;
    ULONG NumberOfRvaAndSizes; /* entries of DataDirectory that are there */
    IMAGE_DATA_DIRECTORY DataDirectory[IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
} IMAGE_OPTIONAL_HEADER32, *PIMAGE_OPTIONAL_HEADER32;

NT_C_ASSERT(sizeof(IMAGE_OPTIONAL_HEADER32) == 224);
NT_C_ASSERT(offsetof(IMAGE_OPTIONAL_HEADER32, AddressOfEntryPoint) == 16);
NT_C_ASSERT(offsetof(IMAGE_OPTIONAL_HEADER32, ImageBase) == 28);
NT_C_ASSERT(offsetof(IMAGE_OPTIONAL_HEADER32, MajorSubsystemVersion) == 48);
NT_C_ASSERT(offsetof(IMAGE_OPTIONAL_HEADER32, SizeOfImage) == 56);
NT_C_ASSERT(offsetof(IMAGE_OPTIONAL_HEADER32, CheckSum) == 64);
NT_C_ASSERT(offsetof(IMAGE_OPTIONAL_HEADER32, SizeOfStackReserve) == 72);
NT_C_ASSERT(offsetof(IMAGE_OPTIONAL_HEADER32, NumberOfRvaAndSizes) == 92);
NT_C_ASSERT(offsetof(IMAGE_OPTIONAL_HEADER32, DataDirectory) == 96);

typedef struct _IMAGE_NT_HEADERS {
    ULONG Signature; /* IMAGE_NT_SIGNATURE */
    IMAGE_FILE_HEADER FileHeader;
    IMAGE_OPTIONAL_HEADER32 OptionalHeader;
} IMAGE_NT_HEADERS32, *PIMAGE_NT_HEADERS32;

NT_C_ASSERT(sizeof(IMAGE_NT_HEADERS32) == 248);
NT_C_ASSERT(offsetof(IMAGE_NT_HEADERS32, OptionalHeader) == 24);

#define IMAGE_SIZEOF_SHORT_NAME          8

#define IMAGE_SCN_CNT_CODE               0x00000020u
#define IMAGE_SCN_CNT_INITIALIZED_DATA   0x00000040u
#define IMAGE_SCN_CNT_UNINITIALIZED_DATA 0x00000080u
#define IMAGE_SCN_MEM_DISCARDABLE        0x02000000u
#define IMAGE_SCN_MEM_NOT_CACHED         0x04000000u
#define IMAGE_SCN_MEM_NOT_PAGED          0x08000000u
#define IMAGE_SCN_MEM_SHARED             0x10000000u
#define IMAGE_SCN_MEM_EXECUTE            0x20000000u
#define IMAGE_SCN_MEM_READ               0x40000000u
#define IMAGE_SCN_MEM_WRITE              0x80000000u

typedef struct _IMAGE_SECTION_HEADER {
    UCHAR Name[IMAGE_SIZEOF_SHORT_NAME]; /* zeros behind it, if there is room */
    union {
        ULONG PhysicalAddress;
        ULONG VirtualSize; /* in memory; what the file has not is zero */
    } Misc;
    ULONG VirtualAddress;   /* RVA */
    ULONG SizeOfRawData;    /* in the file */
    ULONG PointerToRawData; /* where in the file; 0: nothing there */
    ULONG PointerToRelocations;
    ULONG PointerToLinenumbers;
    USHORT NumberOfRelocations;
    USHORT NumberOfLinenumbers;
    ULONG Characteristics; /* IMAGE_SCN_* */
} IMAGE_SECTION_HEADER, *PIMAGE_SECTION_HEADER;

NT_C_ASSERT(sizeof(IMAGE_SECTION_HEADER) == 40);
NT_C_ASSERT(offsetof(IMAGE_SECTION_HEADER, VirtualAddress) == 12);
NT_C_ASSERT(offsetof(IMAGE_SECTION_HEADER, Characteristics) == 36);

/* ---- base relocations: blocks of such a header and 16-bit entries, type << 12 | offset ---- */

typedef struct _IMAGE_BASE_RELOCATION {
    ULONG VirtualAddress; /* RVA that the entries' offsets are added to */
    ULONG SizeOfBlock;    /* in bytes, with this header */
} IMAGE_BASE_RELOCATION, *PIMAGE_BASE_RELOCATION;

NT_C_ASSERT(sizeof(IMAGE_BASE_RELOCATION) == 8);

#define IMAGE_REL_BASED_ABSOLUTE 0 /* nothing: fills the block up */
#define IMAGE_REL_BASED_HIGH     1
#define IMAGE_REL_BASED_LOW      2
#define IMAGE_REL_BASED_HIGHLOW  3
#define IMAGE_REL_BASED_HIGHADJ  4 /* the next entry is the value's low half */

/* ---- exports ---- */

typedef struct _IMAGE_EXPORT_DIRECTORY {
    ULONG Characteristics;
    ULONG TimeDateStamp;
    USHORT MajorVersion;
    USHORT MinorVersion;
    ULONG Name; /* RVA of the image's own name */
    ULONG Base; /* the ordinal of the first function */
    ULONG NumberOfFunctions;
    ULONG NumberOfNames;
    ULONG AddressOfFunctions;    /* RVA of their RVAs; inside the directory: of a forwarder */
    ULONG AddressOfNames;        /* RVA of the names' RVAs, in ascending order of the names */
    ULONG AddressOfNameOrdinals; /* RVA of 16-bit indices into the functions, one a name */
} IMAGE_EXPORT_DIRECTORY, *PIMAGE_EXPORT_DIRECTORY;

NT_C_ASSERT(sizeof(IMAGE_EXPORT_DIRECTORY) == 40);
NT_C_ASSERT(offsetof(IMAGE_EXPORT_DIRECTORY, AddressOfFunctions) == 28);

/* ---- imports ---- */

/* One a DLL; the last one is zero. */
typedef struct _IMAGE_IMPORT_DESCRIPTOR {
    union {
        ULONG Characteristics;
        ULONG OriginalFirstThunk; /* RVA of what is imported; 0: only FirstThunk has it */
    };
    ULONG TimeDateStamp;  /* 0: not bound */
    ULONG ForwarderChain; /* -1: none */
    ULONG Name;           /* RVA */
    ULONG FirstThunk;     /* RVA of the slots that receive the addresses */
} IMAGE_IMPORT_DESCRIPTOR, *PIMAGE_IMPORT_DESCRIPTOR;

NT_C_ASSERT(sizeof(IMAGE_IMPORT_DESCRIPTOR) == 20);

typedef struct _IMAGE_THUNK_DATA32 {
    union {
        ULONG ForwarderString;
        ULONG Function;      /* once bound: the address */
        ULONG Ordinal;       /* with IMAGE_ORDINAL_FLAG32 */
        ULONG AddressOfData; /* RVA of an IMAGE_IMPORT_BY_NAME */
    } u1;
} IMAGE_THUNK_DATA32, *PIMAGE_THUNK_DATA32;

NT_C_ASSERT(sizeof(IMAGE_THUNK_DATA32) == 4);

#define IMAGE_ORDINAL_FLAG32           0x80000000u
#define IMAGE_SNAP_BY_ORDINAL32(Thunk) (((Thunk)&IMAGE_ORDINAL_FLAG32) != 0)
#define IMAGE_ORDINAL32(Thunk)         ((USHORT)((Thunk)&0xFFFFu))

typedef struct _IMAGE_IMPORT_BY_NAME {
    USHORT Hint; /* where the name may stand in the exporter's table */
    CHAR Name[1];
} IMAGE_IMPORT_BY_NAME, *PIMAGE_IMPORT_BY_NAME;

NT_C_ASSERT(offsetof(IMAGE_IMPORT_BY_NAME, Name) == 2);

typedef struct _IMAGE_BOUND_IMPORT_DESCRIPTOR {
    ULONG TimeDateStamp;
    USHORT OffsetModuleName; /* from the directory's start */
    USHORT NumberOfModuleForwarderRefs;
} IMAGE_BOUND_IMPORT_DESCRIPTOR, *PIMAGE_BOUND_IMPORT_DESCRIPTOR;

NT_C_ASSERT(sizeof(IMAGE_BOUND_IMPORT_DESCRIPTOR) == 8);

/* ---- thread-local storage and load configuration: addresses here are no RVAs ---- */

typedef struct _IMAGE_TLS_DIRECTORY32 {
    ULONG StartAddressOfRawData;
    ULONG EndAddressOfRawData;
    ULONG AddressOfIndex;
    ULONG AddressOfCallBacks; /* of an array that ends in 0 */
    ULONG SizeOfZeroFill;
    ULONG Characteristics;
} IMAGE_TLS_DIRECTORY32, *PIMAGE_TLS_DIRECTORY32;

NT_C_ASSERT(sizeof(IMAGE_TLS_DIRECTORY32) == 24);

typedef struct _IMAGE_LOAD_CONFIG_DIRECTORY32 {
    ULONG Size;
    ULONG TimeDateStamp;
    USHORT MajorVersion;
    USHORT MinorVersion;
    ULONG GlobalFlagsClear;
    ULONG GlobalFlagsSet;
    ULONG CriticalSectionDefaultTimeout;
    ULONG DeCommitFreeBlockThreshold;
    ULONG DeCommitTotalFreeThreshold;
    ULONG LockPrefixTable;
    ULONG MaximumAllocationSize;
    ULONG VirtualMemoryThreshold;
    ULONG ProcessHeapFlags;
    ULONG ProcessAffinityMask;
    USHORT CSDVersion;
    USHORT Reserved1;
    ULONG EditList;
    ULONG SecurityCookie;
    ULONG SEHandlerTable;
    ULONG SEHandlerCount;
} IMAGE_LOAD_CONFIG_DIRECTORY32, *PIMAGE_LOAD_CONFIG_DIRECTORY32;

NT_C_ASSERT(sizeof(IMAGE_LOAD_CONFIG_DIRECTORY32) == 72);
NT_C_ASSERT(offsetof(IMAGE_LOAD_CONFIG_DIRECTORY32, SecurityCookie) == 60);

/* ---- NtQuerySection(SectionImageInformation) ---- */

typedef struct _SECTION_IMAGE_INFORMATION {
    PVOID TransferAddress; /* the entry, at the preferred base; NULL: none */
    ULONG ZeroBits;
    SIZE_T MaximumStackSize;
    SIZE_T CommittedStackSize;
    ULONG SubSystemType;
    union {
        struct {
            USHORT SubSystemMinorVersion;
            USHORT SubSystemMajorVersion;
        };
        ULONG SubSystemVersion;
    };
    ULONG GpValue;
    USHORT ImageCharacteristics;
    USHORT DllCharacteristics;
    USHORT Machine;
    BOOLEAN ImageContainsCode;
    BOOLEAN Spare1;
    ULONG LoaderFlags;
    ULONG ImageFileSize;
    ULONG Reserved[1];
} SECTION_IMAGE_INFORMATION, *PSECTION_IMAGE_INFORMATION;

#if defined(__i386__)
NT_C_ASSERT(sizeof(SECTION_IMAGE_INFORMATION) == 48);
NT_C_ASSERT(offsetof(SECTION_IMAGE_INFORMATION, SubSystemType) == 16);
NT_C_ASSERT(offsetof(SECTION_IMAGE_INFORMATION, ImageCharacteristics) == 28);
NT_C_ASSERT(offsetof(SECTION_IMAGE_INFORMATION, LoaderFlags) == 36);
#endif

#endif
