/* SPDX-License-Identifier: MIT */
/*
 * volume.c - the volume that holds the kernel, and reading files from it.
 *
 * The kernel lies on the volume that we were started from or, when that is an EFI system partition
 * beside a data partition, on another volume of the same disk: one whose device path agrees up to
 * the partition node.  Other disks are never looked at: a second stick must not be booted by
 * accident.
 */
#include "efi/firmware.h"

#define BL_KERNEL_NAME L"\\hyperspace.elf"

static EFI_GUID BlpFileSystemGuid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
static EFI_GUID BlpDevicePathGuid = EFI_DEVICE_PATH_PROTOCOL_GUID;
static EFI_GUID BlpLoadedImageGuid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
static EFI_GUID BlpBlockIoGuid = EFI_BLOCK_IO_PROTOCOL_GUID;
static EFI_GUID BlpFileInfoGuid = EFI_FILE_INFO_ID;

/* A device path ends within this many bytes, or is taken for damaged. */
#define BLP_PATH_LIMIT   4096

#define BLP_REASON_BYTES 80

/* What mounting a volume and loading a kernel take at the very least. */
#define BLP_PROBE_KILOBYTES 2048u

static UINTN BlpNodeBytes(const EFI_DEVICE_PATH *Node)
{
    return Node->Length[0] | (UINTN)Node->Length[1] << 8;
}

static PVOID BlpProtocol(EFI_HANDLE Handle, EFI_GUID *Guid)
{
    PVOID Interface = NULL;

    if (EFI_ERROR(BlContext.Boot->HandleProtocol(Handle, Guid, &Interface))) {
        return NULL;
    }
    return Interface;
}

/*
 * The length of the path in front of its partition node, and that node.
 *
 * => *Partition is NULL when the volume has no partition (it fills its disk).
 */
static UINTN BlpDiskPrefix(const EFI_DEVICE_PATH *Path, const HARDDRIVE_DEVICE_PATH **Partition)
{
    const EFI_DEVICE_PATH *Node = Path;
    UINTN Offset = 0;

    *Partition = NULL;
    while (Offset < BLP_PATH_LIMIT && (Node->Type & 0x7F) != END_DEVICE_PATH_TYPE) {
        if (Node->Type == MEDIA_DEVICE_PATH && Node->SubType == MEDIA_HARDDRIVE_DP) {
            *Partition = (const HARDDRIVE_DEVICE_PATH *)(const void *)Node;
            break;
        }
        if (BlpNodeBytes(Node) < sizeof(EFI_DEVICE_PATH)) {
            break;
        }
        Offset += BlpNodeBytes(Node);
        Node = (const EFI_DEVICE_PATH *)(const void *)((const UCHAR *)Path + Offset);
    }
    return Offset;
}

static BOOLEAN BlpSameDisk(const EFI_DEVICE_PATH *A, const EFI_DEVICE_PATH *B)
{
    const HARDDRIVE_DEVICE_PATH *Partition;
    UINTN Bytes;

    if (A == NULL || B == NULL) {
        return FALSE;
    }
    Bytes = BlpDiskPrefix(A, &Partition);
    return BlpDiskPrefix(B, &Partition) == Bytes && memcmp(A, B, Bytes) == 0;
}

/* => TRUE when the volume holds the kernel; it is the one that we use from now on. */
static BOOLEAN BlpTryVolume(EFI_HANDLE Volume)
{
    EFI_FILE_IO_INTERFACE *FileSystem = BlpProtocol(Volume, &BlpFileSystemGuid);
    EFI_FILE_HANDLE Root;
    EFI_FILE_HANDLE File;

    if (FileSystem == NULL || EFI_ERROR(FileSystem->OpenVolume(FileSystem, &Root))) {
        return FALSE;
    }
    if (EFI_ERROR(Root->Open(Root, &File, (CHAR16 *)BL_KERNEL_NAME, EFI_FILE_MODE_READ, 0))) {
        Root->Close(Root);
        return FALSE;
    }
    File->Close(File);
    BlContext.Volume = Volume;
    BlContext.Root = Root;
    return TRUE;
}

static BOOLEAN BlpTryDisk(EFI_HANDLE Own)
{
    const EFI_DEVICE_PATH *OwnPath = BlpProtocol(Own, &BlpDevicePathGuid);
    EFI_HANDLE *Handles = NULL;
    BOOLEAN Found = FALSE;
    UINTN Count = 0;
    UINTN i;

    if (EFI_ERROR(BlContext.Boot->LocateHandleBuffer(ByProtocol, &BlpFileSystemGuid, NULL, &Count,
                                                     &Handles))) {
        return FALSE;
    }
    for (i = 0; i < Count && !Found; i++) {
        Found = BlpSameDisk(OwnPath, BlpProtocol(Handles[i], &BlpDevicePathGuid)) &&
                BlpTryVolume(Handles[i]);
    }
    BlContext.Boot->FreePool(Handles);
    return Found;
}

/* => TRUE when Handle is another partition of the disk whose path is OwnPath. */
static BOOLEAN BlpIsOtherPartition(EFI_HANDLE Handle, EFI_HANDLE Own,
                                   const EFI_DEVICE_PATH *OwnPath)
{
    EFI_BLOCK_IO *BlockIo = BlpProtocol(Handle, &BlpBlockIoGuid);

    return Handle != Own && BlockIo != NULL && BlockIo->Media->LogicalPartition &&
           BlpSameDisk(OwnPath, BlpProtocol(Handle, &BlpDevicePathGuid));
}

/*
 * Give the other partitions of Own's disk another chance: the firmware's file system driver keeps
 * megabytes for each volume that it mounts, and a small machine may have had none left for the
 * second.  It is made to let go of the volume that we were read from, which is no longer needed.
 */
static BOOLEAN BlpRetryDisk(EFI_HANDLE Own)
{
    const EFI_DEVICE_PATH *OwnPath = BlpProtocol(Own, &BlpDevicePathGuid);
    EFI_HANDLE *Handles = NULL;
    BOOLEAN Found = FALSE;
    UINTN Count = 0;
    UINTN i;

    if (EFI_ERROR(BlContext.Boot->LocateHandleBuffer(ByProtocol, &BlpBlockIoGuid, NULL, &Count,
                                                     &Handles))) {
        return FALSE;
    }
    BlContext.Boot->DisconnectController(Own, NULL, NULL);
    for (i = 0; i < Count && !Found; i++) {
        if (BlpIsOtherPartition(Handles[i], Own, OwnPath)) {
            BlContext.Boot->ConnectController(Handles[i], NULL, NULL, FALSE);
            Found = BlpTryVolume(Handles[i]);
        }
    }
    BlContext.Boot->FreePool(Handles);
    return Found;
}

BOOLEAN BlFindVolume(void)
{
    EFI_LOADED_IMAGE *Image = BlpProtocol(BlContext.Image, &BlpLoadedImageGuid);

    if (Image == NULL || Image->DeviceHandle == NULL) {
        return BlFail("the firmware does not say which volume the loader came from");
    }
    if (!BlpTryVolume(Image->DeviceHandle) && !BlpTryDisk(Image->DeviceHandle) &&
        !BlpRetryDisk(Image->DeviceHandle)) {
        if (!BlHaveKilobytes(BLP_PROBE_KILOBYTES)) {
            return BlFail("too little memory: the firmware has no %u KB left, and finds no kernel",
                          BLP_PROBE_KILOBYTES);
        }
        return BlFail("no kernel: hyperspace.elf is on no volume of the disk that was started");
    }
    return TRUE;
}

void BlCloseVolume(void)
{
    if (BlContext.Root != NULL) {
        BlContext.Root->Close(BlContext.Root);
        BlContext.Root = NULL;
    }
}

/* Print a CHAR16 file name, which is ASCII here, as text. */
static void BlpNarrow(const CHAR16 *Name, char *Text, SIZE_T Bytes)
{
    SIZE_T i;

    for (i = 0; i + 1 < Bytes && Name[i] != 0; i++) {
        Text[i] = (char)Name[i];
    }
    Text[i] = 0;
}

/* A directory has no length: EFI_UNSUPPORTED. */
static EFI_STATUS BlpFileBytes(EFI_FILE_HANDLE File, ULONG64 *Bytes)
{
    union {
        EFI_FILE_INFO Info;
        UCHAR Space[sizeof(EFI_FILE_INFO) + 256 * sizeof(CHAR16)];
    } Buffer;
    UINTN Size = sizeof(Buffer);
    EFI_STATUS Status = File->GetInfo(File, &BlpFileInfoGuid, &Size, &Buffer);

    if (EFI_ERROR(Status)) {
        return Status;
    }
    *Bytes = Buffer.Info.FileSize;
    return Buffer.Info.Attribute & EFI_FILE_DIRECTORY ? EFI_UNSUPPORTED : EFI_SUCCESS;
}

/* Why a file could not be read.  Empty: memory was lacking, and BlFail has said so. */
typedef struct _BLP_REASON {
    char Text[BLP_REASON_BYTES];
    BOOLEAN Missing; /* it is not there at all */
} BLP_REASON;

/* => Returns FALSE, for the caller to return. */
static BOOLEAN BlpBecause(BLP_REASON *Reason, const char *Format, ...) NT_PRINTF(2, 3);
static BOOLEAN BlpBecause(BLP_REASON *Reason, const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    (void)RtlStringCbVPrintfA(Reason->Text, sizeof(Reason->Text), Format, Arguments);
    va_end(Arguments);
    return FALSE;
}

/* Short reads go on; a read of nothing before the end is a truncated file. */
static BOOLEAN BlpReadAll(EFI_FILE_HANDLE Handle, BL_FILE *File, BLP_REASON *Reason)
{
    ULONG Done = 0;

    while (Done < File->Bytes) {
        UINTN Chunk = File->Bytes - Done;
        EFI_STATUS Status = Handle->Read(Handle, &Chunk, File->Data + Done);

        if (EFI_ERROR(Status)) {
            return BlpBecause(Reason, "cannot be read at byte %u (firmware status %llx)", Done,
                              (unsigned long long)Status);
        }
        if (Chunk == 0) {
            return BlpBecause(Reason, "is truncated: %u of %u bytes", Done, File->Bytes);
        }
        Done += (ULONG)Chunk;
    }
    return TRUE;
}

static BOOLEAN BlpReadOpened(EFI_FILE_HANDLE Handle, BL_FILE *File, BLP_REASON *Reason)
{
    ULONG64 Bytes = 0;
    EFI_STATUS Status = BlpFileBytes(Handle, &Bytes);

    if (Status == EFI_UNSUPPORTED) {
        return BlpBecause(Reason, "is a directory");
    }
    if (EFI_ERROR(Status)) {
        return BlpBecause(Reason, "has a length that the firmware does not tell");
    }
    if (Bytes > LOADER_WINDOW_END - LOADER_WINDOW_BASE) {
        return BlpBecause(Reason, "is too large: %llu bytes", (unsigned long long)Bytes);
    }
    File->Bytes = (ULONG)Bytes;
    File->Pages = BYTES_TO_PAGES(File->Bytes);
    File->Data = BlAllocatePages(File->Pages + (File->Pages == 0), LoaderBootData, FALSE);
    if (File->Data == NULL) {
        return FALSE;
    }
    if (!BlpReadAll(Handle, File, Reason)) {
        BlReleaseLastPages();
        return FALSE;
    }
    return TRUE;
}

static BOOLEAN BlpOpenAndRead(const CHAR16 *Name, BL_FILE *File, BLP_REASON *Reason)
{
    EFI_FILE_HANDLE Handle;
    BOOLEAN Read;
    EFI_STATUS Status =
        BlContext.Root->Open(BlContext.Root, &Handle, (CHAR16 *)Name, EFI_FILE_MODE_READ, 0);

    if (Status == EFI_NOT_FOUND) {
        Reason->Missing = TRUE;
        return BlpBecause(Reason, "is not there");
    }
    if (EFI_ERROR(Status)) {
        return BlpBecause(Reason, "cannot be opened (firmware status %llx)",
                          (unsigned long long)Status);
    }
    Read = BlpReadOpened(Handle, File, Reason);
    Handle->Close(Handle);
    return Read;
}

BOOLEAN BlReadFile(const CHAR16 *Name, const char *Without, BL_FILE *File)
{
    BLP_REASON Reason = {{0}, FALSE};
    char Text[64];

    BlpNarrow(Name + 1, Text, sizeof(Text)); /* without its backslash */
    memset(File, 0, sizeof(*File));
    if (BlpOpenAndRead(Name, File, &Reason)) {
        BlTrace("  %s, %u bytes\n", Text, File->Bytes);
        return TRUE;
    }
    memset(File, 0, sizeof(*File));
    if (Reason.Text[0] == 0) {
        return FALSE;
    }
    if (Without == NULL) {
        return BlFail("%s %s", Text, Reason.Text);
    }
    if (Without[0] != 0) {
        BlPrint("%s %s: %s\n", Text, Reason.Text, Without);
    } else if (!Reason.Missing) {
        BlPrint("%s %s\n", Text, Reason.Text);
    }
    return TRUE;
}

/* The serial number stands in the boot sector, at another place on FAT32. */
static ULONG BlpVolumeSerial(EFI_BLOCK_IO *BlockIo)
{
    enum {
        Fat16Serial = 0x27,
        Fat32Serial = 0x43,
        Fat16SectorsPerFat = 0x16
    };
    EFI_PHYSICAL_ADDRESS Place = BL_HIGHEST_ADDRESS;
    UINTN Bytes = BlockIo->Media->BlockSize;
    UINTN Pages = BYTES_TO_PAGES(Bytes);
    ULONG Serial = 0;
    PUCHAR Sector;

    /* Whole pages: drivers may ask for more alignment than a pool gives. */
    if (Bytes < 512 || EFI_ERROR(BlContext.Boot->AllocatePages(AllocateMaxAddress, EfiLoaderData,
                                                               Pages, &Place))) {
        return 0;
    }
    Sector = (PUCHAR)(UINTN)Place;
    if (!EFI_ERROR(BlockIo->ReadBlocks(BlockIo, BlockIo->Media->MediaId, 0, Bytes, Sector))) {
        BOOLEAN Fat32 = Sector[Fat16SectorsPerFat] == 0 && Sector[Fat16SectorsPerFat + 1] == 0;

        memcpy(&Serial, Sector + (Fat32 ? Fat32Serial : Fat16Serial), sizeof(Serial));
    }
    BlContext.Boot->FreePages(Place, Pages);
    return Serial;
}

void BlDescribeBootPartition(void)
{
    LOADER_BOOT_PARTITION *Boot = &BlContext.Block->BootPartition;
    const EFI_DEVICE_PATH *Path = BlpProtocol(BlContext.Volume, &BlpDevicePathGuid);
    EFI_BLOCK_IO *BlockIo = BlpProtocol(BlContext.Volume, &BlpBlockIoGuid);
    const HARDDRIVE_DEVICE_PATH *Partition = NULL;

    if (BlockIo != NULL) {
        Boot->BlockBytes = BlockIo->Media->BlockSize;
        Boot->BlockCount = BlockIo->Media->LastBlock + 1;
        Boot->VolumeSerial = BlpVolumeSerial(BlockIo);
    }
    if (Path != NULL) {
        BlpDiskPrefix(Path, &Partition);
    }
    if (Partition == NULL) {
        Boot->Style = LoaderPartitionNone;
        return;
    }
    Boot->Style =
        Partition->SignatureType == SIGNATURE_TYPE_GUID ? LoaderPartitionGpt : LoaderPartitionMbr;
    Boot->Number = Partition->PartitionNumber;
    Boot->StartBlock = Partition->PartitionStart;
    Boot->BlockCount = Partition->PartitionSize;
    memcpy(Boot->Guid, Partition->Signature, sizeof(Boot->Guid));
}
