/* SPDX-License-Identifier: MIT */
/*
 * elf.c - checks an ELF32 kernel image, then copies it.
 *
 * Checking and copying are apart: BlCheckElf reads the headers once, compares every number with
 * the file's length or the address range before it is used, and writes down what is left; after
 * that nothing can fail.  Sums are made in 64 bits, where two 32-bit numbers cannot overflow.
 *
 * Stricter than the format, because our own linker script makes the file:
 *   E1  segments ascend, start on page boundaries and share no page
 *   E2  no segment is both writable and executable
 *   E3  the entry lies in an executable segment
 *   E4  nothing asks for a dynamic linker or thread-local storage
 */
#include "elf.h"
#include "elf_format.h"
#include "rtl.h"

/* Program headers beside PT_LOAD are few: notes, the stack's flags, properties. */
#define BLP_ELF_PROGRAMS 32

/* What the checks pass around: the file, the permitted addresses and the image so far. */
typedef struct _BLP_ELF_CHECK {
    const UCHAR *File;
    SIZE_T Bytes;
    ULONG LowestVa;
    ULONG EndVa;
    BL_ELF_IMAGE Image;
} BLP_ELF_CHECK;

/* => The following checks return NULL, or what is wrong. */

static const char *BlpCheckIdent(const BLP_ELF_HEADER *Header)
{
    if (memcmp(Header->Ident,
               "\x7F"
               "ELF",
               4) != 0) {
        return "it is not an ELF file";
    }
    if (Header->Ident[4] != ELF_CLASS_32) {
        return "it is not a 32-bit ELF file";
    }
    if (Header->Ident[5] != ELF_DATA_LITTLE) {
        return "it is not little-endian";
    }
    if (Header->Ident[6] != ELF_VERSION || Header->Version != ELF_VERSION) {
        return "its ELF version is not 1";
    }
    if (Header->Type != ELF_TYPE_EXECUTED) {
        return "it is not an executable (ET_EXEC)";
    }
    if (Header->Machine != ELF_MACHINE_386) {
        return "it is not for the i386";
    }
    return NULL;
}

static const char *BlpCheckHeader(const BLP_ELF_HEADER *Header, SIZE_T Bytes)
{
    const char *Wrong = BlpCheckIdent(Header);

    if (Wrong != NULL) {
        return Wrong;
    }
    if (Header->HeaderBytes != sizeof(BLP_ELF_HEADER) ||
        Header->ProgramBytes != sizeof(BLP_ELF_PROGRAM)) {
        return "its headers have an unknown size";
    }
    if (Header->ProgramCount == 0) {
        return "it has no program headers";
    }
    if (Header->ProgramCount > BLP_ELF_PROGRAMS) {
        return "it has more than 32 program headers";
    }
    if (Header->ProgramOffset < sizeof(BLP_ELF_HEADER)) {
        return "its program headers overlap the file header";
    }
    if ((ULONG64)Header->ProgramOffset + Header->ProgramCount * sizeof(BLP_ELF_PROGRAM) > Bytes) {
        return "it is truncated: its program headers end behind the end of the file";
    }
    return NULL;
}

static const char *BlpCheckSegment(const BLP_ELF_CHECK *Check, const BLP_ELF_PROGRAM *Program)
{
    if ((ULONG64)Program->FileOffset + Program->FileBytes > Check->Bytes) {
        return "it is truncated: a segment ends behind the end of the file";
    }
    if (Program->MemoryBytes == 0) {
        return "a segment is empty";
    }
    if (Program->MemoryBytes < Program->FileBytes) {
        return "a segment is longer in the file than in memory";
    }
    if (Program->Va % PAGE_SIZE != 0) {
        return "a segment does not start on a page boundary";
    }
    if (Program->Va < Check->LowestVa ||
        (ULONG64)Program->Va + Program->MemoryBytes > Check->EndVa) {
        return "a segment lies outside the kernel's address range";
    }
    if ((Program->Flags & ELF_FLAG_WRITE) != 0 && (Program->Flags & ELF_FLAG_EXECUTE) != 0) {
        return "a segment is both writable and executable";
    }
    return NULL;
}

/* The first byte behind a segment's last page; EndVa is page aligned, so it does not wrap. */
static ULONG BlpSegmentEnd(const BL_ELF_SEGMENT *Segment)
{
    return Segment->Va + BYTES_TO_PAGES(Segment->MemoryBytes) * PAGE_SIZE;
}

static const char *BlpAddSegment(BLP_ELF_CHECK *Check, const BLP_ELF_PROGRAM *Program)
{
    const char *Wrong = BlpCheckSegment(Check, Program);
    BL_ELF_IMAGE *Image = &Check->Image;
    BL_ELF_SEGMENT *Segment = &Image->Segments[Image->SegmentCount];

    if (Wrong != NULL) {
        return Wrong;
    }
    if (Image->SegmentCount == BL_ELF_SEGMENTS) {
        return "it has more than 8 segments";
    }
    if (Image->SegmentCount != 0 && Program->Va < BlpSegmentEnd(Segment - 1)) {
        return "its segments are not in ascending order, or share a page";
    }
    Segment->Va = Program->Va;
    Segment->FileOffset = Program->FileOffset;
    Segment->FileBytes = Program->FileBytes;
    Segment->MemoryBytes = Program->MemoryBytes;
    Segment->Write = (Program->Flags & ELF_FLAG_WRITE) != 0;
    Segment->Execute = (Program->Flags & ELF_FLAG_EXECUTE) != 0;
    Image->SegmentCount++;
    return NULL;
}

static const char *BlpCheckProgram(BLP_ELF_CHECK *Check, ULONG FileOffset)
{
    BLP_ELF_PROGRAM Program;

    memcpy(&Program, Check->File + FileOffset, sizeof(Program));
    switch (Program.Type) {
    case ELF_PROGRAM_LOAD:
        return BlpAddSegment(Check, &Program);
    case ELF_PROGRAM_DYNAMIC:
    case ELF_PROGRAM_INTERP:
        return "it needs a dynamic linker";
    case ELF_PROGRAM_TLS:
        return "it uses thread-local storage";
    default:
        return NULL; /* notes and hints: nothing to load */
    }
}

static const char *BlpCheckEntry(const BL_ELF_IMAGE *Image)
{
    const BL_ELF_SEGMENT *Segment;
    ULONG Index;

    for (Index = 0; Index < Image->SegmentCount; Index++) {
        Segment = &Image->Segments[Index];
        if (Segment->Execute && Image->EntryVa >= Segment->Va &&
            Image->EntryVa - Segment->Va < Segment->MemoryBytes) {
            return NULL;
        }
    }
    return "its entry point is not in an executable segment";
}

static const char *BlpCheckFile(BLP_ELF_CHECK *Check)
{
    BLP_ELF_HEADER Header;
    BL_ELF_IMAGE *Image = &Check->Image;
    const char *Wrong;
    ULONG Index;

    if (Check->Bytes < sizeof(Header)) {
        return "it is too short for an ELF file";
    }
    memcpy(&Header, Check->File, sizeof(Header));
    Wrong = BlpCheckHeader(&Header, Check->Bytes);
    for (Index = 0; Wrong == NULL && Index < Header.ProgramCount; Index++) {
        Wrong = BlpCheckProgram(Check, Header.ProgramOffset + Index * sizeof(BLP_ELF_PROGRAM));
    }
    if (Wrong != NULL) {
        return Wrong;
    }
    if (Image->SegmentCount == 0) {
        return "it has no segment to load";
    }
    Image->EntryVa = Header.Entry;
    Image->BaseVa = Image->Segments[0].Va;
    Image->Pages =
        (BlpSegmentEnd(&Image->Segments[Image->SegmentCount - 1]) - Image->BaseVa) / PAGE_SIZE;
    return BlpCheckEntry(Image);
}

NTSTATUS BlCheckElf(const void *File, SIZE_T Bytes, ULONG LowestVa, ULONG EndVa,
                    BL_ELF_IMAGE *Image, const char **Reason)
{
    BLP_ELF_CHECK Check;
    const char *Wrong;

    memset(&Check, 0, sizeof(Check));
    Check.File = File;
    Check.Bytes = Bytes;
    Check.LowestVa = LowestVa;
    Check.EndVa = EndVa;
    Wrong = BlpCheckFile(&Check);
    if (Wrong != NULL) {
        *Reason = Wrong;
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    *Image = Check.Image;
    return STATUS_SUCCESS;
}

void BlCopyElf(const void *File, const BL_ELF_IMAGE *Image, void *Target)
{
    const BL_ELF_SEGMENT *Segment;
    ULONG Index;

    memset(Target, 0, (SIZE_T)Image->Pages * PAGE_SIZE);
    for (Index = 0; Index < Image->SegmentCount; Index++) {
        Segment = &Image->Segments[Index];
        memcpy((UCHAR *)Target + (Segment->Va - Image->BaseVa),
               (const UCHAR *)File + Segment->FileOffset, Segment->FileBytes);
    }
}

BOOLEAN BlElfPageIsWritable(const BL_ELF_IMAGE *Image, ULONG Page)
{
    const BL_ELF_SEGMENT *Segment;
    ULONG64 Va = Image->BaseVa + (ULONG64)Page * PAGE_SIZE;
    ULONG Index;

    for (Index = 0; Index < Image->SegmentCount; Index++) {
        Segment = &Image->Segments[Index];
        if (Va >= Segment->Va && Va < BlpSegmentEnd(Segment)) {
            return Segment->Write;
        }
    }
    return FALSE;
}
