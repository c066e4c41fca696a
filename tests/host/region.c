/* SPDX-License-Identifier: MIT */
/*
 * region.c - who owns which addresses of the process.
 *
 *     00000000-0000FFFF   never mapped: NULL pointers fault into the machine
 *     00010000-1FFEFFFF   machine: low user range
 *     1FFFF000-3FFFFFFF   ASan's shadow
 *     40000000-55FFFFFF   machine: middle user range
 *     56000000-7EFFFFFF   Linux: the program (position independent), heaps, libraries
 *     7F000000-F6FFFFFF   machine: top of user space, system half
 *     F7000000-FFFFFFFF   Linux: the first stack
 *
 * By default Linux stacks libraries and heaps downwards from F8000000, in the middle of system
 * space.  It starts 2 GB lower for a program whose stack may grow that large; so the program
 * raises that limit, executes itself once more, and puts the limit back before ASan looks at it.
 * Both happen before main; afterwards the machine's regions are reserved for good, so that no
 * heap ever grows into them.
 */
#define _GNU_SOURCE

#include "tests/host/machine_i.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Linux adds about 9 MB and at most 256 MB of randomness below; the sum stays in 6E..-7E....... */
#define LAYOUT_STACK_LIMIT 0x81000000u
#define NORMAL_STACK_LIMIT 0x800000u
#define LAYOUT_VARIABLE    "HYPERSPACE_HOST_LAYOUT"

#define PAGES_OF_4GB       (1u << 20)
#define KEPT_LIMIT         8192u /* two mappings each; vm.max_map_count is 65530 */

typedef struct _HOST_REGION {
    ULONG_PTR Start;
    ULONG_PTR End; /* exclusive */
} HOST_REGION;

static const HOST_REGION Regions[] = {
    {HOST_USER_START, HOST_USER_END},
    {HOST_MIDDLE_START, HOST_MIDDLE_END},
    {HOST_TOP_START, HOST_SYSTEM_END},
};

const char *__asan_default_options(void);

/*
 * ASan calls this before it looks at anything, and before it can be called itself.  Segmentation
 * faults are the machine's.  The default of 256 MB of quarantined blocks would reach the addresses
 * that tests expect to be empty.
 */
__attribute__((no_sanitize("address", "undefined"))) const char *__asan_default_options(void)
{
    struct rlimit Limit;

    if (getrlimit(RLIMIT_STACK, &Limit) == 0 && Limit.rlim_cur == LAYOUT_STACK_LIMIT) {
        Limit.rlim_cur = NORMAL_STACK_LIMIT;
        setrlimit(RLIMIT_STACK, &Limit);
    }
    return "handle_segv=0:allow_user_segv_handler=1:use_sigaltstack=0:quarantine_size_mb=8";
}

void HostpDie(const char *What)
{
    fprintf(stderr, "simulated machine: %s: %s\n", What, strerror(errno));
    fflush(NULL);
    _exit(2);
}

static void ExecuteAgain(char **Arguments)
{
    struct rlimit Limit;

    if (getrlimit(RLIMIT_STACK, &Limit) != 0) {
        HostpDie("cannot read the stack limit");
    }
    Limit.rlim_cur = LAYOUT_STACK_LIMIT;
    if (setrlimit(RLIMIT_STACK, &Limit) != 0) {
        HostpDie("needs a hard stack limit (ulimit -Hs) of 2.1 GB, to move the libraries");
    }
    setenv(LAYOUT_VARIABLE, "1", 1);
    execv("/proc/self/exe", Arguments);
    HostpDie("cannot execute itself again");
}

static void ReserveRegion(const HOST_REGION *Region)
{
    PVOID Start = (PVOID)Region->Start;
    int Flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    PVOID Found = mmap(Start, Region->End - Region->Start, PROT_NONE, Flags, -1, 0);

    if (Found != Start) {
        fprintf(stderr, "%08x-%08x is taken; see /proc/self/maps\n", (unsigned)Region->Start,
                (unsigned)Region->End - 1);
        HostpDie("no room for the simulated address space");
    }
}

/* The first of all constructors: nothing of the program has run. */
__attribute__((constructor(101))) static void ArrangeAddresses(int Count, char **Arguments)
{
    ULONG Index;

    (void)Count;
    if (getenv(LAYOUT_VARIABLE) == NULL) {
        ExecuteAgain(Arguments);
    }
    unsetenv(LAYOUT_VARIABLE);
    for (Index = 0; Index < RTL_NUMBER_OF(Regions); Index++) {
        ReserveRegion(&Regions[Index]);
    }
}

BOOLEAN HostIsSimulated(ULONG_PTR Va, SIZE_T Bytes)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Regions); Index++) {
        const HOST_REGION *Region = &Regions[Index];

        if (Va >= Region->Start && Va < Region->End && Bytes <= Region->End - Va) {
            return TRUE;
        }
    }
    return FALSE;
}

BOOLEAN HostpIsMappable(ULONG_PTR Va)
{
    return HostIsSimulated(Va, 1);
}

BOOLEAN HostpIsMachineAddress(ULONG_PTR Va)
{
    return Va < HOST_NO_ACCESS_BYTES || HostpIsMappable(Va);
}

/* ---- frames at the machine's addresses ---- */

/*
 * A frame that is taken away stays where it is, for nobody to touch: as a rule the same one comes
 * back, and a change of protection costs Linux half as much as a new mapping.
 */
static ULONG Kept[PAGES_OF_4GB]; /* 1 + the frame that Linux has at that page, or 0 */
static ULONG KeptPages[KEPT_LIMIT];
static ULONG KeptCount;

static void Keep(ULONG Page, PFN_NUMBER Frame)
{
    if (Kept[Page] == 0) {
        if (KeptCount == KEPT_LIMIT) {
            return;
        }
        KeptPages[KeptCount++] = Page;
    }
    Kept[Page] = Frame + 1;
}

void HostpMapHost(ULONG_PTR Va, int Fd, PFN_NUMBER Frame, BOOLEAN Write)
{
    int Protection = Write ? PROT_READ | PROT_WRITE : PROT_READ;
    int Flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;

    if (Kept[Va >> PTI_SHIFT] == Frame + 1) {
        if (mprotect(PAGE_ALIGN(Va), PAGE_SIZE, Protection) != 0) {
            HostpDie("cannot open a frame that is mapped");
        }
        return;
    }
    if (mmap(PAGE_ALIGN(Va), PAGE_SIZE, Protection, Flags, Fd, (off_t)Frame * PAGE_SIZE) ==
        MAP_FAILED) {
        HostpDie("cannot map a frame (vm.max_map_count?)");
    }
    Keep(Va >> PTI_SHIFT, Frame);
}

static void Clear(PVOID Start, SIZE_T Bytes)
{
    int Flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

    if (mmap(Start, Bytes, PROT_NONE, Flags, -1, 0) == MAP_FAILED) {
        HostpDie("cannot unmap a frame");
    }
}

void HostpUnmapHost(ULONG_PTR Va)
{
    if (Kept[Va >> PTI_SHIFT] == 0) {
        Clear(PAGE_ALIGN(Va), PAGE_SIZE);
    } else if (mprotect(PAGE_ALIGN(Va), PAGE_SIZE, PROT_NONE) != 0) {
        HostpDie("cannot close a frame that is mapped");
    }
    /* whoever maps this page next finds no marks of a stack that was here */
    ASAN_UNPOISON_MEMORY_REGION(PAGE_ALIGN(Va), PAGE_SIZE);
}

void HostpForgetFrames(void)
{
    ULONG Index;

    if (KeptCount == 0) {
        return;
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Regions); Index++) {
        Clear((PVOID)Regions[Index].Start, Regions[Index].End - Regions[Index].Start);
    }
    while (KeptCount != 0) {
        Kept[KeptPages[--KeptCount]] = 0;
    }
}
