/* SPDX-License-Identifier: MIT */
/*
 * image_headers.h - what an image section is made of, told from the first bytes of its file.
 *
 * An image is parts, one a subsection: its headers, then its sections, in order of their pages.
 * Pages of the image that belong to no part have no access.
 */
#ifndef MM_SECTION_IMAGE_HEADERS_H
#define MM_SECTION_IMAGE_HEADERS_H

#include "nt/image.h"
#include "nt/status.h"

/*
 * The documented limit of sections; and how much of a file may hold its headers: a page of the
 * program that says "cannot be run in DOS mode", the NT headers and the largest table of sections.
 */
#define MI_IMAGE_SECTIONS     96
#define MI_IMAGE_HEADER_BYTES (2 * PAGE_SIZE)

NT_C_ASSERT(PAGE_SIZE + sizeof(IMAGE_NT_HEADERS32) +
                MI_IMAGE_SECTIONS * sizeof(IMAGE_SECTION_HEADER) <=
            MI_IMAGE_HEADER_BYTES);

/* An accepted image. */
typedef struct _MI_IMAGE {
    ULONG64 FileBytes;
    ULONG ImageBase;        /* preferred; its low 16 bits are zero */
    ULONG ImageBytes;       /* in memory, whole pages, not 0 */
    ULONG HeaderBytes;      /* SizeOfHeaders: in the file and in the image */
    ULONG NtHeaders;        /* where they stand, in both */
    ULONG SectionTable;     /* where the section headers stand, in both */
    ULONG SectionCount;     /* at most MI_IMAGE_SECTIONS */
    ULONG PartCount;        /* 1 + SectionCount; OnePart: 1 */
    ULONG SectionAlignment; /* a power of two */
    ULONG FileAlignment;    /* a power of two, up to SectionAlignment */
    ULONG EntryPoint;       /* RVA inside the image; 0: none */
    ULONG TimeDateStamp;
    ULONG CheckSum; /* as the header has it; 0: none */
    ULONG StackReserveBytes;
    ULONG StackCommitBytes;
    ULONG HeapReserveBytes;
    ULONG HeapCommitBytes;
    ULONG LoaderFlags;
    USHORT Machine;
    USHORT Characteristics;    /* IMAGE_FILE_* */
    USHORT DllCharacteristics; /* IMAGE_DLLCHARACTERISTICS_* */
    USHORT Subsystem;
    USHORT SubsystemMajorVersion;
    USHORT SubsystemMinorVersion;
    USHORT BadDirectories; /* bit n: directory n leads out of the image, and is empty below */
    BOOLEAN OnePart;       /* SectionAlignment is below a page: the file is mapped as it is */
    BOOLEAN ContainsCode;  /* a section is code, or can be executed */
    BOOLEAN Relocatable;   /* it may lie elsewhere than at ImageBase */
    /* Inside the image (the certificates': inside the file), or 0 and 0. */
    IMAGE_DATA_DIRECTORY Directories[IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
} MI_IMAGE, *PMI_IMAGE;

/* A part: FileBytes bytes of the file from FileOffset on, then zeros. */
typedef struct _MI_IMAGE_PART {
    ULONG FirstPage;
    ULONG Pages;           /* 0: an empty section */
    ULONG FileOffset;      /* 0 when FileBytes is */
    ULONG FileBytes;       /* at most Pages * PAGE_SIZE */
    ULONG Protection;      /* mm/space/protection.h */
    ULONG Characteristics; /* IMAGE_SCN_*; of the headers 0 */
    BOOLEAN Shared;        /* writable, and all processes see what is written */
    BOOLEAN FilePages;     /* FileOffset is a multiple of PAGE_SIZE: pages are those of the file */
    CHAR Name[IMAGE_SIZEOF_SHORT_NAME + 1]; /* of the headers empty */
} MI_IMAGE_PART, *PMI_IMAGE_PART;

/*
 * Judge and describe a file of FileBytes bytes that begins with Header.
 *
 * => Header is aligned to 4 and nobody changes it meanwhile; HeaderBytes are the smaller of
 *    FileBytes and MI_IMAGE_HEADER_BYTES, or more.  Any IRQL.
 * => *Image is written unless the status is an error.
 *
 *     STATUS_IMAGE_MACHINE_TYPE_MISMATCH  no error: valid, but not for the i386; mapping says it
 *     STATUS_INVALID_IMAGE_NOT_MZ         no MZ at the start, or less than an MZ header
 *     STATUS_INVALID_IMAGE_PROTECT        nothing newer behind MZ: a program for DOS
 *     STATUS_INVALID_IMAGE_NE_FORMAT      a 16-bit image, not for Windows
 *     STATUS_INVALID_IMAGE_WIN_16         a 16-bit image for Windows
 *     STATUS_INVALID_IMAGE_LE_FORMAT      a VxD, or for OS/2
 *     STATUS_INVALID_IMAGE_WIN_64         a 64-bit image
 *     STATUS_INVALID_IMAGE_FORMAT         all else; IMAGES.md has the list
 */
NT_MUST_CHECK NTSTATUS MiDescribeImage(const void *Header, SIZE_T HeaderBytes, ULONG64 FileBytes,
                                       PMI_IMAGE Image);

/*
 * Describe part Index: 0 the headers (OnePart: everything), n section n - 1.
 *
 * => Header and Image as MiDescribeImage had and left them; Index < Image->PartCount.
 */
void MiDescribeImagePart(const void *Header, const MI_IMAGE *Image, ULONG Index,
                         PMI_IMAGE_PART Part);

/* What NtQuerySection says of the section. */
void MiFillImageInformation(const MI_IMAGE *Image, PSECTION_IMAGE_INFORMATION Information);

#endif
