# Builds, tests and installs cohort; "make help" lists the targets.
#
# Sources are found by folder: a new file needs no line here. Everything but
# the few files of program_sources is the library; the program is those linked
# with it, and the linker drops what neither uses.

BUILD ?= build

.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:

# Written by ./configure, and anew when configure has changed.
ifneq ($(filter-out help clean format layers promises,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/config.mk
$(BUILD)/config.mk: configure
	@./configure $(CONFIGURE_ARGUMENTS) --builddir=$(BUILD)
endif

# --- variants ---------------------------------------------------------------
# Another compiler, sanitizers or coverage build into a directory of their own:
# make CC=clang SAN=address,undefined builds build/clang-address-undefined.

CC = $(COMPILER)
comma := ,
empty :=
variant = $(filter-out $(COMPILER),$(CC)) $(subst $(comma), ,$(SAN)) \
    $(if $(COVERAGE),coverage)
OUT = $(patsubst %/,%,$(BUILD)/$(subst $(empty) $(empty),-,$(strip \
    $(notdir $(variant)))))
OBJ = $(OUT)/obj

# --- how --------------------------------------------------------------------

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
    -Wpointer-arith -Wwrite-strings -Wvla -Wcast-qual -Wundef -Wformat=2 \
    $(if $(STRICT),-Werror)

CPPFLAGS = -D_GNU_SOURCE -DLLHTTP_STRICT_MODE=1 -iquote . -Iinclude \
    -I$(BUILD) -isystem $(LLHTTP_INCLUDE)

# One object serves the program and both libraries: hidden symbols that nobody
# can interpose cost no more than in an object made for a program alone.
CFLAGS = -std=gnu11 $(OPTIMIZATION) -fPIC -fno-semantic-interposition \
    -fvisibility=hidden -ffunction-sections -fdata-sections
LDFLAGS = -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--as-needed
LDLIBS = -levent_core -ljansson -lssl -lcrypto $(SECCOMP)
# The sanitizers' own functions are found only when a program is linked.
SHARED = -shared -Wl,-soname,$(soname) $(if $(SAN),,-Wl,-z,defs)

ifneq ($(SAN),)
CFLAGS += -DCOH_INSTRUMENTED -fno-omit-frame-pointer \
    -fno-sanitize-recover=all \
    -fsanitize=$(patsubst fuzzer%,fuzzer-no-link%,$(SAN))
LDFLAGS += -fsanitize=$(patsubst fuzzer$(comma)%,%,$(SAN))
else ifneq ($(COVERAGE),)
CFLAGS += -DCOH_INSTRUMENTED -O0 --coverage -fprofile-update=atomic
LDFLAGS += --coverage
else
CFLAGS += $(HARDENING)
endif

COMPILE = $(CC) $(CPPFLAGS) $(CFLAGS) $(CC_OPT)
LINK = $(CC) $(CFLAGS) $(LDFLAGS) $(CC_OPT) $(LD_OPT)

verbose := $(filter-out 0,$(V))
Q := $(if $(verbose),,@)
say = $(if $(verbose),,@printf '  %-4s %s\n' '$(1)' '$(2)')

# --- what -------------------------------------------------------------------

folders = core conf http http/modules http/upstream server server/* \
    server/primary/*
program_sources = server/main.c server/control.c server/admin/top.c \
    server/admin/top_screen.c
sources = $(filter-out $(program_sources),$(wildcard $(folders:=/*.c)))
objects = $(sources:%.c=$(OBJ)/%.o) $(LLHTTP_OBJECTS:%=$(OBJ)/llhttp/%.o)
soname = libcohort.so.$(firstword $(subst ., ,$(VERSION)))

unit_sources = $(wildcard $(patsubst %,tests/%/*_test.c,core conf http server \
    server/admin))
example_sources = $(wildcard examples/*.c)
embed_sources = $(wildcard tests/embed/*.c)
fuzz_sources = $(wildcard tests/fuzz/*_fuzz.c)
client_sources = $(wildcard tests/faults/client*.c)

programs = $(OUT)/cohort
libraries = $(OUT)/libcohort.a $(OUT)/libcohort.so
units = $(unit_sources:%.c=$(OUT)/%)
examples = $(example_sources:%.c=$(OUT)/%)
embeds = $(embed_sources:%.c=$(OUT)/%)
fuzzers = $(fuzz_sources:%.c=$(OUT)/%)
faults = $(addprefix $(OUT)/tests/faults/,counting_client failing.so)
manuals = $(patsubst %.in,%,$(addprefix $(OUT)/,$(wildcard man/*.[1-8] \
    man/*.[1-8].in)))

#: all              the program, both libraries, the examples, the manuals
all: $(programs) $(libraries) $(OUT)/cohort.pc $(OUT)/cohort.service examples man

# --- rules ------------------------------------------------------------------

# What was built with other flags, or from other files, is built again. The
# recipe always runs, but touches its file only if that would change.
$(OUT)/flags $(OUT)/objects: FORCE
	@$(shell mkdir -p $(@D))$(file >$@.new,$(if $(filter %/flags,$@),$(COMPILE) $(LINK),$(objects)))
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(OBJ)/llhttp/%.o: $(LLHTTP_DIR)/%.c $(OUT)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -w -c $< -o $@

# On x86-64 the state machine is there twice (http/h1_parser.c).
$(OBJ)/llhttp/llhttp_sse42.o: $(LLHTTP_DIR)/llhttp.c $(OUT)/flags
	$(call say,CC,$< (SSE 4.2))
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -w -msse4.2 \
	    -Dllhttp__internal_execute=coh_llhttp_execute_sse42 -c $< -o $@
	$(Q)objcopy --keep-global-symbol=coh_llhttp_execute_sse42 $@

$(OBJ)/%.o: %.c $(OUT)/flags $(BUILD)/config.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(WARNINGS) -MMD -MP -c $< -o $@

$(OUT)/libcohort.a: $(objects) $(OUT)/objects
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(objects)

$(OUT)/$(soname): $(objects) $(OUT)/objects
	$(call say,LD,$@)
	$(Q)$(LINK) $(SHARED) $(objects) $(LDLIBS) -o $@

$(OUT)/libcohort.so: $(OUT)/$(soname)
	@ln -sf $(soname) $@

$(OUT)/cohort: $(program_sources:%.c=$(OBJ)/%.o) $(OUT)/libcohort.a
	$(call say,LD,$@)
	$(Q)$(LINK) -pie $^ $(LDLIBS) $(NCURSES) -o $@

# Unit tests and test programs reach into the static library; files beside a
# folder's tests that are no test themselves are linked with each of them, and
# these with one.
helpers = $(patsubst %.c,$(OBJ)/%.o,$(filter-out %_test.c %_fuzz.c,$(wildcard \
    $(dir $(1))*.c)) $(helpers_of_$(notdir $(1))))
helpers_of_admin_json_fuzz = tests/server/admin/fake_http.c
helpers_of_log_format_fuzz = tests/http/harness.c

$(units): $(OUT)/%: $(OBJ)/%.o $$(call helpers,$$*) $(OUT)/libcohort.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -pie $^ -lcmocka $(LDLIBS) -o $@

$(fuzzers): $(OUT)/%: $(OBJ)/%.o $$(call helpers,$$*) $(OUT)/libcohort.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -fsanitize=$(SAN) -pie $^ -lcmocka $(LDLIBS) -o $@

$(embeds): $(OUT)/%: $(OBJ)/%.o $(OUT)/libcohort.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -pie $^ $(LDLIBS) -o $@

# The client of the fault tests knows nothing of what it tests.
$(OUT)/tests/faults/counting_client: $(client_sources:%.c=$(OBJ)/%.o)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -pie $^ -levent_core -o $@

$(OUT)/tests/faults/failing.so: $(OBJ)/tests/faults/failing.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -shared $^ -o $@

# Examples see what a user of the installed library sees: the public headers
# and what the shared library exports.
$(examples): $(OUT)/%: %.c $(OUT)/libcohort.so $(OUT)/flags
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -Iinclude $(filter-out -fvisibility%,$(CFLAGS)) $(WARNINGS) \
	    $(CC_OPT) -MMD -MP -MF $@.d $< -pie -L$(OUT) -lcohort $(LDFLAGS) \
	    $(LD_OPT) -Wl,-rpath,'$$ORIGIN/..' -o $@

# Always made anew: libdir= and includedir= may differ between two calls.
$(OUT)/cohort.pc: packaging/cohort.pc.in FORCE
	$(Q)sed -e 's|@VERSION@|$(VERSION)|' -e 's|@prefix@|$(prefix)|' \
	    -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' \
	    -e 's|@LIBS@|$(LDLIBS)|' $< >$@

$(OUT)/cohort.service: packaging/systemd/cohort.service.in FORCE
	$(Q)sed -e 's|@sbin_path@|$(sbin_path)|' -e 's|@conf_path@|$(conf_path)|' \
	    -e 's|@writable@|$(addprefix -,$(sort $(log_dirs) $(run_dir)))|' \
	    $< >$@

# cohort.conf(5) is written from the directive tables.
$(OUT)/man/directives: $(OBJ)/man/directives.o $(OUT)/libcohort.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -pie $^ $(LDLIBS) -o $@

$(OUT)/man/cohort.conf.5: man/cohort.conf.5.in $(OUT)/man/directives
	$(call say,MAN,$@)
	$(Q)$(OUT)/man/directives >$@.directives
	$(Q)sed -e '/^@DIRECTIVES@$$/r $@.directives' -e '/^@DIRECTIVES@$$/d' \
	    $< >$@

$(OUT)/man/%: man/%
	@mkdir -p $(@D)
	@cp $< $@

#: man              the manual pages, in BUILD/man
man: $(manuals)

#: examples         the programs of examples/, in BUILD/examples
examples: $(examples)

-include $(shell find $(OBJ) $(OUT)/examples -name '*.d' 2>/dev/null)

# --- install ----------------------------------------------------------------

libdir = $(prefix)/lib
includedir = $(prefix)/include
mandir = $(prefix)/share/man
conf_dir = $(patsubst %/,%,$(dir $(conf_path)))
headers = $(wildcard include/cohort/*.h include/cohort/module/*.h)
run_dir = $(patsubst %/,%,$(prefix))/run
# Of systemd; none without --systemd-unit-dir.
units_installed = $(if $(systemd_unit_dir),$(OUT)/cohort.service \
    packaging/systemd/cohort.socket)
unit_target = $(DESTDIR)$(systemd_unit_dir)/$(notdir $(1))
manual_target = $(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))
INSTALL = install

#: install          DESTDIR= is honoured
# A configuration that is already there is the user's and stays.
install: all
	$(INSTALL) -d $(addprefix $(DESTDIR),$(dir $(sbin_path)) $(conf_dir) \
	    $(libdir)/pkgconfig $(includedir)/cohort/module $(sort $(log_dirs)))
	$(INSTALL) -m 755 $(OUT)/cohort $(DESTDIR)$(sbin_path)
	$(INSTALL) -m 644 $(OUT)/libcohort.a $(DESTDIR)$(libdir)
	$(INSTALL) -m 755 $(OUT)/$(soname) $(DESTDIR)$(libdir)
	ln -sf $(soname) $(DESTDIR)$(libdir)/libcohort.so
	$(INSTALL) -m 644 $(OUT)/cohort.pc $(DESTDIR)$(libdir)/pkgconfig
	$(foreach file,$(headers),$(INSTALL) -m 644 $(file) \
	    $(DESTDIR)$(includedir)/$(file:include/%=%) &&) :
	$(foreach file,$(manuals),$(INSTALL) -D -m 644 $(file) \
	    $(call manual_target,$(file)) &&) :
	$(foreach file,$(units_installed),$(INSTALL) -D -m 644 $(file) \
	    $(call unit_target,$(file)) &&) :
	[ -d $(DESTDIR)$(run_dir) ] || $(INSTALL) -d -m 700 $(DESTDIR)$(run_dir)
	$(INSTALL) -m 644 conf/default/mime.types $(DESTDIR)$(conf_dir)
	$(INSTALL) -m 644 conf/default/cohort.conf \
	    $(DESTDIR)$(conf_path).default
	[ -e $(DESTDIR)$(conf_path) ] || $(INSTALL) -m 644 \
	    conf/default/cohort.conf $(DESTDIR)$(conf_path)

#: uninstall
# The configuration and the logs stay.
uninstall:
	rm -f $(addprefix $(DESTDIR),$(sbin_path) $(libdir)/libcohort.a \
	    $(libdir)/$(soname) $(libdir)/libcohort.so \
	    $(libdir)/pkgconfig/cohort.pc $(conf_path).default) \
	    $(foreach file,$(manuals),$(call manual_target,$(file))) \
	    $(foreach file,$(units_installed),$(call unit_target,$(file)))
	rm -rf $(DESTDIR)$(includedir)/cohort

# --- tests ------------------------------------------------------------------
# Each prints "N passed, N failed" when it is done; check adds that up.

PYTHON = /usr/bin/python3
PYTEST = PYTHONDONTWRITEBYTECODE=1 COHORT_BUILD=$(abspath $(OUT)) \
    COHORT_BINARY=$(abspath $(OUT))/cohort \
    COHORT_FLAVOUR=$(if $(SAN),sanitized,plain) \
    $(if $(SANDBOX),COHORT_MAIN='worker_sandbox $(SANDBOX)') \
    $(PYTHON) -m pytest -q
# Leaks are looked for by the sanitizers, which let a child end as it likes.
VALGRIND_COMMAND = valgrind -q --error-exitcode=99
FUZZ_SECONDS = 300

#: check            everything a change must pass, 20 minutes at most
check:
	@tests/check $(BUILD)

#: check-all        the same under both compilers, more sanitizers, valgrind
check-all:
	@tests/check $(BUILD) all

#: unit             the unit tests; VALGRIND=1 under valgrind
unit: $(units)
	@$(if $(VALGRIND),UNIT_WRAPPER='$(VALGRIND_COMMAND)') tests/units $(units)

#: e2e              the end-to-end tests; QUICK=1 only the quick ones;
#:                  SANDBOX=on with all workers in a sandbox
# Tests that measure time run alone, after those that run side by side.
e2e: all $(embeds)
ifneq ($(QUICK),)
	@$(PYTEST) -n auto -m 'quick and not alone' tests/e2e
else
	@$(PYTEST) -n auto -m 'not alone' tests/e2e; status=$$?; \
	    $(PYTEST) -m alone tests/e2e || [ $$? = 5 ] && exit $$status
endif

DURATION = 600
FAULTS = PYTHONPATH=tests/e2e:tests/faults $(PYTEST) tests/faults

#: faults           what must survive what, under load; SHORT=1 in 2 minutes,
#:                  ONLY=kill what has that in its name
# One after the other: they count, and some measure time.
faults: all $(faults)
	@COHORT_FAULTS=$(if $(SHORT),short,long) $(FAULTS) $(if $(ONLY),-k '$(ONLY)')

#: soak             mixed chaos for DURATION=600 seconds, nothing may grow
soak: all $(faults)
	@COHORT_SOAK=$(DURATION) $(FAULTS)/test_soak.py

#: fuzz             each fuzz target: its corpus, then new input for
#:                  FUZZ_SECONDS=300 (10 in check, 60 in check-all)
ifneq ($(filter fuzzer%,$(SAN)),)
fuzz: $(fuzzers)
	@tests/fuzzers $(FUZZ_SECONDS) $(fuzzers)
else
fuzz:
	@$(MAKE) CC=clang SAN=fuzzer,address,undefined fuzz
endif

#: layers           who includes whom
layers:
	@tests/layers

#: promises         whether the tests that docs/promises.md names are there
promises:
	@tests/promises

#: check-hardening  the protections of the program and the library
check-hardening: all
	@tests/hardening $(OUT)

#: check-install    what install puts down: headers, pkg-config, examples
check-install: all
	@rm -rf $(OUT)/stage
	@$(MAKE) install DESTDIR=$(abspath $(OUT))/stage \
	    systemd_unit_dir=/systemd >/dev/null
	@tests/installed $(abspath $(OUT))/stage $(prefix) $(conf_path)

ours = $(sources) $(program_sources) $(wildcard $(folders:=/*.h)) $(headers) \
    $(example_sources) $(wildcard tests/*/*.[ch] tests/*/*/*.[ch] \
    benchmarks/*.c man/*.c)

#: format           lay out the code; CHECK=1 only tells what would change
format:
ifneq ($(CHECK),)
	@wrong=0; for file in $(sort $(ours)); do \
	    clang-format "$$file" | cmp -s - "$$file" || \
	        { echo "make format changes $$file"; wrong=1; }; \
	done; exit $$wrong
else
	$(Q)clang-format -i $(sort $(ours))
endif

# Beside the object, which is made anew when a header changes.
$(OUT)/lint/%: %.c $(OBJ)/%.o .clang-tidy
	$(call say,LINT,$<)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- $(CPPFLAGS) -std=gnu11 $(WARNINGS) \
	    2>$@.errors || { cat $@.errors; false; }
	@touch $@

#: lint             clang-tidy over the code, mandoc over the manuals
lint: $(patsubst %.c,$(OUT)/lint/%,$(sources) $(program_sources)) $(manuals)
	$(Q)mandoc -Tlint -Wwarning $(manuals)

#: coverage         which lines the tests run
coverage:
	-@$(MAKE) -k CC=gcc COVERAGE=1 unit e2e
	@$(MAKE) CC=gcc COVERAGE=1 coverage-report

coverage-report:
	@mkdir -p $(OUT)/report
	@gcovr --root . --filter 'core|conf|http|server' $(OBJ) \
	    --html-details $(OUT)/report/index.html --print-summary

BENCH = PYTHONDONTWRITEBYTECODE=1 $(PYTHON) benchmarks/bench.py --build $(OUT)
BENCH_OPTIONS =

#: bench            measure beside the peers; BENCH_OPTIONS=-h tells what it takes
bench: $(OUT)/cohort
	@$(BENCH) $(BENCH_OPTIONS)

#: bench-report     write the committed report from the last measurements
bench-report:
	@$(BENCH) --report

#: serve            hello world on http://127.0.0.1:8000/
serve: $(OUT)/cohort
	@$(OUT)/cohort

#: clean            keeps what configure wrote and unpacked
clean:
	$(Q)[ ! -f $(BUILD)/config.mk ] || find $(BUILD) -mindepth 1 -maxdepth 1 \
	    ! -name config.mk ! -name config.h ! -name peers -exec rm -rf {} +

#: help             this list
help:
	@echo "usage: make [target...] [variable=value...]"
	@echo
	@sed -n 's/^#: /  /p' Makefile
	@echo
	@echo "  BUILD=build      where to build"
	@echo "  CC=clang         another compiler, in BUILD/clang"
	@echo "  SAN=address,undefined  sanitizers, in a directory of their own"
	@echo "  STRICT=1         warnings are errors"
	@echo "  V=1              show the commands"

.PHONY: all man examples serve check check-all unit e2e faults soak fuzz bench \
    bench-report layers promises check-hardening check-install format lint \
    coverage coverage-report install uninstall clean help FORCE
