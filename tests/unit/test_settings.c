/* SPDX-License-Identifier: MIT */
/*
 * test_settings.c - values of system.reg that change nothing are named when they were changed.
 */
#include "mm/init/init.h"
#include "mm/pfn/page_color.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static BOOLEAN Said(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

static void StartWith(const char *Name, ULONG Number)
{
    const MM_VALUE Value = {Name, Number};

    MmWorldStartWith(2048, &Value, 1);
}

TEST(A_changed_setting_without_effect_is_named)
{
    StartWith("IoPageLockLimit", 0x100000);
    CHECK(Said("system.reg: IoPageLockLimit has no effect yet.\n"));
    MmWorldFinish();
}

TEST(A_default_is_not_named)
{
    StartWith("PoolUsageMaximum", 80);
    CHECK(!Said("no effect"));
    MmWorldFinish();
    StartWith("PoolUsageMaximum", 0);
    CHECK(!Said("no effect"));
    MmWorldFinish();
    StartWith("PoolUsageMaximum", 60);
    CHECK(Said("system.reg: PoolUsageMaximum has no effect yet.\n"));
    MmWorldFinish();
}

TEST(A_setting_with_an_effect_is_not_named)
{
    StartWith("SystemPages", 20000);
    CHECK(!Said("no effect"));
    MmWorldFinish();
}

TEST(A_text_without_effect_is_named)
{
    LOADER_REGISTRY_VALUE Values[] = {{.Name = "VerifyDrivers", .Type = LOADER_REG_SZ},
                                      {.Name = "ClearPageFileAtShutdown", .Type = LOADER_REG_SZ}};
    MM_BOOT Boot = {.Values = Values, .ValueCount = 2};

    HostConsoleClear();
    MiNameSettingsWithoutEffect(&Boot);
    CHECK_TEXT("system.reg: VerifyDrivers has no effect yet.\n", HostConsoleText());
}

TEST(SecondLevelDataCache_decides_the_number_of_colours)
{
    StartWith("SecondLevelDataCache", 64); /* KB: 16 pages */
    CHECK_EQUAL(15, MiColorMask);
    MmWorldFinish();
    StartWith("SecondLevelDataCache", 0);
    CHECK_EQUAL(63, MiColorMask);
    MmWorldFinish();
}
