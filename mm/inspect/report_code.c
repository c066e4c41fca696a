/* SPDX-License-Identifier: MIT */
/*
 * report_code.c - the pageable code of the kernel's image is sent away, and comes back; then it is
 * locked, and stays.
 *
 * With a paging file it comes back from there.  This code itself is not pageable: its own fetches
 * would bring back what it looks at.
 */
#include "mm/inspect/report_code.h"

#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/paging/modified_writer.h"
#include "mm/paging/paging_file.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/system_image.h"
#include "report.h"

typedef struct _MIP_CODE {
    ULONG_PTR Va; /* the first pageable run: the kernel's */
    ULONG Pages;
} MIP_CODE, *PMIP_CODE;

static void MipTakeFirstRun(PVOID Context, ULONG_PTR Va, ULONG Pages)
{
    PMIP_CODE Code = Context;

    if (Code->Pages == 0) {
        *Code = (MIP_CODE){Va, Pages};
    }
}

static MIP_CODE MipFindCode(void)
{
    MIP_CODE Code = {0};
    KIRQL OldIrql = MiLockPfn();

    MiVisitPagedRuns(MipTakeFirstRun, &Code);
    MiUnlockPfn(OldIrql);
    return Code;
}

/* FNV-1a over words.  => Every page was touched. */
static ULONG MipHash(const MIP_CODE *Code)
{
    const volatile ULONG *Words = (const volatile ULONG *)Code->Va;
    ULONG Hash = 0x811C9DC5;
    ULONG i;

    for (i = 0; i < Code->Pages * (PAGE_SIZE / sizeof(ULONG)); i++) {
        Hash = (Hash ^ Words[i]) * 0x01000193;
    }
    return Hash;
}

static ULONG MipResident(void)
{
    MI_IMAGE_FIGURES Figures;

    MiQuerySystemImages(&Figures);
    return Figures.ResidentPages;
}

/* => Whether it went as far as it can: out of memory where there is a paging file. */
static BOOLEAN MipSendAway(void)
{
    BOOLEAN Gone = MmTrimAllSystemPageableMemory(FALSE);

    if (MmNumberOfPagingFiles != 0) {
        Gone = Gone && NT_SUCCESS(MiFlushModifiedPages());
        (void)MiReuseStandbyFrames();
    }
    return Gone;
}

/* A page fault changes a counter behind the compiler's back. */
static ULONG MipRead(const ULONG *Counter)
{
    return *(const volatile ULONG *)Counter;
}

static void MipReportTrip(const MIP_CODE *Code)
{
    ULONG Before = MipHash(Code);
    BOOLEAN Gone = MipSendAway();
    ULONG Left = MipResident();
    ULONG Faults = MipRead(&MiSystemCodeFaults);
    ULONG Read = MipRead(&MiFaultCounters.PagesRead);
    ULONG After = MipHash(Code);

    Faults = MipRead(&MiSystemCodeFaults) - Faults;
    Read = MipRead(&MiFaultCounters.PagesRead) - Read;
    KiReport(Gone && Before == After && Left == 0 && Faults >= Code->Pages &&
                 (MmNumberOfPagingFiles == 0 || Read >= Code->Pages),
             "pageable code: %u pages of the kernel at %08x, %u resident once they were trimmed; "
             "%u faults brought them back, %u pages read, contents %08x, before %08x",
             Code->Pages, (ULONG)Code->Va, Left, Faults, Read, After, Before);
}

static void MipReportLock(const MIP_CODE *Code)
{
    BOOLEAN Gone = MipSendAway();
    PVOID Handle = MmLockPagableCodeSection((PVOID)Code->Va);
    ULONG Locked;
    ULONG Twice;

    MmLockPagableSectionByHandle(Handle);
    Gone = MipSendAway() && Gone;
    Locked = MipResident();
    MmUnlockPagableImageSection(Handle);
    Gone = MipSendAway() && Gone;
    Twice = MipResident();
    MmUnlockPagableImageSection(Handle);
    Gone = MipSendAway() && Gone;
    KiReport(Gone && Locked == Code->Pages && Twice == Code->Pages && MipResident() == 0,
             "pageable code: locked twice %u of %u pages stay, once %u, not any more %u", Locked,
             Code->Pages, Twice, MipResident());
}

void MiReportPageableCode(void)
{
    MIP_CODE Code = MipFindCode();

    if (Code.Pages == 0) {
        KiPrint("# pageable code: none; the kernel is resident\n");
        return;
    }
    MipReportTrip(&Code);
    MipReportLock(&Code);
    (void)MipHash(&Code); /* it comes back: whoever needs it next may have lost the disk */
}
