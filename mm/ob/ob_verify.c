/* SPDX-License-Identifier: MIT */
/*
 * ob_verify.c - the object manager's invariants, from outside.
 *
 * With its three mutexes held nothing changes but PointerCounts.
 */
#include "mm/ob/ob_verify.h"

#include "mi_assert.h"
#include "mm.h"
#include "mm/ob/directory.h"
#include "mm/ob/handle_table.h"

BOOLEAN ObpCanVerify(void)
{
    return ObpRootDirectoryObject != NULL && ObpCanAcquire();
}

typedef void OBP_VISIT(POBJECT_HEADER Header);

static void ObpForEachObject(POBJECT_TYPE Type, OBP_VISIT *Visit)
{
    PLIST_ENTRY Entry;

    for (Entry = Type->TypeList.Flink; Entry != &Type->TypeList; Entry = Entry->Flink) {
        Visit(
            (POBJECT_HEADER)(PVOID)(CONTAINING_RECORD(Entry, OBJECT_HEADER_CREATOR_INFO, TypeList) +
                                    1));
    }
}

static void ObpForEachType(void (*Visit)(POBJECT_TYPE Type))
{
    PLIST_ENTRY Entry;

    for (Entry = ObpAllTypes.Flink; Entry != &ObpAllTypes; Entry = Entry->Flink) {
        Visit(CONTAINING_RECORD(Entry, OBJECT_TYPE, AllTypes));
    }
}

/* ---- handles are tallied at their objects ---- */

static void ObpClearTally(POBJECT_HEADER Header)
{
    ObpCreatorInfo(Header)->Tally = 0;
}

static void ObpClearTallies(POBJECT_TYPE Type)
{
    ObpForEachObject(Type, ObpClearTally);
}

static void ObpTallyEntry(PVOID Context, ULONG Number, PHANDLE_TABLE_ENTRY Entry)
{
    (void)Context;
    (void)Number;
    ObpCreatorInfo(ObpEntryObject(Entry))->Tally++;
}

static void ObpTallyTables(void) NT_HOLDS(ObpHandleMutex)
{
    PLIST_ENTRY Entry;

    for (Entry = ObpHandleTables.Flink; Entry != &ObpHandleTables; Entry = Entry->Flink) {
        PHANDLE_TABLE Table = CONTAINING_RECORD(Entry, HANDLE_TABLE, HandleTableList);

        ObpVerifyHandleTable(Table); /* H1 to H3 */
        ObpVisitEntries(Table, ObpTallyEntry, NULL);
    }
}

/* ---- each object and type ---- */

static void ObpVerifyObject(POBJECT_HEADER Header) NT_HOLDS(ObpNamespaceMutex)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);
    LONG Pointers = Header->PointerCount;
    BOOLEAN Named = NameInfo != NULL && NameInfo->Directory != NULL;
    ULONG Tally = ObpCreatorInfo(Header)->Tally;
    ULONG Openings = NameInfo == NULL ? 0 : NameInfo->QueryReferences & ~OB_NAME_UNUSED;

    if (Pointers == 0) {
        MI_ASSERT(Tally == 0 && !Named && Openings == 0); /* its HandleCount is a link now */
        return;
    }
    MI_ASSERT(Tally == (ULONG)Header->HandleCount);          /* N1 */
    MI_ASSERT(Pointers >= (LONG)(Tally + Named + Openings)); /* O1 */
    if (Named) {
        MI_ASSERT(ObpFindInDirectory(NameInfo->Directory, &NameInfo->Name, FALSE) ==
                  &Header->Body); /* N3 */
    }
    if (Header->Type == ObpDirectoryObjectType) {
        ObpVerifyDirectory((POBJECT_DIRECTORY)(PVOID)&Header->Body);
    }
}

static ULONG ObpObjects;
static ULONG ObpHandles;

static void ObpCountObject(POBJECT_HEADER Header)
{
    ObpObjects++;
    ObpHandles += ObpCreatorInfo(Header)->Tally;
}

static void ObpVerifyType(POBJECT_TYPE Type) NT_HOLDS(ObpNamespaceMutex)
{
    ObpObjects = 0;
    ObpHandles = 0;
    ObpForEachObject(Type, ObpCountObject);
    MI_ASSERT(ObpObjects == Type->TotalNumberOfObjects); /* O2 */
    MI_ASSERT(ObpHandles == Type->TotalNumberOfHandles); /* N2 */
    MI_ASSERT(Type->TotalNumberOfObjects <= Type->HighWaterNumberOfObjects);
    MI_ASSERT(Type->TotalNumberOfHandles <= Type->HighWaterNumberOfHandles);
    ObpForEachObject(Type, ObpVerifyObject);
}

static void ObpLockAll(void) NT_ACQUIRES(ObpNamespaceMutex, ObpHandleMutex, ObpTypeMutex)
{
    ObpAcquire(&ObpNamespaceMutex);
    ObpAcquire(&ObpHandleMutex);
    ObpAcquire(&ObpTypeMutex);
}

static void ObpUnlockAll(void) NT_RELEASES(ObpNamespaceMutex, ObpHandleMutex, ObpTypeMutex)
{
    ObpRelease(&ObpTypeMutex);
    ObpRelease(&ObpHandleMutex);
    ObpRelease(&ObpNamespaceMutex);
}

static void ObpVerifyAll(void) NT_HOLDS(ObpNamespaceMutex, ObpHandleMutex)
{
    ObpForEachType(ObpClearTallies);
    ObpTallyTables();
    ObpForEachType(ObpVerifyType);
}

void ObpVerify(void)
{
    ObpLockAll();
    ObpVerifyAll();
    ObpUnlockAll();
}

/* ---- what is resident ---- */

static BOOLEAN ObpIsResident(const void *Start, SIZE_T Bytes)
{
    ULONG_PTR Va = (ULONG_PTR)PAGE_ALIGN(Start);

    for (; Va < (ULONG_PTR)Start + Bytes; Va += PAGE_SIZE) {
        if (!MmIsAddressValid((PVOID)Va)) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN ObpIsTableResident(const HANDLE_TABLE *Table)
{
    PVOID *Highest = (PVOID *)(Table->TableCode & ~(ULONG_PTR)3);
    ULONG Level = Table->TableCode & 3;
    ULONG Number;

    if (Table->Entries == 0) {
        return TRUE;
    }
    if (!ObpIsResident(Highest, Level == 2 ? OB_MOST_TOP * sizeof(PVOID) : PAGE_SIZE)) {
        return FALSE;
    }
    for (Number = 0; Number < Table->Entries; Number += OB_ENTRIES_IN_PAGE) {
        ULONG Page = Number / OB_ENTRIES_IN_PAGE;

        if (Level == 2 && !ObpIsResident(Highest[Page / OB_POINTERS_IN_PAGE], PAGE_SIZE)) {
            return FALSE;
        }
        if (!ObpIsResident(ObpTableEntry(Table, Number), PAGE_SIZE)) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN ObpIsDirectoryResident(const OBJECT_DIRECTORY *Directory)
{
    ULONG Bucket;

    for (Bucket = 0; Bucket < OB_DIRECTORY_BUCKETS; Bucket++) {
        const OBJECT_DIRECTORY_ENTRY *Entry = Directory->HashBuckets[Bucket];

        for (; Entry != NULL; Entry = Entry->ChainLink) {
            if (!ObpIsResident(Entry, sizeof(*Entry))) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

static BOOLEAN ObpIsObjectResident(PLIST_ENTRY Entry)
{
    POBJECT_HEADER_CREATOR_INFO Creator =
        CONTAINING_RECORD(Entry, OBJECT_HEADER_CREATOR_INFO, TypeList);
    POBJECT_HEADER Header = (POBJECT_HEADER)(PVOID)(Creator + 1);
    POBJECT_HEADER_NAME_INFO NameInfo;

    if (!ObpIsResident(Creator, sizeof(*Creator) + sizeof(*Header))) {
        return FALSE;
    }
    NameInfo = ObpNameInfo(Header);
    if (NameInfo != NULL && (!ObpIsResident(NameInfo, sizeof(*NameInfo)) ||
                             !ObpIsResident(NameInfo->Name.Buffer, NameInfo->Name.Length))) {
        return FALSE;
    }
    if (Header->Type != ObpDirectoryObjectType) {
        return TRUE;
    }
    return ObpIsResident(&Header->Body, sizeof(OBJECT_DIRECTORY)) &&
           ObpIsDirectoryResident((POBJECT_DIRECTORY)(PVOID)&Header->Body);
}

static BOOLEAN ObpIsTypeResident(POBJECT_TYPE Type)
{
    PLIST_ENTRY Entry;

    for (Entry = Type->TypeList.Flink; Entry != &Type->TypeList; Entry = Entry->Flink) {
        if (!ObpIsObjectResident(Entry)) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN ObpIsAllResident(void)
{
    PLIST_ENTRY Entry;

    for (Entry = ObpHandleTables.Flink; Entry != &ObpHandleTables; Entry = Entry->Flink) {
        if (!ObpIsTableResident(CONTAINING_RECORD(Entry, HANDLE_TABLE, HandleTableList))) {
            return FALSE;
        }
    }
    for (Entry = ObpAllTypes.Flink; Entry != &ObpAllTypes; Entry = Entry->Flink) {
        if (!ObpIsTypeResident(CONTAINING_RECORD(Entry, OBJECT_TYPE, AllTypes))) {
            return FALSE;
        }
    }
    return TRUE;
}

void ObpVerifyResident(void)
{
    ObpLockAll();
    if (ObpIsAllResident()) {
        ObpVerifyAll();
    }
    ObpUnlockAll();
}
