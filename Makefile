# portinfo: know every port. `make help` lists what can be made.

VERSION = 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
LUA_VERSION ?= 5.4
CC ?= cc
CFLAGS ?= -O2 -g
READLINE ?= readline
OS ?= $(if $(filter Linux,$(shell uname -s)),linux,none)

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
HARDENING = -fstack-protector-strong -D_FORTIFY_SOURCE=2
C = $(CC) -std=c11 $(WARNINGS) -D_GNU_SOURCE -fPIC -fvisibility=hidden \
  -pthread -MMD -MP $(HARDENING) $(CFLAGS)
LINK = $(CC) -pthread $(CFLAGS) $(LDFLAGS)

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
LIB_SOURCES = $(wildcard src/core/*.c src/os/$(OS)/*.c) \
  src/registry/registry.c src/registry/search.c
BIND_SOURCES = $(wildcard src/bind/*.c)
REPL_SOURCES = $(filter-out src/repl/embed.c,$(wildcard src/repl/*.c))
LUA_FILES = $(wildcard lua/portinfo/*.lua lua/portinfo/*/*.lua)

LIB_OBJECTS = $(LIB_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/tables.o
BIND_OBJECTS = $(BIND_SOURCES:%.c=$(BUILD)/obj/%.o)
REPL_OBJECTS = $(REPL_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/embedded.o

all: $(BUILD)/portinfo lib module ## build the binary, the library and the module

lib: $(BUILD)/libportinfo.a $(BUILD)/libportinfo.so $(BUILD)/portinfo.pc

module: $(BUILD)/module/portinfo/core.so

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

# ---- Objects --------------------------------------------------------------

$(BUILD)/obj/src/bind/%.o: src/bind/%.c
	@mkdir -p $(@D)
	$(C) $(LUA_CFLAGS) -c $< -o $@

$(BUILD)/obj/src/repl/%.o: src/repl/%.c
	@mkdir -p $(@D)
	$(C) $(LUA_CFLAGS) $(LINE_CFLAGS_$(READLINE)) -c $< -o $@

$(BUILD)/obj/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(C) -c $< -o $@

# constant tables out of text: what is known of ports
$(BUILD)/generate: src/registry/generate.c src/registry/table.c \
  src/registry/table.h src/registry/registry.h src/portinfo.h
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) -O1 $(filter %.c,$^) -o $@

$(BUILD)/tables.c: $(BUILD)/generate $(DATA)
	$(BUILD)/generate $(DATA) > $@.tmp
	@mv $@.tmp $@

$(BUILD)/obj/tables.o: $(BUILD)/tables.c src/registry/registry.h
	@mkdir -p $(@D)
	$(C) -Isrc -c $< -o $@

# the Lua files, as source, inside the binary
$(BUILD)/embed: src/repl/embed.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARNINGS) -O1 $< -o $@

$(BUILD)/embedded.c: $(BUILD)/embed $(LUA_FILES)
	$(BUILD)/embed lua $(LUA_FILES:lua/%=%) > $@.tmp
	@mv $@.tmp $@

$(BUILD)/obj/embedded.o: $(BUILD)/embedded.c
	@mkdir -p $(@D)
	$(C) -Isrc/repl -c $< -o $@

# ---- Products --------------------------------------------------------------

$(BUILD)/libportinfo.a: $(LIB_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libportinfo.so: $(LIB_OBJECTS)
	$(LINK) -shared -Wl,-soname,libportinfo.so.0 -Wl,-z,relro,-z,now $^ -o $@

$(BUILD)/portinfo.pc: Makefile
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' \
	  'includedir=$${prefix}/include' '' 'Name: portinfo' \
	  'Description: what a port is, who holds it, should it be so' \
	  'Version: $(VERSION)' 'Cflags: -I$${includedir}' \
	  'Libs: -L$${libdir} -lportinfo' 'Libs.private: -pthread' > $@

$(BUILD)/module/portinfo/core.so: $(BIND_OBJECTS) $(LIB_OBJECTS)
	@mkdir -p $(@D)
	$(LINK) $(or $(LIBFLAG),-shared) -Wl,-z,relro,-z,now $^ -o $@

# exported symbols let C modules that scripts require find Lua in the binary
$(BUILD)/portinfo: $(REPL_OBJECTS) $(BIND_OBJECTS) $(LIB_OBJECTS)
	$(LINK) -pie -Wl,-E -Wl,-z,relro,-z,now $^ $(LUA_LIBS) $(LINE_LIBS_$(READLINE)) -o $@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
