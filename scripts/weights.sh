#!/usr/bin/env bash
# Fetches model weights by name with the built program: resumed where it stopped, verified by checksum.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

find_cargo || fail "cargo was not found" "run: make test"
mkdir -p "$FREEHOLD__MODELS__DIR"
say "Weights are kept in $FREEHOLD__MODELS__DIR"
for name in "$@"; do
    freehold models pull "$name"
done
