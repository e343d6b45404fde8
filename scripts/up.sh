#!/usr/bin/env bash
# `make up`: everything from a bare machine to a server that stays.

# shellcheck source=scripts/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

prepare
stage "Start the server" start

program=$(target_folder)/debug/freehold
cat <<TEXT

Freehold answers on http://$listen (process $(running)); records in $data, log in $log

Ask from this terminal:
  $program ask "What can you do for a small company?"
Make a key for any OpenAI client (base URL http://$listen/v1):
  $program keys create --person admin
See what happened:
  $program traces list
Stop it:
  make down
TEXT
