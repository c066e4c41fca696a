/* SPDX-License-Identifier: MIT */
/*
 * audit.h - the protection audit: do the page tables keep the promises about who may do what?
 *
 *     A1  no page of the system half is user accessible, outside of declared user-visible ranges
 *     A2  a valid page of a user-visible range is user accessible: directory and table agree
 *     A3  the first and the last 64 KB of user space are not mapped
 *     A4  every page of a read-only range is valid, and the entry that maps it lacks Write
 *     A5  no page of a no-access range is valid
 *     A6  every page of a mapped range is valid
 *     A7  the self-map's entry points at the current directory, for the supervisor, by 4 KB pages
 *     A8  no valid entry has the bits Prototype (but for user pages that show physical memory) or
 *         Reserved, or a large page's bit 21
 *     A9  a frame of a read-only range, pageable or not, is not writable at another address
 *     A10 a valid page of a pageable read-only range is as in A4
 *
 * User accessible and writable mean what the processor makes of both levels (A4 is stricter).  The
 * self-map's own 4 MB are judged by A7 alone: there page tables appear as pages.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "nt/types.h"

typedef enum _MI_AUDIT_KIND {
    MiAuditReadOnly,
    MiAuditPageable, /* read-only too, while it is there */
    MiAuditNoAccess, /* guard pages */
    MiAuditMapped,
    MiAuditUserVisible /* in the system half: user mode may look, if it is mapped at all */
} MI_AUDIT_KIND;

/* What somebody promises about [Start, End). */
typedef struct _MI_AUDIT_RANGE {
    ULONG_PTR Start; /* page aligned */
    ULONG_PTR End;   /* exclusive, page aligned; 0: the end of the address space */
    MI_AUDIT_KIND Kind;
    const char *Name; /* for the report */
} MI_AUDIT_RANGE, *PMI_AUDIT_RANGE;

typedef struct _MI_AUDIT_RESULT {
    ULONG Directories;     /* valid directory entries, large pages and the self-map among them */
    ULONG ValidPages;      /* valid 4 KB pages */
    ULONG LargePages;      /* valid 4 MB pages */
    ULONG WritablePages;   /* of both sizes, as the next two */
    ULONG GlobalPages;     /* the entry that maps them is global */
    ULONG UserPages;       /* user accessible */
    ULONG Violations;      /* per page and rule; a missing page table counts once */
    ULONG_PTR FirstVa;     /* where the first violation is */
    const char *FirstRule; /* its rule: number and sentence; NULL: none */
    const char *FirstName; /* the range whose promise it breaks; NULL: of no range */
} MI_AUDIT_RESULT, *PMI_AUDIT_RESULT;

/*
 * Walk the page tables in use through the self-map and compare them with the rules.
 *
 * A violation of A7 ends the walk: what the self-map shows is then of no account.  A9 costs the
 * pages of the read-only ranges for each writable page with a frame between their lowest and
 * highest, and no memory.
 *
 * => The tables do not change meanwhile.  Any IRQL: page tables with a valid entry are resident.
 */
void MiAuditPageTables(const MI_AUDIT_RANGE *Ranges, ULONG Count, PMI_AUDIT_RESULT Result);

#endif
