/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_information.c - information, names, directories and volumes through requests.
 */
#include "disk/fat/fsd_i.h"
#include "tests/unit/io_world.h"

#include <string.h>

static PFILE_OBJECT File;

static void Start(void)
{
    IoWorldStart(&IoWorldFat16, 0);
    IoWorldPut("\\File with a name", 3000, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\File with a name", FILE_OPEN, 0, &File));
}

static void Finish(void)
{
    IoCloseFile(File);
    IoWorldFinish();
}

static NTSTATUS MakeDirectory(PCSTR Path)
{
    PFILE_OBJECT Directory;
    NTSTATUS Status = IoWorldOpen(Path, FILE_CREATE, FILE_DIRECTORY_FILE, &Directory);

    if (NT_SUCCESS(Status)) {
        IoCloseFile(Directory);
    }
    return Status;
}

static NTSTATUS Query(FILE_INFORMATION_CLASS Class, PVOID Buffer, ULONG Length, PULONG Returned)
{
    return IoQueryFileInformation(File, Class, Length, Buffer, Returned);
}

/* ---- files ---- */

TEST(FatFsd_standard_and_network_information_agree)
{
    FILE_NETWORK_OPEN_INFORMATION Network;
    FILE_STANDARD_INFORMATION Standard;
    ULONG Returned = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                Query(FileStandardInformation, &Standard, sizeof(Standard), &Returned));
    CHECK_EQUAL(sizeof(Standard), Returned);
    CHECK_EQUAL(3000, Standard.EndOfFile.QuadPart);
    CHECK_EQUAL(3072, Standard.AllocationSize.QuadPart);
    CHECK(Standard.NumberOfLinks == 1 && !Standard.Directory && !Standard.DeletePending);
    CHECK_EQUAL(STATUS_SUCCESS,
                Query(FileNetworkOpenInformation, &Network, sizeof(Network), &Returned));
    CHECK_EQUAL(3000, Network.EndOfFile.QuadPart);
    CHECK_EQUAL(3072, Network.AllocationSize.QuadPart);
    CHECK_EQUAL(FILE_ATTRIBUTE_ARCHIVE, Network.FileAttributes);
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                Query(FileStandardInformation, &Standard, sizeof(Standard) - 1, &Returned));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                Query(FileRenameInformation, &Standard, sizeof(Standard), &Returned));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                IoSetInformation(File, FileStandardInformation, sizeof(Standard), &Standard));
    Finish();
}

TEST(FatFsd_basic_information_is_kept_as_far_as_FAT_can)
{
    TIME_FIELDS Fields = {2003, 4, 24, 13, 37, 43, 250, 0};
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = FILE_ATTRIBUTE_HIDDEN};
    LARGE_INTEGER Time;
    ULONG Returned;

    Start();
    CHECK(RtlTimeFieldsToTime(&Fields, &Time));
    Basic.CreationTime = Basic.LastAccessTime = Basic.LastWriteTime = Time;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileBasicInformation, sizeof(Basic), &Basic));
    IoCloseFile(File);
    IoWorldRemount();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\File with a name", FILE_OPEN, 0, &File));
    memset(&Basic, 0, sizeof(Basic));
    CHECK_EQUAL(STATUS_SUCCESS, Query(FileBasicInformation, &Basic, sizeof(Basic), &Returned));
    CHECK_EQUAL(FILE_ATTRIBUTE_HIDDEN, Basic.FileAttributes);
    CHECK_EQUAL(Time.QuadPart, Basic.CreationTime.QuadPart);             /* 10 ms */
    CHECK_EQUAL(Time.QuadPart - 12500000, Basic.LastWriteTime.QuadPart); /* 2 s */
    Fields = (TIME_FIELDS){2003, 4, 24, 0, 0, 0, 0, 0};
    CHECK(RtlTimeFieldsToTime(&Fields, &Time));
    CHECK_EQUAL(Time.QuadPart, Basic.LastAccessTime.QuadPart); /* a day */
    memset(&Basic, 0, sizeof(Basic));                          /* 0 changes nothing */
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileBasicInformation, sizeof(Basic), &Basic));
    CHECK_EQUAL(STATUS_SUCCESS, Query(FileBasicInformation, &Basic, sizeof(Basic), &Returned));
    CHECK_EQUAL(FILE_ATTRIBUTE_HIDDEN, Basic.FileAttributes);
    CHECK_EQUAL(Time.QuadPart, Basic.LastAccessTime.QuadPart);
    Basic.LastWriteTime.QuadPart = 1; /* 1601: FAT has no such year */
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                IoSetInformation(File, FileBasicInformation, sizeof(Basic), &Basic));
    Finish();
}

TEST(FatFsd_time_conversions_are_each_others_inverse)
{
    USHORT Date;
    USHORT Time;
    USHORT BackDate = 0;
    USHORT BackTime = 0;
    UCHAR Hundredths = 0;

    for (Date = 0x21; Date < 0xFF00; Date = (USHORT)(Date + 0x21)) {
        Time = (USHORT)((Date % 24) << 11 | (Date % 60) << 5 | Date % 30);
        if ((Date & 31) == 0 || (Date & 31) > 28 || (Date >> 5 & 15) == 0 ||
            (Date >> 5 & 15) > 12) {
            continue;
        }
        CHECK(FatDosTimeOf(FatTimeOf(Date, Time, 199), &BackDate, &BackTime, &Hundredths));
        CHECK(BackDate == Date && BackTime == Time && Hundredths == 199);
    }
    CHECK_EQUAL(0, FatTimeOf(0, 0, 0).QuadPart);         /* month 0 */
    CHECK_EQUAL(0, FatTimeOf(0x21, 0xFFFF, 0).QuadPart); /* hour 31 */
    CHECK_EQUAL(0, FatTimeOf(0x21, 0, 200).QuadPart);
    CHECK(!FatDosTimeOf((LARGE_INTEGER){.QuadPart = -1}, &BackDate, &BackTime, &Hundredths));
}

TEST(FatFsd_name_information_is_cut_to_the_buffer)
{
    static const WCHAR Name[] = u"\\File with a name";
    UCHAR Buffer[64] NT_ALIGNED(8);
    PFILE_NAME_INFORMATION Information = (PVOID)Buffer;
    ULONG Returned = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, Query(FileNameInformation, Buffer, sizeof(Buffer), &Returned));
    CHECK_EQUAL(34, Information->FileNameLength);
    CHECK_EQUAL(38, Returned);
    CHECK(memcmp(Information->FileName, Name, 34) == 0);
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW, Query(FileNameInformation, Buffer, 15, &Returned));
    CHECK_EQUAL(34, Information->FileNameLength);
    CHECK_EQUAL(14, Returned);
    Finish();
}

TEST(FatFsd_sizes_are_set_and_allocation_is_a_hint)
{
    FILE_ALLOCATION_INFORMATION Allocation = {.AllocationSize = {.QuadPart = 5000}};
    ULONG64 Bytes = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileAllocationInformation, sizeof(Allocation), &Allocation));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Bytes));
    CHECK_EQUAL(3000, Bytes);
    Allocation.AllocationSize.QuadPart = 1000;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileAllocationInformation, sizeof(Allocation), &Allocation));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Bytes));
    CHECK_EQUAL(1000, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 2000));
    CHECK(IoWorldHolds("\\File with a name", 1000, 1) == FALSE);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 1000));
    CHECK(IoWorldHolds("\\File with a name", 1000, 1));
    Allocation.AllocationSize.QuadPart = -1;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                IoSetInformation(File, FileAllocationInformation, sizeof(Allocation), &Allocation));
    Finish();
}

/* ---- names ---- */

TEST(FatFsd_renamed_file_stays_open_and_whole)
{
    ULONG Done = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\dir"));
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\dir\\new name", FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, 3000, &Done));
    CHECK_EQUAL(3000, Done);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 2000)); /* its entry is the new one */
    CHECK(!IoWorldHolds("\\File with a name", 3000, 1));
    CHECK(IoWorldHolds("\\dir\\new name", 2000, 1));
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\dir\\NEW NAME", FALSE)); /* its own case */
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "/again", FALSE));
    CHECK(IoWorldHolds("\\again", 2000, 1));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, IoRenameFile(File, "\\none\\x", FALSE));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, IoRenameFile(File, "\\a?", FALSE));
    Finish();
}

TEST(FatFsd_rename_that_failed_leaves_the_file_open)
{
    ULONG Moved = 0;
    BOOLEAN Failed;
    ULONG Nth = 0;

    do {
        NTSTATUS Status;

        Start();
        CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\dir"));
        IoDisk.FailAt[DiskWrite] = ++Nth;
        Status = IoRenameFile(File, "\\dir\\new name", FALSE);
        Failed = IoDisk.FailAt[DiskWrite] == 0;
        IoDisk.FailAt[DiskWrite] = 0;
        CHECK_EQUAL(Failed ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS, Status);
        IoWorldPut("\\other", 10, 9); /* may take the old entry's place */
        CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 2000));
        CHECK(IoWorldHolds("\\dir\\new name", 2000, 1) !=
              IoWorldHolds("\\File with a name", 2000, 1));
        Moved += Failed && IoWorldHolds("\\dir\\new name", 2000, 1);
        CHECK(IoWorldHolds("\\other", 10, 9));
        Finish();
    } while (Failed);
    CHECK(Moved != 0);
}

TEST(FatFsd_rename_replaces_only_when_asked_and_only_closed_files)
{
    PFILE_OBJECT Other;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\dir"));
    IoWorldPut("\\there", 10, 9);
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, IoRenameFile(File, "\\there", FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\there", FILE_OPEN, 0, &Other));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(File, "\\there", TRUE));
    IoCloseFile(Other);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(File, "\\dir", TRUE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, IoRenameFile(File, "\\", TRUE));
    CHECK(IoWorldHolds("\\there", 10, 9));
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\there", TRUE));
    CHECK(IoWorldHolds("\\there", 3000, 1));
    Finish();
}

/* => The root, of 128 entries, has no free one; R000 follows the file in its sector. */
static void FillRoot(void)
{
    char Name[] = "\\R000";
    ULONG Index;

    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\dir"));
    for (Index = 0; Index < 128; Index++) {
        PFILE_OBJECT Other;

        Name[2] = (char)('0' + Index / 100);
        Name[3] = (char)('0' + Index / 10 % 10);
        Name[4] = (char)('0' + Index % 10);
        if (!NT_SUCCESS(IoWorldOpen(Name, FILE_CREATE, 0, &Other))) {
            break;
        }
        IoCloseFile(Other);
    }
    CHECK(Index > 100 && Index < 128);
}

TEST(FatFsd_rename_without_room_replaces_nothing)
{
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\other"));
    IoWorldPut("\\other\\there", 10, 9);
    FillRoot();
    CHECK_EQUAL(STATUS_DISK_FULL, IoRenameFile(File, "\\other\\there", TRUE));
    CHECK(IoWorldHolds("\\other\\there", 10, 9));
    CHECK_EQUAL(STATUS_DISK_FULL, IoRenameFile(File, "\\R100", TRUE)); /* in another sector */
    CHECK(IoWorldHolds("\\R100", 0, 0));
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\R000", TRUE)); /* its entry is enough */
    CHECK(IoWorldHolds("\\R000", 3000, 1));
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\other\\there", TRUE)); /* two are free */
    CHECK(IoWorldHolds("\\other\\there", 3000, 1));
    Finish();
}

TEST(FatFsd_directory_does_not_replace_what_is_in_it)
{
    PFILE_OBJECT Directory;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\dir"));
    IoWorldPut("\\dir\\there", 10, 9);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\dir", FILE_OPEN, 0, &Directory));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(Directory, "\\dir\\there", TRUE));
    IoCloseFile(Directory);
    CHECK(IoWorldHolds("\\dir\\there", 10, 9));
    Finish();
}

TEST(FatFsd_directory_moves_only_when_nothing_below_it_is_open)
{
    PFILE_OBJECT Directory;
    PFILE_OBJECT Below;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\A long directory"));
    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\A long directory\\sub"));
    IoWorldPut("\\A long directory\\sub\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\A long directory", FILE_OPEN, 0, &Directory));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\ALONGD~1\\SUB\\F", FILE_OPEN, 0, &Below));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(Directory, "\\moved", FALSE));
    IoCloseFile(Below);
    CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(Directory, "\\moved", FALSE));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(Directory, "\\moved\\sub\\in", FALSE));
    IoCloseFile(Directory);
    CHECK(IoWorldHolds("\\moved\\sub\\f", 10, 1));
    Finish();
}

/* ---- directories ---- */

static NTSTATUS QueryDirectory(PFILE_OBJECT Directory, FILE_INFORMATION_CLASS Class, UCHAR Flags,
                               PUNICODE_STRING Pattern, ULONG Length, PULONG_PTR Returned)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(Directory);
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp->UserBuffer = IoBuffer;
    Irp->UserEvent = &Done;
    Irp->UserIosb = &Iosb;
    Next->MajorFunction = IRP_MJ_DIRECTORY_CONTROL;
    Next->MinorFunction = IRP_MN_QUERY_DIRECTORY;
    Next->Flags = Flags;
    Next->FileObject = Directory;
    Next->Parameters.QueryDirectory.Length = Length;
    Next->Parameters.QueryDirectory.FileInformationClass = Class;
    Next->Parameters.QueryDirectory.FileName = Pattern;
    memset(IoBuffer, 0xEE, 4096);
    (void)IoCallDriver(Device, Irp);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    *Returned = Iosb.Information;
    return Iosb.Status;
}

TEST(FatFsd_directory_entries_are_chained_and_aligned)
{
    PFILE_BOTH_DIR_INFORMATION Both = (PVOID)IoBuffer;
    PFILE_OBJECT Directory;
    ULONG_PTR Returned;

    Start();
    Both = (PVOID)IoBuffer;
    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\dir"));
    IoWorldPut("\\dir\\A long name", 100, 1);
    IoWorldPut("\\dir\\B.TXT", 200, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\dir", FILE_OPEN, 0, &Directory));
    CHECK_EQUAL(STATUS_SUCCESS,
                QueryDirectory(Directory, FileBothDirectoryInformation, 0, NULL, 4096, &Returned));
    CHECK(Both->FileNameLength == 2 && Both->FileName[0] == u'.');
    CHECK_EQUAL(0x60, Both->NextEntryOffset);
    Both = (PVOID)(IoBuffer + Both->NextEntryOffset);
    CHECK(Both->FileNameLength == 4 && Both->FileName[1] == u'.');
    Both = (PVOID)((PUCHAR)Both + Both->NextEntryOffset);
    CHECK_EQUAL(22, Both->FileNameLength);
    CHECK(memcmp(Both->FileName, u"A long name", 22) == 0);
    CHECK_EQUAL(16, Both->ShortNameLength);
    CHECK(memcmp(Both->ShortName, u"ALONGN~1", 16) == 0);
    CHECK_EQUAL(100, Both->EndOfFile.QuadPart);
    Both = (PVOID)((PUCHAR)Both + Both->NextEntryOffset);
    CHECK_EQUAL(10, Both->FileNameLength);
    CHECK_EQUAL(0, Both->ShortNameLength);
    CHECK_EQUAL(0, Both->NextEntryOffset);
    CHECK_EQUAL((ULONG_PTR)Both + 0x5E + 10 - (ULONG_PTR)IoBuffer, Returned);
    CHECK_EQUAL(STATUS_NO_MORE_FILES,
                QueryDirectory(Directory, FileBothDirectoryInformation, 0, NULL, 4096, &Returned));
    IoCloseFile(Directory);
    Finish();
}

TEST(FatFsd_directory_query_keeps_its_pattern_and_restarts)
{
    UNICODE_STRING Pattern = NT_CONSTANT_STRING(u"*.TXT");
    UNICODE_STRING Nothing = NT_CONSTANT_STRING(u"*.none");
    PFILE_NAMES_INFORMATION Names;
    PFILE_OBJECT Directory;
    ULONG_PTR Returned;
    ULONG Round;

    Start();
    Names = (PVOID)IoBuffer;
    IoWorldPut("\\one.txt", 1, 1);
    IoWorldPut("\\two.dat", 1, 1);
    IoWorldPut("\\three.TXT", 1, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\", FILE_OPEN, 0, &Directory));
    for (Round = 0; Round < 2; Round++) {
        UCHAR Restart = Round == 0 ? 0 : SL_RESTART_SCAN;

        CHECK_EQUAL(STATUS_SUCCESS, QueryDirectory(Directory, FileNamesInformation,
                                                   SL_RETURN_SINGLE_ENTRY | Restart,
                                                   Round == 0 ? &Pattern : NULL, 4096, &Returned));
        CHECK(Names->FileNameLength == 14 && memcmp(Names->FileName, u"one.txt", 14) == 0);
        CHECK_EQUAL(0x0C + 14, Returned);
        CHECK_EQUAL(STATUS_SUCCESS, QueryDirectory(Directory, FileNamesInformation,
                                                   SL_RETURN_SINGLE_ENTRY, NULL, 4096, &Returned));
        CHECK(memcmp(Names->FileName, u"three.TXT", 18) == 0);
        CHECK_EQUAL(STATUS_NO_MORE_FILES,
                    QueryDirectory(Directory, FileNamesInformation, 0, NULL, 4096, &Returned));
    }
    IoCloseFile(Directory);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\", FILE_OPEN, 0, &Directory));
    CHECK_EQUAL(STATUS_NO_SUCH_FILE,
                QueryDirectory(Directory, FileNamesInformation, 0, &Nothing, 4096, &Returned));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                QueryDirectory(Directory, FileBasicInformation, 0, NULL, 4096, &Returned));
    IoCloseFile(Directory);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                QueryDirectory(File, FileNamesInformation, 0, NULL, 4096, &Returned));
    Finish();
}

TEST(FatFsd_directory_query_gives_what_fits_and_the_rest_later)
{
    PFILE_NAMES_INFORMATION Names;
    PFILE_OBJECT Directory;
    ULONG_PTR Returned;

    Start();
    Names = (PVOID)IoBuffer;
    IoWorldPut("\\second.txt", 1, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\", FILE_OPEN, 0, &Directory));
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW,
                QueryDirectory(Directory, FileNamesInformation, 0, NULL, 20, &Returned));
    CHECK_EQUAL(32, Names->FileNameLength); /* its whole length, four units of it */
    CHECK_EQUAL(20, Returned);
    CHECK(memcmp(Names->FileName, u"File", 8) == 0);
    CHECK_EQUAL(STATUS_SUCCESS, QueryDirectory(Directory, FileNamesInformation, SL_RESTART_SCAN,
                                               NULL, 60, &Returned)); /* the second does not fit */
    CHECK_EQUAL(0, Names->NextEntryOffset);
    CHECK_EQUAL(STATUS_SUCCESS,
                QueryDirectory(Directory, FileNamesInformation, 0, NULL, 60, &Returned));
    CHECK(memcmp(Names->FileName, u"second.txt", 20) == 0);
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, QueryDirectory(Directory, FileNamesInformation,
                                                            SL_RESTART_SCAN, NULL, 8, &Returned));
    IoCloseFile(Directory);
    Finish();
}

TEST(FatFsd_enumeration_gives_utf8_names_without_dots)
{
    IO_DIRECTORY_ENTRY Entry;
    PFILE_OBJECT Directory;
    ULONG Round;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, MakeDirectory("\\dir"));
    IoWorldPut("\\dir\\na\xC3\xAFve \xF0\x9F\x92\xBE", 7, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\dir", FILE_OPEN, 0, &Directory));
    for (Round = 0; Round < 2; Round++) {
        CHECK_EQUAL(STATUS_SUCCESS, IoNextDirectoryEntry(Directory, Round != 0, &Entry));
        CHECK_TEXT("na\xC3\xAFve \xF0\x9F\x92\xBE", Entry.Name);
        CHECK_EQUAL(7, Entry.Bytes);
        CHECK_EQUAL(FILE_ATTRIBUTE_ARCHIVE, Entry.FileAttributes);
        CHECK_EQUAL(STATUS_NO_MORE_FILES, IoNextDirectoryEntry(Directory, FALSE, &Entry));
    }
    IoCloseFile(Directory);
    Finish();
}

TEST(FatFsd_patterns_match_as_a_whole)
{
    static const struct {
        const WCHAR *Pattern;
        const WCHAR *Name;
        BOOLEAN Matches;
    } Rows[] = {
        {u"*", u"", TRUE},        {u"", u"", TRUE},           {u"", u"a", FALSE},
        {u"?", u"", FALSE},       {u"a*", u"ABC", TRUE},      {u"*c", u"abcabc", TRUE},
        {u"*ab", u"aab", TRUE},   {u"*ab*", u"xxabxx", TRUE}, {u"a?c", u"abc", TRUE},
        {u"a?c", u"ac", FALSE},   {u"*.*", u"abc", FALSE},    {u"*.*", u"a.b", TRUE},
        {u"abc", u"abcd", FALSE}, {u"a*b*c", u"aXbYc", TRUE}, {u"a*b*c", u"aXcYb", FALSE},
        {u"<", u"a.b.c", TRUE},   {u"a>c", u"abc", TRUE},     {u"\xE9", u"\xC9", TRUE},
        {u"**", u"a", TRUE},      {u"*?*?", u"a", FALSE},
    };
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Rows); Index++) {
        UNICODE_STRING Pattern;
        UNICODE_STRING Name;

        RtlInitUnicodeString(&Pattern, Rows[Index].Pattern);
        RtlInitUnicodeString(&Name, Rows[Index].Name);
        if (FatMatchesPattern(Pattern.Buffer, Pattern.Length / 2u, Name.Buffer, Name.Length / 2u) !=
            Rows[Index].Matches) {
            TestFail(__FILE__, __LINE__, "row %u", (unsigned)Index);
        }
    }
}

/* ---- volumes ---- */

TEST(FatFsd_volume_information_is_the_volumes)
{
    UCHAR Buffer[64] NT_ALIGNED(8);
    PFILE_FS_ATTRIBUTE_INFORMATION Attribute = (PVOID)Buffer;
    FILE_FS_VOLUME_INFORMATION Volume;
    FILE_FS_DEVICE_INFORMATION Device;
    FILE_FS_SIZE_INFORMATION Size;
    ULONG Returned = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeInformation(File, FileFsSizeInformation, sizeof(Size),
                                                         &Size, &Returned));
    CHECK_EQUAL(8400, Size.TotalAllocationUnits.QuadPart);
    CHECK_EQUAL(8397, Size.AvailableAllocationUnits.QuadPart);
    CHECK(Size.SectorsPerAllocationUnit == 2 && Size.BytesPerSector == 512);
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeInformation(File, FileFsVolumeInformation,
                                                         sizeof(Volume), &Volume, &Returned));
    CHECK_EQUAL(IoVolume->Vpb->SerialNumber, Volume.VolumeSerialNumber);
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeInformation(File, FileFsDeviceInformation,
                                                         sizeof(Device), &Device, &Returned));
    CHECK_EQUAL(FILE_DEVICE_DISK, Device.DeviceType);
    CHECK_EQUAL(FILE_DEVICE_IS_MOUNTED, Device.Characteristics);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoQueryVolumeInformation(File, FileFsAttributeInformation, 64, Buffer, &Returned));
    CHECK_EQUAL(255, Attribute->MaximumComponentNameLength);
    CHECK(Attribute->FileSystemNameLength == 6 &&
          memcmp(Attribute->FileSystemName, u"FAT", 6) == 0);
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW,
                IoQueryVolumeInformation(File, FileFsAttributeInformation, 15, Buffer, &Returned));
    CHECK_EQUAL(14, Returned);
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                IoQueryVolumeInformation(File, FileFsSizeInformation, 8, Buffer, &Returned));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                IoQueryVolumeInformation(File, FileFsLabelInformation, 64, Buffer, &Returned));
    Finish();
}
