/* SPDX-License-Identifier: MIT */
/*
 * test_prop_monitor.c - no command line faults: random ones, on a machine where a page fault, a bug
 * check or an IRQL that is left raised fails the test.
 *
 * Left out is what asks for the end: .crash, .reboot, .shutdown, .bugcheck with a code.  What e*
 * writes is kept out of the page tables, where it would be the user's own doing.
 */
#include "tests/unit/monitor_bench.h"

#include <stdio.h>
#include <string.h>

static const char *const Words[] = {
    "0",
    "1",
    "4",
    "10",
    "ff",
    "0n99",
    "0x",
    "0n",
    "7fffffff",
    "80000000",
    "ffffffff",
    "fffffffc",
    "80800000",
    "80800ffd",
    "80801fff",
    "80802000",
    "80900000",
    "80901ff0",
    "80a00001",
    "80a00ffe",
    "80c00000",
    "80fffffe",
    "81000000",
    "c0000000",
    "c0300000",
    "c0300c00",
    "c0202000",
    "c03fffff",
    "64000",
    "7fffff",
    "KiStart",
    "nt!KeBugCheckEx",
    "nt!",
    "!",
    "foo!x",
    "@eax",
    "@esp",
    "@zz",
    "eip",
    "poi(80800000)",
    "poi(c0300800)",
    "by(0)",
    "poi(poi(80900f10))",
    "L4",
    "L10",
    "l0",
    "L",
    "L(1+1)",
    "L@eax",
    "-",
    "+",
    "*",
    "/",
    "%",
    "(",
    ")",
    "<<",
    ">>",
    "~",
    "&",
    "-a",
    "-d",
    "-u",
    "-b",
    "-q",
    "\"ab\"",
    "\"",
    "=",
    ";",
    "zz",
    "*",
    "?",
    "Ki*",
    "nt!*a*",
    "monitor.txt",
};

/* A command that may end the machine when it is given what it wants. */
static BOOLEAN Ends(const char *Name)
{
    return strcmp(Name, ".crash") == 0 || strcmp(Name, ".reboot") == 0 ||
           strcmp(Name, ".shutdown") == 0 || strcmp(Name, ".bugcheck") == 0 || Name[0] == 'e';
}

static const char *RandomCommand(uint64_t *Seed)
{
    const MI_COMMAND *const Tables[] = {MiDebuggerCommands, MiMemoryCommands, MiObjectCommands};
    const MI_COMMAND *Table = Tables[TestRandom(Seed) % 4 % RTL_NUMBER_OF(Tables)];
    ULONG Count = 0;
    const char *Name;

    while (Table[Count].Name != NULL) {
        Count++;
    }
    if (Count == 0) {
        return "d";
    }
    Name = Table[TestRandom(Seed) % Count].Name;
    return Ends(Name) ? "db" : Name;
}

/* Words with blanks between most of them. */
static void RandomLine(uint64_t *Seed, char Line[200])
{
    ULONG Count = TestRandom(Seed) % 6;

    strcpy(Line, RandomCommand(Seed));
    strcat(Line, TestRandom(Seed) % 16 == 0 ? "" : " ");
    while (Count-- != 0) {
        strcat(Line, Words[TestRandom(Seed) % RTL_NUMBER_OF(Words)]);
        strcat(Line, TestRandom(Seed) % 4 == 0 ? "" : " ");
    }
    if (TestRandom(Seed) % 8 == 0) {
        Line[TestRandom(Seed) % strlen(Line)] = (char)(' ' + TestRandom(Seed) % 95);
    }
}

/* A changed character may have made one of those names. */
static BOOLEAN IsHarmless(const char *Line)
{
    return strstr(Line, ".crash") == NULL && strstr(Line, ".reboot") == NULL &&
           strstr(Line, ".shutdown") == NULL && strstr(Line, ".bugcheck") == NULL &&
           strstr(Line, "eb ") == NULL && strstr(Line, "ew ") == NULL &&
           strstr(Line, "ed ") == NULL;
}

static BOOLEAN Refuse(ULONG_PTR Va, ULONG ErrorCode)
{
    TestFail(__FILE__, __LINE__, "page fault at %#lx, code %u", (unsigned long)Va, ErrorCode);
}

static void Start(void)
{
    MonitorStart();
    HostSetFaultHandler(Refuse);
    HostSetScript(".echo script");
}

TEST(Prop_monitor_no_line_faults)
{
    uint64_t Seed = TestSeed();
    uint64_t Lines = TestRounds(60000);
    char Line[200];

    Start();
    while (Lines-- != 0) {
        RandomLine(&Seed, Line);
        if (IsHarmless(Line)) {
            HostConsoleClear();
            HostConsoleType(TestRandom(&Seed) % 2 == 0 ? "\x03" : "");
            (void)MiExecuteLine(Line);
            CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
        }
    }
    HostVerifyTlb();
}

TEST(Prop_monitor_writes_change_data_and_nothing_else)
{
    static const char *const Targets[] = {"80800000", "80801fff", "807fffff", "80900000",
                                          "80901ffd", "80902000", "0",        "ffffffff"};
    uint64_t Seed = TestSeed();
    uint64_t Lines = TestRounds(5000);
    UCHAR Kernel[64];
    char Line[200];

    Start();
    while (Lines-- != 0) {
        snprintf(Line, sizeof(Line), "e%c %s %x %x", "bwd"[TestRandom(&Seed) % 3],
                 Targets[TestRandom(&Seed) % RTL_NUMBER_OF(Targets)], TestRandom(&Seed) % 512,
                 TestRandom(&Seed));
        HostConsoleClear();
        (void)MiExecuteLine(Line);
    }
    CHECK_EQUAL(64, MiReadVirtual(MONITOR_KERNEL, Kernel, 64));
    for (Lines = 0; Lines < 64; Lines++) {
        CHECK_EQUAL(Lines, Kernel[Lines]);
    }
}

TEST(Prop_monitor_survives_any_bytes_typed)
{
    uint64_t Seed = TestSeed();
    uint64_t Rounds = TestRounds(200);
    char Typed[300];
    ULONG i;

    while (Rounds-- != 0) {
        Start();
        for (i = 0; i + 1 < sizeof(Typed); i++) {
            Typed[i] = (char)(1 + TestRandom(&Seed) % 255);
        }
        Typed[i] = 0;
        (void)MonitorTyped(Typed);
    }
}
