/* SPDX-License-Identifier: MIT */
/*
 * create_section.c - MmCreateSection: its arguments, and the object.
 *
 *     a handle to a file     a section of its data that a user asked for; the handle has to grant
 *                            what the section's protection does
 *     a file object          the cache's (or a file system's): it asks for what it likes
 *     SEC_IMAGE, with one    an image, as large as the file says (image_segment.c): a user's always
 *     of these
 *     neither                memory of the paging files
 */
#include "ex.h"
#include "fsrtl.h"
#include "io.h"
#include "mi_assert.h"
#include "mm/pfn/commit_growth.h"
#include "mm/section/image_segment.h"

#define MIP_KINDS      (SEC_COMMIT | SEC_RESERVE | SEC_IMAGE)
#define MIP_ATTRIBUTES (MIP_KINDS | SEC_NOCACHE | SEC_BASED | SEC_NO_CHANGE | SEC_FILE)

/* 1 GB of prototype PTEs: as far as a PTE reaches (MMPTE_PROTOTYPE). */
#define MIP_MOST_PAGES              (1u << 28)

#define MIP_NO_PROTECTION_MODIFIERS (PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE)

POBJECT_TYPE MmSectionObjectType;

/* ---- arguments ---- */

static NTSTATUS MipCheckAttributes(ULONG Attributes)
{
    ULONG Kind = Attributes & MIP_KINDS;

    if ((Attributes & ~MIP_ATTRIBUTES) != 0 || Kind == 0 || (Kind & (Kind - 1)) != 0 ||
        (Kind == SEC_IMAGE && Attributes != SEC_IMAGE)) {
        return STATUS_INVALID_PARAMETER_6;
    }
    return STATUS_SUCCESS;
}

/* => *Protection: a code, with how its pages are cached. */
static NTSTATUS MipCheckProtection(ULONG Protect, ULONG Attributes, PULONG Protection)
{
    *Protection = MiMakeProtection(Protect);
    if (*Protection == MI_NO_PROTECTION || (*Protection & MM_ACCESS_MASK) == 0 ||
        (Protect & MIP_NO_PROTECTION_MODIFIERS) != 0) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if ((Attributes & SEC_NOCACHE) != 0) {
        *Protection |= MM_NOCACHE;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MipCheckSize(const LARGE_INTEGER *MaximumSize)
{
    if (MaximumSize == NULL || MaximumSize->QuadPart <= 0) {
        return STATUS_INVALID_PARAMETER_4;
    }
    return MaximumSize->QuadPart > (LONGLONG)MIP_MOST_PAGES << PAGE_SHIFT ? STATUS_SECTION_TOO_BIG
                                                                          : STATUS_SUCCESS;
}

static NTSTATUS MipCheckBacking(ULONG Attributes, BOOLEAN HasFile)
{
    if (!HasFile && (Attributes & SEC_IMAGE) != 0) {
        return STATUS_INVALID_FILE_FOR_SECTION;
    }
    return STATUS_SUCCESS;
}

/* ---- the object ---- */

static NTSTATUS MipCreateSegment(ULONG64 Bytes, ULONG Protection, ULONG Attributes,
                                 PSEGMENT *Segment)
{
    ULONG Pages = (ULONG)((Bytes + PAGE_SIZE - 1) >> PAGE_SHIFT);
    ULONG Limit = 0;
    NTSTATUS Status;
    ULONG Rises;

    do {
        Rises = MiQueryCommitRises();
        Status = MiCreatePagingFileSegment(Pages, Protection, Attributes, Segment, &Limit);
    } while (Status == STATUS_COMMITMENT_LIMIT && MiWaitForCommitment(Limit, Rises));
    return Status;
}

/* What a section is to be. */
typedef struct _MIP_WANTED {
    ULONG Protect;    /* PAGE_* */
    ULONG Protection; /* a code */
    ULONG Attributes;
    PFILE_OBJECT File; /* NULL: the paging files */
    BOOLEAN IsUser;
    ULONG64 Bytes;      /* of the section; of an image: of its file */
    ULONG64 ImageBytes; /* that the caller wants of an image; 0: all */
    ULONG CommitLimit;  /* that an image's charge which was refused needs */
} MIP_WANTED;

static NTSTATUS MipCreateImage(MIP_WANTED *Wanted, PSEGMENT *Made)
{
    PSEGMENT Segment;
    NTSTATUS Status =
        MiCreateImageSegment(Wanted->File, Wanted->Bytes, &Segment, &Wanted->CommitLimit);

    if (NT_SUCCESS(Status) && Wanted->ImageBytes > Segment->SizeOfSegment) {
        MiDereferenceSegment(Segment, TRUE);
        return STATUS_SECTION_TOO_BIG;
    }
    if (NT_SUCCESS(Status)) {
        *Made = Segment;
    }
    return Status;
}

static NTSTATUS MipMakeSegment(MIP_WANTED *Wanted, PSEGMENT *Segment)
{
    if ((Wanted->Attributes & SEC_IMAGE) != 0) {
        return MipCreateImage(Wanted, Segment);
    }
    return Wanted->File == NULL
               ? MipCreateSegment(Wanted->Bytes, Wanted->Protection, Wanted->Attributes, Segment)
               : MiCreateFileSegment(Wanted->File, Wanted->Bytes, Wanted->IsUser, Segment);
}

/* => On failure it is as good as its end needs it. */
static NTSTATUS MipFill(PSECTION Section, MIP_WANTED *Wanted)
{
    BOOLEAN OfData = Wanted->File != NULL && (Wanted->Attributes & SEC_IMAGE) == 0;
    NTSTATUS Status = MipMakeSegment(Wanted, &Section->Segment);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Section->SizeOfSection = OfData ? Wanted->Bytes : Section->Segment->SizeOfSegment;
    Section->InitialPageProtection = Wanted->Protect;
    Section->AllocationAttributes = Wanted->Attributes | (Wanted->File != NULL ? SEC_FILE : 0);
    Section->IsUser = Wanted->IsUser;
    return (Wanted->Attributes & SEC_BASED) != 0 ? MiPlaceBasedSection(Section) : STATUS_SUCCESS;
}

static NTSTATUS MipCreate(MIP_WANTED *Wanted, PCOBJECT_ATTRIBUTES ObjectAttributes, PVOID *Created)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PSECTION Section;
    NTSTATUS Status = ObCreateObject(Mode, MmSectionObjectType, ObjectAttributes, Mode, NULL,
                                     sizeof(SECTION), 0, 0, (PVOID *)&Section);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipFill(Section, Wanted);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(Section);
        return Status;
    }
    *Created = Section;
    return STATUS_SUCCESS;
}

/* ---- files ---- */

static ACCESS_MASK MipFileAccess(ULONG Protect)
{
    switch (Protect & 0xFF) {
    case PAGE_READWRITE:
        return FILE_READ_DATA | FILE_WRITE_DATA;
    case PAGE_EXECUTE:
        return FILE_EXECUTE;
    case PAGE_EXECUTE_READ:
    case PAGE_EXECUTE_WRITECOPY:
        return FILE_EXECUTE | FILE_READ_DATA;
    case PAGE_EXECUTE_READWRITE:
        return FILE_EXECUTE | FILE_READ_DATA | FILE_WRITE_DATA;
    default:
        return FILE_READ_DATA;
    }
}

/* A file that is shorter becomes as long as the section, if the section may write to it. */
static NTSTATUS MipLengthen(PFILE_OBJECT File, ULONG Protection, ULONG64 Bytes)
{
    FILE_END_OF_FILE_INFORMATION End = {.EndOfFile.QuadPart = (LONGLONG)Bytes};

    if (!MiIsWritable(Protection) || MiIsCopyOnWrite(Protection)) {
        return STATUS_SECTION_TOO_BIG;
    }
    return IoSetInformation(File, FileEndOfFileInformation, sizeof(End), &End);
}

/* => Nobody else changes the file's size. */
static NTSTATUS MipSizeOfFile(MIP_WANTED *Wanted, const LARGE_INTEGER *MaximumSize)
{
    FILE_STANDARD_INFORMATION Standard;
    ULONG Returned;
    NTSTATUS Status = IoQueryFileInformation(Wanted->File, FileStandardInformation,
                                             sizeof(Standard), &Standard, &Returned);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Standard.Directory) {
        return STATUS_INVALID_FILE_FOR_SECTION;
    }
    Wanted->Bytes = MaximumSize == NULL ? 0 : (ULONG64)MaximumSize->QuadPart;
    if ((Wanted->Attributes & SEC_IMAGE) != 0) {
        Wanted->ImageBytes = Wanted->Bytes;
        Wanted->Bytes = (ULONG64)Standard.EndOfFile.QuadPart;
        return STATUS_SUCCESS;
    }
    if (Wanted->Bytes == 0) {
        Wanted->Bytes = (ULONG64)Standard.EndOfFile.QuadPart;
        return Wanted->Bytes == 0 ? STATUS_MAPPED_FILE_SIZE_ZERO : STATUS_SUCCESS;
    }
    return Wanted->Bytes <= (ULONG64)Standard.EndOfFile.QuadPart
               ? STATUS_SUCCESS
               : MipLengthen(Wanted->File, Wanted->Protection, Wanted->Bytes);
}

/* => A user's: the file's size stays until there is a segment, which keeps it from being cut. */
static NTSTATUS MipTryOfFile(MIP_WANTED *Wanted, PCOBJECT_ATTRIBUTES ObjectAttributes,
                             const LARGE_INTEGER *MaximumSize, PVOID *Created)
{
    NTSTATUS Status;

    FsRtlAcquireFileExclusive(Wanted->File);
    Status = MipSizeOfFile(Wanted, MaximumSize);
    if (NT_SUCCESS(Status)) {
        Status = MipCreate(Wanted, ObjectAttributes, Created);
    }
    FsRtlReleaseFile(Wanted->File);
    return Status;
}

/* A paging file that becomes longer is waited for without the file. */
static NTSTATUS MipCreateOfFile(MIP_WANTED *Wanted, PCOBJECT_ATTRIBUTES ObjectAttributes,
                                const LARGE_INTEGER *MaximumSize, PVOID *Created)
{
    NTSTATUS Status;
    ULONG Rises;

    if (MaximumSize != NULL && MaximumSize->QuadPart < 0) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if (Wanted->File->SectionObjectPointer == NULL) {
        return STATUS_INVALID_FILE_FOR_SECTION;
    }
    do {
        Rises = MiQueryCommitRises();
        Status = MipTryOfFile(Wanted, ObjectAttributes, MaximumSize, Created);
    } while (Status == STATUS_COMMITMENT_LIMIT && MiWaitForCommitment(Wanted->CommitLimit, Rises));
    return Status;
}

/* ---- the call ---- */

/* => The arguments but the file's are good. */
static NTSTATUS MipCreateByHandle(MIP_WANTED *Wanted, PCOBJECT_ATTRIBUTES ObjectAttributes,
                                  const LARGE_INTEGER *MaximumSize, HANDLE Handle, PVOID *Created)
{
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, MipFileAccess(Wanted->Protect), IoFileObjectType,
                                  ExGetPreviousMode(), (PVOID *)&Wanted->File, NULL);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipCreateOfFile(Wanted, ObjectAttributes, MaximumSize, Created);
    ObDereferenceObject(Wanted->File);
    return Status;
}

NTSTATUS NTAPI MmCreateSection(PVOID *SectionObject, ULONG DesiredAccess,
                               PCOBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,
                               ULONG SectionPageProtection, ULONG AllocationAttributes,
                               HANDLE FileHandle, PFILE_OBJECT FileObject)
{
    MIP_WANTED Wanted = {.Protect = SectionPageProtection,
                         .Attributes = AllocationAttributes,
                         .File = FileObject,
                         .IsUser = FileObject == NULL || AllocationAttributes == SEC_IMAGE};
    NTSTATUS Status = MipCheckAttributes(AllocationAttributes);

    (void)DesiredAccess;
    if (NT_SUCCESS(Status)) {
        Status =
            MipCheckProtection(SectionPageProtection, AllocationAttributes, &Wanted.Protection);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCheckBacking(AllocationAttributes, FileHandle != NULL || FileObject != NULL);
    }
    if (NT_SUCCESS(Status) && FileHandle != NULL && FileObject == NULL) {
        return MipCreateByHandle(&Wanted, ObjectAttributes, MaximumSize, FileHandle, SectionObject);
    }
    if (NT_SUCCESS(Status) && AllocationAttributes == SEC_IMAGE) {
        return MipCreateOfFile(&Wanted, ObjectAttributes, MaximumSize, SectionObject);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCheckSize(MaximumSize);
    }
    if (NT_SUCCESS(Status)) {
        Wanted.Bytes = (ULONG64)MaximumSize->QuadPart;
        Status = MipCreate(&Wanted, ObjectAttributes, SectionObject);
    }
    return Status;
}

/* ---- the type ---- */

static void MipDeleteSection(PVOID Object)
{
    PSECTION Section = Object;

    MiForgetBasedSection(Section);
    if (Section->Segment != NULL) { /* else it was never completed */
        MiDereferenceSegment(Section->Segment, Section->IsUser);
    }
}

NTSTATUS MiInitializeSections(void)
{
    static const OB_TYPE_DESCRIPTION Description = {
        .Name = u"Section",
        .PoolType = PagedPool,
        .Tag = MI_SECTION_TAG,
        .ValidAccessMask = SECTION_ALL_ACCESS,
        .GenericMapping = {STANDARD_RIGHTS_READ | SECTION_QUERY | SECTION_MAP_READ,
                           STANDARD_RIGHTS_WRITE | SECTION_MAP_WRITE,
                           STANDARD_RIGHTS_EXECUTE | SECTION_MAP_EXECUTE, SECTION_ALL_ACCESS},
        .Delete = MipDeleteSection,
    };

    MiForgetSections();
    MiInitializeBasedSections();
    return ObCreateType(&Description, &MmSectionObjectType);
}
