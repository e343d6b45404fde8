# shellcheck shell=bash
# Shared by the scripts: where things are, how stages are shown, how a script ends with a mend.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# `crates/xtask/src/tool.rs` says the same about this folder.
cache=${XDG_CACHE_HOME:-${HOME:?names the home folder; set it and run again}/.cache}/freehold
export tools=$cache/tools

say() { printf '%s\n' "$*"; }

# fail WHAT MEND: ends the script.
fail() {
    printf '\nCannot go on: %s\n  To mend it: %s\n' "$1" "$2" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# stage TITLE COMMAND...: runs a stage, and says when it starts and how long it took.
stage() {
    local title=$1 started=$SECONDS
    shift
    printf '\n==> %s\n' "$title"
    "$@"
    printf '==> %s: done in %d s\n' "$title" $((SECONDS - started))
}

# Finds cargo where rustup puts it, even if this shell was opened before rustup ran.
find_cargo() {
    have cargo || PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    export PATH
    have cargo
}

# The folder of build output: the one named by the caller, else the checkout's own.
target_folder() { printf '%s\n' "${CARGO_TARGET_DIR:-$root/target}"; }

# The same units as in the tests, so that the inference engine compiles once for both.
build() { cargo build --locked --package freehold; }

freehold() { "$(target_folder)/debug/freehold" "$@"; }

# pull NAME...: fetches weights with the built program, which resumes where it stopped and verifies checksums.
pull() {
    local name
    for name in "$@"; do
        freehold models pull "$name"
    done
}
