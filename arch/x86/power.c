/* SPDX-License-Identifier: MIT */
/*
 * power.c - power off and reset.
 */
#include "arch/x86/power.h"

#include "arch/cpu.h"
#include "arch/cpuid.h"
#include "arch/port.h"
#include "arch/x86/console.h"
#include "arch/x86/keyboard.h"
#include "arch/x86/mmu.h"
#include "arch/x86/print.h"
#include "disk_drivers.h"
#include "rtl.h"

#define HALP_EXIT_PORT         0xF4    /* isa-debug-exit,iobase=0xf4 */
#define HALP_ACPI_ENABLE       0x0001u /* PM1 control: SCI_EN */
#define HALP_SLEEP_ENABLE      0x2000u
#define HALP_SLEEP_SHIFT       10
#define HALP_WAIT_MICROSECONDS 1000000 /* power supplies and chip sets need a moment */

static const HAL_ACPI_FACTS *HalpAcpi;
static BOOLEAN HalpEndsWithShutdown;

void HalInitializePower(const HAL_ACPI_FACTS *Acpi, BOOLEAN EndsWithShutdown)
{
    HalpAcpi = Acpi;
    HalpEndsWithShutdown = EndsWithShutdown;
}

BOOLEAN HalIsEmulated(char Vendor[13])
{
    CPUID_REGISTERS Leaf;

    Vendor[0] = 0;
    if (!(ArchCpuid(1, 0).Ecx & CPUID_1_ECX_HYPER)) {
        return FALSE;
    }
    Leaf = ArchCpuid(0x40000000, 0);
    memcpy(Vendor, &Leaf.Ebx, 4);
    memcpy(Vendor + 4, &Leaf.Ecx, 4);
    memcpy(Vendor + 8, &Leaf.Edx, 4);
    Vendor[12] = 0;
    return TRUE;
}

/* ACPI mode is entered by an SMI; on machines where it is always on there is nothing to do. */
static void HalpEnterAcpiMode(void)
{
    ULONG Try;

    if (HalpAcpi->SmiCommandPort == 0 || HalpAcpi->AcpiEnable == 0) {
        return;
    }
    if (READ_PORT_USHORT(HalpAcpi->Pm1aControlPort) & HALP_ACPI_ENABLE) {
        return;
    }
    WRITE_PORT_UCHAR(HalpAcpi->SmiCommandPort, HalpAcpi->AcpiEnable);
    for (Try = 0; Try < 1000; Try++) {
        if (READ_PORT_USHORT(HalpAcpi->Pm1aControlPort) & HALP_ACPI_ENABLE) {
            return;
        }
        KeStallExecutionProcessor(1000);
    }
}

static void HalpSleep(USHORT Port, UCHAR Type)
{
    if (Port != 0) {
        ULONG Value = READ_PORT_USHORT(Port) & HALP_ACPI_ENABLE;

        WRITE_PORT_USHORT(Port,
                          (USHORT)(Value | (ULONG)Type << HALP_SLEEP_SHIFT | HALP_SLEEP_ENABLE));
    }
}

void HalPowerOff(void)
{
    HalFlushConsole();
    KeDisableInterrupts();
    DiskStopDrivers();
    if (HalpAcpi != NULL && HalpAcpi->SleepS5Present && HalpAcpi->Pm1aControlPort != 0) {
        HalpEnterAcpiMode();
        HalpSleep(HalpAcpi->Pm1aControlPort, HalpAcpi->SleepTypeA);
        HalpSleep(HalpAcpi->Pm1bControlPort, HalpAcpi->SleepTypeB);
        KeStallExecutionProcessor(HALP_WAIT_MICROSECONDS);
    }
    KiPrint("This machine cannot be switched off by software. It is safe to do it by hand.\n");
    HalFlushConsole();
}

static void HalpResetByAcpi(void)
{
    if (HalpAcpi == NULL || !HalpAcpi->Reset.Present) {
        return;
    }
    if (HalpAcpi->Reset.AddressSpace == 1) {
        WRITE_PORT_UCHAR((USHORT)HalpAcpi->Reset.Address, HalpAcpi->Reset.Value);
    } else if (HalpAcpi->Reset.AddressSpace == 0) {
        volatile UCHAR *Register = HalMapPhysical(HalpAcpi->Reset.Address, 1);

        if (Register != NULL) {
            *Register = HalpAcpi->Reset.Value;
        }
    }
    KeStallExecutionProcessor(HALP_WAIT_MICROSECONDS / 10);
}

void HalReset(void)
{
    enum {
        ResetControl = 0xCF9,
        HardReset = 0x06
    };
    static const struct {
        USHORT Limit;
        ULONG Base;
    } NT_PACKED NoIdt = {0, 0};

    HalFlushConsole();
    KeDisableInterrupts();
    DiskStopDrivers();
    HalpResetByAcpi();
    HalResetBy8042();
    KeStallExecutionProcessor(HALP_WAIT_MICROSECONDS / 10);
    WRITE_PORT_UCHAR(ResetControl, HardReset);
    KeStallExecutionProcessor(HALP_WAIT_MICROSECONDS / 10);
    for (;;) {
        __asm__ volatile("lidt %0; int3" : : "m"(NoIdt));
    }
}

/* => Returns when there is no emulator, or it is to go on. */
static void HalpTellEmulator(HAL_RUN_RESULT Result)
{
    char Vendor[13];

    if ((HalpEndsWithShutdown || Result != HalRunCrashed) && HalIsEmulated(Vendor)) {
        WRITE_PORT_ULONG(HALP_EXIT_PORT, Result);
    }
}

void HalHalt(HAL_RUN_RESULT Result)
{
    HalpTellEmulator(Result);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

void HalEndRun(HAL_RUN_RESULT Result)
{
    HalFlushConsole();
    HalpTellEmulator(Result);
    if (HalpEndsWithShutdown) {
        HalPowerOff();
    }
    if (Result == HalRunCrashed) {
        KiPrint("Press a key to restart.\n");
        HalFlushConsole();
        while (KiConsoleRead() < 0) {
            KeStallExecutionProcessor(10000);
        }
        HalReset();
    }
    HalPowerOff();
    HalHalt(Result);
}
