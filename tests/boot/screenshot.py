#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make screenshot: boot, wait until the console has shown its report, save the screen as PNG.

The report runs without "shutdown", so that the machine is still there to be looked at.
"""

import argparse
import os
import sys
import tempfile
import time

import hyperspace_qemu as hq
import screen


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("image")
    parser.add_argument("--output", default="build/screen.png")
    parser.add_argument("--firmware", default="x64", choices=["x64", "ia32"])
    parser.add_argument("--options", default="/RUN=report")
    parser.add_argument("--until", default=hq.VERDICT.pattern, help="pattern to wait for")
    parser.add_argument("--timeout", default=90, type=int)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="hyperspace-screen-") as folder:
        image = hq.Image(options.image, os.path.join(folder, "disk.img"))
        image.add_options(options.options)
        guest = hq.Guest(hq.Machine(image.path, options.firmware), qmp=True)
        try:
            if not guest.wait_for(options.until, options.timeout):
                result = guest.end(("hang", "the log never showed " + options.until))
                print("screenshot: %s\n%s" % (result.reason, result.tail()))
                return 1
            time.sleep(0.5)  # the screen follows the serial line
            picture = screen.dump(guest)
            screen.save_png(picture, options.output)
        finally:
            guest.close()
    print("screenshot: %s, %d x %d" % (options.output, picture.width, picture.height))
    return 0


if __name__ == "__main__":
    sys.exit(main())
