/* SPDX-License-Identifier: MIT */
/*
 * seed_acpi.h - 8 KB of physical memory with valid ACPI tables, for tests to break.
 *
 *     RSDP -> XSDT and RSDT -> FADT -> DSDT with _S5_ {5, 6}
 *                           -> MADT, HPET, MCFG, SSDT without _S5_
 */
#ifndef SEED_ACPI_H
#define SEED_ACPI_H

#include "arch/x86/acpi_tables.h"

#define SEED_ACPI_BASE  0x7F7E0000u
#define SEED_ACPI_BYTES 0x2000

/* Offsets of the tables in the memory. */
#define SEED_RSDP        0x0000
#define SEED_XSDT        0x0040
#define SEED_RSDT        0x00C0
#define SEED_FADT        0x0100
#define SEED_MADT        0x0200
#define SEED_HPET        0x0300
#define SEED_MCFG        0x0340
#define SEED_SSDT        0x03C0
#define SEED_DSDT        0x0400

#define SEED_ACPI_TABLES 6 /* named ones */

/* Where the parts of the DSDT stand: Name (_S5_, Package () { 5, 6, 0, 0 }). */
#define SEED_S5 (SEED_DSDT + 60)

typedef struct _SEED_ACPI {
    ULONG BytesRead;
    ULONG Calls;
    UCHAR Memory[SEED_ACPI_BYTES];
} SEED_ACPI;

void SeedAcpi(SEED_ACPI *Acpi);

/* Make the checksum of the table at Offset right, if its length is inside the memory. */
void SeedAcpiChecksum(SEED_ACPI *Acpi, ULONG Offset);

/* Make the checksums of the RSDP and of all tables right. */
void SeedAcpiChecksums(SEED_ACPI *Acpi);

/* The Context is a SEED_ACPI; other memory cannot be read. */
HAL_READ_PHYSICAL SeedAcpiRead;

#endif
