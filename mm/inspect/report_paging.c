/* SPDX-License-Identifier: MIT */
/*
 * report_paging.c - the paging files' lines of the report: what the trial at the start found; and a
 * process whose pages go to the paging file and come back.
 */
#include "mm_machine.h"

#include "boot_volume.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/inspect/paging_stamp.h"
#include "mm/inspect/report_code.h"
#include "mm/inspect/report_section.h"
#include "mm/inspect/report_session.h"
#include "mm/paging/modified_writer.h"
#include "mm/space/page_table.h"
#include "report.h"

#define MIP_PAGES 256u
#define MIP_SEED  0x70616765u

/* What the trip to the paging file and back did. */
typedef struct _MIP_TRIP {
    ULONG Resident; /* pages before, and after the working set was emptied */
    ULONG Left;
    ULONG Written; /* pages */
    ULONG Reused;  /* frames */
    ULONG Reads;
    ULONG Read; /* pages */
    ULONG TablesWritten;
    ULONG TablesRead;
    ULONG Wrong;
    NTSTATUS Status;
} MIP_TRIP;

static ULONG MipPage[MI_STAMP_WORDS]; /* on its way */

static MI_STAMP MipStamp(ULONG_PTR Base, ULONG Page)
{
    return (MI_STAMP){Base + Page * PAGE_SIZE, 1 + Page, MIP_SEED};
}

static NT_PAGED NTSTATUS MipFill(ULONG_PTR Base)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    PAGED_CODE();
    for (i = 0; i < MIP_PAGES && NT_SUCCESS(Status); i++) {
        MI_STAMP Stamp = MipStamp(Base, i);

        MiStampPage(MipPage, Stamp);
        Status = MmCopyToUser((PVOID)Stamp.Va, MipPage, PAGE_SIZE, NULL);
    }
    return Status;
}

static NT_PAGED ULONG MipCountWrong(ULONG_PTR Base)
{
    ULONG Wrong = 0;
    ULONG i;

    PAGED_CODE();
    for (i = 0; i < MIP_PAGES; i++) {
        MI_STAMP Stamp = MipStamp(Base, i);

        Wrong += !NT_SUCCESS(MmCopyFromUser(MipPage, (PVOID)Stamp.Va, PAGE_SIZE, NULL)) ||
                 !MiIsPageStamped(MipPage, Stamp);
    }
    return Wrong;
}

/* The page tables can leave when the pages have. */
static NTSTATUS MipSendAway(MIP_TRIP *Trip)
{
    ULONG Written = MiWriterFigures.TablesWritten;
    ULONG Reused = 0;
    NTSTATUS Status = MiPageOutProcess(&Trip->Reused);

    if (NT_SUCCESS(Status)) {
        Status = MiPageOutProcess(&Reused);
    }
    Trip->Reused += Reused;
    Trip->TablesWritten = MiWriterFigures.TablesWritten - Written;
    return Status;
}

/* In the process: fill, send away, read back. */
static NT_PAGED void MipTravel(PEPROCESS Process, MIP_TRIP *Trip)
{
    ULONG Written = MiWriterFigures.PagesWritten;
    SIZE_T Bytes = MIP_PAGES * PAGE_SIZE;
    PVOID Va = NULL;

    PAGED_CODE();
    Trip->Status = NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes,
                                           MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (NT_SUCCESS(Trip->Status)) {
        Trip->Status = MipFill((ULONG_PTR)Va);
    }
    Trip->Resident = Process->Vm.WorkingSetSize;
    if (NT_SUCCESS(Trip->Status)) {
        Trip->Status = MipSendAway(Trip);
    }
    Trip->Left = Process->Vm.WorkingSetSize;
    Trip->Written = MiWriterFigures.PagesWritten - Written;
    Trip->Reads = MiFaultCounters.PagingFileReads;
    Trip->Read = MiFaultCounters.PagesRead;
    Trip->TablesRead = MiPageTableCounters.Reads;
    Trip->Wrong = MipCountWrong((ULONG_PTR)Va);
    Trip->Reads = MiFaultCounters.PagingFileReads - Trip->Reads;
    Trip->Read = MiFaultCounters.PagesRead - Trip->Read;
    Trip->TablesRead = MiPageTableCounters.Reads - Trip->TablesRead;
}

/* => Whether the paging files can be used: what goes out can be read again. */
static NT_PAGED BOOLEAN MipReportTrip(void)
{
    MIP_TRIP Trip = {.Wrong = 0};
    PEPROCESS Process;
    KAPC_STATE ApcState;

    PAGED_CODE();
    Trip.Status = PsCreateProcess("report", &Process);
    if (NT_SUCCESS(Trip.Status)) {
        KeStackAttachProcess(&Process->Pcb, &ApcState);
        MipTravel(Process, &Trip);
        KeUnstackDetachProcess(&ApcState);
        PsTerminateProcess(Process);
        PsDereferenceProcess(Process);
    }
    KiReport(
        NT_SUCCESS(Trip.Status) && Trip.Wrong == 0 && Trip.Resident >= MIP_PAGES &&
            Trip.Left < Trip.Resident && Trip.Written >= MIP_PAGES && Trip.Reused >= MIP_PAGES &&
            Trip.Read >= MIP_PAGES && Trip.TablesWritten != 0 && Trip.TablesRead != 0,
        "paging: a working set of %u pages trimmed to %u, %u pages written to the paging file, "
        "%u frames reused, %u pages read back by %u reads: %u wrong; of these page tables: %u "
        "written, %u read; status %08x",
        Trip.Resident, Trip.Left, Trip.Written, Trip.Reused, Trip.Read, Trip.Reads, Trip.Wrong,
        Trip.TablesWritten, Trip.TablesRead, (ULONG)Trip.Status);
    return NT_SUCCESS(Trip.Status);
}

void MiReportPaging(void)
{
    BOOLEAN Usable = TRUE;
    ULONG i;

    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        const MI_PAGING_TRIAL *Trial = &MiPagingTrials[i];

        KiReport(NT_SUCCESS(Trial->Status) && Trial->Wrong == 0 && Trial->Slots != 0 &&
                     Trial->Reads != 0 && Trial->Writes != 0,
                 "paging file %s: %u of %u slots written and read back by %u and %u requests, %u "
                 "wrong",
                 MmPagingFile[i]->PageFileName, Trial->Slots, MmPagingFile[i]->Size, Trial->Writes,
                 Trial->Reads, Trial->Wrong);
    }
    if (MmNumberOfPagingFiles == 0) {
        KiPrint("# paging files: none; a modified page has nowhere to go, it stays in memory\n");
    } else {
        Usable = MipReportTrip();
    }
    if (Usable) {
        MiReportSections(MmNumberOfPagingFiles != 0);
        MiReportSessions(MmNumberOfPagingFiles != 0);
        MiReportPageableCode();
    } else {
        KiPrint("# sections: not shown, as pages cannot be written and read back\n"
                "# sessions: not shown, as pages cannot be written and read back\n"
                "# pageable code: stays where it is, as pages cannot be written and read back\n");
    }
    if (DiskBootVolumeReason() != NULL) {
        KiPrint("# NO BOOT VOLUME: %s; RAM stands in for it\n", DiskBootVolumeReason());
    }
}
