/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/space/moved_page.c: a page of a moved image becomes the process' own.
 */
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/space/user_page.h"
#include "tests/unit/image_world.h"

#define BASE      ((PUCHAR)SEED_IMAGE_BASE)
#define ELSEWHERE ((PUCHAR)0x12340000u)

static NTSTATUS Insert(const UCHAR *Va)
{
    PEPROCESS Process = PsGetCurrentProcess();
    PMMVAD Vad = MiFindVad(Process, (ULONG)((ULONG_PTR)Va >> PAGE_SHIFT));
    PMMPTE Proto = MiViewPrototype(Vad, (ULONG_PTR)Va);
    PFN_NUMBER Frame;
    NTSTATUS Status;

    MiPinPrototype(Proto);
    MiLockAddressSpace(Process);
    CHECK(MiIsMovedPage(Vad, (ULONG_PTR)Va));
    CHECK_EQUAL(STATUS_SUCCESS, MiMakePageTable(Process, (ULONG_PTR)Va));
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame));
    Status =
        MiInsertMovedPage(Process, Vad, MiGetPteAddress((ULONG_PTR)Va), Proto, MM_READONLY, Frame);
    if (!NT_SUCCESS(Status)) {
        MiFreeFrame(Frame);
    }
    MiDeleteEmptyPageTables(Process, (ULONG_PTR)Va, (ULONG_PTR)Va);
    MiUnlockAddressSpace(Process);
    MiUnpinPrototype(Proto);
    return Status;
}

TEST(MovedPage_needs_the_images_page)
{
    PFN_NUMBER Mine;
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    CHECK_EQUAL(STATUS_RETRY, Insert(ELSEWHERE + 0x1000)); /* nobody has read it */
    MiVerifyAll();
    (void)FileSectionRead(BASE + 0x1000);
    CHECK_EQUAL(STATUS_SUCCESS, Insert(ELSEWHERE + 0x1000));
    Mine = ImageWorldFrame(ELSEWHERE + 0x1000);
    CHECK(Mine != MI_NO_FRAME && Mine != ImageWorldFrame(BASE + 0x1000));
    CHECK(MI_PFN(Mine)->u3.e1.Modified && !MI_PFN(Mine)->u3.e1.PrototypePte);
    CHECK_EQUAL(MM_READONLY, MiSoftwareProtection(MI_PFN(Mine)->OriginalPte));
    CHECK_EQUAL(1, MI_PFN(ImageWorldFrame(BASE + 0x1000))->u3.e2.ReferenceCount);
    MiVerifyAll();
    FileSectionTrim(); /* from a page in transition, too */
    FileSectionUnmap(ELSEWHERE);
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    CHECK_EQUAL(STATUS_SUCCESS, Insert(ELSEWHERE + 0x1000));
    MiVerifyAll();
    FileSectionUnmap(ELSEWHERE);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(MovedPage_of_zeroes_needs_none)
{
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    CHECK_EQUAL(STATUS_SUCCESS, Insert(ELSEWHERE + 0x4000));
    CHECK_EQUAL(0, Section->Segment->ControlArea->NumberOfPfnReferences);
    CHECK_EQUAL(0, FileSectionRead(ELSEWHERE + 0x4004));
    CHECK_EQUAL((UCHAR)((ULONG)(ELSEWHERE - BASE)), FileSectionRead(ELSEWHERE + 0x4FFF));
    MiVerifyAll();
    FileSectionUnmap(ELSEWHERE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}
