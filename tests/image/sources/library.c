/* SPDX-License-Identifier: MIT */
/*
 * library.c - a DLL whose library.def exports by name, by number alone, and to other DLLs.
 */
#include <windows.h>

int Variable = 7;

int alpha(int Value)
{
    return Value + Variable;
}

int beta(int Value)
{
    return (int)GetTickCount() + Value;
}

int unnamed(int Value)
{
    return alpha(Value) + beta(Value);
}

BOOL WINAPI DllMain(HINSTANCE Instance, DWORD Reason, LPVOID Reserved)
{
    (void)Instance;
    (void)Reason;
    (void)Reserved;
    return TRUE;
}
