/* SPDX-License-Identifier: MIT */
/*
 * power.h - the ways to end: power off, reset, and telling an emulator how the run went.
 */
#ifndef X86_POWER_H
#define X86_POWER_H

#include "arch/x86/acpi_tables.h"
#include "nt/types.h"

/*
 * How a run ended; the value that is written to QEMU's isa-debug-exit.  QEMU exits with
 * (value << 1) | 1: 85, 87, 89.  0 and 1 cannot be told from QEMU's own failures.
 */
typedef enum _HAL_RUN_RESULT {
    HalRunPassed = 0x2A,
    HalRunFailed = 0x2B,
    HalRunCrashed = 0x2C,
} HAL_RUN_RESULT;

/* => Acpi stays valid. */
void HalInitializePower(const HAL_ACPI_FACTS *Acpi, BOOLEAN EndsWithShutdown);

/*
 * End the run: tell an emulator's exit port the result, else power off.  A crash in a run that was
 * not asked to end (/RUN=...,shutdown) stays on the screen until a key is pressed, then resets.
 */
NT_NORETURN void HalEndRun(HAL_RUN_RESULT Result);

/* As HalEndRun where nothing works any more: no console, no power-off, the machine stands still. */
NT_NORETURN void HalHalt(HAL_RUN_RESULT Result);

/* Soft off by ACPI.  => Returns, having said so, when the machine has none. */
void HalPowerOff(void);

/* By ACPI's reset register, then the 8042, then port CF9, then a triple fault. */
NT_NORETURN void HalReset(void);

/* Whether the processor says that it is emulated; and by whom (12 characters). */
BOOLEAN HalIsEmulated(char Vendor[13]);

#endif
