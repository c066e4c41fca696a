/* SPDX-License-Identifier: MIT */
/*
 * fuzz_acpi.c - changes to the seed's ACPI tables: bounded work, bounded facts.
 *
 * The input is a list of changes: triples of an offset (two bytes) and a value.  All checksums are
 * made right afterwards if byte 0 is odd.
 */
#include "tests/unit/seed_acpi.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

static void Require(BOOLEAN Condition)
{
    if (!Condition) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static SEED_ACPI Acpi;
    HAL_ACPI_FACTS Facts;
    SIZE_T Index;

    SeedAcpi(&Acpi);
    for (Index = 1; Index + 3 <= Size; Index += 3) {
        Acpi.Memory[(Data[Index] | Data[Index + 1] << 8) % SEED_ACPI_BYTES] = Data[Index + 2];
    }
    if (Size != 0 && Data[0] % 2 != 0) {
        SeedAcpiChecksums(&Acpi);
    }
    if (NT_SUCCESS(HalReadAcpiTables(SEED_ACPI_BASE, SeedAcpiRead, &Acpi, &Facts))) {
        Require(memchr(Facts.OemId, 0, sizeof(Facts.OemId)) != NULL);
    }
    Require(Acpi.BytesRead <= HAL_ACPI_READ_LIMIT);
    Require(Facts.IoApicCount <= HAL_ACPI_IO_APICS && Facts.OverrideCount <= HAL_ACPI_OVERRIDES);
    Require(Facts.SleepTypeA <= 7 && Facts.SleepTypeB <= 7);
    Require(Facts.EcamFirstBus <= Facts.EcamLastBus);
    for (Index = 0; Index < HAL_ACPI_TABLE_NAMES; Index++) {
        Require(memchr(Facts.TableNames[Index], 0, 5) != NULL);
    }
    return 0;
}
