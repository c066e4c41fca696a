/* SPDX-License-Identifier: MIT */
/*
 * test_usb_scsi.c - commands byte by byte, and what answers mean.
 */
#include "disk/driver/usb_scsi.h"
#include "tests/unit/test.h"

#include <string.h>

static BOT_COMMAND Command;

static void CheckCdb(const char *Wanted, ULONG Bytes)
{
    CHECK_EQUAL(Bytes, Command.CdbBytes);
    CHECK(memcmp(Command.Cdb, Wanted, Bytes) == 0);
}

TEST(ScsiTransfer_uses_the_short_form_where_it_reaches)
{
    memset(&Command, 0xFF, sizeof(Command));
    ScsiTransfer(&Command, FALSE, 0x12345678, 0x80, 512);
    CheckCdb("\x28\x00\x12\x34\x56\x78\x00\x00\x80\x00", 10);
    CHECK(Command.ToHost && Command.Bytes == 0x10000);
    ScsiTransfer(&Command, TRUE, 0xFFFFFFFE, 1, 4096);
    CheckCdb("\x2A\x00\xFF\xFF\xFF\xFE\x00\x00\x01\x00", 10);
    CHECK(!Command.ToHost && Command.Bytes == 4096);
}

TEST(ScsiTransfer_uses_the_long_form_beyond)
{
    ScsiTransfer(&Command, FALSE, 0xFFFFFFFF, 1, 512);
    CheckCdb("\x88\x00\x00\x00\x00\x00\xFF\xFF\xFF\xFF\x00\x00\x00\x01\x00\x00", 16);
    ScsiTransfer(&Command, TRUE, 0x123456789Aull, 0x10, 512);
    CheckCdb("\x8A\x00\x00\x00\x00\x12\x34\x56\x78\x9A\x00\x00\x00\x10\x00\x00", 16);
}

TEST(Scsi_commands_say_how_much_they_want)
{
    ScsiInquiry(&Command);
    CheckCdb("\x12\x00\x00\x00\x24\x00", 6);
    CHECK(Command.ToHost && Command.Bytes == 36);
    ScsiTestUnitReady(&Command);
    CheckCdb("\x00\x00\x00\x00\x00\x00", 6);
    CHECK(Command.Bytes == 0);
    ScsiRequestSense(&Command);
    CheckCdb("\x03\x00\x00\x00\x12\x00", 6);
    ScsiReadCapacity(&Command);
    CheckCdb("\x25\x00\x00\x00\x00\x00\x00\x00\x00\x00", 10);
    CHECK_EQUAL(8, Command.Bytes);
    ScsiReadLongCapacity(&Command);
    CheckCdb("\x9E\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00", 16);
    ScsiModeSense(&Command);
    CheckCdb("\x1A\x00\x3F\x00\xC0\x00", 6);
    ScsiSynchronizeCache(&Command);
    CheckCdb("\x35\x00\x00\x00\x00\x00\x00\x00\x00\x00", 10);
    CHECK(Command.Bytes == 0 && Command.LimitMs == 30000);
}

TEST(ScsiParseInquiry_takes_disks_and_prints_their_names)
{
    UCHAR Bytes[36] = {0};
    SCSI_INQUIRY Inquiry;

    memcpy(Bytes + 8, "Acme \x01   Stick\xFF\x00           ", 24);
    ScsiParseInquiry(Bytes, sizeof(Bytes), &Inquiry);
    CHECK(Inquiry.IsDisk);
    CHECK_TEXT("Acme  Stick", Inquiry.Name);
    ScsiParseInquiry(Bytes, 20, &Inquiry);
    CHECK(Inquiry.IsDisk && Inquiry.Name[0] == 0);
    ScsiParseInquiry(Bytes, 0, &Inquiry);
    CHECK(!Inquiry.IsDisk);
    Bytes[0] = 5;
    ScsiParseInquiry(Bytes, sizeof(Bytes), &Inquiry);
    CHECK(!Inquiry.IsDisk);
    Bytes[0] = 0x20; /* a disk that is not connected */
    ScsiParseInquiry(Bytes, sizeof(Bytes), &Inquiry);
    CHECK(!Inquiry.IsDisk);
}

TEST(ScsiParseInquiry_has_room_for_the_longest_name)
{
    UCHAR Bytes[36] = {0};
    SCSI_INQUIRY Inquiry;

    memset(Bytes + 8, 'x', 28);
    ScsiParseInquiry(Bytes, sizeof(Bytes), &Inquiry);
    CHECK_TEXT("xxxxxxxx xxxxxxxxxxxxxxxx", Inquiry.Name);
}

TEST(ScsiParseSense_tells_what_to_do)
{
    static const struct {
        UCHAR Key;
        UCHAR Code;
        UCHAR Qualifier;
        SCSI_SENSE Sense;
    } Cases[] = {
        {0, 0, 0, ScsiTryAgain},     {1, 0, 0, ScsiGood},           {2, 0x04, 0x01, ScsiTryAgain},
        {2, 0x04, 0x03, ScsiFailed}, {2, 0x3A, 0x00, ScsiNoMedium}, {3, 0x11, 0, ScsiFailed},
        {4, 0x44, 0, ScsiFailed},    {5, 0x20, 0, ScsiUnsupported}, {5, 0x24, 0, ScsiUnsupported},
        {5, 0x21, 0, ScsiFailed},    {6, 0x29, 0, ScsiTryAgain},    {6, 0x28, 0, ScsiNewMedium},
        {7, 0x27, 0, ScsiProtected}, {0xB, 0, 0, ScsiAborted},      {0xD, 0, 0, ScsiFailed},
    };
    UCHAR Bytes[18] = {0x70};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        Bytes[2] = Cases[i].Key;
        Bytes[12] = Cases[i].Code;
        Bytes[13] = Cases[i].Qualifier;
        CHECK_EQUAL(Cases[i].Sense, ScsiParseSense(Bytes, sizeof(Bytes)));
    }
    CHECK_EQUAL(ScsiTryAgain, ScsiParseSense(Bytes, 2));
    Bytes[0] = 0x12;
    CHECK_EQUAL(ScsiTryAgain, ScsiParseSense(Bytes, sizeof(Bytes)));
}

TEST(ScsiParseCapacity_counts_sectors)
{
    static const UCHAR Bytes[] = {0x00, 0x0F, 0xFF, 0xFF, 0, 0, 2, 0};
    static const UCHAR Huge[] = {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 2, 0};
    static const UCHAR Odd[] = {0x00, 0x0F, 0xFF, 0xFF, 0, 0, 2, 8};
    ULONG64 Sectors;
    ULONG SectorBytes;

    CHECK_EQUAL(STATUS_SUCCESS, ScsiParseCapacity(Bytes, 8, &Sectors, &SectorBytes));
    CHECK(Sectors == 0x100000 && SectorBytes == 512);
    CHECK_EQUAL(STATUS_SUCCESS, ScsiParseCapacity(Huge, 8, &Sectors, &SectorBytes));
    CHECK_EQUAL(0, Sectors);
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, ScsiParseCapacity(Odd, 8, &Sectors, &SectorBytes));
    CHECK_EQUAL(STATUS_DEVICE_PROTOCOL_ERROR, ScsiParseCapacity(Bytes, 7, &Sectors, &SectorBytes));
}

TEST(ScsiParseLongCapacity_refuses_what_would_overflow)
{
    UCHAR Bytes[32] = {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 16, 0};
    ULONG64 Sectors;
    ULONG SectorBytes;

    CHECK_EQUAL(STATUS_SUCCESS, ScsiParseLongCapacity(Bytes, 32, &Sectors, &SectorBytes));
    CHECK(Sectors == 0x200000001ull && SectorBytes == 4096);
    memset(Bytes, 0xFF, 8);
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, ScsiParseLongCapacity(Bytes, 32, &Sectors, &SectorBytes));
    CHECK_EQUAL(STATUS_DEVICE_PROTOCOL_ERROR,
                ScsiParseLongCapacity(Bytes, 11, &Sectors, &SectorBytes));
}

TEST(ScsiParseProtection_believes_one_bit_of_four_bytes)
{
    static const UCHAR Bytes[] = {3, 0, 0x80, 0};

    CHECK(ScsiParseProtection(Bytes, 4));
    CHECK(!ScsiParseProtection(Bytes, 3));
}
