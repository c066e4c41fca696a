// SPDX-License-Identifier: MIT
//
// fatfs.mjs - ChaN's FatFs over image files, the same commands and answers as fat_tool's.
//
//     node fatfs.mjs FOLDER < commands     FOLDER holds node_modules; arguments are separated by tabs
//
//     tree IMAGE                      every file: its path, size and a checksum; every directory
//     fill IMAGE SEED                 make files and directories, delete and rename some
//
// "status 00000000" follows, or FatFs' FRESULT; tree says "mount RESULT" when there is no volume.
import * as fs from "node:fs";
import * as path from "node:path";
import * as readline from "node:readline";
import { pathToFileURL } from "node:url";
import * as zlib from "node:zlib";

const home = process.argv[2];
const FatFs = await import(pathToFileURL(path.join(home, "node_modules/js-fatfs/dist/fatfs.js")));

const table = new Int32Array(256).map((_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
    return n;
});
const crc32 = zlib.crc32 ?? ((data) => {
    let crc = -1;
    for (const byte of data) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255];
    return (crc ^ -1) >>> 0;
});

class Image {
    initialize() { return 0; }
    status() { return 0; }
    open(name) {
        const start = Buffer.alloc(512);
        this.file = fs.openSync(name, "r+");
        this.bytes = fs.fstatSync(this.file).size;
        fs.readSync(this.file, start, 0, 512, 0);
        this.sectorBytes = start.readUInt16LE(11) || 512;
    }
    close() { fs.closeSync(this.file); }
    read(ff, drive, buffer, sector, count) {
        const bytes = count * this.sectorBytes;
        const at = sector * this.sectorBytes;
        if (at + bytes > this.bytes) return FatFs.RES_PARERR;
        fs.readSync(this.file, ff.HEAPU8, buffer, bytes, at);
        return FatFs.RES_OK;
    }
    write(ff, drive, buffer, sector, count) {
        const bytes = count * this.sectorBytes;
        const at = sector * this.sectorBytes;
        if (at + bytes > this.bytes) return FatFs.RES_PARERR;
        fs.writeSync(this.file, ff.HEAPU8, buffer, bytes, at);
        return FatFs.RES_OK;
    }
    ioctl(ff, drive, command, buffer) {
        if (command === FatFs.GET_SECTOR_COUNT) {
            ff.setValue(buffer, this.bytes / this.sectorBytes, "i32");
        } else if (command === FatFs.GET_SECTOR_SIZE) {
            ff.setValue(buffer, this.sectorBytes, "i16");
        } else if (command === FatFs.GET_BLOCK_SIZE) {
            ff.setValue(buffer, 1, "i32");
        }
        return FatFs.RES_OK;
    }
}

class Result extends Error {
    constructor(code) {
        super();
        this.code = code;
    }
}

function check(code) {
    if (code !== FatFs.FR_OK) throw new Result(code);
}

const image = new Image();
const ff = await FatFs.create({ diskio: image, codepage: 437 });
const volume = ff.malloc(FatFs.sizeof_FATFS);
const MOST = 1 << 20;
const buffer = ff.malloc(MOST);
const count = ff.malloc(4);

// ---- reading ----

function readFile(name) {
    const file = ff.malloc(FatFs.sizeof_FIL);
    const parts = [];
    try {
        check(ff.f_open(file, name, FatFs.FA_READ));
        for (;;) {
            check(ff.f_read(file, buffer, MOST, count));
            const got = ff.getValue(count, "i32");
            if (got === 0) break;
            parts.push(Buffer.from(ff.HEAPU8.subarray(buffer, buffer + got)));
        }
        check(ff.f_close(file));
    } finally {
        ff.free(file);
    }
    return Buffer.concat(parts);
}

function list(folder) {
    const directory = ff.malloc(FatFs.sizeof_DIR);
    const facts = ff.malloc(FatFs.sizeof_FILINFO);
    const found = [];
    try {
        check(ff.f_opendir(directory, folder === "" ? "/" : folder));
        for (;;) {
            check(ff.f_readdir(directory, facts));
            const name = ff.FILINFO_fname(facts);
            if (name === "") break;
            found.push([name, ff.FILINFO_fsize(facts),
                        (ff.FILINFO_fattrib(facts) & FatFs.AM_DIR) !== 0]);
            if (found.length > 70000) throw new Result(FatFs.FR_INT_ERR);
        }
        check(ff.f_closedir(directory));
    } finally {
        ff.free(facts);
        ff.free(directory);
    }
    return found;
}

function tree(folder, depth, lines) {
    for (const [name, size, isDirectory] of list(folder)) {
        const full = folder + "/" + name;
        if (isDirectory) {
            lines.push(`dir\t${full}`);
            if (depth < 40) tree(full, depth + 1, lines);
        } else {
            const data = readFile(full);
            if (data.length !== size) throw new Result(FatFs.FR_INT_ERR);
            const sum = crc32(data).toString(16).padStart(8, "0");
            lines.push(`file\t${full}\t${size}\t${sum}\t00000000`);
        }
        if (lines.length > 100000) throw new Result(FatFs.FR_INT_ERR);
    }
}

// ---- writing ----

let state = 1;
function random(below) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(((state >>> 8) * below) / 0x1000000);
}

function writeFile(name, bytes, how) {
    const file = ff.malloc(FatFs.sizeof_FIL);
    try {
        check(ff.f_open(file, name, FatFs.FA_WRITE | how));
        for (let i = 0; i < bytes; i++) ff.HEAPU8[buffer + i] = random(256);
        check(ff.f_write(file, buffer, bytes, count));
        check(ff.f_close(file));
    } finally {
        ff.free(file);
    }
}

const FORMS = [(n) => `FILE${n}.TXT`, (n) => `a longer name, number ${n}.data`,
               (n) => `Mixed${n}.Txt`, (n) => `äöü ∞ ж number ${n}`, (n) => `${n}.lower`,
               (n) => `${"the same beginning and so on ".repeat(6)}${n}.txt`];

function fill(seed) {
    const made = [];
    const folders = [""];
    state = seed >>> 0;
    for (let n = 0; n < 120; n++) {
        const at = folders[random(folders.length)];
        const name = `${at}/${FORMS[random(FORMS.length)](n)}`;
        const what = random(10);
        if (what === 0 && at.split("/").length < 6) {
            check(ff.f_mkdir(name));
            folders.push(name);
        } else if (what < 6 || made.length === 0) {
            writeFile(name, random(random(3) === 0 ? 40000 : 3000), FatFs.FA_CREATE_NEW);
            made.push(name);
        } else if (what === 6) {
            writeFile(made[random(made.length)], random(5000), FatFs.FA_OPEN_APPEND);
        } else if (what === 7) {
            check(ff.f_unlink(made.splice(random(made.length), 1)[0]));
        } else {
            const old = random(made.length);
            check(ff.f_rename(made[old], name));
            made[old] = name;
        }
    }
}

// ---- commands ----

function act(words) {
    const lines = [];
    image.open(words[1]);
    try {
        const mounted = ff.f_mount(volume, "", 1);
        if (mounted !== FatFs.FR_OK) {
            console.log(`mount ${mounted}`);
            throw new Result(mounted);
        }
        if (words[0] === "tree") {
            tree("", 0, lines);
            console.log(["mount 0", ...lines].join("\n"));
        } else {
            fill(Number(words[2]));
        }
    } finally {
        ff.f_unmount("");
        image.close();
    }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
    let code = 0;
    try {
        act(line.split("\t"));
    } catch (problem) {
        if (!(problem instanceof Result)) throw problem;
        code = problem.code;
    }
    console.log(`status ${code.toString(16).padStart(8, "0")}`);
}
