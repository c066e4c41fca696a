/* SPDX-License-Identifier: MIT */
/*
 * acpi_contents.c - what stands in the FADT, MADT, HPET, MCFG, and in the DSDT's _S5_.
 *
 * All tables that come here have the right checksum, which says nothing about their contents:
 * entries may be cut, ports may not be ports.  A field that makes no sense counts as absent.
 *
 * Layouts: ACPI specification 6.5, chapters 5.2.9 (FADT), 5.2.12 (MADT), 20.2 (AML encoding);
 * IA-PC HPET specification 1.0a, 3.2.4; PCI firmware specification 3.3, 4.1.2 (MCFG).
 */
#include "arch/x86/acpi_private.h"
#include "rtl.h"

/* ---- generic address structure: 12 bytes ---- */

#define GAS_BYTES        12
#define GAS_SPACE        0
#define GAS_ADDRESS      4

#define GAS_SPACE_MEMORY 0
#define GAS_SPACE_PORT   1
#define GAS_SPACE_PCI    2

#define PORT_LIMIT       0x10000u

/* => Returns the port of a GAS, or else the 32-bit field of ACPI 1, or 0. */
static USHORT HalpFindPort(const UCHAR *Gas, ULONG Block)
{
    ULONG64 Address = HalpGet64(Gas, GAS_ADDRESS);

    if (Gas[GAS_SPACE] == GAS_SPACE_PORT && Address != 0 && Address < PORT_LIMIT) {
        return (USHORT)Address;
    }
    return Block < PORT_LIMIT ? (USHORT)Block : 0;
}

/* ---- _S5_ ---- */

#define AML_NAME_OP     0x08
#define AML_PACKAGE_OP  0x12
#define AML_ZERO_OP     0x00
#define AML_ONE_OP      0x01
#define AML_BYTE_OP     0x0A
#define AML_WORD_OP     0x0B
#define AML_DWORD_OP    0x0C

#define SLEEP_TYPE_MOST 7 /* SLP_TYP has 3 bits */

/*
 * A window slides over the AML.  Windows overlap by what the object takes at most: NameOp and
 * root character, 4 letters, PackageOp, 4 bytes of length, the count, two integers of 5 bytes:
 * 22, rounded up.
 */
#define AML_WINDOW  512
#define AML_OVERLAP 32

/* Bytes [Next, End) of a window. */
typedef struct _HALP_AML {
    const UCHAR *Next;
    const UCHAR *End;
} HALP_AML, *PHALP_AML;

/* => FALSE: the window ends before. */
static BOOLEAN HalpTakeAml(PHALP_AML Aml, ULONG Bytes, const UCHAR **Taken)
{
    if ((SIZE_T)(Aml->End - Aml->Next) < Bytes) {
        return FALSE;
    }
    *Taken = Aml->Next;
    Aml->Next += Bytes;
    return TRUE;
}

/* Take an integer constant.  => FALSE: it is none, or no sleep type. */
static BOOLEAN HalpTakeSleepType(PHALP_AML Aml, PUCHAR Type)
{
    const UCHAR *Bytes;
    ULONG Value;

    if (!HalpTakeAml(Aml, 1, &Bytes)) {
        return FALSE;
    }
    if (*Bytes == AML_ZERO_OP || *Bytes == AML_ONE_OP) {
        *Type = *Bytes;
        return TRUE;
    }
    if (*Bytes == AML_BYTE_OP && HalpTakeAml(Aml, 1, &Bytes)) {
        Value = *Bytes;
    } else if (*Bytes == AML_WORD_OP && HalpTakeAml(Aml, 2, &Bytes)) {
        Value = HalpGet16(Bytes, 0);
    } else if (*Bytes == AML_DWORD_OP && HalpTakeAml(Aml, 4, &Bytes)) {
        Value = HalpGet32(Bytes, 0);
    } else {
        return FALSE;
    }
    *Type = (UCHAR)Value;
    return Value <= SLEEP_TYPE_MOST;
}

/*
 * Aml stands behind "_S5_".  The package's length has one lead byte, whose two highest bits count
 * the bytes that follow.
 */
static BOOLEAN HalpTakeSleepPackage(HALP_AML Aml, PHAL_ACPI_FACTS Facts)
{
    const UCHAR *Bytes;
    UCHAR TypeA;
    UCHAR TypeB;

    if (!HalpTakeAml(&Aml, 2, &Bytes) || Bytes[0] != AML_PACKAGE_OP ||
        !HalpTakeAml(&Aml, Bytes[1] >> 6, &Bytes)) {
        return FALSE;
    }
    if (!HalpTakeAml(&Aml, 1, &Bytes) || *Bytes < 2) {
        return FALSE; /* fewer than two elements */
    }
    if (!HalpTakeSleepType(&Aml, &TypeA) || !HalpTakeSleepType(&Aml, &TypeB)) {
        return FALSE;
    }
    Facts->SleepS5Present = TRUE;
    Facts->SleepTypeA = TypeA;
    Facts->SleepTypeB = TypeB;
    return TRUE;
}

/* Look for Name (_S5_, Package () {..}) in a window.  => FALSE: it is not there as a whole. */
static BOOLEAN HalpSearchWindow(const UCHAR *Window, ULONG Bytes, PHAL_ACPI_FACTS Facts)
{
    HALP_AML Aml;
    ULONG Index;

    for (Index = 1; Index + 4 <= Bytes; Index++) {
        if (memcmp(Window + Index, "_S5_", 4) != 0) {
            continue;
        }
        if (Window[Index - 1] != AML_NAME_OP &&
            (Window[Index - 1] != '\\' || Index < 2 || Window[Index - 2] != AML_NAME_OP)) {
            continue;
        }
        Aml.Next = Window + Index + 4;
        Aml.End = Window + Bytes;
        if (HalpTakeSleepPackage(Aml, Facts)) {
            return TRUE;
        }
    }
    return FALSE;
}

static void HalpFindSleepTypes(PHALP_ACPI Acpi, const HALP_TABLE *Table)
{
    UCHAR Window[AML_WINDOW];
    ULONG Offset = HALP_HEADER_BYTES;
    ULONG Bytes;

    while (Offset < Table->Bytes) {
        Bytes = Table->Bytes - Offset < AML_WINDOW ? Table->Bytes - Offset : AML_WINDOW;
        if (!HalpRead(Acpi, Table->Physical + Offset, Window, Bytes) ||
            HalpSearchWindow(Window, Bytes, Acpi->Facts) || Bytes < AML_WINDOW) {
            return;
        }
        Offset += AML_WINDOW - AML_OVERLAP;
    }
}

/* ---- FADT: the fixed hardware ---- */

#define FADT_DSDT         40
#define FADT_SMI_COMMAND  48
#define FADT_ACPI_ENABLE  52
#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68
#define FADT_PM_TIMER     76
#define FADT_PM_TIMER_LEN 91
#define FADT_BOOT_ARCH    109
#define FADT_FLAGS        112
#define FADT_RESET        116 /* GAS */
#define FADT_RESET_VALUE  128
#define FADT_X_DSDT       140
#define FADT_X_PM1A       172 /* GAS */
#define FADT_X_PM1B       184 /* GAS */
#define FADT_X_PM_TIMER   208 /* GAS */
#define FADT_BYTES        220 /* as far as we look */

/* FADT_BOOT_ARCH, defined since revision 3 */
#define FADT_BOOT_ARCH_REVISION 3
#define FADT_BOOT_ARCH_8042     0x0002
#define FADT_BOOT_ARCH_NO_VGA   0x0004

/* FADT_FLAGS */
#define FADT_FLAG_TIMER_32BIT      0x00000100u
#define FADT_FLAG_RESET            0x00000400u
#define FADT_FLAG_HARDWARE_REDUCED 0x00100000u

#define PM_TIMER_BYTES             4 /* the documented length of its block; 0 = absent */

static void HalpReadPmTimer(const UCHAR *Fadt, PHAL_ACPI_FACTS Facts)
{
    const UCHAR *Gas = Fadt + FADT_X_PM_TIMER;
    ULONG Block = Fadt[FADT_PM_TIMER_LEN] == PM_TIMER_BYTES ? HalpGet32(Fadt, FADT_PM_TIMER) : 0;

    Facts->PmTimerPort = HalpFindPort(Gas, Block);
    if (Facts->PmTimerPort == 0 && Gas[GAS_SPACE] == GAS_SPACE_MEMORY) {
        Facts->PmTimerMemory = HalpGet64(Gas, GAS_ADDRESS);
    }
    Facts->PmTimer32Bit = (HalpGet32(Fadt, FADT_FLAGS) & FADT_FLAG_TIMER_32BIT) != 0;
}

static void HalpReadReset(const UCHAR *Fadt, PHAL_ACPI_FACTS Facts)
{
    const UCHAR *Gas = Fadt + FADT_RESET;
    ULONG64 Address = HalpGet64(Gas, GAS_ADDRESS);

    if ((HalpGet32(Fadt, FADT_FLAGS) & FADT_FLAG_RESET) == 0 || Address == 0 ||
        Gas[GAS_SPACE] > GAS_SPACE_PCI ||
        (Gas[GAS_SPACE] == GAS_SPACE_PORT && Address >= PORT_LIMIT)) {
        return;
    }
    Facts->Reset.Present = TRUE;
    Facts->Reset.AddressSpace = Gas[GAS_SPACE];
    Facts->Reset.Address = Address;
    Facts->Reset.Value = Fadt[FADT_RESET_VALUE];
}

/* Hardware-reduced machines have none of these, whatever their fields say. */
static void HalpReadFixedHardware(const UCHAR *Fadt, PHAL_ACPI_FACTS Facts)
{
    ULONG SmiCommand = HalpGet32(Fadt, FADT_SMI_COMMAND);

    HalpReadPmTimer(Fadt, Facts);
    Facts->Pm1aControlPort = HalpFindPort(Fadt + FADT_X_PM1A, HalpGet32(Fadt, FADT_PM1A_CONTROL));
    Facts->Pm1bControlPort = HalpFindPort(Fadt + FADT_X_PM1B, HalpGet32(Fadt, FADT_PM1B_CONTROL));
    if (SmiCommand != 0 && SmiCommand < PORT_LIMIT) {
        Facts->SmiCommandPort = (USHORT)SmiCommand;
        Facts->AcpiEnable = Fadt[FADT_ACPI_ENABLE];
    }
}

/* => FALSE: there is no DSDT at that address. */
static BOOLEAN HalpReadDsdt(PHALP_ACPI Acpi, ULONG64 Physical)
{
    HALP_TABLE Dsdt;

    if (Physical == 0 || !HalpOpenTable(Acpi, Physical, &Dsdt) ||
        strcmp(Dsdt.Signature, "DSDT") != 0) {
        return FALSE;
    }
    HalpFindSleepTypes(Acpi, &Dsdt);
    return TRUE;
}

static void HalpReadFadt(PHALP_ACPI Acpi, const HALP_TABLE *Table)
{
    PHAL_ACPI_FACTS Facts = Acpi->Facts;
    UCHAR Fadt[FADT_BYTES];
    ULONG64 LongDsdt;
    ULONG BootArch;
    ULONG Dsdt;

    if (!HalpReadTable(Acpi, Table, Fadt, sizeof(Fadt))) {
        return;
    }
    BootArch = HalpGet16(Fadt, FADT_BOOT_ARCH);
    if (Table->Revision >= FADT_BOOT_ARCH_REVISION) {
        Facts->Has8042 = (BootArch & FADT_BOOT_ARCH_8042) != 0;
        Facts->HasVga = (BootArch & FADT_BOOT_ARCH_NO_VGA) == 0;
    }
    Facts->HardwareReduced = (HalpGet32(Fadt, FADT_FLAGS) & FADT_FLAG_HARDWARE_REDUCED) != 0;
    if (!Facts->HardwareReduced) {
        HalpReadFixedHardware(Fadt, Facts);
    }
    HalpReadReset(Fadt, Facts);
    LongDsdt = HalpGet64(Fadt, FADT_X_DSDT);
    Dsdt = HalpGet32(Fadt, FADT_DSDT);
    if (!HalpReadDsdt(Acpi, LongDsdt) && Dsdt != LongDsdt) {
        (void)HalpReadDsdt(Acpi, Dsdt);
    }
}

/* ---- MADT: interrupt controllers ---- */

#define MADT_LOCAL_APIC     36
#define MADT_FLAGS          40
#define MADT_ENTRIES        44
#define MADT_FLAG_PC_AT     0x00000001u /* there are two 8259s */
#define MADT_ENABLED        0x00000001u
#define MADT_ISA_BUS        0
#define MADT_ISA_INTERRUPTS 16

/* The longest entry that we read: 16 bytes of MadtLocalX2Apic. */
#define MADT_ENTRY_BYTES 16

enum {
    MadtLocalApic = 0,   /* 4: flags */
    MadtIoApic = 1,      /* 2: id, 4: address, 8: first global interrupt */
    MadtOverride = 2,    /* 2: bus, 3: source, 4: global interrupt, 8: flags */
    MadtApicAddress = 5, /* 4: address of 64 bits */
    MadtLocalX2Apic = 9  /* 8: flags */
};

static void HalpAddIoApic(const UCHAR *Entry, PHAL_ACPI_FACTS Facts)
{
    PHAL_IO_APIC New = &Facts->IoApics[Facts->IoApicCount];

    if (Facts->IoApicCount == HAL_ACPI_IO_APICS || HalpGet32(Entry, 4) == 0) {
        return;
    }
    New->Id = Entry[2];
    New->Physical = HalpGet32(Entry, 4);
    New->GsiBase = HalpGet32(Entry, 8);
    Facts->IoApicCount++;
}

/* Of two overrides of one interrupt the later counts, so 16 are enough. */
static void HalpAddOverride(const UCHAR *Entry, PHAL_ACPI_FACTS Facts)
{
    PHAL_INTERRUPT_OVERRIDE Override;
    ULONG Index = 0;

    if (Entry[2] != MADT_ISA_BUS || Entry[3] >= MADT_ISA_INTERRUPTS) {
        return;
    }
    while (Index < Facts->OverrideCount && Facts->Overrides[Index].Source != Entry[3]) {
        Index++;
    }
    Override = &Facts->Overrides[Index];
    Facts->OverrideCount += Index == Facts->OverrideCount;
    Override->Source = Entry[3];
    Override->Gsi = HalpGet32(Entry, 4);
    Override->Flags = HalpGet16(Entry, 8);
}

/* Entry holds Bytes bytes and zeros up to MADT_ENTRY_BYTES. */
static void HalpReadMadtEntry(const UCHAR *Entry, ULONG Bytes, PHAL_ACPI_FACTS Facts)
{
    if (Entry[0] == MadtLocalApic && Bytes >= 8) {
        Facts->ProcessorCount += (HalpGet32(Entry, 4) & MADT_ENABLED) != 0;
    } else if (Entry[0] == MadtLocalX2Apic && Bytes >= 16) {
        Facts->ProcessorCount += (HalpGet32(Entry, 8) & MADT_ENABLED) != 0;
    } else if (Entry[0] == MadtIoApic && Bytes >= 12) {
        HalpAddIoApic(Entry, Facts);
    } else if (Entry[0] == MadtOverride && Bytes >= 10) {
        HalpAddOverride(Entry, Facts);
    } else if (Entry[0] == MadtApicAddress && Bytes >= 12) {
        Facts->LocalApicPhysical = HalpGet64(Entry, 4);
    }
}

/* The entries have a type and a length, and end where one does not fit any more. */
static void HalpReadMadt(PHALP_ACPI Acpi, const HALP_TABLE *Table)
{
    UCHAR Fixed[MADT_ENTRIES];
    UCHAR Entry[MADT_ENTRY_BYTES];
    ULONG Offset;
    ULONG Bytes;

    if (!HalpReadTable(Acpi, Table, Fixed, sizeof(Fixed))) {
        return;
    }
    Acpi->Facts->LocalApicPhysical = HalpGet32(Fixed, MADT_LOCAL_APIC);
    Acpi->Facts->HasPic8259 = (HalpGet32(Fixed, MADT_FLAGS) & MADT_FLAG_PC_AT) != 0;
    for (Offset = MADT_ENTRIES; Offset + 2 <= Table->Bytes; Offset += Entry[1]) {
        Bytes = Table->Bytes - Offset < MADT_ENTRY_BYTES ? Table->Bytes - Offset : MADT_ENTRY_BYTES;
        memset(Entry, 0, sizeof(Entry));
        if (!HalpRead(Acpi, Table->Physical + Offset, Entry, Bytes) || Entry[1] < 2 ||
            Entry[1] > Table->Bytes - Offset) {
            return;
        }
        HalpReadMadtEntry(Entry, Entry[1], Acpi->Facts);
    }
}

/* ---- HPET and MCFG ---- */

#define HPET_ADDRESS 40 /* GAS */
#define HPET_BYTES   (HPET_ADDRESS + GAS_BYTES)

static void HalpReadHpet(PHALP_ACPI Acpi, const HALP_TABLE *Table)
{
    UCHAR Hpet[HPET_BYTES];

    if (HalpReadTable(Acpi, Table, Hpet, sizeof(Hpet)) &&
        Hpet[HPET_ADDRESS + GAS_SPACE] == GAS_SPACE_MEMORY) {
        Acpi->Facts->HpetPhysical = HalpGet64(Hpet, HPET_ADDRESS + GAS_ADDRESS);
    }
}

#define MCFG_ENTRIES     44
#define MCFG_ENTRY_BYTES 16
#define MCFG_SEGMENT     8
#define MCFG_FIRST_BUS   10
#define MCFG_LAST_BUS    11

static void HalpReadMcfg(PHALP_ACPI Acpi, const HALP_TABLE *Table)
{
    PHAL_ACPI_FACTS Facts = Acpi->Facts;
    UCHAR Entry[MCFG_ENTRY_BYTES];
    ULONG Offset;

    for (Offset = MCFG_ENTRIES; Offset + MCFG_ENTRY_BYTES <= Table->Bytes;
         Offset += MCFG_ENTRY_BYTES) {
        if (!HalpRead(Acpi, Table->Physical + Offset, Entry, sizeof(Entry))) {
            return;
        }
        if (HalpGet16(Entry, MCFG_SEGMENT) == 0 && HalpGet64(Entry, 0) != 0 &&
            Entry[MCFG_FIRST_BUS] <= Entry[MCFG_LAST_BUS]) {
            Facts->EcamPhysical = HalpGet64(Entry, 0);
            Facts->EcamFirstBus = Entry[MCFG_FIRST_BUS];
            Facts->EcamLastBus = Entry[MCFG_LAST_BUS];
            return;
        }
    }
}

void HalpReadContents(PHALP_ACPI Acpi, const HALP_TABLE *Table)
{
    if (strcmp(Table->Signature, "FACP") == 0 && !Acpi->FadtSeen) {
        Acpi->FadtSeen = TRUE;
        HalpReadFadt(Acpi, Table);
    } else if (strcmp(Table->Signature, "APIC") == 0 && !Acpi->MadtSeen) {
        Acpi->MadtSeen = TRUE;
        HalpReadMadt(Acpi, Table);
    } else if (strcmp(Table->Signature, "HPET") == 0 && !Acpi->HpetSeen) {
        Acpi->HpetSeen = TRUE;
        HalpReadHpet(Acpi, Table);
    } else if (strcmp(Table->Signature, "MCFG") == 0 && !Acpi->McfgSeen) {
        Acpi->McfgSeen = TRUE;
        HalpReadMcfg(Acpi, Table);
    } else if (strcmp(Table->Signature, "SSDT") == 0 && !Acpi->Facts->SleepS5Present) {
        HalpFindSleepTypes(Acpi, Table); /* the DSDT's, if it has one, wins */
    }
}
