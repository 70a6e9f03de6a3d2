# portinfo: know every port. `make help` lists what can be made.

VERSION = 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
LUA_VERSION ?= 5.4
CC ?= cc
CFLAGS ?= -O2 -g
READLINE ?= readline
OS ?= $(if $(filter Linux,$(shell uname -s)),linux,none)

# The program for the kernel takes a clang that knows that machine and libbpf's
# headers. BPF=0 does without; nothing but sight is lost.
BPF_CC ?= clang
BPF_FLAGS = -target bpf -ffreestanding
ifndef BPF
BPF := $(if $(filter linux,$(OS)),$(shell $(BPF_CC) $(BPF_FLAGS) -include bpf/bpf_core_read.h \
  -include bpf/libbpf_version.h -x c -c /dev/null -o /dev/null 2>/dev/null && echo 1),0)
endif

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
# What makes a mistake harder to use, as far as this compiler knows it
known = $(shell $(CC) -Werror -O1 $(1) -include stdlib.h -x c -c /dev/null -o /dev/null \
  2>/dev/null && echo '$(1)')
FORTIFY := $(or $(call known,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3),-D_FORTIFY_SOURCE=2)
HARDENING := -fstack-protector-strong $(FORTIFY) $(call known,-fstack-clash-protection) \
  $(call known,-fcf-protection) $(call known,-mbranch-protection=standard)
C = $(CC) -std=c11 $(WARNINGS) -D_GNU_SOURCE -fPIC -fvisibility=hidden \
  -pthread -MMD -MP $(HARDENING) $(CFLAGS)
LINK = $(CC) -pthread $(CFLAGS) $(LDFLAGS) -Wl,-z,relro,-z,now,-z,noexecstack
# libbpf is opened by dlopen, which before glibc 2.34 is in a library of its own
LIBS = $(if $(filter 1,$(BPF)),-ldl)

# Lua: the name of its pkg-config file is the distribution's choice
LUA_PC = $(shell for p in lua5.4 lua-5.4 lua54 lua5.5 lua-5.5 lua55 lua; do \
  pkg-config --exists "$$p >= 5.4" 2>/dev/null && { echo $$p; break; }; done)
LUA_CFLAGS = $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(shell pkg-config --cflags $(LUA_PC)))
LUA_LIBDIR_PC = $(shell pkg-config --variable=libdir $(LUA_PC))
LUA_ARCHIVE = $(firstword $(wildcard $(LUA_LIBDIR_PC)/lib$(LUA_PC).a \
  $(LUA_LIBDIR_PC)/liblua$(LUA_VERSION).a $(LUA_LIBDIR_PC)/liblua.a))
LUA_LIBS = $(if $(LUA_ARCHIVE),$(LUA_ARCHIVE) -ldl,$(shell pkg-config --libs $(LUA_PC))) -lm

LINE_CFLAGS_readline = -DPI_READLINE
LINE_LIBS_readline = -lreadline
LINE_CFLAGS_libedit = -DPI_LIBEDIT
LINE_LIBS_libedit = -ledit
LINE_CFLAGS_no =
LINE_LIBS_no =

DATA = data/registry.tsv data/defacto.tsv data/risky.tsv data/blocked.tsv \
  data/ephemeral.tsv
LIB_SOURCES = $(wildcard src/core/*.c src/os/$(OS)/*.c) $(OS_SOURCES_$(OS)) \
  src/registry/registry.c src/registry/search.c
OS_SOURCES_none = src/os/posix/draft.c
OS_SOURCES_linux = src/os/posix/draft.c $(patsubst %,src/os/linux/bpf/%.c,\
  image refusal $(if $(filter 1,$(BPF)),libbpf loader,absent))
BIND_SOURCES = $(wildcard src/bind/*.c)
REPL_SOURCES = $(filter-out src/repl/embed.c,$(wildcard src/repl/*.c))
LUA_FILES = $(wildcard lua/portinfo/*.lua lua/portinfo/*/*.lua)
# the command and the prompt need the binary; the module does without
COMMAND = cli shell chunk search screen help docs glossary shapes meta complete expects lex live \
  offer types words output pager rc board call options verbs verb_ls verb_port \
  verb_wait verb_watch verb_bind verb_save verb_tell verb_audit verb_probe jury rehearsal renew wire \
  report/rule
MODULE_FILES = $(filter-out $(COMMAND:%=lua/portinfo/%.lua),$(LUA_FILES))
MODULE_FOLDERS = portinfo portinfo/report portinfo/rules

LIB_OBJECTS = $(LIB_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/tables.o \
  $(if $(filter 1,$(BPF)),$(BUILD)/obj/object.o)
BIND_OBJECTS = $(BIND_SOURCES:%.c=$(BUILD)/obj/%.o)
REPL_OBJECTS = $(REPL_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/embedded.o

# a line a file; V=1 shows the commands
ifndef V
.SILENT:
endif

all: $(BUILD)/portinfo lib module ## build the binary, the library and the module

lib: $(BUILD)/libportinfo.a $(BUILD)/libportinfo.so $(BUILD)/portinfo.pc

module: $(BUILD)/module/portinfo/core.so

help: ## list the targets
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

# ---- Objects --------------------------------------------------------------

$(BUILD)/obj/src/bind/%.o: src/bind/%.c
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) $(LUA_CFLAGS) -c $< -o $@

$(BUILD)/obj/src/repl/%.o: src/repl/%.c
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) $(LUA_CFLAGS) $(LINE_CFLAGS_$(READLINE)) -c $< -o $@

$(BUILD)/obj/src/%.o: src/%.c
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -c $< -o $@

# its loops are vectors at any level; gcc 12 makes few of them at -O2 unasked
$(BUILD)/obj/src/core/kernel.o: C += -ftree-vectorize

# constant tables out of text: what is known of ports
$(BUILD)/generate: src/registry/generate.c src/registry/table.c \
  src/registry/table.h src/registry/registry.h src/portinfo.h
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) -O1 $(filter %.c,$^) -o $@

$(BUILD)/tables.c: $(BUILD)/generate $(DATA)
	$(BUILD)/generate $(DATA) > $@.tmp
	mv $@.tmp $@

$(BUILD)/obj/tables.o: $(BUILD)/tables.c src/registry/registry.h
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -Isrc -c $< -o $@

# The program for the kernel, as bytes: nothing of what is said to the other
# compiler is meant for this one, and no path of this machine gets into it.
STRIP_BPF ?= $(shell command -v llvm-strip)
%/taskfile.bpf.o: src/os/linux/bpf/taskfile.bpf.c src/os/linux/bpf/record.h
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(BPF_CC) $(BPF_FLAGS) -O2 -g -Wall -Wextra -ffile-prefix-map=$(CURDIR)=. -c $< -o $@
	$(if $(STRIP_BPF),$(STRIP_BPF) -g $@)

%/object.c: %/taskfile.bpf.o
	{ printf '#include "object.h"\n_Alignas(8) const unsigned char pi__bpf_object[] = {\n'; \
	  od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g'; \
	  printf '};\nconst size_t pi__bpf_object_size = sizeof pi__bpf_object;\n'; } > $@.tmp
	mv $@.tmp $@

$(BUILD)/obj/object.o: $(BUILD)/object.c src/os/linux/bpf/object.h
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -Isrc/os/linux/bpf -c $< -o $@

# The Lua files, inside the binary: compiled, if the Lua that they are for is inside as well
$(BUILD)/embed: src/repl/embed.c
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) $(LUA_CFLAGS) $(if $(LUA_ARCHIVE),,-DPI_AS_SOURCE) -O1 $< \
	  $(LUA_LIBS) -o $@

$(BUILD)/embedded.c: $(BUILD)/embed $(LUA_FILES)
	$(BUILD)/embed lua $(LUA_FILES:lua/%=%) > $@.tmp
	mv $@.tmp $@

$(BUILD)/obj/embedded.o: $(BUILD)/embedded.c
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -Isrc/repl -c $< -o $@

# ---- Products --------------------------------------------------------------

$(BUILD)/libportinfo.a: $(LIB_OBJECTS)
	echo '  $(@:$(BUILD)/%=%)'; rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libportinfo.so: $(LIB_OBJECTS)
	echo '  $(@:$(BUILD)/%=%)'
	$(LINK) -shared -Wl,-soname,libportinfo.so.0 $^ $(LIBS) -o $@

$(BUILD)/portinfo.pc: Makefile
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' \
	  'includedir=$${prefix}/include' '' 'Name: portinfo' \
	  'Description: what a port is, who holds it, should it be so' \
	  'Version: $(VERSION)' 'Cflags: -I$${includedir}' \
	  'Libs: -L$${libdir} -lportinfo' 'Libs.private: $(strip -pthread $(LIBS))' > $@

$(BUILD)/module/portinfo/core.so: src/bind/module.map $(BIND_OBJECTS) $(LIB_OBJECTS)
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(LINK) $(or $(LIBFLAG),-shared) -Wl,--version-script=$< $(filter %.o,$^) $(COUNTER) $(LIBS) -o $@

# exported symbols let C modules that scripts require find Lua in the binary
$(BUILD)/portinfo: $(REPL_OBJECTS) $(BIND_OBJECTS) $(LIB_OBJECTS)
	echo '  $(@:$(BUILD)/%=%)'
	$(LINK) -pie -Wl,-E $^ $(COUNTER) $(LUA_LIBS) $(LINE_LIBS_$(READLINE)) $(LIBS) -o $@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- Run, install ----------------------------------------------------------

run: ## install what is missing, build, show what listens here
	./deps.sh build
	$(MAKE) --no-print-directory -j$$(nproc 2>/dev/null || echo 2) all
	echo; echo "What listens on this machine (build/portinfo ls listening):"; echo
	$(BUILD)/portinfo ls listening --format table --no-pager || [ $$? -eq 1 ]

# definitions of the module for editors, which name a folder of such files
$(BUILD)/luacats/portinfo.lua: $(BUILD)/portinfo
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(BUILD)/portinfo schema --format luacats > $@.tmp
	mv $@.tmp $@

install: all $(BUILD)/luacats/portinfo.lua ## install under PREFIX (/usr/local); DESTDIR is honoured
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include \
	  $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/share/man/man1 \
	  $(DESTDIR)$(PREFIX)/share/man/man3 $(DESTDIR)$(PREFIX)/share/man/man7 \
	  $(DESTDIR)$(PREFIX)/share/doc/portinfo $(DESTDIR)$(PREFIX)/share/portinfo/luacats
	install -m 755 $(BUILD)/portinfo $(DESTDIR)$(PREFIX)/bin
	install -m 644 src/portinfo.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(BUILD)/libportinfo.a $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(BUILD)/libportinfo.so $(DESTDIR)$(PREFIX)/lib/libportinfo.so.$(VERSION)
	ln -sf libportinfo.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libportinfo.so.0
	ln -sf libportinfo.so.0 $(DESTDIR)$(PREFIX)/lib/libportinfo.so
	install -m 644 $(BUILD)/portinfo.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 man/portinfo.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 man/portinfo.3lua $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 man/portinfo-filter.7 $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 644 man/portinfo-audit.7 $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 644 $(BUILD)/luacats/portinfo.lua $(DESTDIR)$(PREFIX)/share/portinfo/luacats
	install -m 644 LICENSE README.md CHANGELOG.md data/SOURCES.md \
	  $(DESTDIR)$(PREFIX)/share/doc/portinfo
	for pair in $(COMPLETIONS); do to="$(DESTDIR)$(PREFIX)/share/$${pair#*:}"; \
	  install -d "$${to%/*}" && install -m 644 "completions/$${pair%%:*}" "$$to" || exit; done
	$(MAKE) --no-print-directory install-module
	echo '  installed under $(DESTDIR)$(PREFIX)'
	if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" -eq 0 ]; then ldconfig 2>/dev/null || true; fi

# where each shell looks: its file in the source, and where that goes
COMPLETIONS = portinfo.bash:bash-completion/completions/portinfo \
  _portinfo:zsh/site-functions/_portinfo \
  portinfo.fish:fish/vendor_completions.d/portinfo.fish

# LuaRocks names the folders itself
INST_LIBDIR ?= $(PREFIX)/lib/lua/$(LUA_VERSION)
INST_LUADIR ?= $(PREFIX)/share/lua/$(LUA_VERSION)

install-module: module
	install -d $(DESTDIR)$(INST_LIBDIR)/portinfo $(MODULE_FOLDERS:%=$(DESTDIR)$(INST_LUADIR)/%)
	install -m 755 $(BUILD)/module/portinfo/core.so $(DESTDIR)$(INST_LIBDIR)/portinfo
	for folder in $(MODULE_FOLDERS); do install -m 644 \
	  $$(for file in $(MODULE_FILES); do [ "$${file%/*}" != "lua/$$folder" ] || echo $$file; done) \
	  $(DESTDIR)$(INST_LUADIR)/$$folder || exit; done

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/portinfo $(DESTDIR)$(PREFIX)/include/portinfo.h \
	  $(DESTDIR)$(PREFIX)/lib/libportinfo.a $(DESTDIR)$(PREFIX)/lib/libportinfo.so* \
	  $(DESTDIR)$(PREFIX)/lib/pkgconfig/portinfo.pc \
	  $(DESTDIR)$(PREFIX)/share/man/man1/portinfo.1 \
	  $(DESTDIR)$(PREFIX)/share/man/man3/portinfo.3lua \
	  $(DESTDIR)$(PREFIX)/share/man/man7/portinfo-filter.7 \
	  $(DESTDIR)$(PREFIX)/share/man/man7/portinfo-audit.7
	for pair in $(COMPLETIONS); do rm -f "$(DESTDIR)$(PREFIX)/share/$${pair#*:}"; done
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/portinfo $(DESTDIR)$(PREFIX)/share/portinfo \
	  $(DESTDIR)$(INST_LIBDIR)/portinfo $(DESTDIR)$(INST_LUADIR)/portinfo

# ---- Tests -----------------------------------------------------------------

BENCHES = $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
C_TESTS = $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/*_test.c))

$(BUILD)/tests/lua_ladder_test: tests/c/lua_ladder_test.c $(BIND_OBJECTS) $(BUILD)/libportinfo.a
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) $(LUA_CFLAGS) -Isrc $^ $(COUNTER) $(LDFLAGS) -lcmocka $(LUA_LIBS) $(LIBS) -o $@

$(BUILD)/tests/%: tests/c/%.c $(BUILD)/libportinfo.a
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -Isrc $^ $(LDFLAGS) $(LIBS) -lcmocka -o $@

# the sanitizers' own library comes before what is preloaded
$(BUILD)/soak/disturb.so: tests/soak/disturb.c
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) -D_GNU_SOURCE -O2 -fPIC -shared $< -o $@ -ldl

$(BUILD)/soak/%: tests/soak/%.c $(BUILD)/libportinfo.a
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -Isrc $^ $(LDFLAGS) -o $@

$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libportinfo.a
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -Isrc $^ $(LDFLAGS) $(LIBS) -o $@

# what suites of the command ask the probe with, and a probe of another version
C_HELPERS = $(if $(filter 1,$(BPF)),$(BUILD)/tests/records $(BUILD)/tests/other)
$(BUILD)/other/taskfile.bpf.o: BPF_FLAGS += -DPI__RECORD_VERSION=65000

$(BUILD)/tests/other: tests/c/other.c $(BUILD)/other/object.c $(BUILD)/libportinfo.a
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -Isrc -Isrc/os/linux/bpf $^ $(LDFLAGS) $(LIBS) -o $@

test: ## install what the tests need, build, run every test
	./deps.sh build test
	$(MAKE) --no-print-directory check

check: all $(C_TESTS) $(C_HELPERS) $(BENCHES) ## run every test with what is installed
	BUILD=$(BUILD) CC="$(CC)" HARDENING="$(HARDENING)" ./tests/run.sh $(SUITES)

asan: ## run every test under the address and undefined behaviour sanitizers
	ASAN_LIB="$$($(CC) -print-file-name=libasan.so)" $(MAKE) --no-print-directory check \
	  BUILD=build-asan HARDENING= LDFLAGS="-fsanitize=address,undefined" \
	  CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"

# What has threads: readings in parts, descriptors, other namespaces, notices. Address
# space that is laid out by chance may be in this sanitizer's way.
TSAN_TESTS = $(addprefix build-tsan/tests/,parts_test owners_test netns_test notify_test watch_test)
TSAN_SUITES = $(TSAN_TESTS) tests/cli/sockets.bats tests/cli/netns.bats tests/cli/watch.bats

tsan: ## run what has threads under the thread sanitizer
	$$(command -v setarch >/dev/null && echo setarch -R) $(MAKE) --no-print-directory check \
	  BUILD=build-tsan HARDENING= LDFLAGS="-fsanitize=thread" \
	  CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=thread" \
	  C_TESTS="$(TSAN_TESTS)" BENCHES= SUITES="$(TSAN_SUITES)"

# gcc counts the lines of C (not atomically: threads may lose a count, but no line),
# tests/coverage/lines.c those of Lua, in the module and in the program.
COVERED = 90
COUNTING = $(CURDIR)/build-coverage
WRAPPED = lua_sethook lua_gethook lua_gethookmask luaL_checkversion_

COUNTED = $(MAKE) --no-print-directory BUILD=build-coverage HARDENING= \
  COUNTER=$(COUNTING)/lines.o CFLAGS="-O1 -g --coverage -fprofile-update=single" \
  LDFLAGS='--coverage $(WRAPPED:%=-Wl,--wrap=%)'

coverage: ## run every test, and report the lines that ran
	./deps.sh build test ci
	mkdir -p $(COUNTING)/lines && chmod 1777 $(COUNTING)/lines
	$(CC) -std=c11 -D_GNU_SOURCE $(LUA_CFLAGS) -O2 -fPIC -DPI_LINES='"$(COUNTING)/lines"' \
	  -c tests/coverage/lines.c -o $(COUNTING)/lines.o
	find $(COUNTING) -name '*.gcda' -o -path '$(COUNTING)/lines/*' | xargs rm -f
	$(COUNTED) all
	: processes of other users add to the same counts
	for file in $$(find $(COUNTING)/obj -name '*.gcno'); do \
	  touch "$${file%gcno}gcda" && chmod a+rw "$${file%gcno}gcda" || exit; done
	$(COUNTED) check
	$(MAKE) --no-print-directory coverage-report

# where threads lost counts, a count of branches is below nought, which gcovr takes ill
coverage-report:
	lua5.4 tests/coverage/report.lua $(COUNTING)/lines $(COVERED) $(LUA_FILES)
	gcovr -r . --gcov-ignore-parse-errors --object-directory $(COUNTING)/obj -f src/ --fail-under-line $(COVERED) $(COUNTING)/obj

SCALE ?= 1
# only what was measured with the whole load is worth the README
bench: ## measure beside ss, lsof, netstat and psutil (RUNS=7; SCALE=0.1: a smaller load; SWEEP=1: when BPF pays)
	./deps.sh build bench
	$(MAKE) --no-print-directory -j$$(nproc 2>/dev/null || echo 2) all $(BENCHES)
	BUILD=$(BUILD) SCALE=$(SCALE) RUNS=$(RUNS) tests/bench/$(if $(SWEEP),sweep,run) \
	  $(if $(filter 1,$(SCALE)),--readme README.md)

tour: all ## run the commands of README's tour, and put what they print there
	BUILD=$(BUILD) tests/tour/run README.md

SOAK = $(addprefix $(BUILD)/soak/,churn taker disturb.so)

soak: TIME = 30
soak: ## read for TIME seconds (30) while sockets, processes and namespaces come and go
	./deps.sh build test
	$(MAKE) --no-print-directory all $(SOAK)
	BUILD=$(BUILD) TIME=$(TIME) tests/soak/run

oracle: ## compare with ss, netstat, lsof, lsfd, psutil and the proc tables
	./deps.sh build oracle
	$(MAKE) --no-print-directory all
	BUILD=$(BUILD) tests/oracle/run

# a target is a file of tests/fuzz; what it finds stays in the build folder
TIME ?= 60
JOBS ?= 1
TARGET ?= $(sort $(basename $(notdir $(wildcard tests/fuzz/*.c tests/fuzz/*.lua))))
FUZZ_CHECKS = address,undefined
FUZZ = $(BUILD)-fuzz

fuzz: ## feed one TARGET, or all, JOBS at a time, with hostile bytes for TIME seconds
	./deps.sh build fuzz
	$(MAKE) --no-print-directory -j$$(nproc 2>/dev/null || echo 2) \
	  BUILD=$(FUZZ) CC=clang HARDENING= \
	  CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,$(FUZZ_CHECKS) -fno-sanitize-recover=all" \
	  $(TARGET:%=$(FUZZ)/fuzz/%)
	BUILD=$(FUZZ) TIME=$(TIME) JOBS=$(JOBS) tests/fuzz/run $(TARGET)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libportinfo.a
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) -fsanitize=fuzzer -Isrc $^ $(LDFLAGS) -lcmocka -o $@

$(BUILD)/fuzz/%: tests/fuzz/lua/driver.c tests/fuzz/%.lua $(BIND_OBJECTS) $(BUILD)/libportinfo.a
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	$(C) $(LUA_CFLAGS) -fsanitize=fuzzer -Isrc -DPI_TARGET='"$*"' $(filter-out %.lua,$^) \
	  $(LDFLAGS) -lcmocka $(LUA_LIBS) -o $@

lint: ## check formatting and warnings
	clang-format --dry-run -Werror $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'examples/*.c')
	luacheck -q lua tests/lua tests/fuzz tests/rules tests/formats tests/soak tests/coverage \
	  examples src/registry data
	shellcheck deps.sh tests/run.sh tests/arrows.sh tests/edge.sh tests/ladders.sh tests/fuzz/run \
	  tests/formats/run .ci/run completions/portinfo.bash
	mandoc -T lint -W warning man/*
	$(MAKE) --no-print-directory all BUILD=build-lint CC=clang CFLAGS="-O1 -Werror"

# What takes longer than a build. A file that was found good is not looked at again;
# cppcheck does not know what the headers of others declare, and need not.
ANALYZED = $(filter-out %.bpf.c,$(LIB_SOURCES) $(BIND_SOURCES) $(wildcard src/repl/*.c src/registry/*.c))
ANALYSIS = -D_GNU_SOURCE $(LUA_CFLAGS) $(LINE_CFLAGS_$(READLINE))

analyze: ## look for mistakes along all paths (gcc -fanalyzer, clang-tidy, cppcheck)
	./deps.sh build ci
	$(MAKE) --no-print-directory -j$$(nproc 2>/dev/null || echo 2) \
	  $(ANALYZED:%.c=$(BUILD)/analyzed/%)

# of what it finds it names no line that a pragma could be at: what an array of pointers
# holds, which free_matches or readline free
$(BUILD)/analyzed/src/repl/tab: EXCEPT = -Wno-analyzer-malloc-leak

$(BUILD)/analyzed/%: %.c
	echo '  $(@:$(BUILD)/%=%)'; mkdir -p $(@D)
	gcc -std=c11 $(ANALYSIS) -O1 -fanalyzer -Werror $(EXCEPT) -c $< -o /dev/null
	clang-tidy --quiet $< -- -std=c11 $(ANALYSIS) 2>$@.log || { cat $@.log; exit 1; }
	cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --error-exitcode=1 $(filter-out -I%,$(ANALYSIS)) $<
	touch $@

# ---- Upkeep ----------------------------------------------------------------

deps: ## install what building needs (deps-test: what the tests need)
	./deps.sh build

deps-test:
	./deps.sh test

refresh: $(BUILD)/portinfo ## rebuild data/registry.tsv from IANA's XML (FROM=file-or-url)
	$(BUILD)/portinfo src/registry/refresh.lua $(if $(FORCE),--force) $(FROM)

clean: ## remove what was built
	rm -rf build build-asan build-tsan build-coverage build-fuzz build-lint build-none build-other

.PHONY: all lib module help run install install-module uninstall test check \
  asan tsan coverage coverage-report bench tour soak oracle fuzz lint analyze deps deps-test refresh clean
.DELETE_ON_ERROR:
