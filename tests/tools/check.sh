#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh - what can be told about the sources without running them; TAP on stdout.
#
#     check.sh [BUILD]
set -u
build=${1:-build}
tools=$(dirname "$0")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
number=0
failed=0

# check NAME COMMAND...: one TAP line; what the command said follows a failure
check() {
    name=$1
    shift
    number=$((number + 1))
    if "$@" >"$log" 2>&1; then
        echo "ok $number - $name"
    else
        failed=$((failed + 1))
        echo "not ok $number - $name"
        head -n 100 "$log" | sed 's/^/#   /'
    fi
}

# find_sources FOLDER...: the C files in those that exist
find_sources() {
    for folder in "$@"; do
        [ ! -d "$folder" ] || find "$folder" -name '*.c' | sort
    done
}

format() {
    find_all=$(find arch disk efi include mm tests -name '*.[ch]' 2>/dev/null)
    # shellcheck disable=SC2086 # the files are words
    [ -z "$find_all" ] || clang-format --dry-run -Werror $find_all >/dev/null 2>&1 &&
        return 0
    clang-format --dry-run $find_all 2>&1 | sed -n 's/:.*clang-format-viol.*//p' | sort | uniq -c
    echo "make format lays them out"
    return 1
}

# The locks' contracts; -fsyntax-only still runs the analysis.
thread_safety() {
    for file in $(find_sources mm disk); do
        clang -m32 -march=i686 -std=gnu11 -ffreestanding -fsyntax-only -Iinclude -I. \
            -Wthread-safety -Werror "$file" || return 1
    done
}

# Each header alone: it includes what it uses.
headers() {
    for file in $(find include mm disk -name '*.h' 2>/dev/null); do
        gcc -m32 -march=i686 -std=gnu11 -ffreestanding -fsyntax-only -Wall -Wextra -Werror \
            -Iinclude -I. -include "$file" -x c /dev/null || return 1
    done
}

# analyse CACHE FOLDER...: what was found in files that have not changed is kept
analyse() {
    cache=$build/cppcheck/$1
    shift
    mkdir -p "$cache"
    cppcheck --quiet --cppcheck-build-dir="$cache" --enable=warning,performance,portability \
        --inline-suppr --error-exitcode=1 --platform=unix32 --std=c11 \
        --suppress=missingInclude --suppress=unmatchedSuppression -Iinclude -I. "$@"
}

# The kernel's files as they are built, with all assertions; the loader's for both firmwares.
static_analysis() {
    kernel=
    for folder in mm disk arch; do
        [ -z "$(find_sources $folder)" ] || kernel="$kernel $folder"
    done
    # shellcheck disable=SC2086 # the folders are words
    [ -z "$kernel" ] || analyse kernel -D__i386__=1 -DMI_DEBUG=1 $kernel || return 1
    [ -z "$(find_sources efi)" ] || analyse efi efi
}

python_sources() {
    # shellcheck disable=SC2046 # the files are words
    pyflakes3 $(find tests disk -name '*.py' | sort)
}

# scripts COMMAND...: run a script that prints TAP itself, and take its lines over
scripts() {
    "$@" >"$log" 2>&1 || {
        failed=$((failed + 1))
        grep -q '^not ok' "$log" || echo "not ok - $1 died"
    }
    sed 's/^\(ok\|not ok\) [0-9]* - /\1 - /' "$log"
}

check "layering: the tree keeps to the picture" "$tools/layering.py"
check "layering: each planted violation is found" "$tools/layering.py" --self-test
check "format: clang-format has nothing to say" format
check "headers: each can be included alone" headers
check "locks: clang -Wthread-safety proves the contracts" thread_safety
check "cppcheck: clean" static_analysis
check "pyflakes: clean" python_sources
check "style: each planted violation is found" "$tools/style.py" --self-test
scripts "$tools/style.py"
scripts "$tools/binaries.py" "$build"
[ "$failed" = 0 ]
