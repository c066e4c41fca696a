/* SPDX-License-Identifier: MIT */
/*
 * test_io_commands.c - !irp, !devobj, !drvobj, !fileobj.
 */
#include "tests/unit/command_bench.h"
#include "tests/unit/io_world.h"

#include <string.h>

static ULONG AddressOf(const volatile void *Object)
{
    return (ULONG)(ULONG_PTR)Object;
}

TEST(Irp_shows_each_stack_location_and_which_is_current)
{
    const char *Shown;
    PIRP Irp;

    IoWorldStart(&IoWorldFat12, 0);
    Irp = IoAllocateIrp(2, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoGetNextIrpStackLocation(Irp)->Parameters.Read.Length = 0x1234;
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->DeviceObject = IoVolume;
    Shown = Command("!irp %x", AddressOf(Irp));
    CHECK_SHOWS("Irp is active with 2 stacks 2 is current", Shown);
    CHECK_SHOWS(" [  0, 0]", Shown);
    CHECK_SHOWS(
        Text(">[  3, 0]   0  0 %08X 00000000 00000000-00000000 READ\n", AddressOf(IoVolume)),
        Shown);
    CHECK_SHOWS("\\Driver\\Disk\n", Shown);
    CHECK_SHOWS("Args: 00001234", Shown);
    IoFreeIrp(Irp);
    IoWorldFinish();
}

TEST(Devobj_shows_name_driver_and_stack)
{
    const char *Shown;

    IoWorldStart(&IoWorldFat12, 0);
    Shown = Command("!devobj %x", AddressOf(IoVolume));
    CHECK_SHOWS("\\Device\\HarddiskVolume1 \\Driver\\Disk DriverObject", Shown);
    CHECK_SHOWS(Text("Vpb %08X", AddressOf(IoVolume->Vpb)), Shown);
    CHECK_SHOWS("Type 00000007", Shown);
    Shown = Command("!devobj %x", AddressOf(IoVolume->Vpb->DeviceObject));
    CHECK_SHOWS("(no name) \\FileSystem\\Fastfat DriverObject", Shown);
    IoWorldFinish();
}

TEST(Drvobj_lists_devices_and_dispatch_routines)
{
    const char *Shown;

    IoWorldStart(&IoWorldFat12, 0);
    Shown = Command("!drvobj %x", AddressOf(IoVolume->Vpb->DeviceObject->DriverObject));
    CHECK_SHOWS("\\FileSystem\\Fastfat\n", Shown);
    CHECK_SHOWS(Text("%08X  ", AddressOf(IoVolume->Vpb->DeviceObject)), Shown);
    CHECK_SHOWS("[1b] IRP_MJ_PNP ", Shown);
    IoWorldFinish();
}

TEST(Devobj_and_drvobj_take_names)
{
    const char *Shown;

    IoWorldStart(&IoWorldFat12, 0);
    Shown = Command("!devobj \\Device\\HarddiskVolume1");
    CHECK_SHOWS(Text("Device object (%08X) is for:", AddressOf(IoVolume)), Shown);
    Shown = Command("!drvobj \\driver\\disk");
    CHECK_SHOWS(
        Text("Driver object (%08X) is for:\n \\Driver\\Disk", AddressOf(IoVolume->DriverObject)),
        Shown);
    CHECK_SHOWS("is not the address of a driver object", Command("!drvobj \\Device"));
    CHECK_SHOWS("\\Driver\\None: status c0000034", Command("!drvobj \\Driver\\None"));
    IoWorldFinish();
}

TEST(Fileobj_shows_name_access_and_flags)
{
    PFILE_OBJECT File;
    const char *Shown;

    IoWorldStart(&IoWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenFile(IoVolume, "/file", FILE_WRITE_DATA, FILE_CREATE, 0, &File));
    Shown = Command("!fileobj %x", AddressOf(File));
    CHECK_SHOWS("\\file\n", Shown);
    CHECK_SHOWS("Access: Write SharedRead \n", Shown);
    CHECK_SHOWS("    Synchronous IO\n", Shown);
    CHECK_SHOWS(Text("FsContext: 0x%08X", AddressOf(File->FsContext)), Shown);
    IoCloseFile(File);
    IoWorldFinish();
}

TEST(Io_commands_refuse_what_is_no_such_object)
{
    static const char *const Names[] = {"!irp", "!devobj", "!drvobj", "!fileobj"};
    ULONG Index;

    IoWorldStart(&IoWorldFat12, 0);
    memset(IoBuffer, 0, 4096);
    for (Index = 0; Index < RTL_NUMBER_OF(Names); Index++) {
        CHECK_SHOWS("is not the address of a ", Command("%s deadbeef", Names[Index]));
        CHECK_SHOWS("is not the address of a ",
                    Command("%s %x", Names[Index], AddressOf(IoBuffer)));
        CHECK_SHOWS("is needed", Command("%s", Names[Index]));
    }
    IoWorldFinish();
}
