/* SPDX-License-Identifier: MIT */
/*
 * hostile_disk.c - worlds in which a disk controller does its worst.
 */
#include "tests/unit/hostile_disk.h"

#include "disk/driver/channel.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <stdio.h>
#include <string.h>

#define EVENTS       100000u
#define WORLD_EVENTS 2000u /* after which the next begins */
#define BATCH        12u
#define LONGEST      (180ull * HOST_CYCLE_FREQUENCY) /* for a batch to end */

enum {
    StatusGood,
    StatusFailed,
    StatusLate,
    StatusGone,
    StatusProtected,
    StatusKinds
};

static uint64_t State;
static uint64_t Events;
static uint64_t Ended[StatusKinds];
static const HOSTILE_KIND *Kind;
static PCI_MOCK *Pci;
static BENCH_REQUEST Requests[BATCH];
static BOOLEAN Hostile; /* chances happen */
static BOOLEAN Acting;  /* requests are on their way */
static BOOLEAN Scheduled;

ULONG HostileBelow(ULONG Limit)
{
    return TestRandom(&State) % Limit;
}

ULONG HostileWord(void)
{
    return TestRandom(&State);
}

BOOLEAN HostileChance(ULONG OnceIn)
{
    return Hostile && HostileBelow(OnceIn) == 0;
}

void HostileCount(void)
{
    Events++;
}

/* ---- what the controller can do ---- */

static BOOLEAN MayAccess(ULONG64 Physical, ULONG Bytes)
{
    return (Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER) != 0 && Physical >= PAGE_SIZE &&
           Physical + Bytes < (ULONG64)DISK_BENCH_FRAMES * PAGE_SIZE;
}

void HostileRead(ULONG64 Physical, void *Buffer, ULONG Bytes)
{
    memset(Buffer, 0, Bytes);
    if (MayAccess(Physical, Bytes)) {
        PciMockRead(Pci, Physical, Buffer, Bytes);
    }
}

void HostileWrite(ULONG64 Physical, const void *Buffer, ULONG Bytes)
{
    if (MayAccess(Physical, Bytes)) {
        PciMockWrite(Pci, Physical, Buffer, Bytes);
    }
}

void HostileInterrupt(void)
{
    PciMockInterrupt(Pci);
}

/* ---- its time ---- */

static void Schedule(void);

static void Act(PVOID Context)
{
    (void)Context;
    Scheduled = FALSE;
    if (Acting) {
        Events += Kind->Act();
        Schedule();
    }
}

/* Mostly soon; now and then the driver has time to wonder. */
static void Schedule(void)
{
    static const ULONG Microseconds[] = {5, 20, 50, 50, 200, 1000, 20000, 300000};
    ULONG64 Delay = (ULONG64)Microseconds[HostileBelow(RTL_NUMBER_OF(Microseconds))] *
                    (HOST_CYCLE_FREQUENCY / 1000000);

    if (!Scheduled) {
        Scheduled = TRUE;
        HostRaiseInterruptAt(HostCycles() + Delay, HIGH_LEVEL, Act, NULL);
    }
}

/* ---- requests ---- */

static void Submit(PDISK_DEVICE Disk, BENCH_REQUEST *Request)
{
    ULONG Chance = HostileBelow(8);
    ULONG Most = Disk->MaximumSectors < 16 ? Disk->MaximumSectors : 16;
    ULONG Sectors = 1 + HostileBelow(Most);

    CHECK_EQUAL(0, Request->Completions); /* nobody completed it a second time */
    if (Chance == 0) {
        DiskBenchSubmit(Disk, Request, DiskFlush, 0, 0);
    } else {
        DiskBenchSubmit(Disk, Request, Chance < 4 ? DiskWrite : DiskRead, HostileBelow(64),
                        Sectors);
    }
}

static void CountStatus(NTSTATUS Status)
{
    switch (Status) {
    case STATUS_SUCCESS:
        Ended[StatusGood]++;
        break;
    case STATUS_IO_DEVICE_ERROR:
        Ended[StatusFailed]++;
        break;
    case STATUS_IO_TIMEOUT:
        Ended[StatusLate]++;
        break;
    case STATUS_NO_SUCH_DEVICE:
        Ended[StatusGone]++;
        break;
    default:
        CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, Status);
        Ended[StatusProtected]++;
        break;
    }
}

static void RunBatch(PDISK_DEVICE Disk)
{
    LARGE_INTEGER Longest = {.QuadPart = -(LONGLONG)(LONGEST / 100)};
    ULONG Count = 1 + HostileBelow(BATCH);
    ULONG i;

    Acting = TRUE;
    Schedule();
    for (i = 0; i < Count; i++) {
        Submit(Disk, &Requests[i]);
    }
    for (i = 0; i < Count; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, KeWaitForSingleObject(&Requests[i].Done, Executive, KernelMode,
                                                          FALSE, &Longest));
        CHECK_EQUAL(1, Requests[i].Completions);
        CountStatus(Requests[i].Request.Status);
    }
    Acting = FALSE;
    for (i = 0; i < Count; i++) {
        CHECK_EQUAL(1, Requests[i].Completions);
        DiskBenchFree(&Requests[i]);
    }
}

/* => The disk's driver has given it up; whatever comes fails at once. */
static void ExpectGone(PDISK_DEVICE Disk)
{
    ULONG64 Before = Ended[StatusGone];

    RunBatch(Disk);
    CHECK(Ended[StatusGone] != Before);
}

static void RunWorld(void)
{
    PDISK_DEVICE Disk = DiskNextDevice(NULL);
    uint64_t End = Events + WORLD_EVENTS;

    Hostile = TRUE;
    while (Events < End && !CONTAINING_RECORD(Disk, DISK_CHANNEL, Device)->Gone) {
        RunBatch(Disk);
    }
    if (CONTAINING_RECORD(Disk, DISK_CHANNEL, Device)->Gone) {
        ExpectGone(Disk);
    }
}

/* Every fourth controller is hostile from the start. */
static void TryWorld(ULONG Number)
{
    NTSTATUS Status;

    State = TestSeedNumber(Number);
    Acting = Scheduled = FALSE;
    memset(Requests, 0, sizeof(Requests));
    DiskBenchStart();
    Hostile = FALSE;
    Pci = Kind->Attach();
    Hostile = Number % 4 == 3;
    Status = Kind->AddDevice((HAL_PCI_FUNCTION){0, 4, 0}, 0);
    if (NT_SUCCESS(Status)) {
        RunWorld();
    } else {
        CHECK(Hostile);
        CHECK_EQUAL(0, RegistersMapped());
        CHECK_EQUAL(0, MessagesConnected());
        CHECK_EQUAL(0, Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
        CHECK(DiskNextDevice(NULL) == NULL);
    }
    DiskBenchFinish();
}

void HostileRun(const HOSTILE_KIND *Which)
{
    uint64_t Wanted = TestRounds(EVENTS);
    ULONG World;

    Kind = Which;
    Events = 0;
    memset(Ended, 0, sizeof(Ended));
    for (World = 0; Events < Wanted; World++) {
        TryWorld(World);
    }
    printf("# %llu good, %llu failed, %llu late, %llu gone, %llu protected in %u worlds\n",
           (unsigned long long)Ended[StatusGood], (unsigned long long)Ended[StatusFailed],
           (unsigned long long)Ended[StatusLate], (unsigned long long)Ended[StatusGone],
           (unsigned long long)Ended[StatusProtected], (unsigned)World);
    CHECK(Ended[StatusGood] != 0 && Ended[StatusFailed] != 0 && Ended[StatusLate] != 0 &&
          Ended[StatusGone] != 0); /* each of the ends was reached */
    TestCountOperations(Events, World);
    printf("# figure R7 %llu 0\n", (unsigned long long)Events);
}
