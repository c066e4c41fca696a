/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_section.c - disk/fat/fsd_section.c: what the memory manager forbids is not done, and
 * what it has to know it is told, in time.
 */
#include "disk/fat/fsd_i.h"
#include "tests/unit/io_world.h"

#include <stdio.h>
#include <string.h>

#define BYTES 10000u

/* The memory manager's part: it says no to what has a 0 here, and remembers what it was asked. */
static BOOLEAN MayFlush;
static BOOLEAN MayTruncate;
static BOOLEAN MayPurge;
static NTSTATUS FlushStatus;
static char Asked[128];
static PFILE_OBJECT File;

static void Note(const char *Text)
{
    CHECK(strlen(Asked) + strlen(Text) < sizeof(Asked));
    strcat(Asked, Text);
}

static BOOLEAN NTAPI FlushImage(PSECTION_OBJECT_POINTERS Section, MMFLUSH_TYPE Type)
{
    CHECK(File == NULL || Section == File->SectionObjectPointer);
    Note(Type == MmFlushForDelete ? "D" : "W");
    return MayFlush;
}

static BOOLEAN NTAPI CanTruncate(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Size)
{
    char Text[16];

    CHECK(Section == File->SectionObjectPointer);
    CHECK(ExIsResourceAcquiredExclusiveLite(((PFAT_FCB)File->FsContext)->Header.Resource));
    snprintf(Text, sizeof(Text), "T%u", (unsigned)Size->LowPart);
    Note(Text);
    return MayTruncate;
}

static void NTAPI Flush(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Offset, ULONG Length,
                        PIO_STATUS_BLOCK Iosb)
{
    PFAT_FCB Fcb = File->FsContext;
    char Text[32];

    CHECK(Section == File->SectionObjectPointer);
    CHECK(Fcb->Vcb->Mutex.Owner == NULL); /* pages of it can be written, and anything else */
    CHECK(ExIsResourceAcquiredSharedLite(Fcb->Header.Resource));
    CHECK(!ExIsResourceAcquiredExclusiveLite(Fcb->Header.PagingIoResource));
    if (Offset == NULL) {
        strcpy(Text, "F");
    } else {
        snprintf(Text, sizeof(Text), "F%u+%u", (unsigned)Offset->LowPart, (unsigned)Length);
    }
    Note(Text);
    Iosb->Status = FlushStatus;
}

static BOOLEAN NTAPI Purge(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Offset, ULONG Length,
                           BOOLEAN Uninitialize)
{
    PFAT_FCB Fcb = File->FsContext;
    char Text[32];

    CHECK(Section == File->SectionObjectPointer && !Uninitialize);
    CHECK(ExIsResourceAcquiredExclusiveLite(Fcb->Header.Resource));
    snprintf(Text, sizeof(Text), "P%u+%u", (unsigned)Offset->LowPart, (unsigned)Length);
    Note(Text);
    return MayPurge;
}

static BOOLEAN NTAPI ForceClosed(PSECTION_OBJECT_POINTERS Section, BOOLEAN DelayClose)
{
    CHECK(Section == File->SectionObjectPointer && !DelayClose);
    Note("C");
    return TRUE;
}

static FAT_SECTION_CALLS Before;

static void Start(void)
{
    IoWorldStart(&IoWorldFat16, TestSeed());
    File = NULL;
    IoWorldPut("\\file", BYTES, 5);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    Before = FatSectionCalls;
    FatSectionCalls = (FAT_SECTION_CALLS){FlushImage, CanTruncate, Flush, Purge, ForceClosed};
    ((PFAT_FCB)File->FsContext)->Section.DataSectionObject = &File; /* there is a section */
    MayFlush = MayTruncate = MayPurge = TRUE;
    FlushStatus = STATUS_SUCCESS;
    Asked[0] = '\0';
}

static void Finish(void)
{
    ((PFAT_FCB)File->FsContext)->Section.DataSectionObject = NULL;
    FatSectionCalls = Before;
    IoCloseFile(File);
    IoWorldFinish();
}

static void CheckAsked(const char *Text)
{
    CHECK_TEXT(Text, Asked);
    Asked[0] = '\0';
}

static NTSTATUS Open(ACCESS_MASK Access, ULONG Disposition, ULONG Options)
{
    const IO_OPEN How = {
        .Path = "\\file",
        .DesiredAccess = Access,
        .Disposition = Disposition,
        .Options = Options,
        .ShareAccess = IO_SHARE_ALL,
        .FileAttributes = FILE_ATTRIBUTE_NORMAL,
    };
    PFILE_OBJECT Other;
    NTSTATUS Status = IoOpenFileEx(IoVolume, &How, &Other);

    if (NT_SUCCESS(Status)) {
        CHECK(Other->FsContext == File->FsContext);
        IoCloseFile(Other);
    }
    return Status;
}

TEST(FatFsd_file_with_a_mapped_image_is_not_opened_for_writing_or_deleted)
{
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};

    Start();
    MayFlush = FALSE;
    CHECK_EQUAL(STATUS_SUCCESS, Open(FILE_READ_DATA, FILE_OPEN, 0));
    CheckAsked("");
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, Open(FILE_WRITE_DATA, FILE_OPEN, 0));
    CheckAsked("W");
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, Open(FILE_APPEND_DATA, FILE_OPEN, 0));
    CheckAsked("W");
    CHECK_EQUAL(STATUS_CANNOT_DELETE, Open(DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE));
    CheckAsked("D");
    CHECK_EQUAL(STATUS_CANNOT_DELETE,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    CheckAsked("D");
    MayFlush = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, Open(FILE_WRITE_DATA, FILE_OPEN, 0));
    CheckAsked("W");
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    Delete.DeleteFile = FALSE;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    CheckAsked("D");
    Finish();
}

TEST(FatFsd_file_is_not_cut_below_a_view)
{
    FILE_ALLOCATION_INFORMATION Allocation = {.AllocationSize.QuadPart = 4096};
    ULONG64 Bytes;

    Start();
    MayTruncate = FALSE;
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE, IoSetFileSize(File, 5000));
    CheckAsked("T5000");
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE,
                IoSetInformation(File, FileAllocationInformation, sizeof(Allocation), &Allocation));
    CheckAsked("T4096");
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE, Open(FILE_READ_DATA, FILE_OVERWRITE, 0));
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE, Open(FILE_READ_DATA, FILE_SUPERSEDE, 0));
    CheckAsked("T0T0");
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Bytes));
    CHECK_EQUAL(BYTES, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, BYTES)); /* not shorter: nobody is asked */
    CheckAsked("");
    Finish();
}

TEST(FatFsd_pages_behind_the_new_end_are_forgotten)
{
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 5000));
    CheckAsked("T5000P8192+0");
    CHECK(!((PFAT_FCB)File->FsContext)->Behind);
    MayPurge = FALSE;
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 4999));
    CheckAsked("T4999P8192+0");
    CHECK(((PFAT_FCB)File->FsContext)->Behind); /* they are not; who grows the file has to know */
    Finish();
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, Open(FILE_READ_DATA, FILE_OVERWRITE, 0));
    CheckAsked("T0P0+0");
    Finish();
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 2 * BYTES)); /* longer */
    CheckAsked("");
    Finish();
}

TEST(FatFsd_bytes_are_read_and_written_behind_what_sections_changed)
{
    ULONG Done;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 100, IoBuffer, 50, &Done));
    CheckAsked("F0+4096");
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(File, 4000, IoBuffer, 200)); /* whole pages */
    CheckAsked("F0+8192P0+8192");
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    CheckAsked("F");
    FlushStatus = STATUS_IO_DEVICE_ERROR; /* what they changed cannot be written */
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, IoReadFile(File, 100, IoBuffer, 50, &Done));
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, IoWriteFile(File, 4000, IoBuffer, 200));
    CheckAsked("F0+4096F0+8192");
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, IoFlushFile(File));
    CheckAsked("F");
    Finish();
}

TEST(FatFsd_bytes_are_not_written_past_pages_that_somebody_has_mapped)
{
    UCHAR Contents[4];
    ULONG Done;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 100, IoBuffer, 4, &Done));
    memcpy(Contents, IoBuffer, 4);
    MayPurge = FALSE;
    memset(IoBuffer, 0xAA, 4);
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE, IoWriteFile(File, 100, IoBuffer, 4));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 100, IoBuffer, 4, &Done));
    CHECK(memcmp(Contents, IoBuffer, 4) == 0);
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE, IoWriteFile(File, BYTES, IoBuffer, 4));
    CHECK_EQUAL(BYTES, ((PFAT_FCB)File->FsContext)->Header.FileSize.LowPart);
    Finish();
}
