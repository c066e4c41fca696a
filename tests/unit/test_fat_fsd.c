/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd.c - FAT as a file system driver: mounting, files and directories through requests.
 */
#include "disk/fat/fsd_i.h"
#include "tests/unit/io_world.h"

#include <string.h>

TEST(FatFsd_files_keep_their_contents_over_a_mount)
{
    static const SEED_FAT *const Kinds[] = {&IoWorldFat12, &IoWorldFat16, &IoWorldLarge};
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Kinds); Index++) {
        PFILE_OBJECT Folder;

        IoWorldStart(Kinds[Index], Index == 0 ? 0 : TestSeed() + Index);
        IoWorldPut("\\SHORT.TXT", 5000, 1);
        CHECK_EQUAL(STATUS_SUCCESS,
                    IoWorldOpen("/A long folder", FILE_CREATE, FILE_DIRECTORY_FILE, &Folder));
        IoCloseFile(Folder);
        IoWorldPut("/A long folder/a long file name.data", 12345, 2);
        IoWorldPut("/A long folder/empty", 0, 0);
        IoWorldRemount();
        CHECK(IoWorldHolds("\\short.txt", 5000, 1));
        CHECK(IoWorldHolds("/ALONGF~1/A LONG FILE NAME.DATA", 12345, 2));
        CHECK(IoWorldHolds("/A long folder/empty", 0, 0));
        CHECK(!IoWorldHolds("/A long folder/absent", 0, 0));
        IoWorldFinish();
    }
}
