/* SPDX-License-Identifier: MIT */
/*
 * driver.c - a driver with code, data and zeros in sections of several kinds.
 */
#include <ntddk.h>

#ifndef ZEROS
#define ZEROS 40000
#endif

int Initialized = 5;
void *const Pointers[] = {&Initialized, (char *)&Initialized + 3};
__attribute__((section("PAGEDATA"))) int PageableData = 4;
#if ZEROS != 0
int Zeros[ZEROS];
#define ZERO Zeros[3]
#else
#define ZERO 0
#endif

__attribute__((section("PAGE"))) int Pageable(int Value)
{
    return Value + ZERO + (Pointers[Value % 2] != 0);
}

__attribute__((section("INIT"))) NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver,
                                                            PUNICODE_STRING Path)
{
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeLowerIrql(Irql);
    DbgPrint("%p %wZ %d %p", Driver, Path, Pageable(PageableData), MmSystemRangeStart);
    return STATUS_SUCCESS;
}
