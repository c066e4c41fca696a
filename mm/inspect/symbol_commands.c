/* SPDX-License-Identifier: MIT */
/*
 * symbol_commands.c - names and numbers: k, x, ln, lm, ?, .formats.
 *
 * The kernel is the only module, called nt.  Its symbols have no lengths, so a name stands for all
 * addresses up to the next one, within the kernel's image.
 */
#include "mm/inspect/debugger.h"
#include "rtl.h"

#define MIP_STACK_FRAMES 20u

BOOLEAN MiNameAddress(ULONG_PTR Va, char Name[MI_NAME_BYTES])
{
    char Symbol[KD_SYMBOL_BYTES];
    ULONG_PTR Offset;
    ULONG_PTR Start;
    ULONG_PTR End;

    Name[0] = 0;
    KdQueryKernelImage(&Start, &End);
    if (Va < Start || Va >= End || !KdFindSymbol(Va, Symbol, &Offset)) {
        return FALSE;
    }
    if (Offset == 0) {
        (void)RtlStringCbPrintfA(Name, MI_NAME_BYTES, "nt!%s", Symbol);
    } else {
        (void)RtlStringCbPrintfA(Name, MI_NAME_BYTES, "nt!%s+0x%lx", Symbol, (unsigned long)Offset);
    }
    return TRUE;
}

/* ---- k ---- */

/* One line.  A call may be its function's last instruction: then its own address has the name. */
static void MipPrintFrame(const KD_STACK_FRAME *Frame)
{
    ULONG_PTR Place = Frame->Eip - Frame->InCall;
    char Symbol[KD_SYMBOL_BYTES];
    char Name[MI_NAME_BYTES];
    ULONG_PTR Offset = 0;

    MiPrint("%08lx %08lx ", (unsigned long)Frame->ChildEbp, (unsigned long)Frame->ReturnAddress);
    if (MiNameAddress(Place, Name) && KdFindSymbol(Place, Symbol, &Offset)) {
        MiPrint("nt!%s+0x%lx\n", Symbol, (unsigned long)Offset + Frame->InCall);
    } else {
        MiPrint("0x%lx\n", (unsigned long)Frame->Eip);
    }
}

static void MipPrintStack(const KD_STACK_STATE *State, ULONG Limit)
{
    static KD_STACK_FRAME Frames[KD_STACK_FRAMES];
    ULONG Count = KdTraceStack(State, Frames, Limit);
    ULONG i;

    if (Count == 0) {
        MiFail("There is no frame at %08lx.", (unsigned long)State->Ebp);
        return;
    }
    MiPrint("ChildEBP RetAddr\n");
    for (i = 0; i < Count; i++) {
        MipPrintFrame(&Frames[i]);
    }
}

/* k [= ebp esp eip] [frames] */
void MiStackCommand(const char *Arguments)
{
    KD_STACK_STATE State = {MiRegisters.Eip, MiRegisters.Esp, MiRegisters.Ebp, TRUE};
    ULONG_PTR Frames;

    if (*Arguments == '=') {
        Arguments++;
        State.InCall = FALSE;
        if (!MiTakeOptional(&Arguments, State.Ebp, &State.Ebp) ||
            !MiTakeOptional(&Arguments, State.Ebp, &State.Esp) ||
            !MiTakeOptional(&Arguments, 0, &State.Eip)) {
            return;
        }
    }
    if (!MiTakeOptional(&Arguments, MIP_STACK_FRAMES, &Frames) || !MiTakeEnd(Arguments)) {
        return;
    }
    if (Frames == 0 || Frames > KD_STACK_FRAMES) {
        MiFail("From 1 to %x frames are shown.", KD_STACK_FRAMES);
        return;
    }
    MipPrintStack(&State, (ULONG)Frames);
}

/* ---- x ---- */

static char MipLower(char Character)
{
    return Character >= 'A' && Character <= 'Z' ? (char)(Character + 'a' - 'A') : Character;
}

/* As x does: * is any characters, ? one, case does not count.  A mismatch makes the last * grow. */
static BOOLEAN MipMatchesPattern(const char *Text, const char *Pattern)
{
    const char *Star = NULL;
    const char *Resume = NULL;

    while (*Text != 0) {
        if (*Pattern == '*') {
            Star = Pattern++;
            Resume = Text;
        } else if (*Pattern == '?' || MipLower(*Pattern) == MipLower(*Text)) {
            Pattern++;
            Text++;
        } else if (Star != NULL) {
            Pattern = Star + 1;
            Text = ++Resume;
        } else {
            return FALSE;
        }
    }
    while (*Pattern == '*') {
        Pattern++;
    }
    return *Pattern == 0;
}

/* A module other than nt, or none but a star. */
static BOOLEAN MipSkipModule(const char **Pattern)
{
    const char *Mark = RtlFindText(*Pattern, "!");

    if (Mark == NULL) {
        return TRUE;
    }
    if (RtlCompareText(*Pattern, "nt!", 3) != 0 && strncmp(*Pattern, "*!", 2) != 0) {
        MiFail("\"%.*s\" is not a module; there is nt.", (int)(Mark - *Pattern), *Pattern);
        return FALSE;
    }
    *Pattern = Mark + 1;
    return TRUE;
}

void MiExamineCommand(const char *Arguments)
{
    char Symbol[KD_SYMBOL_BYTES];
    const char *Pattern = Arguments;
    SIZE_T Position = 0;
    ULONG Found = 0;
    ULONG_PTR Address;

    if (*Pattern == 0) {
        MiFail("The pattern is missing: x nt!Ke* lists the names that begin with Ke.");
        return;
    }
    if (!MipSkipModule(&Pattern)) {
        return;
    }
    while (KdNextSymbol(&Position, Symbol, &Address) && !MiStopRequested()) {
        if (MipMatchesPattern(Symbol, Pattern)) {
            MiPrint("%08lx nt!%s\n", (unsigned long)Address, Symbol);
            Found++;
        }
    }
    if (Found == 0 && !MiStopRequested()) {
        MiFail("No symbol is like \"%s\".", Pattern);
    }
}

/* ---- ln, lm ---- */

/* => FALSE: there is none above Va. */
static BOOLEAN MipNextSymbol(ULONG_PTR Va, char Symbol[KD_SYMBOL_BYTES], PULONG_PTR Address)
{
    SIZE_T Position = 0;

    while (KdNextSymbol(&Position, Symbol, Address)) {
        if (*Address > Va) {
            return TRUE;
        }
    }
    return FALSE;
}

void MiNearestCommand(const char *Arguments)
{
    char Symbol[KD_SYMBOL_BYTES];
    char Name[MI_NAME_BYTES];
    ULONG_PTR Next;
    ULONG_PTR Va;

    if (!MiTakeOptional(&Arguments, MiRegisters.Eip, &Va) || !MiTakeEnd(Arguments)) {
        return;
    }
    if (!MiNameAddress(Va, Name)) {
        MiFail("%08lx lies in no module; lm lists them.", (unsigned long)Va);
        return;
    }
    MiPrint("(%08lx)   %s", (unsigned long)Va, Name);
    if (MipNextSymbol(Va, Symbol, &Next)) {
        MiPrint("   |  (%08lx)   nt!%s", (unsigned long)Next, Symbol);
    }
    MiPrint("\n");
    if (RtlFindText(Name, "+0x") == NULL) {
        MiPrint("Exact matches:\n    %s\n", Name);
    }
}

void MiModulesCommand(const char *Arguments)
{
    char Symbol[KD_SYMBOL_BYTES];
    SIZE_T Position = 0;
    ULONG Symbols = 0;
    ULONG_PTR Start;
    ULONG_PTR End;

    if (!MiTakeEnd(Arguments)) {
        return;
    }
    while (KdNextSymbol(&Position, Symbol, &Start)) {
        Symbols++;
    }
    KdQueryKernelImage(&Start, &End);
    MiPrint("start    end        module name\n");
    MiPrint("%08lx %08lx   nt         (%u symbols of hyperspace.sym)\n", (unsigned long)Start,
            (unsigned long)End, Symbols);
}

/* ---- numbers ---- */

/* => FALSE: a sentence was printed. */
static BOOLEAN MipTakeExpression(const char *Arguments, PULONG_PTR Value)
{
    NTSTATUS Status = MiTakeWholeExpression(Arguments, Value);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("The expression is missing.");
    }
    return NT_SUCCESS(Status);
}

void MiEvaluateCommand(const char *Arguments)
{
    ULONG_PTR Value;

    if (MipTakeExpression(Arguments, &Value)) {
        MiPrint("Evaluate expression: %ld = %08lx\n", (long)(LONG_PTR)Value, (unsigned long)Value);
    }
}

static void MipPrintBits(ULONG_PTR Value)
{
    ULONG Bit = sizeof(Value) * 8;

    while (Bit-- != 0) {
        MiPrint("%u", (unsigned)(Value >> Bit & 1));
        if (Bit % 8 == 0) {
            MiPrint(Bit != 0 ? " " : "\n");
        }
    }
}

void MiFormatsCommand(const char *Arguments)
{
    ULONG_PTR Value;
    ULONG Byte = sizeof(Value);

    if (!MipTakeExpression(Arguments, &Value)) {
        return;
    }
    MiPrint("Evaluate expression:\n  Hex:     %08lx\n  Decimal: %ld\n  Octal:   ",
            (unsigned long)Value, (long)(LONG_PTR)Value);
    MiPrint("%lu", (unsigned long)(Value >> 30));
    for (Byte = 30; Byte != 0; Byte -= 3) {
        MiPrint("%u", (unsigned)(Value >> (Byte - 3) & 7));
    }
    MiPrint("\n  Binary:  ");
    MipPrintBits(Value);
    MiPrint("  Chars:   ");
    for (Byte = sizeof(Value); Byte != 0; Byte--) {
        UCHAR Character = (UCHAR)(Value >> (Byte - 1) * 8);

        MiPrint("%c", Character >= ' ' && Character < 0x7F ? Character : '.');
    }
    MiPrint("\n");
}
