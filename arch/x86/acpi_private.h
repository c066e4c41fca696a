/* SPDX-License-Identifier: MIT */
/*
 * acpi_private.h - the two parts of the ACPI reader: finding and checking tables (acpi_tables.c),
 * and what stands in them (acpi_contents.c).
 */
#ifndef ARCH_X86_ACPI_PRIVATE_H
#define ARCH_X86_ACPI_PRIVATE_H

#include "arch/x86/acpi_tables.h"

/* A reader with the rest of its allowance, and the result so far. */
typedef struct _HALP_ACPI {
    HAL_READ_PHYSICAL *Read;
    PVOID Context;
    ULONG BytesLeft; /* of HAL_ACPI_READ_LIMIT */
    BOOLEAN FadtSeen;
    BOOLEAN MadtSeen;
    BOOLEAN HpetSeen;
    BOOLEAN McfgSeen;
    PHAL_ACPI_FACTS Facts;
} HALP_ACPI, *PHALP_ACPI;

/* A table whose length and checksum are right. */
typedef struct _HALP_TABLE {
    ULONG64 Physical;
    ULONG Bytes; /* with its header of HALP_HEADER_BYTES */
    UCHAR Revision;
    char Signature[5];
} HALP_TABLE, *PHALP_TABLE;

#define HALP_HEADER_BYTES 36

/* No table of a PC is longer: the longest DSDTs known have half a megabyte. */
#define HALP_TABLE_LIMIT 0x100000u

/* Little-endian fields at any alignment. */
USHORT HalpGet16(const UCHAR *Bytes, ULONG Offset);
ULONG HalpGet32(const UCHAR *Bytes, ULONG Offset);
ULONG64 HalpGet64(const UCHAR *Bytes, ULONG Offset);

/* => FALSE: the memory cannot be read, wraps around, or the allowance is used up. */
BOOLEAN HalpRead(PHALP_ACPI Acpi, ULONG64 Physical, PVOID Buffer, ULONG Bytes);

/*
 * Check a table and note its name.
 *
 * => FALSE: it was counted as a bad one, and *Table is left alone.
 */
BOOLEAN HalpOpenTable(PHALP_ACPI Acpi, ULONG64 Physical, PHALP_TABLE Table);

/*
 * Read the first Bytes bytes of a table; where the table is shorter they are zero, as older
 * revisions of a table are prefixes of the newer ones.
 *
 * => FALSE: it cannot be read.
 */
BOOLEAN HalpReadTable(PHALP_ACPI Acpi, const HALP_TABLE *Table, UCHAR *Buffer, ULONG Bytes);

/* Take from a table what there is to know.  Of FADT, MADT, HPET and MCFG the first counts. */
void HalpReadContents(PHALP_ACPI Acpi, const HALP_TABLE *Table);

#endif
