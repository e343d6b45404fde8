#!/usr/bin/env bash
# `make demo`: from a bare machine to one real answer of the default model, and the trace that was kept of it.

# shellcheck source=scripts/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

question="Our rule: trips that cost more than 500 euros need a manager's approval. \
Ada wants to book a trip for 720 euros. What does she need before she books? Answer in one sentence."

prepare
if running >/dev/null && ready; then
    say "Using the server that runs already."
else
    trap stop EXIT
    stage "Start the server" start
fi

printf '\n==> Ask\n%s\n\n' "$question"
freehold ask --temperature 0 "$question" </dev/null

trace=$(freehold --json traces list --limit 1 | grep -o 'trc_[0-9a-f]*' | head -n 1) ||
    fail "the answer left no trace" "read $log"
printf '\n==> The trace that was kept of it\n'
freehold traces show "$trace"

cat <<TEXT

That was an open-weight model on this machine. Nothing left it.
Next: \`make up\` leaves the server running, and prints how to use it from any OpenAI client.
TEXT
