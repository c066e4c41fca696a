/* SPDX-License-Identifier: MIT */
/*
 * protection.c - PAGE_* to protection codes and back.
 */
#include "mm/space/protection.h"

#include "mi_assert.h"
#include "vm.h"

#define MIP_MODIFIERS (PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE)

/* By access code. */
static const ULONG MipAccess[MM_ACCESS_MASK + 1] = {
    PAGE_NOACCESS,  PAGE_READONLY,  PAGE_EXECUTE,           PAGE_EXECUTE_READ,
    PAGE_READWRITE, PAGE_WRITECOPY, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY,
};

/* Its codes, by the bit that each access is. */
static const UCHAR MipCodes[MM_ACCESS_MASK + 1] = {0, 1, 4, 5, 2, 3, 6, 7};

ULONG MiMakeProtection(ULONG Protect)
{
    ULONG Modifiers = Protect & MIP_MODIFIERS;
    ULONG Bit = Protect & ~MIP_MODIFIERS;
    ULONG Access;

    if (Bit == 0 || Bit > PAGE_EXECUTE_WRITECOPY || (Bit & (Bit - 1)) != 0 ||
        (Modifiers & (Modifiers - 1)) != 0) {
        return MI_NO_PROTECTION; /* not one access; more than one modifier */
    }
    Access = MipCodes[__builtin_ctz(Bit)];
    if (Access == 0) {
        return Modifiers == 0 ? MM_NOACCESS : MI_NO_PROTECTION;
    }
    switch (Modifiers) {
    case PAGE_GUARD:
        return Access | MM_GUARD_PAGE;
    case PAGE_NOCACHE:
        return Access | MM_NOCACHE;
    case PAGE_WRITECOMBINE:
        return Access | MM_WRITECOMBINE;
    default:
        return Access;
    }
}

ULONG MiProtectOf(ULONG Protection)
{
    static const ULONG Modifiers[] = {0, PAGE_NOCACHE, PAGE_GUARD, PAGE_WRITECOMBINE};

    if ((Protection & MM_ACCESS_MASK) == 0) {
        MI_ASSERT(Protection == MM_NOACCESS);
        return PAGE_NOACCESS;
    }
    return MipAccess[Protection & MM_ACCESS_MASK] | Modifiers[Protection >> 3 & 3];
}

BOOLEAN MiIsProtectionCompatible(ULONG Granted, ULONG Wanted)
{
    enum {
        Read = 1,
        Write = 2,
        Execute = 4
    };
    static const UCHAR Allowed[MM_ACCESS_MASK + 1] = {
        0,
        Read,
        Execute,
        Read | Execute,
        Read | Write,
        Read,
        Read | Write | Execute,
        Read | Execute,
    };

    return (Allowed[Wanted & MM_ACCESS_MASK] & ~Allowed[Granted & MM_ACCESS_MASK]) == 0;
}
