/* SPDX-License-Identifier: MIT */
/*
 * test_usb_core.c - the bus's thread: work, ports, the start, the controller's death.
 */
#include "disk/driver/usb_core.h"
#include "tests/unit/usb_bench.h"

#include <string.h>

typedef struct _TEST_WORK {
    USB_WORK Work;
    ULONG Runs;
    BOOLEAN Again; /* queues itself once more */
} TEST_WORK;

static USB_STICK Stick;
static TEST_WORK Works[3];

static void Run(PUSB_WORK Work)
{
    TEST_WORK *Test = CONTAINING_RECORD(Work, TEST_WORK, Work);

    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    Test->Runs++;
    if (Test->Again) {
        Test->Again = FALSE;
        UsbQueueWork(&Mock.Host, Work);
    }
}

static void Arrange(void)
{
    ULONG i;

    UsbBenchStart();
    UsbStickCreate(&Stick);
    memset(Works, 0, sizeof(Works));
    for (i = 0; i < RTL_NUMBER_OF(Works); i++) {
        Works[i].Work.Routine = Run;
    }
}

TEST(UsbCore_runs_work_once_however_often_it_is_queued)
{
    KIRQL OldIrql;

    Arrange();
    (void)UsbBenchStartHost();
    OldIrql = KeRaiseIrqlToDpcLevel();
    UsbQueueWork(&Mock.Host, &Works[0].Work);
    UsbQueueWork(&Mock.Host, &Works[1].Work);
    UsbQueueWork(&Mock.Host, &Works[0].Work);
    Works[1].Again = TRUE;
    KfLowerIrql(OldIrql);
    UsbBenchSleep(10);
    CHECK_EQUAL(1, Works[0].Runs);
    CHECK_EQUAL(2, Works[1].Runs);
    UsbBenchFinish();
}

TEST(UsbCore_work_that_was_cancelled_does_not_run)
{
    KIRQL OldIrql;

    Arrange();
    (void)UsbBenchStartHost();
    OldIrql = KeRaiseIrqlToDpcLevel();
    UsbQueueWork(&Mock.Host, &Works[0].Work);
    UsbQueueWork(&Mock.Host, &Works[1].Work);
    UsbCancelWork(&Mock.Host, &Works[0].Work);
    UsbCancelWork(&Mock.Host, &Works[2].Work);
    KfLowerIrql(OldIrql);
    UsbBenchSleep(10);
    CHECK_EQUAL(0, Works[0].Runs);
    CHECK_EQUAL(1, Works[1].Runs);
    UsbBenchFinish();
}

TEST(UsbCore_waits_a_second_for_a_disk_that_shows_itself_late)
{
    ULONG64 Before;

    Arrange();
    Before = HostCycles();
    CHECK(UsbBenchStartHost() == NULL);
    CHECK(HostCycles() - Before >= 1000000000u && HostCycles() - Before < 1200000000u);
    UsbBenchFinish();
}

static void PlugLater(PVOID Context)
{
    (void)Context;
    UsbMockPlug(&Mock, 5, &Stick.Device);
}

TEST(UsbCore_finds_a_disk_that_shows_itself_during_the_start)
{
    Arrange();
    HostRaiseInterruptAt(HostCycles() + 600000000u, DISPATCH_LEVEL, PlugLater, NULL);
    CHECK(UsbBenchStartHost() != NULL);
    UsbBenchFinish();
}

TEST(UsbCore_does_not_take_the_first_disk_for_the_last)
{
    static USB_STICK Quick;

    Arrange();
    UsbStickCreate(&Quick);
    UsbMockPlug(&Mock, 1, &Quick.Device);
    HostRaiseInterruptAt(HostCycles() + 600000000u, DISPATCH_LEVEL, PlugLater, NULL);
    CHECK(UsbBenchDisk(UsbBenchStartHost()) != NULL);
    UsbBenchFinish();
}

TEST(UsbCore_finds_a_disk_that_comes_later)
{
    Arrange();
    CHECK(UsbBenchStartHost() == NULL);
    UsbMockPlug(&Mock, 5, &Stick.Device);
    UsbBenchSleep(500);
    CHECK(UsbBenchDisk(NULL) != NULL);
    UsbBenchFinish();
}

static ULONG Bounces;

static void Bounce(PVOID Context)
{
    (void)Context;
    if (Stick.Device.Mock != NULL) {
        UsbMockUnplug(&Stick.Device);
    } else {
        UsbMockPlug(&Mock, 5, &Stick.Device);
    }
    if (Bounces-- != 0) {
        HostRaiseInterruptAt(HostCycles() + 30000000u, DISPATCH_LEVEL, Bounce, NULL);
    }
}

TEST(UsbCore_waits_until_a_connection_bounces_no_longer)
{
    Arrange();
    CHECK(UsbBenchStartHost() == NULL);
    Bounces = 10;
    Bounce(NULL);
    UsbBenchSleep(1500);
    CHECK(UsbBenchDisk(NULL) != NULL);
    CHECK_EQUAL(1, Stick.Device.Added);
    UsbBenchFinish();
}

TEST(UsbCore_a_dead_controller_has_no_devices)
{
    Arrange();
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() != NULL);
    UsbMockDie(&Mock);
    UsbBenchSleep(50);
    CHECK_EQUAL(1, Mock.Removed);
    UsbPortChanged(&Mock.Host, 1);
    UsbBenchSleep(50);
    CHECK_EQUAL(1, Stick.Device.Added);
    UsbBenchFinish();
}

TEST(UsbPortChanged_of_a_port_that_there_is_not_is_nothing)
{
    Arrange();
    UsbPortChanged(&Mock.Host, 3); /* before the start */
    CHECK(UsbBenchStartHost() == NULL);
    UsbPortChanged(&Mock.Host, 255);
    UsbPortChanged(&Mock.Host, 0xFFFFFFFF);
    UsbPortChanged(&Mock.Host, USB_MOCK_PORTS + 1);
    UsbBenchSleep(200);
    UsbBenchFinish();
}
