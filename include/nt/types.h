/* SPDX-License-Identifier: MIT */
/*
 * types.h - the scalar types of NT, for every layer.
 *
 * Widths are fixed by <stdint.h>, so that the same source compiles for the 32-bit kernel, for
 * the 32-bit host bench, and (the pure parts of the loader) for 64-bit firmware and fuzzers.
 * Only ULONG_PTR and SIZE_T follow the machine.
 */
#ifndef NT_TYPES_H
#define NT_TYPES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef void *PVOID, *HANDLE, **PHANDLE;
typedef char CHAR, *PCHAR;
typedef const char *PCSTR;
typedef uint8_t UCHAR, *PUCHAR;
typedef uint8_t BOOLEAN, *PBOOLEAN;
typedef int16_t SHORT, *PSHORT;
typedef uint16_t USHORT, *PUSHORT;
typedef uint16_t WCHAR, *PWCHAR;
typedef int32_t LONG, *PLONG;
typedef uint32_t ULONG, *PULONG;
typedef int64_t LONG64, LONGLONG, *PLONG64;
typedef uint64_t ULONG64, ULONGLONG, *PULONG64;
typedef intptr_t LONG_PTR, *PLONG_PTR;
typedef uintptr_t ULONG_PTR, *PULONG_PTR;
typedef uintptr_t SIZE_T, *PSIZE_T;
typedef int32_t NTSTATUS;
typedef UCHAR KIRQL, *PKIRQL;
typedef LONG KPRIORITY;
typedef int8_t SCHAR, CCHAR;
typedef CCHAR KPROCESSOR_MODE;

typedef enum _MODE {
    KernelMode,
    UserMode,
    MaximumMode
} MODE;

/* 64 bits in two halves; aligned as Windows' compilers do, so that structures around it fit. */
typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    };
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} __attribute__((aligned(8))) LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
    struct {
        ULONG LowPart;
        ULONG HighPart;
    };
    struct {
        ULONG LowPart;
        ULONG HighPart;
    } u;
    ULONGLONG QuadPart;
} __attribute__((aligned(8))) ULARGE_INTEGER, *PULARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

/* A frame number: physical address divided by PAGE_SIZE. */
typedef ULONG PFN_NUMBER, *PPFN_NUMBER;

#define MI_NO_FRAME 0xFFFFFFFFu /* no frame: the ends of page lists, searches that find none */

#ifndef TRUE /* the firmware's headers have their own */
#define FALSE 0
#define TRUE  1
#endif

/*
 * The documented calling conventions of NT on x86.  Elsewhere (64-bit fuzzers) the words mean
 * nothing and the compilers warn about them.
 */
#if defined(__i386__)
#define NTAPI    __attribute__((stdcall))
#define FASTCALL __attribute__((fastcall))
#else
#define NTAPI
#define FASTCALL
#endif

#define NT_NORETURN            __attribute__((noreturn))
#define NT_MUST_CHECK          __attribute__((warn_unused_result))
#define NT_PRINTF(f, a)        __attribute__((format(printf, f, a)))
#define NT_PACKED              __attribute__((packed))
#define NT_ALIGNED(n)          __attribute__((aligned(n)))
#define NT_UNUSED              __attribute__((unused))
#define NT_WEAK                __attribute__((weak))

#define NT_C_ASSERT(Condition) _Static_assert(Condition, #Condition)

NT_C_ASSERT(sizeof(LARGE_INTEGER) == 8 && __alignof__(LARGE_INTEGER) == 8);
NT_C_ASSERT(offsetof(LARGE_INTEGER, HighPart) == 4 && offsetof(LARGE_INTEGER, u.HighPart) == 4);
NT_C_ASSERT(sizeof(KPROCESSOR_MODE) == 1 && KernelMode == 0 && UserMode == 1);

#define FIELD_OFFSET(Type, Field) offsetof(Type, Field)
#define RTL_NUMBER_OF(Array)      (sizeof(Array) / sizeof((Array)[0]))
#define CONTAINING_RECORD(Address, Type, Field)                                                    \
    ((Type *)(void *)((char *)(Address)-offsetof(Type, Field)))

#define PAGE_SHIFT            12
#define PAGE_SIZE             0x1000u

#define BYTES_TO_PAGES(Bytes) (((Bytes) >> PAGE_SHIFT) + (((Bytes) & (PAGE_SIZE - 1)) != 0))
#define PAGE_ALIGN(Va)        ((PVOID)((ULONG_PTR)(Va) & ~(ULONG_PTR)(PAGE_SIZE - 1)))
#define BYTE_OFFSET(Va)       ((ULONG)((ULONG_PTR)(Va) & (PAGE_SIZE - 1)))
#define ROUND_UP(Value, To)   (((Value) + ((To)-1)) & ~((To)-1))
#define ROUND_DOWN(Value, To) ((Value) & ~((To)-1))

#endif
