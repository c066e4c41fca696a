/* SPDX-License-Identifier: MIT */
/*
 * dh_command.c - !dh: the headers of the image that lies at an address.
 *
 *     !dh [options] <base>     -f file headers, -s section headers, -a both (as without options)
 *
 * Whatever the address and the headers say: all is copied without a fault before it is looked at,
 * and nothing is printed of what could not be read.
 */
#include "mm/inspect/commands.h"
#include "mm/inspect/debugger.h"
#include "nt/image.h"
#include "rtl.h"

#define MIP_MOST_SECTIONS   96u         /* the documented limit */
#define MIP_MOST_OFFSET     0x10000000u /* of the NT headers: as RtlImageNtHeader */
#define MIP_SECONDS_TO_1970 11644473600ull
#define MIP_UNITS           10000000u /* of 100 ns, a second */

/* What is to be printed. */
typedef struct _MIP_WANTED {
    BOOLEAN File;
    BOOLEAN Sections;
} MIP_WANTED, *PMIP_WANTED;

/* A bit and what it is called. */
typedef struct _MIP_FLAG_NAME {
    ULONG Bit;
    const char *Name;
} MIP_FLAG_NAME;

static const MIP_FLAG_NAME MipFileFlags[] = {
    {IMAGE_FILE_RELOCS_STRIPPED, "Relocations stripped"},
    {IMAGE_FILE_EXECUTABLE_IMAGE, "Executable"},
    {IMAGE_FILE_LINE_NUMS_STRIPPED, "Line numbers stripped"},
    {IMAGE_FILE_LOCAL_SYMS_STRIPPED, "Symbols stripped"},
    {IMAGE_FILE_LARGE_ADDRESS_AWARE, "App can handle >2gb addresses"},
    {IMAGE_FILE_32BIT_MACHINE, "32 bit word machine"},
    {IMAGE_FILE_DEBUG_STRIPPED, "Debug information stripped"},
    {IMAGE_FILE_REMOVABLE_RUN_FROM_SWAP, "Run from swap, if on removable media"},
    {IMAGE_FILE_NET_RUN_FROM_SWAP, "Run from swap, if on the net"},
    {IMAGE_FILE_SYSTEM, "System"},
    {IMAGE_FILE_DLL, "DLL"},
    {IMAGE_FILE_UP_SYSTEM_ONLY, "Uniprocessor only"},
    {0, NULL},
};

static const MIP_FLAG_NAME MipDllFlags[] = {
    {IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "Dynamic base"},
    {IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "NX compatible"},
    {IMAGE_DLLCHARACTERISTICS_NO_ISOLATION, "No isolation"},
    {IMAGE_DLLCHARACTERISTICS_NO_SEH, "No structured exception handler"},
    {IMAGE_DLLCHARACTERISTICS_NO_BIND, "Do not bind"},
    {IMAGE_DLLCHARACTERISTICS_WDM_DRIVER, "WDM driver"},
    {0, NULL},
};

static const MIP_FLAG_NAME MipSectionFlags[] = {
    {IMAGE_SCN_CNT_CODE, "Code"},
    {IMAGE_SCN_CNT_INITIALIZED_DATA, "Initialized Data"},
    {IMAGE_SCN_CNT_UNINITIALIZED_DATA, "Uninitialized Data"},
    {IMAGE_SCN_MEM_DISCARDABLE, "Discardable"},
    {IMAGE_SCN_MEM_NOT_CACHED, "Not Cached"},
    {IMAGE_SCN_MEM_NOT_PAGED, "Not Paged"},
    {IMAGE_SCN_MEM_SHARED, "Shared"},
    {0, NULL},
};

static void MipPrintFlags(ULONG Value, const MIP_FLAG_NAME *Flag)
{
    for (; Flag->Name != NULL; Flag++) {
        if ((Value & Flag->Bit) != 0) {
            MiPrint("            %s\n", Flag->Name);
        }
    }
}

/* ---- the file's header ---- */

static const char *MipMachineName(USHORT Machine)
{
    switch (Machine) {
    case IMAGE_FILE_MACHINE_I386:
        return "i386";
    case IMAGE_FILE_MACHINE_ARM:
        return "ARM";
    case IMAGE_FILE_MACHINE_IA64:
        return "IA64";
    case IMAGE_FILE_MACHINE_AMD64:
        return "X64";
    default:
        return "unknown";
    }
}

static void MipPrintStamp(ULONG Stamp)
{
    static const char Days[] = "SunMonTueWedThuFriSat";
    static const char Months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    LARGE_INTEGER Time = {.QuadPart = (LONGLONG)((Stamp + MIP_SECONDS_TO_1970) * MIP_UNITS)};
    TIME_FIELDS Date;

    RtlTimeToTimeFields(&Time, &Date);
    MiPrint("%8X time date stamp %.3s %.3s %02d %02d:%02d:%02d %d\n\n", Stamp,
            Days + 3 * Date.Weekday, Months + 3 * (Date.Month - 1), Date.Day, Date.Hour,
            Date.Minute, Date.Second, Date.Year);
}

static void MipPrintFileHeader(const IMAGE_FILE_HEADER *File)
{
    MiPrint("\nFile Type: %s\n",
            (File->Characteristics & IMAGE_FILE_DLL) != 0 ? "DLL" : "EXECUTABLE IMAGE");
    MiPrint("FILE HEADER VALUES\n%8X machine (%s)\n%8X number of sections\n", File->Machine,
            MipMachineName(File->Machine), File->NumberOfSections);
    MipPrintStamp(File->TimeDateStamp);
    MiPrint("%8X file pointer to symbol table\n%8X number of symbols\n"
            "%8X size of optional header\n%8X characteristics\n",
            File->PointerToSymbolTable, File->NumberOfSymbols, File->SizeOfOptionalHeader,
            File->Characteristics);
    MipPrintFlags(File->Characteristics, MipFileFlags);
}

/* ---- the optional header ---- */

static const char *MipSubsystemName(USHORT Subsystem)
{
    switch (Subsystem) {
    case IMAGE_SUBSYSTEM_NATIVE:
        return "Native";
    case IMAGE_SUBSYSTEM_WINDOWS_GUI:
        return "Windows GUI";
    case IMAGE_SUBSYSTEM_WINDOWS_CUI:
        return "Windows CUI";
    case IMAGE_SUBSYSTEM_OS2_CUI:
        return "OS/2 CUI";
    case IMAGE_SUBSYSTEM_POSIX_CUI:
        return "Posix CUI";
    default:
        return "Unknown";
    }
}

static void MipPrintDirectories(const IMAGE_OPTIONAL_HEADER32 *Optional)
{
    static const char *const Names[IMAGE_NUMBEROF_DIRECTORY_ENTRIES] = {"Export",
                                                                        "Import",
                                                                        "Resource",
                                                                        "Exception",
                                                                        "Security",
                                                                        "Base Relocation",
                                                                        "Debug",
                                                                        "Description",
                                                                        "Special",
                                                                        "Thread Storage",
                                                                        "Load Configuration",
                                                                        "Bound Import",
                                                                        "Import Address Table",
                                                                        "Delay Import",
                                                                        "COR20 Header",
                                                                        "Reserved"};
    ULONG Count = Optional->NumberOfRvaAndSizes;
    ULONG i;

    for (i = 0; i < Count && i < IMAGE_NUMBEROF_DIRECTORY_ENTRIES; i++) {
        MiPrint("%8X [%8X] address [size] of %s Directory\n",
                Optional->DataDirectory[i].VirtualAddress, Optional->DataDirectory[i].Size,
                Names[i]);
    }
}

static void MipPrintSizes(const IMAGE_OPTIONAL_HEADER32 *Optional)
{
    MiPrint("%8X size of image\n%8X size of headers\n%8X checksum\n", Optional->SizeOfImage,
            Optional->SizeOfHeaders, Optional->CheckSum);
    MiPrint("%08X size of stack reserve\n%08X size of stack commit\n"
            "%08X size of heap reserve\n%08X size of heap commit\n",
            Optional->SizeOfStackReserve, Optional->SizeOfStackCommit, Optional->SizeOfHeapReserve,
            Optional->SizeOfHeapCommit);
    MiPrint("%8X  DLL characteristics\n", Optional->DllCharacteristics);
    MipPrintFlags(Optional->DllCharacteristics, MipDllFlags);
}

static void MipPrintOptionalHeader(const IMAGE_OPTIONAL_HEADER32 *Optional)
{
    MiPrint("\nOPTIONAL HEADER VALUES\n%8X magic #\n", Optional->Magic);
    if (Optional->Magic != IMAGE_NT_OPTIONAL_HDR32_MAGIC) {
        MiPrint("         (not that of a 32-bit image: no more is printed of it)\n");
        return;
    }
    MiPrint("%5u.%02u linker version\n", Optional->MajorLinkerVersion,
            Optional->MinorLinkerVersion);
    MiPrint("%8X size of code\n%8X size of initialized data\n%8X size of uninitialized data\n",
            Optional->SizeOfCode, Optional->SizeOfInitializedData,
            Optional->SizeOfUninitializedData);
    MiPrint("%8X address of entry point\n%8X base of code\n         ----- new -----\n",
            Optional->AddressOfEntryPoint, Optional->BaseOfCode);
    MiPrint("%08X image base\n%8X section alignment\n%8X file alignment\n", Optional->ImageBase,
            Optional->SectionAlignment, Optional->FileAlignment);
    MiPrint("%8X subsystem (%s)\n", Optional->Subsystem, MipSubsystemName(Optional->Subsystem));
    MiPrint("%5u.%02u operating system version\n%5u.%02u image version\n"
            "%5u.%02u subsystem version\n",
            Optional->MajorOperatingSystemVersion, Optional->MinorOperatingSystemVersion,
            Optional->MajorImageVersion, Optional->MinorImageVersion,
            Optional->MajorSubsystemVersion, Optional->MinorSubsystemVersion);
    MipPrintSizes(Optional);
    MipPrintDirectories(Optional);
}

/* ---- sections ---- */

/* Whoever wrote the name may have written anything. */
static void MipPrintName(const UCHAR *Name)
{
    char Text[IMAGE_SIZEOF_SHORT_NAME + 1] = "";
    ULONG i;

    for (i = 0; i < IMAGE_SIZEOF_SHORT_NAME && Name[i] != 0; i++) {
        Text[i] = (char)(Name[i] >= 0x20 && Name[i] < 0x7F ? Name[i] : '.');
    }
    MiPrint("%8s name\n", Text);
}

static void MipPrintAccess(ULONG Flags)
{
    if ((Flags & (IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE)) != 0) {
        MiPrint("            %s%s%s\n", (Flags & IMAGE_SCN_MEM_EXECUTE) != 0 ? "Execute " : "",
                (Flags & IMAGE_SCN_MEM_READ) != 0 ? "Read " : "",
                (Flags & IMAGE_SCN_MEM_WRITE) != 0 ? "Write" : "");
    }
}

static void MipPrintSection(ULONG Number, const IMAGE_SECTION_HEADER *Section)
{
    MiPrint("\nSECTION HEADER #%X\n", Number);
    MipPrintName(Section->Name);
    MiPrint("%8X virtual size\n%8X virtual address\n%8X size of raw data\n"
            "%8X file pointer to raw data\n",
            Section->Misc.VirtualSize, Section->VirtualAddress, Section->SizeOfRawData,
            Section->PointerToRawData);
    MiPrint("%8X file pointer to relocation table\n%8X file pointer to line numbers\n"
            "%8X number of relocations\n%8X number of line numbers\n%08X flags\n",
            Section->PointerToRelocations, Section->PointerToLinenumbers,
            Section->NumberOfRelocations, Section->NumberOfLinenumbers, Section->Characteristics);
    MipPrintFlags(Section->Characteristics, MipSectionFlags);
    MipPrintAccess(Section->Characteristics);
}

/* => Table does not lead around the end of the address space. */
static void MipPrintSections(ULONG_PTR Table, ULONG Count)
{
    IMAGE_SECTION_HEADER Section;
    ULONG i;

    if (Count > MIP_MOST_SECTIONS) {
        MiPrint("\n%u sections are more than an image can have; the first %u:\n", Count,
                MIP_MOST_SECTIONS);
        Count = MIP_MOST_SECTIONS;
    }
    for (i = 0; i < Count && !MiStopRequested(); i++, Table += sizeof(Section)) {
        if (MiReadVirtual(Table, &Section, sizeof(Section)) != sizeof(Section)) {
            MiFail("The header of section %u, at %08X, is not in memory.", i + 1, (ULONG)Table);
            return;
        }
        MipPrintSection(i + 1, &Section);
    }
}

/* ---- the command ---- */

/* => *At: where the NT headers stand; *Nt: what is there of them, zeroes behind. */
static BOOLEAN MipReadHeaders(ULONG_PTR Base, PULONG_PTR At, PIMAGE_NT_HEADERS32 Nt)
{
    SIZE_T Fixed = offsetof(IMAGE_NT_HEADERS32, OptionalHeader);
    IMAGE_DOS_HEADER Dos;
    SIZE_T Optional;

    memset(Nt, 0, sizeof(*Nt));
    if (MiReadVirtual(Base, &Dos, sizeof(Dos)) != sizeof(Dos)) {
        MiFail("%08X is not in memory.", (ULONG)Base);
        return FALSE;
    }
    *At = Base + (ULONG)Dos.e_lfanew;
    if (Dos.e_magic != IMAGE_DOS_SIGNATURE || (ULONG)Dos.e_lfanew >= MIP_MOST_OFFSET ||
        *At < Base || *At > (ULONG_PTR)-1 - 0x20000 || /* headers, and the table behind them */
        MiReadVirtual(*At, Nt, Fixed) != Fixed || Nt->Signature != IMAGE_NT_SIGNATURE) {
        MiFail("No image begins at %08X.", (ULONG)Base);
        return FALSE;
    }
    Optional = Nt->FileHeader.SizeOfOptionalHeader;
    Optional = Optional < sizeof(Nt->OptionalHeader) ? Optional : sizeof(Nt->OptionalHeader);
    if (MiReadVirtual(*At + Fixed, &Nt->OptionalHeader, Optional) != Optional) {
        MiFail("The optional header, at %08X, is not in memory.", (ULONG)(*At + Fixed));
        return FALSE;
    }
    return TRUE;
}

static void MipPrintHeaders(ULONG_PTR Base, MIP_WANTED Wanted)
{
    IMAGE_NT_HEADERS32 Nt;
    ULONG_PTR At;

    if (!MipReadHeaders(Base, &At, &Nt)) {
        return;
    }
    if (Wanted.File) {
        MipPrintFileHeader(&Nt.FileHeader);
        MipPrintOptionalHeader(&Nt.OptionalHeader);
    }
    if (Wanted.Sections) {
        MipPrintSections(At + offsetof(IMAGE_NT_HEADERS32, OptionalHeader) +
                             Nt.FileHeader.SizeOfOptionalHeader,
                         Nt.FileHeader.NumberOfSections);
    }
}

/* => FALSE: a sentence was printed. */
static BOOLEAN MipTakeOptions(const char **Arguments, PMIP_WANTED Wanted)
{
    char Word[MI_WORD_BYTES];

    while (**Arguments == '-') {
        if (!MiTakeWord(Arguments, Word) || strlen(Word) != 2 ||
            RtlFindText("-f-s-a", Word) == NULL) {
            MiFail("The options are -f (file headers), -s (section headers) and -a (all).");
            return FALSE;
        }
        Wanted->File |= Word[1] != 's';
        Wanted->Sections |= Word[1] != 'f';
    }
    return TRUE;
}

void MiCommandDisplayHeaders(const char *Arguments)
{
    MIP_WANTED Wanted = {FALSE, FALSE};
    ULONG_PTR Base;
    NTSTATUS Status;

    if (!MipTakeOptions(&Arguments, &Wanted)) {
        return;
    }
    Status = MiTakeArgument(&Arguments, &Base);
    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("The address of an image is needed: !dh [-f] [-s] [-a] <base>.");
    }
    if (!NT_SUCCESS(Status) || !MipTakeOptions(&Arguments, &Wanted) || !MiTakeEnd(Arguments)) {
        return;
    }
    if (!Wanted.File && !Wanted.Sections) {
        Wanted = (MIP_WANTED){TRUE, TRUE};
    }
    MipPrintHeaders(Base, Wanted);
}
