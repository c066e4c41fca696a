/* SPDX-License-Identifier: MIT */
/*
 * handle_table.h - a table of handles: entries in pages of paged pool, which it grows by.
 *
 * What describes a table is in nonpaged pool: a process can come and go although the pages of other
 * tables cannot be read.
 *
 * A handle is 4 times the number of its entry.  Entries lie in pages of 512, of which the first is
 * never used; with more than one page there is a page of pointers to them, with more than 1024 a
 * third level.  TableCode is the address of the highest level, with the number of levels below it
 * in its two low bits.
 *
 * All under ObpHandleMutex.
 */
#ifndef MM_OB_HANDLE_TABLE_H
#define MM_OB_HANDLE_TABLE_H

#include "mm/ob/object.h"

#define OB_ENTRIES_IN_PAGE  (PAGE_SIZE / sizeof(HANDLE_TABLE_ENTRY))
#define OB_POINTERS_IN_PAGE (PAGE_SIZE / sizeof(PVOID))
#define OB_MOST_TOP         32u /* pages of pointers: 16777216 entries, as on NT */
#define OB_MOST_ENTRIES     (OB_MOST_TOP * OB_POINTERS_IN_PAGE * OB_ENTRIES_IN_PAGE)

/* In the low bits of HANDLE_TABLE_ENTRY.Value, whose objects are aligned to 8. */
#define OB_ENTRY_PROTECTED 1u
#define OB_ENTRY_INHERIT   2u
#define OB_ENTRY_FLAGS     7u

/*
 *     Value   GrantedAccess / NextFree
 *     0       the number of the next free entry, 0: the last       free
 *     0       OB_ENTRY_RESERVED                                    a handle is being made
 *     else    what the handle was granted                          in use
 */
typedef struct _HANDLE_TABLE_ENTRY {
    ULONG_PTR Value; /* the object's header and OB_ENTRY_* */
    union {
        ACCESS_MASK GrantedAccess;
        ULONG NextFree;
    };
} HANDLE_TABLE_ENTRY, *PHANDLE_TABLE_ENTRY;

#define OB_ENTRY_RESERVED 0xFFFFFFFFu /* no entry has this number */

NT_C_ASSERT(OB_MOST_ENTRIES < OB_ENTRY_RESERVED);

typedef struct _HANDLE_TABLE {
    ULONG_PTR TableCode;        /* (H) 0: no page yet */
    PEPROCESS QuotaProcess;     /* (I) whose table it is; NULL: the system's */
    LIST_ENTRY HandleTableList; /* (H) among all tables */
    ULONG FirstFree;            /* (H) number of the entry that was freed last; 0: none is free */
    ULONG Entries;              /* (H) how many there is memory for */
    ULONG HandleCount;          /* (H) entries in use */
    ULONG Reserved;             /* (H) entries that will be */
    BOOLEAN Closing;            /* (H) the process has ended: no more handles */
} HANDLE_TABLE, *PHANDLE_TABLE;

extern LIST_ENTRY ObpHandleTables;         /* (H) */
extern PHANDLE_TABLE ObpKernelHandleTable; /* the system process' and of kernel handles */

/* An empty table, in the list of all.  => NULL: no pool. */
PHANDLE_TABLE ObpCreateHandleTable(PEPROCESS Process) NT_NOT_HOLDING(ObpHandleMutex);

/* => No entry is in use. */
void ObpDeleteHandleTable(PHANDLE_TABLE Table);

/* => NULL: there is no memory for such an entry. */
PHANDLE_TABLE_ENTRY ObpTableEntry(const HANDLE_TABLE *Table, ULONG Number);

/* The entry of a handle in use.  The low two bits of the handle do not count.  => NULL: none. */
PHANDLE_TABLE_ENTRY ObpLookupEntry(const HANDLE_TABLE *Table, HANDLE Handle)
    NT_HOLDS(ObpHandleMutex);

/*
 * Take a free entry, which is reserved from now on.
 * => Its number; 0: no pool, or the table is full.
 */
ULONG ObpReserveEntry(PHANDLE_TABLE Table) NT_HOLDS(ObpHandleMutex);

/* A reserved entry is in use from now on, or free again. */
void ObpUseEntry(PHANDLE_TABLE Table, ULONG Number, ULONG_PTR Value, ACCESS_MASK GrantedAccess)
    NT_HOLDS(ObpHandleMutex);
void ObpReleaseEntry(PHANDLE_TABLE Table, ULONG Number) NT_HOLDS(ObpHandleMutex);

/* An entry in use is free from now on. */
void ObpFreeEntry(PHANDLE_TABLE Table, ULONG Number) NT_HOLDS(ObpHandleMutex);

/*
 * Use the same numbers in Child as Parent has entries for that are marked OB_ENTRY_INHERIT: with
 * their values, protected or not; but not those to exclusive objects.
 *
 * => Child is empty.  FALSE: no pool; no entry of it is in use.
 */
NT_MUST_CHECK BOOLEAN ObpInheritEntries(const HANDLE_TABLE *Parent, PHANDLE_TABLE Child)
    NT_HOLDS(ObpHandleMutex);

static inline HANDLE ObpNumberToHandle(ULONG Number)
{
    return (HANDLE)(ULONG_PTR)(Number * 4);
}

static inline POBJECT_HEADER ObpEntryObject(const HANDLE_TABLE_ENTRY *Entry)
{
    return (POBJECT_HEADER)(Entry->Value & ~(ULONG_PTR)OB_ENTRY_FLAGS);
}

/* Call Visit for every entry in use, the lowest number first; it may free that one. */
typedef void OB_VISIT_ENTRY(PVOID Context, ULONG Number, PHANDLE_TABLE_ENTRY Entry);
void ObpVisitEntries(const HANDLE_TABLE *Table, OB_VISIT_ENTRY *Visit, PVOID Context);

/* H1 to H3 of handle_table.c. */
void ObpVerifyHandleTable(const HANDLE_TABLE *Table) NT_HOLDS(ObpHandleMutex);

#endif
