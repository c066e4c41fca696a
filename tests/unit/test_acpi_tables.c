/* SPDX-License-Identifier: MIT */
/*
 * test_acpi_tables.c - the seed's facts, then one broken or odd table at a time.
 */
#include "arch/x86/acpi_tables.h"
#include "seed_acpi.h"
#include "seed_elf.h"
#include "test.h"

#include <string.h>

static SEED_ACPI Acpi;
static HAL_ACPI_FACTS Facts;

static NTSTATUS ReadTables(void)
{
    memset(&Facts, 0xCC, sizeof(Facts));
    return HalReadAcpiTables(SEED_ACPI_BASE + SEED_RSDP, SeedAcpiRead, &Acpi, &Facts);
}

/* The seed with one field changed and all checksums right. */
static void Change(ULONG Offset, ULONG Bytes, ULONG64 Value)
{
    SeedPut(Acpi.Memory, Offset, Bytes, Value);
    SeedAcpiChecksums(&Acpi);
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
}

static void ChangeSeed(ULONG Offset, ULONG Bytes, ULONG64 Value)
{
    SeedAcpi(&Acpi);
    Change(Offset, Bytes, Value);
}

/* What holds for a PC without ACPI. */
static void CheckNotFound(void)
{
    CHECK_EQUAL(STATUS_NOT_FOUND, ReadTables());
    CHECK(Facts.HasPic8259 && Facts.Has8042 && Facts.HasVga);
    CHECK_EQUAL(0, Facts.TableCount);
    CHECK_EQUAL(0, Facts.LocalApicPhysical);
    CHECK_EQUAL(0, Facts.PmTimerPort);
    CHECK(!Facts.Reset.Present && !Facts.SleepS5Present);
}

TEST(ReadAcpiTables_names_the_tables_it_finds)
{
    SeedAcpi(&Acpi);
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
    CHECK_TEXT("BOCHS ", Facts.OemId);
    CHECK_EQUAL(2, Facts.Revision);
    CHECK_EQUAL(0, Facts.BadTables);
    CHECK_EQUAL(SEED_ACPI_TABLES, Facts.TableCount);
    CHECK_TEXT("FACP", Facts.TableNames[0]);
    CHECK_TEXT("DSDT", Facts.TableNames[1]);
    CHECK_TEXT("APIC", Facts.TableNames[2]);
    CHECK_TEXT("HPET", Facts.TableNames[3]);
    CHECK_TEXT("MCFG", Facts.TableNames[4]);
    CHECK_TEXT("SSDT", Facts.TableNames[5]);
    CHECK_TEXT("", Facts.TableNames[6]);
}

TEST(ReadAcpiTables_reads_the_interrupt_controllers)
{
    SeedAcpi(&Acpi);
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
    CHECK_EQUAL(0xFEE00000, Facts.LocalApicPhysical);
    CHECK(Facts.HasPic8259);
    CHECK_EQUAL(3, Facts.ProcessorCount);
    CHECK_EQUAL(1, Facts.IoApicCount);
    CHECK_EQUAL(7, Facts.IoApics[0].Id);
    CHECK_EQUAL(0xFEC00000, Facts.IoApics[0].Physical);
    CHECK_EQUAL(0, Facts.IoApics[0].GsiBase);
    CHECK_EQUAL(2, Facts.OverrideCount);
    CHECK_EQUAL(0, Facts.Overrides[0].Source);
    CHECK_EQUAL(2, Facts.Overrides[0].Gsi);
    CHECK_EQUAL(9, Facts.Overrides[1].Source);
    CHECK_EQUAL(0x0D, Facts.Overrides[1].Flags);
}

TEST(ReadAcpiTables_reads_the_fixed_hardware)
{
    SeedAcpi(&Acpi);
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
    CHECK_EQUAL(0x608, Facts.PmTimerPort);
    CHECK(!Facts.PmTimer32Bit);
    CHECK_EQUAL(0, Facts.PmTimerMemory);
    CHECK(Facts.Has8042 && Facts.HasVga && !Facts.HardwareReduced);
    CHECK(Facts.Reset.Present);
    CHECK_EQUAL(1, Facts.Reset.AddressSpace);
    CHECK_EQUAL(0xCF9, Facts.Reset.Address);
    CHECK_EQUAL(0x0F, Facts.Reset.Value);
    CHECK_EQUAL(0x604, Facts.Pm1aControlPort);
    CHECK_EQUAL(0, Facts.Pm1bControlPort);
    CHECK_EQUAL(0xB2, Facts.SmiCommandPort);
    CHECK_EQUAL(2, Facts.AcpiEnable);
}

TEST(ReadAcpiTables_reads_sleep_types_HPET_and_MCFG)
{
    SeedAcpi(&Acpi);
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
    CHECK(Facts.SleepS5Present);
    CHECK_EQUAL(5, Facts.SleepTypeA);
    CHECK_EQUAL(6, Facts.SleepTypeB);
    CHECK_EQUAL(0xFED00000, Facts.HpetPhysical);
    CHECK_EQUAL(0xB0000000, Facts.EcamPhysical);
    CHECK_EQUAL(0, Facts.EcamFirstBus);
    CHECK_EQUAL(0xFF, Facts.EcamLastBus);
}

TEST(ReadAcpiTables_without_a_valid_RSDP_finds_nothing)
{
    SeedAcpi(&Acpi);
    Acpi.Memory[SEED_RSDP + 8]++;
    CheckNotFound();
    SeedAcpi(&Acpi);
    Acpi.Memory[SEED_RSDP] = 'r';
    SeedAcpiChecksums(&Acpi);
    CheckNotFound();
    CHECK_EQUAL(STATUS_NOT_FOUND, HalReadAcpiTables(0, SeedAcpiRead, &Acpi, &Facts));
    CHECK_EQUAL(STATUS_NOT_FOUND, HalReadAcpiTables(~(ULONG64)0, SeedAcpiRead, &Acpi, &Facts));
}

TEST(ReadAcpiTables_of_ACPI_1_takes_the_RSDT)
{
    ChangeSeed(SEED_RSDP + 15, 1, 0);
    CHECK_EQUAL(0, Facts.Revision);
    CHECK_EQUAL(SEED_ACPI_TABLES, Facts.TableCount);
    CHECK_EQUAL(0, Facts.BadTables);
}

TEST(ReadAcpiTables_falls_back_from_a_bad_XSDT_to_the_RSDT)
{
    SeedAcpi(&Acpi);
    Acpi.Memory[SEED_RSDP + 32]++; /* the second checksum */
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
    CHECK_EQUAL(SEED_ACPI_TABLES, Facts.TableCount);
    CHECK_EQUAL(1, Facts.BadTables);
    SeedAcpi(&Acpi);
    Acpi.Memory[SEED_XSDT + 9]++;
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
    CHECK_EQUAL(SEED_ACPI_TABLES, Facts.TableCount);
    CHECK_EQUAL(1, Facts.BadTables);
    ChangeSeed(SEED_XSDT, 1, 'Y');
    CHECK_EQUAL(SEED_ACPI_TABLES, Facts.TableCount);
    ChangeSeed(SEED_RSDP + 20, 4, 35);
    CHECK_EQUAL(1, Facts.BadTables);
    ChangeSeed(SEED_RSDP + 20, 4, 0xFFFFFFFF);
    CHECK_EQUAL(1, Facts.BadTables);
    ChangeSeed(SEED_RSDP + 24, 8, 0);
    CHECK_EQUAL(SEED_ACPI_TABLES, Facts.TableCount);
    CHECK_EQUAL(0, Facts.BadTables);
}

TEST(ReadAcpiTables_without_a_valid_root_table_finds_nothing)
{
    SeedAcpi(&Acpi);
    Acpi.Memory[SEED_XSDT + 9]++;
    Acpi.Memory[SEED_RSDT + 9]++;
    CheckNotFound();
    CHECK_EQUAL(2, Facts.BadTables);
}

TEST(ReadAcpiTables_skips_and_counts_bad_tables)
{
    SeedAcpi(&Acpi);
    Acpi.Memory[SEED_MADT + 50]++;
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
    CHECK_EQUAL(1, Facts.BadTables);
    CHECK_EQUAL(SEED_ACPI_TABLES - 1, Facts.TableCount);
    CHECK_EQUAL(0, Facts.ProcessorCount);
    CHECK_EQUAL(0xFED00000, Facts.HpetPhysical);
    ChangeSeed(SEED_HPET + 4, 4, 35);
    CHECK_EQUAL(1, Facts.BadTables);
    ChangeSeed(SEED_HPET + 4, 4, 0x100001);
    CHECK_EQUAL(1, Facts.BadTables);
    ChangeSeed(SEED_HPET + 4, 4, 0xFFFFFFFF);
    CHECK_EQUAL(1, Facts.BadTables);
    CHECK_EQUAL(0, Facts.HpetPhysical);
    ChangeSeed(SEED_XSDT + 36 + 8, 8, 0);
    CHECK_EQUAL(1, Facts.BadTables);
    ChangeSeed(SEED_XSDT + 36 + 8, 8, 0xFFFFFFFFFFFFFFF0);
    CHECK_EQUAL(1, Facts.BadTables);
}

TEST(ReadAcpiTables_follows_no_cycle)
{
    SeedAcpi(&Acpi);
    SeedPut(Acpi.Memory, SEED_XSDT + 36 + 8, 8, SEED_ACPI_BASE + SEED_XSDT);
    SeedPut(Acpi.Memory, SEED_XSDT + 36 + 16, 8, SEED_ACPI_BASE + SEED_RSDP);
    Change(SEED_FADT + 140, 8, SEED_ACPI_BASE + SEED_FADT);
    CHECK_EQUAL(1, Facts.BadTables);
    CHECK_TEXT("FACP", Facts.TableNames[0]);
    CHECK_TEXT("FACP", Facts.TableNames[1]); /* what pretends to be the DSDT */
    CHECK_TEXT("DSDT", Facts.TableNames[2]); /* from the field of 32 bits */
    CHECK_TEXT("XSDT", Facts.TableNames[3]);
    CHECK(Facts.SleepS5Present);
}

TEST(ReadAcpiTables_takes_the_first_of_two_tables)
{
    SeedAcpi(&Acpi);
    memcpy(Acpi.Memory + SEED_SSDT, Acpi.Memory + SEED_HPET, 56);
    Change(SEED_SSDT + 44, 8, 0x12345000);
    CHECK_EQUAL(0xFED00000, Facts.HpetPhysical);
    CHECK_EQUAL(SEED_ACPI_TABLES, Facts.TableCount);
}

TEST(ReadAcpiTables_counts_more_tables_than_it_names)
{
    ULONG Index;

    SeedAcpi(&Acpi);
    SeedPut(Acpi.Memory, SEED_RSDP + 24, 8, SEED_ACPI_BASE + 0x1000);
    memcpy(Acpi.Memory + 0x1000, Acpi.Memory + SEED_XSDT, 36);
    SeedPut(Acpi.Memory, 0x1004, 4, 36 + 8 * 50 + 7); /* and most of an entry */
    for (Index = 0; Index < 50; Index++) {
        SeedPut(Acpi.Memory, 0x1000 + 36 + 8 * Index, 8, SEED_ACPI_BASE + SEED_SSDT);
    }
    Change(SEED_SSDT, 1, 0x07);
    SeedAcpiChecksum(&Acpi, 0x1000);
    CHECK_EQUAL(STATUS_SUCCESS, ReadTables());
    CHECK_EQUAL(50, Facts.TableCount);
    CHECK_EQUAL(0, Facts.BadTables);
    for (Index = 0; Index < HAL_ACPI_TABLE_NAMES; Index++) {
        CHECK_TEXT("?SDT", Facts.TableNames[Index]);
    }
}

TEST(ReadAcpiTables_prints_odd_names_as_text)
{
    ChangeSeed(SEED_RSDP + 9, 6, 0x207E1F7F00FF);
    CHECK_TEXT("???"
               "?~ ",
               Facts.OemId);
}

TEST(ReadFadt_of_ACPI_1_tells_nothing_of_8042_VGA_and_reset)
{
    SeedAcpi(&Acpi);
    SeedPut(Acpi.Memory, SEED_FADT + 8, 1, 1);
    SeedPut(Acpi.Memory, SEED_FADT + 109, 2, 0x4);
    Change(SEED_FADT + 4, 4, 116);
    CHECK(Facts.Has8042 && Facts.HasVga);
    CHECK(!Facts.Reset.Present);
    CHECK_EQUAL(0x608, Facts.PmTimerPort);
    CHECK_EQUAL(0x604, Facts.Pm1aControlPort);
    CHECK(Facts.SleepS5Present);
}

TEST(ReadFadt_believes_revision_3_about_8042_and_VGA)
{
    ChangeSeed(SEED_FADT + 109, 2, 0x4);
    CHECK(!Facts.Has8042 && !Facts.HasVga);
    ChangeSeed(SEED_FADT + 8, 1, 2);
    CHECK(Facts.Has8042 && Facts.HasVga);
}

TEST(ReadFadt_finds_the_PM_timer_wherever_it_is)
{
    ChangeSeed(SEED_FADT + 208, 1, 0); /* GAS: memory */
    CHECK_EQUAL(0x608, Facts.PmTimerPort);
    CHECK_EQUAL(0, Facts.PmTimerMemory);
    Change(SEED_FADT + 91, 1, 0); /* no port either */
    CHECK_EQUAL(0, Facts.PmTimerPort);
    CHECK_EQUAL(0x608, Facts.PmTimerMemory);
    ChangeSeed(SEED_FADT + 212, 8, 0x10608); /* GAS: no port has such a number */
    CHECK_EQUAL(0x608, Facts.PmTimerPort);
    Change(SEED_FADT + 76, 4, 0x10608);
    CHECK_EQUAL(0, Facts.PmTimerPort);
    ChangeSeed(SEED_FADT + 212, 8, 0x408);
    CHECK_EQUAL(0x408, Facts.PmTimerPort);
    ChangeSeed(SEED_FADT + 112, 4, 0x500);
    CHECK(Facts.PmTimer32Bit);
}

TEST(ReadFadt_of_a_hardware_reduced_machine_has_no_fixed_hardware)
{
    ChangeSeed(SEED_FADT + 112, 4, 0x100400);
    CHECK(Facts.HardwareReduced);
    CHECK_EQUAL(0, Facts.PmTimerPort);
    CHECK_EQUAL(0, Facts.Pm1aControlPort);
    CHECK_EQUAL(0, Facts.SmiCommandPort);
    CHECK(Facts.Reset.Present && Facts.SleepS5Present);
}

TEST(ReadFadt_takes_no_reset_register_that_makes_no_sense)
{
    ChangeSeed(SEED_FADT + 112, 4, 0);
    CHECK(!Facts.Reset.Present);
    ChangeSeed(SEED_FADT + 116, 1, 3);
    CHECK(!Facts.Reset.Present);
    ChangeSeed(SEED_FADT + 120, 8, 0);
    CHECK(!Facts.Reset.Present);
    ChangeSeed(SEED_FADT + 120, 8, 0x10000);
    CHECK(!Facts.Reset.Present);
    Change(SEED_FADT + 116, 1, 0); /* a fine address in memory */
    CHECK(Facts.Reset.Present);
    ChangeSeed(SEED_FADT + 116, 1, 2);
    CHECK_EQUAL(2, Facts.Reset.AddressSpace);
}

TEST(ReadFadt_takes_no_SMI_command_that_is_no_port)
{
    ChangeSeed(SEED_FADT + 48, 4, 0x10000);
    CHECK_EQUAL(0, Facts.SmiCommandPort);
    CHECK_EQUAL(0, Facts.AcpiEnable);
}

TEST(ReadMadt_takes_a_long_address_of_the_local_APICs)
{
    static const UCHAR Entry[] = {5, 12, 0, 0, 0, 0, 0, 0x10, 1, 0, 0, 0};

    SeedAcpi(&Acpi);
    memcpy(Acpi.Memory + SEED_MADT + 44, Entry, sizeof(Entry));
    Change(SEED_MADT + 40, 4, 0);
    CHECK_EQUAL(0x110000000, Facts.LocalApicPhysical);
    CHECK(!Facts.HasPic8259);
}

TEST(ReadMadt_stops_at_an_entry_that_does_not_fit)
{
    ChangeSeed(SEED_MADT + 44 + 8 + 1, 1, 0); /* the second entry */
    CHECK_EQUAL(1, Facts.ProcessorCount);
    ChangeSeed(SEED_MADT + 44 + 8 + 1, 1, 1);
    CHECK_EQUAL(1, Facts.ProcessorCount);
    ChangeSeed(SEED_MADT + 44 + 8 + 1, 1, 255);
    CHECK_EQUAL(1, Facts.ProcessorCount);
    ChangeSeed(SEED_MADT + 4, 4, 44 + 8 + 7);
    CHECK_EQUAL(1, Facts.ProcessorCount);
    ChangeSeed(SEED_MADT + 4, 4, 43); /* not even the fixed part */
    CHECK_EQUAL(0, Facts.ProcessorCount);
}

TEST(ReadMadt_takes_no_entry_shorter_than_its_kind)
{
    ChangeSeed(SEED_MADT + 44 + 1, 1, 7);
    CHECK_EQUAL(0, Facts.IoApicCount); /* all that follows is shifted */
    CHECK_EQUAL(0, Facts.OverrideCount);
}

TEST(ReadMadt_ignores_overrides_of_other_buses_and_interrupts)
{
    ChangeSeed(SEED_MADT + 44 + 36 + 2, 1, 1);
    CHECK_EQUAL(1, Facts.OverrideCount);
    ChangeSeed(SEED_MADT + 44 + 36 + 3, 1, 16);
    CHECK_EQUAL(1, Facts.OverrideCount);
    CHECK_EQUAL(9, Facts.Overrides[0].Source);
    ChangeSeed(SEED_MADT + 44 + 46 + 3, 1, 0); /* both are interrupt 0 */
    CHECK_EQUAL(1, Facts.OverrideCount);
    CHECK_EQUAL(9, Facts.Overrides[0].Gsi);
}

TEST(ReadMadt_keeps_as_many_controllers_as_there_is_room_for)
{
    static const UCHAR IoApic[] = {1, 12, 0, 0, 0, 0, 0xC0, 0xFE, 0, 0, 0, 0};
    ULONG Index;

    SeedAcpi(&Acpi);
    memcpy(Acpi.Memory + 0x1000, Acpi.Memory + SEED_MADT, 44);
    for (Index = 0; Index < 20; Index++) {
        memcpy(Acpi.Memory + 0x1000 + 44 + 12 * Index, IoApic, sizeof(IoApic));
        Acpi.Memory[0x1000 + 44 + 12 * Index + 2] = (UCHAR)Index;
    }
    SeedPut(Acpi.Memory, 0x1004, 4, 44 + 12 * 20);
    SeedPut(Acpi.Memory, 0x1000 + 44 + 4, 4, 0); /* the first has no address */
    SeedAcpiChecksum(&Acpi, 0x1000);
    Change(SEED_XSDT + 36 + 8, 8, SEED_ACPI_BASE + 0x1000);
    CHECK_EQUAL(HAL_ACPI_IO_APICS, Facts.IoApicCount);
    CHECK_EQUAL(1, Facts.IoApics[0].Id);
    CHECK_EQUAL(HAL_ACPI_IO_APICS, Facts.IoApics[HAL_ACPI_IO_APICS - 1].Id);
}

TEST(ReadHpet_takes_memory_only)
{
    ChangeSeed(SEED_HPET + 40, 1, 1);
    CHECK_EQUAL(0, Facts.HpetPhysical);
    ChangeSeed(SEED_HPET + 4, 4, 48); /* half the address */
    CHECK_EQUAL(0xFED00000, Facts.HpetPhysical);
}

TEST(ReadMcfg_takes_segment_0_only)
{
    ChangeSeed(SEED_MCFG + 44 + 8, 2, 1);
    CHECK_EQUAL(0, Facts.EcamPhysical);
    ChangeSeed(SEED_MCFG + 44, 8, 0);
    CHECK_EQUAL(0, Facts.EcamLastBus);
    SeedAcpi(&Acpi);
    Acpi.Memory[SEED_MCFG + 44 + 10] = 9; /* the first bus behind the last */
    Change(SEED_MCFG + 44 + 11, 1, 8);
    CHECK_EQUAL(0, Facts.EcamPhysical);
    ChangeSeed(SEED_MCFG + 4, 4, 59);
    CHECK_EQUAL(0, Facts.EcamPhysical);
    SeedAcpi(&Acpi);
    memcpy(Acpi.Memory + SEED_MCFG + 60, Acpi.Memory + SEED_MCFG + 44, 16);
    SeedPut(Acpi.Memory, SEED_MCFG + 44 + 8, 2, 1);
    SeedPut(Acpi.Memory, SEED_MCFG + 60 + 11, 1, 63);
    Change(SEED_MCFG + 4, 4, 76);
    CHECK_EQUAL(0xB0000000, Facts.EcamPhysical);
    CHECK_EQUAL(63, Facts.EcamLastBus);
}

/* The seed with these bytes from its NameOp on. */
static void ChangeS5(const char *Bytes, ULONG Count)
{
    SeedAcpi(&Acpi);
    memset(Acpi.Memory + SEED_S5, 0, 32);
    memcpy(Acpi.Memory + SEED_S5, Bytes, Count);
    Change(SEED_DSDT + 4, 4, SEED_S5 + Count - SEED_DSDT);
}

#define CHANGE_S5(Bytes) ChangeS5(Bytes, sizeof(Bytes) - 1)

static void CheckS5(BOOLEAN Present, UCHAR TypeA, UCHAR TypeB)
{
    CHECK_EQUAL(Present, Facts.SleepS5Present);
    CHECK_EQUAL(TypeA, Facts.SleepTypeA);
    CHECK_EQUAL(TypeB, Facts.SleepTypeB);
}

TEST(FindSleepTypes_reads_every_form_of_an_integer)
{
    CHANGE_S5("\x08_S5_\x12\x04\x02\x00\x01");
    CheckS5(TRUE, 0, 1);
    CHANGE_S5("\x08\\_S5_\x12\x06\x04\x0A\x07\x0A\x00\x00\x00");
    CheckS5(TRUE, 7, 0);
    CHANGE_S5("\x08_S5_\x12\x40\x00\x02\x0B\x03\x00\x0C\x04\x00\x00\x00");
    CheckS5(TRUE, 3, 4);
    CHANGE_S5("\x08_S5_\x12\xC0\x00\x00\x00\x02\x0A\x01\x0A\x02");
    CheckS5(TRUE, 1, 2);
}

TEST(FindSleepTypes_takes_nothing_else)
{
    CHANGE_S5("\x08_S5_\x12\x04\x02\x0A\x08\x00"); /* 8 has four bits */
    CheckS5(FALSE, 0, 0);
    CHANGE_S5("\x08_S5_\x12\x04\x02\x00\x0B\x07\x01");
    CheckS5(FALSE, 0, 0);
    CHANGE_S5("\x08_S5_\x12\x04\x02\xFF\x00");
    CheckS5(FALSE, 0, 0);
    CHANGE_S5("\x08_S5_\x12\x04\x01\x00\x00"); /* one element */
    CheckS5(FALSE, 0, 0);
    CHANGE_S5("\x08_S5_\x13\x04\x02\x00\x01"); /* no package */
    CheckS5(FALSE, 0, 0);
    CHANGE_S5("\x09_S5_\x12\x04\x02\x00\x01"); /* no definition of a name */
    CheckS5(FALSE, 0, 0);
    CHANGE_S5("\\_S5_\x12\x04\x02\x00\x01");
    CheckS5(FALSE, 0, 0);
    CHANGE_S5("\x08_S4_\x12\x04\x02\x00\x01");
    CheckS5(FALSE, 0, 0);
}

TEST(FindSleepTypes_takes_no_object_that_is_cut)
{
    static const char Whole[] = "\x08_S5_\x12\x86\x00\x00\x02\x0A\x05\x0C\x06\x00\x00\x00";
    ULONG Count = sizeof(Whole) - 1;

    ChangeS5(Whole, Count);
    CheckS5(TRUE, 5, 6);
    while (Count-- != 0) { /* downwards: what a window held before must not count */
        ChangeS5(Whole, Count);
        CheckS5(FALSE, 0, 0);
    }
}

TEST(FindSleepTypes_takes_the_first_of_two_and_skips_broken_ones)
{
    CHANGE_S5("\x08_S5_\x12\x04\x02\xFF\x00\x08_S5_\x12\x04\x02\x01\x00");
    CheckS5(TRUE, 1, 0);
    SeedAcpi(&Acpi);
    memcpy(Acpi.Memory + SEED_S5 + 0x400, Acpi.Memory + SEED_S5, 14);
    SeedPut(Acpi.Memory, SEED_S5 + 0x400 + 9, 1, 3);
    Change(SEED_DSDT + 4, 4, 0x800); /* the second lies two windows on */
    CheckS5(TRUE, 5, 6);
}

TEST(FindSleepTypes_finds_it_at_every_distance)
{
    static const char Object[] =
        "\x08\\_S5_\x12\xC6\x00\x00\x00\x02\x0C\x05\x00\x00\x00\x0C\x06\0\0";
    ULONG Offset;

    for (Offset = 36; Offset < 36 + 1100; Offset++) {
        SeedAcpi(&Acpi);
        memset(Acpi.Memory + SEED_DSDT + 36, '_', 0x800);
        memcpy(Acpi.Memory + SEED_DSDT + Offset, Object, sizeof(Object));
        Change(SEED_DSDT + 4, 4, Offset + sizeof(Object));
        CheckS5(TRUE, 5, 6);
        Change(SEED_DSDT + 4, 4, 0x800);
        CheckS5(TRUE, 5, 6);
    }
}

TEST(FindSleepTypes_asks_the_SSDTs_when_the_DSDT_has_none)
{
    SeedAcpi(&Acpi);
    memcpy(Acpi.Memory + SEED_SSDT + 36, Acpi.Memory + SEED_S5, 14);
    SeedPut(Acpi.Memory, SEED_SSDT + 36 + 9, 1, 3);
    Change(SEED_SSDT + 4, 4, 36 + 14);
    CheckS5(TRUE, 5, 6); /* the DSDT's */
    Change(SEED_S5, 1, 0);
    CheckS5(TRUE, 3, 6);
    SeedPut(Acpi.Memory, SEED_XSDT + 36 + 8, 8, SEED_ACPI_BASE + SEED_SSDT);
    SeedPut(Acpi.Memory, SEED_XSDT + 36, 8, SEED_ACPI_BASE + SEED_SSDT);
    Change(SEED_XSDT + 36 + 16, 8, SEED_ACPI_BASE + SEED_FADT);
    CheckS5(TRUE, 3, 6);
    Change(SEED_S5, 1, 8); /* seen later, but it wins */
    CheckS5(TRUE, 5, 6);
}

#define BIG_BASE  0x100000000
#define BIG_TABLE 0x100000u

/* Two tables of a megabyte: a root whose entries all lead to the other. */
typedef struct _BIG {
    SEED_ACPI Seed; /* for the RSDP */
    ULONG Calls;
    ULONG BytesRead;
    UCHAR Memory[2 * BIG_TABLE];
} BIG;

static BOOLEAN BigRead(PVOID Context, ULONG64 Physical, PVOID Buffer, ULONG Bytes)
{
    BIG *Big = Context;

    Big->Calls++;
    Big->BytesRead += Bytes;
    if (Physical < BIG_BASE) {
        return SeedAcpiRead(&Big->Seed, Physical, Buffer, Bytes);
    }
    memcpy(Buffer, Big->Memory + (Physical - BIG_BASE), Bytes);
    return TRUE;
}

static void PutBigTable(UCHAR *Table, const char *Signature)
{
    UCHAR Sum = 0;
    ULONG Index;

    memcpy(Table, Signature, 4);
    SeedPut(Table, 4, 4, BIG_TABLE);
    for (Index = 0; Index < BIG_TABLE; Index++) {
        Sum = (UCHAR)(Sum + Table[Index]);
    }
    Table[9] = (UCHAR)-Sum;
}

TEST(ReadAcpiTables_reads_at_most_its_allowance)
{
    static BIG Big;
    ULONG Offset;

    memset(&Big, 0, sizeof(Big));
    SeedAcpi(&Big.Seed);
    SeedPut(Big.Seed.Memory, SEED_RSDP + 24, 8, BIG_BASE);
    SeedAcpiChecksums(&Big.Seed);
    for (Offset = 36; Offset + 8 <= BIG_TABLE; Offset += 8) {
        SeedPut(Big.Memory, Offset, 8, BIG_BASE + BIG_TABLE);
    }
    PutBigTable(Big.Memory, "XSDT");
    PutBigTable(Big.Memory + BIG_TABLE, "OEM0");
    CHECK_EQUAL(STATUS_SUCCESS, HalReadAcpiTables(SEED_ACPI_BASE, BigRead, &Big, &Facts));
    CHECK_EQUAL(2, Facts.TableCount);
    CHECK(Facts.BadTables != 0);
    CHECK(Big.BytesRead <= HAL_ACPI_READ_LIMIT);
    CHECK(Big.BytesRead > HAL_ACPI_READ_LIMIT / 2);
}
