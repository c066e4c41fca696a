/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/image_segment.c: the segment of an image, and views at its preferred base.
 */
#include "fsrtl.h"
#include "mm/inspect/page_out.h"
#include "mm/ob/object.h"
#include "mm/paging/in_page.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/clone_table.h"
#include "mm/space/prototype_pte.h"
#include "mm/space/virtual_free.h"
#include "tests/unit/image_world.h"

#include <string.h>

#define BASE ((PUCHAR)SEED_IMAGE_BASE)

static UCHAR Contents[SEED_IMAGE_PAGES * PAGE_SIZE];

TEST(ImageSegment_is_the_image_by_its_parts)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK_EQUAL(SEED_IMAGE_PAGES, Section->Segment->TotalNumberOfPtes);
    CHECK_EQUAL(SEED_IMAGE_PAGES * PAGE_SIZE, Section->SizeOfSection);
    CHECK_EQUAL(1 + SEED_IMAGE_COUNT, Section->Segment->ControlArea->NumberOfSubsections);
    View = ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK(View == BASE);
    ImageWorldContents(0, Contents);
    CHECK(ImageWorldHolds(View, Contents));
    MiVerifyAll();
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

static PDRIVER_DISPATCH Dispatch;
static PERESOURCE Resource;
static ULONG Reads;
static ULONG Held;

static NTSTATUS NTAPI LookAtResource(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Reads++;
    Held += ExIsResourceAcquiredExclusiveLite(Resource);
    return Dispatch(DeviceObject, Irp);
}

TEST(ImageSegment_is_made_while_the_files_size_stays)
{
    PDRIVER_OBJECT Driver;
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    File = ImageWorldFile();
    Driver = IoGetRelatedDeviceObject(NtWorldFile(File))->DriverObject;
    Resource = ((PFSRTL_COMMON_FCB_HEADER)NtWorldFile(File)->FsContext)->Resource;
    Dispatch = Driver->MajorFunction[IRP_MJ_READ];
    Reads = Held = 0;
    Driver->MajorFunction[IRP_MJ_READ] = LookAtResource;
    Section = ImageWorldOpen(File);
    Driver->MajorFunction[IRP_MJ_READ] = Dispatch;
    CHECK(Reads != 0);
    CHECK_EQUAL(Reads, Held);
    CHECK(!ExIsResourceAcquiredExclusiveLite(Resource));
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_is_not_mapped_with_MEM_RESERVE)
{
    SIZE_T Bytes = 0;
    PVOID Base = NULL;
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_9,
                MmMapViewOfSection(Section, PsGetCurrentProcess(), &Base, 0, 0, NULL, &Bytes,
                                   ViewShare, MEM_RESERVE, PAGE_READWRITE));
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

/* ---- the segment and its file ---- */

TEST(ImageSegment_is_one_for_a_file_and_is_found_again)
{
    HANDLE File;
    PSECTION First;
    PSECTION Second;
    PCONTROL_AREA Area;

    ImageWorldStart();
    SeedImage(ImageFile);
    ((IMAGE_SECTION_HEADER *)(void *)(ImageFile + SEED_IMAGE_SECTION(SEED_IMAGE_SHARED)))
        ->Characteristics &= ~IMAGE_SCN_MEM_SHARED;
    File = ImageWorldFile();
    First = ImageWorldOpen(File);
    Second = ImageWorldOpen(File);
    Area = First->Segment->ControlArea;
    CHECK(Second->Segment == First->Segment);
    CHECK(NtWorldFile(File)->SectionObjectPointer->ImageSectionObject == Area);
    CHECK(NtWorldFile(File)->SectionObjectPointer->DataSectionObject == NULL);
    (void)ImageWorldMap(First, NULL, STATUS_SUCCESS);
    (void)FileSectionRead(BASE);
    CHECK(Area->NumberOfPfnReferences != 0);
    FileSectionUnmap(BASE);
    ObDereferenceObject(First);
    ObDereferenceObject(Second);
    MiVerifyAll();
    First = ImageWorldOpen(File); /* its pages kept it */
    CHECK(First->Segment->ControlArea == Area);
    ObDereferenceObject(First);
    (void)MiReuseStandbyFrames();
    MiDeleteUnusedSegments();
    CHECK(NtWorldFile(File)->SectionObjectPointer->ImageSectionObject == NULL);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_keeps_its_file_from_being_written_to_and_deleted)
{
    HANDLE File;
    HANDLE Other = NULL;
    PSECTION Section;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    ObDereferenceObject(Section);
    CHECK_EQUAL(STATUS_SHARING_VIOLATION,
                NtWorldTryOpen(IMAGE_WORLD_PATH, FILE_GENERIC_WRITE, FILE_OPEN, 0, &Other));
    Other = NtWorldOpen(IMAGE_WORLD_PATH, DELETE, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_CANNOT_DELETE, NtWorldDispose(Other, TRUE));
    NtWorldClose(Other);
    (void)FileSectionRead(BASE + 0x1000);
    FileSectionUnmap(BASE);
    MiVerifyAll();
    Other = NtWorldOpen(IMAGE_WORLD_PATH, FILE_GENERIC_WRITE, FILE_OPEN, 0);
    CHECK(NtWorldFile(File)->SectionObjectPointer->ImageSectionObject == NULL);
    NtWorldClose(Other);
    NtWorldClose(File);
    ImageFile[0x404]++;
    File = ImageWorldFile(); /* written anew: the next section has what is new */
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK_EQUAL(ImageFile[0x404], FileSectionRead(BASE + 0x1004));
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_that_has_its_files_last_reference_goes_when_somebody_opens_to_write)
{
    IMAGE_SECTION_HEADER *Shared =
        (IMAGE_SECTION_HEADER *)(void *)(ImageFile + SEED_IMAGE_SECTION(SEED_IMAGE_SHARED));
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    Shared->Characteristics &= ~IMAGE_SCN_MEM_SHARED; /* else nothing is kept */
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    (void)FileSectionRead(BASE + 0x1000);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    CHECK_EQUAL(1, NtWorldFiles());
    File = NtWorldOpen(IMAGE_WORLD_PATH, FILE_GENERIC_WRITE, FILE_OPEN, 0);
    CHECK(NtWorldFile(File)->SectionObjectPointer->ImageSectionObject == NULL);
    ObpDeleteDeferred(); /* under the file system's locks it is not closed at once */
    CHECK_EQUAL(1, NtWorldFiles());
    NtWorldClose(File);
    CHECK_EQUAL(0, NtWorldFiles());
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    File = NtWorldOpen(IMAGE_WORLD_PATH, DELETE, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldDispose(File, TRUE));
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_FlushImageSection_says_who_is_in_the_way)
{
    HANDLE File;
    PSECTION Section;
    PSECTION Data = NULL;
    LARGE_INTEGER Size = {.QuadPart = 0x800};
    PSECTION_OBJECT_POINTERS Pointers;

    ImageWorldStart();
    File = ImageWorldFile();
    Pointers = NtWorldFile(File)->SectionObjectPointer;
    CHECK(MmFlushImageSection(Pointers, MmFlushForWrite));
    Section = ImageWorldOpen(File);
    CHECK(!MmFlushImageSection(Pointers, MmFlushForWrite));
    CHECK(!MmFlushImageSection(Pointers, MmFlushForDelete));
    CHECK(!MmCanFileBeTruncated(Pointers, &Size));
    CHECK(!MmForceSectionClosed(Pointers, TRUE));
    CHECK(Pointers->ImageSectionObject == Section->Segment->ControlArea);
    ObDereferenceObject(Section);
    CHECK(MmCanFileBeTruncated(Pointers, &Size));
    CHECK_EQUAL(STATUS_SUCCESS, FileSectionTryOpen(File, 0, PAGE_READONLY, &Data));
    CHECK(MmFlushImageSection(Pointers, MmFlushForWrite));
    CHECK(!MmFlushImageSection(Pointers, MmFlushForDelete));
    ObDereferenceObject(Data);
    CHECK(MmFlushImageSection(Pointers, MmFlushForDelete));
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_has_what_was_written_by_a_view_of_the_data)
{
    HANDLE File;
    HANDLE Writer;
    PSECTION Data;
    PSECTION Section;
    PUCHAR View;

    ImageWorldStart();
    File = ImageWorldFile();
    Writer = NtWorldOpen(IMAGE_WORLD_PATH, FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_OPEN, 0);
    Data = FileSectionOpen(Writer, 0, PAGE_READWRITE);
    View = FileSectionMap(Data, PAGE_READWRITE);
    FileSectionWrite(View + 0x404, 0x77);
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK_EQUAL(0x77, FileSectionRead(BASE + 0x1004));
    MiVerifyAll();
    FileSectionUnmap(BASE);
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    ObDereferenceObject(Data);
    NtWorldClose(Writer);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_is_described_by_NtQuerySection)
{
    SECTION_IMAGE_INFORMATION Found;
    SECTION_BASIC_INFORMATION Basic;
    HANDLE Section = NULL;
    PVOID Base = NULL;
    SIZE_T Bytes = 0;
    HANDLE File;
    LARGE_INTEGER Size = {.QuadPart = 0x100000};

    ImageWorldStart();
    File = ImageWorldFile();
    CHECK_EQUAL(STATUS_SUCCESS, NtCreateSection(&Section, SECTION_ALL_ACCESS, NULL, NULL,
                                                PAGE_EXECUTE, SEC_IMAGE, File));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQuerySection(Section, SectionImageInformation, &Found, sizeof(Found), &Bytes));
    CHECK_EQUAL(sizeof(Found), Bytes);
    CHECK(Found.TransferAddress == BASE + 0x1010);
    CHECK_EQUAL(0x200000, Found.MaximumStackSize);
    CHECK_EQUAL(0x1000, Found.CommittedStackSize);
    CHECK_EQUAL(IMAGE_SUBSYSTEM_WINDOWS_CUI, Found.SubSystemType);
    CHECK_EQUAL(5, Found.SubSystemMajorVersion);
    CHECK_EQUAL(IMAGE_FILE_MACHINE_I386, Found.Machine);
    CHECK_EQUAL(TRUE, Found.ImageContainsCode);
    CHECK_EQUAL(SEED_IMAGE_BYTES, Found.ImageFileSize);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQuerySection(Section, SectionBasicInformation, &Basic, sizeof(Basic), NULL));
    CHECK_EQUAL(SEC_IMAGE | SEC_FILE, Basic.AllocationAttributes);
    CHECK_EQUAL(SEED_IMAGE_PAGES * PAGE_SIZE, Basic.MaximumSize.QuadPart);
    CHECK_EQUAL(STATUS_SECTION_NOT_EXTENDED, NtExtendSection(Section, &Size));
    Bytes = 0;
    CHECK_EQUAL(STATUS_SUCCESS, NtMapViewOfSection(Section, NtCurrentProcess(), &Base, 0, 0, NULL,
                                                   &Bytes, ViewShare, 0, PAGE_EXECUTE_READ));
    Bytes = 0;
    CHECK_EQUAL(STATUS_NOT_MAPPED_DATA,
                NtFlushVirtualMemory(NtCurrentProcess(), &Base, &Bytes, &Iosb));
    CHECK_EQUAL(STATUS_SUCCESS, NtUnmapViewOfSection(NtCurrentProcess(), Base));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Section));
    NtWorldClose(File);
    ImageWorldFinish();
}

/* ---- the end ---- */

/* Unmap a view, but do not delete what nobody uses any more. */
static void ReleaseView(PUCHAR View)
{
    PEPROCESS Process = PsGetCurrentProcess();

    MiLockAddressSpace(Process);
    MiReleaseVad(Process, MiFindVad(Process, (ULONG)((ULONG_PTR)View >> PAGE_SHIFT)));
    MiUnlockAddressSpace(Process);
}

TEST(ImageSegment_that_waits_for_its_end_may_lose_its_frames)
{
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    ImageWorldContents(0, Contents);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK(ImageWorldHolds(BASE, Contents));
    ObDereferenceObject(Section);
    ReleaseView(BASE);
    CHECK(NtWorldFile(File)->SectionObjectPointer->ImageSectionObject == NULL);
    (void)MiReuseStandbyFrames();
    MiDeleteUnusedSegments();
    MiVerifyAll();
    NtWorldClose(File);
    ImageWorldFinish();
}

static PSECTION Mapped;
static ULONG FilesMeanwhile;

/* What a fault does that finds its page in the file; the disk is not asked at once. */
static void Reader(PVOID Context)
{
    PMMPTE Proto = Mapped->Segment->PrototypePte + 1;
    LARGE_INTEGER Delay = {.QuadPart = -100000};
    PFN_NUMBER Frame = MI_NO_FRAME;
    PMI_IN_PAGE Block;
    KIRQL OldIrql;

    (void)Context;
    MiPinPrototype(Proto);
    ExAcquireFastMutex(&MiCloneReadMutex);
    CHECK_EQUAL(STATUS_SUCCESS, MiBeginInPage(Proto, 1, &Block));
    ExReleaseFastMutex(&MiCloneReadMutex);
    MiUnpinPrototype(Proto);
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    FilesMeanwhile = NtWorldFiles();
    CHECK_EQUAL(STATUS_SUCCESS, MiFinishInPage(Block, &Frame));
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
}

static void Unmapper(PVOID Process)
{
    KAPC_STATE Home;

    KeStackAttachProcess(Process, &Home);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Mapped);
    KeUnstackDetachProcess(&Home);
}

TEST(ImageSegment_waits_for_a_read_whose_view_is_gone)
{
    HANDLE File;

    ImageWorldStart();
    File = ImageWorldFile();
    Mapped = ImageWorldOpen(File);
    (void)ImageWorldMap(Mapped, NULL, STATUS_SUCCESS);
    NtWorldClose(File);
    HostThreadCreate(Reader, NULL);
    HostThreadCreate(Unmapper, &PsGetCurrentProcess()->Pcb);
    HostRunThreads();
    CHECK_EQUAL(1, FilesMeanwhile); /* which the read went by */
    CHECK_EQUAL(0, NtWorldFiles());
    MiVerifyAll();
    ImageWorldFinish();
}

/* ---- what is refused ---- */

static NTSTATUS Refusal(void)
{
    HANDLE File = ImageWorldFile();
    PSECTION Section;
    NTSTATUS Status = ImageWorldTryOpen(File, &Section);

    CHECK(!NT_SUCCESS(Status));
    CHECK(NtWorldFile(File)->SectionObjectPointer->ImageSectionObject == NULL);
    NtWorldClose(File);
    MiVerifyAll();
    return Status;
}

TEST(ImageSegment_refuses_what_is_no_image_of_ours)
{
    IMAGE_NT_HEADERS32 *Nt = (IMAGE_NT_HEADERS32 *)(void *)(ImageFile + SEED_IMAGE_NT);

    ImageWorldStart();
    ImageFile[0] = 'X';
    CHECK_EQUAL(STATUS_INVALID_IMAGE_NOT_MZ, Refusal());
    ImageFile[0] = 'M';
    Nt->Signature = IMAGE_OS2_SIGNATURE;
    CHECK_EQUAL(STATUS_INVALID_IMAGE_WIN_16, (ImageFile[SEED_IMAGE_NT + 0x36] = 2, Refusal()));
    SeedImage(ImageFile);
    Nt->OptionalHeader.Magic = IMAGE_NT_OPTIONAL_HDR64_MAGIC;
    CHECK_EQUAL(STATUS_INVALID_IMAGE_WIN_64, Refusal());
    SeedImage(ImageFile);
    Nt->OptionalHeader.SizeOfImage = 0;
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Refusal());
    SeedImage(ImageFile);
    ImageFileBytes = 0x1000; /* the last section's data is not there */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Refusal());
    ImageFileBytes = 0;
    CHECK_EQUAL(STATUS_INVALID_FILE_FOR_SECTION, Refusal());
    ImageWorldFinish();
}

TEST(ImageSegment_refuses_a_section_larger_than_the_image)
{
    LARGE_INTEGER Size = {.QuadPart = SEED_IMAGE_PAGES * PAGE_SIZE + 1};
    PVOID Section = NULL;
    HANDLE File;

    ImageWorldStart();
    File = ImageWorldFile();
    CHECK_EQUAL(STATUS_SECTION_TOO_BIG, MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size,
                                                        PAGE_EXECUTE, SEC_IMAGE, File, NULL));
    Size.QuadPart--;
    CHECK_EQUAL(STATUS_SUCCESS, MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size,
                                                PAGE_EXECUTE, SEC_IMAGE, File, NULL));
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_another_machines_image_is_mapped_and_says_so)
{
    IMAGE_NT_HEADERS32 *Nt = (IMAGE_NT_HEADERS32 *)(void *)(ImageFile + SEED_IMAGE_NT);
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    Nt->FileHeader.Machine = IMAGE_FILE_MACHINE_ARM;
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK(ImageWorldMap(Section, NULL, STATUS_IMAGE_MACHINE_TYPE_MISMATCH) == BASE);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_of_small_alignment_is_the_file_as_it_is)
{
    IMAGE_NT_HEADERS32 *Nt = (IMAGE_NT_HEADERS32 *)(void *)(ImageFile + SEED_IMAGE_NT);
    HANDLE File;
    PSECTION Section;
    ULONG i;

    ImageWorldStart();
    Nt->FileHeader.NumberOfSections = 1;
    Nt->OptionalHeader.SectionAlignment = 0x20;
    Nt->OptionalHeader.FileAlignment = 0x20;
    Nt->OptionalHeader.SizeOfImage = 0x900;
    Nt->OptionalHeader.AddressOfEntryPoint = 0x410;
    memset(Nt->OptionalHeader.DataDirectory, 0, sizeof(Nt->OptionalHeader.DataDirectory));
    *(IMAGE_SECTION_HEADER *)(void *)(ImageFile + SEED_IMAGE_SECTION(0)) =
        (IMAGE_SECTION_HEADER){.Misc = {.VirtualSize = 0x500},
                               .VirtualAddress = 0x400,
                               .SizeOfRawData = 0x500,
                               .PointerToRawData = 0x400,
                               .Characteristics = IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE};
    ImageFileBytes = 0x900;
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK_EQUAL(1, Section->Segment->ControlArea->NumberOfSubsections);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    ImageWorldCheckRegion(0, 1, MEM_COMMIT, PAGE_EXECUTE_WRITECOPY);
    for (i = 0; i < PAGE_SIZE; i += 0x10) {
        CHECK_EQUAL(i < 0x900 ? ImageFile[i] : 0, FileSectionRead(BASE + i));
    }
    FileSectionWrite(BASE + 0x500, 1);
    MiVerifyAll();
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageSegment_needs_no_more_than_the_right_to_execute)
{
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    NtWorldClose(ImageWorldFile());
    IoWorldRemount(); /* the file was never open */
    File = NtWorldOpen(IMAGE_WORLD_PATH, FILE_EXECUTE, FILE_OPEN, 0);
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    ImageWorldContents(0, Contents);
    CHECK(ImageWorldHolds(BASE, Contents));
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}
