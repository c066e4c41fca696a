/* SPDX-License-Identifier: MIT */
/*
 * test_image_failures.c - a program's start while memory, the disk or commitment is missing: all of
 * it happens, or nothing.
 */
#include "mm/pfn/commit_growth.h"
#include "mm/pfn/frame.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/image_world.h"

/* All that a program's start does.  => Nothing is left of it. */
static NTSTATUS StartAndEnd(HANDLE File)
{
    PSECTION Section;
    PVOID Base = NULL;
    UCHAR Byte = 5;
    NTSTATUS Status = ImageWorldTryOpen(File, &Section);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ImageWorldTryMap(Section, &Base);
    if (NT_SUCCESS(Status)) {
        Status = MmCopyFromUser(&Byte, (PUCHAR)Base + 0x1000, 1, NULL);
        if (NT_SUCCESS(Status)) {
            Status = MmCopyToUser((PUCHAR)Base + 0x5000, &Byte, 1, NULL);
        }
        FileSectionUnmap(Base);
    }
    ObDereferenceObject(Section);
    return Status;
}

TEST(ImageFailures_fails_whole_when_pool_does)
{
    NTSTATUS Status = STATUS_SUCCESS;
    BOOLEAN Happened;
    ULONG Failures = 0;
    ULONG Nth = 0;
    HANDLE File;

    ImageWorldStart();
    File = ImageWorldFile();
    do {
        Nth++;
        MiReleaseFiles(NULL);
        MiFailPoolAllocation(Nth);
        Status = StartAndEnd(File);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) || Happened);
        Failures += !NT_SUCCESS(Status);
        MiVerifyAll();
    } while (Happened);
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK(Failures > SEED_IMAGE_COUNT + 4); /* subsections; header, image, area, PTEs */
    NtWorldClose(File);
    ImageWorldFinish();
}

static void GoOnWithoutFrames(const SEED_FAT *Fat)
{
    ULONG Nth = 0;
    HANDLE File;
    BOOLEAN Happened;

    ImageWorldStartOn(Fat);
    File = ImageWorldFile();
    do {
        Nth++;
        MiReleaseFiles(NULL);
        MiFailFrameAllocation = Nth;
        CHECK_EQUAL(STATUS_SUCCESS, StartAndEnd(File));
        Happened = MiFailFrameAllocation == 0;
        MiFailFrameAllocation = 0;
        MiVerifyAll();
    } while (Happened);
    CHECK(Nth > 2);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageFailures_goes_on_when_a_frame_was_missing)
{
    GoOnWithoutFrames(&IoWorldFat12);
    GoOnWithoutFrames(&IoWorldLarge); /* whose sectors parts begin inside */
}

static void FailWithTheDisk(const SEED_FAT *Fat)
{
    NTSTATUS Status;
    ULONG Nth = 0;
    HANDLE File;

    ImageWorldStartOn(Fat);
    File = ImageWorldFile();
    do {
        Nth++;
        MiReleaseFiles(NULL);
        IoDisk.FailAt[DiskRead] = Nth;
        Status = StartAndEnd(File);
        CHECK(NT_SUCCESS(Status) == (IoDisk.FailAt[DiskRead] != 0));
        MiVerifyAll();
    } while (!NT_SUCCESS(Status));
    IoDisk.FailAt[DiskRead] = 0;
    CHECK(Nth > 3);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageFailures_fails_whole_when_the_disk_does)
{
    FailWithTheDisk(&IoWorldFat12);
    FailWithTheDisk(&IoWorldLarge); /* whose sectors parts begin inside */
}

/* The next file's image has so many pages that are shared and can be written to. */
static void MakeShared(ULONG Pages)
{
    IMAGE_SECTION_HEADER *Shared =
        (IMAGE_SECTION_HEADER *)(void *)(ImageFile + SEED_IMAGE_SECTION(SEED_IMAGE_SHARED));
    IMAGE_NT_HEADERS32 *Nt = (IMAGE_NT_HEADERS32 *)(void *)(ImageFile + SEED_IMAGE_NT);

    Nt->FileHeader.NumberOfSections = SEED_IMAGE_RELOC; /* the shared one is the last */
    Shared->Misc.VirtualSize = Pages * PAGE_SIZE;
    Nt->OptionalHeader.SizeOfImage = (5 + Pages) * PAGE_SIZE;
}

TEST(ImageFailures_fails_whole_when_there_is_no_commitment)
{
    ULONG Taken;
    HANDLE File;

    ImageWorldStart();
    MakeShared(60);
    File = ImageWorldFile();
    CHECK_EQUAL(STATUS_SUCCESS, StartAndEnd(File));
    Taken = MiCommit.Limit - MiCommit.Committed - 50;
    CHECK(MiChargeCommitment(Taken));
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, StartAndEnd(File));
    MiReturnCommitment(Taken);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, StartAndEnd(File));
    NtWorldClose(File);
    ImageWorldFinish();
}

/* Who makes the limit higher, once. */
static ULONG Missing;
static ULONG Asked; /* the limit that who waits needs */

static void Grow(PVOID Due)
{
    MI_COMMIT_ROUND Round;

    (void)KeWaitForSingleObject(Due, Executive, KernelMode, FALSE, NULL);
    MiBeginCommitRound(&Round);
    Asked = Round.Limit;
    MiGrowCommitLimit(Missing);
    MiEndCommitRound(&Round, TRUE);
}

TEST(ImageFailures_waits_for_commitment_that_is_still_to_come)
{
    ULONG Enough;
    HANDLE File;

    ImageWorldStart();
    MakeShared(60);
    File = ImageWorldFile();
    CHECK_EQUAL(STATUS_SUCCESS, StartAndEnd(File));
    HostThreadCreate(Grow, MiOpenCommitGrowth());
    MiSetCommitReserve(0);
    Missing = MiCommit.Limit - MiCommit.Committed - 50;
    MiCommit.Limit -= Missing;
    Enough = MiLimitFor(60);
    CHECK_EQUAL(STATUS_SUCCESS, StartAndEnd(File));
    CHECK(Asked >= Enough && Asked <= MiCommit.MaximumLimit);
    CHECK_EQUAL(MiCommit.MaximumLimit, MiCommit.Limit);
    MiCloseCommitGrowth();
    MiVerifyAll();
    NtWorldClose(File);
    ImageWorldFinish();
}
