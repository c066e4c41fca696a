/* SPDX-License-Identifier: MIT */
/*
 * section.h - memory that several address spaces can map: the structures behind a section object.
 *
 *     SECTION            what a handle means
 *     CONTROL_AREA       who uses the segment; behind it, in the same block, its subsections
 *     SUBSECTION         a run of prototype PTEs
 *     SEGMENT            how large it is, how its pages are protected, what was charged for it
 *     prototype PTEs     where each page is; in paged pool, and they may be out themselves
 *     MMVAD_VIEW         (mm/space/vad.h) a view of it in a process
 *
 * Names are NT's, as its debugger shows them (!ca, dt nt!_CONTROL_AREA).
 *
 * Letters: (P) MiPfnLock, (A) atomic, (I) fixed after creation.
 */
#ifndef MM_SECTION_SECTION_H
#define MM_SECTION_SECTION_H

#include "mm/space/vad.h"
#include "mm_section.h"
#include "nt/list.h"
#include "rtl.h"

#define MI_SECTION_TAG      0x7463655Fu /* '_ect': SECTION */
#define MI_CONTROL_AREA_TAG 0x61436D4Du /* 'MmCa', as on NT */
#define MI_SEGMENT_TAG      0x74536D4Du /* 'MmSt', as on NT: prototype PTEs */
#define MI_SUBSECTION_TAG   0x62536D4Du /* 'MmSb', as on NT */

struct _DEVICE_OBJECT;
struct _IO_STATUS_BLOCK;
struct _SECTION_OBJECT_POINTERS;

typedef struct _CONTROL_AREA CONTROL_AREA, *PCONTROL_AREA;

typedef struct _SEGMENT {
    PCONTROL_AREA ControlArea;    /* (I) */
    ULONG TotalNumberOfPtes;      /* (P) of all subsections; a file's may be more than its pages */
    ULONG NumberOfCommittedPages; /* (P) that were charged */
    ULONG64 SizeOfSegment;        /* (P) bytes, whole pages; a file's may grow */
    MMPTE SegmentPteTemplate;     /* (I) what a prototype PTE is before its first access */
    PMMPTE PrototypePte;          /* (I) the first one; a file's may go on elsewhere */
    struct _MI_IMAGE_SEGMENT *Image; /* (I) image_segment.h; NULL: it is none */
    RTL_BITMAP Committed;            /* (P) SEC_RESERVE: a bit for each page; else Buffer is NULL */
} SEGMENT, *PSEGMENT;

typedef struct _SUBSECTION {
    PCONTROL_AREA ControlArea;          /* (I) */
    PMMPTE SubsectionBase;              /* (I) its first prototype PTE */
    ULONG PtesInSubsection;             /* (I) */
    ULONG UnusedPtes;                   /* (P) of these, behind the end of the segment */
    struct _SUBSECTION *NextSubsection; /* (P) or NULL */
    ULONG StartingSector;               /* (I) of a file: where it begins, in units of 512 bytes */
    ULONG NumberOfFullSectors;          /* (I) */
    ULONG SectorEndOffset;              /* (I) of an image: bytes behind these */
    ULONG Protection;                   /* (I) a code of mm/space/protection.h */
} SUBSECTION, *PSUBSECTION;

typedef struct _MMSECTION_FLAGS {
    ULONG BeingDeleted : 1;   /* (P) nobody uses it any more */
    ULONG NoCache : 1;        /* SEC_NOCACHE */
    ULONG Reserve : 1;        /* SEC_RESERVE */
    ULONG Commit : 1;         /* SEC_COMMIT */
    ULONG File : 1;           /* its pages are a file's */
    ULONG Image : 1;          /* ... an image's */
    ULONG DeleteOnClose : 1;  /* an image's pages do not keep it */
    ULONG PhysicalMemory : 1; /* physical_section.c: it has no prototype PTEs */
    ULONG Spare : 24;
} MMSECTION_FLAGS;

struct NT_ALIGNED(8) _CONTROL_AREA {
    PSEGMENT Segment;                /* (I) */
    LIST_ENTRY Link;                 /* (P) among all, or among those that are to be deleted */
    ULONG NumberOfSectionReferences; /* (P) section objects, and faults that wait */
    ULONG NumberOfPfnReferences;     /* (P) pages of a file that have a frame */
    ULONG NumberOfMappedViews;       /* (P) */
    ULONG NumberOfSystemCacheViews;  /* (P) of these, the system cache's */
    ULONG NumberOfUserReferences;    /* (P) section objects, and views of processes */
    union {
        ULONG LongFlags;
        MMSECTION_FLAGS Flags;
    } u;
    struct _FILE_OBJECT *FilePointer; /* (I) referenced; NULL: the paging files */
    ULONG ModifiedWriteCount;         /* (P) writes to the file that are under way */
    ULONG NumberOfSubsections;        /* (P) the first follows, then the segment */
    LIST_ENTRY Views;                 /* (P) MMVAD_VIEW.Link: those of processes */
};

NT_C_ASSERT(sizeof(CONTROL_AREA) % 8 == 0); /* a prototype PTE can name what follows */

#define MI_SECTOR_SHIFT 9 /* StartingSector counts 512 bytes */

static inline PSUBSECTION MiFirstSubsection(PCONTROL_AREA Area)
{
    return (PSUBSECTION)(PVOID)(Area + 1);
}

/* => Page < the segment's TotalNumberOfPtes.  Its prototype PTE; any IRQL. */
PMMPTE MiSectionPrototype(PCONTROL_AREA Area, ULONG Page);

/* The same; *Run: how many lie there one behind the other, from this one on. */
PMMPTE MiSectionRun(PCONTROL_AREA Area, ULONG Page, PULONG Run);

/* The object; in paged pool. */
typedef struct _SECTION {
    PSEGMENT Segment;            /* (I) */
    ULONG64 SizeOfSection;       /* bytes: whole pages, or a file's as asked for; NtExtendSection */
    ULONG InitialPageProtection; /* (I) PAGE_* */
    ULONG AllocationAttributes;  /* (I) SEC_* */
    BOOLEAN IsUser;              /* (I) it counts in NumberOfUserReferences: not the cache's */
    ULONG_PTR BasedAddress;      /* (I) SEC_BASED: where its views are; else 0 */
    ULONG BasedBytes;            /* (I) which it has there */
    LIST_ENTRY BasedLink;        /* based.c's */
} SECTION, *PSECTION;

static inline BOOLEAN MiIsPhysicalSection(const SECTION *Section)
{
    return Section->Segment->ControlArea->u.Flags.PhysicalMemory;
}

/* ---- sections with an address of their own: based.c ---- */

/* There are none.  => Once a machine, before the first section. */
void MiInitializeBasedSections(void);

/* Choose the section's address.  => SizeOfSection is set.  STATUS_NO_MEMORY: there is no room. */
NT_MUST_CHECK NTSTATUS MiPlaceBasedSection(PSECTION Section);

/* The reverse, when the object goes.  => Does nothing to another section. */
void MiForgetBasedSection(PSECTION Section);

/*
 * Where a view of the section has to be: *Base, unless it has no address of its own.
 *
 * => STATUS_CONFLICTING_ADDRESSES: *Base is another one.  STATUS_INVALID_VIEW_SIZE: Offset leads
 *    out of the user half.
 */
NT_MUST_CHECK NTSTATUS MiBaseOfView(const SECTION *Section, ULONG64 Offset, PVOID *Base);

/* Check B1.  Wrong: an assertion. */
void MiVerifyBasedSections(void);

/* ---- views: map_view.c ---- */

/* What MmMapViewOfSection is asked for, apart from the section and the process. */
typedef struct _MI_VIEW_WANTED {
    PVOID Base;
    ULONG_PTR ZeroBits;
    SIZE_T CommitBytes;
    ULONG64 Offset;
    SIZE_T Bytes;
    SECTION_INHERIT Inherit;
    ULONG Type;
    ULONG Protect;
} MI_VIEW_WANTED;

/* => As MmMapViewOfSection, as far as the arguments alone say: before a handle is looked at. */
NT_MUST_CHECK NTSTATUS MiCheckViewArguments(const MI_VIEW_WANTED *Wanted);

/*
 * A file's section has Pages pages now: views that were mapped with MEM_RESERVE have as many of
 * their own.
 */
void MiExtendViews(PCONTROL_AREA Area, ULONG Pages) NT_NOT_HOLDING(MiPfnLock);

/* ---- segments: segment.c ---- */

extern LIST_ENTRY MiControlAreas; /* (P) all that are in use */
extern ULONG MiSharedCommit;      /* (P) pages that segments are charged for */
extern ULONG MiUnusedSegments;    /* (P) that are to be deleted; their charge is still there */
extern ULONG MiFilePageChanges;   /* (P) pages of files that got or lost a frame */

/* There are no sections.  => Once a machine, before the first one. */
void MiForgetSections(void);

/* And a type for their objects.  => After ObInitSystem.  STATUS_INSUFFICIENT_RESOURCES. */
NT_MUST_CHECK NTSTATUS MiInitializeSections(void);

/*
 * Make a segment over the paging files, with one section reference and one user reference.
 *
 * => Pages is not 0.  Protection: a code.  STATUS_SECTION_TOO_BIG: paged pool is too small for so
 *    many prototype PTEs.  STATUS_COMMITMENT_LIMIT (*Limit: what it should be),
 *    STATUS_INSUFFICIENT_RESOURCES: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiCreatePagingFileSegment(ULONG Pages, ULONG Protection, ULONG Attributes,
                                                 PSEGMENT *Segment, PULONG Limit);

/*
 * Commit Count pages of a SEC_RESERVE segment from First on, those that are not yet.
 *
 * => STATUS_COMMITMENT_LIMIT (*Limit): nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiCommitSegment(PSEGMENT Segment, ULONG First, ULONG Count, PULONG Limit);

/* A fault that waits keeps the segment; and no more: that may delete it. */
void MiReferenceControlArea(PCONTROL_AREA Area);
void MiDereferenceControlArea(PCONTROL_AREA Area) NT_NOT_HOLDING(MiPfnLock);

/* There is one view more in the system half, so it stays; or one less, which may be its end. */
void MiReferenceSystemView(PCONTROL_AREA Area, BOOLEAN Cache) NT_NOT_HOLDING(MiPfnLock);
void MiDereferenceSystemView(PCONTROL_AREA Area, BOOLEAN Cache) NT_NOT_HOLDING(MiPfnLock);

/* The reference of a section object ends. */
void MiDereferenceSegment(PSEGMENT Segment, BOOLEAN IsUser) NT_NOT_HOLDING(MiPfnLock);

/* => The one behind Area, whose reference goes, or the first one; referenced.  NULL: none. */
PCONTROL_AREA MiNextControlArea(PCONTROL_AREA Area) NT_NOT_HOLDING(MiPfnLock);

/* One use more.  => Under MiPfnLock: the area is in use, or kept. */
void MiReferenceAreaLocked(PCONTROL_AREA Area, BOOLEAN IsUser) NT_HOLDS(MiPfnLock);

/*
 * Deletes segments whose last page went in a thread that could not.
 *
 * => Once a machine.  STATUS_INSUFFICIENT_RESOURCES.
 */
NT_MUST_CHECK NTSTATUS MiStartSegmentThread(void);

/* ---- what segments are made of: segment_memory.c ---- */

/* => A block with an area, its first subsection and a segment; nothing else is set.  NULL: none. */
PCONTROL_AREA MiAllocateControlArea(ULONG Pages, ULONG Attributes);

/* => Zeroed, one that a prototype PTE can name; NULL: none. */
PSUBSECTION MiAllocateSubsection(void);

/* => NULL: none.  ExFreePoolWithTag(MI_SEGMENT_TAG). */
PMMPTE MiAllocatePrototypes(ULONG Pages);

/* ---- \Device\PhysicalMemory: physical_section.c ---- */

/*
 * Make the section.
 *
 * => Once a machine, after MiInitializeSections.  STATUS_INSUFFICIENT_RESOURCES.
 */
NT_MUST_CHECK NTSTATUS MiCreatePhysicalSection(void);

/* ---- segments of files: file_segment.c ---- */

/* => Once a machine: MiForgetSections. */
void MiForgetFileSegments(void);

/*
 * The segment of a file's data, at least Bytes long: the one that there is, or a new one; with one
 * section reference, and if IsUser one user reference.
 *
 * => PASSIVE_LEVEL; Bytes is not 0; no other call changes the file's size meanwhile.
 * => STATUS_INVALID_FILE_FOR_SECTION: the file system has no sections.  STATUS_SECTION_TOO_BIG,
 *    STATUS_INSUFFICIENT_RESOURCES: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiCreateFileSegment(struct _FILE_OBJECT *File, ULONG64 Bytes, BOOLEAN IsUser,
                                           PSEGMENT *Segment);

/* Make it longer, if it is shorter.  => As MiCreateFileSegment. */
NT_MUST_CHECK NTSTATUS MiExtendFileSegment(PSEGMENT Segment, ULONG64 Bytes);

/* Prototype PTEs, subsections and the file.  => Nobody uses it, no page has a frame. */
void MiDeleteFileSegment(PCONTROL_AREA Area) NT_NOT_HOLDING(MiPfnLock);

/* ---- their pages: file_flush.c; IRQL <= APC_LEVEL, nothing that page requests need ---- */

/*
 * Write the modified pages from First on.
 *
 * => Somebody keeps the area.  The first failure: such pages stay modified.
 */
NT_MUST_CHECK NTSTATUS MiFlushArea(PCONTROL_AREA Area, ULONG First, ULONG Count)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * Forget them.
 *
 * => Modified pages, too, unless users have the section: one may have written since a flush.
 * => FALSE: one is mapped, locked, or a user's write; those behind it are left.
 */
NT_MUST_CHECK BOOLEAN MiPurgeArea(PCONTROL_AREA Area, ULONG First, ULONG Count)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * Write and forget all pages of files, so that those that nobody uses let go of their files: before
 * a volume is dismounted.  Device: of files there alone; NULL: everywhere.
 */
void MiReleaseFiles(const struct _DEVICE_OBJECT *Device) NT_NOT_HOLDING(MiPfnLock);

/* The two for a file's data section, if there is one: as cache_view.h says. */
NT_MUST_CHECK NTSTATUS MmFlushSection(struct _SECTION_OBJECT_POINTERS *Pointers,
                                      PLARGE_INTEGER FileOffset, ULONG Bytes,
                                      struct _IO_STATUS_BLOCK *IoStatus);
NT_MUST_CHECK BOOLEAN MmPurgeSection(struct _SECTION_OBJECT_POINTERS *Pointers,
                                     PLARGE_INTEGER FileOffset, ULONG Bytes);

/* The data section of a file, referenced as by a fault; NULL: there is none. */
PCONTROL_AREA MiReferenceDataSection(const struct _SECTION_OBJECT_POINTERS *Pointers);

#endif
