/* SPDX-License-Identifier: MIT */
/*
 * layout.h - where everything lies in the system half, computed once at boot.
 *
 * Pure: from the size of RAM and the values of system.reg to a table of ranges.
 */
#ifndef MM_SYSVA_LAYOUT_H
#define MM_SYSVA_LAYOUT_H

#include "loader.h"
#include "nt/types.h"
#include "rtl.h"

typedef enum _MI_REGION {
    MiRegionKernel,           /* boot window and kernel image */
    MiRegionPfnDatabase,      /* mapped as far as it has entries */
    MiRegionInitialPool,      /* nonpaged pool that is mapped from the start */
    MiRegionDrivers,          /* images that are loaded later */
    MiRegionSystemViews,      /* sections that MmMapViewInSystemSpace maps */
    MiRegionCacheExtension,   /* what the system cache has beyond that below E1000000 */
    MiRegionSession,          /* each session its own: session_space.h */
    MiRegionPageTables,       /* the self-map */
    MiRegionHyperspace,       /* process private: windows and the working-set list */
    MiRegionSystemWorkingSet, /* working-set lists of the system cache and the paged pool */
    MiRegionSystemCache,
    MiRegionPagedPool,
    MiRegionSystemPtes,
    MiRegionPoolExpansion, /* what nonpaged pool may grow into */
    MiRegionFramebuffer,   /* the screen, in 4 MB pages */
    MiRegionCrashDump,
    MiRegionHal,
    MiRegions
} MI_REGION;

typedef struct _MI_RANGE {
    ULONG_PTR Start; /* page aligned */
    ULONG Bytes;     /* whole pages; 0: the region does not exist */
} MI_RANGE, *PMI_RANGE;

typedef struct _MI_LAYOUT {
    MI_RANGE Region[MiRegions];
    ULONG MaximumNonPagedPoolBytes; /* the initial part and the expansion together */
    ULONG SessionViewBytes;         /* of the session space */
    ULONG SessionPoolBytes;
    ULONG_PTR RangeStart; /* the system half begins */
} MI_LAYOUT, *PMI_LAYOUT;

/* (I) The layout that the system runs with; all zero before MmInitSystem. */
extern MI_LAYOUT MiLayout;

/* => Returns the number that system.reg has for Name; 0: none, or of another type. */
ULONG MiRegistryNumber(const LOADER_REGISTRY_VALUE *Values, ULONG Count, const char *Name);

/*
 * A value of system.reg was corrected.
 *
 * => Unit is "bytes", "MB" or "entries"; Reason completes "... because ".
 */
typedef void MI_LAYOUT_COMPLAINT(PVOID Context, const char *Name, const char *Unit, ULONG Given,
                                 ULONG Used, const char *Reason);

typedef struct _MI_LAYOUT_INPUT {
    ULONG RamPages; /* RAM that the machine has below 4 GB */
    PFN_NUMBER HighestFrame;
    ULONG FramebufferBytes; /* that the machine maps, up to FF800000: screen, devices above 4 GB */
    ULONG_PTR RangeStart;   /* the system half begins; the kernel is above C0000000 if /3GB holds */
    ULONG_PTR KernelStart;  /* of the boot window: LOADER_WINDOW_BASE, or LOADER_HIGH_BASE */
    const LOADER_REGISTRY_VALUE *Values;
    ULONG ValueCount;
    MI_LAYOUT_COMPLAINT *Complain; /* NULL: nobody listens */
    PVOID Context;                 /* for Complain */
} MI_LAYOUT_INPUT, *PMI_LAYOUT_INPUT;

#define MI_FRAMEBUFFER_END 0xFF800000u
/* HalMapFramebuffer maps 128 MB at most, devices have 24; the simulated machine hides memory so. */
#define MI_FRAMEBUFFER_LIMIT 0x09800000u

/*
 * Compute the layout.  Values that are absent, of another type or unknown count as 0: the system
 * chooses; values that do not fit are corrected, and Complain hears of each.
 *
 * => FramebufferBytes <= MI_FRAMEBUFFER_LIMIT.  RangeStart is 80000000 without /3GB, else a
 *    multiple of 4 MB up to C0000000.
 */
MI_LAYOUT MiComputeLayout(const MI_LAYOUT_INPUT *Input);

/* => The region of MiLayout that Va lies in; MiRegions: none. */
MI_REGION MiFindRegion(ULONG_PTR Va);

/* The map, by address, one line a region. */
void MiPrintLayout(const MI_LAYOUT *Layout, RTL_PRINT_SINK *Sink, PVOID Context);

const char *MiRegionName(MI_REGION Region);

/* Check Y1 to Y5 of layout.c.  => Stops the machine when one does not hold. */
void MiVerifyLayout(const MI_LAYOUT *Layout);

#endif
