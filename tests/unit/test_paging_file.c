/* SPDX-License-Identifier: MIT */
/*
 * test_paging_file.c - mm/paging: paging files on a volume, made, kept, refused; power cuts, full
 * volumes, failing disks and failing allocations while they are made.
 */
#include "mm/paging/paging_file.h"

#include "ex.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/io_world.h"

#include <string.h>

#define PAGES(Mb) ((Mb)*MI_PAGES_IN_MB)
#define BOUND     4000u /* of requests and allocations that one creation takes */

static ULONG64 DiskSeed;

static void Start(const SEED_FAT *Fat, ULONG64 Seed)
{
    IoWorldStart(Fat, Seed);
    MiForgetPagingFiles();
    DiskSeed = Seed;
}

static void Finish(void)
{
    MiClosePagingFiles();
    IoWorldFinish();
}

static NTSTATUS Create(const char *Name, ULONG MinimumMb, ULONG MaximumMb)
{
    MI_PAGING_FILE_SETTING Setting = {.MinimumPages = PAGES(MinimumMb),
                                      .MaximumPages = PAGES(MaximumMb)};

    strncpy(Setting.Name, Name, MI_PAGING_NAME_BYTES - 1);
    return MiCreatePagingFile(IoVolume, &Setting);
}

static ULONG64 FreeBytes(void)
{
    ULONG64 Bytes;
    ULONG64 Free;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeSize(IoVolume, &Bytes, &Free));
    return Free;
}

static BOOLEAN Exists(const char *Path)
{
    ULONG64 Bytes;

    return NT_SUCCESS(MiQueryPagingFile(IoVolume, Path, &Bytes));
}

/* ---- making one ---- */

TEST(A_paging_file_is_made_hidden_contiguous_and_tried)
{
    FILE_BASIC_INFORMATION Basic;
    PMMPAGING_FILE File;
    ULONG64 Free;
    ULONG Bytes;

    Start(&IoWorldFat16, 1);
    Free = FreeBytes();
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    CHECK_EQUAL(1, MmNumberOfPagingFiles);
    File = MmPagingFile[0];
    CHECK_TEXT("C:\\pagefile.sys", File->PageFileName);
    CHECK_EQUAL(PAGES(2), File->Size);
    CHECK_EQUAL(PAGES(2), File->MinimumSize);
    CHECK_EQUAL(PAGES(4), File->MaximumSize);
    CHECK_EQUAL(PAGES(2) - 1, File->FreeSpace);
    CHECK_EQUAL(0, File->CurrentUsage);
    CHECK_EQUAL(0, File->PageFileNumber);
    CHECK_EQUAL(1, File->Runs);
    CHECK_EQUAL(SeedFatData(&IoWorldFat16), File->FirstSector);
    CHECK_EQUAL(Free - (2u << 20), FreeBytes());
    CHECK_EQUAL(80, MiPagingTrials[0].Slots);
    CHECK_EQUAL(0, MiPagingTrials[0].Wrong);
    CHECK_EQUAL(STATUS_SUCCESS, MiPagingTrials[0].Status);
    CHECK(MiPagingTrials[0].Reads >= 5 && MiPagingTrials[0].Writes >= 5);
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileInformation(File->File, FileBasicInformation,
                                                       sizeof(Basic), &Basic, &Bytes));
    CHECK_EQUAL(FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM,
                Basic.FileAttributes & ~FILE_ATTRIBUTE_ARCHIVE);
    Finish();
}

TEST(Making_a_paging_file_writes_its_tables_and_the_trial_but_not_its_contents)
{
    Start(&IoWorldFat16, 0);
    (void)FreeBytes();
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 6, 6));
    /* the trial's 80 pages; FAT sectors of 6144 clusters twice, and some for the entry */
    CHECK(IoDisk.Written > 80 * 8 && IoDisk.Written < 80 * 8 + 2 * 24 + 40);
    Finish();
}

TEST(A_paging_file_is_kept_over_boots)
{
    ULONG64 First;

    Start(&IoWorldFat16, 1);
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    First = MmPagingFile[0]->FirstSector;
    MiClosePagingFiles();
    IoWorldRemount();
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    CHECK_EQUAL(First, MmPagingFile[0]->FirstSector);
    CHECK_EQUAL(80 * 8, IoDisk.Written); /* the trial's, and nothing else */
    Finish();
}

TEST(A_paging_file_becomes_longer_or_shorter_as_the_settings_ask)
{
    ULONG64 Free;

    Start(&IoWorldFat16, 1);
    Free = FreeBytes();
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 3, 3));
    MiClosePagingFiles();
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 5, 6));
    CHECK_EQUAL(PAGES(5), MmPagingFile[0]->Size);
    CHECK_EQUAL(1, MmPagingFile[0]->Runs);
    CHECK_EQUAL(Free - (5u << 20), FreeBytes());
    MiClosePagingFiles();
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 6));
    CHECK_EQUAL(PAGES(2), MmPagingFile[0]->Size);
    CHECK_EQUAL(Free - (2u << 20), FreeBytes());
    Finish();
}

TEST(Several_paging_files_are_numbered)
{
    Start(&IoWorldFat16, 1);
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\one.sys", 1, 1));
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\two.sys", 1, 2));
    CHECK_EQUAL(2, MmNumberOfPagingFiles);
    CHECK_EQUAL(1, MmPagingFile[1]->PageFileNumber);
    CHECK(MmPagingFile[0]->FirstSector != MmPagingFile[1]->FirstSector);
    Finish();
}

/* ---- what is refused ---- */

TEST(Sizes_and_names_that_make_no_sense_have_their_documented_statuses)
{
    Start(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2, Create("C:\\pagefile.sys", 0, 4));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2, Create("C:\\pagefile.sys", 4096, 4096));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3, Create("C:\\pagefile.sys", 4, 2));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3, Create("C:\\pagefile.sys", 2, 4096));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Create("C:\\", 2, 4));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Create("C:\\a?b", 2, 4));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, Create("C:\\no\\pagefile.sys", 2, 4));
    CHECK_EQUAL(0, MmNumberOfPagingFiles);
    CHECK_EQUAL(0, IoDisk.Logged);
    Finish();
}

TEST(A_file_that_is_a_paging_file_already_is_not_taken_twice)
{
    Start(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, Create("C:\\PAGEFILE.SYS", 2, 4));
    CHECK_EQUAL(1, MmNumberOfPagingFiles);
    Finish();
}

TEST(There_are_16_paging_files_at_most)
{
    char Name[] = "C:\\page00.sys";
    ULONG i;

    Start(&IoWorldLarge, 0); /* 16 MB */
    for (i = 0; i < MAX_PAGE_FILES - 1; i++) {
        Name[8] = (char)('a' + i);
        CHECK_EQUAL(STATUS_SUCCESS, Create(Name, 1, 1));
    }
    Name[8] = 'z';
    CHECK_EQUAL(STATUS_SUCCESS, Create(Name, 1, 1));
    Name[8] = 'y';
    CHECK_EQUAL(STATUS_TOO_MANY_PAGING_FILES, Create(Name, 1, 1));
    CHECK(!Exists(Name + 2));
    Finish();
}

TEST(A_directory_is_no_paging_file)
{
    PFILE_OBJECT File;

    Start(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoWorldOpen("/pagefile.sys", FILE_CREATE, FILE_DIRECTORY_FILE, &File));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_FILE_IS_A_DIRECTORY, Create("C:\\pagefile.sys", 2, 4));
    Finish();
}

TEST(A_volume_without_room_has_no_paging_file_and_no_remains_of_one)
{
    ULONG64 Free;

    Start(&IoWorldFat16, 1); /* 8 MB */
    Free = FreeBytes();
    CHECK_EQUAL(STATUS_DISK_FULL, Create("C:\\pagefile.sys", 9, 9));
    CHECK(!Exists("\\pagefile.sys"));
    CHECK_EQUAL(Free, FreeBytes());
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 8, 9)); /* what fits */
    Finish();
}

TEST(A_file_of_before_stays_when_it_cannot_become_longer)
{
    Start(&IoWorldFat16, 1);
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    MiClosePagingFiles();
    CHECK_EQUAL(STATUS_DISK_FULL, Create("C:\\pagefile.sys", 9, 9));
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    Finish();
}

TEST(A_read_only_volume_keeps_its_paging_file_unused)
{
    Start(&IoWorldFat16, 1);
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    MiClosePagingFiles();
    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    IoDisk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, Create("C:\\pagefile.sys", 2, 4));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, Create("C:\\new.sys", 2, 4));
    CHECK_EQUAL(0, IoDisk.Written);
    Finish();
}

/* Every second cluster is bad: FAT16, both FATs. */
static void BreakEverySecondCluster(const SEED_FAT *Fat)
{
    ULONG FatBytes = (Fat->Clusters + 2) * 2;
    ULONG FatSectors = (FatBytes + 1 + Fat->SectorBytes - 1) / Fat->SectorBytes;
    ULONG Table;
    ULONG i;

    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    for (Table = 0; Table < 2; Table++) {
        PUCHAR At = IoDisk.Image + (SeedFatTable(Fat) + Table * FatSectors) * Fat->SectorBytes;

        for (i = 3; i < Fat->Clusters + 2; i += 2) {
            At[2 * i] = 0xF7;
            At[2 * i + 1] = 0xFF;
        }
    }
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
}

TEST(A_paging_file_in_pieces_is_used_and_its_pieces_are_counted)
{
    const SEED_FAT Fat = {512, 1, 20000};

    Start(&Fat, 1);
    BreakEverySecondCluster(&Fat);
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 1, 1));
    CHECK_EQUAL(2048, MmPagingFile[0]->Runs);
    CHECK_EQUAL(0, MiPagingTrials[0].Wrong);
    Finish();
}

TEST(A_paging_file_in_too_many_pieces_is_refused_and_leaves_nothing)
{
    const SEED_FAT Fat = {512, 1, 20000};
    ULONG64 Free;

    Start(&Fat, 0);
    BreakEverySecondCluster(&Fat);
    Free = FreeBytes();
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, Create("C:\\pagefile.sys", 3, 3));
    CHECK(!Exists("\\pagefile.sys"));
    CHECK_EQUAL(Free, FreeBytes());
    Finish();
}

TEST(A_paging_file_whose_chain_is_broken_is_refused_and_left_alone)
{
    PUCHAR Table;

    Start(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    MiClosePagingFiles();
    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    Table = IoDisk.Image + SeedFatTable(&IoWorldFat16) * 512;
    Table[2 * 100] = 50; /* back to one before: a loop */
    Table[2 * 100 + 1] = 0;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, Create("C:\\pagefile.sys", 2, 4));
    CHECK_EQUAL(0, IoDisk.Written);
    Finish();
}

/* ---- a disk that lies or fails, memory that is short, the power cut ---- */

TEST(A_disk_that_does_not_give_back_what_was_written_has_no_paging_file)
{
    ULONG Write;
    ULONG Refused = 0;

    /* the power is "cut" at the n-th write and nobody notices: what follows is lost */
    for (Write = 0; Write < 80 * 8; Write += 33) {
        Start(&IoWorldFat16, 0);
        CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
        MiClosePagingFiles();
        IoDisk.PowerLeft = Write;
        CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, Create("C:\\pagefile.sys", 2, 4));
        CHECK(MiPagingTrials[0].Wrong != 0);
        CHECK_EQUAL(0, MmNumberOfPagingFiles);
        Refused++;
        IoDisk.PowerLeft = HOST_DISK_ALWAYS;
        Finish();
    }
    CHECK_EQUAL(20, Refused);
}

TEST(Each_failing_request_while_a_paging_file_is_made_is_a_status)
{
    ULONG Request = 0;
    NTSTATUS Status;

    do {
        Start(&IoWorldFat16, 0);
        IoDisk.FailFrom = ++Request;
        Status = Create("C:\\pagefile.sys", 2, 4);
        IoDisk.FailFrom = 0;
        CHECK(NT_SUCCESS(Status) || Status == STATUS_IO_DEVICE_ERROR);
        CHECK_EQUAL(NT_SUCCESS(Status), MmNumberOfPagingFiles);
        MiClosePagingFiles();
        /* the same again, without failures, is a paging file */
        CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
        Finish();
    } while (!NT_SUCCESS(Status) && Request < BOUND);
    CHECK(Request > 20 && Request < BOUND);
}

TEST(Each_failing_allocation_while_a_paging_file_is_made_is_a_status)
{
    ULONG Nth = 0;
    ULONG Failed = 0;
    ULONG PoolBytes;
    BOOLEAN Happened;
    NTSTATUS Status;

    do {
        Start(&IoWorldFat16, 0);
        PoolBytes = IoWorldPoolBytes();
        MiFailPoolAllocation(++Nth);
        Status = Create("C:\\pagefile.sys", 2, 4);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES);
        CHECK(NT_SUCCESS(Status) || Happened);
        CHECK_EQUAL(NT_SUCCESS(Status), MmNumberOfPagingFiles);
        Failed += !NT_SUCCESS(Status);
        MiClosePagingFiles();
        CHECK_EQUAL(PoolBytes, IoWorldPoolBytes());
        CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
        Finish();
    } while (Happened && Nth < BOUND);
    CHECK(Failed >= 5 && Nth < BOUND);
}

TEST(A_power_cut_while_a_paging_file_is_made_leaves_a_volume_that_takes_one)
{
    ULONG Left;
    ULONG Before;
    ULONG Cut = 0;

    Start(&IoWorldFat16, 0);
    IoWorldPut("/keep.txt", 5000, 7);
    Before = (ULONG)IoDisk.Written;
    CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
    Before = (ULONG)IoDisk.Written - Before - 80 * 8; /* sectors without the trial's */
    Finish();
    for (Left = 0; Left <= Before; Left++) {
        Start(&IoWorldFat16, 0);
        IoWorldPut("/keep.txt", 5000, 7);
        IoDisk.PowerLeft = Left;
        Cut += !NT_SUCCESS(Create("C:\\pagefile.sys", 2, 4));
        MiClosePagingFiles();
        (void)IoDismountVolume(IoVolume); /* into the void */
        IoDisk.PowerLeft = HOST_DISK_ALWAYS;
        CHECK_EQUAL(STATUS_SUCCESS,
                    IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
        CHECK(IoWorldHolds("/keep.txt", 5000, 7));
        CHECK_EQUAL(STATUS_SUCCESS, Create("C:\\pagefile.sys", 2, 4));
        CHECK(IoWorldHolds("/keep.txt", 5000, 7));
        Finish();
    }
    CHECK(Cut != 0 && Before > 20);
}
