# shellcheck shell=bash
# The server that `make demo` and `make up` start: its folder, starting it in the background, waiting, stopping it.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The same folder and address as the program's own defaults, so that its commands need no flags afterwards.
data=${FREEHOLD__DATA__DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/freehold}
listen=${FREEHOLD__SERVER__LISTEN:-127.0.0.1:7878}
export FREEHOLD__DATA__DIR=$data FREEHOLD__SERVER__LISTEN=$listen
log=$data/server.log
pid_file=$data/server.pid
default_models=(qwen2.5-coder-1.5b-instruct-q4_k_m multilingual-e5-small-q4)
load_seconds=300
serve_arguments=()

# Everything up to a program and weights that are ready to serve.
prepare() {
    stage "Set up this machine" scripts/setup.sh build
    find_cargo
    stage "Build (about half an hour the first time, much of it the inference engine)" build
    (umask 077 && mkdir -p "$data")
    stage "Fetch the default models (1.2 GB, once)" fetch_models
}

# Weights are fetched into the cache, where tests look for them too, and lie in the data folder as links of the same files.
fetch_models() {
    local models=${FREEHOLD__MODELS__DIR:-$data/models} name
    FREEHOLD__MODELS__DIR=$cache/models pull "${default_models[@]}"
    [ "$models" != "$cache/models" ] || return 0
    mkdir -p "$models"
    for name in "${default_models[@]}"; do
        [ -e "$models/$name" ] || cp -rl "$cache/models/$name" "$models/" 2>/dev/null || cp -rT "$cache/models/$name" "$models/$name"
    done
}

# The process id of a server that these scripts started and that still runs; a number that the system has since
# given to another program does not count.
running() {
    local pid
    pid=$(cat "$pid_file" 2>/dev/null) && [ -n "$pid" ] || return 1
    [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"freehold serve "* ]] && printf '%s\n' "$pid"
} 2>/dev/null

# Whether /readyz answers 200. Spoken by the shell itself: a bare machine has no HTTP client.
ready() {
    local status='' host=${listen%:*}
    host=${host#[}
    exec 3<>"/dev/tcp/${host%]}/${listen##*:}" || return 1
    printf 'GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$listen" >&3
    IFS= read -r -t 5 status <&3
    exec 3>&-
    [[ $status == *" 200 "* ]]
} 2>/dev/null

# Waits until the server is ready: the one that runs already, or a new one.
start() {
    local pid waited=0
    if ! pid=$(running); then
        ! ready || fail "another server answers on http://$listen" "stop it, or choose another address, then run this again"
        setsid nohup "$(target_folder)/debug/freehold" serve "${serve_arguments[@]}" >"$log" 2>&1 </dev/null &
        pid=$!
        printf '%s\n' "$pid" >"$pid_file"
    fi
    until running >/dev/null && ready; do
        if ! kill -0 "$pid" 2>/dev/null; then
            rm -f "$pid_file"
            tail -n 20 "$log" >&2
            fail "the server ended before it was ready; its last lines are above" "do what they say, then run this again"
        fi
        [ $((waited += 1)) -le $load_seconds ] || fail "the server is not ready after $load_seconds s" \
            "read $log; \`make down\` stops it"
        sleep 1
    done
    say "Ready on http://$listen"
}

stop() {
    local pid
    pid=$(running) || return 0
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
    rm -f "$pid_file"
}
