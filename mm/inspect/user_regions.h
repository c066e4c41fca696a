/* SPDX-License-Identifier: MIT */
/*
 * user_regions.h - regions of the user half as !address lists and sums them.
 */
#ifndef MM_INSPECT_USER_REGIONS_H
#define MM_INSPECT_USER_REGIONS_H

#include "vm.h"

typedef enum _MI_REGION_OUTPUT {
    MiRegionTable,
    MiRegionCsv,
    MiRegionTsv,
    MiRegionBare /* -o:1: addresses alone */
} MI_REGION_OUTPUT;

/* Which regions; of each kind that is not 0 a region has one of the bits. */
typedef struct _MI_REGION_FILTER {
    ULONG Usages;  /* 1 << MI_REGION_USAGE */
    ULONG Types;   /* MEM_PRIVATE, MEM_MAPPED, MEM_IMAGE */
    ULONG States;  /* MEM_COMMIT, MEM_RESERVE, MEM_FREE */
    ULONG Protect; /* PAGE_* */
    MI_REGION_OUTPUT Output;
    BOOLEAN Summary;
} MI_REGION_FILTER, *PMI_REGION_FILTER;

typedef enum _MI_REGION_USAGE {
    MiUsageFree,
    MiUsageVar,     /* private memory: who uses it for what is not known */
    MiUsageImage,   /* a view of an image */
    MiUsageFileMap, /* another view */
    MiUsages
} MI_REGION_USAGE;

typedef MEMORY_BASIC_INFORMATION MI_USER_REGION;

/* -f:, -o: and -summary.  => FALSE: a sentence was printed. */
NT_MUST_CHECK BOOLEAN MiParseRegionFilter(const char *Arguments, PMI_REGION_FILTER Filter);

BOOLEAN MiMatchRegion(const MI_REGION_FILTER *Filter, const MI_USER_REGION *Region);
MI_REGION_USAGE MiRegionUsage(const MI_USER_REGION *Region);

/* WinDbg's words; "" for 0. */
const char *MiRegionUsageName(MI_REGION_USAGE Usage);
const char *MiRegionBitName(ULONG Bit);  /* of a type or a state */
const char *MiProtectBitName(ULONG Bit); /* of a protection */

/* All of a protection: "PAGE_READWRITE|PAGE_GUARD". */
typedef struct _MI_PROTECT_TEXT {
    char Text[48];
} MI_PROTECT_TEXT;

MI_PROTECT_TEXT MiProtectText(ULONG Protect);

/* The running process' region at *Va, which moves behind it.  => FALSE: there are no more. */
BOOLEAN MiNextUserRegion(PULONG_PTR Va, MI_USER_REGION *Region);

/* user_summary.c: bytes of pages, with three digits behind the point: "(   4.000 kB)"; -summary. */
void MiPrintPageBytes(ULONG Pages);
void MiPrintUserSummary(const MI_REGION_FILTER *Filter);

#endif
