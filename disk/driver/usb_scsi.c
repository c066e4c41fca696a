/* SPDX-License-Identifier: MIT */
/*
 * usb_scsi.c - the SCSI commands that a disk needs, and what the answers mean.
 *
 * Numbers are big-endian.  An answer that is too short says nothing.
 *
 * Sources: SCSI Primary Commands 4, SCSI Block Commands 3 (public drafts of T10).
 *
 * Locking: none.
 */
#include "disk/driver/usb_scsi.h"

#include "rtl.h"

#define SCSIP_TEST_UNIT_READY   0x00u
#define SCSIP_REQUEST_SENSE     0x03u
#define SCSIP_INQUIRY           0x12u
#define SCSIP_MODE_SENSE        0x1Au
#define SCSIP_READ_CAPACITY     0x25u
#define SCSIP_READ_10           0x28u
#define SCSIP_WRITE_10          0x2Au
#define SCSIP_SYNCHRONIZE_CACHE 0x35u
#define SCSIP_READ_16           0x88u
#define SCSIP_WRITE_16          0x8Au
#define SCSIP_SERVICE_ACTION    0x9Eu
#define SCSIP_LONG_CAPACITY     0x10u

#define SCSIP_ALL_PAGES         0x3Fu
#define SCSIP_SHORT_MS          2000u
#define SCSIP_DATA_MS           10000u
#define SCSIP_FLUSH_MS          30000u

static ULONG ScsipUlong(const UCHAR *At)
{
    return (ULONG)At[0] << 24 | (ULONG)At[1] << 16 | (ULONG)At[2] << 8 | At[3];
}

static void ScsipPut(PUCHAR At, ULONG Bytes, ULONG64 Value)
{
    while (Bytes-- != 0) {
        At[Bytes] = (UCHAR)Value;
        Value >>= 8;
    }
}

/* ---- commands ---- */

static void ScsipMake(BOT_COMMAND *Command, UCHAR Code, ULONG CdbBytes, ULONG Bytes, ULONG LimitMs)
{
    memset(Command->Cdb, 0, sizeof(Command->Cdb));
    Command->Cdb[0] = Code;
    Command->CdbBytes = CdbBytes;
    Command->ToHost = Bytes != 0;
    Command->Bytes = Bytes;
    Command->LimitMs = LimitMs;
}

void ScsiInquiry(BOT_COMMAND *Command)
{
    ScsipMake(Command, SCSIP_INQUIRY, 6, SCSI_INQUIRY_BYTES, SCSIP_SHORT_MS);
    Command->Cdb[4] = SCSI_INQUIRY_BYTES;
}

void ScsiTestUnitReady(BOT_COMMAND *Command)
{
    ScsipMake(Command, SCSIP_TEST_UNIT_READY, 6, 0, SCSIP_SHORT_MS);
}

void ScsiRequestSense(BOT_COMMAND *Command)
{
    ScsipMake(Command, SCSIP_REQUEST_SENSE, 6, SCSI_SENSE_BYTES, SCSIP_SHORT_MS);
    Command->Cdb[4] = SCSI_SENSE_BYTES;
}

void ScsiReadCapacity(BOT_COMMAND *Command)
{
    ScsipMake(Command, SCSIP_READ_CAPACITY, 10, SCSI_CAPACITY_BYTES, SCSIP_SHORT_MS);
}

void ScsiReadLongCapacity(BOT_COMMAND *Command)
{
    ScsipMake(Command, SCSIP_SERVICE_ACTION, 16, SCSI_LONG_BYTES, SCSIP_SHORT_MS);
    Command->Cdb[1] = SCSIP_LONG_CAPACITY;
    Command->Cdb[13] = SCSI_LONG_BYTES;
}

void ScsiModeSense(BOT_COMMAND *Command)
{
    ScsipMake(Command, SCSIP_MODE_SENSE, 6, SCSI_MODE_BYTES, SCSIP_SHORT_MS);
    Command->Cdb[2] = SCSIP_ALL_PAGES;
    Command->Cdb[4] = SCSI_MODE_BYTES;
}

void ScsiSynchronizeCache(BOT_COMMAND *Command)
{
    ScsipMake(Command, SCSIP_SYNCHRONIZE_CACHE, 10, 0, SCSIP_FLUSH_MS);
}

void ScsiTransfer(BOT_COMMAND *Command, BOOLEAN Write, ULONG64 Sector, ULONG Sectors,
                  ULONG SectorBytes)
{
    if (Sector + Sectors <= 0xFFFFFFFFu) {
        ScsipMake(Command, Write ? SCSIP_WRITE_10 : SCSIP_READ_10, 10, Sectors * SectorBytes,
                  SCSIP_DATA_MS);
        ScsipPut(Command->Cdb + 2, 4, Sector);
        ScsipPut(Command->Cdb + 7, 2, Sectors);
    } else {
        ScsipMake(Command, Write ? SCSIP_WRITE_16 : SCSIP_READ_16, 16, Sectors * SectorBytes,
                  SCSIP_DATA_MS);
        ScsipPut(Command->Cdb + 2, 8, Sector);
        ScsipPut(Command->Cdb + 10, 4, Sectors);
    }
    Command->ToHost = !Write;
}

/* ---- answers ---- */

/* Copy what can be printed; blanks at the end go. */
static void ScsipName(const UCHAR *From, ULONG Bytes, char *To)
{
    ULONG Length = strlen(To);
    ULONG i;

    if (Length != 0) {
        To[Length++] = ' ';
    }
    for (i = 0; i < Bytes; i++) {
        To[Length++] = From[i] > ' ' && From[i] <= '~' ? (char)From[i] : ' ';
    }
    while (Length != 0 && To[Length - 1] == ' ') {
        Length--;
    }
    To[Length] = 0;
}

/* Peripheral device type 0 is a disk, 14 a simplified one, 7 an optical one; bits 5 to 7: there. */
void ScsiParseInquiry(const UCHAR *Bytes, ULONG Count, SCSI_INQUIRY *Inquiry)
{
    memset(Inquiry, 0, sizeof(*Inquiry));
    if (Count == 0) {
        return;
    }
    Inquiry->IsDisk = Bytes[0] == 0 || Bytes[0] == 14 || Bytes[0] == 7;
    if (Count >= SCSI_INQUIRY_BYTES) {
        ScsipName(Bytes + 8, 8, Inquiry->Name);
        ScsipName(Bytes + 16, 16, Inquiry->Name);
    }
}

static SCSI_SENSE ScsipNotReady(ULONG Code, ULONG Qualifier)
{
    if (Code == 0x3A) {
        return ScsiNoMedium;
    }
    return Code == 0x04 && Qualifier == 0x03 ? ScsiFailed : ScsiTryAgain; /* 03: needs a person */
}

SCSI_SENSE ScsiParseSense(const UCHAR *Bytes, ULONG Count)
{
    ULONG Code = Count > 12 ? Bytes[12] : 0;
    ULONG Qualifier = Count > 13 ? Bytes[13] : 0;

    if (Count < 3 || (Bytes[0] & 0x7Eu) != 0x70) {
        return ScsiTryAgain; /* fixed format, or it says nothing */
    }
    switch (Bytes[2] & 15u) {
    case 0x0: /* NO SENSE: then why did the command fail */
        return ScsiTryAgain;
    case 0x1: /* RECOVERED ERROR */
        return ScsiGood;
    case 0x2: /* NOT READY */
        return ScsipNotReady(Code, Qualifier);
    case 0x5: /* ILLEGAL REQUEST */
        return Code == 0x20 || Code == 0x24 ? ScsiUnsupported : ScsiFailed;
    case 0x6: /* UNIT ATTENTION */
        return Code == 0x28 ? ScsiNewMedium : ScsiTryAgain;
    case 0x7: /* DATA PROTECT */
        return ScsiProtected;
    case 0xB: /* ABORTED COMMAND */
        return ScsiAborted;
    default:
        return ScsiFailed;
    }
}

static BOOLEAN ScsipIsSectorSize(ULONG Bytes)
{
    return Bytes >= 512 && Bytes <= PAGE_SIZE && (Bytes & (Bytes - 1)) == 0;
}

NTSTATUS ScsiParseCapacity(const UCHAR *Bytes, ULONG Count, PULONG64 Sectors, PULONG SectorBytes)
{
    if (Count < SCSI_CAPACITY_BYTES) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    if (ScsipUlong(Bytes) == 0xFFFFFFFFu) {
        *Sectors = 0;
        return STATUS_SUCCESS;
    }
    if (!ScsipIsSectorSize(ScsipUlong(Bytes + 4))) {
        return STATUS_NOT_SUPPORTED;
    }
    *Sectors = (ULONG64)ScsipUlong(Bytes) + 1;
    *SectorBytes = ScsipUlong(Bytes + 4);
    return STATUS_SUCCESS;
}

NTSTATUS ScsiParseLongCapacity(const UCHAR *Bytes, ULONG Count, PULONG64 Sectors,
                               PULONG SectorBytes)
{
    const ULONG64 Limit = 1ull << 48; /* 128 PB in the smallest sectors: no disk is larger */
    ULONG64 Last;

    if (Count < 12) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    Last = (ULONG64)ScsipUlong(Bytes) << 32 | ScsipUlong(Bytes + 4);
    if (!ScsipIsSectorSize(ScsipUlong(Bytes + 8)) || Last >= Limit) {
        return STATUS_NOT_SUPPORTED;
    }
    *Sectors = Last + 1;
    *SectorBytes = ScsipUlong(Bytes + 8);
    return STATUS_SUCCESS;
}

BOOLEAN ScsiParseProtection(const UCHAR *Bytes, ULONG Count)
{
    return Count >= 4 && (Bytes[2] & 0x80u) != 0;
}
