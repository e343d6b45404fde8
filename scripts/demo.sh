#!/usr/bin/env bash
# `make demo`: from a bare machine to an invented company whose people ask the same question and get each their own answer.

# Apart from a server of one's own, whatever is set for that: another folder, another port.
export FREEHOLD__DATA__DIR=${FREEHOLD_DEMO_DATA:-${XDG_DATA_HOME:-$HOME/.local/share}/freehold-demo}
export FREEHOLD__SERVER__LISTEN=${FREEHOLD_DEMO_LISTEN:-127.0.0.1:7979}
unset FREEHOLD_URL FREEHOLD_API_KEY

# shellcheck source=scripts/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

serve_arguments=(--demo)
papers=248
index_seconds=1200
question="What is the new hall in Leipzig for?"
knows=jonas.weidner # leads the hardware in Leipzig, and works on a project that few know of
asks=aoife.brennan  # sells in Galway
project="project-kestrel"

# A key of a person of the demo company.
key_of() {
    freehold --json keys create --person "$1" --name demo | sed -n 's/.*"key": "\(fh_[^"]*\)".*/\1/p'
}

# ask_as KEY FILE: what a person is told, in a file.
ask_as() {
    FREEHOLD_API_KEY=$1 freehold ask --url "http://$listen" --model assistant "$question" \
        </dev/null >"$2" 2>"$2.trace" || { cat "$2.trace" >&2 && return 1; }
}

# Waits until every paper can be found by its words and by its meaning.
index_whole() {
    local status waited=$SECONDS read=0 failed=0
    until [ $((read + failed)) -ge $papers ]; do
        running >/dev/null || fail "the server ended; the last lines of $log say why" "mend it, then run this again"
        [ $((SECONDS - waited)) -lt $index_seconds ] || fail "the papers are not read after $index_seconds s" \
            "look at $log, then run this again: what is read stays"
        sleep 1
        status=$(freehold --json index status)
        read=$(sed -n 's/.*"indexed": \([0-9]*\).*/\1/p' <<<"$status")
        failed=$(sed -n 's/.*"failed": \([0-9]*\).*/\1/p' <<<"$status")
        [ -t 1 ] && printf '\r    %s of %s papers ' "$read" "$papers"
    done
    [ -t 1 ] && printf '\r'
    return 0
}

# kept_from TRACE READER OTHER: the first paper that somebody (by a key) was quoted and another may not read.
kept_from() {
    local paper
    for paper in $(FREEHOLD_API_KEY=$2 freehold --json traces --url "http://$listen" show "$1" |
        sed -n '/"passages"/,/]/s/.*"document": "\(doc_[0-9a-f]*\)".*/\1/p'); do
        [ "$(freehold can "$3" read "$paper")" = yes ] || { printf '%s\n' "$paper" && return; }
    done
    fail "every quote of $knows may be read by $3 too: there is nothing to show" \
        "remove $data and $data-papers, then run this again"
}

may_read() {
    printf '%s may read it? ' "$1"
    freehold can "$1" read "$paper" --why
}

# However it ends: nobody is left out of their project, and what was started here is stopped.
leave() {
    if running >/dev/null; then
        freehold groups add-member "$project" "$knows" >/dev/null 2>&1 || true
    fi
    [ -z "$started_here" ] || stop
    rm -rf "$answers"
}

prepare
answers=$(mktemp -d) started_here=''
running >/dev/null || started_here=yes
trap leave EXIT
stage "Start the server, with an invented company of 25 people and $papers papers" start
stage "Index the papers (about two minutes: the embedding model reads them on this machine)" index_whole

aoife=$(key_of "$asks")
jonas=$(key_of "$knows")

printf '\n==> Two people ask the same question: %s\n\n' "$question"
ask_as "$aoife" "$answers/aoife"
ask_as "$jonas" "$answers/jonas"
{ printf -- '--- Aoife Brennan, sales, Galway\n\n' && cat "$answers/aoife"; } >"$answers/left"
{ printf -- '--- Jonas Weidner, hardware, Leipzig\n\n' && cat "$answers/jonas"; } >"$answers/right"
python3 scripts/columns.py 58 "$answers/left" "$answers/right"

trace=$(grep -o 'trc_[0-9a-f]*' "$answers/jonas.trace" | head -n 1)
paper=$(kept_from "$trace" "$jonas" "$asks")
printf '\n==> Why: the paper %s, which Jonas was quoted and Aoife was not\n' "$paper"
may_read "$knows"
may_read "$asks"

printf '\n==> Jonas leaves the project. He asks once more, at once\n\n'
freehold groups remove-member "$project" "$knows" >/dev/null
ask_as "$jonas" "$answers/again"
python3 scripts/columns.py 120 "$answers/again"
echo
may_read "$knows"

program=$(target_folder)/debug/freehold
cat <<TEXT

Nothing was indexed again, no model was told to keep a secret: who may read a paper decides what is found, and the
model never saw the rest. It ran on this machine, and nothing left it.

Keep it running:
  $program serve --demo --data "$data" --listen $listen
Then, in another terminal:
  $program ask --data "$data" --model assistant "How many days of holidays do I have?"
Its papers lie in $data-papers: change one, or the list beside it, and ask again.
It is gone with these two folders: $data $data-papers
TEXT
