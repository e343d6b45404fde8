#!/usr/bin/env bash
# `make test`: makes the machine able to run the checks, then runs all of them. The tests come last.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Tests of all checkouts share their weights.
export FREEHOLD__MODELS__DIR=${FREEHOLD__MODELS__DIR:-$cache/models}

stage "Set up this machine" scripts/setup.sh test
find_cargo
stage "Install pinned tools" scripts/tools.sh
stage "Build (about half an hour the first time, much of it the inference engine)" build
stage "Fetch weights for the tests (1.4 GB, once)" \
    pull smollm2-135m-instruct-q4_1 multilingual-e5-small-q4 all-minilm-l6-v2 qwen2.5-coder-1.5b-instruct-q4_k_m
printf '\n==> Check\n'
exec cargo xtask check
