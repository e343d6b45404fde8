#!/usr/bin/env bash
# `make demo`: from a bare machine to an invented company whose people ask the same question and get each their own answer.

# Apart from a server of one's own: another folder, another port.
export FREEHOLD__DATA__DIR=${FREEHOLD__DATA__DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/freehold-demo}
export FREEHOLD__SERVER__LISTEN=${FREEHOLD__SERVER__LISTEN:-127.0.0.1:7979}

# shellcheck source=scripts/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

serve_arguments=(--demo)
question="What is the new hall in Leipzig for?"
knows=jonas.weidner # leads the hardware in Leipzig, and works on a project that few know of
asks=aoife.brennan  # sells in Galway
project="project-kestrel"

# A key of a person of the demo company.
key_of() {
    freehold --json keys create --person "$1" | sed -n 's/.*"key": "\(fh_[^"]*\)".*/\1/p'
}

# What a person is told, in a column.
ask_as() {
    if ! FREEHOLD_API_KEY=$2 freehold ask --url "http://$listen" --model assistant "$question" \
        </dev/null 2>"$answers/error" | fold -s -w 58 | sed 's/ *$//'; then
        cat "$answers/error" >&2
        return 1
    fi
}

# Waits until every paper can be found by its words and by its meaning.
index_whole() {
    local status pending=''
    until [ "$pending" = 0 ]; do
        status=$(freehold --json index status)
        pending=$(sed -n 's/.*"pending": \([0-9]*\).*/\1/p' <<<"$status")
        [ -t 1 ] && printf '\r    %s papers to go   ' "$pending"
        [ "$(sed -n 's/.*"indexed": \([0-9]*\).*/\1/p' <<<"$status")" = 0 ] && pending=''
        [ "$pending" = 0 ] || sleep 2
    done
    [ -t 1 ] && printf '\r'
    return 0
}

side_by_side() {
    printf '%-62s %s\n' "--- Aoife Brennan, sales, Galway" "--- Jonas Weidner, hardware, Leipzig"
    pr -m -t -w 124 "$1" "$2" | expand
}

prepare
trap stop EXIT
if ! running >/dev/null || ! ready; then
    stage "Start the server, with an invented company of 25 people and 248 papers" start
fi
stage "Index the papers (about two minutes: the embedding model reads them on this machine)" index_whole

answers=$(mktemp -d)
aoife=$(key_of "$asks") jonas=$(key_of "$knows")
freehold groups add-member "$project" "$knows" >/dev/null # where an earlier demo took him out

printf '\n==> Two people ask the same question: %s\n\n' "$question"
ask_as "$asks" "$aoife" >"$answers/aoife"
ask_as "$knows" "$jonas" >"$answers/jonas"
side_by_side "$answers/aoife" "$answers/jonas"

paper=$(FREEHOLD_API_KEY=$jonas freehold --json search --url "http://$listen" --source leadership "Quillfeather laboratory Leipzig" |
    sed -n 's/.*"document": "\(doc_[0-9a-f]*\)".*/\1/p' | head -n 1)
printf '\n==> Why: the paper that Jonas was quoted\n'
for person in "$knows" "$asks"; do
    printf '%s may read it? ' "$person"
    freehold can "$person" read "$paper" --why || true
done

printf '\n==> Jonas leaves the project. He asks once more, at once\n\n'
freehold groups remove-member "$project" "$knows" >/dev/null
ask_as "$knows" "$jonas"
printf '%s may read it? ' "$knows"
freehold can "$knows" read "$paper" --why || true
rm -r "$answers"

cat <<TEXT

Nothing was indexed again, no model was told to keep a secret: who may read a paper decides what is found, and the
model never saw the rest. It ran on this machine, and nothing left it.

Keep it running:    freehold serve --demo --data $data --listen $listen
Its papers:         $data-papers (change one, or the list beside it, and ask again)
Ask it yourself:    freehold ask --data $data --model assistant "How many days of holidays do I have?"
TEXT
