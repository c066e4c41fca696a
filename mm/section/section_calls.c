/* SPDX-License-Identifier: MIT */
/*
 * section_calls.c - the section services for handles: NtCreateSection, NtOpenSection,
 * NtMapViewOfSection, NtUnmapViewOfSection, NtQuerySection, NtExtendSection, NtFlushVirtualMemory.
 *
 * A handle to a section says what views may grant (SECTION_MAP_*); whoever has no right to map one
 * for writing cannot by protecting it either, since the view's own protection is the limit then.
 */
#include "fsrtl.h"
#include "io.h"
#include "mm/section/image_segment.h"

#define MIP_WRITABLE (PAGE_READWRITE | PAGE_EXECUTE_READWRITE)
#define MIP_EXECUTABLE                                                                             \
    (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY)

NTSTATUS NTAPI NtCreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                               PCOBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,
                               ULONG SectionPageProtection, ULONG AllocationAttributes,
                               HANDLE FileHandle)
{
    HANDLE Handle = NULL;
    NTSTATUS Status;
    PVOID Section;

    Status = MmCreateSection(&Section, DesiredAccess, ObjectAttributes, MaximumSize,
                             SectionPageProtection, AllocationAttributes, FileHandle, NULL);
    if (NT_SUCCESS(Status)) {
        Status = ObInsertObject(Section, NULL, DesiredAccess, 0, NULL, &Handle);
    }
    if (NT_SUCCESS(Status)) {
        *SectionHandle = Handle;
    }
    return Status;
}

/* => Section is referenced. */
static NTSTATUS MipMayHave(const SECTION *Section, KPROCESSOR_MODE Mode)
{
    return Mode != KernelMode && MiIsPhysicalSection(Section) ? STATUS_ACCESS_DENIED
                                                              : STATUS_SUCCESS;
}

/* A user's new handle goes again where it leads to what users may not have. */
static NTSTATUS MipJudgeHandle(HANDLE Handle)
{
    PSECTION Section;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, 0, MmSectionObjectType, KernelMode,
                                                (PVOID *)&Section, NULL);

    if (NT_SUCCESS(Status)) {
        Status = MipMayHave(Section, UserMode);
        ObDereferenceObject(Section);
    }
    if (!NT_SUCCESS(Status)) {
        NTSTATUS Closed = NtClose(Handle); /* fails where another thread was quicker */

        return NT_SUCCESS(Closed) ? Status : Closed;
    }
    return Status;
}

NTSTATUS NTAPI NtOpenSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                             PCOBJECT_ATTRIBUTES ObjectAttributes)
{
    HANDLE Handle = NULL;
    NTSTATUS Status = ObOpenObjectByName(ObjectAttributes, MmSectionObjectType, ExGetPreviousMode(),
                                         NULL, DesiredAccess, NULL, &Handle);

    if (NT_SUCCESS(Status) && ExGetPreviousMode() != KernelMode) {
        Status = MipJudgeHandle(Handle);
    }
    if (NT_SUCCESS(Status)) {
        *SectionHandle = Handle;
    }
    return Status;
}

/* A copy-on-write view only reads the section. */
static ACCESS_MASK MipAccessFor(ULONG Protect)
{
    ACCESS_MASK Access = (Protect & MIP_WRITABLE) != 0 ? SECTION_MAP_WRITE : SECTION_MAP_READ;

    if ((Protect & (PAGE_EXECUTE | PAGE_EXECUTE_READWRITE)) != 0) {
        Access &= ~SECTION_MAP_READ;
    }
    return (Protect & MIP_EXECUTABLE) != 0 ? Access | SECTION_MAP_EXECUTE : Access;
}

NTSTATUS NTAPI NtMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, PVOID *BaseAddress,
                                  ULONG_PTR ZeroBits, SIZE_T CommitSize,
                                  PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize,
                                  SECTION_INHERIT InheritDisposition, ULONG AllocationType,
                                  ULONG Win32Protect)
{
    const MI_VIEW_WANTED Wanted = {
        *BaseAddress,   ZeroBits,
        CommitSize,     SectionOffset == NULL ? 0 : (ULONG64)SectionOffset->QuadPart,
        *ViewSize,      InheritDisposition,
        AllocationType, Win32Protect,
    };
    NTSTATUS Status = MiCheckViewArguments(&Wanted);
    PEPROCESS Process;
    PVOID Section;

    if (NT_SUCCESS(Status)) {
        Status = MiReferenceTarget(ProcessHandle, PROCESS_VM_OPERATION, &Process);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(SectionHandle, MipAccessFor(Win32Protect),
                                       MmSectionObjectType, ExGetPreviousMode(), &Section, NULL);
    if (NT_SUCCESS(Status)) {
        Status = MipMayHave(Section, ExGetPreviousMode());
        if (NT_SUCCESS(Status)) {
            Status = MmMapViewOfSection(Section, Process, BaseAddress, ZeroBits, CommitSize,
                                        SectionOffset, ViewSize, InheritDisposition, AllocationType,
                                        Win32Protect);
        }
        ObDereferenceObject(Section);
    }
    PsDereferenceProcess(Process);
    return Status;
}

NTSTATUS NTAPI NtUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress)
{
    PEPROCESS Process;
    NTSTATUS Status = STATUS_NOT_MAPPED_VIEW;

    if ((ULONG_PTR)BaseAddress <= MM_HIGHEST_USER_ADDRESS) {
        Status = MiReferenceTarget(ProcessHandle, PROCESS_VM_OPERATION, &Process);
    }
    if (NT_SUCCESS(Status)) {
        Status = MmUnmapViewOfSection(Process, BaseAddress);
        PsDereferenceProcess(Process);
    }
    return Status;
}

static void MipQueryBasic(const SECTION *Section, PSECTION_BASIC_INFORMATION Basic)
{
    *Basic =
        (SECTION_BASIC_INFORMATION){.BaseAddress = (PVOID)Section->BasedAddress,
                                    .AllocationAttributes = Section->AllocationAttributes,
                                    .MaximumSize = {.QuadPart = (LONGLONG)Section->SizeOfSection}};
}

static NTSTATUS MipQueryImage(const SECTION *Section, PSECTION_IMAGE_INFORMATION Information)
{
    if (Section->Segment->Image == NULL) {
        return STATUS_SECTION_NOT_IMAGE;
    }
    MiFillImageInformation(&Section->Segment->Image->Image, Information);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtQuerySection(HANDLE SectionHandle, SECTION_INFORMATION_CLASS Class,
                              PVOID Information, SIZE_T Length, PSIZE_T ReturnLength)
{
    BOOLEAN Image = Class == SectionImageInformation;
    SIZE_T Bytes = Image ? sizeof(SECTION_IMAGE_INFORMATION) : sizeof(SECTION_BASIC_INFORMATION);
    NTSTATUS Status;
    PSECTION Section;

    if (Class != SectionBasicInformation && Class != SectionImageInformation) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Length < Bytes) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Status = ObReferenceObjectByHandle(SectionHandle, SECTION_QUERY, MmSectionObjectType,
                                       ExGetPreviousMode(), (PVOID *)&Section, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Image) {
        Status = MipQueryImage(Section, Information);
    } else {
        MipQueryBasic(Section, Information);
    }
    if (NT_SUCCESS(Status) && ReturnLength != NULL) {
        *ReturnLength = Bytes;
    }
    ObDereferenceObject(Section);
    return Status;
}

/* A file that is shorter becomes as long, if the section may write to it. */
static NTSTATUS MipExtendFile(const SECTION *Section, LONGLONG Bytes)
{
    PFILE_OBJECT File = Section->Segment->ControlArea->FilePointer;
    FILE_STANDARD_INFORMATION Standard;
    FILE_END_OF_FILE_INFORMATION End = {.EndOfFile.QuadPart = Bytes};
    ULONG Returned;
    NTSTATUS Status = IoQueryFileInformation(File, FileStandardInformation, sizeof(Standard),
                                             &Standard, &Returned);

    if (!NT_SUCCESS(Status) || Standard.EndOfFile.QuadPart >= Bytes) {
        return Status;
    }
    return (Section->InitialPageProtection & MIP_WRITABLE) == 0
               ? STATUS_SECTION_NOT_EXTENDED
               : IoSetInformation(File, FileEndOfFileInformation, sizeof(End), &End);
}

static NTSTATUS MipExtend(PSECTION Section, LONGLONG Bytes)
{
    PFILE_OBJECT File = Section->Segment->ControlArea->FilePointer;
    NTSTATUS Status;

    FsRtlAcquireFileExclusive(File);
    Status = MipExtendFile(Section, Bytes);
    if (NT_SUCCESS(Status)) {
        Status = MiExtendFileSegment(Section->Segment, (ULONG64)Bytes);
    }
    if (NT_SUCCESS(Status)) {
        Section->SizeOfSection = (ULONG64)Bytes;
        MiExtendViews(Section->Segment->ControlArea,
                      (ULONG)(((ULONG64)Bytes + PAGE_SIZE - 1) >> PAGE_SHIFT));
    }
    FsRtlReleaseFile(File);
    return Status;
}

NTSTATUS NTAPI NtExtendSection(HANDLE SectionHandle, PLARGE_INTEGER NewSectionSize)
{
    PSECTION Section;
    NTSTATUS Status =
        ObReferenceObjectByHandle(SectionHandle, SECTION_EXTEND_SIZE, MmSectionObjectType,
                                  ExGetPreviousMode(), (PVOID *)&Section, NULL);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!Section->Segment->ControlArea->u.Flags.File ||
        Section->Segment->ControlArea->u.Flags.Image) {
        Status = STATUS_SECTION_NOT_EXTENDED; /* only a file's data can be */
    } else if (NewSectionSize->QuadPart > (LONGLONG)Section->SizeOfSection) {
        Status = MipExtend(Section, NewSectionSize->QuadPart);
    }
    if (NT_SUCCESS(Status)) {
        NewSectionSize->QuadPart = (LONGLONG)Section->SizeOfSection;
    }
    ObDereferenceObject(Section);
    return Status;
}

/* ---- flushing ---- */

/* What of a view is to be written. */
typedef struct _MIP_FLUSH {
    PCONTROL_AREA Area; /* referenced */
    ULONG First;
    ULONG Count;
    ULONG Present;   /* of these, that the section has: most often all */
    ULONG_PTR Start; /* of the range, as it turned out */
} MIP_FLUSH;

/* => Under the lock.  *Bytes 0: up to the end of the view. */
static NTSTATUS MipFindFlush(PEPROCESS Process, ULONG_PTR Va, SIZE_T Bytes, MIP_FLUSH *Flush)
{
    PMMVAD Vad = MiFindVad(Process, (ULONG)(Va >> PAGE_SHIFT));
    const MMVAD_VIEW *View;
    ULONG Last;
    ULONG Page;

    if (Process->VmDeleted) {
        return STATUS_PROCESS_IS_TERMINATING;
    }
    if (Vad == NULL) {
        return STATUS_NOT_MAPPED_VIEW;
    }
    View = MiViewOf(Vad);
    if (!MiIsView(Vad) || !View->ControlArea->u.Flags.File || Vad->u.VadFlags.ImageMap) {
        return STATUS_NOT_MAPPED_DATA;
    }
    Last = Bytes == 0 ? Vad->EndingVpn : (ULONG)((Va + Bytes - 1) >> PAGE_SHIFT);
    if (Last > Vad->EndingVpn) {
        return STATUS_INVALID_PARAMETER_3;
    }
    Flush->Start = ROUND_DOWN(Va, (ULONG_PTR)PAGE_SIZE);
    Page = (ULONG)(Va >> PAGE_SHIFT) - Vad->StartingVpn;
    Flush->First = View->FirstPage + Page;
    Flush->Count = Last - (ULONG)(Va >> PAGE_SHIFT) + 1;
    Flush->Present = MiPresentPages(View) > Page ? MiPresentPages(View) - Page : 0;
    Flush->Area = View->ControlArea;
    MiReferenceControlArea(Flush->Area);
    return STATUS_SUCCESS;
}

static NTSTATUS MipFlush(PEPROCESS Process, PVOID *BaseAddress, PSIZE_T RegionSize)
{
    MIP_FLUSH Flush;
    NTSTATUS Status;

    MiLockAddressSpace(Process);
    Status = MipFindFlush(Process, (ULONG_PTR)*BaseAddress, *RegionSize, &Flush);
    MiUnlockAddressSpace(Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiFlushArea(Flush.Area, Flush.First,
                         Flush.Count < Flush.Present ? Flush.Count : Flush.Present);
    MiDereferenceControlArea(Flush.Area);
    *BaseAddress = (PVOID)Flush.Start;
    *RegionSize = (SIZE_T)Flush.Count << PAGE_SHIFT;
    return Status;
}

NTSTATUS NTAPI NtFlushVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                    PIO_STATUS_BLOCK IoStatus)
{
    ULONG_PTR Va = (ULONG_PTR)*BaseAddress;
    PEPROCESS Process;
    NTSTATUS Status;

    if (Va > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (*RegionSize > MM_HIGHEST_USER_ADDRESS - Va + 1) {
        return STATUS_INVALID_PARAMETER_3;
    }
    Status = MiReferenceTarget(ProcessHandle, PROCESS_VM_OPERATION, &Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipFlush(Process, BaseAddress, RegionSize);
    PsDereferenceProcess(Process);
    if (Status != STATUS_NOT_MAPPED_VIEW) {
        IoStatus->Status = Status;
        IoStatus->Information = 0;
    }
    return Status;
}
