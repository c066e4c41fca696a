/* SPDX-License-Identifier: MIT */
/*
 * test_crash_memory.c - each provoked bug check is the one that was announced, all four parameters.
 *
 * Two kinds need threads on kernel stacks, which are too small for the sanitizer, one needs code in
 * the system half: they are tried on the booted machine only.
 */
#include "mm/inspect/crash_memory.h"
#include "mm/sysva/kernel_stack.h"
#include "rtl.h"
#include "tests/unit/mm_world.h"

#include <stdio.h>
#include <string.h>

#define FRAMES 4096u

static void Crash(PVOID Kind)
{
    MmCrash(Kind);
}

static BOOLEAN NeedsTheMachine(const char *Kind)
{
    return strcmp(Kind, "kernel-stack") == 0 || strcmp(Kind, "worker-irql") == 0 ||
           strcmp(Kind, "paged-by-driver") == 0;
}

static void CheckCrash(char *Kind)
{
    HOST_BUGCHECK BugCheck;
    ULONG i;

    MmWorldStart(FRAMES);
    memset(&MmExpectedStop, 0, sizeof(MmExpectedStop));
    if (!HostCatchBugCheck(Crash, Kind, &BugCheck)) {
        TestFail(__FILE__, __LINE__, "%s: no bug check", Kind);
    }
    if (BugCheck.Code != MmExpectedStop.Code) {
        TestFail(__FILE__, __LINE__, "%s: %x", Kind, (unsigned)BugCheck.Code);
    }
    for (i = 0; i < 4; i++) {
        ULONG_PTR Expected = MmExpectedStop.Parameter[i];

        if (Expected != MI_ANY_PARAMETER && Expected != BugCheck.Parameter[i]) {
            TestFail(__FILE__, __LINE__, "%s: parameter %u is %lx, not %lx", Kind, (unsigned)i + 1,
                     (unsigned long)BugCheck.Parameter[i], (unsigned long)Expected);
        }
    }
    HostMachineDelete();
}

TEST(Crash_of_each_kind_ends_in_the_bug_check_that_it_announced)
{
    char Kinds[2048];
    char *Kind;
    ULONG Count = 0;

    CHECK(strlen(MmCrashKinds) < sizeof(Kinds));
    snprintf(Kinds, sizeof(Kinds), "%s", MmCrashKinds);
    for (Kind = strtok(Kinds, " "); Kind != NULL; Kind = strtok(NULL, " ")) {
        if (!NeedsTheMachine(Kind)) {
            CheckCrash(Kind);
            Count++;
        }
    }
    CHECK(Count > 25);
}

TEST(Crash_returns_when_the_kind_is_not_known)
{
    MmWorldStart(FRAMES);
    MmCrash("nonsense");
    MmWorldFinish();
}
