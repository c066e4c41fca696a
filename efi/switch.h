/* SPDX-License-Identifier: MIT */
/*
 * switch.h - the parameters of the mode switch, shared by handoff.c and switch.S.
 */
#ifndef EFI_SWITCH_H
#define EFI_SWITCH_H

/* Offsets in BL_SWITCH, which lies at the end of the switch's page. */
#define BL_SWITCH_CR3   0
#define BL_SWITCH_CR4   4
#define BL_SWITCH_ENTRY 8
#define BL_SWITCH_BLOCK 12
#define BL_SWITCH_EFER  16
#define BL_SWITCH_BYTES 20

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

typedef struct _BL_SWITCH {
    uint32_t Cr3;     /* the kernel's page directory */
    uint32_t Cr4;     /* the whole register: what is not named is off */
    uint32_t EntryVa; /* the kernel's entry point */
    uint32_t BlockVa; /* LOADER_BLOCK, handed over in EAX */
    uint32_t HasEfer; /* 0: the processor has no such register */
} BL_SWITCH;

_Static_assert(offsetof(BL_SWITCH, Cr3) == BL_SWITCH_CR3, "switch.S reads Cr3 here");
_Static_assert(offsetof(BL_SWITCH, Cr4) == BL_SWITCH_CR4, "switch.S reads Cr4 here");
_Static_assert(offsetof(BL_SWITCH, EntryVa) == BL_SWITCH_ENTRY, "switch.S reads EntryVa here");
_Static_assert(offsetof(BL_SWITCH, BlockVa) == BL_SWITCH_BLOCK, "switch.S reads BlockVa here");
_Static_assert(offsetof(BL_SWITCH, HasEfer) == BL_SWITCH_EFER, "switch.S reads HasEfer here");
_Static_assert(sizeof(BL_SWITCH) == BL_SWITCH_BYTES, "BL_SWITCH changed size");

#if defined(__x86_64__)
typedef void __attribute__((sysv_abi)) BL_SWITCH_ROUTINE(BL_SWITCH *Switch, void *Page);
#else
typedef void BL_SWITCH_ROUTINE(BL_SWITCH *Switch, void *Page);
#endif

/* Position-independent; copied to the switch's page and entered at its start. */
extern const unsigned char BlSwitchStart[];
extern const unsigned char BlSwitchEnd[];
#endif

#endif
