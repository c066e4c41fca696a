/* SPDX-License-Identifier: MIT */
/*
 * user_regions.c - !address -f: -o: -summary: regions of the user half of the running process.
 *
 *     -f:<filter>,...   VAR, Free, Image, FileMap; MEM_*; PAGE_*: of each of these kinds that is
 *                       named a region has one
 *     -o:csv, -o:tsv    for spreadsheets; -o:1: the addresses alone
 *     -summary          sums instead of a list
 *
 * A region is what NtQueryVirtualMemory says of its first page, so that no memory of the process is
 * touched; each is of its own moment.
 */
#include "mm/inspect/user_regions.h"

#include "mm/inspect/commands.h"
#include "rtl.h"

typedef struct _MIP_WORD {
    const char *Name;
    ULONG Bit;
} MIP_WORD;

static const MIP_WORD MipUsages[] = {
    {"Free", 1u << MiUsageFree},
    {"VAR", 1u << MiUsageVar},
    {"Image", 1u << MiUsageImage},
    {"FileMap", 1u << MiUsageFileMap},
};

static const MIP_WORD MipTypes[] = {
    {"MEM_IMAGE", MEM_IMAGE},
    {"MEM_MAPPED", MEM_MAPPED},
    {"MEM_PRIVATE", MEM_PRIVATE},
};

static const MIP_WORD MipStates[] = {
    {"MEM_FREE", MEM_FREE},
    {"MEM_RESERVE", MEM_RESERVE},
    {"MEM_COMMIT", MEM_COMMIT},
};

static const MIP_WORD MipProtects[] = {
    {"PAGE_NOACCESS", PAGE_NOACCESS},
    {"PAGE_READONLY", PAGE_READONLY},
    {"PAGE_READWRITE", PAGE_READWRITE},
    {"PAGE_WRITECOPY", PAGE_WRITECOPY},
    {"PAGE_EXECUTE", PAGE_EXECUTE},
    {"PAGE_EXECUTE_READ", PAGE_EXECUTE_READ},
    {"PAGE_EXECUTE_READWRITE", PAGE_EXECUTE_READWRITE},
    {"PAGE_EXECUTE_WRITECOPY", PAGE_EXECUTE_WRITECOPY},
    {"PAGE_GUARD", PAGE_GUARD},
    {"PAGE_NOCACHE", PAGE_NOCACHE},
    {"PAGE_WRITECOMBINE", PAGE_WRITECOMBINE},
};

/* ---- names ---- */

static const char *MipNameOf(const MIP_WORD *Words, ULONG Count, ULONG Bit)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        if (Words[i].Bit == Bit) {
            return Words[i].Name;
        }
    }
    return "";
}

const char *MiRegionUsageName(MI_REGION_USAGE Usage)
{
    return MipNameOf(MipUsages, RTL_NUMBER_OF(MipUsages), 1u << Usage);
}

const char *MiRegionBitName(ULONG Bit)
{
    const char *Type = MipNameOf(MipTypes, RTL_NUMBER_OF(MipTypes), Bit);

    return *Type != 0 ? Type : MipNameOf(MipStates, RTL_NUMBER_OF(MipStates), Bit);
}

const char *MiProtectBitName(ULONG Bit)
{
    return MipNameOf(MipProtects, RTL_NUMBER_OF(MipProtects), Bit);
}

MI_PROTECT_TEXT MiProtectText(ULONG Protect)
{
    const char *Modifier =
        MiProtectBitName(Protect & (PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE));
    MI_PROTECT_TEXT Result = {.Text = ""};

    (void)RtlStringCbPrintfA(Result.Text, sizeof(Result.Text), "%s%s%s",
                             MiProtectBitName(Protect & 0xFFu), *Modifier != 0 ? "|" : "",
                             Modifier);
    return Result;
}

/* ---- arguments ---- */

/* => 0: it is none of them. */
static ULONG MipFindWord(const MIP_WORD *Words, ULONG Count, const char *Text, SIZE_T Length)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        if (strlen(Words[i].Name) == Length && RtlCompareText(Words[i].Name, Text, Length) == 0) {
            return Words[i].Bit;
        }
    }
    return 0;
}

static BOOLEAN MipAddFilter(PMI_REGION_FILTER Filter, const char *Text, SIZE_T Length)
{
    ULONG Usage = MipFindWord(MipUsages, RTL_NUMBER_OF(MipUsages), Text, Length);
    ULONG Type = MipFindWord(MipTypes, RTL_NUMBER_OF(MipTypes), Text, Length);
    ULONG State = MipFindWord(MipStates, RTL_NUMBER_OF(MipStates), Text, Length);
    ULONG Protect = MipFindWord(MipProtects, RTL_NUMBER_OF(MipProtects), Text, Length);

    Filter->Usages |= Usage;
    Filter->Types |= Type;
    Filter->States |= State;
    Filter->Protect |= Protect;
    if ((Usage | Type | State | Protect) == 0) {
        MiFail("\"%.*s\" is no filter: VAR, Free, Image, FileMap, MEM_* and PAGE_* are.",
               (int)(Length < 40 ? Length : 40), Text);
        return FALSE;
    }
    return TRUE;
}

static SIZE_T MipLengthUpTo(const char *Text, char End)
{
    SIZE_T Length = 0;

    while (Text[Length] != 0 && Text[Length] != ' ' && Text[Length] != End) {
        Length++;
    }
    return Length;
}

/* Names with commas between them, up to a blank. */
static BOOLEAN MipParseFilters(const char *Text, PMI_REGION_FILTER Filter)
{
    for (;;) {
        SIZE_T Length = MipLengthUpTo(Text, ',');

        if (!MipAddFilter(Filter, Text, Length)) {
            return FALSE;
        }
        if (Text[Length] != ',') {
            return TRUE;
        }
        Text += Length + 1;
    }
}

static BOOLEAN MipIsWord(const char *Text, SIZE_T Length, const char *Word)
{
    return strlen(Word) == Length && RtlCompareText(Text, Word, Length) == 0;
}

static BOOLEAN MipParseOption(const char *Text, SIZE_T Length, PMI_REGION_FILTER Filter)
{
    if (Length > 3 && RtlCompareText(Text, "-f:", 3) == 0) {
        return MipParseFilters(Text + 3, Filter);
    }
    if (MipIsWord(Text, Length, "-summary")) {
        Filter->Summary = TRUE;
    } else if (MipIsWord(Text, Length, "-o:csv")) {
        Filter->Output = MiRegionCsv;
    } else if (MipIsWord(Text, Length, "-o:tsv")) {
        Filter->Output = MiRegionTsv;
    } else if (MipIsWord(Text, Length, "-o:1")) {
        Filter->Output = MiRegionBare;
    } else {
        MiFail("Options are -summary, -f:<filter>,... and -o:csv, -o:tsv or -o:1.");
        return FALSE;
    }
    return TRUE;
}

BOOLEAN MiParseRegionFilter(const char *Arguments, PMI_REGION_FILTER Filter)
{
    *Filter = (MI_REGION_FILTER){.Usages = 0};
    while (*Arguments != 0) {
        SIZE_T Length = MipLengthUpTo(Arguments, ' ');

        if (!MipParseOption(Arguments, Length, Filter)) {
            return FALSE;
        }
        for (Arguments += Length; *Arguments == ' '; Arguments++) {
            continue;
        }
    }
    return TRUE;
}

/* ---- regions ---- */

MI_REGION_USAGE MiRegionUsage(const MI_USER_REGION *Region)
{
    if (Region->State == MEM_FREE) {
        return MiUsageFree;
    }
    if (Region->Type == MEM_IMAGE) {
        return MiUsageImage;
    }
    return Region->Type == MEM_MAPPED ? MiUsageFileMap : MiUsageVar;
}

BOOLEAN MiMatchRegion(const MI_REGION_FILTER *Filter, const MI_USER_REGION *Region)
{
    return (Filter->Usages == 0 || (Filter->Usages & 1u << MiRegionUsage(Region)) != 0) &&
           (Filter->Types == 0 || (Filter->Types & Region->Type) != 0) &&
           (Filter->States == 0 || (Filter->States & Region->State) != 0) &&
           (Filter->Protect == 0 || (Filter->Protect & Region->Protect) != 0);
}

BOOLEAN MiNextUserRegion(PULONG_PTR Va, MI_USER_REGION *Region)
{
    if (!NT_SUCCESS(NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)*Va, MemoryBasicInformation,
                                         Region, sizeof(*Region), NULL))) {
        return FALSE;
    }
    *Va += Region->RegionSize;
    return TRUE;
}

/* ---- the list ---- */

static void MipPrintRow(const MI_USER_REGION *Region)
{
    MiPrint("%8x %8x %8x %-11s %-11s %-33s %s\n", (ULONG)(ULONG_PTR)Region->BaseAddress,
            (ULONG)((ULONG_PTR)Region->BaseAddress + Region->RegionSize), (ULONG)Region->RegionSize,
            MiRegionBitName(Region->Type), MiRegionBitName(Region->State),
            MiProtectText(Region->Protect).Text, MiRegionUsageName(MiRegionUsage(Region)));
}

static void MipPrintFields(const MI_USER_REGION *Region, const char *Quote, const char *Between)
{
    const MI_PROTECT_TEXT Protect = MiProtectText(Region->Protect);
    const char *Texts[] = {MiRegionBitName(Region->Type), MiRegionBitName(Region->State),
                           Protect.Text};
    ULONG i;

    MiPrint("%s0x%x%s%s", Quote, (ULONG)(ULONG_PTR)Region->BaseAddress, Quote, Between);
    MiPrint("%s0x%x%s%s", Quote, (ULONG)((ULONG_PTR)Region->BaseAddress + Region->RegionSize),
            Quote, Between);
    MiPrint("%s0x%x%s", Quote, (ULONG)Region->RegionSize, Quote);
    for (i = 0; i < RTL_NUMBER_OF(Texts); i++) {
        MiPrint("%s%s%s%s", Between, Quote, Texts[i], Quote);
    }
    MiPrint("%s%s%s%s\n", Between, Quote, MiRegionUsageName(MiRegionUsage(Region)), Quote);
}

static void MipPrintHead(MI_REGION_OUTPUT Output)
{
    if (Output == MiRegionTable) {
        MiPrint("%8s %8s %8s %-11s %-11s %-33s %s\n", "BaseAddr", "End+1", "RgnSize", "Type",
                "State", "Protect", "Usage");
    } else if (Output == MiRegionCsv) {
        MiPrint("\"BaseAddress\",\"EndAddress+1\",\"RegionSize\",\"Type\",\"State\",\"Protect\","
                "\"Usage\"\n");
    } else if (Output == MiRegionTsv) {
        MiPrint("BaseAddress\tEndAddress+1\tRegionSize\tType\tState\tProtect\tUsage\n");
    }
}

static void MipPrintRegion(const MI_USER_REGION *Region, MI_REGION_OUTPUT Output)
{
    if (Output == MiRegionTable) {
        MipPrintRow(Region);
    } else if (Output == MiRegionCsv) {
        MipPrintFields(Region, "\"", ",");
    } else if (Output == MiRegionTsv) {
        MipPrintFields(Region, "", "\t");
    } else {
        MiPrint("0x%x\n", (ULONG)(ULONG_PTR)Region->BaseAddress);
    }
}

void MiCommandUserRegions(const char *Arguments)
{
    MI_REGION_FILTER Filter;
    MI_USER_REGION Region;
    ULONG_PTR Va = 0;

    if (!MiParseRegionFilter(Arguments, &Filter) || !MiCommandNeedsProcesses()) {
        return;
    }
    if (Filter.Summary) {
        MiPrintUserSummary(&Filter);
        return;
    }
    MipPrintHead(Filter.Output);
    while (!MiStopRequested() && MiNextUserRegion(&Va, &Region)) {
        if (MiMatchRegion(&Filter, &Region)) {
            MipPrintRegion(&Region, Filter.Output);
        }
    }
}
