/* SPDX-License-Identifier: MIT */
/*
 * pte_kind.c - the words and letters for page-table entries.
 *
 * Names of protections: the five bits are an access (0-7) and 8 for not cached, 16 for a guard
 * page; both together mean write-combined.  The access 0 alone is never stored: 24 is a page with no
 * access, 16 one that is decommitted.
 */
#include "mm/sysva/pte_kind.h"

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
    case MiPteList:
        return "free system PTE";
    }
    return "?";
}

const char *MiProtectionName(ULONG Protection)
{
    static const char *const Names[] = {
        "NoAccess",  "ReadOnly",  "Execute",          "ExecuteRead",
        "ReadWrite", "WriteCopy", "ExecuteReadWrite", "ExecuteWriteCopy",
    };

    return Names[Protection % (sizeof(Names) / sizeof(Names[0]))];
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
