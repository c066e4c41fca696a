/* SPDX-License-Identifier: MIT */
/*
 * program.c - a console program with thread-local storage, a section that processes share, and many
 * addresses at odd places, some of which cross the borders of pages.
 */
#include <stdio.h>
#include <windows.h>

#define ROW(N)                                                                                     \
    {                                                                                              \
        (char)(N), &Target                                                                         \
    }
#define ROWS4(N)  ROW(N), ROW(N + 1), ROW(N + 2), ROW(N + 3)
#define ROWS16(N) ROWS4(N), ROWS4(N + 4), ROWS4(N + 8), ROWS4(N + 12)
#define ROWS256(N)                                                                                 \
    ROWS16(N), ROWS16(N + 16), ROWS16(N + 32), ROWS16(N + 48), ROWS16(N + 64), ROWS16(N + 80),     \
        ROWS16(N + 96), ROWS16(N + 112), ROWS16(N + 128), ROWS16(N + 144), ROWS16(N + 160),        \
        ROWS16(N + 176), ROWS16(N + 192), ROWS16(N + 208), ROWS16(N + 224), ROWS16(N + 240)
#define ROWS1K ROWS256(0), ROWS256(0), ROWS256(0), ROWS256(0)

static int Target;

struct __attribute__((packed)) Row {
    char Number;
    int *Address;
};

struct Row Rows[] = {ROWS1K, ROWS1K, ROWS1K, ROWS1K}; /* 20 KB */
__attribute__((section(".shr"), shared)) int Shared = 1;
static __thread int OfThread = 3;

static void NTAPI OnThread(PVOID Image, DWORD Reason, PVOID Reserved)
{
    (void)Image;
    (void)Reserved;
    Target += (int)Reason;
}

__attribute__((section(".CRT$XLF"), used)) PIMAGE_TLS_CALLBACK Callback = OnThread;

int main(void)
{
    printf("%d %d %p\n", OfThread, Shared, (void *)Rows[Target & 1023].Address);
    return 0;
}
