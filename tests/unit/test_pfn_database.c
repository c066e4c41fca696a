/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_database.c - the database is built from any map, and memory can join it later.
 */
#include "tests/unit/pfn_machine.h"

#include "nt/bugcodes.h"

#include <stdio.h>
#include <string.h>

static const LOADER_MEMORY_RUN Types[] = {
    {90, 10, LoaderMappedIo, 0},
    {0, 10, LoaderFirmwareTemporary, 0},
    {30, 5, LoaderBad, 0},
    {10, 20, LoaderFree, 0},
    {35, 5, LoaderBootData, 0},
    {40, 5, LoaderFirmwarePermanent, 0},
    {45, 5, LoaderSystemCode, 0},
    {60, 10, LoaderAcpiReclaim, 0}, /* 50-59 is a hole */
    {70, 3, LoaderPageTables, 0},
    {80, 4, LoaderMaxMemory, 0},
    {0x100000, 64, LoaderUnusableHigh, 0},
};

static void StartTypes(void)
{
    PfnPowerOn(128, PFN_RUNS(Types));
}

TEST(PfnDatabase_ends_with_the_last_frame_of_RAM)
{
    StartTypes();
    CHECK_EQUAL(73 * sizeof(MMPFN), MiPfnDatabaseBytes());
    CHECK_EQUAL(72, MiHighestFrame);
    CHECK(sizeof(MMPFN) <= 28);
    HostMachineDelete();
}

TEST(PfnDatabase_describes_every_type_of_run)
{
    StartTypes();
    CHECK_EQUAL(28, MiTakeBootFrames(2, 1));
    PfnBuildDatabase();
    CHECK_EQUAL(ActiveAndValid, PfnState(5));
    CHECK_EQUAL(LoaderFirmwareTemporary, MI_PFN(5)->u1.LoaderType);
    CHECK_EQUAL(FreePageList, PfnState(10));
    CHECK_EQUAL(FreePageList, PfnState(27));
    CHECK_EQUAL(ActiveAndValid, PfnState(28));
    CHECK_EQUAL(MI_PTE_FRAME_NONE, MI_PFN(28)->u4.PteFrame);
    CHECK_EQUAL(1, MI_PFN(28)->u2.ShareCount);
    CHECK_EQUAL(1, MI_PFN(28)->u3.e2.ReferenceCount);
    CHECK_EQUAL(BadPageList, PfnState(34));
    CHECK_EQUAL(MI_PTE_FRAME_LOADER, MI_PFN(39)->u4.PteFrame);
    CHECK(!MiIsRamFrame(44));
    CHECK_EQUAL(LoaderFirmwarePermanent, MI_PFN(44)->u1.LoaderType);
    CHECK(!MiIsRamFrame(55));
    CHECK_EQUAL(MI_ABSENT_FRAME, MI_PFN(55)->u1.LoaderType);
    CHECK(!MiIsRamFrame(95));
    PfnFinish();
}

TEST(PfnDatabase_takes_a_frame_of_the_loader_that_stays_in_use)
{
    MI_PFN_COUNTERS Counters;
    KIRQL OldIrql;

    StartTypes();
    PfnBuildDatabase();
    CHECK(MiChargeCommitment(1));
    OldIrql = MiLockPfn();
    MiTakeLoaderFrame(39);
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(MI_PTE_FRAME_NONE, MI_PFN(39)->u4.PteFrame);
    CHECK_EQUAL(MI_DEFAULT_PRIORITY, MI_PFN(39)->u4.Priority);
    CHECK_EQUAL(ActiveAndValid, PfnState(39));
    MiQueryPfnCounters(&Counters);
    CHECK_EQUAL(21, Counters.Commit.Limit);
    CHECK_EQUAL(4, MiReleaseLoaderMemory(LoaderBootData)); /* 39 is not the loader's any more */
    MiFreeFrame(39);
    MiReturnCommitment(1);
    PfnFinish();
}

TEST(PfnDatabase_counts_what_it_found)
{
    MI_PFN_COUNTERS Counters;

    StartTypes();
    MiTakeBootFrames(2, 1);
    PfnBuildDatabase();
    MiQueryPfnCounters(&Counters);
    CHECK_EQUAL(58, Counters.PhysicalPages);
    CHECK_EQUAL(18, Counters.States[FreePageList]);
    CHECK_EQUAL(5, Counters.States[BadPageList]);
    CHECK_EQUAL(35, Counters.States[ActiveAndValid]);
    CHECK_EQUAL(18, Counters.AvailablePages);
    CHECK_EQUAL(18, Counters.Commit.Limit);
    CHECK_EQUAL(0, Counters.Commit.Committed);
    PfnFinish();
}

TEST(ReleaseLoaderMemory_frees_one_type_once_and_raises_the_limits)
{
    ULONG Resident;

    StartTypes();
    PfnBuildDatabase();
    Resident = MiCommit.ResidentAvailable;
    CHECK_EQUAL(5, MiReleaseLoaderMemory(LoaderBootData));
    CHECK_EQUAL(0, MiReleaseLoaderMemory(LoaderBootData));
    CHECK_EQUAL(FreePageList, PfnState(35));
    CHECK_EQUAL(25, MiCommit.Limit);
    CHECK_EQUAL(Resident + 5, MiCommit.ResidentAvailable);
    CHECK_EQUAL(9, MiReleaseLoaderMemory(LoaderFirmwareTemporary)); /* frame 0 stays */
    CHECK_EQUAL(ActiveAndValid, PfnState(0));
    CHECK_EQUAL(10, MiReleaseLoaderMemory(LoaderAcpiReclaim));
    CHECK_EQUAL(3, MiReleaseLoaderMemory(LoaderPageTables)); /* up to the highest frame */
    CHECK_EQUAL(0, MiReleaseLoaderMemory(LoaderFirmwarePermanent));
    CHECK_EQUAL(0, MiReleaseLoaderMemory(LoaderFree));
    CHECK_EQUAL(0, MiReleaseLoaderMemory(LoaderMaxMemory));
    PfnFinish();
}

TEST(AddPhysicalMemory_takes_holes_and_nothing_else)
{
    StartTypes();
    PfnBuildDatabase();
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, MiAddPhysicalMemory(55, 6)); /* 60 is RAM */
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, MiAddPhysicalMemory(41, 2)); /* firmware's */
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, MiAddPhysicalMemory(0, 1));
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiAddPhysicalMemory(72, 2));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiAddPhysicalMemory(55, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiAddPhysicalMemory(0xFFFFFFF0, 0x11));
    CHECK_EQUAL(58, MiPhysicalPages);
    CHECK_EQUAL(20, MiCommit.Limit);
    CHECK_EQUAL(STATUS_SUCCESS, MiAddPhysicalMemory(50, 10));
    CHECK_EQUAL(68, MiPhysicalPages);
    CHECK_EQUAL(30, MiCommit.Limit);
    CHECK_EQUAL(FreePageList, PfnState(59));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, MiAddPhysicalMemory(50, 10));
    PfnFinish();
}

TEST(PfnDatabase_never_hands_out_frame_0)
{
    static const LOADER_MEMORY_RUN Runs[] = {{0, 4, LoaderFree, 0}};

    PfnPowerOn(4, PFN_RUNS(Runs));
    PfnBuildDatabase();
    CHECK_EQUAL(4, MiPhysicalPages);
    CHECK_EQUAL(3, MiAvailablePages);
    CHECK_EQUAL(ActiveAndValid, PfnState(0));
    CHECK_EQUAL(0, MiReleaseLoaderMemory(LoaderFree));
    PfnFinish();
}

static void Build(PVOID Context)
{
    (void)Context;
    PfnBuildDatabase();
}

TEST(PfnDatabase_refuses_runs_that_overlap)
{
    static const LOADER_MEMORY_RUN Runs[] = {{1, 10, LoaderFree, 0}, {10, 2, LoaderBootData, 0}};

    PfnPowerOn(16, PFN_RUNS(Runs));
    HostExpectBugCheck(MEMORY_MANAGEMENT, Build, NULL);
    KeInitializeSpinLock(&MiPfnLock);
    HostMachineDelete();
}

/* 4 MB to 4 GB, with the hole below 4 GB that PCI needs. */
TEST(PfnDatabase_holds_any_size_of_memory)
{
    static const ULONG Sizes[] = {4, 64, 256, 1024, 3072, 4096};
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Sizes); Index++) {
        ULONG Pages = Sizes[Index] * 256;
        LOADER_MEMORY_RUN Runs[] = {
            {256, Pages - 256, LoaderFree, 0}, {1, 159, LoaderFree, 0}, {0, 1, LoaderBootData, 0}};

        PfnPowerOn(16, PFN_RUNS(Runs));
        CHECK_EQUAL(Pages * 24, MiPfnDatabaseBytes());
        CHECK_EQUAL(Pages - 10, MiTakeBootFrames(10, 1));
        PfnBuildDatabase();
        CHECK_EQUAL(Pages - 96, MiPhysicalPages);
        CHECK_EQUAL(Pages - 107, MiCommit.Limit);
        PfnFinish();
    }
}

static void Collect(PVOID Context, const char *Text, SIZE_T Bytes)
{
    strncat(Context, Text, Bytes);
}

TEST(DumpFrame_prints_the_documented_fields)
{
    char Text[1024] = "";
    char Wanted[1024];

    StartTypes();
    PfnBuildDatabase();
    MiDumpFrame(Collect, Text, 36);
    snprintf(Wanted, sizeof(Wanted),
             "    PFN 00000024 at address %08lX\n"
             "    flink       00000008  share count 00000001  pteaddress 00000000\n"
             "    reference count 0001  color 24  priority 5\n"
             "    restore pte 00000000  containing page none  Active  (boot data)\n",
             (unsigned long)(ULONG_PTR)MI_PFN(36));
    CHECK_TEXT(Wanted, Text);
    Text[0] = 0;
    MiDumpFrame(Collect, Text, 41);
    CHECK(strstr(Text, "NotRam  (firmware permanent)") != NULL);
    Text[0] = 0;
    MiDumpFrame(Collect, Text, 73);
    CHECK_TEXT("    PFN 00000049 is above the highest, 00000048\n", Text);
    PfnFinish();
}
