/* SPDX-License-Identifier: MIT */
/*
 * mm_section.h - section objects: memory that several processes can map, as ntifs.h and ntddk.h
 * declare it.
 *
 * Sections over the paging files, of files, and of images.  Whoever made a section object lets go
 * of it with ObDereferenceObject, or closes the handle; its memory lives until the last view goes.
 *
 * Source of behaviour: learn.microsoft.com/windows-hardware/drivers/ddi, a page for each call (as
 * Zw...).  Sizes and offsets are in bytes.  All calls but those for the system half: PASSIVE_LEVEL.
 */
#ifndef MM_SECTION_H
#define MM_SECTION_H

#include "ob.h"
#include "ps.h"
#include "vm.h"

#define SEC_BASED           0x00200000u
#define SEC_NO_CHANGE       0x00400000u
#define SEC_FILE            0x00800000u
#define SEC_IMAGE           0x01000000u
#define SEC_RESERVE         0x04000000u
#define SEC_COMMIT          0x08000000u
#define SEC_NOCACHE         0x10000000u
#define SEC_LARGE_PAGES     0x80000000u /* there are none: refused */

#define SECTION_QUERY       0x0001u
#define SECTION_MAP_WRITE   0x0002u
#define SECTION_MAP_READ    0x0004u
#define SECTION_MAP_EXECUTE 0x0008u
#define SECTION_EXTEND_SIZE 0x0010u
#define SECTION_ALL_ACCESS  0x000F001Fu

typedef enum _SECTION_INHERIT {
    ViewShare = 1, /* a clone of the process has the view, too */
    ViewUnmap = 2  /* it has not */
} SECTION_INHERIT;

struct _FILE_OBJECT;

extern POBJECT_TYPE MmSectionObjectType;

/*
 * Make a section.  SEC_COMMIT: all of its pages are committed; SEC_RESERVE: those that
 * NtAllocateVirtualMemory commits in a view.  SEC_NO_CHANGE: pages of its views keep the protection
 * that the view was mapped with (else STATUS_INVALID_PAGE_PROTECTION).  SEC_BASED: it has an
 * address, at which its views are in every process, and no other.  DesiredAccess is not looked at:
 * it is for a handle; ObjectAttributes as ObCreateObject, and ObInsertObject can be called next.
 * With a file's handle the section is of the file's data; the handle has to grant what
 * SectionPageProtection does.  With a FileObject it is the cache's, which may be longer than the
 * file and does not keep it from being cut.  SEC_RESERVE is SEC_COMMIT then, and SEC_NOCACHE has no
 * effect.
 *
 * SEC_IMAGE: the file is a program, and the section what its headers say; it is as long as that,
 * whatever MaximumSize is, which may be NULL.  SectionPageProtection only says what the handle has
 * to grant.
 *
 *     STATUS_INVALID_PARAMETER_4      no size, 0 or less
 *     STATUS_INVALID_PAGE_PROTECTION  no access at all, or with a modifier (PAGE_GUARD...)
 *     STATUS_INVALID_PARAMETER_6      not one of SEC_COMMIT, SEC_RESERVE, SEC_IMAGE; unknown
 *                                     attributes, or SEC_IMAGE with others
 *     STATUS_INVALID_FILE_FOR_SECTION SEC_IMAGE without a file; a directory, or a file whose
 *                                     driver has no sections
 *     STATUS_MAPPED_FILE_SIZE_ZERO    MaximumSize 0 or NULL: as long as the file, which is empty
 *     STATUS_INVALID_IMAGE_*          SEC_IMAGE: it is no image, or none of ours (IMAGES.md)
 *     STATUS_NO_MEMORY                SEC_BASED: no process has room for it besides the others
 *     STATUS_SECTION_TOO_BIG          more pages than can be counted, or than all of paged pool has
 *                                     room for prototype PTEs; longer than the image; longer than
 *                                     the file, which the section may not write to: else the file
 *                                     becomes longer
 *     STATUS_COMMITMENT_LIMIT, STATUS_INSUFFICIENT_RESOURCES
 *
 * => PASSIVE_LEVEL.  *SectionObject is referenced.
 */
NT_MUST_CHECK NTSTATUS NTAPI MmCreateSection(PVOID *SectionObject, ULONG DesiredAccess,
                                             PCOBJECT_ATTRIBUTES ObjectAttributes,
                                             PLARGE_INTEGER MaximumSize,
                                             ULONG SectionPageProtection,
                                             ULONG AllocationAttributes, HANDLE FileHandle,
                                             struct _FILE_OBJECT *FileObject);

/*
 * Map *ViewSize bytes (0: all that follow) from *SectionOffset (NULL: the beginning) on.
 * *BaseAddress NULL: anywhere, as NtAllocateVirtualMemory.  CommitSize: bytes from there on that
 * are committed, of a SEC_RESERVE section.
 *
 *     STATUS_INVALID_PARAMETER_3      *BaseAddress is not in the user half, or the view leads out
 *     STATUS_INVALID_PARAMETER_4      ZeroBits is above 21, or not those of *BaseAddress
 *     STATUS_INVALID_PARAMETER_5      CommitSize is more than *ViewSize
 *     STATUS_INVALID_PARAMETER_8      InheritDisposition
 *     STATUS_INVALID_PARAMETER_9      AllocationType is not of MEM_TOP_DOWN and MEM_RESERVE; or
 *                                     MEM_RESERVE, and the view is not a shared one of a file's
 *                                     data that may be written to, or the section is SEC_BASED
 *     STATUS_INVALID_PAGE_PROTECTION  Win32Protect makes no sense, or says how to cache
 *     STATUS_SECTION_PROTECTION       it grants more than the section does
 *     STATUS_MAPPED_ALIGNMENT         address or offset is not a multiple of 64 KB
 *     STATUS_INVALID_VIEW_SIZE        the view leads out of the section
 *     STATUS_CONFLICTING_ADDRESSES    the addresses are in use; or *BaseAddress is another one than
 *                                     a SEC_BASED section's
 *     and what vm.h says about memory
 *
 * An image is mapped at its preferred base if it is free and *BaseAddress does not say otherwise;
 * how pages are protected its parts say, not Win32Protect.  It may succeed with
 *     STATUS_IMAGE_NOT_AT_BASE            it is elsewhere; pages are relocated as they are touched
 *     STATUS_IMAGE_MACHINE_TYPE_MISMATCH  it is for another machine
 * and fail with STATUS_CONFLICTING_ADDRESSES when it may not be elsewhere, or with
 * STATUS_INVALID_IMAGE_FORMAT when its relocations are wrong.
 *
 * Of \Device\PhysicalMemory, whose offsets are physical addresses, *SectionOffset is rounded down
 * to a multiple of 64 KB, as documented, and says so on success; the view reaches as far as was
 * asked for.  Win32Protect may say how to cache what is no RAM (PAGE_NOCACHE, which is the default,
 * or PAGE_WRITECOMBINE); it may not be PAGE_NOACCESS, or copy-on-write.  From user mode:
 * STATUS_ACCESS_DENIED, as since NT 5.2 SP1.  Protections of such pages stay as they are.
 *
 * MEM_RESERVE: the view may be longer than the section.  What lies behind the section's end is
 * reserved, and becomes memory when NtExtendSection makes the section longer.
 *
 * => PASSIVE_LEVEL.  On success *BaseAddress and *ViewSize say what is mapped.
 */
NT_MUST_CHECK NTSTATUS NTAPI MmMapViewOfSection(PVOID SectionObject, PEPROCESS Process,
                                                PVOID *BaseAddress, ULONG_PTR ZeroBits,
                                                SIZE_T CommitSize, PLARGE_INTEGER SectionOffset,
                                                PSIZE_T ViewSize,
                                                SECTION_INHERIT InheritDisposition,
                                                ULONG AllocationType, ULONG Win32Protect);

/*
 * Unmap the view that BaseAddress lies in.
 *
 * => PASSIVE_LEVEL.  STATUS_NOT_MAPPED_VIEW: there is none.  STATUS_PROCESS_IS_TERMINATING.
 */
NT_MUST_CHECK NTSTATUS NTAPI MmUnmapViewOfSection(PEPROCESS Process, PVOID BaseAddress);

/* ---- views that every process sees ---- */

/*
 * Map *ViewSize bytes of the section (0: all of it) from its beginning on, in the system half, for
 * the kernel; a section that is not for writing can be read there and no more: a write is bug check
 * 0xBE.  There are 16 MB (SystemViewSize) for all such views together, in units of 64 KB.
 *
 *     STATUS_INVALID_PARAMETER_1 the section is \Device\PhysicalMemory
 *     STATUS_INVALID_VIEW_SIZE   the section is shorter
 *     STATUS_NO_MEMORY           no room of that size is left, or no memory for page tables
 *
 * => PASSIVE_LEVEL or APC_LEVEL.  On success *MappedBase and *ViewSize, whole pages, say what is
 *    mapped.  The view keeps what it needs of the section.  Its pages are pageable; one that is not
 *    committed is like no memory.
 */
NT_MUST_CHECK NTSTATUS NTAPI MmMapViewInSystemSpace(PVOID Section, PVOID *MappedBase,
                                                    PSIZE_T ViewSize);

/*
 * The reverse.
 *
 * => As above; MappedBase is what the call above returned.  Else bug check 0xD7, P1 MappedBase,
 *    P2 2: no view begins there.
 * => STATUS_SUCCESS.
 */
NTSTATUS NTAPI MmUnmapViewInSystemSpace(PVOID MappedBase);

/* ---- handles ---- */

/* => As MmCreateSection, ObInsertObject and ObOpenObjectByName. */
NT_MUST_CHECK NTSTATUS NTAPI NtCreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                                             PCOBJECT_ATTRIBUTES ObjectAttributes,
                                             PLARGE_INTEGER MaximumSize,
                                             ULONG SectionPageProtection,
                                             ULONG AllocationAttributes, HANDLE FileHandle);
NT_MUST_CHECK NTSTATUS NTAPI NtOpenSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                                           PCOBJECT_ATTRIBUTES ObjectAttributes);

/*
 * As the calls above with Mm; what is wrong with the arguments alone is said before a handle is
 * looked at.  The process' handle needs PROCESS_VM_OPERATION, the section's by Win32Protect:
 *
 *     PAGE_NOACCESS, PAGE_READONLY, PAGE_WRITECOPY  SECTION_MAP_READ
 *     PAGE_READWRITE                                SECTION_MAP_WRITE
 *     PAGE_EXECUTE                                  SECTION_MAP_EXECUTE
 *     PAGE_EXECUTE_READ, PAGE_EXECUTE_WRITECOPY     SECTION_MAP_EXECUTE and SECTION_MAP_READ
 *     PAGE_EXECUTE_READWRITE                        SECTION_MAP_EXECUTE and SECTION_MAP_WRITE
 *
 * => STATUS_NOT_MAPPED_VIEW from NtUnmapViewOfSection also for an address of the system half.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle,
                                                PVOID *BaseAddress, ULONG_PTR ZeroBits,
                                                SIZE_T CommitSize, PLARGE_INTEGER SectionOffset,
                                                PSIZE_T ViewSize,
                                                SECTION_INHERIT InheritDisposition,
                                                ULONG AllocationType, ULONG Win32Protect);
NT_MUST_CHECK NTSTATUS NTAPI NtUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress);

typedef enum _SECTION_INFORMATION_CLASS {
    SectionBasicInformation,
    SectionImageInformation
} SECTION_INFORMATION_CLASS;

typedef struct _SECTION_BASIC_INFORMATION {
    PVOID BaseAddress;          /* of a SEC_BASED section */
    ULONG AllocationAttributes; /* SEC_* */
    LARGE_INTEGER MaximumSize;  /* of a file's data as asked for, of others whole pages */
} SECTION_BASIC_INFORMATION, *PSECTION_BASIC_INFORMATION;

/*
 * What a section is: SECTION_BASIC_INFORMATION, or SECTION_IMAGE_INFORMATION (nt/image.h).
 *
 *     STATUS_INVALID_INFO_CLASS      Class is neither
 *     STATUS_INFO_LENGTH_MISMATCH    Length is too little for it
 *     STATUS_SECTION_NOT_IMAGE       SectionImageInformation of another section
 *
 * => The handle needs SECTION_QUERY.  ReturnLength may be NULL; else it says, on success, how much
 *    was written.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQuerySection(HANDLE SectionHandle, SECTION_INFORMATION_CLASS Class,
                                            PVOID Information, SIZE_T Length, PSIZE_T ReturnLength);

/*
 * Make a file's section longer, and the file, if that is shorter.  A size that is not larger
 * changes nothing.
 *
 * => The handle needs SECTION_EXTEND_SIZE.  Views with MEM_RESERVE have the new pages at once.  On
 *    success *NewSectionSize is what it is now.
 *    STATUS_SECTION_NOT_EXTENDED: it is not of a file's data, or the file would have to grow and
 *    the section may not write to it.  What growing the file says, STATUS_DISK_FULL above all.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtExtendSection(HANDLE SectionHandle, PLARGE_INTEGER NewSectionSize);

struct _IO_STATUS_BLOCK;

/*
 * Write what was modified in a part of a view of a file to the file: *RegionSize bytes from
 * *BaseAddress on; 0: up to the end of the view.
 *
 *     STATUS_INVALID_PARAMETER_2, _3  the range is not in the user half, or leads out of the view
 *     STATUS_NOT_MAPPED_VIEW          nothing is there
 *     STATUS_NOT_MAPPED_DATA          something else is, an image too
 *     STATUS_PROCESS_IS_TERMINATING
 *
 * => The process' handle needs PROCESS_VM_OPERATION.  Returns when it is written, or the first
 *    failure: such pages stay modified.  In both cases *BaseAddress and *RegionSize become whole
 *    pages, and IoStatus has the status, with Information 0.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtFlushVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress,
                                                  PSIZE_T RegionSize,
                                                  struct _IO_STATUS_BLOCK *IoStatus);

#endif
