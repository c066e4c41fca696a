/* SPDX-License-Identifier: MIT */
/*
 * monitor_bench.c - the machine's pages are mapped by hand; typing ends where the processor would
 * idle for ever, which the simulated machine reports as a bug check.
 */
#include "tests/unit/monitor_bench.h"

#include "monitor.h"

#define VALID MM_PTE_BITS_VALID
#define WRITE MM_PTE_BITS_WRITE
#define LARGE MM_PTE_BITS_LARGE

static const HOST_SYMBOL Symbols[] = {
    {MONITOR_KERNEL, "KiStart"},           {MONITOR_KERNEL + 0x20, "KeBugCheckEx"},
    {MONITOR_KERNEL + 0x40, "MipShort"},   {MONITOR_KERNEL + 0x40, "MipAlias"},
    {MONITOR_KERNEL + 0x100, "KiEntries"}, {MONITOR_KERNEL + 0x1800, "Recurse.isra.0"},
};

static void MapPage(ULONG_PTR Va, PFN_NUMBER Frame, ULONG Bits)
{
    HostMapPage(HOST_DIRECTORY_FRAME, Va, Frame, VALID | Bits);
}

static void FillFrame(PFN_NUMBER Frame)
{
    PUCHAR Bytes = HostFrame(Frame);
    ULONG i;

    for (i = 0; i < PAGE_SIZE; i++) {
        Bytes[i] = (UCHAR)i;
    }
}

static void MapLargePage(void)
{
    MMPTE Pde = {.Long = VALID | WRITE | LARGE};

    Pde.Hard.PageFrameNumber = PTE_PER_PAGE;
    MiWritePte(HostFindPde(HOST_DIRECTORY_FRAME, MONITOR_LARGE), Pde);
}

void MonitorStart(void)
{
    MMPTE Device = {0};

    HostMachineCreate(MONITOR_FRAMES, TestSeed());
    HostDebugReset();
    HostSetSymbols(Symbols, RTL_NUMBER_OF(Symbols));
    Device.Hard.CacheDisable = 1;
    FillFrame(MONITOR_KERNEL_FRAME);
    FillFrame(MONITOR_KERNEL_FRAME + 1);
    FillFrame(MONITOR_KERNEL_FRAME + 4);
    MapPage(MONITOR_KERNEL, MONITOR_KERNEL_FRAME, 0);
    MapPage(MONITOR_KERNEL + PAGE_SIZE, MONITOR_KERNEL_FRAME + 1, 0);
    MapPage(MONITOR_DATA, MONITOR_KERNEL_FRAME + 2, WRITE);
    MapPage(MONITOR_DATA + PAGE_SIZE, MONITOR_KERNEL_FRAME + 3, WRITE);
    MapPage(MONITOR_DEVICE, MONITOR_KERNEL_FRAME + 4, WRITE | Device.Long);
    MapLargePage();
    HostRegisters = (KD_REGISTERS){.Eax = 0x11111111,
                                   .Eip = MONITOR_KERNEL + 0x25,
                                   .Esp = MONITOR_DATA + 0xF00,
                                   .Ebp = MONITOR_DATA + 0xF10,
                                   .EFlags = 0x246,
                                   .Cs = 8};
}

static const char *Run(const char *Line, BOOLEAN Good)
{
    HostConsoleClear();
    if (MiExecuteLine(Line) != Good) {
        TestFail(__FILE__, __LINE__, "\"%s\" %s; it says: %s", Line,
                 Good ? "failed" : "did not fail", HostConsoleText());
    }
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    return HostConsoleText();
}

const char *MonitorSays(const char *Line)
{
    HostConsoleClear();
    (void)MiExecuteLine(Line);
    return HostConsoleText();
}

const char *MonitorAnswer(const char *Line)
{
    return Run(Line, TRUE);
}

const char *MonitorRefusal(const char *Line)
{
    return Run(Line, FALSE);
}

static void RunMonitor(PVOID Unused)
{
    (void)Unused;
    MiRunMonitor();
}

const char *MonitorTyped(const char *Keys)
{
    HOST_BUGCHECK BugCheck;

    HostConsoleClear();
    HostConsoleType(Keys);
    CHECK(HostCatchBugCheck(RunMonitor, NULL, &BugCheck));
    CHECK(BugCheck.Code == HOST_BUGCHECK_DEADLOCK || BugCheck.Code == HOST_BUGCHECK_POWER);
    return HostConsoleText();
}
