/* SPDX-License-Identifier: MIT */
/*
 * handle_table.c - entries of handle tables: where they are, which are free.
 *
 * A lookup follows as many pointers as there are levels: three at most.  Free entries are a chain
 * of numbers, the one that was freed last first; when it is empty the table grows by a page.  A
 * table gives no page back before it is deleted.
 *
 * Invariants (checked by ObpVerifyHandleTable):
 *   H1  HandleCount entries are in use, Reserved are reserved; those on the chain are free
 *   H2  the chain visits every other entry once, but no page's first
 *   H3  a page's first entry is all zero
 *
 * Locking: ObpHandleMutex.
 */
#include "mm/ob/handle_table.h"

#include "mi_assert.h"
#include "rtl.h"

#define OB_LEVEL_MASK 3u

LIST_ENTRY ObpHandleTables;
PHANDLE_TABLE ObpKernelHandleTable;

/* ---- levels ---- */

static ULONG ObpLevel(const HANDLE_TABLE *Table)
{
    return (ULONG)Table->TableCode & OB_LEVEL_MASK;
}

static PVOID *ObpHighest(const HANDLE_TABLE *Table)
{
    return (PVOID *)(Table->TableCode & ~(ULONG_PTR)OB_LEVEL_MASK);
}

/* The page with number Page.  => There is memory for it. */
static PHANDLE_TABLE_ENTRY ObpTablePage(const HANDLE_TABLE *Table, ULONG Page)
{
    PVOID *Pointers = ObpHighest(Table);

    if (ObpLevel(Table) == 2) {
        Pointers = Pointers[Page / OB_POINTERS_IN_PAGE];
    }
    return ObpLevel(Table) == 0 ? (PVOID)Pointers : Pointers[Page % OB_POINTERS_IN_PAGE];
}

PHANDLE_TABLE_ENTRY ObpTableEntry(const HANDLE_TABLE *Table, ULONG Number)
{
    if (Number >= Table->Entries) {
        return NULL;
    }
    return ObpTablePage(Table, Number / OB_ENTRIES_IN_PAGE) + Number % OB_ENTRIES_IN_PAGE;
}

PHANDLE_TABLE_ENTRY ObpLookupEntry(const HANDLE_TABLE *Table, HANDLE Handle)
{
    PHANDLE_TABLE_ENTRY Entry = ObpTableEntry(Table, (ULONG)(ULONG_PTR)Handle / 4);

    return Entry != NULL && Entry->Value != 0 ? Entry : NULL;
}

static PVOID ObpAllocateTablePage(ULONG Bytes)
{
    PVOID Page = ExAllocatePoolWithTag(PagedPool, Bytes, OB_TAG_HANDLES);

    if (Page != NULL) {
        memset(Page, 0, Bytes);
    }
    return Page;
}

/* One level more: what there was becomes the new one's first. */
static BOOLEAN ObpRaiseLevel(PHANDLE_TABLE Table)
{
    ULONG Level = ObpLevel(Table) + 1;
    ULONG Pointers = Level == 1 ? OB_POINTERS_IN_PAGE : OB_MOST_TOP;
    PVOID *Highest = ObpAllocateTablePage(Pointers * sizeof(PVOID));

    if (Highest == NULL) {
        return FALSE;
    }
    Highest[0] = ObpHighest(Table);
    Table->TableCode = (ULONG_PTR)Highest | Level;
    return TRUE;
}

/* Make a place for the pointer to page Page.  => FALSE: no pool; what was made stays. */
static BOOLEAN ObpPrepareLevels(PHANDLE_TABLE Table, ULONG Page)
{
    if (Page >= 1 && ObpLevel(Table) == 0 && !ObpRaiseLevel(Table)) {
        return FALSE;
    }
    if (Page >= OB_POINTERS_IN_PAGE && ObpLevel(Table) == 1 && !ObpRaiseLevel(Table)) {
        return FALSE;
    }
    if (ObpLevel(Table) == 2 && ObpHighest(Table)[Page / OB_POINTERS_IN_PAGE] == NULL) {
        PVOID Middle = ObpAllocateTablePage(PAGE_SIZE);

        ObpHighest(Table)[Page / OB_POINTERS_IN_PAGE] = Middle;
        return Middle != NULL;
    }
    return TRUE;
}

static void ObpStorePage(PHANDLE_TABLE Table, ULONG Page, PHANDLE_TABLE_ENTRY Entries)
{
    PVOID *Pointers = ObpHighest(Table);

    if (ObpLevel(Table) == 0) {
        Table->TableCode = (ULONG_PTR)Entries;
        return;
    }
    if (ObpLevel(Table) == 2) {
        Pointers = Pointers[Page / OB_POINTERS_IN_PAGE];
    }
    Pointers[Page % OB_POINTERS_IN_PAGE] = Entries;
}

/* A page of entries more, all free. */
static BOOLEAN ObpGrowTable(PHANDLE_TABLE Table)
{
    ULONG Page = Table->Entries / OB_ENTRIES_IN_PAGE;
    PHANDLE_TABLE_ENTRY Entries;
    ULONG Index;

    if (Table->Entries == OB_MOST_ENTRIES || !ObpPrepareLevels(Table, Page)) {
        return FALSE;
    }
    Entries = ObpAllocateTablePage(PAGE_SIZE);
    if (Entries == NULL) {
        return FALSE;
    }
    for (Index = 1; Index < OB_ENTRIES_IN_PAGE - 1; Index++) {
        Entries[Index].NextFree = Table->Entries + Index + 1;
    }
    Entries[Index].NextFree = Table->FirstFree;
    ObpStorePage(Table, Page, Entries);
    Table->FirstFree = Table->Entries + 1;
    Table->Entries += OB_ENTRIES_IN_PAGE;
    return TRUE;
}

/* ---- entries ---- */

ULONG ObpReserveEntry(PHANDLE_TABLE Table)
{
    PHANDLE_TABLE_ENTRY Entry;
    ULONG Number;

    if (Table->FirstFree == 0 && !ObpGrowTable(Table)) {
        return 0;
    }
    Number = Table->FirstFree;
    Entry = ObpTableEntry(Table, Number);
    MI_ASSERT(Entry != NULL && Entry->Value == 0 && Entry->NextFree != OB_ENTRY_RESERVED);
    Table->FirstFree = Entry->NextFree;
    Entry->NextFree = OB_ENTRY_RESERVED;
    Table->Reserved++;
    return Number;
}

static PHANDLE_TABLE_ENTRY ObpTakeReserved(PHANDLE_TABLE Table, ULONG Number)
{
    PHANDLE_TABLE_ENTRY Entry = ObpTableEntry(Table, Number);

    MI_ASSERT(Entry != NULL && Entry->Value == 0 && Entry->NextFree == OB_ENTRY_RESERVED);
    MI_ASSERT(Table->Reserved != 0);
    Table->Reserved--;
    return Entry;
}

static void ObpChain(PHANDLE_TABLE Table, ULONG Number, PHANDLE_TABLE_ENTRY Entry)
{
    Entry->Value = 0;
    Entry->NextFree = Table->FirstFree;
    Table->FirstFree = Number;
}

void ObpUseEntry(PHANDLE_TABLE Table, ULONG Number, ULONG_PTR Value, ACCESS_MASK GrantedAccess)
{
    PHANDLE_TABLE_ENTRY Entry = ObpTakeReserved(Table, Number);

    MI_ASSERT((Value & ~(ULONG_PTR)OB_ENTRY_FLAGS) != 0);
    Entry->Value = Value;
    Entry->GrantedAccess = GrantedAccess;
    Table->HandleCount++;
}

void ObpReleaseEntry(PHANDLE_TABLE Table, ULONG Number)
{
    ObpChain(Table, Number, ObpTakeReserved(Table, Number));
}

void ObpFreeEntry(PHANDLE_TABLE Table, ULONG Number)
{
    PHANDLE_TABLE_ENTRY Entry = ObpTableEntry(Table, Number);

    MI_ASSERT(Entry != NULL && Entry->Value != 0 && Table->HandleCount != 0);
    Table->HandleCount--;
    ObpChain(Table, Number, Entry);
}

void ObpVisitEntries(const HANDLE_TABLE *Table, OB_VISIT_ENTRY *Visit, PVOID Context)
{
    ULONG Number;

    for (Number = 0; Number < Table->Entries; Number++) {
        PHANDLE_TABLE_ENTRY Entry = ObpTableEntry(Table, Number);

        if (Entry->Value != 0) {
            Visit(Context, Number, Entry);
        }
    }
}

/* ---- inheritance ---- */

static void ObpInheritEntry(PVOID Context, ULONG Number, PHANDLE_TABLE_ENTRY Entry)
{
    PHANDLE_TABLE Child = Context;
    PHANDLE_TABLE_ENTRY Copy;

    if ((Entry->Value & OB_ENTRY_INHERIT) != 0 &&
        (ObpEntryObject(Entry)->Flags & OB_FLAG_EXCLUSIVE) == 0) {
        Copy = ObpTableEntry(Child, Number);
        *Copy = *Entry;
        Child->HandleCount++;
    }
}

/* Chain anew what is free, the lowest number first. */
static void ObpChainAll(PHANDLE_TABLE Table)
{
    ULONG Number = Table->Entries;

    Table->FirstFree = 0;
    while (Number-- != 0) {
        PHANDLE_TABLE_ENTRY Entry = ObpTableEntry(Table, Number);

        if (Number % OB_ENTRIES_IN_PAGE != 0 && Entry->Value == 0) {
            ObpChain(Table, Number, Entry);
        }
    }
}

BOOLEAN ObpInheritEntries(const HANDLE_TABLE *Parent, PHANDLE_TABLE Child)
{
    MI_ASSERT(Child->HandleCount == 0 && Child->Reserved == 0);
    while (Child->Entries < Parent->Entries) {
        if (!ObpGrowTable(Child)) {
            return FALSE;
        }
    }
    ObpVisitEntries(Parent, ObpInheritEntry, Child);
    ObpChainAll(Child);
    return TRUE;
}

/* ---- tables ---- */

PHANDLE_TABLE ObpCreateHandleTable(PEPROCESS Process)
{
    PHANDLE_TABLE Table = ExAllocatePoolWithTag(NonPagedPool, sizeof(HANDLE_TABLE), OB_TAG_HANDLES);

    if (Table == NULL) {
        return NULL;
    }
    memset(Table, 0, sizeof(*Table));
    Table->QuotaProcess = Process;
    ObpAcquire(&ObpHandleMutex);
    InsertTailList(&ObpHandleTables, &Table->HandleTableList);
    ObpRelease(&ObpHandleMutex);
    return Table;
}

static void ObpFreeMiddle(PVOID *Pointers)
{
    ULONG Index;

    for (Index = 0; Index < OB_POINTERS_IN_PAGE && Pointers[Index] != NULL; Index++) {
        ExFreePoolWithTag(Pointers[Index], OB_TAG_HANDLES);
    }
    ExFreePoolWithTag(Pointers, OB_TAG_HANDLES);
}

static void ObpFreeLevels(PHANDLE_TABLE Table)
{
    PVOID *Highest = ObpHighest(Table);
    ULONG Index;

    if (ObpLevel(Table) == 1) {
        ObpFreeMiddle(Highest);
        return;
    }
    for (Index = 0; ObpLevel(Table) == 2 && Index < OB_MOST_TOP && Highest[Index] != NULL;
         Index++) {
        ObpFreeMiddle(Highest[Index]);
    }
    if (Highest != NULL) {
        ExFreePoolWithTag(Highest, OB_TAG_HANDLES);
    }
}

void ObpDeleteHandleTable(PHANDLE_TABLE Table)
{
    MI_ASSERT(Table->HandleCount == 0 && Table->Reserved == 0);
    ObpAcquire(&ObpHandleMutex);
    RemoveEntryList(&Table->HandleTableList);
    ObpRelease(&ObpHandleMutex);
    ObpFreeLevels(Table);
    ExFreePoolWithTag(Table, OB_TAG_HANDLES);
}

/* ---- verify ---- */

void ObpVerifyHandleTable(const HANDLE_TABLE *Table)
{
    ULONG Used = 0;
    ULONG Reserved = 0;
    ULONG Free = 0;
    ULONG Number;

    for (Number = 0; Number < Table->Entries; Number++) {
        const HANDLE_TABLE_ENTRY *Entry = ObpTableEntry(Table, Number);

        if (Number % OB_ENTRIES_IN_PAGE == 0) {
            MI_ASSERT(Entry->Value == 0 && Entry->NextFree == 0); /* H3 */
        }
        Used += Entry->Value != 0;
        Reserved += Entry->Value == 0 && Entry->NextFree == OB_ENTRY_RESERVED;
    }
    MI_ASSERT(Used == Table->HandleCount && Reserved == Table->Reserved); /* H1 */
    for (Number = Table->FirstFree; Number != 0 && Free <= Table->Entries; Free++) {
        const HANDLE_TABLE_ENTRY *Entry = ObpTableEntry(Table, Number);

        MI_ASSERT(Entry != NULL && Entry->Value == 0 && Number % OB_ENTRIES_IN_PAGE != 0);
        Number = Entry->NextFree;
    }
    MI_ASSERT(Free + Used + Reserved + Table->Entries / OB_ENTRIES_IN_PAGE == Table->Entries);
}
