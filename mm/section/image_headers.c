/* SPDX-License-Identifier: MIT */
/*
 * image_headers.c - judges the headers of a portable executable and describes its parts.
 *
 * Checking and describing are apart: MiDescribeImage compares every number with the file's length
 * or the image's size before anything uses it; after that MiDescribeImagePart cannot fail.  Sums
 * are made in 64 bits, where two 32-bit numbers cannot overflow.
 *
 * Of an accepted image:
 *   I1  the headers lie in the first HeaderBytes of both the file and the image
 *   I2  a part's pages lie in the image, its bytes in the file
 *   I3  parts ascend and share no page; a section begins where the one before it ends, rounded up
 *       to SectionAlignment (not with OnePart)
 *   I4  OnePart: each section's data is in the file where it is in the image
 */
#include "mm/section/image_headers.h"

#include "mi_assert.h"
#include "mm/space/protection.h"
#include "rtl.h"
#include "vm.h"

#define MIP_SECTOR_BYTES         512u     /* subsections begin at sectors of the file */
#define MIP_LOWEST_ALIGNMENT     512u     /* of a file whose sections are pages of their own */
#define MIP_HIGHEST_ALIGNMENT    0x10000u /* of data in files, as specified */
#define MIP_BASE_ALIGNMENT       0x10000u /* of images, as specified */

#define MIP_NE_EXETYP            0x36u /* in a 16-bit image's header: for which system it is */
#define MIP_NE_WINDOWS           2u
#define MIP_NE_WINDOWS_386       4u

#define MIP_OPTIONAL_HEADER      offsetof(IMAGE_NT_HEADERS32, OptionalHeader)
#define MIP_PLAIN_OPTIONAL_BYTES offsetof(IMAGE_OPTIONAL_HEADER32, DataDirectory)

/* What the checks pass around. */
typedef struct _MIP_IMAGE_CHECK {
    const UCHAR *Bytes; /* of the file, from its start */
    ULONG Limit;        /* how many of them may be read */
    ULONG64 FileBytes;
    ULONG NtHeaders;
    const IMAGE_NT_HEADERS32 *Headers;
} MIP_IMAGE_CHECK;

/* => Alignment is a power of two. */
static ULONG64 MipRoundUp(ULONG64 Value, ULONG Alignment)
{
    return ROUND_UP(Value, (ULONG64)Alignment);
}

static BOOLEAN MipIsPowerOfTwo(ULONG Value)
{
    return Value != 0 && (Value & (Value - 1)) == 0;
}

/* ---- which format is it ---- */

static NTSTATUS MipJudgeNewExecutable(const MIP_IMAGE_CHECK *Check)
{
    ULONG64 Place = (ULONG64)Check->NtHeaders + MIP_NE_EXETYP;
    UCHAR System = Place < Check->Limit ? Check->Bytes[Place] : 0;

    return System == MIP_NE_WINDOWS || System == MIP_NE_WINDOWS_386
               ? STATUS_INVALID_IMAGE_WIN_16
               : STATUS_INVALID_IMAGE_NE_FORMAT;
}

/* What stands where the MZ header points at; not read further than two or four bytes. */
static NTSTATUS MipJudgeSignature(const MIP_IMAGE_CHECK *Check)
{
    USHORT Short;
    ULONG Signature;

    memcpy(&Short, Check->Bytes + Check->NtHeaders, sizeof(Short));
    if (Short == IMAGE_OS2_SIGNATURE) {
        return MipJudgeNewExecutable(Check);
    }
    if (Short == IMAGE_OS2_SIGNATURE_LE) {
        return STATUS_INVALID_IMAGE_LE_FORMAT;
    }
    if ((ULONG64)Check->NtHeaders + sizeof(Signature) > Check->Limit) {
        return STATUS_INVALID_IMAGE_PROTECT;
    }
    memcpy(&Signature, Check->Bytes + Check->NtHeaders, sizeof(Signature));
    return Signature == IMAGE_NT_SIGNATURE ? STATUS_SUCCESS : STATUS_INVALID_IMAGE_PROTECT;
}

static NTSTATUS MipFindNtHeaders(MIP_IMAGE_CHECK *Check)
{
    const IMAGE_DOS_HEADER *Dos = (const IMAGE_DOS_HEADER *)Check->Bytes;
    NTSTATUS Status;

    if (Check->Limit < sizeof(*Dos) || Dos->e_magic != IMAGE_DOS_SIGNATURE) {
        return STATUS_INVALID_IMAGE_NOT_MZ;
    }
    if (Dos->e_lfanew < 0 || (ULONG64)Dos->e_lfanew + sizeof(USHORT) > Check->FileBytes) {
        return STATUS_INVALID_IMAGE_PROTECT;
    }
    Check->NtHeaders = (ULONG)Dos->e_lfanew;
    if ((ULONG64)Check->NtHeaders + sizeof(USHORT) > Check->Limit) {
        return STATUS_INVALID_IMAGE_FORMAT; /* further on than we look */
    }
    Status = MipJudgeSignature(Check);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Check->NtHeaders % sizeof(ULONG) != 0 ||
        Check->NtHeaders + MIP_OPTIONAL_HEADER + sizeof(USHORT) > Check->Limit) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Check->Headers = (const IMAGE_NT_HEADERS32 *)(Check->Bytes + Check->NtHeaders);
    return STATUS_SUCCESS;
}

/* ---- the headers' own sizes ---- */

static ULONG MipDirectoryCount(const MIP_IMAGE_CHECK *Check)
{
    ULONG Count = Check->Headers->OptionalHeader.NumberOfRvaAndSizes;

    return Count < IMAGE_NUMBEROF_DIRECTORY_ENTRIES ? Count : IMAGE_NUMBEROF_DIRECTORY_ENTRIES;
}

static ULONG MipSectionTable(const MIP_IMAGE_CHECK *Check)
{
    return Check->NtHeaders + MIP_OPTIONAL_HEADER + Check->Headers->FileHeader.SizeOfOptionalHeader;
}

/* => Success: all headers can be read, and I1 holds as far as the file goes. */
static NTSTATUS MipCheckFileHeader(const MIP_IMAGE_CHECK *Check)
{
    const IMAGE_FILE_HEADER *File = &Check->Headers->FileHeader;
    const IMAGE_OPTIONAL_HEADER32 *Optional = &Check->Headers->OptionalHeader;
    ULONG Behind;

    if (Optional->Magic == IMAGE_NT_OPTIONAL_HDR64_MAGIC) {
        return STATUS_INVALID_IMAGE_WIN_64;
    }
    if (Optional->Magic != IMAGE_NT_OPTIONAL_HDR32_MAGIC ||
        (File->Characteristics & IMAGE_FILE_EXECUTABLE_IMAGE) == 0 ||
        File->NumberOfSections > MI_IMAGE_SECTIONS ||
        File->SizeOfOptionalHeader < MIP_PLAIN_OPTIONAL_BYTES) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    Behind = MipSectionTable(Check) + File->NumberOfSections * sizeof(IMAGE_SECTION_HEADER);
    if (Behind > Check->Limit) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    if (File->SizeOfOptionalHeader <
            MIP_PLAIN_OPTIONAL_BYTES + MipDirectoryCount(Check) * sizeof(IMAGE_DATA_DIRECTORY) ||
        Optional->SizeOfHeaders < Behind || Optional->SizeOfHeaders > Check->FileBytes) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    return STATUS_SUCCESS;
}

/* ---- the image as a whole ---- */

static BOOLEAN MipIsOnePart(const IMAGE_OPTIONAL_HEADER32 *Optional)
{
    return Optional->SectionAlignment < PAGE_SIZE;
}

/* => TRUE: both are powers of two, as documented for each other. */
static BOOLEAN MipAlignmentsAreGood(const IMAGE_OPTIONAL_HEADER32 *Optional)
{
    ULONG Section = Optional->SectionAlignment;
    ULONG File = Optional->FileAlignment;

    if (!MipIsPowerOfTwo(Section) || !MipIsPowerOfTwo(File)) {
        return FALSE;
    }
    if (MipIsOnePart(Optional)) {
        return File == Section;
    }
    return File >= MIP_LOWEST_ALIGNMENT && File <= MIP_HIGHEST_ALIGNMENT && File <= Section;
}

/* => In whole pages; 0: more than there are addresses. */
static ULONG MipImageBytes(const IMAGE_OPTIONAL_HEADER32 *Optional)
{
    return (ULONG)MipRoundUp(Optional->SizeOfImage, PAGE_SIZE);
}

static NTSTATUS MipCheckOptionalHeader(const MIP_IMAGE_CHECK *Check)
{
    const IMAGE_OPTIONAL_HEADER32 *Optional = &Check->Headers->OptionalHeader;
    ULONG ImageBytes = MipImageBytes(Optional);

    if (!MipAlignmentsAreGood(Optional) || Optional->ImageBase % MIP_BASE_ALIGNMENT != 0) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    if (Optional->SizeOfHeaders > ImageBytes || Optional->AddressOfEntryPoint >= ImageBytes) {
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    return STATUS_SUCCESS;
}

/* ---- sections ---- */

/* A section header, which need not be aligned. */
static void MipReadSection(const UCHAR *Bytes, ULONG Table, ULONG Index,
                           PIMAGE_SECTION_HEADER Section)
{
    memcpy(Section, Bytes + Table + Index * sizeof(*Section), sizeof(*Section));
}

/* Its bytes in memory. */
static ULONG MipSectionBytes(const IMAGE_SECTION_HEADER *Section)
{
    return Section->Misc.VirtualSize != 0 ? Section->Misc.VirtualSize : Section->SizeOfRawData;
}

/* Its bytes in the file: without a place there are none, whatever their number. */
static ULONG MipRawBytes(const IMAGE_SECTION_HEADER *Section)
{
    return Section->PointerToRawData != 0 ? Section->SizeOfRawData : 0;
}

static BOOLEAN MipRawDataIsGood(const MIP_IMAGE_CHECK *Check, const IMAGE_SECTION_HEADER *Section)
{
    ULONG Bytes = MipRawBytes(Section);

    if (Bytes == 0) {
        return TRUE;
    }
    if ((ULONG64)Section->PointerToRawData + Bytes > Check->FileBytes) {
        return FALSE;
    }
    if (MipIsOnePart(&Check->Headers->OptionalHeader)) { /* I4 */
        return Section->PointerToRawData == Section->VirtualAddress;
    }
    return Section->PointerToRawData % MIP_SECTOR_BYTES == 0;
}

/* => I2, I3 and I4 hold for all sections. */
static NTSTATUS MipCheckSections(const MIP_IMAGE_CHECK *Check)
{
    const IMAGE_OPTIONAL_HEADER32 *Optional = &Check->Headers->OptionalHeader;
    BOOLEAN OnePart = MipIsOnePart(Optional);
    ULONG64 End = Optional->SizeOfHeaders;
    ULONG Index;

    for (Index = 0; Index < Check->Headers->FileHeader.NumberOfSections; Index++) {
        ULONG64 Expected = MipRoundUp(End, Optional->SectionAlignment);
        IMAGE_SECTION_HEADER Section;

        MipReadSection(Check->Bytes, MipSectionTable(Check), Index, &Section);
        if (OnePart ? Section.VirtualAddress < End : Section.VirtualAddress != Expected) {
            return STATUS_INVALID_IMAGE_FORMAT;
        }
        End = (ULONG64)Section.VirtualAddress + MipSectionBytes(&Section);
        if (End > MipImageBytes(Optional) || !MipRawDataIsGood(Check, &Section)) {
            return STATUS_INVALID_IMAGE_FORMAT;
        }
    }
    return STATUS_SUCCESS;
}

static BOOLEAN MipContainsCode(const MIP_IMAGE_CHECK *Check)
{
    ULONG Index;

    for (Index = 0; Index < Check->Headers->FileHeader.NumberOfSections; Index++) {
        IMAGE_SECTION_HEADER Section;

        MipReadSection(Check->Bytes, MipSectionTable(Check), Index, &Section);
        if ((Section.Characteristics & (IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE)) != 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- the description ---- */

static void MipDescribeDirectories(const MIP_IMAGE_CHECK *Check, PMI_IMAGE Image)
{
    ULONG Index;

    for (Index = 0; Index < MipDirectoryCount(Check); Index++) {
        IMAGE_DATA_DIRECTORY Directory = Check->Headers->OptionalHeader.DataDirectory[Index];
        ULONG64 Limit =
            Index == IMAGE_DIRECTORY_ENTRY_SECURITY ? Image->FileBytes : Image->ImageBytes;

        if (Directory.VirtualAddress == 0 || Directory.Size == 0) {
            continue;
        }
        if ((ULONG64)Directory.VirtualAddress + Directory.Size > Limit) {
            Image->BadDirectories |= (USHORT)(1u << Index);
            continue;
        }
        Image->Directories[Index] = Directory;
    }
}

/* Relocations that nobody can read are none. */
static BOOLEAN MipIsRelocatable(const MI_IMAGE *Image)
{
    return (Image->Characteristics & IMAGE_FILE_RELOCS_STRIPPED) == 0 &&
           (Image->BadDirectories & 1u << IMAGE_DIRECTORY_ENTRY_BASERELOC) == 0;
}

static void MipDescribe(const MIP_IMAGE_CHECK *Check, PMI_IMAGE Image)
{
    const IMAGE_FILE_HEADER *File = &Check->Headers->FileHeader;
    const IMAGE_OPTIONAL_HEADER32 *Optional = &Check->Headers->OptionalHeader;

    memset(Image, 0, sizeof(*Image));
    Image->FileBytes = Check->FileBytes;
    Image->ImageBase = Optional->ImageBase;
    Image->ImageBytes = MipImageBytes(Optional);
    Image->HeaderBytes = Optional->SizeOfHeaders;
    Image->NtHeaders = Check->NtHeaders;
    Image->SectionTable = MipSectionTable(Check);
    Image->SectionCount = File->NumberOfSections;
    Image->SectionAlignment = Optional->SectionAlignment;
    Image->FileAlignment = Optional->FileAlignment;
    Image->EntryPoint = Optional->AddressOfEntryPoint;
    Image->TimeDateStamp = File->TimeDateStamp;
    Image->CheckSum = Optional->CheckSum;
    Image->StackReserveBytes = Optional->SizeOfStackReserve;
    Image->StackCommitBytes = Optional->SizeOfStackCommit;
    Image->HeapReserveBytes = Optional->SizeOfHeapReserve;
    Image->HeapCommitBytes = Optional->SizeOfHeapCommit;
    Image->LoaderFlags = Optional->LoaderFlags;
    Image->Machine = File->Machine;
    Image->Characteristics = File->Characteristics;
    Image->DllCharacteristics = Optional->DllCharacteristics;
    Image->Subsystem = Optional->Subsystem;
    Image->SubsystemMajorVersion = Optional->MajorSubsystemVersion;
    Image->SubsystemMinorVersion = Optional->MinorSubsystemVersion;
    Image->OnePart = MipIsOnePart(Optional);
    Image->PartCount = Image->OnePart ? 1 : 1 + Image->SectionCount;
    Image->ContainsCode = MipContainsCode(Check);
    MipDescribeDirectories(Check, Image);
    Image->Relocatable = MipIsRelocatable(Image);
}

NTSTATUS MiDescribeImage(const void *Header, SIZE_T HeaderBytes, ULONG64 FileBytes, PMI_IMAGE Image)
{
    ULONG Limit = FileBytes < MI_IMAGE_HEADER_BYTES ? (ULONG)FileBytes : MI_IMAGE_HEADER_BYTES;
    MIP_IMAGE_CHECK Check = {.Bytes = Header, .Limit = Limit, .FileBytes = FileBytes};
    NTSTATUS Status = STATUS_SUCCESS;

    MI_ASSERT(HeaderBytes >= Limit && (ULONG_PTR)Header % sizeof(ULONG) == 0);
    Status = MipFindNtHeaders(&Check);
    if (NT_SUCCESS(Status)) {
        Status = MipCheckFileHeader(&Check);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCheckOptionalHeader(&Check);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCheckSections(&Check);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MipDescribe(&Check, Image);
    return Image->Machine == IMAGE_FILE_MACHINE_I386 ? STATUS_SUCCESS
                                                     : STATUS_IMAGE_MACHINE_TYPE_MISMATCH;
}

/* ---- parts ---- */

/* As NT gives it: writable pages are private to who writes them, unless they are shared. */
static ULONG MipSectionProtection(ULONG Characteristics)
{
    /* By readable, executable, and: not writable, private, shared. */
    static const ULONG Protect[2][2][3] = {
        {{PAGE_NOACCESS, PAGE_WRITECOPY, PAGE_READWRITE},
         {PAGE_EXECUTE, PAGE_EXECUTE_WRITECOPY, PAGE_EXECUTE_READWRITE}},
        {{PAGE_READONLY, PAGE_WRITECOPY, PAGE_READWRITE},
         {PAGE_EXECUTE_READ, PAGE_EXECUTE_WRITECOPY, PAGE_EXECUTE_READWRITE}},
    };
    ULONG Read = (Characteristics & IMAGE_SCN_MEM_READ) != 0;
    ULONG Execute = (Characteristics & IMAGE_SCN_MEM_EXECUTE) != 0;
    ULONG Write = 0;

    if ((Characteristics & IMAGE_SCN_MEM_WRITE) != 0) {
        Write = (Characteristics & IMAGE_SCN_MEM_SHARED) != 0 ? 2 : 1;
    }
    return MiMakeProtection(Protect[Read][Execute][Write]);
}

static void MipDescribeHeaders(const MI_IMAGE *Image, PMI_IMAGE_PART Part)
{
    Part->Pages = (Image->OnePart ? Image->ImageBytes : MipRoundUp(Image->HeaderBytes, PAGE_SIZE)) /
                  PAGE_SIZE;
    Part->FileBytes = Image->HeaderBytes;
    if (Image->OnePart) {
        Part->FileBytes =
            Image->FileBytes < Image->ImageBytes ? (ULONG)Image->FileBytes : Image->ImageBytes;
    }
    Part->Protection = MiMakeProtection(Image->OnePart ? PAGE_EXECUTE_WRITECOPY : PAGE_READONLY);
}

static void MipDescribeSection(const IMAGE_SECTION_HEADER *Section, PMI_IMAGE_PART Part)
{
    ULONG64 Bytes = MipRoundUp(MipSectionBytes(Section), PAGE_SIZE);

    Part->FirstPage = Section->VirtualAddress / PAGE_SIZE;
    Part->Pages = (ULONG)(Bytes / PAGE_SIZE);
    Part->FileBytes = MipRawBytes(Section) < Bytes ? MipRawBytes(Section) : (ULONG)Bytes;
    Part->FileOffset = Part->FileBytes != 0 ? Section->PointerToRawData : 0;
    Part->Protection = MipSectionProtection(Section->Characteristics);
    Part->Characteristics = Section->Characteristics;
    Part->Shared = (Section->Characteristics & IMAGE_SCN_MEM_WRITE) != 0 &&
                   (Section->Characteristics & IMAGE_SCN_MEM_SHARED) != 0;
    memcpy(Part->Name, Section->Name, sizeof(Section->Name));
}

void MiDescribeImagePart(const void *Header, const MI_IMAGE *Image, ULONG Index,
                         PMI_IMAGE_PART Part)
{
    MI_ASSERT(Index < Image->PartCount);
    memset(Part, 0, sizeof(*Part));
    if (Index == 0) {
        MipDescribeHeaders(Image, Part);
    } else {
        IMAGE_SECTION_HEADER Section;

        MipReadSection(Header, Image->SectionTable, Index - 1, &Section);
        MipDescribeSection(&Section, Part);
    }
    Part->FilePages = Part->FileOffset % PAGE_SIZE == 0;
    MI_ASSERT((ULONG64)Part->FirstPage + Part->Pages <= Image->ImageBytes / PAGE_SIZE); /* I2 */
    MI_ASSERT((ULONG64)Part->FileOffset + Part->FileBytes <= Image->FileBytes);
}

void MiFillImageInformation(const MI_IMAGE *Image, PSECTION_IMAGE_INFORMATION Information)
{
    memset(Information, 0, sizeof(*Information));
    if (Image->EntryPoint != 0) {
        Information->TransferAddress = (PVOID)(ULONG_PTR)(Image->ImageBase + Image->EntryPoint);
    }
    Information->MaximumStackSize = Image->StackReserveBytes;
    Information->CommittedStackSize = Image->StackCommitBytes;
    Information->SubSystemType = Image->Subsystem;
    Information->SubSystemMajorVersion = Image->SubsystemMajorVersion;
    Information->SubSystemMinorVersion = Image->SubsystemMinorVersion;
    Information->ImageCharacteristics = Image->Characteristics;
    Information->DllCharacteristics = Image->DllCharacteristics;
    Information->Machine = Image->Machine;
    Information->ImageContainsCode = Image->ContainsCode;
    Information->LoaderFlags = Image->LoaderFlags;
    Information->ImageFileSize = (ULONG)Image->FileBytes;
}
