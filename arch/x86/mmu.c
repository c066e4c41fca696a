/* SPDX-License-Identifier: MIT */
/*
 * mmu.c - the memory management unit, and the mappings that exist before mm does.
 *
 *     80000000  boot window: the loader's block and modules (RW until mm reclaims it)
 *     80800000  kernel image: code and constants read-only, data read-write
 *     D0000000  both of them instead, with /3GB
 *     C0000000  self-map
 *     F?800000  framebuffer, by 4 MB pages where it fills them; ends at FF800000
 *     FFC00000  the HAL's area: device registers, upwards
 *     FFDFE000  the window of HalCopyPhysical
 *     FFDFF000  KPCR
 *
 * Invariants:
 *   M1  no entry is user-accessible, but the probe page while a probe runs
 *   M2  code and constants are nowhere mapped writable
 *   M3  the page below each stack is not mapped
 */
#include "arch/x86/mmu.h"

#include "arch/cpuid.h"
#include "arch/x86/pcr.h"
#include "arch/x86/stacks.h"
#include "arch/x86/user_access.h"
#include "mi_assert.h"
#include "rtl.h"

#define HALP_AREA_END      0xFFDFE000u
#define HALP_COPY_VA       0xFFDFE000u
#define HALP_SCREEN_END    0xFF800000u
#define HALP_SCREEN_TABLES 2                    /* where the screen begins and where it ends */
#define HALP_HIGH_WINDOWS  6u                   /* 4 MB each, for devices above 4 GB */
#define HALP_HIGH_LIMIT    (1ull << 40)         /* what PSE-36 reaches */
#define HALP_SCREEN_LIMIT  (32 * MM_LARGE_PAGE) /* 128 MB: an 8K screen at 4 bytes a pixel */

static NT_ALIGNED(4096) UCHAR KipPcrPage[PAGE_SIZE];
static NT_ALIGNED(4096) UCHAR KipProbePage[PAGE_SIZE];
static NT_ALIGNED(4096) MMPTE KipProbeTable[PTE_PER_PAGE];
static NT_ALIGNED(4096) MMPTE KipProbeDirectory[PTE_PER_PAGE];
static NT_ALIGNED(4096) MMPTE HalpScreenTables[HALP_SCREEN_TABLES][PTE_PER_PAGE];
static ULONG HalpNextVa = LOADER_HAL_BASE;
static BOOLEAN KipGlobalPages;
static ULONG HalpScreenBytes;
static ULONG HalpHighWindows; /* in use */

ULONG KiReadCr0(void)
{
    ULONG Value;

    __asm__ volatile("mov %%cr0, %0" : "=r"(Value));
    return Value;
}

ULONG KiReadCr3(void)
{
    ULONG Value;

    __asm__ volatile("mov %%cr3, %0" : "=r"(Value));
    return Value;
}

ULONG KiReadCr4(void)
{
    ULONG Value;

    __asm__ volatile("mov %%cr4, %0" : "=r"(Value));
    return Value;
}

static void KipWriteCr4(ULONG Value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(Value) : "memory");
}

void KeFlushSingleTb(ULONG_PTR Va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(Va) : "memory");
}

/* Turning PGE off and on again is what drops global translations. */
void KeFlushEntireTb(void)
{
    ULONG Cr4 = KiReadCr4();

    if (Cr4 & CR4_PGE) {
        KipWriteCr4(Cr4 & ~CR4_PGE);
        KipWriteCr4(Cr4);
    } else {
        __asm__ volatile("mov %0, %%cr3" : : "r"(KiReadCr3()) : "memory");
    }
}

void KiSwapAddressSpace(PFN_NUMBER Frame)
{
    /* First, since a return from the NMI's task loads CR3 from here. */
    ((volatile KTSS *)&KiTss)->Cr3 = Frame << PAGE_SHIFT;
    __asm__ volatile("mov %0, %%cr3" : : "r"(Frame << PAGE_SHIFT) : "memory");
}

PFN_NUMBER KiCurrentDirectoryFrame(void)
{
    return KiReadCr3() >> PAGE_SHIFT;
}

/* The frame behind a mapped kernel address. */
static PFN_NUMBER KipFrameOf(const void *Va)
{
    return MiReadPte(MiGetPteAddress((ULONG)Va)).Hard.PageFrameNumber;
}

static MMPTE KipMakePte(PFN_NUMBER Frame, BOOLEAN Write)
{
    MMPTE Pte = {0};

    Pte.Hard.Valid = 1;
    Pte.Hard.Write = Write;
    Pte.Hard.Global = KipGlobalPages;
    Pte.Hard.PageFrameNumber = Frame;
    return Pte;
}

/* A directory entry for a table of ours; tables are not global, only what they map. */
static MMPTE KipMakeTablePde(const MMPTE *Table)
{
    MMPTE Pde = KipMakePte(KipFrameOf(Table), TRUE);

    Pde.Hard.Global = 0;
    return Pde;
}

static void KipUnmap(ULONG Va)
{
    MMPTE Zero = {0};

    MiWritePte(MiGetPteAddress(Va), Zero);
    KeFlushSingleTb(Va);
}

static void KipMarkGlobal(ULONG Start, ULONG End)
{
    ULONG Va;

    for (Va = Start; Va < End; Va += PAGE_SIZE) {
        MMPTE Pte = MiReadPte(MiGetPteAddress(Va));

        if (Pte.Hard.Valid) {
            Pte.Hard.Global = 1;
            MiWritePte(MiGetPteAddress(Va), Pte);
        }
    }
}

/*
 * NT's assignment: write-through alone (PWT) becomes write-combining, the other combinations keep
 * their power-on meaning.  Written whole, since firmware may have left another one, and the same in
 * both halves, since early processors fail to tell them apart.
 */
static void KipProgramPat(void)
{
    const ULONG Types = 0x00070106; /* entry 0 is lowest: write-back, combining, UC-, uncached */

    __asm__ volatile("wbinvd; wrmsr" : : "a"(Types), "d"(Types), "c"(MSR_PAT) : "memory");
}

static ULONG KipWantedCr4(void)
{
    CPUID_REGISTERS Leaf1 = ArchCpuid(1, 0);
    ULONG Cr4 = (Leaf1.Edx & CPUID_1_EDX_PSE) ? CR4_PSE : 0;

    Cr4 |= (Leaf1.Edx & CPUID_1_EDX_PGE) ? CR4_PGE : 0;
    Cr4 |= (Leaf1.Edx & CPUID_1_EDX_MCE) ? CR4_MCE : 0; /* without it a machine check resets */
    if (ArchCpuid(0, 0).Eax >= 7) {
        CPUID_REGISTERS Leaf7 = ArchCpuid(7, 0);

        Cr4 |= (Leaf7.Ebx & CPUID_7_EBX_SMEP) ? CR4_SMEP : 0;
        Cr4 |= (Leaf7.Ebx & CPUID_7_EBX_SMAP) ? CR4_SMAP : 0;
        Cr4 |= (Leaf7.Ecx & CPUID_7_ECX_UMIP) ? CR4_UMIP : 0;
    }
    return Cr4;
}

static void KipDropIdentityPage(const LOADER_BLOCK *Block)
{
    MMPTE Zero = {0};

    MiWritePte(MiGetPdeAddress(Block->IdentityPage), Zero);
}

void KiInitializePageTables(const LOADER_BLOCK *Block)
{
    ULONG Window = Block->KernelVa - (LOADER_KERNEL_BASE - LOADER_WINDOW_BASE);
    ULONG Cr4 = KipWantedCr4();

    KipDropIdentityPage(Block);
    MiWritePte(MiGetPteAddress(KI_PCR_VA), KipMakePte(KipFrameOf(KipPcrPage), TRUE));
    if (Cr4 & CR4_PGE) {
        KipGlobalPages = TRUE;
        KipMarkGlobal(Window, Window + (LOADER_KERNEL_END - LOADER_WINDOW_BASE));
        KipMarkGlobal(KI_PCR_VA, KI_PCR_VA + PAGE_SIZE);
    }
    if (ArchCpuid(1, 0).Edx & CPUID_1_EDX_PAT) {
        KipProgramPat();
    }
    KipUnmap((ULONG)KiBootStackGuard);
    KipUnmap((ULONG)KiDoubleFaultStackGuard);
    KipUnmap((ULONG)KiNmiStackGuard);
    KipUnmap((ULONG)KiIdleStackGuard);
    KipWriteCr4(Cr4);
    KiAccessPrevention = (Cr4 & CR4_SMAP) != 0;
    KeFlushEntireTb();
}

void KiProtectInitializedData(void)
{
    ULONG Va;

    for (Va = (ULONG)KiConstantsEnd; Va < (ULONG)KiProtectedEnd; Va += PAGE_SIZE) {
        MMPTE Pte = MiReadPte(MiGetPteAddress(Va));

        Pte.Hard.Write = 0;
        MiWritePte(MiGetPteAddress(Va), Pte);
        KeFlushSingleTb(Va);
    }
}

static BOOLEAN HalpIsBelow4Gb(ULONG64 Physical, ULONG Bytes)
{
    return Physical < (1ull << 32) && Bytes <= (1ull << 32) - Physical;
}

PVOID HalMapPhysical(ULONG64 Physical, ULONG Bytes)
{
    ULONG Offset = BYTE_OFFSET((ULONG)Physical);
    ULONG Pages = BYTES_TO_PAGES(Offset + Bytes);
    ULONG Va = HalpNextVa;
    ULONG i;

    if (!HalpIsBelow4Gb(Physical, Bytes) || Pages > (HALP_AREA_END - Va) >> PAGE_SHIFT) {
        return NULL;
    }
    for (i = 0; i < Pages; i++) {
        MMPTE Pte = KipMakePte((ULONG)(Physical >> PAGE_SHIFT) + i, TRUE);

        Pte.Hard.CacheDisable = 1;
        Pte.Hard.WriteThrough = 1;
        MiWritePte(MiGetPteAddress(Va + i * PAGE_SIZE), Pte);
    }
    HalpNextVa += Pages * PAGE_SIZE;
    return (PVOID)(Va + Offset);
}

BOOLEAN HalCopyPhysical(PVOID Context, ULONG64 Physical, PVOID Buffer, ULONG Bytes)
{
    PUCHAR To = Buffer;

    (void)Context;
    if (!HalpIsBelow4Gb(Physical, Bytes)) {
        return FALSE;
    }
    while (Bytes != 0) {
        ULONG Offset = BYTE_OFFSET((ULONG)Physical);
        ULONG Chunk = PAGE_SIZE - Offset < Bytes ? PAGE_SIZE - Offset : Bytes;

        MiWritePte(MiGetPteAddress(HALP_COPY_VA),
                   KipMakePte((ULONG)(Physical >> PAGE_SHIFT), FALSE));
        KeFlushSingleTb(HALP_COPY_VA);
        memcpy(To, (PVOID)(HALP_COPY_VA + Offset), Chunk);
        To += Chunk;
        Physical += Chunk;
        Bytes -= Chunk;
    }
    KipUnmap(HALP_COPY_VA);
    return TRUE;
}

static MMPTE HalpScreenPde(ULONG64 Physical)
{
    MMPTE Pde = {0};

    Pde.Large.Valid = 1;
    Pde.Large.Write = 1;
    Pde.Large.LargePage = 1;
    Pde.Large.Global = KipGlobalPages;
    Pde.Large.WriteThrough = 1; /* with a PAT: write-combining */
    Pde.Large.FrameLow = (ULONG)Physical >> PDI_SHIFT;
    Pde.Large.FrameHigh = (ULONG)(Physical >> 32);
    return Pde;
}

/* Map at Va, through Table, the pages of the screen that lie in the 4 MB from Chunk on. */
static void HalpMapScreenPages(const LOADER_FRAMEBUFFER *Screen, ULONG64 Chunk, ULONG Va,
                               MMPTE *Table)
{
    ULONG64 End = Screen->Physical + Screen->Bytes;
    ULONG Page;

    for (Page = 0; Page < PTE_PER_PAGE; Page++) {
        ULONG64 Physical = Chunk + Page * PAGE_SIZE;

        if (Physical + PAGE_SIZE > Screen->Physical && Physical < End) {
            Table[Page] = KipMakePte((ULONG)(Physical >> PAGE_SHIFT), TRUE);
            Table[Page].Hard.WriteThrough = 1; /* with a PAT: write-combining */
        }
    }
    MiWritePte(MiGetPdeAddress(Va), KipMakeTablePde(Table));
}

/*
 * What lies beside the screen must not be seen through its mapping: the processor may read ahead
 * there, with another caching.  So 4 MB that the screen fills only in part are mapped by pages.
 * Above 4 GB pages do not reach; a screen there lies in device memory, which is never so small.
 */
static BOOLEAN HalpMapScreen(const LOADER_FRAMEBUFFER *Screen, ULONG64 First, ULONG64 End, ULONG Va)
{
    BOOLEAN Large = (ArchCpuid(1, 0).Edx & CPUID_1_EDX_PSE) != 0;
    ULONG Tables = 0;
    ULONG64 Chunk;

    for (Chunk = First; Chunk < End; Chunk += MM_LARGE_PAGE, Va += MM_LARGE_PAGE) {
        BOOLEAN Whole =
            Chunk >= Screen->Physical && Chunk + MM_LARGE_PAGE <= Screen->Physical + Screen->Bytes;

        if (Large && (Whole || Chunk >= (1ull << 32))) {
            MiWritePte(MiGetPdeAddress(Va), HalpScreenPde(Chunk));
        } else if (Tables < HALP_SCREEN_TABLES) {
            HalpMapScreenPages(Screen, Chunk, Va, HalpScreenTables[Tables++]);
        } else {
            return FALSE;
        }
    }
    return TRUE;
}

volatile void *HalMapFramebuffer(const LOADER_FRAMEBUFFER *Screen, const char **Reason)
{
    ULONG64 First = ROUND_DOWN(Screen->Physical, (ULONG64)MM_LARGE_PAGE);
    ULONG64 End = ROUND_UP(Screen->Physical + Screen->Bytes, (ULONG64)MM_LARGE_PAGE);
    ULONG Va = HALP_SCREEN_END - (ULONG)(End - First);
    ULONG Features = ArchCpuid(1, 0).Edx;

    *Reason = NULL;
    if (Screen->Physical == 0) {
        *Reason = "the firmware offers no framebuffer";
    } else if (End > (1ull << 32) && !(Features & CPUID_1_EDX_PSE36)) {
        *Reason = "the framebuffer lies above 4 GB and the processor has no PSE-36";
    } else if (End > (1ull << 40)) {
        *Reason = "the framebuffer lies above 1 TB, out of reach without PAE";
    } else if (End - First > HALP_SCREEN_LIMIT) {
        *Reason = "the framebuffer is larger than 128 MB";
    } else if (!HalpMapScreen(Screen, First, End, Va)) {
        *Reason = "the processor has no 4 MB pages to map so large a framebuffer with";
    }
    if (*Reason != NULL) {
        return NULL;
    }
    HalpScreenBytes = (ULONG)(End - First);
    return (volatile void *)(Va + (ULONG)(Screen->Physical - First));
}

ULONG HalReservedBytes(void)
{
    BOOLEAN Large = (ArchCpuid(1, 0).Edx & CPUID_1_EDX_PSE36) != 0;

    return HalpScreenBytes + (Large ? HALP_HIGH_WINDOWS * MM_LARGE_PAGE : 0);
}

/* Below the framebuffer, downwards. */
static ULONG HalpHighWindowVa(ULONG Window)
{
    return HALP_SCREEN_END - HalpScreenBytes - (Window + 1) * MM_LARGE_PAGE;
}

static MMPTE HalpHighPde(ULONG64 Chunk)
{
    MMPTE Pde = HalpScreenPde(Chunk);

    Pde.Large.CacheDisable = 1; /* with WriteThrough: PAT entry 3, uncacheable */
    return Pde;
}

PVOID HalMapHighPhysical(ULONG64 Physical, ULONG Bytes)
{
    ULONG64 Chunk = ROUND_DOWN(Physical, (ULONG64)MM_LARGE_PAGE);
    MMPTE Pde = HalpHighPde(Chunk);
    ULONG Window;

    if (!(ArchCpuid(1, 0).Edx & CPUID_1_EDX_PSE36) || Chunk >= HALP_HIGH_LIMIT ||
        Physical + Bytes > Chunk + MM_LARGE_PAGE) {
        return NULL;
    }
    for (Window = 0; Window < HALP_HIGH_WINDOWS; Window++) {
        PMMPTE Entry = MiGetPdeAddress(HalpHighWindowVa(Window));

        if (!MiReadPte(Entry).Hard.Valid) {
            MiWritePte(Entry, Pde);
            HalpHighWindows++;
        }
        if (MiReadPte(Entry).Large.FrameLow == Pde.Large.FrameLow &&
            MiReadPte(Entry).Large.FrameHigh == Pde.Large.FrameHigh) {
            return (PVOID)(HalpHighWindowVa(Window) + (ULONG)(Physical - Chunk));
        }
    }
    return NULL;
}

BOOLEAN HalIsHighMapping(const volatile void *Va)
{
    ULONG End = HALP_SCREEN_END - HalpScreenBytes;

    return (ULONG)Va < End && (ULONG)Va >= End - HalpHighWindows * MM_LARGE_PAGE;
}

void HalUnmapFramebuffer(void)
{
    MMPTE Zero = {0};
    ULONG Va;

    for (Va = HALP_SCREEN_END - HalpScreenBytes; Va != HALP_SCREEN_END; Va += MM_LARGE_PAGE) {
        MiWritePte(MiGetPdeAddress(Va), Zero);
    }
    KeFlushEntireTb();
}

void KiMapProbePage(BOOLEAN Map)
{
    PMMPTE Pde = MiGetPdeAddress(KI_PROBE_VA);
    MMPTE Pte = {0};

    if (Map) {
        MI_ASSERT(MiReadPte(Pde).Long == 0); /* the address space is empty there */
        Pte = KipMakePte(KipFrameOf(KipProbePage), TRUE);
        Pte.Hard.Global = 0;
        Pte.Hard.Owner = 1;
        KipProbeTable[(KI_PROBE_VA >> PTI_SHIFT) % PTE_PER_PAGE] = Pte;
        Pte.Hard.PageFrameNumber = KipFrameOf(KipProbeTable);
    }
    MiWritePte(Pde, Pte);
    KeFlushEntireTb();
}

PFN_NUMBER KiMakeProbeDirectory(void)
{
    ULONG Index;

    for (Index = 0; Index < PTE_PER_PAGE; Index++) {
        KipProbeDirectory[Index] = MiReadPte((PMMPTE)PDE_BASE + Index);
    }
    KipProbeDirectory[PTE_BASE >> PDI_SHIFT] = KipMakeTablePde(KipProbeDirectory);
    return KipFrameOf(KipProbeDirectory);
}
