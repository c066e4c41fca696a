/* SPDX-License-Identifier: MIT */
/*
 * machine.c - what the loader learns of the machine: processor, screen, ACPI, entropy, time.
 */
#include "efi/firmware.h"

#include "arch/cpuid.h"
#include "efi/firmware_time.h"

static EFI_GUID BlpGopGuid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
static EFI_GUID BlpAcpi20Guid = ACPI_20_TABLE_GUID;
static EFI_GUID BlpAcpi10Guid = ACPI_TABLE_GUID;
static EFI_GUID BlpGlobalVariableGuid = EFI_GLOBAL_VARIABLE;

/* EFI_RNG_PROTOCOL (UEFI 2.4 and later); gnu-efi's stable headers do not all have it. */
typedef struct _BLP_RNG {
    EFI_STATUS(EFIAPI *GetInfo)(struct _BLP_RNG *This, UINTN *Bytes, EFI_GUID *List);
    EFI_STATUS(EFIAPI *GetRng)(struct _BLP_RNG *This, EFI_GUID *Kind, UINTN Bytes, UINT8 *Value);
} BLP_RNG;
static EFI_GUID BlpRngGuid = {
    0x3152bca5, 0xeade, 0x433d, {0x86, 0x2e, 0xc0, 0x1c, 0xdc, 0x29, 0x1f, 0x44}};

ULONG64 BlReadTsc(void)
{
    ULONG Low;
    ULONG High;

    __asm__ volatile("rdtsc" : "=a"(Low), "=d"(High));
    return (ULONG64)High << 32 | Low;
}

/* The kernel is built for the i686 and its timer is the local APIC's. */
BOOLEAN BlCheckProcessor(void)
{
    static const struct {
        ULONG Bit;
        const char *Name;
    } Needed[] = {
        {CPUID_1_EDX_TSC, "a time-stamp counter (TSC)"},
        {CPUID_1_EDX_MSR, "model-specific registers (MSR)"},
        {CPUID_1_EDX_CX8, "the CMPXCHG8B instruction (CX8)"},
        {CPUID_1_EDX_APIC, "an enabled local APIC (APIC)"},
        {CPUID_1_EDX_CMOV, "conditional moves (CMOV)"},
    };
    CPUID_REGISTERS Leaf = ArchCpuid(1, 0);
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Needed); i++) {
        if (!(Leaf.Edx & Needed[i].Bit)) {
            return BlFail("this processor lacks %s", Needed[i].Name);
        }
    }
    return TRUE;
}

BOOLEAN BlProcessorHasEfer(void)
{
    return ArchCpuid(0x80000000, 0).Eax >= 0x80000001 &&
           (ArchCpuid(0x80000001, 0).Edx &
            (CPUID_80000001_EDX_LM | CPUID_80000001_EDX_NX | CPUID_80000001_EDX_SYSCALL)) != 0;
}

ULONG BlKernelCr4(void)
{
    return (ArchCpuid(1, 0).Edx & CPUID_1_EDX_PSE) ? CR4_PSE : 0;
}

static PVOID BlpLocate(EFI_GUID *Guid)
{
    PVOID Interface = NULL;

    if (EFI_ERROR(BlContext.Boot->LocateProtocol(Guid, NULL, &Interface))) {
        return NULL;
    }
    return Interface;
}

static void BlpDescribePixels(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *Info,
                              LOADER_FRAMEBUFFER *Screen)
{
    const EFI_PIXEL_BITMASK *Mask = &Info->PixelInformation;
    ULONG All;

    Screen->BytesPerPixel = 4;
    switch (Info->PixelFormat) {
    case PixelRedGreenBlueReserved8BitPerColor:
        Screen->RedMask = 0x0000FF;
        Screen->GreenMask = 0x00FF00;
        Screen->BlueMask = 0xFF0000;
        break;
    case PixelBlueGreenRedReserved8BitPerColor:
        Screen->RedMask = 0xFF0000;
        Screen->GreenMask = 0x00FF00;
        Screen->BlueMask = 0x0000FF;
        break;
    case PixelBitMask:
        Screen->RedMask = Mask->RedMask;
        Screen->GreenMask = Mask->GreenMask;
        Screen->BlueMask = Mask->BlueMask;
        /* The pixel's width is that of all its masks, the reserved one too. */
        All = Mask->RedMask | Mask->GreenMask | Mask->BlueMask | Mask->ReservedMask;
        Screen->BytesPerPixel = All == 0 ? 0 : (32 - (ULONG)__builtin_clz(All) + 7) / 8;
        break;
    default:
        Screen->BytesPerPixel = 0; /* Blt only: there is no memory to draw into */
        break;
    }
}

/* => FALSE: the handle has no screen, or none with memory to draw into. */
static BOOLEAN BlpTryScreen(EFI_HANDLE Handle)
{
    LOADER_FRAMEBUFFER Screen = {0};
    EFI_GRAPHICS_OUTPUT_PROTOCOL *Gop;
    PVOID Interface = NULL;

    if (Handle == NULL ||
        EFI_ERROR(BlContext.Boot->HandleProtocol(Handle, &BlpGopGuid, &Interface))) {
        return FALSE;
    }
    Gop = Interface;
    if (Gop->Mode == NULL || Gop->Mode->Info == NULL || Gop->Mode->FrameBufferBase == 0) {
        return FALSE;
    }
    BlpDescribePixels(Gop->Mode->Info, &Screen);
    if (Screen.BytesPerPixel == 0) {
        return FALSE;
    }
    Screen.Width = Gop->Mode->Info->HorizontalResolution;
    Screen.Height = Gop->Mode->Info->VerticalResolution;
    Screen.Pitch = Gop->Mode->Info->PixelsPerScanLine * Screen.BytesPerPixel;
    Screen.Bytes = (ULONG64)Screen.Pitch * Screen.Height;
    Screen.Physical = Gop->Mode->FrameBufferBase;
    BlContext.Block->Framebuffer = Screen;
    return TRUE;
}

/*
 * The screen that the firmware's console is on.  With several screens that console draws on all of
 * them by Blt and has no framebuffer: then the first screen that has one.
 */
static void BlpDescribeScreen(void)
{
    EFI_HANDLE *Handles = NULL;
    UINTN Count = 0;
    UINTN i;

    if (BlpTryScreen(BlContext.System->ConsoleOutHandle) ||
        EFI_ERROR(
            BlContext.Boot->LocateHandleBuffer(ByProtocol, &BlpGopGuid, NULL, &Count, &Handles))) {
        return;
    }
    for (i = 0; i < Count && !BlpTryScreen(Handles[i]); i++) {
    }
    BlContext.Boot->FreePool(Handles);
}

static void BlpDescribeAcpi(void)
{
    const EFI_CONFIGURATION_TABLE *Table = BlContext.System->ConfigurationTable;
    UINTN i;

    for (i = 0; i < BlContext.System->NumberOfTableEntries; i++) {
        if (memcmp(&Table[i].VendorGuid, &BlpAcpi20Guid, sizeof(EFI_GUID)) == 0) {
            BlContext.Block->RsdpPhysical = (UINTN)Table[i].VendorTable;
            return;
        }
        if (memcmp(&Table[i].VendorGuid, &BlpAcpi10Guid, sizeof(EFI_GUID)) == 0) {
            BlContext.Block->RsdpPhysical = (UINTN)Table[i].VendorTable;
        }
    }
}

static ULONG BlpHardwareRandom(void)
{
    ULONG Value = 0;
    UCHAR Good = 0;

    if (ArchCpuid(1, 0).Ecx & CPUID_1_ECX_RDRAND) {
        __asm__ volatile("rdrand %0; setc %1" : "=r"(Value), "=qm"(Good) : : "cc");
    }
    return Good ? Value : 0;
}

/* The firmware's generator when there is one; always stirred with the processor's and the clock. */
static void BlpCollectEntropy(void)
{
    LOADER_BLOCK *Block = BlContext.Block;
    BLP_RNG *Rng = BlpLocate(&BlpRngGuid);
    ULONG Word;
    ULONG i;

    if (Rng != NULL && !EFI_ERROR(Rng->GetRng(Rng, NULL, sizeof(Block->Entropy), Block->Entropy))) {
        Block->FirmwareFlags |= LOADER_FIRMWARE_RNG;
    }
    for (i = 0; i < sizeof(Block->Entropy); i += sizeof(Word)) {
        memcpy(&Word, Block->Entropy + i, sizeof(Word));
        Word ^= BlpHardwareRandom() ^ (ULONG)BlReadTsc() * 2654435761u;
        memcpy(Block->Entropy + i, &Word, sizeof(Word));
    }
}

static void BlpMeasureTsc(void)
{
    enum {
        Microseconds = 500
    };
    ULONG64 Start = BlReadTsc();

    BlContext.Boot->Stall(Microseconds);
    BlContext.Block->TscHz = (BlReadTsc() - Start) * (1000000 / Microseconds);
}

static void BlpDescribeFirmware(void)
{
    LOADER_BLOCK *Block = BlContext.Block;
    const CHAR16 *Vendor = BlContext.System->FirmwareVendor;
    UINT8 Secure = 0;
    UINTN Bytes = sizeof(Secure);
    ULONG i;

    for (i = 0; i + 1 < LOADER_VENDOR_BYTES && Vendor != NULL && Vendor[i] != 0; i++) {
        Block->FirmwareVendor[i] = Vendor[i] >= ' ' && Vendor[i] < 0x7F ? (char)Vendor[i] : '?';
    }
    Block->FirmwareRevision = BlContext.System->FirmwareRevision;
    Block->UefiRevision = BlContext.System->Hdr.Revision;
    if (sizeof(UINTN) == 8) {
        Block->FirmwareFlags |= LOADER_FIRMWARE_64BIT;
    }
    if (!EFI_ERROR(BlContext.System->RuntimeServices->GetVariable(
            (CHAR16 *)L"SecureBoot", &BlpGlobalVariableGuid, NULL, &Bytes, &Secure)) &&
        Secure == 1) {
        Block->FirmwareFlags |= LOADER_FIRMWARE_SECURE_BOOT;
    }
}

/* A date counts whole seconds on most machines; the kernel adds what has passed since. */
static void BlpReadClock(void)
{
    LOADER_BLOCK *Block = BlContext.Block;
    EFI_TIME Time = {0};
    TIME_FIELDS Fields;

    if (EFI_ERROR(BlContext.System->RuntimeServices->GetTime(&Time, NULL))) {
        return;
    }
    Block->SystemTimeTsc = BlReadTsc();
    Fields = (TIME_FIELDS){.Year = (SHORT)Time.Year,
                           .Month = Time.Month,
                           .Day = Time.Day,
                           .Hour = Time.Hour,
                           .Minute = Time.Minute,
                           .Second = Time.Second,
                           .Milliseconds = (SHORT)(Time.Nanosecond / 1000000)};
    Block->SystemTime = BlSystemTime(&Fields, Time.TimeZone);
}

void BlDescribeMachine(void)
{
    BlpReadClock();
    BlpDescribeFirmware();
    BlpDescribeScreen();
    BlpDescribeAcpi();
    BlpCollectEntropy();
    BlpMeasureTsc();
}
