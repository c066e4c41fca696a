/* SPDX-License-Identifier: MIT */
/*
 * test_verify.c - MiVerifyAll: a sound machine passes, and each disagreement stops it.
 */
#include "mm/inspect/verify_parts.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/system_pages.h"
#include "nt/bugcodes.h"
#include "tests/unit/command_bench.h"
#include <string.h>
#include "tests/unit/pool_world.h"
#include "tests/unit/sysva_machine.h"
#include "tests/unit/world.h"

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
    WorldForget();
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

TEST(VerifyAll_finds_a_system_PTE_that_maps_a_free_frame)
{
    PMMPTE At;
    MMPTE Pte;

    PopulatedStart();
    At = MiReserveSystemPtes(1);
    Pte = MiMakeValidKernelPte(MiMakeKernelTemplate(MiKernelReadWrite, MiCached), 2);
    CHECK_EQUAL(FreePageList, MI_PFN(2)->u3.e1.PageLocation);
    MiWritePte(At, Pte);
    ExpectOutOfStep(At, Pte.Long, 2);
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

TEST(VerifyAll_finds_pages_that_were_not_charged)
{
    HOST_BUGCHECK BugCheck;

    PopulatedStart();
    MiReturnCommitment(MiCommit.Committed); /* all of it, while the pages are still there */
    CHECK(HostCatchBugCheck(Verify, NULL, &BugCheck));
    HostMachineDelete();
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
    const char *Text;

    PopulatedStart();
    Text = Command("!verify");
    CHECK_SHOWS("  pools                                           sound\n", Text);
    CHECK(strstr(Text, "not started") == NULL);
    PopulatedFinish();
    WorldForget();
    HostMachineCreate(16, TestSeed());
    Text = Command("!verify");
    CHECK_SHOWS("  pools                                           not started\n", Text);
    CHECK_SHOWS("  threads                                         sound\n", Text);
    HostMachineDelete();
}
