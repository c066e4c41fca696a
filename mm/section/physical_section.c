/* SPDX-License-Identifier: MIT */
/*
 * physical_section.c - \Device\PhysicalMemory: the section that is the machine's memory.
 *
 * Its offsets are physical addresses, up to 4 GB; so it needs no prototype PTEs, and its segment
 * has none.  Mapping is map_view.c's, pages are mm/space/physical_view.c's.
 *
 * Since NT 5.2 SP1 it cannot be used from user mode: it cannot be opened there, and a handle that
 * the kernel made maps nothing for a caller whose previous mode is UserMode (section_calls.c).
 *
 * The segment keeps a reference of its own: were the name made temporary, and the object deleted,
 * views of it would still find it.
 */
#include "mm/section/section.h"

#include "ex.h"

#define MIP_BYTES 0x100000000ull

static PCONTROL_AREA MipMakeArea(void)
{
    PCONTROL_AREA Area = MiAllocateControlArea(0, SEC_COMMIT);
    KIRQL OldIrql;

    if (Area == NULL) {
        return NULL;
    }
    Area->u.Flags.PhysicalMemory = 1;
    Area->NumberOfSectionReferences = 2; /* its own, and the object's */
    Area->NumberOfUserReferences = 1;
    Area->Segment->SizeOfSegment = MIP_BYTES;
    OldIrql = MiLockPfn();
    InsertTailList(&MiControlAreas, &Area->Link);
    MiUnlockPfn(OldIrql);
    return Area;
}

/* => On failure the object is gone. */
static NTSTATUS MipInsert(PSECTION Section)
{
    HANDLE Handle;
    NTSTATUS Status = ObInsertObject(Section, NULL, SECTION_ALL_ACCESS, 0, NULL, &Handle);

    return NT_SUCCESS(Status) ? NtClose(Handle) : Status;
}

NTSTATUS MiCreatePhysicalSection(void)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Device\\PhysicalMemory");
    OBJECT_ATTRIBUTES Attributes;
    PCONTROL_AREA Area;
    PSECTION Section;
    NTSTATUS Status;

    InitializeObjectAttributes(
        &Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT | OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = ObCreateObject(KernelMode, MmSectionObjectType, &Attributes, KernelMode, NULL,
                            sizeof(SECTION), 0, 0, (PVOID *)&Section);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Area = MipMakeArea();
    if (Area == NULL) {
        ObDereferenceObject(Section);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Section->Segment = Area->Segment;
    Section->SizeOfSection = MIP_BYTES;
    Section->InitialPageProtection = PAGE_EXECUTE_READWRITE;
    Section->AllocationAttributes = SEC_COMMIT;
    Section->IsUser = TRUE;
    Status = MipInsert(Section);
    if (!NT_SUCCESS(Status)) {
        MiDereferenceControlArea(Area); /* the object has let go of it */
    }
    return Status;
}
