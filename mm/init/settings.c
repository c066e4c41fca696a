/* SPDX-License-Identifier: MIT */
/*
 * settings.c - values of system.reg that are understood and change nothing yet.
 *
 * A setting that is silently ignored misleads whoever made it.  Those with another value than the
 * default are named at the start.
 */
#include "mm/init/init.h"
#include "mm/pool/trim_system.h"
#include "report.h"
#include "rtl.h"

typedef struct _MIP_SETTING {
    const char *Name;
    ULONG Type;
    ULONG Default; /* of a number; 0 in the file means the default too */
} MIP_SETTING;

static const MIP_SETTING MipWithoutEffect[] = {
    {"IoPageLockLimit", LOADER_REG_DWORD, 0},
    {"PoolUsageMaximum", LOADER_REG_DWORD, 80},
    {"TrackLockedPages", LOADER_REG_DWORD, 0},
    {"TrackPtes", LOADER_REG_DWORD, 0},
    {"VerifyDrivers", LOADER_REG_SZ, 0},
    {"VerifyDriverLevel", LOADER_REG_DWORD, MI_VERIFY_FORCE_IRQL}, /* the one bit that has one */
    {"AllocationPreference", LOADER_REG_DWORD, 0},
    {"LargePageMinimum", LOADER_REG_DWORD, 0},
    {"PhysicalAddressExtension", LOADER_REG_DWORD, 0},
    {"WriteWatch", LOADER_REG_DWORD, 0},
};

static BOOLEAN MipIsWithoutEffect(const LOADER_REGISTRY_VALUE *Value)
{
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(MipWithoutEffect); i++) {
        const MIP_SETTING *Setting = &MipWithoutEffect[i];

        if (Value->Type == Setting->Type &&
            RtlCompareText(Value->Name, Setting->Name, LOADER_REGISTRY_NAME_BYTES) == 0) {
            return Setting->Type != LOADER_REG_DWORD ||
                   (Value->Dword != 0 && Value->Dword != Setting->Default);
        }
    }
    return FALSE;
}

void MiNameSettingsWithoutEffect(const MM_BOOT *Boot)
{
    ULONG i;

    for (i = 0; i < Boot->ValueCount; i++) {
        if (MipIsWithoutEffect(&Boot->Values[i])) {
            KiPrint("system.reg: %s has no effect yet.\n", Boot->Values[i].Name);
        }
    }
}
