/* SPDX-License-Identifier: MIT */
/*
 * acpi.h - the machine's ACPI facts.
 */
#ifndef X86_ACPI_H
#define X86_ACPI_H

#include "arch/x86/acpi_tables.h"

/* (I) Filled by HalInitializeAcpi; without tables it holds what is true of a PC without ACPI. */
extern HAL_ACPI_FACTS HalAcpi;

/* (I) What HalReadAcpiTables said. */
extern NTSTATUS HalAcpiStatus;

void HalInitializeAcpi(ULONG64 RsdpPhysical);

#endif
