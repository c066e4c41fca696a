/* SPDX-License-Identifier: MIT */
/*
 * time.h - the clocks of the machine, and their calibration.
 */
#ifndef X86_TIME_H
#define X86_TIME_H

#include "arch/cpu.h"
#include "arch/x86/acpi_tables.h"
#include "nt/types.h"

/* A counter of known rate, against which the others are measured. */
typedef enum _HAL_REFERENCE {
    HalReferenceNone, /* no counter that moves: the loader's estimate is used */
    HalReferencePmTimer,
    HalReferenceHpet,
    HalReferencePit,
} HAL_REFERENCE;

typedef struct _HAL_CLOCKS {
    HAL_REFERENCE Reference;
    ULONG64 TscHz;
    ULONG64 ApicHz;      /* the local APIC's timer, undivided */
    ULONG ClockInterval; /* timer ticks between clock interrupts */
} HAL_CLOCKS;

extern HAL_CLOCKS HalClocks;

/* Clock interrupts since the clock was started, at KI_CLOCK_HZ. */
#define KI_CLOCK_HZ (10000000 / KI_CLOCK_INCREMENT)
extern volatile ULONG KiClockTicks;

/*
 * Find a reference that moves and measure the time-stamp counter and the APIC's timer with it.
 * Every wait is bounded: a machine without any reference still starts.
 *
 * => The APIC is initialised, interrupts are off.
 */
void HalCalibrateClocks(const HAL_ACPI_FACTS *Acpi, ULONG64 EstimatedTscHz);

/* Start the clock interrupt. */
void HalStartClock(void);

/*
 * Wait for Microseconds by the reference, not by the counters that were calibrated with it; by the
 * time-stamp counter when there is none.
 *
 * => Returns the microseconds that really passed, which under an emulator may be many more.
 */
ULONG HalWaitReference(ULONG Microseconds);

const char *HalReferenceName(HAL_REFERENCE Reference);

#endif
