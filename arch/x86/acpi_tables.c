/* SPDX-License-Identifier: MIT */
/*
 * acpi_tables.c - from the RSDP to checked tables.
 *
 *     RSDP --> XSDT (64-bit entries), else RSDT (32-bit entries) --> FADT --> DSDT
 *                                                                --> MADT, HPET, MCFG, SSDT, ...
 *
 * The tables are in physical memory that nobody has mapped, and firmware is not always right about
 * them.  So every byte comes through HalpRead, which has an allowance, and nothing of a table is
 * looked at before its length and checksum are right.  There is no recursion: only the root's
 * entries and the FADT's DSDT are followed, so tables that point at each other do no harm.
 *
 * Layouts: ACPI specification 6.5, chapter 5.2.
 */
#include "arch/x86/acpi_private.h"
#include "rtl.h"

/* Offsets in the RSDP. */
#define RSDP_OEM_ID       9
#define RSDP_REVISION     15
#define RSDP_RSDT         16
#define RSDP_LENGTH       20
#define RSDP_XSDT         24
#define RSDP_BYTES_1      20 /* of revision 0, under the first checksum */
#define RSDP_BYTES_2      36 /* of revision 2 */
#define RSDP_REVISION_2   2
#define RSDP_LENGTH_LIMIT PAGE_SIZE /* generous: no revision is longer than 36 bytes */

/* Offsets in a table's header. */
#define HEADER_LENGTH   4
#define HEADER_REVISION 8

/* Bytes summed at a time. */
#define SUM_CHUNK 512

USHORT HalpGet16(const UCHAR *Bytes, ULONG Offset)
{
    return (USHORT)(Bytes[Offset] | Bytes[Offset + 1] << 8);
}

ULONG HalpGet32(const UCHAR *Bytes, ULONG Offset)
{
    return HalpGet16(Bytes, Offset) | (ULONG)HalpGet16(Bytes, Offset + 2) << 16;
}

ULONG64 HalpGet64(const UCHAR *Bytes, ULONG Offset)
{
    return HalpGet32(Bytes, Offset) | (ULONG64)HalpGet32(Bytes, Offset + 4) << 32;
}

BOOLEAN HalpRead(PHALP_ACPI Acpi, ULONG64 Physical, PVOID Buffer, ULONG Bytes)
{
    if (Bytes > Acpi->BytesLeft || Physical > ~(ULONG64)0 - Bytes) {
        return FALSE;
    }
    Acpi->BytesLeft -= Bytes;
    return Acpi->Read(Acpi->Context, Physical, Buffer, Bytes);
}

/* => TRUE when the bytes can be read and add up to 0. */
static BOOLEAN HalpChecksumIsRight(PHALP_ACPI Acpi, ULONG64 Physical, ULONG Bytes)
{
    UCHAR Chunk[SUM_CHUNK];
    UCHAR Sum = 0;
    ULONG Size;
    ULONG Index;

    for (; Bytes != 0; Bytes -= Size, Physical += Size) {
        Size = Bytes < SUM_CHUNK ? Bytes : SUM_CHUNK;
        if (!HalpRead(Acpi, Physical, Chunk, Size)) {
            return FALSE;
        }
        for (Index = 0; Index < Size; Index++) {
            Sum = (UCHAR)(Sum + Chunk[Index]);
        }
    }
    return Sum == 0;
}

/* Firmware's names are not always text, but what we print is. */
static void HalpCopyName(char *To, const UCHAR *From, ULONG Bytes)
{
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        To[Index] = From[Index] >= ' ' && From[Index] <= '~' ? (char)From[Index] : '?';
    }
    To[Bytes] = 0;
}

/* => FALSE: it is no table.  Counts nothing, notes nothing. */
static BOOLEAN HalpCheckTable(PHALP_ACPI Acpi, ULONG64 Physical, PHALP_TABLE Table)
{
    UCHAR Header[HALP_HEADER_BYTES];
    ULONG Bytes;

    if (Physical == 0 || !HalpRead(Acpi, Physical, Header, sizeof(Header))) {
        return FALSE;
    }
    Bytes = HalpGet32(Header, HEADER_LENGTH);
    if (Bytes < HALP_HEADER_BYTES || Bytes > HALP_TABLE_LIMIT ||
        !HalpChecksumIsRight(Acpi, Physical, Bytes)) {
        return FALSE;
    }
    Table->Physical = Physical;
    Table->Bytes = Bytes;
    Table->Revision = Header[HEADER_REVISION];
    HalpCopyName(Table->Signature, Header, 4);
    return TRUE;
}

BOOLEAN HalpOpenTable(PHALP_ACPI Acpi, ULONG64 Physical, PHALP_TABLE Table)
{
    PHAL_ACPI_FACTS Facts = Acpi->Facts;

    if (!HalpCheckTable(Acpi, Physical, Table)) {
        Facts->BadTables++;
        return FALSE;
    }
    if (Facts->TableCount < HAL_ACPI_TABLE_NAMES) {
        memcpy(Facts->TableNames[Facts->TableCount], Table->Signature, sizeof(Table->Signature));
    }
    Facts->TableCount++;
    return TRUE;
}

BOOLEAN HalpReadTable(PHALP_ACPI Acpi, const HALP_TABLE *Table, UCHAR *Buffer, ULONG Bytes)
{
    memset(Buffer, 0, Bytes);
    return HalpRead(Acpi, Table->Physical, Buffer, Table->Bytes < Bytes ? Table->Bytes : Bytes);
}

/* Follow the entries of an RSDT or XSDT.  => FALSE: there is no such table. */
static BOOLEAN HalpReadRoot(PHALP_ACPI Acpi, ULONG64 Physical, const char *Signature,
                            ULONG EntryBytes)
{
    UCHAR Entry[8] = {0};
    HALP_TABLE Root;
    HALP_TABLE Table;
    ULONG Offset;

    if (Physical == 0) {
        return FALSE;
    }
    if (!HalpCheckTable(Acpi, Physical, &Root) || strcmp(Root.Signature, Signature) != 0) {
        Acpi->Facts->BadTables++;
        return FALSE;
    }
    for (Offset = HALP_HEADER_BYTES; Offset + EntryBytes <= Root.Bytes; Offset += EntryBytes) {
        if (!HalpRead(Acpi, Physical + Offset, Entry, EntryBytes)) {
            break; /* the allowance is used up, so every further entry would fail too */
        }
        if (HalpOpenTable(Acpi, HalpGet64(Entry, 0), &Table)) {
            HalpReadContents(Acpi, &Table);
        }
    }
    return TRUE;
}

/* Revision 2 added the XSDT and a second checksum.  => Returns its address; 0: there is none. */
static ULONG64 HalpFindXsdt(PHALP_ACPI Acpi, ULONG64 RsdpPhysical)
{
    UCHAR Rsdp[RSDP_BYTES_2];
    ULONG Bytes;

    if (HalpRead(Acpi, RsdpPhysical, Rsdp, RSDP_BYTES_2)) {
        Bytes = HalpGet32(Rsdp, RSDP_LENGTH);
        if (Bytes >= RSDP_BYTES_2 && Bytes <= RSDP_LENGTH_LIMIT &&
            HalpChecksumIsRight(Acpi, RsdpPhysical, Bytes)) {
            return HalpGet64(Rsdp, RSDP_XSDT);
        }
    }
    Acpi->Facts->BadTables++;
    return 0;
}

static NTSTATUS HalpReadRsdp(PHALP_ACPI Acpi, ULONG64 Physical)
{
    UCHAR Rsdp[RSDP_BYTES_1];

    if (Physical == 0 || !HalpRead(Acpi, Physical, Rsdp, RSDP_BYTES_1) ||
        memcmp(Rsdp, "RSD PTR ", 8) != 0 || !HalpChecksumIsRight(Acpi, Physical, RSDP_BYTES_1)) {
        return STATUS_NOT_FOUND;
    }
    HalpCopyName(Acpi->Facts->OemId, Rsdp + RSDP_OEM_ID, 6);
    Acpi->Facts->Revision = Rsdp[RSDP_REVISION];
    if (Rsdp[RSDP_REVISION] >= RSDP_REVISION_2 &&
        HalpReadRoot(Acpi, HalpFindXsdt(Acpi, Physical), "XSDT", 8)) {
        return STATUS_SUCCESS;
    }
    if (HalpReadRoot(Acpi, HalpGet32(Rsdp, RSDP_RSDT), "RSDT", 4)) {
        return STATUS_SUCCESS;
    }
    return STATUS_NOT_FOUND;
}

NTSTATUS HalReadAcpiTables(ULONG64 RsdpPhysical, HAL_READ_PHYSICAL *Read, PVOID Context,
                           HAL_ACPI_FACTS *Facts)
{
    HALP_ACPI Acpi;

    memset(Facts, 0, sizeof(*Facts));
    Facts->HasPic8259 = TRUE;
    Facts->Has8042 = TRUE;
    Facts->HasVga = TRUE;
    memset(&Acpi, 0, sizeof(Acpi));
    Acpi.Read = Read;
    Acpi.Context = Context;
    Acpi.BytesLeft = HAL_ACPI_READ_LIMIT;
    Acpi.Facts = Facts;
    return HalpReadRsdp(&Acpi, RsdpPhysical);
}
