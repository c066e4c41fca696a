/* SPDX-License-Identifier: MIT */
/*
 * verify_parts.h - the parts of MiVerifyAll, for those who want one of them or its name.
 */
#ifndef MM_INSPECT_VERIFY_PARTS_H
#define MM_INSPECT_VERIFY_PARTS_H

#include "nt/types.h"
#include "verify.h"

typedef struct _MI_VERIFY_PART {
    const char *Name;        /* NULL ends the table */
    BOOLEAN (*Exists)(void); /* its subsystem was started */
    void (*Verify)(void);
} MI_VERIFY_PART;

extern const MI_VERIFY_PART MiVerifyParts[];

/* V1 and V3 of verify.c.  => There is a page-frame database. */
void MiVerifyFrameOwners(void);

/* V2.  => There are system PTEs and a page-frame database. */
void MiVerifySystemMappings(void);

#endif
