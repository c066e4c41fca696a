/* SPDX-License-Identifier: MIT */
/*
 * port.c - I/O ports and device registers: one instruction each.
 */
#include "arch/port.h"

UCHAR READ_PORT_UCHAR(USHORT Port)
{
    UCHAR Value;

    __asm__ volatile("inb %1, %0" : "=a"(Value) : "Nd"(Port));
    return Value;
}

USHORT READ_PORT_USHORT(USHORT Port)
{
    USHORT Value;

    __asm__ volatile("inw %1, %0" : "=a"(Value) : "Nd"(Port));
    return Value;
}

ULONG READ_PORT_ULONG(USHORT Port)
{
    ULONG Value;

    __asm__ volatile("inl %1, %0" : "=a"(Value) : "Nd"(Port));
    return Value;
}

void WRITE_PORT_UCHAR(USHORT Port, UCHAR Value)
{
    __asm__ volatile("outb %0, %1" : : "a"(Value), "Nd"(Port) : "memory");
}

void WRITE_PORT_USHORT(USHORT Port, USHORT Value)
{
    __asm__ volatile("outw %0, %1" : : "a"(Value), "Nd"(Port) : "memory");
}

void WRITE_PORT_ULONG(USHORT Port, ULONG Value)
{
    __asm__ volatile("outl %0, %1" : : "a"(Value), "Nd"(Port) : "memory");
}

/* Assembly, so that the access has exactly this width and no compiler narrows it. */
UCHAR READ_REGISTER_UCHAR(volatile UCHAR *Register)
{
    UCHAR Value;

    __asm__ volatile("movb %1, %0" : "=q"(Value) : "m"(*Register) : "memory");
    return Value;
}

USHORT READ_REGISTER_USHORT(volatile USHORT *Register)
{
    USHORT Value;

    __asm__ volatile("movw %1, %0" : "=r"(Value) : "m"(*Register) : "memory");
    return Value;
}

ULONG READ_REGISTER_ULONG(volatile ULONG *Register)
{
    ULONG Value;

    __asm__ volatile("movl %1, %0" : "=r"(Value) : "m"(*Register) : "memory");
    return Value;
}

void WRITE_REGISTER_UCHAR(volatile UCHAR *Register, UCHAR Value)
{
    __asm__ volatile("movb %1, %0" : "=m"(*Register) : "q"(Value) : "memory");
}

void WRITE_REGISTER_USHORT(volatile USHORT *Register, USHORT Value)
{
    __asm__ volatile("movw %1, %0" : "=m"(*Register) : "r"(Value) : "memory");
}

void WRITE_REGISTER_ULONG(volatile ULONG *Register, ULONG Value)
{
    __asm__ volatile("movl %1, %0" : "=m"(*Register) : "r"(Value) : "memory");
}
