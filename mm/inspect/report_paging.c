/* SPDX-License-Identifier: MIT */
/*
 * report_paging.c - the paging files' lines of the report: what the trial at the start found.
 */
#include "mm_machine.h"

#include "boot_volume.h"
#include "mm/paging/paging_file.h"
#include "report.h"

void MiReportPaging(void)
{
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
        KiPrint("# paging files: none\n");
    }
    if (DiskBootVolumeReason() != NULL) {
        KiPrint("# NO BOOT VOLUME: %s; RAM stands in for it\n", DiskBootVolumeReason());
    }
}
