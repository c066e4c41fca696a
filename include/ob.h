/* SPDX-License-Identifier: MIT */
/*
 * ob.h - objects, handles and names: the object manager.
 *
 * Names, prototypes, values and layouts are those of ntdef.h, wdm.h, ntifs.h and winternl.h for
 * x86 NT 5.2 (learn.microsoft.com/windows-hardware/drivers/ddi); what NT's headers hide is marked
 * as ours.
 *
 * An object is a header (mm/ob/object.h) and a body; all calls name the body.  It is deleted when
 * its last reference is gone; each handle is a reference, and so is its name's place in a
 * directory.  A name goes with the last handle, unless the object is permanent.
 *
 * Access is checked for callers of UserMode (ExGetPreviousMode, or an AccessMode argument).  There
 * are no security descriptors yet: whoever opens an object gets what it asks for, as far as the
 * type knows it (else STATUS_ACCESS_DENIED); a handle then gives what was granted and no more.
 * KernelMode is always allowed.  Pointers to arguments and results are trusted in both modes;
 * results are written on success only.
 *
 * => IRQL <= APC_LEVEL, no mutex of the memory manager held, unless a call says otherwise.
 * Out of pool: STATUS_INSUFFICIENT_RESOURCES, and nothing changed.
 */
#ifndef OB_H
#define OB_H

#include "ex.h"
#include "ke.h"
#include "nt/access.h"
#include "nt/status.h"
#include "nt/unicode.h"
#include "ps.h"

/* ---- attributes ---- */

typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;               /* of this structure, else STATUS_INVALID_PARAMETER */
    HANDLE RootDirectory;       /* a directory, to which ObjectName is relative; or NULL */
    PUNICODE_STRING ObjectName; /* or NULL: no name */
    ULONG Attributes;           /* OBJ_*; others are STATUS_INVALID_PARAMETER */
    PVOID SecurityDescriptor;   /* not looked at */
    PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;

typedef const OBJECT_ATTRIBUTES *PCOBJECT_ATTRIBUTES;

#define OBJ_INHERIT            0x00000002u /* a clone of the process gets the handle too */
#define OBJ_PERMANENT          0x00000010u /* the name stays without handles */
#define OBJ_EXCLUSIVE          0x00000020u /* handles in one process only */
#define OBJ_CASE_INSENSITIVE   0x00000040u
#define OBJ_OPENIF             0x00000080u /* create: open it where it exists */
#define OBJ_OPENLINK           0x00000100u /* the symbolic link itself */
#define OBJ_KERNEL_HANDLE      0x00000200u /* in the system's table; for KernelMode alone */
#define OBJ_FORCE_ACCESS_CHECK 0x00000400u /* check access although the caller is KernelMode */
#define OBJ_VALID_ATTRIBUTES   0x000007F2u

#define InitializeObjectAttributes(p, n, a, r, s)                                                  \
    (*(p) = (OBJECT_ATTRIBUTES){.Length = sizeof(OBJECT_ATTRIBUTES),                               \
                                .RootDirectory = (r),                                              \
                                .ObjectName = (n),                                                 \
                                .Attributes = (a),                                                 \
                                .SecurityDescriptor = (s)})

#if defined(__i386__)
NT_C_ASSERT(sizeof(OBJECT_ATTRIBUTES) == 24 && offsetof(OBJECT_ATTRIBUTES, Attributes) == 12);
#endif

/* ---- types ---- */

typedef struct _OBJECT_TYPE *POBJECT_TYPE;
typedef struct _ACCESS_STATE *PACCESS_STATE; /* there are none: NULL */

typedef enum _OB_OPEN_REASON {
    ObCreateHandle,
    ObOpenHandle,
    ObDuplicateHandle,
    ObInheritHandle,
    ObMaxOpenReason
} OB_OPEN_REASON;

/*
 * The procedures of a type; each may be NULL.  All run at the caller's IRQL (APC_LEVEL at most)
 * without a lock of the object manager, Delete at PASSIVE_LEVEL.  Process: in whose table the
 * handle is; NULL before there are processes.
 *
 *   Open         a handle is about to be made: an error, which the caller gets, prevents it
 *   Close        a handle is gone; HandleCount: how many the object had with it (1: the last one)
 *   OkayToClose  FALSE: NtClose of this handle is STATUS_HANDLE_NOT_CLOSABLE
 *   Delete       the last reference is gone; the object's memory is freed afterwards.  Runs also
 *                for an object that was created and never inserted: its body may still be zeros
 *   Parse        a name leads through the object: RemainingName is what is left of CompleteName,
 *                at its start a '\\' or empty.  Either *Object is what it leads to, with a
 *                reference, or STATUS_REPARSE: CompleteName was replaced (ObReplaceName) and is
 *                looked up anew, or an error.  Context is that of ObOpenObjectByName
 */
typedef NTSTATUS OB_OPEN_PROCEDURE(OB_OPEN_REASON Reason, PEPROCESS Process, PVOID Object,
                                   ACCESS_MASK GrantedAccess);
typedef void OB_CLOSE_PROCEDURE(PEPROCESS Process, PVOID Object, ACCESS_MASK GrantedAccess,
                                ULONG HandleCount);
typedef BOOLEAN OB_OKAY_TO_CLOSE_PROCEDURE(PEPROCESS Process, PVOID Object, HANDLE Handle);
typedef void OB_DELETE_PROCEDURE(PVOID Object);
typedef NTSTATUS OB_PARSE_PROCEDURE(PVOID ParseObject, POBJECT_TYPE ObjectType,
                                    KPROCESSOR_MODE AccessMode, ULONG Attributes,
                                    PUNICODE_STRING CompleteName, PUNICODE_STRING RemainingName,
                                    PVOID Context, PVOID *Object);

/* Ours: what a type is made from; the structure is copied. */
typedef struct _OB_TYPE_DESCRIPTION {
    PCWSTR Name;                    /* in \ObjectTypes; a literal */
    POOL_TYPE PoolType;             /* NonPagedPool or PagedPool: of header and body */
    ULONG Tag;                      /* of the pool */
    ULONG InvalidAttributes;        /* OBJ_* that this type's objects refuse */
    ACCESS_MASK ValidAccessMask;    /* all that can be granted */
    GENERIC_MAPPING GenericMapping; /* what the generic rights stand for */
    OB_OPEN_PROCEDURE *Open;
    OB_CLOSE_PROCEDURE *Close;
    OB_OKAY_TO_CLOSE_PROCEDURE *OkayToClose;
    OB_DELETE_PROCEDURE *Delete;
    OB_PARSE_PROCEDURE *Parse;
    BOOLEAN Waitable; /* the body begins with a DISPATCHER_HEADER */
} OB_TYPE_DESCRIPTION, *POB_TYPE_DESCRIPTION;

/*
 * Ours: make a type, \ObjectTypes\Name.  It stays as long as the machine runs.
 *
 * => After ObInitSystem.  STATUS_OBJECT_NAME_COLLISION.
 */
NT_MUST_CHECK NTSTATUS ObCreateType(const OB_TYPE_DESCRIPTION *Description, POBJECT_TYPE *Type);

/* Ours: the type of an object.  => Any IRQL (a paged object: <= APC_LEVEL). */
POBJECT_TYPE ObGetType(PVOID Object);

/* ---- objects ---- */

/*
 * Make an object of ObjectBodySize bytes, all zero, which nobody can find so far.  What
 * ObjectAttributes say is copied: name, attributes, RootDirectory (a handle of the caller's).
 * ProbeMode: whose attributes they are.  OwnershipMode, ParseContext and the charges do not count.
 *
 * => On success the caller has the one reference.
 * => STATUS_INVALID_PARAMETER: attributes that make no sense, or that the type refuses;
 *    STATUS_OBJECT_NAME_INVALID: the name's length is odd.
 */
NT_MUST_CHECK NTSTATUS NTAPI ObCreateObject(KPROCESSOR_MODE ProbeMode, POBJECT_TYPE ObjectType,
                                            PCOBJECT_ATTRIBUTES ObjectAttributes,
                                            KPROCESSOR_MODE OwnershipMode, PVOID ParseContext,
                                            ULONG ObjectBodySize, ULONG PagedPoolCharge,
                                            ULONG NonPagedPoolCharge, PVOID *Object);

/*
 * Give a new object its name and, where Handle is not NULL, a handle in the running process.
 * The creator's reference becomes the handle's; without a handle the creator keeps it.
 * ObjectPointerBias references are added for the caller.
 *
 *     STATUS_OBJECT_NAME_EXISTS      (a success) OBJ_OPENIF, and there is such an object of the
 *                                    same type: handle and references are to that one, which
 *                                    *NewObject (may be NULL) names; this one is gone
 *     STATUS_OBJECT_NAME_COLLISION   there is such a name
 *     STATUS_OBJECT_TYPE_MISMATCH    OBJ_OPENIF, and it is something else
 *     STATUS_ACCESS_DENIED           DesiredAccess
 *     and those of ObOpenObjectByName for the path to the name
 *
 * => Once for each object.  On failure the object was dereferenced: it is gone.
 */
NT_MUST_CHECK NTSTATUS NTAPI ObInsertObject(PVOID Object, PACCESS_STATE PassedAccessState,
                                            ACCESS_MASK DesiredAccess, ULONG ObjectPointerBias,
                                            PVOID *NewObject, PHANDLE Handle);

/*
 * References.  => IRQL <= DISPATCH_LEVEL, for objects in paged pool <= APC_LEVEL; the caller has a
 * reference, or knows of one that stays meanwhile.
 *
 * A dereference that takes the last one deletes the object: at once at PASSIVE_LEVEL, otherwise a
 * worker thread does it soon.  Too many: bug check 0x18 REFERENCE_BY_POINTER: the type, the object,
 * PointerCount, HandleCount; a reference to an object that is being deleted as well.
 * They return the new PointerCount.
 */
LONG FASTCALL ObfReferenceObject(PVOID Object);
LONG FASTCALL ObfDereferenceObject(PVOID Object);
#define ObReferenceObject   ObfReferenceObject
#define ObDereferenceObject ObfDereferenceObject

/* The same; the last reference is always left to the worker thread. */
void NTAPI ObDereferenceObjectDeferDelete(PVOID Object);

/*
 * Reference an object that is of ObjectType (NULL: KernelMode need not say).
 * => STATUS_OBJECT_TYPE_MISMATCH.
 */
NT_MUST_CHECK NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                                        POBJECT_TYPE ObjectType,
                                                        KPROCESSOR_MODE AccessMode);

typedef struct _OBJECT_HANDLE_INFORMATION {
    ULONG HandleAttributes; /* OBJ_INHERIT, OBJ_PROTECT_CLOSE */
    ACCESS_MASK GrantedAccess;
} OBJECT_HANDLE_INFORMATION, *POBJECT_HANDLE_INFORMATION;

#define OBJ_PROTECT_CLOSE 0x00000001u

/*
 * Reference the object that a handle of the running process means: the process that the thread is
 * attached to.  HandleInformation may be NULL.  NtCurrentProcess() is one too, with all access.
 *
 *     STATUS_INVALID_HANDLE          no such handle; UserMode: a kernel handle
 *     STATUS_OBJECT_TYPE_MISMATCH    it is not of ObjectType (NULL: any)
 *     STATUS_ACCESS_DENIED           UserMode: DesiredAccess was not all granted to the handle
 */
NT_MUST_CHECK NTSTATUS NTAPI ObReferenceObjectByHandle(
    HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
    PVOID *Object, POBJECT_HANDLE_INFORMATION HandleInformation);

/*
 * Open by name: with a handle, or just a reference.  The statuses:
 *
 *     STATUS_OBJECT_NAME_NOT_FOUND    nothing has the last component of the name
 *     STATUS_OBJECT_PATH_NOT_FOUND    nothing has one of the components before it
 *     STATUS_OBJECT_PATH_SYNTAX_BAD   without RootDirectory it does not begin with '\\', with one
 *                                     it does
 *     STATUS_OBJECT_NAME_INVALID      an empty component; more than 32 symbolic links on the way
 *     STATUS_OBJECT_TYPE_MISMATCH     it leads through, or to, an object of the wrong type
 *     STATUS_ACCESS_DENIED            DesiredAccess; or the object is another process' exclusively
 *     STATUS_INVALID_PARAMETER        attributes that make no sense
 *     and those of ObReferenceObjectByHandle for RootDirectory
 */
NT_MUST_CHECK NTSTATUS NTAPI ObOpenObjectByName(PCOBJECT_ATTRIBUTES ObjectAttributes,
                                                POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                                PACCESS_STATE PassedAccessState,
                                                ACCESS_MASK DesiredAccess, PVOID ParseContext,
                                                PHANDLE Handle);
NT_MUST_CHECK NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                                     PACCESS_STATE PassedAccessState,
                                                     ACCESS_MASK DesiredAccess,
                                                     POBJECT_TYPE ObjectType,
                                                     KPROCESSOR_MODE AccessMode, PVOID ParseContext,
                                                     PVOID *Object);

/*
 * A handle to an object that the caller has a reference to and keeps it.  HandleAttributes:
 * OBJ_INHERIT, OBJ_KERNEL_HANDLE, OBJ_EXCLUSIVE.
 * => STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED, STATUS_PROCESS_IS_TERMINATING.
 */
NT_MUST_CHECK NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                                   PACCESS_STATE PassedAccessState,
                                                   ACCESS_MASK DesiredAccess,
                                                   POBJECT_TYPE ObjectType,
                                                   KPROCESSOR_MODE AccessMode, PHANDLE Handle);

/* The object is not permanent any more: its name goes with the last handle, or now. */
void NTAPI ObMakeTemporaryObject(PVOID Object);

typedef struct _OBJECT_NAME_INFORMATION {
    UNICODE_STRING Name; /* its buffer follows; it ends in zero */
} OBJECT_NAME_INFORMATION, *POBJECT_NAME_INFORMATION;

/*
 * The full name of an object; without one Name is all zero.
 *
 * => *ReturnLength, always: how many bytes it needs.
 * => STATUS_INFO_LENGTH_MISMATCH: Length is too little for that.
 */
NT_MUST_CHECK NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION NameInfo,
                                               ULONG Length, PULONG ReturnLength);

/*
 * Ours, for Parse procedures: *CompleteName becomes Prefix and then Rest.
 * => STATUS_NAME_TOO_LONG.
 */
NT_MUST_CHECK NTSTATUS ObReplaceName(PUNICODE_STRING CompleteName, PCUNICODE_STRING Prefix,
                                     PCUNICODE_STRING Rest);

/* ---- handles ---- */

/*
 *     STATUS_INVALID_HANDLE         no such handle
 *     STATUS_HANDLE_NOT_CLOSABLE    it is protected, or the type's OkayToClose says no
 *
 * => For a kernel handle, of KernelMode, both are bug check 0x93 INVALID_KERNEL_HANDLE: the handle,
 *    0 (protected) or 1 (invalid).  NtCurrentProcess() is nothing to close: STATUS_SUCCESS.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtClose(HANDLE Handle);
NT_MUST_CHECK NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode);

#define DUPLICATE_CLOSE_SOURCE    1u /* whatever else happens */
#define DUPLICATE_SAME_ACCESS     2u /* DesiredAccess does not count */
#define DUPLICATE_SAME_ATTRIBUTES 4u /* HandleAttributes do not count */

/*
 * A handle in another process to the same object.  Both processes are named by handles with
 * PROCESS_DUP_HANDLE.  TargetProcessHandle NULL: only close the source.  TargetHandle may be NULL.
 *
 *     STATUS_INVALID_HANDLE             SourceHandle; or one of the processes
 *     STATUS_INVALID_PARAMETER          options or attributes that make no sense; neither a target
 *                                       nor DUPLICATE_CLOSE_SOURCE
 *     STATUS_ACCESS_DENIED              UserMode: more than was granted to the source handle
 *     STATUS_PROCESS_IS_TERMINATING     either process
 */
NT_MUST_CHECK NTSTATUS NTAPI NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle,
                                               HANDLE TargetProcessHandle, PHANDLE TargetHandle,
                                               ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                               ULONG Options);

typedef enum _OBJECT_INFORMATION_CLASS {
    ObjectBasicInformation = 0,     /* PUBLIC_OBJECT_BASIC_INFORMATION */
    ObjectNameInformation = 1,      /* OBJECT_NAME_INFORMATION */
    ObjectTypeInformation = 2,      /* PUBLIC_OBJECT_TYPE_INFORMATION */
    ObjectHandleFlagInformation = 4 /* OBJECT_HANDLE_FLAG_INFORMATION */
} OBJECT_INFORMATION_CLASS;

typedef struct _PUBLIC_OBJECT_BASIC_INFORMATION {
    ULONG Attributes; /* of the handle, and OBJ_PERMANENT, OBJ_EXCLUSIVE of the object */
    ACCESS_MASK GrantedAccess;
    ULONG HandleCount;
    ULONG PointerCount;
    ULONG Reserved[10];
} PUBLIC_OBJECT_BASIC_INFORMATION, *PPUBLIC_OBJECT_BASIC_INFORMATION;

typedef struct _PUBLIC_OBJECT_TYPE_INFORMATION {
    UNICODE_STRING TypeName; /* its buffer follows */
    ULONG Reserved[22];
} PUBLIC_OBJECT_TYPE_INFORMATION, *PPUBLIC_OBJECT_TYPE_INFORMATION;

typedef struct _OBJECT_HANDLE_FLAG_INFORMATION {
    BOOLEAN Inherit;
    BOOLEAN ProtectFromClose;
} OBJECT_HANDLE_FLAG_INFORMATION, *POBJECT_HANDLE_FLAG_INFORMATION;

#if defined(__i386__)
NT_C_ASSERT(sizeof(PUBLIC_OBJECT_BASIC_INFORMATION) == 56);
NT_C_ASSERT(sizeof(PUBLIC_OBJECT_TYPE_INFORMATION) == 96);
#endif

/*
 *     STATUS_INVALID_INFO_CLASS      another class
 *     STATUS_INFO_LENGTH_MISMATCH    the length does not fit
 *     STATUS_INVALID_HANDLE
 *
 * => ReturnLength may be NULL; set also when the length does not fit.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS Class,
                                           PVOID Information, ULONG Length, PULONG ReturnLength);

/* ObjectHandleFlagInformation only: what SetHandleInformation does. */
NT_MUST_CHECK NTSTATUS NTAPI NtSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS Class,
                                                    PVOID Information, ULONG Length);

/* Whether the name stays without handles.  The first needs DELETE access. */
NT_MUST_CHECK NTSTATUS NTAPI NtMakeTemporaryObject(HANDLE Handle);
NT_MUST_CHECK NTSTATUS NTAPI NtMakePermanentObject(HANDLE Handle);

/* ---- directories ---- */

#define DIRECTORY_QUERY               0x0001u
#define DIRECTORY_TRAVERSE            0x0002u
#define DIRECTORY_CREATE_OBJECT       0x0004u
#define DIRECTORY_CREATE_SUBDIRECTORY 0x0008u
#define DIRECTORY_ALL_ACCESS          (STANDARD_RIGHTS_REQUIRED | 0xFu)

NT_MUST_CHECK NTSTATUS NTAPI NtCreateDirectoryObject(PHANDLE DirectoryHandle,
                                                     ACCESS_MASK DesiredAccess,
                                                     PCOBJECT_ATTRIBUTES ObjectAttributes);
NT_MUST_CHECK NTSTATUS NTAPI NtOpenDirectoryObject(PHANDLE DirectoryHandle,
                                                   ACCESS_MASK DesiredAccess,
                                                   PCOBJECT_ATTRIBUTES ObjectAttributes);

typedef struct _OBJECT_DIRECTORY_INFORMATION {
    UNICODE_STRING Name;
    UNICODE_STRING TypeName;
} OBJECT_DIRECTORY_INFORMATION, *POBJECT_DIRECTORY_INFORMATION;

/*
 * The entries from number *Context (0 with RestartScan) on, as many as Length holds (one with
 * ReturnSingleEntry), an all-zero entry behind them; the names' buffers follow.  *Context becomes
 * the number of the next.
 *
 *     STATUS_MORE_ENTRIES        (a success) there are more
 *     STATUS_NO_MORE_ENTRIES     there is none
 *     STATUS_BUFFER_TOO_SMALL    Length does not hold one
 *
 * => The handle needs DIRECTORY_QUERY.  *ReturnLength (may be NULL): the bytes that were written;
 *    when the buffer is too small those that one entry needs.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryDirectoryObject(HANDLE DirectoryHandle, PVOID Buffer,
                                                    ULONG Length, BOOLEAN ReturnSingleEntry,
                                                    BOOLEAN RestartScan, PULONG Context,
                                                    PULONG ReturnLength);

/* ---- symbolic links ---- */

#define SYMBOLIC_LINK_QUERY      0x0001u
#define SYMBOLIC_LINK_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | 0x1u)

/* A name that stands for LinkTarget.  => STATUS_INVALID_PARAMETER: the target is empty or odd. */
NT_MUST_CHECK NTSTATUS NTAPI NtCreateSymbolicLinkObject(PHANDLE LinkHandle,
                                                        ACCESS_MASK DesiredAccess,
                                                        PCOBJECT_ATTRIBUTES ObjectAttributes,
                                                        PUNICODE_STRING LinkTarget);
NT_MUST_CHECK NTSTATUS NTAPI NtOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                                      PCOBJECT_ATTRIBUTES ObjectAttributes);

/*
 * => LinkTarget: a buffer on entry.  ReturnedLength (may be NULL): bytes of the target and a zero.
 * => STATUS_BUFFER_TOO_SMALL: it does not hold the target (with ReturnedLength: and its zero).
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQuerySymbolicLinkObject(HANDLE LinkHandle,
                                                       PUNICODE_STRING LinkTarget,
                                                       PULONG ReturnedLength);

/* ---- the start ---- */

/*
 * Make the types and the first directories: \ObjectTypes, \Device, \??, \KernelObjects,
 * \BaseNamedObjects; and the system's handle table.
 *
 * => Once a machine, after the pools, before processes.
 */
NT_MUST_CHECK NTSTATUS ObInitSystem(void);

/* Before a machine's ObInitSystem there are no objects, whatever there was. */
void ObForgetObjects(void);

#endif
