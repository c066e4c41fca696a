/* SPDX-License-Identifier: MIT */
/*
 * complaint.h - how a parser of the user's configuration says what it did not like.
 *
 * Configuration never stops the boot: what is wrong is reported with its line, counted, and
 * replaced by a default.
 */
#ifndef EFI_COMPLAINT_H
#define EFI_COMPLAINT_H

#include "nt/types.h"

/*
 * Receives one complaint.
 *
 * => Line counts from 1; 0 means the file as a whole.
 * => Message is a sentence without its full stop, in UTF-8, valid during the call only.
 */
typedef void BL_COMPLAINT(PVOID Context, ULONG Line, const char *Message);

/* The longest message, with its zero; longer ones are cut. */
#define BL_COMPLAINT_BYTES 160

#endif
