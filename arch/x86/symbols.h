/* SPDX-License-Identifier: MIT */
/*
 * symbols.h - names for addresses, and stack traces.
 */
#ifndef X86_SYMBOLS_H
#define X86_SYMBOLS_H

#include "nt/types.h"

/* Longest name that is printed. */
#define KI_SYMBOL_BYTES 64

/*
 * => Text is "hhhhhhhh t name\n" by ascending address, as nm -n prints; it stays where it is.  Each
 *    address is Delta higher than it says.
 */
void KiInitializeSymbols(const char *Text, SIZE_T Bytes, ULONG Delta);

/*
 * The last symbol at or below Address.
 *
 * => FALSE: there is none; Name is empty.  Name is cut to fit.
 */
BOOLEAN KiFindSymbol(ULONG Address, char *Name, SIZE_T NameBytes, PULONG Offset);

/* The other way round: "x".  => FALSE: no symbol of that name. */
BOOLEAN KiFindAddress(const char *Name, PULONG Address);

/*
 * The symbol at *Position, a place in the text that is 0 to begin with; it moves to the next one.
 *
 * => FALSE: there are no more.
 */
BOOLEAN KiNextSymbol(PSIZE_T Position, char *Name, SIZE_T NameBytes, PULONG Address);

ULONG KiSymbolCount(void);

#endif
