/* SPDX-License-Identifier: MIT */
/*
 * types.h - the object manager's own types, made at the start.
 */
#ifndef MM_OB_TYPES_H
#define MM_OB_TYPES_H

#include "mm/ob/object.h"

/* The type of types.  => Once, before any other; it is in no directory yet. */
NT_MUST_CHECK NTSTATUS ObpCreateTypeType(void);

/* => Once each, after the type of types. */
NT_MUST_CHECK NTSTATUS ObpCreateDirectoryType(void);
NT_MUST_CHECK NTSTATUS ObpCreateSymbolicLinkType(void);
NT_MUST_CHECK NTSTATUS ObpCreateEventType(void);

/* What a link leads to.  => The buffer is the link's: it stays as long as that. */
UNICODE_STRING ObpLinkTarget(PVOID Link);

/* Put all types so far into \ObjectTypes, where later ones go by themselves. */
NT_MUST_CHECK NTSTATUS ObpNameTypes(void);

#endif
