/* SPDX-License-Identifier: MIT */
/*
 * test_verify.c - MiVerifyAll: a sound machine passes, and each disagreement stops it.
 */
#include "mm/inspect/verify_parts.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_pages.h"
#include "nt/bugcodes.h"
#include "tests/unit/command_bench.h"
#include <string.h>
#include "tests/unit/pool_world.h"
#include "tests/unit/sysva_machine.h"

static void Verify(PVOID Context)
{
    (void)Context;
    MiVerifyAll();
}

static void ExpectOutOfStep(PMMPTE At, ULONG Contents, PFN_NUMBER Frame)
{
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x403, (ULONG_PTR)At, Contents, Frame, Verify, NULL);
}

/* A page at *At, which is a system PTE.  => Returns its frame. */
static PFN_NUMBER MakePage(PMMPTE *At)
{
    *At = MiReserveSystemPtes(1);
    CHECK_EQUAL(STATUS_SUCCESS,
                MiCreateSystemPages(*At, 1, MiMakeKernelTemplate(MiKernelReadWrite, MiCached)));
    return MiReadPte(*At).Hard.PageFrameNumber;
}

TEST(VerifyAll_passes_a_machine_with_everything)
{
    PVOID Stack;
    PVOID Block;

    PopulatedStart();
    Stack = MiCreateKernelStack();
    Block = ExAllocatePoolWithTag(PagedPool, 5000, TAG_A);
    MiVerifyAll();
    MiDeleteKernelStack(Stack); /* kept ready */
    MiVerifyAll();
    ExFreePoolWithTag(Block, TAG_A);
    PopulatedFinish();
}

TEST(VerifyAll_passes_a_machine_with_nothing)
{
    HostMachineCreate(16, TestSeed());
    MiVerifyAll();
    HostMachineDelete();
}

TEST(VerifyAll_finds_a_PTE_that_lost_its_frame)
{
    PMMPTE At;
    PFN_NUMBER Frame;

    PopulatedStart();
    Frame = MakePage(&At);
    MiWritePte(At, MiMakeZeroPte());
    ExpectOutOfStep(At, 0, Frame);
    HostMachineDelete();
}

TEST(VerifyAll_finds_a_PTE_that_maps_another_frame_than_its_own)
{
    MMPTE Pte;
    PMMPTE At;
    PFN_NUMBER Frame;

    PopulatedStart();
    Frame = MakePage(&At);
    Pte = MiReadPte(At);
    Pte.Hard.PageFrameNumber = HOST_DIRECTORY_FRAME;
    MiWritePte(At, Pte);
    ExpectOutOfStep(At, Pte.Long, Frame);
    HostMachineDelete();
}

static PFN_NUMBER FindFreeFrame(void)
{
    PFN_NUMBER Frame;

    for (Frame = 0; Frame <= MiHighestFrame; Frame++) {
        if (MiIsRamFrame(Frame) && MI_PFN(Frame)->u3.e1.PageLocation == FreePageList) {
            return Frame;
        }
    }
    TestFail(__FILE__, __LINE__, "no frame is free");
}

TEST(VerifyAll_finds_a_system_PTE_that_maps_a_free_frame)
{
    PFN_NUMBER Frame;
    PMMPTE At;
    MMPTE Pte;

    PopulatedStart();
    At = MiReserveSystemPtes(1);
    Frame = FindFreeFrame();
    Pte = MiMakeValidKernelPte(MiMakeKernelTemplate(MiKernelReadWrite, MiCached), Frame);
    MiWritePte(At, Pte);
    ExpectOutOfStep(At, Pte.Long, Frame);
    HostMachineDelete();
}

TEST(VerifyAll_finds_a_system_page_that_user_mode_may_touch)
{
    PMMPTE At;
    MMPTE Pte;

    PopulatedStart();
    MakePage(&At);
    Pte = MiReadPte(At);
    Pte.Hard.Owner = 1;
    MiWritePte(At, Pte);
    HostFindPde(HOST_DIRECTORY_FRAME, MiGetVaMappedByPte(At))->Hard.Owner = 1;
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x411, MiGetVaMappedByPte(At), SYSVA_ANY, 0, Verify,
                        NULL);
    HostMachineDelete();
}

TEST(VerifyAll_lets_device_registers_be_mapped)
{
    PMMPTE At;

    PopulatedStart();
    At = MiReserveSystemPtes(1);
    MiWritePte(At,
               MiMakeValidKernelPte(MiMakeKernelTemplate(MiKernelReadWrite, MiNonCached), 0xFEE00));
    MiVerifyAll();
    MiReleaseSystemPtes(At, 1);
    PopulatedFinish();
}

static void ExpectWrongCharge(void)
{
    HOST_BUGCHECK BugCheck;

    HostConsoleClear();
    CHECK(HostCatchBugCheck(Verify, NULL, &BugCheck));
    CHECK_EQUAL(MI_ASSERTION, BugCheck.Parameter[0]);
    CHECK_SHOWS("MiCommit.Committed == Charged", HostConsoleText());
}

TEST(VerifyAll_finds_a_charge_too_many_and_one_too_few)
{
    PopulatedStart();
    CHECK(MiChargeCommitment(1));
    ExpectWrongCharge();
    MiReturnCommitment(1);
    MiVerifyAll();
    MiReturnCommitment(1); /* while the page is still there */
    ExpectWrongCharge();
    HostMachineDelete();
}

TEST(VerifyAll_counts_pages_of_MDLs_and_untouched_paged_pool)
{
    PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};
    PHYSICAL_ADDRESS Zero = {.QuadPart = 0};
    PVOID Block;
    PMDL Mdl;

    PopulatedStart();
    Mdl = MmAllocatePagesForMdl(Zero, Highest, Zero, 5 * PAGE_SIZE);
    Block = Allocate(PagedPool, 3 * PAGE_SIZE, TAG_A);
    CHECK(Mdl != NULL);
    MiVerifyAll();
    *(volatile UCHAR *)Block = 1;
    MiVerifyAll();
    MiAllocatedMdlPages--;
    ExpectWrongCharge();
    MiAllocatedMdlPages++;
    MmFreePagesFromMdl(Mdl);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Block, TAG_A);
    PopulatedFinish();
}

TEST(VerifyAll_finds_a_kept_stack_without_its_pages)
{
    HOST_BUGCHECK BugCheck;
    PVOID Stack;

    PopulatedStart();
    Stack = MiCreateKernelStack();
    MiDeleteKernelStack(Stack);
    MiDeleteSystemPages(MiGetPteAddress((ULONG_PTR)Stack) - 2, 1);
    CHECK(HostCatchBugCheck(Verify, NULL, &BugCheck));
    HostMachineDelete();
    MiInitializeKernelStacks();
}

TEST(Verify_command_names_each_part)
{
    const char *Shown;

    PopulatedStart();
    Shown = Command("!verify");
    CHECK_SHOWS("  pools                                           sound\n", Shown);
    CHECK_SHOWS("  system cache                                    not started\n", Shown);
    CHECK(strstr(strstr(Shown, "not started") + 1, "not started") == NULL); /* nothing else */
    PopulatedFinish();
    HostMachineCreate(16, TestSeed());
    Shown = Command("!verify");
    CHECK_SHOWS("  pools                                           not started\n", Shown);
    CHECK_SHOWS("  threads                                         sound\n", Shown);
    HostMachineDelete();
}
