/* SPDX-License-Identifier: MIT */
/*
 * verify_command.c - !verify: MiVerifyAll, a line for each part.
 *
 * The line stands before its part runs: what stopped the machine is then the last one on screen.
 */
#include "mm/inspect/commands.h"
#include "mm/inspect/verify_parts.h"

void MiCommandVerify(const char *Arguments)
{
    const MI_VERIFY_PART *Part;

    (void)Arguments;
    for (Part = MiVerifyParts; Part->Name != NULL; Part++) {
        BOOLEAN Exists = Part->Exists();

        MiPrint("  %-48s", Part->Name);
        if (Exists) {
            Part->Verify();
        }
        MiPrint("%s\n", Exists ? "sound" : "not started");
    }
}
