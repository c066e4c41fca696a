/* SPDX-License-Identifier: MIT */
/*
 * usb_scsi.h - the SCSI commands that a disk needs, and what the answers mean.
 *
 * Pure: commands and answers are bytes.  Answers are hostile.
 */
#ifndef DISK_DRIVER_USB_SCSI_H
#define DISK_DRIVER_USB_SCSI_H

#include "disk/driver/usb_bot.h"

#define SCSI_INQUIRY_BYTES  36u
#define SCSI_SENSE_BYTES    18u
#define SCSI_CAPACITY_BYTES 8u  /* of READ CAPACITY (10) */
#define SCSI_LONG_BYTES     32u /* of READ CAPACITY (16) */
#define SCSI_MODE_BYTES     192u
#define SCSI_NAME_BYTES     26u /* vendor, product, a zero */

/* What REQUEST SENSE says about the command before. */
typedef enum _SCSI_SENSE {
    ScsiGood,        /* nothing is wrong, or it was corrected */
    ScsiTryAgain,    /* attention, becoming ready: it takes time */
    ScsiAborted,     /* another try may do */
    ScsiNoMedium,    /* it was taken out */
    ScsiNewMedium,   /* it may be another than before */
    ScsiUnsupported, /* the device does not know the command */
    ScsiProtected,   /* against writing */
    ScsiFailed       /* the medium or the device */
} SCSI_SENSE;

typedef struct _SCSI_INQUIRY {
    BOOLEAN IsDisk;             /* and it is connected */
    char Name[SCSI_NAME_BYTES]; /* vendor and product, printable, without blanks at the end */
} SCSI_INQUIRY;

/* ---- commands: the fields of *Command but for Mdl and Offset ---- */
void ScsiInquiry(BOT_COMMAND *Command);
void ScsiTestUnitReady(BOT_COMMAND *Command);
void ScsiRequestSense(BOT_COMMAND *Command);
void ScsiReadCapacity(BOT_COMMAND *Command);
void ScsiReadLongCapacity(BOT_COMMAND *Command);
void ScsiModeSense(BOT_COMMAND *Command);
void ScsiSynchronizeCache(BOT_COMMAND *Command);

/* => Sectors is 1 to 65535. */
void ScsiTransfer(BOT_COMMAND *Command, BOOLEAN Write, ULONG64 Sector, ULONG Sectors,
                  ULONG SectorBytes);

/* ---- answers ---- */
void ScsiParseInquiry(const UCHAR *Bytes, ULONG Count, SCSI_INQUIRY *Inquiry);
SCSI_SENSE ScsiParseSense(const UCHAR *Bytes, ULONG Count);

/*
 * => *Sectors 0: too many for READ CAPACITY (10), ask for the long answer.
 * => STATUS_NOT_SUPPORTED: a size of sectors that we do not have.  STATUS_DEVICE_PROTOCOL_ERROR:
 *    no answer.
 */
NT_MUST_CHECK NTSTATUS ScsiParseCapacity(const UCHAR *Bytes, ULONG Count, PULONG64 Sectors,
                                         PULONG SectorBytes);
NT_MUST_CHECK NTSTATUS ScsiParseLongCapacity(const UCHAR *Bytes, ULONG Count, PULONG64 Sectors,
                                             PULONG SectorBytes);

/* => Returns whether the answer says that the medium is protected. */
BOOLEAN ScsiParseProtection(const UCHAR *Bytes, ULONG Count);

#endif
