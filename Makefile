# SPDX-License-Identifier: MIT
#
# Hyperspace: builds into build/, nothing else is touched.  `make help` lists the targets.
B      ?= build
V      ?= 0
CC     ?= gcc
ifeq ($(origin CC),default)
CC     := gcc
endif
HOSTCC ?= $(CC)
Q      := $(if $(filter 1,$(V)),,@)
say     = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)')

FIRMWARE ?= x64
DISK     ?= ahci
MEMORY   ?= 256
CPU      ?=
DISPLAY_ ?= none
OPTIONS  ?=
JOBS     ?= $(shell nproc)

# ---- what the machine lacks is installed before anything else happens ----
GOALS   := $(or $(MAKECMDGOALS),all)
NEEDS   := $(if $(filter-out clean help,$(GOALS)),run) \
           $(if $(filter test test-long soak check format fuzz,$(GOALS)),test) \
           $(if $(filter debug,$(GOALS)),debug) $(if $(filter window,$(DISPLAY_)),window)
ifneq ($(strip $(NEEDS)),)
ifeq ($(findstring n,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),)
IGNORED := $(shell tests/tools/require.sh $(NEEDS) >&2)
ifneq ($(.SHELLSTATUS),0)
$(error the packages named above are needed)
endif
endif
endif

# ---- sources: a folder's files are all its .c and .S; what is pure also runs on the host ----
KERNEL_SRC := $(wildcard mm/*/*.c disk/*/*.c arch/x86/*.c arch/x86/*.S)
EFI_PURE   := $(wildcard efi/memory_map.c efi/elf.c efi/elf_move.c efi/boot_ini.c efi/registry.c \
              efi/registry_data.c efi/registry_values.c efi/text_source.c efi/firmware_time.c)
EFI_SRC    := $(wildcard efi/*.c efi/*.S) $(wildcard mm/rtl/text.c mm/rtl/print.c mm/rtl/time_fields.c \
              arch/x86/string.c)
ARCH_PURE  := psf text_screen screen_pixels keymap serial keyboard console symbols stack_trace
HOST_PURE  := $(wildcard mm/*/*.c disk/*/*.c) $(EFI_PURE) \
              $(wildcard arch/x86/acpi_*.c $(ARCH_PURE:%=arch/x86/%.c))
# what only describes images; the others make sections of them
IMAGE_PURE := $(filter-out %_segment.c %_read.c %_move.c, $(wildcard mm/section/image_*.c))
UNIT_SRC   := $(wildcard tests/unit/*.c tests/prop/*.c tests/inject/*.c tests/host/*.c)
FUZZ_SRC   := $(wildcard tests/fuzz/fuzz_*.c)

# ---- flags ----
WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
          -Wpointer-arith -Wvla -Wno-address-of-packed-member
COMMON := -std=gnu11 -g $(WARN) -Iinclude -I. -I$(B)/include -MMD -MP -ffile-prefix-map=$(CURDIR)=. \
          -fno-strict-aliasing -fwrapv
# the kernel uses no vector registers: stacks need no more than the ABI's old alignment
STACK4 := $(if $(findstring clang,$(CC)),-mstack-alignment=4,-mpreferred-stack-boundary=2)
KCFLAGS := $(COMMON) -m32 -march=i686 -mtune=generic -O2 -ffreestanding -fno-pic -fno-pie \
          -fno-stack-protector -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
          -mgeneral-regs-only -freg-struct-return $(STACK4)
# UBSAN=1: a kernel that stops, as at an invalid opcode, where C gives an operation no meaning.  Left
# out are null and misaligned pointers: probes read page 0, 8-byte values lie on 4-byte stacks.
# Its objects have their own folder, so that none of the other kernel is linked into it.
K := $(B)/kernel$(if $(filter 1,$(UBSAN)),-trapping)
ifeq ($(UBSAN),1)
KCFLAGS += -fsanitize=undefined -fno-sanitize=alignment,null -Wno-maybe-uninitialized \
           $(if $(findstring clang,$(CC)),-fsanitize-trap=undefined -Wno-unknown-warning-option,-fsanitize-undefined-trap-on-error)
endif
ECFLAGS := $(COMMON) -O2 -ffreestanding -fno-stack-protector -fpic -fshort-wchar \
          -fno-asynchronous-unwind-tables -mgeneral-regs-only -isystem /usr/include/efi
ECFLAGS_x64  := $(ECFLAGS) -m64 -mno-red-zone -DGNU_EFI_USE_MS_ABI \
          -isystem /usr/include/efi/x86_64
# i586: the loader itself must run where it is to say that CMOV is missing
ECFLAGS_ia32 := $(ECFLAGS) -m32 -march=i586 -mtune=generic -malign-double \
          -isystem /usr/include/efi/ia32
# what finds faults when host tests run; a build that is not run has no use for it
SANITIZE ?= -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
HCFLAGS := $(COMMON) -m32 $(SANITIZE) -fno-omit-frame-pointer -freg-struct-return -DHYPERSPACE_HOST

.PHONY: all image run debug screenshot bench pool-bench usb unit unit-objects fuzz format check test test-long soak clean help
.DELETE_ON_ERROR:
all: ## the loader for both firmwares and the kernel
all: $(B)/BOOTX64.EFI $(B)/BOOTIA32.EFI $(B)/hyperspace.elf

# ---- what the console says of the build ----
VERSION  := 0.1
BUILD_ID := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
BUILD_TEXT := \#define HYPERSPACE_VERSION "$(VERSION)"\n\#define HYPERSPACE_BUILD "$(BUILD_ID)"\n\#define HYPERSPACE_COMPILER "$(notdir $(CC))$(if $(filter 1,$(UBSAN)), trapping undefined behaviour)"\n
$(B)/include/build_id.h: FORCE
	@mkdir -p $(@D)
	@printf '$(BUILD_TEXT)' | cmp -s - $@ || printf '$(BUILD_TEXT)' > $@
$(K)/arch/x86/describe.c.o: $(B)/include/build_id.h
FORCE:

# ---- kernel ----
KOBJ := $(KERNEL_SRC:%=$(K)/%.o)
$(K)/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(KCFLAGS) -c $< -o $@
$(K)/%.S.o: %.S Makefile
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(KCFLAGS) -D__ASSEMBLER__ -c $< -o $@
$(B)/hyperspace.elf: $(KOBJ) arch/x86/kernel.ld
	$(call say,LD,$@)
	$(Q)$(CC) -m32 -nostdlib -static -no-pie -Wno-unused-command-line-argument \
	    -Wl,-T,arch/x86/kernel.ld -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--fatal-warnings -Wl,--emit-relocs \
	    -o $@ $(KOBJ) -lgcc
	$(Q)objcopy --remove-relocations='.debug_*' $@
$(B)/hyperspace.sym: $(B)/hyperspace.elf
	$(Q)nm -n $< | grep -i ' [tdbr] ' > $@

# ---- loader: one source, two firmwares ----
EOBJ_x64  := $(EFI_SRC:%=$(B)/efi-x64/%.o)
EOBJ_ia32 := $(EFI_SRC:%=$(B)/efi-ia32/%.o)
define efi_rules
$(B)/efi-$(1)/%.c.o: %.c Makefile
	@mkdir -p $$(@D)
	$$(call say,CC $(1),$$<)
	$$(Q)$$(CC) $$(ECFLAGS_$(1)) -c $$< -o $$@
$(B)/efi-$(1)/%.S.o: %.S Makefile
	@mkdir -p $$(@D)
	$$(call say,AS $(1),$$<)
	$$(Q)$$(CC) $$(ECFLAGS_$(1)) -D__ASSEMBLER__ -c $$< -o $$@
endef
$(eval $(call efi_rules,x64))
$(eval $(call efi_rules,ia32))

EFI_SECTIONS := $(addprefix -j ,.text .sdata .data .dynamic .dynsym .rel .rela '.rel.*' '.rela.*' .reloc)
$(B)/BOOTX64.EFI: $(EOBJ_x64)
	$(call say,LD,$@)
	$(Q)ld -nostdlib -znocombreloc --no-warn-rwx-segments -T /usr/lib/elf_x86_64_efi.lds -shared -Bsymbolic \
	    /usr/lib/crt0-efi-x86_64.o $^ -o $(B)/bootx64.so -L/usr/lib -lgnuefi
	$(Q)objcopy $(EFI_SECTIONS) --target efi-app-x86_64 --subsystem=10 $(B)/bootx64.so $@
	$(Q)python3 disk/image/nx_compat.py $@
$(B)/BOOTIA32.EFI: $(EOBJ_ia32)
	$(call say,LD,$@)
	$(Q)ld -m elf_i386 -nostdlib -znocombreloc --no-warn-rwx-segments -T /usr/lib32/elf_ia32_efi.lds -shared \
	    -Bsymbolic /usr/lib32/crt0-efi-ia32.o $^ -o $(B)/bootia32.so -L/usr/lib32 -lgnuefi \
	    $$(gcc -m32 -print-libgcc-file-name)
	$(Q)objcopy $(EFI_SECTIONS) --target efi-app-ia32 --subsystem=10 $(B)/bootia32.so $@
	$(Q)python3 disk/image/nx_compat.py $@

# ---- the boot disk ----
FONT ?= /usr/share/consolefonts/Unifont-APL8x16.psf.gz
$(B)/font.psf: $(FONT)
	@mkdir -p $(@D)
	$(Q)gzip -dc $< > $@
$(B)/hyperspace.img: $(addprefix $(B)/,BOOTX64.EFI BOOTIA32.EFI hyperspace.elf) \
    $(addprefix $(B)/,hyperspace.sym font.psf) \
    $(addprefix disk/image/,make_image.sh boot.ini system.reg monitor.txt)
	$(call say,IMAGE,$@)
	$(Q)FILES=$(B) disk/image/make_image.sh $@
image: ## build/hyperspace.img, the boot disk
image: $(B)/hyperspace.img

RUN = python3 tests/boot/run.py $(B)/hyperspace.img --firmware "$(FIRMWARE)" --disk "$(DISK)" \
      --memory "$(MEMORY)" --cpu "$(CPU)" --options "$(OPTIONS)" --display "$(DISPLAY_)" \
      --log $(B)/run.log
run: ## boot in QEMU: FIRMWARE=x64|ia32 DISK=ahci|virtio|nvme|usb|usbhub MEMORY= OPTIONS= DISPLAY_=window
run: image
	$(Q)$(RUN)
debug: ## the same, waiting for gdb
debug: FIRMWARE := $(if $(filter file,$(origin FIRMWARE)),ia32,$(FIRMWARE))
debug: image
	$(Q)$(RUN) --debug
screenshot: ## boot and save the screen as build/screen.png
screenshot: image
	$(Q)python3 tests/boot/screenshot.py $(B)/hyperspace.img --output $(B)/screen.png \
	    --firmware $(FIRMWARE)
bench: ## guest instructions for each operation, into build/bench.txt
bench: image
	$(Q)python3 tests/boot/bench.py $(B)/hyperspace.img --output $(B)/bench.txt $(BENCH)
# The pools beside malloc: the kernel's own objects over plain memory.
POOL_BENCH_SRC := $(filter-out mm/pool/pool_memory.c mm/pool/pool_quota.c mm/pool/paged_page.c mm/pool/trim_system.c mm/pool/system_image.c,$(wildcard mm/pool/*.c mm/ke/*.c)) mm/sysva/user_half.c mm/rtl/bitmap.c mm/rtl/text.c mm/rtl/print.c mm/rtl/assert.c mm/rtl/console_print.c
$(B)/pool_bench: $(wildcard tests/bench/*.[ch]) $(POOL_BENCH_SRC:%=$(K)/%.o)
	$(call say,LD,$@)
	$(Q)$(CC) $(COMMON) -MF $@.d -m32 -march=i686 -O2 -fno-builtin -fno-pie -no-pie -fno-omit-frame-pointer \
	    -o $@ $(wildcard tests/bench/*.c) $(POOL_BENCH_SRC:%=$(K)/%.o)
pool-bench: ## instructions of the pools and of malloc, counted on this machine
pool-bench: $(B)/pool_bench
	$(Q)$<
usb: ## write the image to a stick: DEVICE=/dev/sdX
usb: image
	$(Q)sh tests/tools/usb.sh $(B)/hyperspace.img "$(DEVICE)"

# ---- host tests: one program, 32 bits, both sanitizers ----
HOBJ := $(HOST_PURE:%=$(B)/host/%.o) $(UNIT_SRC:%=$(B)/host/%.o)
$(B)/host/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC host,$<)
	$(Q)$(HOSTCC) $(HCFLAGS) -c $< -o $@
$(B)/unit: $(HOBJ)
	$(call say,LD,$@)
	$(Q)$(HOSTCC) -m32 $(SANITIZE) -o $@ $^
unit-objects: $(HOBJ) # compiled, not linked: what another compiler has to say
unit: ## the host tests, or those with TEST= in their names
unit: $(B)/unit
	$(Q)$(B)/unit $(TEST)

# ---- disk/fat over image files, for comparison with mtools and fsck.fat ----
FAT_PURE     := $(filter-out disk/fat/replace_volume.c disk/fat/judge_volume.c disk/fat/fsd%,$(wildcard disk/fat/*.c))
FAT_TOOL_SRC := $(wildcard tests/disk/*.c) $(FAT_PURE) \
                $(addprefix disk/volume/,crc32.c partition_device.c write_list.c) \
                $(addprefix mm/rtl/,bitmap.c time_fields.c unicode.c assert.c print.c console_print.c text.c)
$(B)/fat_tool: $(FAT_TOOL_SRC) $(wildcard tests/disk/*.h disk/fat/*.h)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(HOSTCC) $(COMMON) -MF $@.d -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -DHYPERSPACE_HOST \
	    -o $@ $(FAT_TOOL_SRC)

# ---- image sections over PE files, for comparison with another reader and objdump ----
IMAGE_TOOL_SRC := $(wildcard tests/image/*.c) $(IMAGE_PURE) mm/space/protection.c \
                  $(addprefix mm/rtl/,assert.c print.c console_print.c text.c)
$(B)/image_tool: $(IMAGE_TOOL_SRC) $(wildcard mm/section/image_*.h)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(HOSTCC) $(COMMON) -MF $@.d -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -DHYPERSPACE_HOST \
	    -o $@ $(IMAGE_TOOL_SRC)

# FatFs, another implementation: what package-lock.json names, checked against its hash
FATFS := $(B)/fatfs/node_modules/.package-lock.json
$(FATFS): tests/disk/package.json tests/disk/package-lock.json
	@mkdir -p $(B)/fatfs
	$(call say,NPM,js-fatfs)
	$(Q)cp $^ $(B)/fatfs && cd $(B)/fatfs && npm ci --silent --ignore-scripts --no-audit --no-fund && touch $(CURDIR)/$@

# ---- fuzzing: 64 bits, since libFuzzer has no 32; only what does not depend on pointers' size ----
FUZZ_PURE := $(EFI_PURE) $(wildcard mm/rtl/*.c arch/x86/acpi_*.c arch/x86/psf.c tests/unit/seed_*.c \
              $(addprefix disk/volume/,crc32.c gpt.c mbr.c partition.c partition_device.c write_list.c) \
              tests/disk/plain_disk.c) $(FAT_PURE) \
              $(IMAGE_PURE) $(wildcard mm/space/protection.c tests/unit/image_oracle.c)
FUZZ_RUNS ?= 100000
FUZZFLAGS := $(COMMON) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
             -DHYPERSPACE_HOST
# The volumes are damaged by a list of changes, which no operand of a comparison helps to find: libFuzzer
# need not watch those, which takes more than half of the time and finds nothing more.
FUZZ_EDGES_ONLY := -fno-sanitize-coverage=trace-cmp
$(B)/fuzz/disk/fat/%: FUZZFLAGS += $(FUZZ_EDGES_ONLY)
$(B)/fuzz/tests/fuzz/fuzz_fat%: FUZZFLAGS += $(FUZZ_EDGES_ONLY)
$(B)/fuzz/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC fuzz,$<)
	$(Q)clang -fsanitize=fuzzer-no-link $(FUZZFLAGS) -c $< -o $@
$(B)/fuzz/pure.a: $(FUZZ_PURE:%=$(B)/fuzz/%.o)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/fuzz/fuzz_%: $(B)/fuzz/tests/fuzz/fuzz_%.c.o $(B)/fuzz/pure.a
	$(Q)clang -fsanitize=fuzzer,address,undefined -o $@ $^
FUZZ := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
fuzz: ## each fuzz target for FUZZ_RUNS inputs
fuzz: $(FUZZ)
	$(Q)tests/tools/fuzz.py --runs $(FUZZ_RUNS) --figures $(B)/figures.json $(FUZZ)

# ---- everything ----
format: ## lay out all C files in the house style
	$(Q)clang-format -i $$(find arch disk efi include mm tests -name '*.[ch]')
check: ## what can be told without running: layering, style, locks, cppcheck, binaries
check: all
	$(Q)tests/tools/check.sh $(B)
BENCH_quick := --quick
# NAME&=: has one processor and runs beside its neighbours, so the longest come first, and last
# comes the suite with the most tests: those of tests/boot take a second processor while it is free
# R13 once more: those tests that have a memory manager, which trims at each raise of IRQL.
IRQL_EFFORT_quick := 1/4
IRQL_EFFORT_long := 10
PAGED_TESTS = $(shell grep -lE '_world\.h"|paging_model\.h"' $(wildcard tests/unit/test_*.c tests/prop/*.c tests/inject/*.c))
SUITES = "gcc=$(MAKE) -s -j$(JOBS) image $(B)/unit $(B)/fat_tool $(B)/image_tool $(B)/pool_bench $(FATFS) $(FUZZ)" \
         "clang=$(MAKE) -s -j$(JOBS) CC=clang UBSAN=1 SANITIZE=-O0 B=$(B)/clang image unit-objects" \
         "unit&=$(B)/unit" "irql&=HYPERSPACE_FORCE_IRQL=1 HYPERSPACE_EFFORT=$(IRQL_EFFORT_$(EXTENT)) $(B)/unit $(PAGED_TESTS)" \
         "fuzz&=$(MAKE) -s fuzz" "check&=tests/tools/check.sh $(B)" \
         "bench&=$(MAKE) -s bench BENCH=$(BENCH_$(EXTENT))" \
         "fat&=tests/disk/fat.py $(EXTENT) --build $(B)" "image&=tests/image/image.py --build $(B)" \
         "runner&=tests/boot/test_runner.py $(B)" "usb&=tests/tools/test_usb.sh" \
         "files&=tests/boot/files.py $(EXTENT) --build $(B)" \
         "paging&=tests/boot/paging.py $(EXTENT) --build $(B)" \
         "commands&=tests/boot/commands.py $(EXTENT) --build $(B)" \
         "storage&=tests/boot/storage.py $(EXTENT) --build $(B)" \
         "plug&=tests/boot/usb.py $(EXTENT) --build $(B)" \
         "console&=tests/boot/console.py $(EXTENT) --build $(B)" \
         "monitor&=tests/boot/monitor.py $(EXTENT) --build $(B)" \
         "boot&=tests/boot/matrix.py $(EXTENT) --build $(B) --figures $(B)/figures.json"
TEST_ALL = $(Q)tests/tools/tap.py --log $(B)/test.log --figures $(B)/figures.json $(SUITES)
test: EXTENT := quick
test: ## build with gcc and clang, then every test; a tenth of the long run
	$(TEST_ALL)
test-long: EXTENT := long
test-long: export FUZZ_RUNS := 1000000
test-long: export HYPERSPACE_EFFORT := 10
test-long: ## every figure whole
	$(TEST_ALL)

SOAK ?= 60
soak: ## work under memory pressure for SOAK= minutes in QEMU, then on the host as long
soak: image $(B)/unit
	$(Q)tests/boot/paging.py soak $(SOAK) --build $(B)
	$(Q)HYPERSPACE_EFFORT=$$(($(SOAK) * 2)) HYPERSPACE_SEED=$$(date +%s) $(B)/unit Prop_paging

help: ## this list
	@sed -n 's/^\([a-z-]*\): ## /\1 /p' Makefile | while read -r target words; do \
	    printf '  make %-11s %s\n' "$$target" "$$words"; done
clean: ## remove build/
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
