/* SPDX-License-Identifier: MIT */
/*
 * registry_values.c - the documented values of the Memory Management key.
 *
 * The table is the whole truth about names, types and ranges.  A range that the documentation does
 * not give is left open: 0 to 0xFFFFFFFF.  Beside is one value outside the range that has a meaning
 * of its own; where there is none it repeats Least.
 *
 * Where the ranges come from, if not from the value's own page:
 *   MB of views, pools and limits    the system has 2 GB of addresses, so 2048
 *   VerifyDriverLevel                Driver Verifier's bits 0 to 11
 *   EnforceWriteProtection, LargePageMinimum, PhysicalAddressExtension, WriteWatch
 *                                    names in common use without a public definition
 */
#include "registry_private.h"

#define BLP_ANY 0xFFFFFFFFu

static const BLP_KNOWN_VALUE BlpKnownValues[] = {
    {"PagedPoolSize", LOADER_REG_DWORD, 0, 0x20000000, 0xFFFFFFFF},
    {"NonPagedPoolSize", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"PagedPoolQuota", LOADER_REG_DWORD, 0, 128, 0},
    {"NonPagedPoolQuota", LOADER_REG_DWORD, 0, 128, 0},
    {"SystemPages", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"LargeSystemCache", LOADER_REG_DWORD, 0, 1, 0},
    {"IoPageLockLimit", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"PagingFiles", LOADER_REG_MULTI_SZ, 0, 16, 0},
    {"ClearPageFileAtShutdown", LOADER_REG_DWORD, 0, 1, 0},
    {"DisablePagingExecutive", LOADER_REG_DWORD, 0, 1, 0},
    {"SecondLevelDataCache", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"PoolUsageMaximum", LOADER_REG_DWORD, 0, 100, 0},
    {"SessionViewSize", LOADER_REG_DWORD, 0, 2048, 0},
    {"SessionPoolSize", LOADER_REG_DWORD, 0, 2048, 0},
    {"SystemViewSize", LOADER_REG_DWORD, 0, 2048, 0},
    {"PoolTag", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"PoolTagOverruns", LOADER_REG_DWORD, 0, 1, 0},
    {"ProtectNonPagedPool", LOADER_REG_DWORD, 0, 1, 0},
    {"PoisonFreedPool", LOADER_REG_DWORD, 0, 1, 0}, /* ours */
    {"TrackLockedPages", LOADER_REG_DWORD, 0, 1, 0},
    {"TrackPtes", LOADER_REG_DWORD, 0, 1, 3},
    {"VerifyDrivers", LOADER_REG_SZ, 0, 0, 0},
    {"VerifyDriverLevel", LOADER_REG_DWORD, 0, 0xFFF, 0},
    {"AllocationPreference", LOADER_REG_DWORD, 0, 0, 0x100000},
    {"SystemCacheDirtyPageThreshold", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"LowMemoryThreshold", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"HighMemoryThreshold", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"NonPagedPoolLimit", LOADER_REG_DWORD, 0, 2048, 0},
    {"PagedPoolLimit", LOADER_REG_DWORD, 0, 2048, 0},
    {"SessionSpaceLimit", LOADER_REG_DWORD, 0, 2048, 0},
    {"SystemCacheLimit", LOADER_REG_DWORD, 0, 2048, 0},
    {"SystemPtesLimit", LOADER_REG_DWORD, 0, 2048, 0},
    {"EnforceWriteProtection", LOADER_REG_DWORD, 0, 1, 0},
    {"LargePageMinimum", LOADER_REG_DWORD, 0, BLP_ANY, 0},
    {"PhysicalAddressExtension", LOADER_REG_DWORD, 0, 1, 0},
    {"WriteWatch", LOADER_REG_DWORD, 0, 1, 0},
};

const BLP_KNOWN_VALUE *BlpFindKnownValue(BL_TEXT Name)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(BlpKnownValues); Index++) {
        if (BlTextEquals(Name, BlpKnownValues[Index].Name)) {
            return &BlpKnownValues[Index];
        }
    }
    return NULL;
}

static const char *BlpTypeName(ULONG Type)
{
    switch (Type) {
    case LOADER_REG_SZ:
        return "REG_SZ";
    case LOADER_REG_DWORD:
        return "REG_DWORD";
    case LOADER_REG_MULTI_SZ:
        return "REG_MULTI_SZ";
    default:
        return "of another type";
    }
}

static ULONG BlpCountStrings(const BLP_DATA *Data)
{
    ULONG Strings = 0;
    ULONG Index;

    for (Index = 1; Index < Data->Bytes; Index++) {
        Strings += Data->Text[Index] == 0 && Data->Text[Index - 1] != 0;
    }
    return Strings;
}

/* "text" 0 becomes "text" 0 0; an empty one is the empty list, 0 0.  => FALSE: no room. */
static BOOLEAN BlpMakeList(PBLP_DATA Data)
{
    if (Data->Bytes == BLP_DATA_BYTES) {
        return FALSE;
    }
    Data->Text[Data->Bytes++] = 0;
    Data->Type = LOADER_REG_MULTI_SZ;
    return TRUE;
}

static BOOLEAN BlpIsInRange(const BLP_KNOWN_VALUE *Known, ULONG Dword)
{
    return (Dword >= Known->Least && Dword <= Known->Most) || Dword == Known->Beside;
}

BOOLEAN BlpCheckKnownValue(PBL_TEXT_SOURCE Source, ULONG Line, const BLP_KNOWN_VALUE *Known,
                           PBLP_DATA Data)
{
    if (Known->Type == LOADER_REG_MULTI_SZ && Data->Type == LOADER_REG_SZ && !BlpMakeList(Data)) {
        BlComplain(Source, Line, "%s is too long, dropped", Known->Name);
        return FALSE;
    }
    if (Data->Type != Known->Type) {
        BlComplain(Source, Line, "%s must be %s but is %s, dropped", Known->Name,
                   BlpTypeName(Known->Type), BlpTypeName(Data->Type));
        return FALSE;
    }
    if (Known->Type == LOADER_REG_DWORD && !BlpIsInRange(Known, Data->Dword)) {
        BlComplain(Source, Line, "%s = %08x is not in its range, %08x to %08x%s, dropped",
                   Known->Name, Data->Dword, Known->Least, Known->Most,
                   Known->Beside != Known->Least ? " or its special value" : "");
        return FALSE;
    }
    if (Known->Type == LOADER_REG_MULTI_SZ && BlpCountStrings(Data) > Known->Most) {
        BlComplain(Source, Line, "%s has more than %u strings, dropped", Known->Name, Known->Most);
        return FALSE;
    }
    return TRUE;
}
