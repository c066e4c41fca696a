/* SPDX-License-Identifier: MIT */
/*
 * try_paging_file.c - does a paging file give back what was written to it?
 *
 * Some slots are written on the paging path, each with contents of its own, then all are read back,
 * last one first, and compared.  The contents come from the cycle counter: what an earlier trial
 * left there cannot pass for them.  No page is in the file yet.
 */
#include "mm/paging/paging_file.h"

#include "arch/cpu.h"
#include "ex.h"
#include "rtl.h"

#define MIP_TAG           0x7450694Du /* 'MiPt' */
#define MIP_CLUSTER_PAGES 16u         /* as the modified page writer gathers them */
#define MIP_CLUSTER_WORDS (MIP_CLUSTER_PAGES * PAGE_SIZE / sizeof(ULONG))
#define MIP_PLACES        5u

typedef struct _MIP_TRIAL {
    const MMPAGING_FILE *File;
    PULONG Buffer; /* MIP_CLUSTER_PAGES, nonpaged */
    PMDL Mdl;      /* of it */
    ULONG Seed;
} MIP_TRIAL;

/* One request.  => Slot and the MIP_CLUSTER_PAGES behind it are in the file. */
static NTSTATUS MipTransfer(const MIP_TRIAL *Trial, ULONG Slot, BOOLEAN Write)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Slot * PAGE_SIZE};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Status = Write ? IoSynchronousPageWrite(Trial->File->File, Trial->Mdl, &Offset, &Done, &Iosb)
                   : IoPageRead(Trial->File->File, Trial->Mdl, &Offset, &Done, &Iosb);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    (void)KeWaitForSingleObject(&Done, WrPageIn, KernelMode, FALSE, NULL);
    return Iosb.Status;
}

/* What the words of a slot should be. */
static ULONG MipWord(const MIP_TRIAL *Trial, ULONG Slot, ULONG Word)
{
    return Trial->Seed ^ (Slot * (PAGE_SIZE / sizeof(ULONG)) + Word);
}

static NTSTATUS MipWriteCluster(const MIP_TRIAL *Trial, ULONG Slot)
{
    ULONG i;

    for (i = 0; i < MIP_CLUSTER_WORDS; i++) {
        Trial->Buffer[i] = MipWord(Trial, Slot, i);
    }
    return MipTransfer(Trial, Slot, TRUE);
}

/* => *Wrong gains the slots that are not what was written. */
static NTSTATUS MipReadCluster(const MIP_TRIAL *Trial, ULONG Slot, PULONG Wrong)
{
    const ULONG InPage = PAGE_SIZE / sizeof(ULONG);
    NTSTATUS Status;
    ULONG Last = MIP_CLUSTER_PAGES; /* page that is known to be wrong */
    ULONG i;

    memset(Trial->Buffer, 0, MIP_CLUSTER_PAGES * PAGE_SIZE);
    Status = MipTransfer(Trial, Slot, FALSE);
    for (i = 0; i < MIP_CLUSTER_WORDS && NT_SUCCESS(Status); i++) {
        if (Trial->Buffer[i] != MipWord(Trial, Slot, i) && i / InPage != Last) {
            Last = i / InPage;
            ++*Wrong;
        }
    }
    return Status;
}

/* Both ends of the file and between. */
static NTSTATUS MipTry(const MIP_TRIAL *Trial, PMI_PAGING_TRIAL Result)
{
    ULONG Room = Trial->File->Size - MIP_CLUSTER_PAGES;
    const ULONG Places[MIP_PLACES] = {1, Room / 4, Room / 2, Room / 4 * 3, Room};
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    for (i = 0; i < MIP_PLACES && NT_SUCCESS(Status); i++) {
        Status = MipWriteCluster(Trial, Places[i]);
    }
    for (i = MIP_PLACES; i != 0 && NT_SUCCESS(Status); i--) {
        Status = MipReadCluster(Trial, Places[i - 1], &Result->Wrong);
        Result->Slots += NT_SUCCESS(Status) ? MIP_CLUSTER_PAGES : 0;
    }
    return Status;
}

void MiTryPagingFile(PDEVICE_OBJECT Volume, const MMPAGING_FILE *File, PMI_PAGING_TRIAL Result)
{
    const DISK_DEVICE *Disk = IoGetDiskDevice(Volume);
    ULONG64 Reads = Disk->RequestCounts[DiskRead];
    ULONG64 Writes = Disk->RequestCounts[DiskWrite];
    MIP_TRIAL Trial = {.File = File, .Seed = (ULONG)KeReadCycleCounter()};

    *Result = (MI_PAGING_TRIAL){.Status = STATUS_INSUFFICIENT_RESOURCES};
    Trial.Buffer = ExAllocatePoolWithTag(NonPagedPool, MIP_CLUSTER_PAGES * PAGE_SIZE, MIP_TAG);
    if (Trial.Buffer == NULL) {
        return;
    }
    Trial.Mdl = IoAllocateMdl(Trial.Buffer, MIP_CLUSTER_PAGES * PAGE_SIZE, FALSE, FALSE, NULL);
    if (Trial.Mdl != NULL) {
        MmBuildMdlForNonPagedPool(Trial.Mdl);
        Result->Status = MipTry(&Trial, Result);
        Result->Reads = (ULONG)(Disk->RequestCounts[DiskRead] - Reads);
        Result->Writes = (ULONG)(Disk->RequestCounts[DiskWrite] - Writes);
        IoFreeMdl(Trial.Mdl);
    }
    ExFreePoolWithTag(Trial.Buffer, MIP_TAG);
}
