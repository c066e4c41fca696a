/* SPDX-License-Identifier: MIT */
/*
 * system_view_world.c - see system_view_world.h.
 */
#include "tests/unit/system_view_world.h"

#include "mm.h"
#include "mm/paging/modified_writer.h"
#include "mm/section/cache_calls.h"
#include "mm/section/cache_view.h"

ULONG_PTR SystemViewMap(PSECTION Section)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;

    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewInSystemSpace(Section, &Base, &Bytes));
    CHECK_EQUAL(ROUND_UP(Section->SizeOfSection, (ULONG64)PAGE_SIZE), Bytes);
    return (ULONG_PTR)Base;
}

void SystemViewUnmap(ULONG_PTR Va)
{
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewInSystemSpace((PVOID)Va));
}

ULONG_PTR CacheViewMap(PSECTION Section, ULONG View, ULONG FirstPage)
{
    ULONG_PTR Va =
        MiLayout.Region[MiRegionSystemCache].Start + (ULONG_PTR)View * MM_CACHE_VIEW_BYTES;
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)FirstPage * PAGE_SIZE};

    CHECK_EQUAL(STATUS_SUCCESS,
                MmMapViewInSystemCache(Section, (PVOID)Va, Offset, MM_CACHE_VIEW_BYTES));
    return Va;
}

void CacheViewUnmap(ULONG_PTR Va)
{
    MmUnmapViewInSystemCache((PVOID)Va, MM_CACHE_VIEW_BYTES);
}

NTSTATUS ViewTryRead(ULONG_PTR Va, PULONG Value)
{
    return KiGuardedCopy(Value, (const void *)Va, sizeof(*Value));
}

NTSTATUS ViewTryWrite(ULONG_PTR Va, ULONG Value)
{
    return KiGuardedCopy((PVOID)Va, &Value, sizeof(Value));
}

ULONG ViewRead(ULONG_PTR Va)
{
    ULONG Value = 0;

    CHECK_EQUAL(STATUS_SUCCESS, ViewTryRead(Va, &Value));
    return Value;
}

void ViewWrite(ULONG_PTR Va, ULONG Value)
{
    CHECK_EQUAL(STATUS_SUCCESS, ViewTryWrite(Va, Value));
}

void SystemViewTrim(void)
{
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
}

void SystemViewPageOut(void)
{
    ULONG i;

    SectionTrim();
    for (i = 0; i < 2; i++) { /* what the prototype PTEs lie in goes when their pages have gone */
        SystemViewTrim();
        CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
        (void)MiReuseStandbyFrames();
    }
}
