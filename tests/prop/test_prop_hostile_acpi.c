/* SPDX-License-Identifier: MIT */
/*
 * test_prop_hostile_acpi.c - broken copies of the seed tables give bounded work and bounded facts.
 *
 * Checksums are made right again after most of the breaking: otherwise nothing behind them would
 * ever be tested.  Every second input also changes while it is read, as memory that a device
 * writes to does.
 */
#include "tests/unit/seed_acpi.h"
#include "tests/unit/seed_elf.h"
#include "tests/unit/test.h"

#include <string.h>

/* All that the seed's 8 KB can cost: a table is summed, read again, and its entries once more. */
#define CALLS_MOST (16 * SEED_ACPI_BYTES)

typedef struct _LIAR {
    uint64_t State;
    BOOLEAN Lies;
    SEED_ACPI Acpi;
} LIAR;

static BOOLEAN LiarRead(PVOID Context, ULONG64 Physical, PVOID Buffer, ULONG Bytes)
{
    LIAR *Liar = Context;

    if (Liar->Lies && TestRandom(&Liar->State) % 32 == 0) {
        ULONG Offset = TestRandom(&Liar->State) % SEED_S5;

        Liar->Acpi.Memory[Offset] ^= (UCHAR)(1u << TestRandom(&Liar->State) % 8);
    }
    return SeedAcpiRead(&Liar->Acpi, Physical, Buffer, Bytes);
}

static void Break(LIAR *Liar)
{
    static const UCHAR Edges[] = {0, 1, 2, 7, 8, 12, 16, 35, 36, 44, 0x7F, 0x80, 0xFF};
    ULONG Changes = 1 + TestRandom(&Liar->State) % 6;

    while (Changes-- != 0) {
        ULONG Offset = TestRandom(&Liar->State) % (SEED_S5 + 16);

        if (TestRandom(&Liar->State) % 4 == 0) {
            SeedPut(Liar->Acpi.Memory, Offset & ~3u, 4,
                    SEED_ACPI_BASE + TestRandom(&Liar->State) % SEED_ACPI_BYTES);
        } else {
            Liar->Acpi.Memory[Offset] = Edges[TestRandom(&Liar->State) % RTL_NUMBER_OF(Edges)];
        }
    }
    if (TestRandom(&Liar->State) % 8 != 0) {
        SeedAcpiChecksums(&Liar->Acpi);
    }
}

static void CheckName(const char *Name, ULONG Bytes)
{
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        CHECK(Name[Index] >= ' ' && Name[Index] <= '~');
    }
    CHECK_EQUAL(0, Name[Bytes]);
}

static void CheckFacts(const HAL_ACPI_FACTS *Facts)
{
    ULONG Index;

    CHECK(Facts->IoApicCount <= HAL_ACPI_IO_APICS);
    CHECK(Facts->OverrideCount <= HAL_ACPI_OVERRIDES);
    for (Index = 0; Index < Facts->OverrideCount; Index++) {
        CHECK(Facts->Overrides[Index].Source < 16);
    }
    for (Index = 0; Index < Facts->TableCount && Index < HAL_ACPI_TABLE_NAMES; Index++) {
        CheckName(Facts->TableNames[Index], 4);
    }
    CHECK(Facts->SleepTypeA <= 7 && Facts->SleepTypeB <= 7);
    CHECK(Facts->SleepS5Present || (Facts->SleepTypeA == 0 && Facts->SleepTypeB == 0));
    CHECK(Facts->EcamFirstBus <= Facts->EcamLastBus);
    CHECK(!Facts->Reset.Present || (Facts->Reset.AddressSpace <= 2 && Facts->Reset.Address != 0));
    CHECK(Facts->PmTimerPort == 0 || Facts->PmTimerMemory == 0);
}

TEST(Hostile_ACPI_tables_cost_bounded_work_and_give_bounded_facts)
{
    static LIAR Liar;
    static HAL_ACPI_FACTS Facts;
    SEED_ACPI Seed;
    uint64_t Rounds = TestRounds(100000);
    uint64_t Found = 0;
    uint64_t Bad = 0;

    SeedAcpi(&Seed);
    Liar.State = TestSeed();
    while (Rounds-- != 0) {
        memcpy(&Liar.Acpi, &Seed, sizeof(Seed));
        Liar.Lies = Rounds % 2;
        Break(&Liar);
        memset(&Facts, 0xCC, sizeof(Facts));
        if (HalReadAcpiTables(SEED_ACPI_BASE, LiarRead, &Liar, &Facts) == STATUS_SUCCESS) {
            CheckName(Facts.OemId, 6);
            Found++;
        }
        CheckFacts(&Facts);
        Bad += Facts.BadTables != 0;
        CHECK(Liar.Acpi.BytesRead <= HAL_ACPI_READ_LIMIT);
        CHECK(Liar.Acpi.Calls <= CALLS_MOST);
    }
    CHECK(Found != 0 && Bad != 0);
}
