/* SPDX-License-Identifier: MIT */
/*
 * time.c - calibration of the time-stamp counter and the APIC's timer, and waiting.
 *
 * A reference is a counter whose rate is a constant of its specification:
 *
 *     ACPI PM timer   3,579,545 Hz, 24 or 32 bits     the first choice: every ACPI machine's
 *     HPET            its own register tells          where the PM timer is missing
 *     PIT channel 2   1,193,182 Hz, 16 bits, down     last: newer chip sets stop its clock
 *
 * Any of them may be absent or stand still, so each is watched first: it must move within a bounded
 * number of reads.  When none does, the loader's estimate of the TSC serves, and the APIC's timer
 * is measured with the TSC.
 */
#include "arch/x86/time.h"

#include "arch/cpu.h"
#include "arch/port.h"
#include "arch/x86/apic.h"
#include "arch/x86/irql.h"
#include "arch/x86/mmu.h"
#include "arch/x86/pcr.h"

#define HALP_PM_HZ  3579545u
#define HALP_PIT_HZ 1193182u

/* For a machine whose every clock fails: any rate but 0, which would divide. */
#define HALP_GUESSED_HZ 1000000000u

/* How long each measurement lasts: 1 ms is 3,580 PM ticks, hence exact to 0.03 %. */
#define HALP_MEASURE_MICROSECONDS 1000

/* Two in a row have to agree to so small a part; of so many the last is taken. */
#define HALP_AGREEMENT    256
#define HALP_MEASUREMENTS 10

/* Reads without a change after which a counter is taken for dead: a read takes at least 0.1 us. */
#define HALP_DEAD_READS 200000

HAL_CLOCKS HalClocks;
volatile ULONG KiClockTicks;

static const HAL_ACPI_FACTS *HalpAcpi;
static volatile ULONG *HalpPmRegister;
static volatile ULONG *HalpHpet;
static ULONG64 HalpReferenceHz;
static ULONG HalpReferenceMask;

enum {
    HpetCapabilities = 0x000,
    HpetPeriod = 0x004,
    HpetConfiguration = 0x010,
    HpetCounter = 0x0F0
};

static ULONG HalpReadPmTimer(void)
{
    return HalpPmRegister != NULL ? READ_REGISTER_ULONG(HalpPmRegister)
                                  : READ_PORT_ULONG(HalpAcpi->PmTimerPort);
}

static ULONG HalpReadPit(void)
{
    enum {
        Control = 0x43,
        Channel2 = 0x42,
        LatchChannel2 = 0x80
    };
    ULONG Low;

    WRITE_PORT_UCHAR(Control, LatchChannel2);
    Low = READ_PORT_UCHAR(Channel2);
    return ~(Low | (ULONG)READ_PORT_UCHAR(Channel2) << 8); /* counts down */
}

static ULONG HalpReadReference(void)
{
    switch (HalClocks.Reference) {
    case HalReferencePmTimer:
        return HalpReadPmTimer();
    case HalReferenceHpet:
        return READ_REGISTER_ULONG(HalpHpet + HpetCounter / 4);
    case HalReferencePit:
        return HalpReadPit();
    case HalReferenceNone:
        break;
    }
    return (ULONG)KeReadCycleCounter();
}

static BOOLEAN HalpReferenceMoves(void)
{
    ULONG First = HalpReadReference();
    ULONG i;

    for (i = 0; i < HALP_DEAD_READS; i++) {
        if (HalpReadReference() != First) {
            return TRUE;
        }
    }
    return FALSE;
}

static BOOLEAN HalpTryPmTimer(void)
{
    if (HalpAcpi->PmTimerPort == 0 && HalpAcpi->PmTimerMemory == 0) {
        return FALSE;
    }
    if (HalpAcpi->PmTimerPort == 0) {
        HalpPmRegister = HalMapPhysical(HalpAcpi->PmTimerMemory, sizeof(ULONG));
        if (HalpPmRegister == NULL) {
            return FALSE;
        }
    }
    HalClocks.Reference = HalReferencePmTimer;
    HalpReferenceHz = HALP_PM_HZ;
    HalpReferenceMask = HalpAcpi->PmTimer32Bit ? 0xFFFFFFFFu : 0x00FFFFFFu;
    return HalpReferenceMoves();
}

static BOOLEAN HalpTryHpet(void)
{
    const ULONG64 FemtosecondsPerSecond = 1000000000000000ull;
    ULONG Period;

    if (HalpAcpi->HpetPhysical == 0) {
        return FALSE;
    }
    HalpHpet = HalMapPhysical(HalpAcpi->HpetPhysical, 0x400);
    if (HalpHpet == NULL) {
        return FALSE;
    }
    Period = READ_REGISTER_ULONG(HalpHpet + HpetPeriod / 4);
    if (Period == 0 || Period > 100000000) { /* the specification's limit: 100 ns */
        return FALSE;
    }
    WRITE_REGISTER_ULONG(HalpHpet + HpetConfiguration / 4, 1); /* run */
    HalClocks.Reference = HalReferenceHpet;
    HalpReferenceHz = FemtosecondsPerSecond / Period;
    HalpReferenceMask = 0xFFFFFFFFu;
    return HalpReferenceMoves();
}

static BOOLEAN HalpTryPit(void)
{
    enum {
        Control = 0x43,
        Channel2 = 0x42,
        Gate = 0x61,
        Mode0Channel2 = 0xB0
    };

    WRITE_PORT_UCHAR(Gate, (READ_PORT_UCHAR(Gate) & 0xFC) | 1); /* gate on, speaker off */
    WRITE_PORT_UCHAR(Control, Mode0Channel2);
    WRITE_PORT_UCHAR(Channel2, 0xFF);
    WRITE_PORT_UCHAR(Channel2, 0xFF);
    HalClocks.Reference = HalReferencePit;
    HalpReferenceHz = HALP_PIT_HZ;
    HalpReferenceMask = 0xFFFF;
    return HalpReferenceMoves();
}

static void HalpChooseReference(ULONG64 EstimatedTscHz)
{
    if (HalpTryPmTimer() || HalpTryHpet() || HalpTryPit()) {
        return;
    }
    HalClocks.Reference = HalReferenceNone;
    HalpReferenceHz = EstimatedTscHz != 0 ? EstimatedTscHz : HALP_GUESSED_HZ;
    HalpReferenceMask = 0xFFFFFFFFu;
}

/* => Returns reference ticks that really passed: at least Ticks, if the counter does not die. */
static ULONG HalpWaitTicks(ULONG Ticks)
{
    ULONG Last = HalpReadReference();
    ULONG Passed = 0;
    ULONG Still = 0;

    while (Passed < Ticks && Still < HALP_DEAD_READS) {
        ULONG Now = HalpReadReference();
        ULONG Step = (Now - Last) & HalpReferenceMask;

        Still = Step == 0 ? Still + 1 : 0;
        Passed += Step;
        Last = Now;
    }
    return Passed;
}

ULONG HalWaitReference(ULONG Microseconds)
{
    ULONG Passed = HalpWaitTicks((ULONG)(HalpReferenceHz * Microseconds / 1000000));

    return (ULONG)(Passed * 1000000ull / HalpReferenceHz);
}

static void HalpMeasureClocks(void)
{
    ULONG64 Start;
    ULONG64 Cycles;
    ULONG Counted;
    ULONG Passed;

    HalStartTimerCount(0xFFFFFFFFu);
    HalpWaitTicks(1); /* begin at a tick's edge */
    Start = KeReadCycleCounter();
    Counted = HalReadTimerCount();
    Passed = HalpWaitTicks((ULONG)(HalpReferenceHz * HALP_MEASURE_MICROSECONDS / 1000000));
    Cycles = KeReadCycleCounter() - Start;
    Counted -= HalReadTimerCount();
    HalStopTimer();
    if (Passed == 0) {
        Passed = 1;
    }
    HalClocks.TscHz = HalClocks.Reference == HalReferenceNone ? HalpReferenceHz
                                                              : Cycles * HalpReferenceHz / Passed;
    HalClocks.ApicHz = Counted * HalpReferenceHz / Passed;
}

static BOOLEAN HalpNearlySame(ULONG64 Hz, ULONG64 Other)
{
    ULONG64 Difference = Hz > Other ? Hz - Other : Other - Hz;

    return Difference <= Hz / HALP_AGREEMENT;
}

/*
 * The firmware's system management mode, or a hypervisor, may take the processor away between the
 * reads of two counters: one measurement is believed when the next says the same.
 */
void HalCalibrateClocks(const HAL_ACPI_FACTS *Acpi, ULONG64 EstimatedTscHz)
{
    ULONG64 TscHz;
    ULONG64 ApicHz;
    ULONG i;

    HalpAcpi = Acpi;
    HalpChooseReference(EstimatedTscHz);
    HalpMeasureClocks();
    for (i = 1; i < HALP_MEASUREMENTS; i++) {
        TscHz = HalClocks.TscHz;
        ApicHz = HalClocks.ApicHz;
        HalpMeasureClocks();
        if (HalpNearlySame(HalClocks.TscHz, TscHz) && HalpNearlySame(HalClocks.ApicHz, ApicHz)) {
            break;
        }
    }
    HalClocks.ClockInterval = (ULONG)(HalClocks.ApicHz / KI_CLOCK_HZ);
}

static void KipClockInterrupt(PKTRAP_FRAME Frame)
{
    (void)Frame;
    KiClockTicks++;
    KiClockTick(KI_CLOCK_INCREMENT);
}

void HalStartClock(void)
{
    KiConnectInterrupt(KI_VECTOR_CLOCK, CLOCK2_LEVEL, KipClockInterrupt);
    HalStartTimer(KI_VECTOR_CLOCK, HalClocks.ClockInterval);
}

ULONG64 KeReadCycleCounter(void)
{
    ULONG Low;
    ULONG High;

    __asm__ volatile("rdtsc" : "=a"(Low), "=d"(High));
    return (ULONG64)High << 32 | Low;
}

ULONG64 KeQueryCycleFrequency(void)
{
    return HalClocks.TscHz;
}

void NTAPI KeStallExecutionProcessor(ULONG Microseconds)
{
    ULONG64 Start = KeReadCycleCounter();
    ULONG64 Cycles = HalClocks.TscHz * Microseconds / 1000000;

    while (KeReadCycleCounter() - Start < Cycles) {
        __asm__ volatile("pause");
    }
}

const char *HalReferenceName(HAL_REFERENCE Reference)
{
    static const char *const Names[] = {"the loader's estimate", "ACPI PM timer", "HPET", "PIT"};

    return Names[Reference];
}
