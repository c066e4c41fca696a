/* SPDX-License-Identifier: MIT */
/*
 * pte_kind.c - the words and letters for page-table entries.
 *
 * Names of protections: the five bits are an access (0-7) and 8 for not cached, 16 for a guard
 * page; both together mean write-combined.  The access 0 alone is never stored: 24 is a page with
 * no access, 16 one that is decommitted.
 */
#include "mm/sysva/pte_kind.h"

#include "mi_assert.h"
#include "mm/sysva/layout.h"

#define MIP_SUBSECTION_UNIT     8u
#define MIP_SUBSECTION_LOW_BITS 4
#define MIP_SUBSECTION_REACH    (1u << 24) /* in units */

/* ---- subsections ---- */

/* => The number of units from where the part of the pool begins. */
static ULONG MipUnits(MI_REGION Region, ULONG_PTR Va)
{
    ULONG_PTR Offset = Va - MiLayout.Region[Region].Start;

    return Offset < MiLayout.Region[Region].Bytes ? (ULONG)(Offset / MIP_SUBSECTION_UNIT)
                                                  : MIP_SUBSECTION_REACH;
}

BOOLEAN MiCanNameSubsection(const void *Subsection)
{
    ULONG_PTR Va = (ULONG_PTR)Subsection;

    return Va % MIP_SUBSECTION_UNIT == 0 &&
           (MipUnits(MiRegionInitialPool, Va) < MIP_SUBSECTION_REACH ||
            MipUnits(MiRegionPoolExpansion, Va) < MIP_SUBSECTION_REACH);
}

MMPTE MiMakeSubsectionPte(const void *Subsection, ULONG Protection)
{
    ULONG Initial = MipUnits(MiRegionInitialPool, (ULONG_PTR)Subsection);
    BOOLEAN IsInitial = Initial < MIP_SUBSECTION_REACH;
    ULONG Units = IsInitial ? Initial : MipUnits(MiRegionPoolExpansion, (ULONG_PTR)Subsection);
    MI_PTE_VIEW View = {.Pte = {.Long = 0}};

    MI_ASSERT(Units < MIP_SUBSECTION_REACH);
    View.Subsect.Prototype = 1;
    View.Subsect.Protection = Protection & 31;
    View.Subsect.SubsectionAddressLow = Units & ((1u << MIP_SUBSECTION_LOW_BITS) - 1);
    View.Subsect.SubsectionAddressHigh = Units >> MIP_SUBSECTION_LOW_BITS & 0xFFFFFu;
    View.Subsect.WhichPool = IsInitial;
    return View.Pte;
}

PVOID MiSubsectionAddress(MMPTE Pte)
{
    MI_PTE_VIEW View = MiViewPte(Pte);
    MI_REGION Part = View.Subsect.WhichPool ? MiRegionInitialPool : MiRegionPoolExpansion;
    ULONG Units = View.Subsect.SubsectionAddressHigh << MIP_SUBSECTION_LOW_BITS |
                  View.Subsect.SubsectionAddressLow;

    return (PVOID)(MiLayout.Region[Part].Start + Units * MIP_SUBSECTION_UNIT);
}

/* ---- words ---- */

const char *MiPteKindName(MI_PTE_KIND Kind)
{
    switch (Kind) {
    case MiPteZero:
        return "not valid";
    case MiPteValid:
        return "valid";
    case MiPteLarge:
        return "large page";
    case MiPteTransition:
        return "transition";
    case MiPtePagefile:
        return "pagefile";
    case MiPteDemandZero:
        return "demand zero";
    case MiPtePrototype:
        return "prototype";
    case MiPteSubsection:
        return "subsection";
    case MiPteList:
        return "free system PTE";
    }
    return "?";
}

#define MIP_NAMES(Modifier)                                                                        \
    {                                                                                              \
        "NoAccess", "ReadOnly" Modifier, "Execute" Modifier, "ExecuteRead" Modifier,               \
            "ReadWrite" Modifier, "WriteCopy" Modifier, "ExecuteReadWrite" Modifier,               \
            "ExecuteWriteCopy" Modifier,                                                           \
    }

const char *MiProtectionName(ULONG Protection)
{
    static const char *const Names[4][8] = {
        MIP_NAMES(""),
        MIP_NAMES(" NoCache"),
        MIP_NAMES(" Guard"),
        MIP_NAMES(" WriteCombine"),
    };

    return Names[Protection >> 3 & 3][Protection & 7];
}

MI_PTE_TEXT MiPteLetters(MMPTE Pte, MI_PTE_KIND Kind)
{
    MI_PTE_TEXT Letters = {{
        Pte.Hard.CopyOnWrite ? 'C' : '-',
        Pte.Hard.Global ? 'G' : '-',
        Kind == MiPteLarge ? 'L' : '-',
        Pte.Hard.Dirty ? 'D' : '-',
        Pte.Hard.Accessed ? 'A' : '-',
        Pte.Hard.CacheDisable ? 'N' : '-',
        Pte.Hard.WriteThrough ? 'T' : '-',
        Pte.Hard.Owner ? 'U' : 'K',
        Pte.Hard.Write ? 'W' : 'R',
        'E',
        Pte.Hard.Valid ? 'V' : ' ',
        0,
    }};

    return Letters;
}
