/* SPDX-License-Identifier: MIT */
/*
 * capture.S - void KdCaptureRegisters(PKD_REGISTERS Registers)
 *
 * In assembly, since a compiler's function has changed EBX, ESI and EDI before its first line.  The
 * offsets are those of KD_REGISTERS, which debug.c pins.
 */
    .text
    .globl KdCaptureRegisters
    .type KdCaptureRegisters, @function
KdCaptureRegisters:
    pushf
    push %eax
    mov 12(%esp), %eax          /* above: EAX, EFlags, the return address */
    mov %ebx, 0x04(%eax)
    mov %ecx, 0x08(%eax)
    mov %edx, 0x0C(%eax)
    mov %esi, 0x10(%eax)
    mov %edi, 0x14(%eax)
    mov %ebp, 0x20(%eax)
    pop %ecx
    mov %ecx, 0x00(%eax)        /* EAX as it was */
    pop %ecx
    mov %ecx, 0x24(%eax)        /* EFlags */
    mov (%esp), %ecx
    mov %ecx, 0x18(%eax)        /* EIP: where this returns to */
    lea 4(%esp), %ecx
    mov %ecx, 0x1C(%eax)        /* ESP: as it is then */
    xor %ecx, %ecx              /* a selector has 16 bits */
    mov %cs, %cx
    mov %ecx, 0x28(%eax)
    mov %ss, %cx
    mov %ecx, 0x2C(%eax)
    mov %ds, %cx
    mov %ecx, 0x30(%eax)
    mov %es, %cx
    mov %ecx, 0x34(%eax)
    mov %fs, %cx
    mov %ecx, 0x38(%eax)
    mov %gs, %cx
    mov %ecx, 0x3C(%eax)
    mov %cr0, %ecx
    mov %ecx, 0x40(%eax)
    mov %cr2, %ecx
    mov %ecx, 0x44(%eax)
    mov %cr3, %ecx
    mov %ecx, 0x48(%eax)
    mov %cr4, %ecx
    mov %ecx, 0x4C(%eax)
    ret
    .size KdCaptureRegisters, . - KdCaptureRegisters

    .section .note.GNU-stack, "", @progbits
