/* SPDX-License-Identifier: MIT */
/*
 * boot_ini.c - NT's boot.ini, of which one entry counts.
 *
 *     [boot loader]
 *     timeout=0
 *     default=hyperspace
 *     [operating systems]
 *     hyperspace="Hyperspace" /MAXMEM=64 /SOS
 *
 * The text is read three times: for default=, for the line of its entry, and for that line's
 * switches.  So the entry may stand anywhere, and the parser keeps no copy of it.  Only the first
 * two readings complain about the file's structure, each about its own section.
 *
 * Switches are documented in "Boot.ini options reference" at learn.microsoft.com/windows-hardware.
 * Those that this version does not carry out are known all the same: they earn a complaint, unless
 * what they ask for holds anyway (/NOPAE, /NODEBUG).
 */
#include "boot_ini.h"
#include "rtl.h"
#include "text_source.h"

typedef enum _BLP_SECTION {
    BlpSectionNone, /* before the first header */
    BlpSectionBootLoader,
    BlpSectionOperatingSystems,
    BlpSectionUnknown
} BLP_SECTION;

#define BLP_ID_BYTES 128

typedef struct _BLP_BOOT_INI {
    const void *Text;
    SIZE_T Bytes;
    LOADER_OPTIONS *Options;
    BLP_SECTION Section;          /* of the line that was read last */
    ULONG DefaultLine;            /* of default=; 0 = there is none */
    char DefaultId[BLP_ID_BYTES]; /* its value */
    BL_TEXT_SOURCE Source;
} BLP_BOOT_INI, *PBLP_BOOT_INI;

/* A switch with a number. */
typedef struct _BLP_NUMBER_SWITCH {
    const char *Name;
    ULONG Field; /* offset in LOADER_OPTIONS */
    ULONG Least;
    ULONG Most;
    BOOLEAN HasEffect;
    const char *Default; /* what holds when the number is refused */
} BLP_NUMBER_SWITCH;

/* A switch that is there or not; what stands behind an equals sign is not looked at. */
typedef struct _BLP_WORD_SWITCH {
    const char *Name;
    BOOLEAN HasEffect; /* or what it asks for holds anyway */
    ULONG Flag;        /* LOADER_OPTION_* to set */
} BLP_WORD_SWITCH;

#define BLP_FIELD(Field) FIELD_OFFSET(LOADER_OPTIONS, Field)

#define BLP_MOST_USER_MB 3072u
#define BLP_TABLE_MB     4u /* what a page table maps: no table belongs to both halves */

/* The UART's clock of 1.8432 MHz divided by 16: the highest rate, and a multiple of all others. */
#define BLP_UART_RATE 115200u

/*
 * /MAXMEM and /BURNMEMORY end at 4096 MB, all that a kernel without PAE addresses.  /USERVA's range
 * is documented.  Below 300 baud the first screen would take a minute.
 */
static const BLP_NUMBER_SWITCH BlpNumberSwitches[] = {
    {"MAXMEM", BLP_FIELD(MaxMemoryMb), 1, 4096, TRUE, "no limit holds"},
    {"BURNMEMORY", BLP_FIELD(BurnMemoryMb), 1, 4096, TRUE, "nothing is withheld"},
    {"BAUDRATE", BLP_FIELD(BaudRate), 300, BLP_UART_RATE, TRUE, "115200 is used"},
    {"USERVA", BLP_FIELD(UserVaMb), 2048, BLP_MOST_USER_MB, TRUE, "3072 is used with /3GB"},
};

static const BLP_WORD_SWITCH BlpWordSwitches[] = {
    {"SOS", TRUE, LOADER_OPTION_SOS},
    {"RECLAIM", FALSE, LOADER_OPTION_RECLAIM},
    {"3GB", TRUE, LOADER_OPTION_3GB},
    {"PAE", FALSE, LOADER_OPTION_PAE},
    {"NOEXECUTE", FALSE, 0},
    {"NOLOWMEM", FALSE, 0},
    {"DEBUG", FALSE, 0},
    {"DEBUGPORT", FALSE, 0},
    {"CRASHDEBUG", FALSE, 0},
    {"NUMPROC", FALSE, 0},
    {"HAL", FALSE, 0},
    {"KERNEL", FALSE, 0},
    {"BASEVIDEO", FALSE, 0},
    {"BOOTLOG", FALSE, 0},
    {"SAFEBOOT", FALSE, 0},
    {"PCILOCK", FALSE, 0},
    {"TIMERES", FALSE, 0},
    {"REDIRECT", FALSE, 0},
    {"NOPAE", TRUE, 0},
    {"EXECUTE", TRUE, 0},
    {"NODEBUG", TRUE, 0},
    {"ONECPU", TRUE, 0},
    {"FASTDETECT", TRUE, 0},
    {"NOSERIALMICE", TRUE, 0},
    {"NOGUIBOOT", TRUE, 0},
};

void BlDefaultOptions(LOADER_OPTIONS *Options)
{
    memset(Options, 0, sizeof(*Options));
    Options->BaudRate = BLP_UART_RATE;
}

/* ---- the file's structure ---- */

static BLP_SECTION BlpReadHeader(PBLP_BOOT_INI Ini, BLP_SECTION Wanted)
{
    BL_TEXT Name = BlLineText(&Ini->Source);

    if (BlTextEquals(Name, "[boot loader]")) {
        return BlpSectionBootLoader;
    }
    if (BlTextEquals(Name, "[operating systems]")) {
        return BlpSectionOperatingSystems;
    }
    if (Wanted == BlpSectionBootLoader) {
        BlComplain(&Ini->Source, Ini->Source.Line, "unknown section %.40s, skipped", Name.Start);
    }
    return BlpSectionUnknown;
}

/* Start reading again.  => What holds before the first line. */
static void BlpRewind(PBLP_BOOT_INI Ini)
{
    BlRewindTextSource(&Ini->Source, Ini->Text, Ini->Bytes);
    Ini->Section = BlpSectionNone;
}

/* Read up to the next line of a section that says something.  => FALSE: there is none. */
static BOOLEAN BlpNextLine(PBLP_BOOT_INI Ini, BLP_SECTION Wanted)
{
    PBL_TEXT_SOURCE Source = &Ini->Source;

    while (BlReadLine(Source)) {
        if (Source->Text[0] == 0 || Source->Text[0] == ';') {
            continue;
        }
        if (Source->Text[0] == '[') {
            Ini->Section = BlpReadHeader(Ini, Wanted);
            continue;
        }
        if (Ini->Section == BlpSectionNone && Wanted == BlpSectionBootLoader) {
            BlComplain(Source, Source->Line,
                       "this line stands before the first [section], skipped");
        }
        if (Ini->Section == Wanted) {
            return TRUE;
        }
    }
    return FALSE;
}

static void BlpReadDefault(PBLP_BOOT_INI Ini, BL_TEXT Value)
{
    SIZE_T Bytes = (SIZE_T)(Value.End - Value.Start);

    if (Bytes >= BLP_ID_BYTES) {
        BlComplain(&Ini->Source, Ini->Source.Line, "default= is longer than %u characters, ignored",
                   BLP_ID_BYTES - 1);
        return;
    }
    memcpy(Ini->DefaultId, Value.Start, Bytes);
    Ini->DefaultId[Bytes] = 0;
    Ini->DefaultLine = Ini->Source.Line;
}

/* First reading: key=value lines of [boot loader]. */
static void BlpReadBootLoader(PBLP_BOOT_INI Ini)
{
    BL_TEXT Value;
    BL_TEXT Key;

    BlpRewind(Ini);
    while (BlpNextLine(Ini, BlpSectionBootLoader)) {
        Value = BlLineText(&Ini->Source);
        Key = BlSplitText(&Value, '=');
        if (Value.Start != NULL && BlTextEquals(Key, "default")) {
            BlpReadDefault(Ini, BlTrimText(Value));
        } else if (Value.Start == NULL || !BlTextEquals(Key, "timeout")) {
            /* There is no menu, so timeout= needs no look at its value. */
            BlComplain(&Ini->Source, Ini->Source.Line,
                       "\"%.*s\" is neither timeout= nor default=, ignored",
                       BL_TEXT_ARGUMENTS(Key));
        }
    }
}

/* => Whether the line that was read is an entry, and if so what it is called. */
static BOOLEAN BlpReadEntryId(PBLP_BOOT_INI Ini, BL_TEXT *Id)
{
    BL_TEXT Rest = BlLineText(&Ini->Source);

    *Id = BlSplitText(&Rest, '=');
    if (Rest.Start == NULL || Id->Start == Id->End) {
        BlComplain(&Ini->Source, Ini->Source.Line, "this is no entry (name=\"Title\" /SWITCH)");
        return FALSE;
    }
    return TRUE;
}

/*
 * Second reading, to the file's end, so that every line without sense is complained of.
 * => Returns the line of default='s entry (the first one of that name), or of the first entry;
 *    0: no entry.
 */
static ULONG BlpFindEntry(PBLP_BOOT_INI Ini)
{
    ULONG First = 0;
    ULONG Chosen = 0;
    BL_TEXT Id;

    BlpRewind(Ini);
    while (BlpNextLine(Ini, BlpSectionOperatingSystems)) {
        if (!BlpReadEntryId(Ini, &Id)) {
            continue;
        }
        First = First == 0 ? Ini->Source.Line : First;
        if (Chosen == 0 && (Ini->DefaultLine == 0 || BlTextEquals(Id, Ini->DefaultId))) {
            Chosen = Ini->Source.Line;
        }
    }
    if (Chosen != 0) {
        return Chosen;
    }
    if (First != 0) {
        BlComplain(&Ini->Source, Ini->DefaultLine,
                   "no entry is called \"%.60s\", the first one is used", Ini->DefaultId);
    }
    return First;
}

/* ---- one switch ---- */

/* The whole of Text as a number that the switch permits.  => FALSE: it is none. */
static BOOLEAN BlpTakeNumber(const BLP_NUMBER_SWITCH *Switch, BL_TEXT Text, PULONG Number)
{
    const char *Next = Text.Start;
    ULONG64 Value;

    if (Text.Start == Text.End || !NT_SUCCESS(RtlParseNumber(&Next, Text.End, &Value)) ||
        Next != Text.End || Value < Switch->Least || Value > Switch->Most) {
        return FALSE;
    }
    *Number = (ULONG)Value;
    return Switch->Field != BLP_FIELD(BaudRate) || BLP_UART_RATE % *Number == 0;
}

static void BlpReadNumber(PBLP_BOOT_INI Ini, const BLP_NUMBER_SWITCH *Switch, BL_TEXT Text)
{
    LOADER_OPTIONS Defaults;
    ULONG Number;

    if (!BlpTakeNumber(Switch, Text, &Number)) {
        BlDefaultOptions(&Defaults);
        memcpy(&Number, (const UCHAR *)&Defaults + Switch->Field, sizeof(Number));
        BlComplain(&Ini->Source, Ini->Source.Line, "/%s=%.*s is not a number from %u to %u%s; %s",
                   Switch->Name, BL_TEXT_ARGUMENTS(Text), Switch->Least, Switch->Most,
                   Switch->Field == BLP_FIELD(BaudRate) ? " that divides 115200" : "",
                   Switch->Default);
    }
    memcpy((UCHAR *)Ini->Options + Switch->Field, &Number, sizeof(Number));
}

static BOOLEAN BlpIsRunCharacter(char Character)
{
    return (Character >= 'a' && Character <= 'z') || (Character >= '0' && Character <= '9') ||
           Character == ':' || Character == '_' || Character == '.' || Character == '-';
}

/* Copy a list of words, in lower case.  => FALSE: a character is wrong or a word is empty. */
static BOOLEAN BlpCopyRun(char *Run, BL_TEXT Text)
{
    char Before = ',';
    ULONG Bytes;

    for (Bytes = 0; Text.Start != Text.End; Bytes++, Text.Start++) {
        Run[Bytes] = *Text.Start;
        if (Run[Bytes] >= 'A' && Run[Bytes] <= 'Z') {
            Run[Bytes] = (char)(Run[Bytes] - 'A' + 'a');
        }
        if (Run[Bytes] == ',' ? Before == ',' : !BlpIsRunCharacter(Run[Bytes])) {
            return FALSE;
        }
        Before = Run[Bytes];
    }
    Run[Bytes] = 0;
    return Before != ',';
}

static void BlpReadRun(PBLP_BOOT_INI Ini, BL_TEXT Text)
{
    char Run[LOADER_RUN_BYTES] = {0};

    memset(Ini->Options->Run, 0, sizeof(Ini->Options->Run));
    if (Text.End - Text.Start >= LOADER_RUN_BYTES) {
        BlComplain(&Ini->Source, Ini->Source.Line, "/RUN= is longer than %u characters, ignored",
                   LOADER_RUN_BYTES - 1);
    } else if (!BlpCopyRun(Run, Text)) {
        BlComplain(&Ini->Source, Ini->Source.Line,
                   "/RUN=%.*s is not a list of words (a-z 0-9 : _ . -) with commas, ignored",
                   BL_TEXT_ARGUMENTS(Text));
    } else {
        memcpy(Ini->Options->Run, Run, sizeof(Run));
    }
}

static void BlpSayWhetherInEffect(PBLP_BOOT_INI Ini, const char *Name, BOOLEAN HasEffect)
{
    if (!HasEffect) {
        BlComplain(&Ini->Source, Ini->Source.Line, "/%s has no effect in this version", Name);
    }
}

/* Text is NAME or NAME=value, without its slash. */
static void BlpReadSwitch(PBLP_BOOT_INI Ini, BL_TEXT Text)
{
    BL_TEXT Name = BlSplitText(&Text, '=');
    ULONG Index;

    if (BlTextEquals(Name, "RUN")) {
        BlpReadRun(Ini, Text);
        return;
    }
    for (Index = 0; Index < RTL_NUMBER_OF(BlpNumberSwitches); Index++) {
        if (BlTextEquals(Name, BlpNumberSwitches[Index].Name)) {
            BlpReadNumber(Ini, &BlpNumberSwitches[Index], Text);
            BlpSayWhetherInEffect(Ini, BlpNumberSwitches[Index].Name,
                                  BlpNumberSwitches[Index].HasEffect);
            return;
        }
    }
    for (Index = 0; Index < RTL_NUMBER_OF(BlpWordSwitches); Index++) {
        if (BlTextEquals(Name, BlpWordSwitches[Index].Name)) {
            Ini->Options->Flags |= BlpWordSwitches[Index].Flag;
            BlpSayWhetherInEffect(Ini, BlpWordSwitches[Index].Name,
                                  BlpWordSwitches[Index].HasEffect);
            return;
        }
    }
    BlComplain(&Ini->Source, Ini->Source.Line, "unknown switch /%.*s, ignored",
               BL_TEXT_ARGUMENTS(Name));
}

/* Text stands behind the entry's '='.  => Returns what follows the title. */
static BL_TEXT BlpSkipTitle(PBLP_BOOT_INI Ini, BL_TEXT Text)
{
    const char *Start;

    Text = BlTrimText(Text);
    Start = Text.Start;
    if (Text.Start != Text.End && *Text.Start == '"') {
        Text.Start++;
        (void)BlSplitText(&Text, '"');
        if (Text.Start != NULL) {
            return Text;
        }
        BlComplain(&Ini->Source, Ini->Source.Line, "the title has no closing quote");
        Text.End = Ini->Source.Text + Ini->Source.Bytes;
    }
    for (Text.Start = Start; Text.Start != Text.End && *Text.Start != '/'; Text.Start++) {
    }
    return Text;
}

/* Take the next word: it ends at a blank, or where the next switch begins. */
static BL_TEXT BlpNextWord(BL_TEXT *Text)
{
    BL_TEXT Word;

    *Text = BlTrimText(*Text);
    Word.Start = Text->Start;
    Word.End = Text->Start;
    while (Word.End != Text->End && *Word.End != ' ' && *Word.End != '\t' &&
           (Word.End == Word.Start || *Word.End != '/')) {
        Word.End++;
    }
    Text->Start = Word.End;
    return Word;
}

/* Text stands behind the title.  A semicolon begins a comment. */
static void BlpReadSwitches(PBLP_BOOT_INI Ini, BL_TEXT Text)
{
    BL_TEXT Word = BlpNextWord(&Text);

    while (Word.Start != Word.End && *Word.Start != ';') {
        if (BlSkipPrefix(&Word, "/")) {
            BlpReadSwitch(Ini, Word);
        } else {
            BlComplain(&Ini->Source, Ini->Source.Line, "\"%.*s\" is no switch, ignored",
                       BL_TEXT_ARGUMENTS(Word));
        }
        Word = BlpNextWord(&Text);
    }
}

/* Third reading: line Line, which is an entry. */
static void BlpReadEntry(PBLP_BOOT_INI Ini, ULONG Line)
{
    BL_TEXT Text;

    BlpRewind(Ini);
    while (Ini->Source.Line != Line && BlReadLine(&Ini->Source)) {
    }
    if (Ini->Source.Cut) {
        BlComplain(&Ini->Source, Line, "this line is longer than %u bytes, its end is ignored",
                   BL_LINE_BYTES - 1);
    }
    Text = BlLineText(&Ini->Source);
    (void)BlSplitText(&Text, '=');
    BlpReadSwitches(Ini, BlpSkipTitle(Ini, Text));
}

/* /USERVA is part of /3GB.  => The line of the entry was read. */
static void BlpSettleUserVa(PBLP_BOOT_INI Ini, ULONG Line)
{
    LOADER_OPTIONS *Options = Ini->Options;

    if ((Options->Flags & LOADER_OPTION_3GB) == 0) {
        if (Options->UserVaMb != 0) {
            BlComplain(&Ini->Source, Line, "/USERVA has no effect without /3GB");
        }
        Options->UserVaMb = 0;
    } else if (Options->UserVaMb == 0) {
        Options->UserVaMb = BLP_MOST_USER_MB;
    } else {
        Options->UserVaMb = ROUND_DOWN(Options->UserVaMb, BLP_TABLE_MB);
    }
}

void BlParseBootIni(const void *Text, SIZE_T Bytes, LOADER_OPTIONS *Options, BL_COMPLAINT *Complain,
                    PVOID Context)
{
    BLP_BOOT_INI Ini;
    ULONG Line;

    BlDefaultOptions(Options);
    if (Bytes == 0) {
        return;
    }
    Ini.Text = Text;
    Ini.Bytes = Bytes;
    Ini.Options = Options;
    Ini.DefaultLine = 0;
    BlInitializeTextSource(&Ini.Source, Text, Bytes, Complain, Context);
    BlpReadBootLoader(&Ini);
    Line = BlpFindEntry(&Ini);
    if (Line == 0) {
        BlComplain(&Ini.Source, 0,
                   "[operating systems] has no entry, every switch has its default");
    } else {
        BlpReadEntry(&Ini, Line);
        BlpSettleUserVa(&Ini, Line);
    }
    Options->Warnings = Ini.Source.Complaints;
}
