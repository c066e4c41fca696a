# SPDX-License-Identifier: MIT
"""What a guest's screen shows: as a picture, and read back as text with the font that drew it.

The reading is independent of the kernel: the font file is taken apart here, the picture comes from
QEMU's screendump.  So "the screen shows the same text as the serial log" is checked, not assumed.
"""

import os
import re
import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Dict, List

import hyperspace_qemu as hq

COLUMNS = 200  # text_screen.h: pixels are enlarged until a line has no more columns
UNKNOWN = "\ufffd"


@dataclass
class Picture:
    """Three bytes a pixel, line after line."""

    width: int
    height: int
    pixels: bytes


@dataclass
class Font:
    width: int
    height: int
    characters: Dict[bytes, str]  # a glyph's rows, and what it means


def dump(guest: hq.Guest) -> Picture:
    path = os.path.join(guest.folder, "screen.ppm")
    guest.monitor.call("screendump", filename=path)
    with open(path, "rb") as file:
        data = file.read()
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    return Picture(int(header.group(1)), int(header.group(2)), data[header.end():])


def save_png(picture: Picture, path: str) -> None:
    stride = picture.width * 3
    lines = b"".join(b"\0" + picture.pixels[y * stride:(y + 1) * stride]
                     for y in range(picture.height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(
            ">I", zlib.crc32(kind + body))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", picture.width, picture.height,
                                              8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(lines, 9)))
        file.write(chunk(b"IEND", b""))


def read_font(path: str) -> Font:
    """A PSF 1 font of glyphs 8 pixels wide, with its table of characters."""
    with open(path, "rb") as file:
        data = file.read()
    magic, mode, height = struct.unpack_from("<HBB", data)
    if magic != 0x0436 or not mode & 6:
        raise ValueError("%s is no PSF 1 font with a table" % path)
    count = 512 if mode & 1 else 256
    table = 4 + count * height
    codes = struct.unpack_from("<%dH" % ((len(data) - table) // 2), data, table)
    characters: Dict[bytes, str] = {}
    glyph, sequence = 0, False
    for code in codes:
        if code == 0xFFFF:
            glyph, sequence = glyph + 1, False
        elif code == 0xFFFE:
            sequence = True
        elif 0x20 <= code < 0x7F and not sequence:
            characters.setdefault(data[4 + glyph * height:4 + (glyph + 1) * height], chr(code))
    characters[bytes(height)] = " "
    return Font(8, height, characters)


def scale(picture: Picture, font: Font) -> int:
    return max(1, -(-picture.width // (font.width * COLUMNS)))


def columns(picture: Picture, font: Font) -> int:
    return picture.width // (font.width * scale(picture, font))


def background(picture: Picture) -> bytes:
    pixels = picture.pixels
    return Counter(pixels[i:i + 3] for i in range(0, len(pixels), 3 * 37)).most_common(1)[0][0]


def read_lines(picture: Picture, font: Font) -> List[str]:
    """The screen's lines without the blanks at their ends.  The cursor, an underline below a
    character, is not text."""
    size, empty = scale(picture, font), background(picture)
    across, stride = columns(picture, font), picture.width * 3
    lines = []
    for top in range(0, picture.height - font.height * size + 1, font.height * size):
        cells = [bytearray() for _ in range(across)]
        for y in range(top, top + font.height * size, size):
            row = picture.pixels[y * stride:(y + 1) * stride]
            bits = "".join("01"[row[x:x + 3] != empty]
                           for x in range(0, across * font.width * size * 3, 3 * size))
            for column, cell in enumerate(cells):
                cell.append(int(bits[column * 8:column * 8 + 8], 2))
        lines.append("".join(read_cell(bytes(cell), font) for cell in cells).rstrip())
    return lines


def read_cell(cell: bytes, font: Font) -> str:
    if cell in font.characters:
        return font.characters[cell]
    rows = len(cell)
    while rows and cell[rows - 1] == 0xFF:
        rows -= 1
    return font.characters.get(cell[:rows] + bytes(len(cell) - rows), UNKNOWN)


def lay_out(text: str, width: int) -> List[str]:
    """The lines that a terminal of that width shows for a text."""
    lines: List[List[str]] = [[]]
    column = 0
    for character in text:
        if character == "\n":
            lines.append([])
            column = 0
        elif character == "\b":
            column = max(0, column - 1)
        elif character == "\r":
            column = 0
        else:
            if column == width:
                lines.append([])
                column = 0
            line = lines[-1]
            line.extend(" " * (column + 1 - len(line)))
            line[column] = character
            column += 1
    return ["".join(line).rstrip() for line in lines]


def difference(shown: List[str], text: str, width: int) -> str:
    """The first line in which the screen is not the end of the text; empty when there is none."""
    wanted = lay_out(text, width)
    wanted = wanted[-len(shown):]
    wanted += [""] * (len(shown) - len(wanted))
    for number, (found, line) in enumerate(zip(shown, wanted)):
        if found != line:
            return "line %d of the screen:\n  serial: %s\n  screen: %s" % (number, line, found)
    return ""
