/* SPDX-License-Identifier: MIT */
/*
 * io_commands.c - !irp, !devobj, !drvobj, !fileobj: the objects of the I/O manager.
 *
 * An object is given by address, or by name where it has one: \Driver\Disk.  It is copied before it
 * is looked at, and is believed when its Type is right; so no address makes a command fault.  What
 * is then printed is WinDbg's, without what does not exist here (security, APCs).
 */
#include "arch/debug.h"
#include "mm/inspect/commands.h"
#include "mm/io/io_i.h"
#include "mm/sysva/layout.h"

#define MIP_NAME_UNITS 64u
#define MIP_MOST_STACK 32

/* A bit of a flag word, and its name. */
typedef struct _MIP_FLAG {
    ULONG Bit;
    const char *Name;
} MIP_FLAG;

static const char *const MipMajorNames[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    "CREATE",
    "CREATE_NAMED_PIPE",
    "CLOSE",
    "READ",
    "WRITE",
    "QUERY_INFORMATION",
    "SET_INFORMATION",
    "QUERY_EA",
    "SET_EA",
    "FLUSH_BUFFERS",
    "QUERY_VOLUME_INFORMATION",
    "SET_VOLUME_INFORMATION",
    "DIRECTORY_CONTROL",
    "FILE_SYSTEM_CONTROL",
    "DEVICE_CONTROL",
    "INTERNAL_DEVICE_CONTROL",
    "SHUTDOWN",
    "LOCK_CONTROL",
    "CLEANUP",
    "CREATE_MAILSLOT",
    "QUERY_SECURITY",
    "SET_SECURITY",
    "POWER",
    "SYSTEM_CONTROL",
    "DEVICE_CHANGE",
    "QUERY_QUOTA",
    "SET_QUOTA",
    "PNP",
};

/* ---- reading and printing parts ---- */

/* These objects, their names too, are never in paged pool: nothing is read there. */
static BOOLEAN MipReadNonPaged(ULONG_PTR Va, PVOID Buffer, SIZE_T Bytes)
{
    const MI_RANGE *Paged = &MiLayout.Region[MiRegionPagedPool];

    if (Va + Bytes > Paged->Start && Va < Paged->Start + Paged->Bytes) {
        return FALSE;
    }
    return MiReadVirtual(Va, Buffer, Bytes) == Bytes;
}

/* An address or a name.  => FALSE: a sentence was printed. */
static BOOLEAN MipTakeAddress(const char *Arguments, const char *What, ULONG_PTR *Address)
{
    NTSTATUS Status;

    if (Arguments[0] == '\\') {
        *Address = MiFindNamedObject(Arguments);
        return *Address != 0;
    }
    Status = MiTakeArgument(&Arguments, Address);
    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("The address of a %s is needed.", What);
    }
    return NT_SUCCESS(Status);
}

/* => FALSE: a sentence was printed. */
static BOOLEAN MipTakeObject(const char *Arguments, CSHORT Type, const char *What, PVOID Object,
                             ULONG Bytes, ULONG_PTR *Address)
{
    if (!MipTakeAddress(Arguments, What, Address)) {
        return FALSE;
    }
    if (!MipReadNonPaged(*Address, Object, Bytes) || *(CSHORT *)Object != Type) {
        MiFail("%08X is not the address of a %s.", (ULONG)*Address, What);
        return FALSE;
    }
    return TRUE;
}

void MiPrintWideName(const UNICODE_STRING *Name)
{
    WCHAR Units[MIP_NAME_UNITS];
    char Text[3 * MIP_NAME_UNITS + 1];
    ULONG Bytes = Name->Length < sizeof(Units) ? Name->Length : (ULONG)sizeof(Units);

    if (Bytes == 0 || !MipReadNonPaged((ULONG_PTR)Name->Buffer, Units, Bytes)) {
        MiPrint("(no name)");
        return;
    }
    (void)RtlUnicodeToUTF8N(Text, sizeof(Text) - 1, &Bytes, Units, Bytes);
    Text[Bytes] = '\0';
    MiPrint("%s%s", Text, Name->Length > sizeof(Units) ? "..." : "");
}

static void MipPrintDriverName(ULONG_PTR Driver)
{
    DRIVER_OBJECT Object;

    if (MipReadNonPaged(Driver, &Object, sizeof(Object)) && Object.Type == IO_TYPE_DRIVER) {
        MiPrintWideName(&Object.DriverName);
    } else {
        MiPrint("(no driver)");
    }
}

/* The device's driver, by the device's address. */
static void MipPrintDriverOf(PDEVICE_OBJECT Device)
{
    DEVICE_OBJECT Object;

    if (MipReadNonPaged((ULONG_PTR)Device, &Object, sizeof(Object)) &&
        Object.Type == IO_TYPE_DEVICE) {
        MipPrintDriverName((ULONG_PTR)Object.DriverObject);
    } else {
        MiPrint("(no device)");
    }
}

static void MipPrintCode(PVOID Routine)
{
    char Name[KD_SYMBOL_BYTES];
    ULONG_PTR Offset;

    if (Routine != NULL && KdFindSymbol((ULONG_PTR)Routine, Name, &Offset)) {
        MiPrint("%08X %s+0x%x", (ULONG)(ULONG_PTR)Routine, Name, (ULONG)Offset);
    } else {
        MiPrint("%08X", (ULONG)(ULONG_PTR)Routine);
    }
}

static void MipPrintFlags(ULONG Flags, const MIP_FLAG *Names, ULONG Count)
{
    ULONG Index;

    for (Index = 0; Index < Count; Index++) {
        if (Flags & Names[Index].Bit) {
            MiPrint("    %s\n", Names[Index].Name);
        }
    }
}

/* ---- !irp ---- */

static void MipPrintLocation(const IO_STACK_LOCATION *Stack, BOOLEAN Current)
{
    const char *Name =
        Stack->MajorFunction <= IRP_MJ_MAXIMUM_FUNCTION ? MipMajorNames[Stack->MajorFunction] : "?";

    MiPrint("%c[%3x,%2x] %3x %2x %08X %08X %08X-%08X %s\n", Current ? '>' : ' ',
            Stack->MajorFunction, Stack->MinorFunction, Stack->Flags, Stack->Control,
            (ULONG)(ULONG_PTR)Stack->DeviceObject, (ULONG)(ULONG_PTR)Stack->FileObject,
            (ULONG)(ULONG_PTR)Stack->CompletionRoutine, (ULONG)(ULONG_PTR)Stack->Context, Name);
    if (Stack->DeviceObject != NULL) {
        MiPrint("              ");
        MipPrintDriverOf(Stack->DeviceObject);
        MiPrint("\n");
    }
    MiPrint("              Args: %08X %08X %08X %08X\n",
            (ULONG)(ULONG_PTR)Stack->Parameters.Others.Argument1,
            (ULONG)(ULONG_PTR)Stack->Parameters.Others.Argument2,
            (ULONG)(ULONG_PTR)Stack->Parameters.Others.Argument3,
            (ULONG)(ULONG_PTR)Stack->Parameters.Others.Argument4);
}

void MiCommandIrp(const char *Arguments)
{
    IO_STACK_LOCATION Stack;
    ULONG_PTR Address;
    CCHAR Location;
    IRP Irp;

    if (!MipTakeObject(Arguments, IO_TYPE_IRP, "request", &Irp, sizeof(Irp), &Address)) {
        return;
    }
    MiPrint("Irp is active with %d stacks %d is current (= %08X)\n", Irp.StackCount,
            Irp.CurrentLocation, (ULONG)(ULONG_PTR)Irp.Tail.Overlay.CurrentStackLocation);
    MiPrint(" Mdl=%08X: System buffer=%08X: Thread %08X:  Irp stack trace.\n",
            (ULONG)(ULONG_PTR)Irp.MdlAddress, (ULONG)(ULONG_PTR)Irp.AssociatedIrp.SystemBuffer,
            (ULONG)(ULONG_PTR)Irp.Tail.Overlay.Thread);
    MiPrint(" Flags = %08X  IoStatus = %08X, %08X  Cancel = %u  CancelRoutine = %08X\n", Irp.Flags,
            (ULONG)Irp.IoStatus.Status, (ULONG)Irp.IoStatus.Information, Irp.Cancel,
            (ULONG)(ULONG_PTR)Irp.CancelRoutine);
    MiPrint("     cmd  flg cl Device   File     Completion-Context\n");
    for (Location = 1; Location <= Irp.StackCount && Location <= MIP_MOST_STACK; Location++) {
        ULONG_PTR At = Address + sizeof(IRP) + (ULONG)(Location - 1) * sizeof(Stack);

        if (MiStopRequested() || !MipReadNonPaged(At, &Stack, sizeof(Stack))) {
            return;
        }
        MipPrintLocation(&Stack, Location == Irp.CurrentLocation);
    }
}

/* ---- !devobj ---- */

static void MipPrintDeviceName(PVOID ExtensionAddress)
{
    IOP_DEVICE_EXTENSION Extension;

    if (MipReadNonPaged((ULONG_PTR)ExtensionAddress, &Extension, sizeof(Extension))) {
        MiPrintWideName(&Extension.Name);
        MiPrint(" ");
    }
}

static void MipPrintNeighbour(const char *Which, PDEVICE_OBJECT Device)
{
    if (Device != NULL) {
        MiPrint("%s %08X ", Which, (ULONG)(ULONG_PTR)Device);
        MipPrintDriverOf(Device);
        MiPrint("\n");
    }
}

void MiCommandDevObj(const char *Arguments)
{
    IOP_DEVICE_EXTENSION Extension;
    DEVICE_OBJECT Device;
    ULONG_PTR Address;

    if (!MipTakeObject(Arguments, IO_TYPE_DEVICE, "device object", &Device, sizeof(Device),
                       &Address)) {
        return;
    }
    MiPrint("Device object (%08X) is for:\n ", (ULONG)Address);
    MipPrintDeviceName(Device.DeviceObjectExtension);
    MipPrintDriverName((ULONG_PTR)Device.DriverObject);
    MiPrint(" DriverObject %08X\n", (ULONG)(ULONG_PTR)Device.DriverObject);
    MiPrint("Current Irp %08X RefCount %d Type %08X Flags %08X\n",
            (ULONG)(ULONG_PTR)Device.CurrentIrp, Device.ReferenceCount, Device.DeviceType,
            Device.Flags);
    MiPrint("Vpb %08X DevExt %08X DevObjExt %08X StackSize %d SectorSize %u\n",
            (ULONG)(ULONG_PTR)Device.Vpb, (ULONG)(ULONG_PTR)Device.DeviceExtension,
            (ULONG)(ULONG_PTR)Device.DeviceObjectExtension, Device.StackSize, Device.SectorSize);
    MipPrintNeighbour("AttachedDevice (Upper)", Device.AttachedDevice);
    if (MipReadNonPaged((ULONG_PTR)Device.DeviceObjectExtension, &Extension, sizeof(Extension))) {
        MipPrintNeighbour("AttachedTo (Lower)", Extension.AttachedTo);
    }
    MiPrint("Device queue is %s.\n", Device.DeviceQueue.Busy ? "busy" : "not busy");
}

/* ---- !drvobj ---- */

static void MipPrintDispatch(const DRIVER_OBJECT *Driver)
{
    ULONG Index;

    MiPrint("Dispatch routines:\n");
    for (Index = 0; Index <= IRP_MJ_MAXIMUM_FUNCTION && !MiStopRequested(); Index++) {
        MiPrint("[%02x] IRP_MJ_%-24s ", Index, MipMajorNames[Index]);
        MipPrintCode((PVOID)(ULONG_PTR)Driver->MajorFunction[Index]);
        MiPrint("\n");
    }
}

#define MIP_MOST_DEVICES 256u

void MiCommandDrvObj(const char *Arguments)
{
    DRIVER_OBJECT Driver;
    DEVICE_OBJECT Device;
    ULONG_PTR Address;
    ULONG_PTR Next;
    ULONG Count;

    if (!MipTakeObject(Arguments, IO_TYPE_DRIVER, "driver object", &Driver, sizeof(Driver),
                       &Address)) {
        return;
    }
    MiPrint("Driver object (%08X) is for:\n ", (ULONG)Address);
    MiPrintWideName(&Driver.DriverName);
    MiPrint("\nDevice Object list:\n");
    Next = (ULONG_PTR)Driver.DeviceObject;
    for (Count = 0; Next != 0 && Count < MIP_MOST_DEVICES; Count++) {
        MiPrint("%08X  ", (ULONG)Next);
        if (!MipReadNonPaged(Next, &Device, sizeof(Device))) {
            break;
        }
        Next = (ULONG_PTR)Device.NextDevice;
    }
    MiPrint("\nDriverEntry:   ");
    MipPrintCode((PVOID)(ULONG_PTR)Driver.DriverInit);
    MiPrint("\nDriverUnload:  ");
    MipPrintCode((PVOID)(ULONG_PTR)Driver.DriverUnload);
    MiPrint("\n");
    MipPrintDispatch(&Driver);
}

/* ---- !fileobj ---- */

static const MIP_FLAG MipFileFlags[] = {
    {FO_FILE_OPEN, "File Open"},
    {FO_SYNCHRONOUS_IO, "Synchronous IO"},
    {FO_ALERTABLE_IO, "Alertable IO"},
    {FO_NO_INTERMEDIATE_BUFFERING, "No Intermediate Buffering"},
    {FO_WRITE_THROUGH, "Write Through"},
    {FO_SEQUENTIAL_ONLY, "Sequential Only"},
    {FO_CACHE_SUPPORTED, "Cache Supported"},
    {FO_DIRECT_DEVICE_OPEN, "Direct Device Open"},
    {FO_FILE_MODIFIED, "File Modified"},
    {FO_FILE_SIZE_CHANGED, "File Size Changed"},
    {FO_CLEANUP_COMPLETE, "Cleanup Complete"},
    {FO_DELETE_ON_CLOSE, "Delete on Close"},
    {FO_HANDLE_CREATED, "Handle Created"},
    {FO_RANDOM_ACCESS, "Random Access"},
};

static void MipPrintAccess(const FILE_OBJECT *File)
{
    MiPrint("Access: %s%s%s%s%s%s\n", File->ReadAccess ? "Read " : "",
            File->WriteAccess ? "Write " : "", File->DeleteAccess ? "Delete " : "",
            File->SharedRead ? "SharedRead " : "", File->SharedWrite ? "SharedWrite " : "",
            File->SharedDelete ? "SharedDelete " : "");
}

/* Its own part of the cache's map, and the section pointers that lead to the file's. */
static void MipPrintCache(const FILE_OBJECT *File)
{
    SECTION_OBJECT_POINTERS Pointers;

    if (!MipReadNonPaged((ULONG_PTR)File->SectionObjectPointer, &Pointers, sizeof(Pointers))) {
        return;
    }
    MiPrint("Cache Data:\n  Section Object Pointers: %08X\n",
            (ULONG)(ULONG_PTR)File->SectionObjectPointer);
    MiPrint("  Shared Cache Map: %08X  Private Cache Map: %08X\n",
            (ULONG)(ULONG_PTR)Pointers.SharedCacheMap, (ULONG)(ULONG_PTR)File->PrivateCacheMap);
    MiPrint("  Data Section: %08X  Image Section: %08X\n",
            (ULONG)(ULONG_PTR)Pointers.DataSectionObject,
            (ULONG)(ULONG_PTR)Pointers.ImageSectionObject);
}

void MiCommandFileObj(const char *Arguments)
{
    ULONG_PTR Address;
    FILE_OBJECT File;

    if (!MipTakeObject(Arguments, IO_TYPE_FILE, "file object", &File, sizeof(File), &Address)) {
        return;
    }
    MiPrintWideName(&File.FileName);
    MiPrint("\nDevice Object: 0x%08X   ", (ULONG)(ULONG_PTR)File.DeviceObject);
    MipPrintDriverOf(File.DeviceObject);
    MiPrint("\nVpb: 0x%08X\n", (ULONG)(ULONG_PTR)File.Vpb);
    MipPrintAccess(&File);
    MiPrint("Flags:  0x%x\n", File.Flags);
    MipPrintFlags(File.Flags, MipFileFlags, RTL_NUMBER_OF(MipFileFlags));
    MiPrint("FsContext: 0x%08X FsContext2: 0x%08X\n", (ULONG)(ULONG_PTR)File.FsContext,
            (ULONG)(ULONG_PTR)File.FsContext2);
    MiPrint("CurrentByteOffset: %llx\n", (unsigned long long)File.CurrentByteOffset.QuadPart);
    MipPrintCache(&File);
}
