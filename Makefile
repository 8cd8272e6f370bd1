# One target per step and per phase. `make` alone lists them. Steps decide themselves whether there is work to do.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
# Steps of one data folder and CRM run one after the other, also under make -j.
.NOTPARALLEL:
MAKEFLAGS += --warn-undefined-variables --no-print-directory
.DEFAULT_GOAL := help

# The environment overrides every default here. The binaries, not make, read .env.
DATA_DIR ?= data
CONFIG ?= backfill.toml
AS_OF ?=
PHASE ?=
SCALE ?= 0.02
SEED ?= 1
FRESH ?=
TENANT ?=
ARGS ?=
SOAK_SECONDS ?= 3600
SEEDS ?= 10
PREFIX ?= /usr/local
DESTDIR ?=
# Recipes take these from the environment, quoted there: a folder may have blanks in its name.
export DATA_DIR CONFIG AS_OF PHASE SCALE SEED FRESH TENANT SOAK_SECONDS SEEDS PREFIX DESTDIR

CARGO_BUILD := CRM_BACKFILL_COMMIT="$$([ ! -e .git ] || git describe --always --abbrev=10 --dirty --exclude='*' 2>/dev/null || true)" cargo build --release --locked --bins

SOURCES := mca-za mca-uk scl teetime messaging
EXPORTS := $(addprefix export-,$(SOURCES)) export-crm
STEPS := stage resolve consolidate score load verify report overview rollback status checklist watermarks plan inspect explain compare audit evidence purge

.PHONY: help build binaries demo up down check-connections export $(EXPORTS) $(STEPS) phase1 phase2 phase3 phase4 phase5 phase6 backfill install package test soak soak-servers check bench golden cluster test-cluster bench-cluster clean distclean

## help: this list
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk '{ at = index($$0, ": "); name = substr($$0, 1, at - 1); if (length(name) > 40) printf "  %s\n%43s", name, ""; else printf "  %-40s ", name; print substr($$0, at + 2) }'
	@printf '  %-40s %s\n' variables "DATA_DIR=$$DATA_DIR CONFIG=$$CONFIG AS_OF=$$AS_OF PHASE=$$PHASE SCALE=$$SCALE FRESH=$$FRESH TENANT=$$TENANT ARGS=…"

## build: compile the binaries
build binaries:
	@command -v cargo >/dev/null || { echo "error: no cargo on the PATH; install Rust 1.95 or newer (https://rustup.rs)" >&2; exit 2; }
	@if [ -t 2 ]; then $(CARGO_BUILD); else $(CARGO_BUILD) 2>&1 | scripts/build-progress >&2; fi

## demo: five invented databases, all six phases on a real PostgreSQL, a report (SCALE=0.02 SEED=1)
demo:
	@scripts/demo

## up: a private PostgreSQL with the invented sources and an empty CRM; prints the six URLs
up: binaries
	@scripts/install-postgresql
	@scripts/run local up --scale "$$SCALE" --seed "$$SEED"

## down: stop that PostgreSQL
down: binaries
	@scripts/run local down

## check-connections: check that the six databases can be reached and read, with their roles
check-connections: binaries
	@scripts/run check-connections $(ARGS)

## export: export all five sources again, with a new as_of, and the CRM
export: binaries
	@scripts/exports - --new-as-of $(SOURCES) -- $(ARGS)
	@scripts/run export-crm $(ARGS)

## export-mca-za to export-messaging, export-crm: export one database
$(EXPORTS): binaries
	@scripts/run $@ $(ARGS)

## stage, resolve, consolidate, score, load, verify, report: run one step (PHASE=N at stage, PHASE=0 at verify)
## overview: a summary of the last migration on one screen
## plan: what each phase would insert, update and delete in the CRM
## rollback: remove exactly what the backfill loaded
## status: what is exported, staged and loaded, and the outcome of the last commit
## checklist: the strategy's execution checklist, line by line, with proof
## watermarks: the time from which real-time sync must start, per source
## evidence: one archive with manifests, settings, decisions, verdicts, checks, report and hashes (ARGS="--check FILE")
## inspect, explain, compare, audit, purge: examine data and results (ARGS="…"; see --help)
$(STEPS): binaries
	@scripts/run $@ $(ARGS)

## phase1 to phase6: run a phase: missing exports, all steps, load, verification (TENANT=1: a pilot of one tenant)
phase1 phase2 phase3 phase4 phase5 phase6: binaries
	@scripts/phase $(@:phase%=%) $(ARGS)

## backfill: all phases with one load
backfill: binaries
	@scripts/phase 6 $(ARGS)

## install: install the program, man pages and completions below PREFIX (/usr/local); DESTDIR is put before PREFIX
install: binaries
	@scripts/install "$$PREFIX"

## package: make a tarball and a Debian package in target/package, with SHA-256 sums
package: binaries
	@scripts/package "$${CARGO_TARGET_DIR:-target}/package"

## test: run all tests, on a real PostgreSQL that they start themselves
test:
	@scripts/test

## soak-servers: run the tests that depend on the server, against PostgreSQL 15 to 18 (ARGS="16 18" selects versions)
soak-servers:
	@scripts/soak-servers $(ARGS)

## soak: repeat the fault tests (kills, cuts, full disks, flipped bits, concurrent writers, chaos) for SOAK_SECONDS, then run soak-servers; writes docs/guarantees.md
soak:
	@scripts/install-postgresql
	@scripts/soak

## check: what CI checks: format, lints, documentation, tests
check:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib
	@$(MAKE) test

## bench: measure time, rows, processor and memory of every step and of reference programs (SCALE=1 RECORD=1 JSON=file), accuracy, micro-benchmarks
bench: binaries
	@scripts/install-postgresql
	@$(if $(filter file,$(origin SCALE)),SCALE=1) scripts/bench

## cluster: compile the engines for large numbers of events, DataFusion and Ballista: crm-backfill cluster and crm-backfill-executor
cluster: binaries
	@cargo build --profile cluster --locked -p crm-backfill-cluster --bins
	@install -m 755 "$${CARGO_TARGET_DIR:-target}"/cluster/{cluster,crm-backfill-executor} "$${CARGO_TARGET_DIR:-target}/release/"

## test-cluster: compare the engines with the program alone, in one process and on a scheduler with two executors
test-cluster:
	cargo test --profile cluster --locked -p crm-backfill-cluster

## bench-cluster: measure the program alone, DataFusion and Ballista on the saved exports: seconds, events per second, memory, bytes between stages (MEMORY_LIMIT, PARTITIONS)
bench-cluster: cluster
	@scripts/bench-cluster

## golden: regenerate the generated files (data dictionary, expected outputs); read the diff
golden:
	CRM_BACKFILL_GOLDEN=1 cargo test --locked --test main -- golden schemas guarantees tidy

## clean: remove everything made from the exports; keeps DATA_DIR/exports
clean:
	@[ -n "$$DATA_DIR" ] || { echo "error: DATA_DIR is empty" >&2; exit 2; }
	@rm -rf "$$DATA_DIR"/{stage,resolve,resolve-strategy,crm,score,verify,report,rejects,previous,runs,failed,views.sql}

## distclean: remove the data folder's contents, exports included, and the build; asks first
distclean:
	@[ -n "$$DATA_DIR" ] || { echo "error: DATA_DIR is empty" >&2; exit 2; }
	@read -r -p "remove exports in $$DATA_DIR and target/? [y/N] " answer && [ "$$answer" = y ]
	@rm -rf "$$DATA_DIR"/{exports,stage,resolve,resolve-strategy,crm,score,verify,report,rejects,audit,previous,runs,failed,backup,demo,postgres,views.sql,.as_of,.demo,.lock} target
