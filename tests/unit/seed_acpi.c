/* SPDX-License-Identifier: MIT */
/*
 * seed_acpi.c - writes the tables that seed_acpi.h lists, much as QEMU's q35 has them.
 */
#include "seed_acpi.h"
#include "seed_elf.h"

#include <string.h>

static const ULONG Tables[] = {SEED_XSDT, SEED_RSDT, SEED_FADT, SEED_MADT,
                               SEED_HPET, SEED_MCFG, SEED_SSDT, SEED_DSDT};

/* What XSDT and RSDT list. */
static const ULONG Listed[] = {SEED_FADT, SEED_MADT, SEED_HPET, SEED_MCFG, SEED_SSDT};

static UCHAR Sum(const UCHAR *Bytes, ULONG Count)
{
    UCHAR Total = 0;

    while (Count-- != 0) {
        Total = (UCHAR)(Total + *Bytes++);
    }
    return Total;
}

void SeedAcpiChecksum(SEED_ACPI *Acpi, ULONG Offset)
{
    UCHAR *Table = Acpi->Memory + Offset;
    ULONG Bytes = Table[4] | Table[5] << 8 | Table[6] << 16 | (ULONG)Table[7] << 24;

    if (Bytes <= SEED_ACPI_BYTES - Offset) {
        Table[9] = (UCHAR)(Table[9] - Sum(Table, Bytes));
    }
}

void SeedAcpiChecksums(SEED_ACPI *Acpi)
{
    UCHAR *Rsdp = Acpi->Memory + SEED_RSDP;
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Tables); Index++) {
        SeedAcpiChecksum(Acpi, Tables[Index]);
    }
    Rsdp[8] = (UCHAR)(Rsdp[8] - Sum(Rsdp, 20));
    Rsdp[32] = (UCHAR)(Rsdp[32] - Sum(Rsdp, 36));
}

static void PutHeader(UCHAR *Table, const char *Signature, ULONG Bytes, UCHAR Revision)
{
    memcpy(Table, Signature, 4);
    SeedPut(Table, 4, 4, Bytes);
    Table[8] = Revision;
    memcpy(Table + 10, "BOCHS BXPC    ", 14);
}

static void PutRoots(UCHAR *Memory)
{
    UCHAR *Rsdp = Memory + SEED_RSDP;
    ULONG Index;

    memcpy(Rsdp, "RSD PTR ", 8);
    memcpy(Rsdp + 9, "BOCHS ", 6);
    Rsdp[15] = 2;
    SeedPut(Rsdp, 16, 4, SEED_ACPI_BASE + SEED_RSDT);
    SeedPut(Rsdp, 20, 4, 36);
    SeedPut(Rsdp, 24, 8, SEED_ACPI_BASE + SEED_XSDT);
    PutHeader(Memory + SEED_XSDT, "XSDT", 36 + 8 * RTL_NUMBER_OF(Listed), 1);
    PutHeader(Memory + SEED_RSDT, "RSDT", 36 + 4 * RTL_NUMBER_OF(Listed), 1);
    for (Index = 0; Index < RTL_NUMBER_OF(Listed); Index++) {
        SeedPut(Memory + SEED_XSDT, 36 + 8 * Index, 8, SEED_ACPI_BASE + Listed[Index]);
        SeedPut(Memory + SEED_RSDT, 36 + 4 * Index, 4, SEED_ACPI_BASE + Listed[Index]);
    }
}

static void PutGas(UCHAR *Table, ULONG Offset, UCHAR Space, ULONG64 Address)
{
    Table[Offset] = Space;
    Table[Offset + 1] = 32;
    SeedPut(Table, Offset + 4, 8, Address);
}

static void PutFadt(UCHAR *Fadt)
{
    PutHeader(Fadt, "FACP", 244, 3);
    SeedPut(Fadt, 40, 4, SEED_ACPI_BASE + SEED_DSDT);
    SeedPut(Fadt, 48, 4, 0xB2);   /* SMI command port */
    Fadt[52] = 2;                 /* ACPI enable */
    SeedPut(Fadt, 64, 4, 0x604);  /* PM1a control */
    SeedPut(Fadt, 76, 4, 0x608);  /* PM timer */
    Fadt[91] = 4;                 /* its length */
    SeedPut(Fadt, 109, 2, 0x2);   /* 8042 */
    SeedPut(Fadt, 112, 4, 0x4A5); /* flags: reset register, a timer of 24 bits */
    PutGas(Fadt, 116, 1, 0xCF9);  /* reset register */
    Fadt[128] = 0x0F;             /* its value */
    SeedPut(Fadt, 140, 8, SEED_ACPI_BASE + SEED_DSDT);
    PutGas(Fadt, 172, 1, 0x604);
    PutGas(Fadt, 208, 1, 0x608);
}

static void PutMadt(UCHAR *Madt)
{
    static const UCHAR Entries[] = {
        0, 8,  0,    0, 1, 0, 0,    0,                   /* processor 0 */
        0, 8,  1,    1, 1, 0, 0,    0,                   /* processor 1 */
        0, 8,  2,    2, 0, 0, 0,    0,                   /* a socket without processor */
        1, 12, 7,    0, 0, 0, 0xC0, 0xFE, 0,    0, 0, 0, /* I/O APIC 7 at FEC00000 */
        2, 10, 0,    0, 2, 0, 0,    0,    0,    0,       /* interrupt 0 is input 2 */
        2, 10, 0,    9, 9, 0, 0,    0,    0x0D, 0,       /* interrupt 9: level, high */
        4, 6,  0xFF, 0, 0, 1,                            /* a local NMI */
        9, 16, 0,    0, 0, 1, 0,    0,    1,    0, 0, 0, 3, 0, 0, 0, /* processor 256 by x2APIC */
    };

    PutHeader(Madt, "APIC", 44 + sizeof(Entries), 3);
    SeedPut(Madt, 36, 4, 0xFEE00000);
    SeedPut(Madt, 40, 4, 1);
    memcpy(Madt + 44, Entries, sizeof(Entries));
}

void SeedAcpi(SEED_ACPI *Acpi)
{
    static const UCHAR S5[] = {0x08, '_',  'S', '5',  '_', 0x12, 0x08,
                               0x04, 0x0A, 5,   0x0A, 6,   0x00, 0x00};
    UCHAR *Memory = Acpi->Memory;

    memset(Acpi, 0, sizeof(*Acpi));
    PutRoots(Memory);
    PutFadt(Memory + SEED_FADT);
    PutMadt(Memory + SEED_MADT);
    PutHeader(Memory + SEED_HPET, "HPET", 56, 1);
    PutGas(Memory + SEED_HPET, 40, 0, 0xFED00000);
    PutHeader(Memory + SEED_MCFG, "MCFG", 60, 1);
    SeedPut(Memory + SEED_MCFG, 44, 8, 0xB0000000);
    Memory[SEED_MCFG + 44 + 11] = 0xFF;
    PutHeader(Memory + SEED_SSDT, "SSDT", 40, 1);
    PutHeader(Memory + SEED_DSDT, "DSDT", SEED_S5 + sizeof(S5) - SEED_DSDT, 1);
    memcpy(Memory + SEED_S5, S5, sizeof(S5));
    SeedAcpiChecksums(Acpi);
}

BOOLEAN SeedAcpiRead(PVOID Context, ULONG64 Physical, PVOID Buffer, ULONG Bytes)
{
    SEED_ACPI *Acpi = Context;

    Acpi->Calls++;
    Acpi->BytesRead += Bytes;
    if (Physical < SEED_ACPI_BASE || Physical - SEED_ACPI_BASE > SEED_ACPI_BYTES ||
        Bytes > SEED_ACPI_BYTES - (Physical - SEED_ACPI_BASE)) {
        return FALSE;
    }
    memcpy(Buffer, Acpi->Memory + (Physical - SEED_ACPI_BASE), Bytes);
    return TRUE;
}
