/* SPDX-License-Identifier: MIT */
/*
 * port.h - I/O ports and device registers, as portable drivers reach them.
 *
 * Implemented twice: arch/x86/port.c and tests/host (a table of scripted devices).  Registers of
 * memory-mapped devices are read and written in exactly the width that is named here; a compiler
 * may neither narrow nor merge them.
 */
#ifndef ARCH_PORT_H
#define ARCH_PORT_H

#include "nt/types.h"

/* => Any IRQL. */
UCHAR READ_PORT_UCHAR(USHORT Port);
USHORT READ_PORT_USHORT(USHORT Port);
ULONG READ_PORT_ULONG(USHORT Port);
void WRITE_PORT_UCHAR(USHORT Port, UCHAR Value);
void WRITE_PORT_USHORT(USHORT Port, USHORT Value);
void WRITE_PORT_ULONG(USHORT Port, ULONG Value);

/* => Any IRQL; Register is mapped and aligned to its width. */
UCHAR READ_REGISTER_UCHAR(volatile UCHAR *Register);
USHORT READ_REGISTER_USHORT(volatile USHORT *Register);
ULONG READ_REGISTER_ULONG(volatile ULONG *Register);
void WRITE_REGISTER_UCHAR(volatile UCHAR *Register, UCHAR Value);
void WRITE_REGISTER_USHORT(volatile USHORT *Register, USHORT Value);
void WRITE_REGISTER_ULONG(volatile ULONG *Register, ULONG Value);

#endif
