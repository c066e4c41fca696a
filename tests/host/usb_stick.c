/* SPDX-License-Identifier: MIT */
/*
 * usb_stick.c - a virtual USB stick, written against the specifications and not the driver.
 */
#include "tests/host/usb_devices.h"

#include "tests/unit/test.h"

#include <string.h>

static ULONG Big(const UCHAR *At)
{
    return (ULONG)At[0] << 24 | (ULONG)At[1] << 16 | (ULONG)At[2] << 8 | At[3];
}

static void PutBig(PUCHAR At, ULONG Value)
{
    At[0] = (UCHAR)(Value >> 24);
    At[1] = (UCHAR)(Value >> 16);
    At[2] = (UCHAR)(Value >> 8);
    At[3] = (UCHAR)Value;
}

static void Little(PUCHAR At, ULONG Value)
{
    memcpy(At, &Value, 4);
}

static void Refuse(USB_STICK *Stick, UCHAR Key, UCHAR Code, UCHAR Qualifier)
{
    Stick->Status = 1;
    Stick->Pending[0] = Key;
    Stick->Pending[1] = Code;
    Stick->Pending[2] = Qualifier;
    Stick->AnswerBytes = 0;
}

/* ---- commands that answer from memory ---- */

static void AnswerInquiry(USB_STICK *Stick)
{
    Stick->AnswerBytes = 36;
    Stick->Answer[0] = Stick->Type;
    Stick->Answer[1] = 0x80;
    memcpy(Stick->Answer + 8, "Mock    Virtual stick   1.0 ", 28);
}

static void AnswerSense(USB_STICK *Stick)
{
    Stick->AnswerBytes = 18;
    Stick->Answer[0] = 0x70;
    Stick->Answer[2] = Stick->Pending[0];
    Stick->Answer[7] = 10;
    Stick->Answer[12] = Stick->Pending[1];
    Stick->Answer[13] = Stick->Pending[2];
    memset(Stick->Pending, 0, sizeof(Stick->Pending));
}

static void AnswerCapacity(USB_STICK *Stick, BOOLEAN Long)
{
    ULONG64 Last = Stick->Sectors - 1;

    if (Long) {
        Stick->AnswerBytes = 32;
        PutBig(Stick->Answer, (ULONG)(Last >> 32));
        PutBig(Stick->Answer + 4, (ULONG)Last);
        PutBig(Stick->Answer + 8, Stick->SectorBytes);
    } else {
        Stick->AnswerBytes = 8;
        PutBig(Stick->Answer, Last >= 0xFFFFFFFF ? 0xFFFFFFFF : (ULONG)Last);
        PutBig(Stick->Answer + 4, Stick->SectorBytes);
    }
}

static void CarryOut(USB_STICK *Stick)
{
    UCHAR Code = Stick->Cdb[0];

    memset(Stick->Answer, 0, sizeof(Stick->Answer));
    Stick->AnswerBytes = 0;
    Stick->Status = 0;
    if (Code == 0x03) {
        AnswerSense(Stick);
    } else if (Code == 0x12) {
        AnswerInquiry(Stick);
    } else if (Stick->Lun != Stick->MediumLun) {
        Refuse(Stick, 2, 0x3A, 0);
    } else if (Stick->Attention != 0) {
        Stick->Attention--;
        Refuse(Stick, Stick->Sense[0], Stick->Sense[1], Stick->Sense[2]);
    } else if (Code == 0x25 || Code == 0x9E) {
        AnswerCapacity(Stick, Code == 0x9E);
    } else if (Code == 0x1A) {
        Stick->AnswerBytes = 4;
        Stick->Answer[0] = 3;
        Stick->Answer[2] = Stick->Protected ? 0x80 : 0;
    } else if (Code == 0x35 && Stick->NoCache) {
        Refuse(Stick, 5, 0x20, 0);
    } else if ((Code == 0x2A || Code == 0x8A) && Stick->Protected) {
        Refuse(Stick, 7, 0x27, 0);
    } else if (Code != 0x00 && Code != 0x28 && Code != 0x2A && Code != 0x88 && Code != 0x8A &&
               Code != 0x35) {
        Refuse(Stick, 5, 0x20, 0);
    }
}

/* ---- the transport ---- */

static NTSTATUS TakeCommand(USB_STICK *Stick, const UCHAR *Data, ULONG Bytes)
{
    ULONG Value;

    CHECK_EQUAL(31, Bytes);
    memcpy(&Value, Data, 4);
    CHECK_EQUAL(0x43425355, Value);
    memcpy(&Stick->Tag, Data + 4, 4);
    memcpy(&Stick->Bytes, Data + 8, 4);
    CHECK((Data[12] & 0x7F) == 0 && Data[13] <= 15 && Data[14] >= 6 && Data[14] <= 16);
    Stick->Lun = Data[13];
    memcpy(Stick->Cdb, Data + 15, sizeof(Stick->Cdb));
    Stick->Commands[Stick->Cdb[0]]++;
    Stick->Current = StickNone;
    if (Stick->FaultTimes != 0 &&
        (Stick->FaultOn == USB_STICK_ANY || Stick->FaultOn == Stick->Cdb[0])) {
        Stick->FaultTimes--;
        Stick->Current = Stick->Fault;
    }
    if (Stick->Current == StickStallCommand) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    CarryOut(Stick);
    if (Stick->Current == StickRefuse) {
        Refuse(Stick, Stick->Sense[0], Stick->Sense[1], Stick->Sense[2]);
    }
    Stick->StatusStalled = FALSE;
    Stick->Residue = Stick->Bytes;
    Stick->Step = Stick->Bytes == 0 ? StickSendsStatus
                  : Data[12] & 0x80 ? StickSendsData
                                    : StickWantsData;
    return STATUS_SUCCESS;
}

/* Where on the medium a READ or WRITE goes; NULL: neither. */
static PUCHAR MediumAt(USB_STICK *Stick, PULONG Bytes)
{
    BOOLEAN Long = Stick->Cdb[0] == 0x88 || Stick->Cdb[0] == 0x8A;
    ULONG64 Sector =
        Long ? (ULONG64)Big(Stick->Cdb + 2) << 32 | Big(Stick->Cdb + 6) : Big(Stick->Cdb + 2);
    ULONG Sectors = Long ? Big(Stick->Cdb + 10) : (ULONG)Stick->Cdb[7] << 8 | Stick->Cdb[8];
    ULONG64 At = Sector * Stick->SectorBytes % USB_STICK_BYTES; /* huge disks wrap */

    if (Stick->Cdb[0] != 0x28 && Stick->Cdb[0] != 0x2A && !Long) {
        return NULL;
    }
    *Bytes = Sectors * Stick->SectorBytes;
    CHECK_EQUAL(Stick->Bytes, *Bytes);
    CHECK(Sector + Sectors <= Stick->Sectors && At + *Bytes <= USB_STICK_BYTES);
    return Stick->Medium + At;
}

/* A fault in the data phase.  => STATUS_SUCCESS: none. */
static NTSTATUS DataFault(USB_STICK *Stick)
{
    switch (Stick->Current) {
    case StickStallData:
        Stick->Status = 1;
        Stick->Step = StickSendsStatus;
        return STATUS_DEVICE_PROTOCOL_ERROR;
    case StickSilentData:
        return STATUS_PENDING;
    case StickTransaction:
        return STATUS_IO_DEVICE_ERROR;
    case StickVanish:
        UsbMockUnplug(&Stick->Device);
        return STATUS_IO_DEVICE_ERROR;
    default:
        return STATUS_SUCCESS;
    }
}

static NTSTATUS SendData(USB_STICK *Stick, PUCHAR Data, PULONG Bytes)
{
    NTSTATUS Status = DataFault(Stick);
    ULONG Have = Stick->AnswerBytes;
    PUCHAR From;

    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    From = Stick->Status == 0 ? MediumAt(Stick, &Have) : NULL;
    From = From != NULL ? From : Stick->Answer;
    CHECK(*Bytes == Stick->Bytes);
    if (Have == 0 && Stick->Status != 0) {
        Stick->Step = StickSendsStatus;
        return STATUS_DEVICE_PROTOCOL_ERROR; /* nothing to send */
    }
    Have = Have < Stick->Bytes ? Have : Stick->Bytes;
    if (Stick->Current == StickShort || Stick->Current == StickStallShort) {
        Have /= 2;
    }
    memcpy(Data, From, Have);
    *Bytes = Stick->Current == StickBabble ? *Bytes + 1 : Have;
    Stick->Residue -= Have;
    Stick->Step = StickSendsStatus;
    return Stick->Current == StickStallShort ? STATUS_DEVICE_PROTOCOL_ERROR : STATUS_SUCCESS;
}

static NTSTATUS TakeData(USB_STICK *Stick, const UCHAR *Data, PULONG Bytes)
{
    NTSTATUS Status = DataFault(Stick);
    ULONG Room = 0;
    PUCHAR To;

    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    To = MediumAt(Stick, &Room);
    CHECK(*Bytes == Stick->Bytes);
    if (Stick->Current == StickShort || Stick->Current == StickStallShort) {
        Room /= 2;
        *Bytes /= 2;
    }
    if (Stick->Status == 0 && To != NULL) {
        memcpy(To, Data, Room);
    }
    Stick->Residue -= *Bytes;
    Stick->Step = StickSendsStatus;
    return Stick->Current == StickStallShort ? STATUS_DEVICE_PROTOCOL_ERROR : STATUS_SUCCESS;
}

static NTSTATUS SendStatus(USB_STICK *Stick, PUCHAR Data, PULONG Bytes)
{
    if (Stick->Current == StickStallStatus && !Stick->StatusStalled) {
        Stick->StatusStalled = TRUE;
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    if (Stick->Current == StickSilentStatus) {
        return STATUS_PENDING;
    }
    Little(Data, Stick->Current == StickWrongSignature ? 0x43425355 : 0x53425355);
    Little(Data + 4, Stick->Tag + (Stick->Current == StickWrongTag));
    Little(Data + 8, Stick->Current == StickHugeResidue ? Stick->Bytes + 1
                     : Stick->Current == StickResidue   ? Stick->Bytes / 2
                                                        : Stick->Residue);
    Data[12] = Stick->Current == StickPhaseError  ? 2
               : Stick->Current == StickBadStatus ? 0x55
                                                  : Stick->Status;
    *Bytes = Stick->Current == StickShortStatus ? 12 : Stick->Current == StickLongStatus ? 14 : 13;
    Stick->Step = StickWantsCommand;
    return STATUS_SUCCESS;
}

static NTSTATUS Transfer(USB_MOCK_DEVICE *Device, UCHAR Endpoint, PUCHAR Data, PULONG Bytes)
{
    USB_STICK *Stick = CONTAINING_RECORD(Device, USB_STICK, Device);

    if (Endpoint == USB_STICK_OUT) {
        if (Stick->Step == StickWantsCommand) {
            return TakeCommand(Stick, Data, *Bytes);
        }
        CHECK_EQUAL(StickWantsData, Stick->Step);
        return TakeData(Stick, Data, Bytes);
    }
    CHECK_EQUAL(USB_STICK_IN, Endpoint);
    if (Stick->Step == StickSendsData) {
        return SendData(Stick, Data, Bytes);
    }
    CHECK_EQUAL(StickSendsStatus, Stick->Step);
    return SendStatus(Stick, Data, Bytes);
}

static NTSTATUS Control(USB_MOCK_DEVICE *Device, const USB_SETUP *Setup, PUCHAR Data, PULONG Bytes)
{
    USB_STICK *Stick = CONTAINING_RECORD(Device, USB_STICK, Device);

    if (Setup->RequestType == 0xA1 && Setup->Request == 0xFE) {
        Stick->LunRequests++;
        CHECK_EQUAL(1, *Bytes);
        Data[0] = (UCHAR)Stick->MaximumLun;
        return Stick->MaximumLun == 0xFF ? STATUS_DEVICE_PROTOCOL_ERROR : STATUS_SUCCESS;
    }
    *Bytes = 0;
    if (Setup->RequestType == 0x21 && Setup->Request == 0xFF) {
        Stick->ClassResets++;
        if (Stick->FailClassReset != 0) {
            Stick->FailClassReset--;
            return STATUS_DEVICE_PROTOCOL_ERROR;
        }
        Stick->Step = StickWantsCommand;
        Stick->Attention = Stick->ResetAttention;
        return STATUS_SUCCESS;
    }
    return STATUS_DEVICE_PROTOCOL_ERROR;
}

static void Reset(USB_MOCK_DEVICE *Device)
{
    CONTAINING_RECORD(Device, USB_STICK, Device)->Step = StickWantsCommand;
}

void UsbStickCreate(USB_STICK *Stick)
{
    static const UCHAR Descriptor[] = {18,   1,    0x00, 0x02, 0, 0, 0, 64, 0xF4,
                                       0x46, 0x01, 0x00, 0,    1, 0, 0, 0,  1};
    static const UCHAR Configuration[] = {
        9, 2,    32,
        0, 1,    1,
        0, 0x80, 50, /* configuration 1 */
        9, 4,    0,
        0, 2,    8,
        6, 0x50, 0, /* interface 0: bulk-only, SCSI */
        7, 5,    USB_STICK_IN,
        2, 0,    2,
        0, /* bulk, 512 */
        7, 5,    USB_STICK_OUT,
        2, 0,    2,
        0,
    };

    memset(Stick, 0, sizeof(*Stick));
    Stick->Device.Speed = UsbSpeedHigh;
    memcpy(Stick->Device.DeviceDescriptor, Descriptor, sizeof(Descriptor));
    Stick->Device.DeviceBytes = sizeof(Descriptor);
    memcpy(Stick->Device.Configuration, Configuration, sizeof(Configuration));
    Stick->Device.ConfigurationBytes = sizeof(Configuration);
    Stick->Device.Control = Control;
    Stick->Device.Transfer = Transfer;
    Stick->Device.Reset = Reset;
    Stick->FaultOn = USB_STICK_ANY;
    Stick->SectorBytes = 512;
    Stick->Sectors = USB_STICK_BYTES / 512;
}
