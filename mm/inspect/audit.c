/* SPDX-License-Identifier: MIT */
/*
 * audit.c - the protection audit walks the self-map twice: once for the ranges, to see what was
 * promised (A4-A6), once for every valid page, to see what else there is (A1-A3, A8, A9).
 */
#include "audit.h"

#include "arch/mmu.h"
#include "user_half.h"

/* What the two levels make of an address. */
typedef struct _MI_AUDIT_PAGE {
    ULONG_PTR Va;     /* where the page begins; without a table, where its 4 MB begin */
    ULONG Bytes;      /* PAGE_SIZE or MM_LARGE_PAGE */
    PFN_NUMBER Frame; /* its first */
    MMPTE Leaf;       /* the entry that maps it; zero without a table */
    BOOLEAN Write;
    BOOLEAN Owner;
} MI_AUDIT_PAGE, *PMI_AUDIT_PAGE;

typedef struct _MI_AUDIT {
    const MI_AUDIT_RANGE *Ranges;
    ULONG Count;
    PMI_AUDIT_RESULT Result;
    PFN_NUMBER LowestFrame; /* of all read-only ranges' pages */
    PFN_NUMBER HighestFrame;
} MI_AUDIT, *PMI_AUDIT;

static void MiReportViolation(PMI_AUDIT Audit, const char *Rule, ULONG_PTR Va, const char *Name)
{
    PMI_AUDIT_RESULT Result = Audit->Result;

    if (Result->Violations == 0) {
        Result->FirstRule = Rule;
        Result->FirstVa = Va;
        Result->FirstName = Name;
    }
    Result->Violations++;
}

/* ---- what the tables say ---- */

static MI_AUDIT_PAGE MiAuditSmallPage(MMPTE Pde, ULONG_PTR Va)
{
    MMPTE Pte = MiReadPte(MiGetPteAddress(Va));
    MI_AUDIT_PAGE Page;

    Page.Va = ROUND_DOWN(Va, PAGE_SIZE);
    Page.Bytes = PAGE_SIZE;
    Page.Frame = Pte.Hard.PageFrameNumber;
    Page.Leaf = Pte;
    Page.Write = Pde.Hard.Write && Pte.Hard.Write;
    Page.Owner = Pde.Hard.Owner && Pte.Hard.Owner;
    return Page;
}

static MI_AUDIT_PAGE MiAuditLargePage(MMPTE Pde, ULONG_PTR Va)
{
    MI_AUDIT_PAGE Page;

    Page.Va = ROUND_DOWN(Va, MM_LARGE_PAGE);
    Page.Bytes = MM_LARGE_PAGE;
    Page.Frame = ROUND_DOWN(Pde.Hard.PageFrameNumber, PTE_PER_PAGE);
    Page.Leaf = Pde;
    Page.Write = Pde.Hard.Write;
    Page.Owner = Pde.Hard.Owner;
    return Page;
}

/* => Leaf.Hard.Valid tells whether there is a page. */
static MI_AUDIT_PAGE MiAuditTranslate(ULONG_PTR Va)
{
    MMPTE Pde = MiReadPte(MiGetPdeAddress(Va));

    if (!Pde.Hard.Valid) {
        Pde.Long = 0;
        return MiAuditLargePage(Pde, Va);
    }
    return Pde.Hard.LargePage ? MiAuditLargePage(Pde, Va) : MiAuditSmallPage(Pde, Va);
}

/* ---- ranges ---- */

static BOOLEAN MiOverlaps(const MI_AUDIT_PAGE *Page, ULONG_PTR Start, ULONG_PTR End)
{
    return Page->Va <= End - 1 && Start <= Page->Va + (Page->Bytes - 1);
}

static BOOLEAN MiIsReadOnlyKind(MI_AUDIT_KIND Kind)
{
    return Kind == MiAuditReadOnly || Kind == MiAuditPageable;
}

static void MiCheckRangePage(PMI_AUDIT Audit, const MI_AUDIT_RANGE *Range, ULONG_PTR Va,
                             const MI_AUDIT_PAGE *Page)
{
    MMPTE_HARDWARE Leaf = Page->Leaf.Hard;

    switch (Range->Kind) {
    case MiAuditReadOnly:
        if (!Leaf.Valid || Leaf.Write) {
            MiReportViolation(Audit, "A4: a read-only page is writable or missing", Va,
                              Range->Name);
        }
        break;
    case MiAuditPageable:
        if (Leaf.Valid && Leaf.Write) {
            MiReportViolation(Audit, "A10: a pageable read-only page is writable", Va, Range->Name);
        }
        break;
    case MiAuditNoAccess:
        if (Leaf.Valid) {
            MiReportViolation(Audit, "A5: a no-access page is mapped", Va, Range->Name);
        }
        break;
    case MiAuditMapped:
        if (!Leaf.Valid) {
            MiReportViolation(Audit, "A6: a page that must be mapped is missing", Va, Range->Name);
        }
        break;
    case MiAuditUserVisible:
        if (Leaf.Valid && !Page->Owner) {
            MiReportViolation(Audit, "A2: a user-visible page is supervisor only", Va, Range->Name);
        }
        break;
    }
}

/* Frames of read-only pages bound the search for their aliases. */
static void MiNoteReadOnlyFrame(PMI_AUDIT Audit, PFN_NUMBER Frame)
{
    if (Audit->LowestFrame == MI_NO_FRAME || Frame < Audit->LowestFrame) {
        Audit->LowestFrame = Frame;
    }
    if (Audit->HighestFrame == MI_NO_FRAME || Frame > Audit->HighestFrame) {
        Audit->HighestFrame = Frame;
    }
}

/* The frame at Va, somewhere in Page. */
static PFN_NUMBER MiFrameAt(const MI_AUDIT_PAGE *Page, ULONG_PTR Va)
{
    return Page->Frame + (PFN_NUMBER)((Va - Page->Va) >> PAGE_SHIFT);
}

static void MiCheckRange(PMI_AUDIT Audit, const MI_AUDIT_RANGE *Range)
{
    ULONG_PTR Va = Range->Start;
    ULONG_PTR Left = Range->End - Range->Start; /* may pass the end of the address space */
    MI_AUDIT_PAGE Page;
    ULONG_PTR Step;

    for (; Left != 0; Va += Step, Left -= Step) {
        Page = MiAuditTranslate(Va);
        Step = Page.Leaf.Hard.Valid ? PAGE_SIZE : Page.Va + Page.Bytes - Va;
        Step = Step < Left ? Step : Left;
        MiCheckRangePage(Audit, Range, Va, &Page);
        if (MiIsReadOnlyKind(Range->Kind) && Page.Leaf.Hard.Valid) {
            MiNoteReadOnlyFrame(Audit, MiFrameAt(&Page, Va));
        }
    }
}

/* ---- pages ---- */

static const MI_AUDIT_RANGE *MiFindRange(const MI_AUDIT *Audit, const MI_AUDIT_PAGE *Page,
                                         MI_AUDIT_KIND Kind)
{
    ULONG Index;

    for (Index = 0; Index < Audit->Count; Index++) {
        const MI_AUDIT_RANGE *Range = &Audit->Ranges[Index];

        if (Range->Kind == Kind && Page->Va >= Range->Start &&
            Page->Va + (Page->Bytes - 1) <= Range->End - 1) {
            return Range;
        }
    }
    return NULL;
}

static void MiCountPage(PMI_AUDIT_RESULT Result, const MI_AUDIT_PAGE *Page)
{
    if (Page->Bytes == MM_LARGE_PAGE) {
        Result->LargePages++;
    } else {
        Result->ValidPages++;
    }
    Result->WritablePages += Page->Write;
    Result->GlobalPages += Page->Leaf.Hard.Global;
    Result->UserPages += Page->Owner;
}

static void MiCheckUserAccess(PMI_AUDIT Audit, const MI_AUDIT_PAGE *Page)
{
    if (Page->Va >= MM_SYSTEM_RANGE_START && Page->Owner &&
        MiFindRange(Audit, Page, MiAuditUserVisible) == NULL) {
        MiReportViolation(Audit, "A1: user mode has access to a system page", Page->Va, NULL);
    }
    if (MiOverlaps(Page, 0, MI_NO_ACCESS_BYTES) ||
        MiOverlaps(Page, MM_SYSTEM_RANGE_START - MI_NO_ACCESS_BYTES, MM_SYSTEM_RANGE_START)) {
        MiReportViolation(Audit, "A3: the first or last 64 KB of user space are mapped", Page->Va,
                          NULL);
    }
}

static void MiCheckBits(PMI_AUDIT Audit, MMPTE Entry, BOOLEAN Large, ULONG_PTR Va)
{
    BOOLEAN MayBePhysical = !Large && Va < MM_SYSTEM_RANGE_START; /* MiIsPhysicalPte */

    if ((Entry.Hard.Prototype && !MayBePhysical) || Entry.Hard.Reserved ||
        (Large && Entry.Large.Zero)) {
        MiReportViolation(Audit, "A8: a valid entry has prototype or reserved bits", Va, NULL);
    }
}

/* => Returns whether Page holds a frame of Range at another address. */
static BOOLEAN MiIsReadOnlyAlias(const MI_AUDIT_RANGE *Range, const MI_AUDIT_PAGE *Page)
{
    PFN_NUMBER Frames = Page->Bytes >> PAGE_SHIFT;
    ULONG_PTR Va;

    for (Va = Range->Start; Va != Range->End; Va += PAGE_SIZE) {
        MI_AUDIT_PAGE ReadOnly = MiAuditTranslate(Va);

        if (ReadOnly.Leaf.Hard.Valid && MiFrameAt(&ReadOnly, Va) - Page->Frame < Frames &&
            Va - Page->Va >= Page->Bytes) {
            return TRUE;
        }
    }
    return FALSE;
}

static void MiCheckAliases(PMI_AUDIT Audit, const MI_AUDIT_PAGE *Page)
{
    PFN_NUMBER LastFrame = Page->Frame + (Page->Bytes >> PAGE_SHIFT) - 1;
    ULONG Index;

    if (!Page->Write || Audit->LowestFrame == MI_NO_FRAME || LastFrame < Audit->LowestFrame ||
        Page->Frame > Audit->HighestFrame) {
        return;
    }
    for (Index = 0; Index < Audit->Count; Index++) {
        const MI_AUDIT_RANGE *Range = &Audit->Ranges[Index];

        if (MiIsReadOnlyKind(Range->Kind) && MiIsReadOnlyAlias(Range, Page)) {
            MiReportViolation(Audit, "A9: a read-only frame is writable elsewhere", Page->Va,
                              Range->Name);
        }
    }
}

static void MiCheckPage(PMI_AUDIT Audit, const MI_AUDIT_PAGE *Page)
{
    MiCountPage(Audit->Result, Page);
    MiCheckUserAccess(Audit, Page);
    MiCheckBits(Audit, Page->Leaf, Page->Bytes == MM_LARGE_PAGE, Page->Va);
    MiCheckAliases(Audit, Page);
}

/* ---- the walk ---- */

static void MiCheckTable(PMI_AUDIT Audit, MMPTE Pde, ULONG_PTR Start)
{
    ULONG Index;

    for (Index = 0; Index < PTE_PER_PAGE; Index++) {
        MI_AUDIT_PAGE Page = MiAuditSmallPage(Pde, Start + Index * PAGE_SIZE);

        if (Page.Leaf.Hard.Valid) {
            MiCheckPage(Audit, &Page);
        }
    }
}

static void MiCheckDirectoryEntry(PMI_AUDIT Audit, ULONG_PTR Start)
{
    MMPTE Pde = MiReadPte(MiGetPdeAddress(Start));
    MI_AUDIT_PAGE Page;

    if (!Pde.Hard.Valid) {
        return;
    }
    Audit->Result->Directories++;
    if (Pde.Hard.LargePage) {
        Page = MiAuditLargePage(Pde, Start);
        MiCheckPage(Audit, &Page);
        return;
    }
    MiCheckBits(Audit, Pde, FALSE, Start);
    if (Start != PTE_BASE) {
        MiCheckTable(Audit, Pde, Start);
    }
}

/* => Returns whether what the self-map shows can be trusted. */
static BOOLEAN MiCheckSelfMap(PMI_AUDIT Audit)
{
    MMPTE Pde = MiReadPte(MiGetPdeAddress(PTE_BASE));

    if (Pde.Hard.Valid && !Pde.Hard.LargePage && !Pde.Hard.Owner &&
        Pde.Hard.PageFrameNumber == KiCurrentDirectoryFrame()) {
        return TRUE;
    }
    MiReportViolation(Audit, "A7: the self-map is not the supervisor's view of the directory",
                      PTE_BASE, NULL);
    return FALSE;
}

void MiAuditPageTables(const MI_AUDIT_RANGE *Ranges, ULONG Count, PMI_AUDIT_RESULT Result)
{
    MI_AUDIT Audit = {Ranges, Count, Result, MI_NO_FRAME, MI_NO_FRAME};
    ULONG Index;

    *Result = (MI_AUDIT_RESULT){0};
    if (!MiCheckSelfMap(&Audit)) {
        return;
    }
    for (Index = 0; Index < Count; Index++) {
        MiCheckRange(&Audit, &Ranges[Index]);
    }
    for (Index = 0; Index < PTE_PER_PAGE; Index++) {
        MiCheckDirectoryEntry(&Audit, (ULONG_PTR)Index << PDI_SHIFT);
    }
}
