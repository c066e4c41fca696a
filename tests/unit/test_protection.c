/* SPDX-License-Identifier: MIT */
/*
 * test_protection.c - PAGE_* and the codes for them.
 */
#include "mm/space/protection.h"
#include "tests/unit/test.h"
#include "vm.h"

TEST(Protection_of_every_legal_value_comes_back)
{
    static const ULONG Accesses[] = {0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80};
    static const ULONG Modifiers[] = {0, PAGE_GUARD, PAGE_NOCACHE, PAGE_WRITECOMBINE};
    ULONG a;
    ULONG m;

    for (a = 0; a < RTL_NUMBER_OF(Accesses); a++) {
        for (m = 0; m < RTL_NUMBER_OF(Modifiers); m++) {
            ULONG Code = MiMakeProtection(Accesses[a] | Modifiers[m]);

            CHECK(Code < 32);
            CHECK_EQUAL(Accesses[a] | Modifiers[m], MiProtectOf(Code));
            CHECK_EQUAL(Modifiers[m] == PAGE_GUARD, MiIsGuard(Code));
            CHECK_EQUAL(Modifiers[m] == PAGE_GUARD, MiIsInaccessible(Code));
        }
    }
    CHECK_EQUAL(MM_NOACCESS, MiMakeProtection(PAGE_NOACCESS));
    CHECK_EQUAL(PAGE_NOACCESS, MiProtectOf(MM_NOACCESS));
}

TEST(Protection_refuses_everything_else)
{
    ULONG Legal = 0;
    ULONG Value;

    for (Value = 0; Value < 0x1000; Value++) {
        Legal += MiMakeProtection(Value) != MI_NO_PROTECTION;
    }
    CHECK_EQUAL(7 * 4 + 1, Legal);
    CHECK_EQUAL(MI_NO_PROTECTION, MiMakeProtection(0x80000004));
}

TEST(Protection_says_who_may_write)
{
    CHECK(MiIsWritable(MiMakeProtection(PAGE_READWRITE)));
    CHECK(MiIsWritable(MiMakeProtection(PAGE_EXECUTE_READWRITE | PAGE_NOCACHE)));
    CHECK(!MiIsWritable(MiMakeProtection(PAGE_READONLY)));
    CHECK(!MiIsWritable(MiMakeProtection(PAGE_EXECUTE_READ | PAGE_GUARD)));
    CHECK(!MiIsWritable(MM_NOACCESS));
    CHECK(MiIsInaccessible(MM_NOACCESS) && MiIsInaccessible(MM_DECOMMIT));
}

TEST(Protection_is_compatible_when_it_allows_no_more_than_was_granted)
{
    const ULONG Read = MiMakeProtection(PAGE_READONLY);
    const ULONG Write = MiMakeProtection(PAGE_READWRITE);
    const ULONG Copy = MiMakeProtection(PAGE_WRITECOPY);
    const ULONG Run = MiMakeProtection(PAGE_EXECUTE_READ);
    const ULONG All = MiMakeProtection(PAGE_EXECUTE_READWRITE);

    CHECK(MiIsProtectionCompatible(Read, Read) && MiIsProtectionCompatible(Read, Copy));
    CHECK(!MiIsProtectionCompatible(Read, Write) && !MiIsProtectionCompatible(Read, Run));
    CHECK(MiIsProtectionCompatible(Write, Read) && MiIsProtectionCompatible(Write, Copy));
    CHECK(!MiIsProtectionCompatible(Copy, Write) && MiIsProtectionCompatible(Copy, Copy));
    CHECK(MiIsProtectionCompatible(Run, Read) && !MiIsProtectionCompatible(Run, All));
    CHECK(MiIsProtectionCompatible(All, Run) && MiIsProtectionCompatible(All, Write));
    CHECK(MiIsProtectionCompatible(Read, MM_NOACCESS));
    CHECK_EQUAL(Write, MiPrivateProtection(Copy));
    CHECK_EQUAL(Run, MiPrivateProtection(Run));
    CHECK(MiIsCopyOnWrite(Copy) && !MiIsCopyOnWrite(Write) && !MiIsCopyOnWrite(Read));
}
