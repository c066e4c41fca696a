/* SPDX-License-Identifier: MIT */
/*
 * acpi.c - the machine's ACPI facts, read once.
 */
#include "arch/x86/acpi.h"

#include "arch/x86/mmu.h"

HAL_ACPI_FACTS HalAcpi;
NTSTATUS HalAcpiStatus;

void HalInitializeAcpi(ULONG64 RsdpPhysical)
{
    HalAcpiStatus = HalReadAcpiTables(RsdpPhysical, HalCopyPhysical, NULL, &HalAcpi);
}
