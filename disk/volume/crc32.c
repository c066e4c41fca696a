/* SPDX-License-Identifier: MIT */
/*
 * crc32.c - the checksum of GPT headers: polynomial 04C11DB7, reflected, inverted at both ends.
 */
#include "disk/volume/partition.h"

/* Four steps of the division by EDB88320 (04C11DB7 reversed), for each value of four bits. */
static const ULONG DiskpNibble[16] = {
    0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
};

ULONG DiskCrc32(ULONG Crc, const void *Data, SIZE_T Bytes)
{
    const UCHAR *At = Data;

    Crc = ~Crc;
    for (; Bytes != 0; Bytes--, At++) {
        Crc ^= *At;
        Crc = Crc >> 4 ^ DiskpNibble[Crc & 15];
        Crc = Crc >> 4 ^ DiskpNibble[Crc & 15];
    }
    return ~Crc;
}
