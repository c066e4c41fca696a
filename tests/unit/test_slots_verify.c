/* SPDX-License-Identifier: MIT */
/*
 * test_slots_verify.c - mm/paging/slots_verify.c: every kind of owner is found, each damage too.
 */
#include "mm.h"
#include "mm/paging/modified_writer.h"
#include "mm/space/page_table.h"
#include "mm/sysva/pte_kind.h"
#include "nt/bugcodes.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

/* Three pages with slots: on standby, in use, and paged out (by hand). */
static ULONG_PTR Start(void)
{
    ULONG_PTR Va;

    MmWorldNextUnforced();
    PagingWorldStartWith(1, 1, 1);
    PagingWorldEnter();
    Va = PagingWorldPages(3, 20);
    PagingWorldTrim(Va, 3);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK_EQUAL(20, SpaceRead(Va));
    return Va;
}

TEST(Verify_finds_the_owners_of_slots_on_standby_in_use_and_paged_out)
{
    ULONG_PTR Va = Start();
    PFN_NUMBER Frame;
    ULONG Taken = 0;

    MiVerifyPagingFiles();
    while (MiReadPte(MiGetPteAddress(Va + PAGE_SIZE)).Hard.Reserved) { /* reuse all of standby */
        KIRQL OldIrql = MiLockPfn();

        Frame = MiRemoveStandbyFrame();
        MiUnlockPfn(OldIrql);
        CHECK(Frame != MI_NO_FRAME);
        MiFreeFrame(Frame);
        Taken++;
    }
    CHECK(Taken != 0);
    CHECK_EQUAL(MiPtePagefile, MiPteKind(MiReadPte(MiGetPteAddress(Va + PAGE_SIZE))));
    MiVerifyPagingFiles();
    CHECK_EQUAL(3, MmPagingFile[0]->CurrentUsage);
    PagingWorldLeave();
    CHECK_EQUAL(0, MmPagingFile[0]->CurrentUsage);
    PagingWorldFinish();
}

static ULONG_PTR DamageVa;

static PMMPFN Page(ULONG Number)
{
    MMPTE Pte = MiReadPte(MiGetPteAddress(DamageVa + Number * PAGE_SIZE));

    return MI_PFN(Pte.Hard.PageFrameNumber);
}

static void DamageLostSlot(void)
{
    RtlSetBits(&MmPagingFile[0]->Bitmap, 100, 1);
    MmPagingFile[0]->FreeSpace--;
    MmPagingFile[0]->CurrentUsage++;
}

static void DamageSharedSlot(void)
{
    Page(1)->OriginalPte = Page(2)->OriginalPte;
}

static void DamageFreedSlot(void)
{
    RtlClearBits(&MmPagingFile[0]->Bitmap, MiPteSlot(Page(0)->OriginalPte), 1);
    MmPagingFile[0]->FreeSpace++;
    MmPagingFile[0]->CurrentUsage--;
}

static void DamageFree(void)
{
    MmPagingFile[0]->FreeSpace++;
}

static void DamageBad(void)
{
    MmPagingFile[0]->BadSpace++;
}

static void DamageSlotZero(void)
{
    RtlClearBits(&MmPagingFile[0]->Bitmap, 0, 1);
}

static void DamageFile(void)
{
    Page(1)->OriginalPte = MiMakePagefilePte(9, 1, MM_READWRITE);
}

static void Verify(PVOID Damage)
{
    ((void (*)(void))Damage)();
    MiVerifyPagingFiles();
}

TEST(Verify_takes_no_reserved_mapping_for_a_slot)
{
    PVOID Reserved;

    MmWorldNextUnforced();
    PagingWorldStartWith(1, 1, 1);
    Reserved = MmAllocateMappingAddress(PAGE_SIZE, 0x64636261); /* its header reads as slot 1 */
    CHECK(Reserved != NULL);
    MiVerifyPagingFiles();
    MmFreeMappingAddress(Reserved, 0x64636261);
    PagingWorldFinish();
}

TEST(Verify_finds_each_kind_of_damage_to_slots)
{
    static void (*const Damages[])(void) = {DamageLostSlot, DamageSharedSlot, DamageFreedSlot,
                                            DamageFree,     DamageBad,        DamageSlotZero,
                                            DamageFile};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Damages); i++) {
        DamageVa = Start();
        HostExpectBugCheck(MEMORY_MANAGEMENT, Verify, (PVOID)(ULONG_PTR)Damages[i]);
        MiForgetPagingFiles();
        HostMachineDelete();
        HostDiskDelete(&IoDisk);
    }
}
