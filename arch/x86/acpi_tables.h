/* SPDX-License-Identifier: MIT */
/*
 * acpi_tables.h - what the kernel wants to know from the ACPI tables, read once.
 *
 * No AML is executed: the one AML object that matters (_S5_) is found by its bytes.
 */
#ifndef ARCH_X86_ACPI_TABLES_H
#define ARCH_X86_ACPI_TABLES_H

#include "nt/status.h"
#include "nt/types.h"

#define HAL_ACPI_TABLE_NAMES 32
#define HAL_ACPI_IO_APICS    8
#define HAL_ACPI_OVERRIDES   16 /* one per ISA interrupt */

/* All that HalReadAcpiTables ever reads: the tables of known machines stay below 1 MB in sum. */
#define HAL_ACPI_READ_LIMIT 0x400000u

/*
 * Copies Bytes bytes from a physical address.
 *
 * => FALSE: they cannot be read, Buffer may be overwritten.
 */
typedef BOOLEAN HAL_READ_PHYSICAL(PVOID Context, ULONG64 Physical, PVOID Buffer, ULONG Bytes);

typedef struct _HAL_IO_APIC {
    ULONG Physical;
    ULONG GsiBase; /* the global interrupt of its input 0 */
    ULONG Id;
} HAL_IO_APIC, *PHAL_IO_APIC;

/* An ISA interrupt that is not wired to the global interrupt of its own number. */
typedef struct _HAL_INTERRUPT_OVERRIDE {
    UCHAR Source; /* ISA interrupt, 0-15 */
    ULONG Gsi;
    USHORT Flags; /* MPS INTI flags: bits 0-1 polarity, 2-3 trigger mode */
} HAL_INTERRUPT_OVERRIDE, *PHAL_INTERRUPT_OVERRIDE;

/* The register that resets the machine. */
typedef struct _HAL_RESET_REGISTER {
    BOOLEAN Present;
    UCHAR AddressSpace; /* 0 memory, 1 port, 2 PCI configuration space of bus 0 */
    UCHAR Value;        /* to write */
    ULONG64 Address;
} HAL_RESET_REGISTER, *PHAL_RESET_REGISTER;

/* Addresses and ports are 0 when absent; counts never exceed their arrays. */
typedef struct _HAL_ACPI_FACTS {
    char OemId[7];    /* printable ASCII, zero terminated */
    ULONG Revision;   /* of the RSDP: 0 = ACPI 1, 2 = ACPI 2 and later */
    ULONG BadTables;  /* skipped: unreadable, a wrong length or checksum, over the limit */
    ULONG TableCount; /* valid tables; only the first HAL_ACPI_TABLE_NAMES are named */
    char TableNames[HAL_ACPI_TABLE_NAMES][5]; /* printable ASCII, zero terminated */

    ULONG64 LocalApicPhysical; /* MADT */
    ULONG ProcessorCount;      /* enabled ones */
    ULONG IoApicCount;
    HAL_IO_APIC IoApics[HAL_ACPI_IO_APICS];
    ULONG OverrideCount;
    HAL_INTERRUPT_OVERRIDE Overrides[HAL_ACPI_OVERRIDES];
    BOOLEAN HasPic8259; /* TRUE without a MADT */

    USHORT PmTimerPort;    /* FADT; 3579545 Hz */
    BOOLEAN PmTimer32Bit;  /* else 24 bits */
    ULONG64 PmTimerMemory; /* when the timer is no port */
    BOOLEAN Has8042;       /* TRUE when the FADT is too old to tell */
    BOOLEAN HasVga;        /* FALSE: the FADT says that VGA must not be probed */
    BOOLEAN HardwareReduced;
    HAL_RESET_REGISTER Reset;
    USHORT Pm1aControlPort;
    USHORT Pm1bControlPort;
    USHORT SmiCommandPort;
    UCHAR AcpiEnable; /* written to SmiCommandPort to enter ACPI mode; 0 = always on */

    BOOLEAN SleepS5Present; /* _S5_ of the DSDT or an SSDT */
    UCHAR SleepTypeA;       /* SLP_TYP of PM1a for soft off, 0-7 */
    UCHAR SleepTypeB;

    ULONG64 HpetPhysical;
    ULONG64 EcamPhysical; /* MCFG, segment 0: of EcamFirstBus' device 0 is + (FirstBus << 20) */
    UCHAR EcamFirstBus;
    UCHAR EcamLastBus;
} HAL_ACPI_FACTS, *PHAL_ACPI_FACTS;

/*
 * Read the tables that the RSDP leads to.
 *
 * A table that is unreadable or whose length or checksum is wrong is skipped and counted.  Of two
 * tables with one name the first counts.
 *
 * => At most HAL_ACPI_READ_LIMIT bytes are asked of Read.
 * => STATUS_NOT_FOUND: no valid RSDP, or neither XSDT nor RSDT is valid.  *Facts is filled all the
 *    same, with what holds for a PC without ACPI.
 */
NT_MUST_CHECK NTSTATUS HalReadAcpiTables(ULONG64 RsdpPhysical, HAL_READ_PHYSICAL *Read,
                                         PVOID Context, HAL_ACPI_FACTS *Facts);

#endif
