/* SPDX-License-Identifier: MIT */
/*
 * apic.c - the local APIC, the two 8259s that it replaces, and the I/O APICs' masks.
 *
 * Priorities are kept by irql.c in memory; the task-priority register stays 0, so every interrupt
 * arrives and is either run or remembered.
 */
#include "arch/x86/apic.h"

#include "arch/cpuid.h"
#include "arch/port.h"
#include "arch/x86/mmu.h"
#include "arch/x86/trap.h"

enum {
    ApicId = 0x020,
    ApicVersion = 0x030,
    ApicTaskPriority = 0x080,
    ApicEndOfInterrupt = 0x0B0,
    ApicSpurious = 0x0F0,
    ApicInService = 0x100, /* eight registers of 32 bits, 16 bytes apart */
    ApicErrorStatus = 0x280,
    ApicCorrected = 0x2F0, /* corrected machine checks */
    ApicCommandLow = 0x300,
    ApicCommandHigh = 0x310,
    ApicTimer = 0x320,
    ApicThermal = 0x330,
    ApicPerformance = 0x340,
    ApicLint0 = 0x350,
    ApicLint1 = 0x360,
    ApicError = 0x370,
    ApicInitialCount = 0x380,
    ApicCurrentCount = 0x390,
    ApicDivide = 0x3E0,
};

#define APIC_BASE_X2       0x400u /* in the MSR: x2APIC mode */
#define APIC_X2_MSR        0x800u /* register r is MSR 0x800 + r / 16 */

#define APIC_LVT_MASKED    0x10000u
#define APIC_LVT_PERIODIC  0x20000u
#define APIC_LVT_NMI       0x00400u
#define APIC_LVT_SMI       0x00200u
#define APIC_LVT_DELIVERY  0x00700u
#define APIC_SOFT_ENABLE   0x00100u
#define APIC_DIVIDE_BY_1   0x0000Bu
#define APIC_COMMAND_BUSY  0x01000u
#define APIC_ASSERT        0x04000u /* must be set for all but INIT de-assert */
#define APIC_TO_SELF       0x40000u
#define APIC_DELIVER_NMI   0x00400u
#define APIC_COMMAND_TRIES 100000

static volatile ULONG *HalpApic; /* (I) NULL in x2APIC mode */
static ULONG HalpLastLvt;        /* number of local sources, less one */

static ULONG HalpReadApic(ULONG Register)
{
    ULONG Low;
    ULONG High;

    if (HalpApic != NULL) {
        return HalpApic[Register / 4];
    }
    __asm__ volatile("rdmsr" : "=a"(Low), "=d"(High) : "c"(APIC_X2_MSR + Register / 16));
    return Low;
}

static void HalpWriteApic(ULONG Register, ULONG Value)
{
    if (HalpApic != NULL) {
        HalpApic[Register / 4] = Value;
        return;
    }
    __asm__ volatile("wrmsr" : : "a"(Value), "d"(0), "c"(APIC_X2_MSR + Register / 16) : "memory");
}

/* Initialise both for vectors from KI_VECTOR_PIC on, then mask all their lines. */
static void HalpSilence8259s(void)
{
    enum {
        Command1 = 0x20,
        Data1 = 0x21,
        Command2 = 0xA0,
        Data2 = 0xA1
    };
    enum {
        Initialize = 0x11,
        SlaveOnLine2 = 0x04,
        SlaveIdentity = 0x02,
        Mode8086 = 0x01
    };

    WRITE_PORT_UCHAR(Command1, Initialize);
    WRITE_PORT_UCHAR(Command2, Initialize);
    WRITE_PORT_UCHAR(Data1, KI_VECTOR_PIC);
    WRITE_PORT_UCHAR(Data2, KI_VECTOR_PIC + 8);
    WRITE_PORT_UCHAR(Data1, SlaveOnLine2);
    WRITE_PORT_UCHAR(Data2, SlaveIdentity);
    WRITE_PORT_UCHAR(Data1, Mode8086);
    WRITE_PORT_UCHAR(Data2, Mode8086);
    WRITE_PORT_UCHAR(Data1, 0xFF);
    WRITE_PORT_UCHAR(Data2, 0xFF);
}

/* What the firmware handles by system management, thermal limits above all, stays its own. */
static void HalpMaskUnlessSmi(ULONG Register)
{
    if ((HalpReadApic(Register) & APIC_LVT_DELIVERY) != APIC_LVT_SMI) {
        HalpWriteApic(Register, APIC_LVT_MASKED | KI_VECTOR_ERROR);
    }
}

/* Each gets a vector that is allowed: a vector below 16 is an error even where it is masked. */
static void HalpMaskLocalSources(void)
{
    HalpWriteApic(ApicTimer, APIC_LVT_MASKED | KI_VECTOR_CLOCK);
    HalpWriteApic(ApicLint0, APIC_LVT_MASKED | KI_VECTOR_ERROR);
    HalpWriteApic(ApicError, APIC_LVT_MASKED | KI_VECTOR_ERROR);
    if (HalpLastLvt >= 4) {
        HalpMaskUnlessSmi(ApicPerformance);
    }
    if (HalpLastLvt >= 5) {
        HalpMaskUnlessSmi(ApicThermal);
    }
    if (HalpLastLvt >= 6) {
        HalpMaskUnlessSmi(ApicCorrected);
    }
}

/* Interrupts that the firmware left in service would block ours for ever. */
static void HalpDrainInService(void)
{
    ULONG i;

    for (i = 0; i < 256; i++) {
        HalpWriteApic(ApicEndOfInterrupt, 0);
    }
}

BOOLEAN HalInitializeApic(void)
{
    ULONG Low;
    ULONG High;

    __asm__ volatile("rdmsr" : "=a"(Low), "=d"(High) : "c"(MSR_APIC_BASE));
    if (!(Low & APIC_BASE_X2)) {
        HalpApic =
            HalMapPhysical(ROUND_DOWN((ULONG64)High << 32 | Low, (ULONG64)PAGE_SIZE), PAGE_SIZE);
        if (HalpApic == NULL) {
            return FALSE;
        }
    }
    HalpSilence8259s();
    HalpLastLvt = (HalpReadApic(ApicVersion) >> 16) & 0xFF;
    HalpMaskLocalSources();
    HalpWriteApic(ApicTaskPriority, 0);
    HalpWriteApic(ApicSpurious, APIC_SOFT_ENABLE | KI_VECTOR_SPURIOUS);
    HalpWriteApic(ApicLint1, APIC_LVT_NMI); /* only an enabled APIC lets a mask be taken away */
    HalpWriteApic(ApicErrorStatus, 0);
    HalpDrainInService();
    return TRUE;
}

static ULONG HalpMaskIoApic(volatile ULONG *Registers)
{
    enum {
        Select = 0x00 / 4,
        Window = 0x10 / 4
    };
    enum {
        Version = 0x01,
        FirstEntry = 0x10 /* two registers each, the low one first */
    };
    ULONG Inputs;
    ULONG Input;

    WRITE_REGISTER_ULONG(&Registers[Select], Version);
    Inputs = ((READ_REGISTER_ULONG(&Registers[Window]) >> 16) & 0xFF) + 1;
    for (Input = 0; Input < Inputs; Input++) {
        ULONG Entry;

        WRITE_REGISTER_ULONG(&Registers[Select], FirstEntry + 2 * Input);
        Entry = READ_REGISTER_ULONG(&Registers[Window]);
        if ((Entry & APIC_LVT_DELIVERY) != APIC_LVT_SMI) {
            WRITE_REGISTER_ULONG(&Registers[Window], Entry | APIC_LVT_MASKED);
        }
    }
    return Inputs;
}

ULONG HalMaskIoApics(const HAL_ACPI_FACTS *Acpi)
{
    ULONG Inputs = 0;
    ULONG i;

    for (i = 0; i < Acpi->IoApicCount; i++) {
        volatile ULONG *Registers = HalMapPhysical(Acpi->IoApics[i].Physical, 0x20);

        if (Registers != NULL) {
            Inputs += HalpMaskIoApic(Registers);
        }
    }
    return Inputs;
}

void HalAcknowledgeInterrupt(void)
{
    HalpWriteApic(ApicEndOfInterrupt, 0);
}

void HalAcknowledgeInterruptIfInService(ULONG Vector)
{
    if (HalpReadApic(ApicInService + Vector / 32 * 16) & (1u << (Vector % 32))) {
        HalAcknowledgeInterrupt();
    }
}

/* In x2APIC mode the command register is one MSR of 64 bits and never busy. */
static void HalpSendCommand(ULONG Command)
{
    ULONG Try;

    for (Try = 0; HalpApic != NULL && Try < APIC_COMMAND_TRIES; Try++) {
        if (!(HalpReadApic(ApicCommandLow) & APIC_COMMAND_BUSY)) {
            break;
        }
    }
    HalpWriteApic(ApicCommandLow, Command);
}

void HalSendSelfInterrupt(ULONG Vector)
{
    HalpSendCommand(APIC_TO_SELF | APIC_ASSERT | Vector);
}

/* The self shorthand is not valid for NMI: address this processor by its identifier instead. */
void HalSendSelfNmi(void)
{
    if (HalpApic != NULL) {
        HalpWriteApic(ApicCommandHigh, HalpReadApic(ApicId));
        HalpSendCommand(APIC_ASSERT | APIC_DELIVER_NMI);
        return;
    }
    __asm__ volatile("wrmsr"
                     :
                     : "a"(APIC_ASSERT | APIC_DELIVER_NMI), "d"(HalpReadApic(ApicId)),
                       "c"(APIC_X2_MSR + ApicCommandLow / 16)
                     : "memory");
}

void HalStartTimerCount(ULONG Count)
{
    HalpWriteApic(ApicTimer, APIC_LVT_MASKED | KI_VECTOR_CLOCK);
    HalpWriteApic(ApicDivide, APIC_DIVIDE_BY_1);
    HalpWriteApic(ApicInitialCount, Count);
}

ULONG HalReadTimerCount(void)
{
    return HalpReadApic(ApicCurrentCount);
}

void HalStartTimer(ULONG Vector, ULONG Count)
{
    HalpWriteApic(ApicDivide, APIC_DIVIDE_BY_1);
    HalpWriteApic(ApicTimer, APIC_LVT_PERIODIC | Vector);
    HalpWriteApic(ApicInitialCount, Count);
}

void HalStopTimer(void)
{
    HalpWriteApic(ApicTimer, APIC_LVT_MASKED | KI_VECTOR_CLOCK);
    HalpWriteApic(ApicInitialCount, 0);
}

BOOLEAN HalApicIsX2(void)
{
    return HalpApic == NULL;
}

ULONG HalApicVersion(void)
{
    return HalpReadApic(ApicVersion) & 0xFF;
}

ULONG HalApicIdentifier(void)
{
    enum {
        IdShift = 24 /* in x2APIC mode the register is the identifier */
    };

    return HalpApic == NULL ? HalpReadApic(ApicId) : HalpReadApic(ApicId) >> IdShift;
}
