/* SPDX-License-Identifier: MIT */
/*
 * section_world.c - see section_world.h.
 */
#include "tests/unit/section_world.h"

#include "mm/paging/modified_writer.h"
#include "mm/space/prototype_pte.h"
#include "mm/ws/wsle.h"

static NTSTATUS Make(LONGLONG Bytes, ULONG Attributes, ULONG Protect, PVOID *Section)
{
    LARGE_INTEGER Size = {.QuadPart = Bytes};

    return MmCreateSection(Section, SECTION_ALL_ACCESS, NULL, &Size, Protect, Attributes, NULL,
                           NULL);
}

PSECTION SectionMake(ULONG Pages, ULONG Attributes, ULONG Protect)
{
    PVOID Section = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, Make((LONGLONG)Pages * PAGE_SIZE, Attributes, Protect, &Section));
    return Section;
}

NTSTATUS SectionTryMake(LONGLONG Bytes, ULONG Attributes, ULONG Protect)
{
    PVOID Section = NULL;
    NTSTATUS Status = Make(Bytes, Attributes, Protect, &Section);

    CHECK(NT_SUCCESS(Status) == (Section != NULL));
    if (NT_SUCCESS(Status)) {
        ObDereferenceObject(Section);
    }
    return Status;
}

NTSTATUS SectionMapAs(PSECTION Section, SECTION_VIEW *View)
{
    PVOID Base = (PVOID)View->Base;
    LARGE_INTEGER Offset = {.QuadPart = View->Offset};
    NTSTATUS Status = MmMapViewOfSection(
        Section, PsGetCurrentProcess(), &Base, View->ZeroBits, View->Commit, &Offset, &View->Bytes,
        View->Inherit == 0 ? ViewShare : (SECTION_INHERIT)View->Inherit, View->Type,
        View->Protect == 0 ? PAGE_READWRITE : View->Protect);

    CHECK(NT_SUCCESS(Status) || Base == (PVOID)View->Base);
    View->Base = (ULONG_PTR)Base;
    return Status;
}

NTSTATUS SectionTryMap(PSECTION Section, SECTION_VIEW View)
{
    NTSTATUS Status = SectionMapAs(Section, &View);

    if (NT_SUCCESS(Status)) {
        SectionUnmap(View.Base);
    }
    return Status;
}

ULONG_PTR SectionMap(PSECTION Section, ULONG Protect)
{
    SECTION_VIEW View = {.Protect = Protect};

    CHECK_EQUAL(STATUS_SUCCESS, SectionMapAs(Section, &View));
    return View.Base;
}

void SectionUnmap(ULONG_PTR Va)
{
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewOfSection(PsGetCurrentProcess(), (PVOID)Va));
}

void SectionTrim(void)
{
    PEPROCESS Process = PsGetCurrentProcess();

    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Process->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Process);
}

void SectionPageOut(void)
{
    SectionTrim();
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    (void)MiReuseStandbyFrames();
}

MMPTE SectionPrototype(PSECTION Section, ULONG Page)
{
    return MiReadPte(Section->Segment->PrototypePte + Page);
}
