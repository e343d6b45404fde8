#!/usr/bin/env bash
# `make down`: stops the server that `make up` left running, letting replies finish.

# shellcheck source=scripts/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

if running >/dev/null; then
    stop
    say "Stopped. Records stay in $data"
else
    say "No server started by \`make up\` runs on $data"
fi
