/* SPDX-License-Identifier: MIT */
/*
 * switch.S - from the firmware's mode to 32-bit paging.
 *
 * This code is copied to a page below 2 GB that both the firmware's tables and the kernel's map at
 * its physical address.  It runs with interrupts off and touches no stack once it has started.
 * Registers from the first line to the last:
 *
 *     ebx  the BL_SWITCH           ebp  the page's address
 *
 * Every control register is written whole: whatever the firmware left on is off afterwards.  The
 * order is what the processor asks for:
 *
 *   1. CR4 while paging is on: PCIDE must be off before CR0.PG may be cleared; CET before CR0.WP
 *      may; PGE, SMEP, SMAP go with them.  PAE stays (long mode and ia32 firmware page with it),
 *      LA57 stays (it may change only with paging off).
 *   2. Our own flat GDT, and the far jump out of 64-bit code.
 *   3. CR0.PG off: long mode ends.
 *   4. EFER = 0: LME, SCE and NXE off.  Then CR4, whole: PAE and LA57 go here.
 *   5. CR3, then CR0 = PG | WP | NE | ET | PE: caches on, FPU untouched, writes protected.
 *
 * Source: Intel SDM volume 3A, 2.5 and 4.1.1, 9.8.5.4.
 */
#include "efi/switch.h"

#define CR4_KEPT        0x00001020 /* LA57 | PAE */
#define CR0_PAGED       0x80010031 /* PG | WP | NE | ET | PE */
#define CR0_PG_OFF      0x7FFFFFFF
#define MSR_EFER        0xC0000080
#define CODE_SELECTOR   0x08
#define DATA_SELECTOR   0x10
#define AT(Label)       (Label - BlSwitchStart)

        .text
        .globl  BlSwitchStart, BlSwitchEnd
        .balign 16
BlSwitchStart:
        cli
        cld
#if defined(__x86_64__)
        mov     %rdi, %rbx
        mov     %rsi, %rbp
        mov     %cr4, %rax
        and     $CR4_KEPT, %eax
        mov     %rax, %cr4
        lea     AT(Gdt)(%rbp), %rax
        mov     %rax, AT(GdtBase)(%rbp)
        lea     AT(Flat)(%rbp), %rax
        mov     %eax, AT(FarPointer)(%rbp)
        lgdt    AT(GdtPointer)(%rbp)
        ljmp    *AT(FarPointer)(%rbp)           /* m16:32, to compatibility mode */
#else
        mov     4(%esp), %ebx
        mov     8(%esp), %ebp
        mov     %cr4, %eax
        and     $CR4_KEPT, %eax
        mov     %eax, %cr4
        lea     AT(Gdt)(%ebp), %eax
        mov     %eax, AT(GdtBase)(%ebp)
        lea     AT(Flat)(%ebp), %eax
        mov     %eax, AT(FarPointer)(%ebp)
        lgdt    AT(GdtPointer)(%ebp)
        ljmp    *AT(FarPointer)(%ebp)
#endif

        .code32
Flat:
        mov     $DATA_SELECTOR, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        lldt    %ax
        mov     %eax, %db7

        mov     %cr0, %eax
        and     $CR0_PG_OFF, %eax
        mov     %eax, %cr0

        cmpl    $0, BL_SWITCH_EFER(%ebx)
        je      1f
        mov     $MSR_EFER, %ecx
        xor     %eax, %eax
        xor     %edx, %edx
        wrmsr
1:
        mov     BL_SWITCH_CR4(%ebx), %eax
        mov     %eax, %cr4
        mov     BL_SWITCH_CR3(%ebx), %eax
        mov     %eax, %cr3
        mov     $CR0_PAGED, %eax
        mov     %eax, %cr0
        mov     BL_SWITCH_BLOCK(%ebx), %eax
        mov     BL_SWITCH_ENTRY(%ebx), %ecx
        jmp     *%ecx

        .balign 8
Gdt:
        .quad   0
        .quad   0x00CF9B000000FFFF              /* 08: flat code, accessed */
        .quad   0x00CF93000000FFFF              /* 10: flat data, accessed */
GdtPointer:
        .word   GdtPointer - Gdt - 1
GdtBase:
        .quad   0
FarPointer:
        .long   0
        .word   CODE_SELECTOR
BlSwitchEnd:
        .section .note.GNU-stack, "", @progbits
