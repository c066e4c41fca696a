/* SPDX-License-Identifier: MIT */
/*
 * disk.c - the simulated disk: faults first, then the medium, then the completion, now or later.
 *
 * "Later" is an interrupt of the simulated machine at a time that the seed chooses; it queues a
 * DPC, which completes.  At most HOST_DISK_IN_LINE requests are under way, the others queue.
 *
 * Locking: everything here runs at DISPATCH_LEVEL.
 */
#include "tests/host/disk.h"

#include "ke.h"
#include "mm.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#define DISK_IRQL       11u
#define MOST_BYTES      0x20000u
#define LONGEST_WAIT_US 50u

/* ---- the medium ---- */

/* Copy between the medium and the request's frames; Bytes of it, from its start. */
static void MoveData(PHOST_DISK Disk, const DISK_REQUEST *Request, SIZE_T Bytes)
{
    PUCHAR Medium = Disk->Image + Request->Sector * Disk->Device.SectorBytes;
    ULONG Offset = Request->Mdl->ByteOffset + Request->Offset;

    while (Bytes != 0) {
        ULONG InPage = Offset % PAGE_SIZE;
        SIZE_T Part = PAGE_SIZE - InPage < Bytes ? PAGE_SIZE - InPage : Bytes;
        PUCHAR Frame = HostFrame(MmGetMdlPfnArray(Request->Mdl)[Offset / PAGE_SIZE]);

        if (Request->Operation == DiskRead) {
            memcpy(Frame + InPage, Medium, Part);
        } else {
            memcpy(Medium, Frame + InPage, Part);
        }
        Medium += Part;
        Offset += (ULONG)Part;
        Bytes -= Part;
    }
}

static void Scramble(const DISK_REQUEST *Request)
{
    ULONG Page = (Request->Mdl->ByteOffset + Request->Offset) / PAGE_SIZE;

    memset((PUCHAR)HostFrame(MmGetMdlPfnArray(Request->Mdl)[Page]) +
               (Request->Mdl->ByteOffset + Request->Offset) % PAGE_SIZE,
           0xA5, 16);
}

/* Most: sectors of the request, from its start, that reach the medium. */
static void WriteMedium(PHOST_DISK Disk, const DISK_REQUEST *Request, ULONG Most)
{
    ULONG Sectors = Most < Disk->PowerLeft ? Most : Disk->PowerLeft;

    if (Disk->PowerLeft != HOST_DISK_ALWAYS) {
        Disk->PowerLeft -= Sectors;
    }
    if (Sectors == 0) {
        return;
    }
    MoveData(Disk, Request, (SIZE_T)Sectors * Disk->Device.SectorBytes);
    if (Disk->Log != NULL && Disk->Logged < HOST_DISK_LOG_SIZE) {
        Disk->Log[Disk->Logged] = (HOST_DISK_WRITE){Request->Sector, Sectors};
    }
    Disk->Logged++;
    Disk->Written += Sectors;
}

/* ---- faults ---- */

static BOOLEAN FailsByChance(PHOST_DISK Disk, DISK_OPERATION Operation)
{
    ULONG OneIn = Disk->FailOneIn[Operation];

    if (OneIn == 0 || Disk->MayFail == 0 || TestRandom(&Disk->Seed) % OneIn != 0) {
        return FALSE;
    }
    Disk->MayFail--;
    return TRUE;
}

static BOOLEAN MustFail(PHOST_DISK Disk, DISK_OPERATION Operation)
{
    BOOLEAN Fails = Disk->FailAt[Operation] == 1 || Disk->FailFrom == 1;

    if (Disk->FailAt[Operation] != 0) {
        Disk->FailAt[Operation]--;
    }
    if (Disk->FailFrom > 1) {
        Disk->FailFrom--;
    }
    return Fails || FailsByChance(Disk, Operation);
}

static void Carry(PHOST_DISK Disk, PDISK_REQUEST Request)
{
    Request->Status = STATUS_SUCCESS;
    if (MustFail(Disk, Request->Operation)) {
        Request->Status = STATUS_IO_DEVICE_ERROR;
        if (Request->Operation == DiskRead && Disk->Scramble) {
            Scramble(Request);
        } else if (Request->Operation == DiskWrite && Disk->Tear) {
            WriteMedium(Disk, Request, TestRandom(&Disk->Seed) % (Request->Sectors + 1));
        }
    } else if (Request->Operation == DiskWrite) {
        WriteMedium(Disk, Request, Request->Sectors);
    } else if (Request->Operation == DiskRead) {
        MoveData(Disk, Request, (SIZE_T)Request->Sectors * Disk->Device.SectorBytes);
    }
}

/* ---- completion, now or later ---- */

typedef struct _SLOT {
    KDPC Dpc;
    PHOST_DISK Disk;
    ULONG Index;
} SLOT;

static void Place(PHOST_DISK Disk, PDISK_REQUEST Request);

static void NTAPI Complete(struct _KDPC *Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    SLOT *Slot = Context;
    PHOST_DISK Disk = Slot->Disk;
    PDISK_REQUEST Request = Disk->Waiting[Slot->Index];

    (void)Dpc;
    (void)Argument1;
    (void)Argument2;
    Disk->Waiting[Slot->Index] = NULL;
    free(Slot);
    Carry(Disk, Request);
    if (!IsListEmpty(&Disk->Queue)) {
        Place(Disk, CONTAINING_RECORD(RemoveHeadList(&Disk->Queue), DISK_REQUEST, Link));
    }
    Request->Completion(Request);
}

static void Interrupt(PVOID Context)
{
    SLOT *Slot = Context;

    KeInsertQueueDpc(&Slot->Dpc, NULL, NULL);
}

static void Place(PHOST_DISK Disk, PDISK_REQUEST Request)
{
    ULONG Index = 0;
    ULONG Longest;
    SLOT *Slot;

    while (Index < HOST_DISK_IN_LINE && Disk->Waiting[Index] != NULL) {
        Index++;
    }
    if (Index == HOST_DISK_IN_LINE) {
        InsertTailList(&Disk->Queue, &Request->Link);
        return;
    }
    Disk->Waiting[Index] = Request;
    Slot = calloc(1, sizeof(*Slot));
    Slot->Disk = Disk;
    Slot->Index = Index;
    KeInitializeDpc(&Slot->Dpc, Complete, Slot);
    Longest = Disk->LongestWait == 0 ? LONGEST_WAIT_US : Disk->LongestWait;
    HostRaiseInterruptAt(HostCycles() + TestRandom(&Disk->Seed) % (Longest * 1000), DISK_IRQL,
                         Interrupt, Slot);
}

static void Submit(PDISK_DEVICE Device, PDISK_REQUEST Request)
{
    PHOST_DISK Disk = Device->Driver;
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    if (Disk->Maps && Request->Mdl != NULL) {
        CHECK(MmGetSystemAddressForMdlSafe(Request->Mdl, HighPagePriority) != NULL);
    }
    if (Disk->Seed != 0) {
        Place(Disk, Request);
        KfLowerIrql(OldIrql);
        return;
    }
    Carry(Disk, Request);
    KfLowerIrql(OldIrql);
    Request->Completion(Request);
}

/* ---- making one ---- */

void HostDiskCreate(PHOST_DISK Disk, ULONG SectorBytes, ULONG64 Sectors, ULONG64 Seed)
{
    memset(Disk, 0, sizeof(*Disk));
    Disk->Device = (DISK_DEVICE){
        .Name = "simulated",
        .SectorBytes = SectorBytes,
        .Sectors = Sectors,
        .MaximumSectors = MOST_BYTES / SectorBytes,
        .Submit = Submit,
        .Driver = Disk,
    };
    InitializeListHead(&Disk->Device.ListEntry);
    InitializeListHead(&Disk->Queue);
    Disk->Image = calloc((size_t)Sectors, SectorBytes);
    Disk->PowerLeft = HOST_DISK_ALWAYS;
    Disk->Seed = Seed;
}

void HostDiskDelete(PHOST_DISK Disk)
{
    ULONG Index;

    for (Index = 0; Index < HOST_DISK_IN_LINE; Index++) {
        CHECK(Disk->Waiting[Index] == NULL);
    }
    free(Disk->Log);
    free(Disk->Image);
}

void HostDiskStartLog(PHOST_DISK Disk)
{
    Disk->Log = calloc(HOST_DISK_LOG_SIZE, sizeof(*Disk->Log));
    Disk->Logged = 0;
}
