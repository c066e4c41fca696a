/* SPDX-License-Identifier: MIT */
/*
 * object.h - what stands before an object's body, and types of objects.
 *
 *     [OBJECT_HEADER_QUOTA_INFO] [OBJECT_HEADER_NAME_INFO] OBJECT_HEADER_CREATOR_INFO OBJECT_HEADER
 *     body
 *
 * in one block of pool; the header's offsets say which of the first two there are.
 *
 * Letters: (A) atomic, (H) ObpHandleMutex, (N) ObpNamespaceMutex, (T) ObpTypeMutex, (I) fixed after
 * creation, (C) its creator, until it was inserted.
 */
#ifndef MM_OB_OBJECT_H
#define MM_OB_OBJECT_H

#include "nt/annotations.h"
#include "ob.h"

#define OB_TAG_NAME    0x6D4E624Fu /* 'ObNm' */
#define OB_TAG_CREATE  0x6943624Fu /* 'ObCi' */
#define OB_TAG_HANDLES 0x6274624Fu /* 'Obtb', as on NT */

typedef struct _OBJECT_DIRECTORY *POBJECT_DIRECTORY;

/* What ObCreateObject was told and ObInsertObject needs. */
typedef struct _OBJECT_CREATE_INFORMATION {
    ULONG Attributes;
    HANDLE RootDirectory;
    KPROCESSOR_MODE ProbeMode;
} OBJECT_CREATE_INFORMATION, *POBJECT_CREATE_INFORMATION;

/* OBJECT_HEADER.Flags. */
#define OB_FLAG_NEW_OBJECT    0x01u /* (N) being inserted: its name stays without handles so far */
#define OB_FLAG_KERNEL_OBJECT 0x02u /* (I) created by KernelMode */
#define OB_FLAG_CREATOR_INFO  0x04u /* (I) always */
#define OB_FLAG_EXCLUSIVE     0x08u /* (I) */
#define OB_FLAG_PERMANENT     0x10u /* (N) its name stays without handles */

typedef struct _OBJECT_HEADER {
    volatile LONG PointerCount; /* (A) references; 0: it is being deleted */
    union {
        volatile LONG HandleCount;         /* (H) entries of handle tables that name it */
        struct _OBJECT_HEADER *NextToFree; /* among those that a worker thread will delete */
    };
    POBJECT_TYPE Type;      /* (I) */
    UCHAR NameInfoOffset;   /* (I) bytes before this structure; 0: it cannot have a name */
    UCHAR HandleInfoOffset; /* not used */
    UCHAR QuotaInfoOffset;  /* (I) as NameInfoOffset; an exclusive object's only */
    UCHAR Flags;            /* (N) OB_FLAG_* */
    union {
        POBJECT_CREATE_INFORMATION ObjectCreateInfo; /* (C) */
        PVOID QuotaBlockCharged;                     /* NULL: nobody is charged */
    };
    PVOID SecurityDescriptor; /* NULL: there are none yet */
    LARGE_INTEGER Body;       /* the object begins here */
} OBJECT_HEADER, *POBJECT_HEADER;

typedef struct _OBJECT_HEADER_NAME_INFO {
    POBJECT_DIRECTORY Directory; /* (N) where the name is, referenced; NULL: nowhere */
    UNICODE_STRING Name; /* (N) in paged pool; (C) the path; then the last component, until death */
    ULONG QueryReferences; /* (N) openings under way, which hold the name; OB_NAME_UNUSED */
} OBJECT_HEADER_NAME_INFO, *POBJECT_HEADER_NAME_INFO;

#define OB_NAME_UNUSED 0x80000000u /* nothing else does any more */

typedef struct _OBJECT_HEADER_CREATOR_INFO {
    LIST_ENTRY TypeList;         /* (T) among all objects of the type */
    HANDLE CreatorUniqueProcess; /* (I) */
    ULONG Tally;                 /* (T) verify's: handles that it found */
} OBJECT_HEADER_CREATOR_INFO, *POBJECT_HEADER_CREATOR_INFO;

typedef struct _OBJECT_HEADER_QUOTA_INFO {
    ULONG PagedPoolCharge; /* nothing is charged: 0 */
    ULONG NonPagedPoolCharge;
    ULONG SecurityDescriptorCharge;
    PVOID ExclusiveProcess; /* (H) whose handles there are; NULL: there are none */
} OBJECT_HEADER_QUOTA_INFO, *POBJECT_HEADER_QUOTA_INFO;

#if defined(__i386__) /* x86 NT 5.2's layouts, as its public symbols give them */
NT_C_ASSERT(sizeof(OBJECT_HEADER) == 0x20 && offsetof(OBJECT_HEADER, Body) == 0x18);
NT_C_ASSERT(offsetof(OBJECT_HEADER, Type) == 0x08 && offsetof(OBJECT_HEADER, Flags) == 0x0F);
NT_C_ASSERT(offsetof(OBJECT_HEADER, ObjectCreateInfo) == 0x10);
NT_C_ASSERT(sizeof(OBJECT_HEADER_NAME_INFO) == 0x10);
NT_C_ASSERT(sizeof(OBJECT_HEADER_CREATOR_INFO) == 0x10);
NT_C_ASSERT(sizeof(OBJECT_HEADER_QUOTA_INFO) == 0x10);
#endif

#define OBJECT_TO_OBJECT_HEADER(Object) CONTAINING_RECORD(Object, OBJECT_HEADER, Body)

/* => NULL: it cannot have a name. */
static inline POBJECT_HEADER_NAME_INFO ObpNameInfo(POBJECT_HEADER Header)
{
    return Header->NameInfoOffset == 0
               ? NULL
               : (POBJECT_HEADER_NAME_INFO)(PVOID)((PUCHAR)Header - Header->NameInfoOffset);
}

static inline POBJECT_HEADER_CREATOR_INFO ObpCreatorInfo(POBJECT_HEADER Header)
{
    return (POBJECT_HEADER_CREATOR_INFO)(PVOID)Header - 1;
}

/* => NULL: it is not exclusive. */
static inline POBJECT_HEADER_QUOTA_INFO ObpQuotaInfo(POBJECT_HEADER Header)
{
    return Header->QuotaInfoOffset == 0
               ? NULL
               : (POBJECT_HEADER_QUOTA_INFO)(PVOID)((PUCHAR)Header - Header->QuotaInfoOffset);
}

typedef struct _OBJECT_TYPE {
    LIST_ENTRY TypeList;            /* (T) of OBJECT_HEADER_CREATOR_INFO.TypeList */
    LIST_ENTRY AllTypes;            /* (T) among all types */
    UNICODE_STRING Name;            /* (I) a literal */
    ULONG Index;                    /* (I) counted from 1 */
    ULONG TotalNumberOfObjects;     /* (T) */
    ULONG TotalNumberOfHandles;     /* (H) */
    ULONG HighWaterNumberOfObjects; /* (T) */
    ULONG HighWaterNumberOfHandles; /* (H) */
    OB_TYPE_DESCRIPTION TypeInfo;   /* (I) */
} OBJECT_TYPE;

extern POBJECT_TYPE ObpTypeObjectType; /* what types are */
extern POBJECT_TYPE ObpDirectoryObjectType;
extern POBJECT_TYPE ObpSymbolicLinkObjectType;

extern LIST_ENTRY ObpAllTypes; /* (T) */

/*
 * The mutexes of the layer.  => IRQL <= APC_LEVEL; they are taken in this order.  Under each paged
 * pool is touched, so that a fault may be waited for.
 */
typedef struct NT_CAPABILITY("mutex") _OB_MUTEX {
    FAST_MUTEX Mutex;
} OB_MUTEX, *POB_MUTEX;

extern OB_MUTEX ObpNamespaceMutex; /* directories, names, Flags */
extern OB_MUTEX ObpHandleMutex;    /* handle tables, handle counts */
extern OB_MUTEX ObpTypeMutex;      /* lists of types, of objects of a type */

static inline void ObpAcquire(POB_MUTEX Mutex) NT_ACQUIRES(*Mutex) NT_NO_LOCK_ANALYSIS
{
    ExAcquireFastMutex(&Mutex->Mutex);
}

static inline void ObpRelease(POB_MUTEX Mutex) NT_RELEASES(*Mutex) NT_NO_LOCK_ANALYSIS
{
    ExReleaseFastMutex(&Mutex->Mutex);
}

/* Whether the running thread may take all of them. */
static inline BOOLEAN ObpCanAcquire(void)
{
    PKTHREAD Me = KeGetCurrentThread();

    return Me != NULL && KeGetCurrentIrql() <= APC_LEVEL && ObpNamespaceMutex.Mutex.Owner != Me &&
           ObpHandleMutex.Mutex.Owner != Me && ObpTypeMutex.Mutex.Owner != Me;
}

/* ---- object.c ---- */

/* Before a machine's first ObInitSystem nothing is there, whatever there was. */
void ObpForgetObjects(void);

/*
 * Memory for an object of Type: with room for a name, with Attributes of an object.
 *
 * => On success one reference; it is in its type's list.  NULL: no pool.
 */
PVOID ObpAllocateObject(POBJECT_TYPE Type, ULONG BodyBytes, BOOLEAN Named, ULONG Attributes);

/*
 * A reference to an object that may be on its way to its end, but whose memory stays meanwhile.
 * => FALSE: it is being deleted.
 */
NT_MUST_CHECK BOOLEAN ObpTryReferenceObject(PVOID Object);

/* Delete, now, what was left to the worker thread.  => PASSIVE_LEVEL. */
void ObpDeleteDeferred(void);

typedef struct _OB_COUNTERS {
    ULONG Created;  /* (A) objects, since the start */
    ULONG Deleted;  /* (A) */
    ULONG Deferred; /* (A) of these, by the worker thread */
} OB_COUNTERS;

extern OB_COUNTERS ObCounters;

/* ---- access.c ---- */

/*
 * What a handle is granted that is asked for with DesiredAccess.
 *
 * => STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD: AccessMode may not have it.
 */
NT_MUST_CHECK NTSTATUS ObpGrantAccess(POBJECT_TYPE Type, ACCESS_MASK DesiredAccess,
                                      KPROCESSOR_MODE AccessMode, PACCESS_MASK Granted);

/* => STATUS_INVALID_PARAMETER: the structure makes no sense.  NULL is fine. */
NT_MUST_CHECK NTSTATUS ObpCheckAttributes(PCOBJECT_ATTRIBUTES Attributes);

/* The mode whose rules hold for the caller who gave Attributes. */
static inline KPROCESSOR_MODE ObpAccessMode(KPROCESSOR_MODE Mode, ULONG Attributes)
{
    return (Attributes & OBJ_FORCE_ACCESS_CHECK) != 0 ? UserMode : Mode;
}

/* Of Attributes, those of a handle.  UserMode gets no kernel handle, whatever it asks for. */
static inline ULONG ObpHandleAttributes(KPROCESSOR_MODE Mode, ULONG Attributes)
{
    ULONG Kernel = Mode == KernelMode ? OBJ_KERNEL_HANDLE : 0;

    return Attributes & (OBJ_INHERIT | OBJ_EXCLUSIVE | Kernel);
}

#endif
