//! What the helps of all commands share: exit codes and examples.

/// Stable for scripts.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it failed, and it is Freehold's or the machine's doing
  2  wrong arguments, settings or values
  3  there is no such thing, or you may not see or do it
  4  something needed is not there now: no server, no model, no network, a limit; later it may go through
  5  it exists already, or is in use (a port, a data folder, a name)

First steps:
  freehold serve                      # fetches the default model once, then serves
  freehold ask \"What is a freehold?\"  # in another terminal
  freehold keys create --person admin # a key for any OpenAI client: base URL http://127.0.0.1:7878/v1";

/// An example or two for each command.
pub(super) mod examples {
    pub(in crate::cli) const SERVE: &str = "\
Examples:
  freehold serve
  freehold serve --data /srv/freehold --listen 0.0.0.0:7878 --tls-cert cert.pem --tls-key key.pem
  freehold serve --model smollm2-135m-instruct-q4_1 --offline

Settings stand in freehold.toml or in the environment: see `freehold config show --example`.
The first SIGTERM or Ctrl-C lets running replies finish, the second ends at once.";

    pub(in crate::cli) const ASK: &str = "\
Examples:
  freehold ask \"Summarise the notice period in two sentences.\"
  git diff | freehold ask \"Write a commit message for this.\"
  FREEHOLD_API_KEY=fh_... freehold ask --url https://ai.example \"Hello\"

Without --url the server of the data folder answers, through its control socket. `ask` starts no server.";

    pub(in crate::cli) const DOCTOR: &str = "\
Examples:
  freehold doctor
  freehold doctor --data /srv/freehold --json

Exit code 1 where a check fails; warnings alone exit with 0.";

    pub(in crate::cli) const CONFIG: &str = "\
Examples:
  freehold config show
  freehold config show --example > freehold.toml
  FREEHOLD__SERVER__LISTEN=0.0.0.0:80 freehold config check --config freehold.toml";

    pub(in crate::cli) const MODELS: &str = "\
Examples:
  freehold models list
  freehold models pull smollm2-135m-instruct-q4_1
  freehold models import ./my-model.gguf --name my-model --licence Apache-2.0
  freehold models remove my-model";

    pub(in crate::cli) const PEOPLE: &str = "\
Examples:
  freehold people add ada --display-name \"Ada Byron\" --role user --role builder
  freehold people list --json
  freehold people update ada --role user
  freehold people link ada              # signs her in to the console, once
  freehold people remove ada            # deactivates: records keep their author";

    pub(in crate::cli) const GROUPS: &str = "\
Examples:
  freehold groups add legal --role user
  freehold groups add-member legal ada
  freehold groups show legal";

    pub(in crate::cli) const SERVICES: &str = "\
Examples:
  freehold services add helpdesk --act-for staff
  freehold keys create --service helpdesk --scope act_for
  freehold services remove helpdesk";

    pub(in crate::cli) const KEYS: &str = "\
Examples:
  freehold keys create --person admin
  freehold keys create --service helpdesk --scope act_for --requests-per-minute 600 --json
  freehold keys revoke key_0192...

A key is shown once. It works on the next request after it is made, and no longer on the next after it is revoked.";

    pub(in crate::cli) const TRACES: &str = "\
Examples:
  freehold traces list --limit 5
  freehold traces list --outcome failed --json
  freehold traces show trc_0192...
  freehold traces export --output traces.parquet --since 2026-11-01T00:00:00Z

Through the control socket these are the traces of the person `admin`; with --url, those of the key's holder.";

    pub(in crate::cli) const SOURCES: &str = "\
Examples:
  freehold sources add wiki                                  # an application sends them: PUT /api/v1/sources/wiki/...
  freehold sources add handbook --kind folder --path ./handbook --allow everyone
  freehold sources add shared --kind folder --path /srv/shared --lists posix
  freehold sources add mail --kind mbox --path /var/mail/archive --people-source mail
  freehold sources show handbook                             # how far it is read, and what could not be

A folder is read again when something in it changes. Where a file has a list of its own, that holds.";

    pub(in crate::cli) const SEARCH: &str = "\
Examples:
  freehold search \"How many days of leave do I have?\"
  freehold search --source wiki --limit 3 \"Urlaubsanspruch\"
  FREEHOLD_API_KEY=fh_... freehold search --url https://ai.example \"notice period\"

Through the control socket it is the person `admin` who asks, and finds what lists show `admin`.";

    pub(in crate::cli) const INDEX: &str = "\
Examples:
  freehold index status
  freehold index rebuild               # the present one serves until the new one is whole

The index is a cache: everything in it can be made again from the records, without the model where vectors are kept.";

    pub(in crate::cli) const CAN: &str = "\
Examples:
  freehold can ada read doc_0192... --why
  freehold can ada use smollm2-135m-instruct-q4_1
  freehold can ada read doc_0192... --why --epoch 4711   # as it was then";

    pub(in crate::cli) const AUDIT: &str = "\
Examples:
  freehold audit decisions --allowed false
  freehold audit replay                 # the newest hundred, each given again
  freehold audit replay dec_0192... --json
  freehold audit acts

Exit code 1 where a decision given again is not as it was.";

    pub(in crate::cli) const LAKE: &str = "\
Examples:
  freehold lake status
  freehold lake compact                 # now, and not only in the background
  freehold lake verify

Other programs read the tables through the Iceberg REST catalog at /iceberg, with a key as token.";

    pub(in crate::cli) const BACKUP: &str = "\
Examples:
  freehold backup /mnt/backups/2026-11-22

The server may run. Weights are not in it, only where they came from. Keep DIR/narrowings.log elsewhere too: a restore
replays it.";

    pub(in crate::cli) const RESTORE: &str = "\
Examples:
  freehold restore /mnt/backups/2026-11-22 --data /srv/freehold --narrowings /mnt/old/narrowings.log

The data folder must hold no state. What was taken away or erased since the backup, by the log, is so again.";

    pub(in crate::cli) const BREAK_GLASS: &str = "\
Examples:
  freehold break-glass request --person ada --document doc_0192... --reason \"Court order 7 O 12/26\" \\
    --expires-at 2026-11-22T18:00:00Z
  freehold break-glass approve brk_0192... --url https://ai.example   # another person, with a key of their own
  freehold break-glass end brk_0192...
  freehold break-glass list

It opens the named documents to that person, by their ids, until it expires. Policies still hold.";

    pub(in crate::cli) const ERASURES: &str = "\
Examples:
  freehold erasures create --person ada
  freehold erasures create --subject customer-4711
  freehold erasures create --document doc_...
  freehold erasures list

When it returns, no file of the data folder holds a byte of theirs. Backups made before are not reached.";

    pub(in crate::cli) const COMPLETIONS: &str = "\
Examples:
  freehold completions bash > ~/.local/share/bash-completion/completions/freehold
  freehold completions zsh > \"${fpath[1]}/_freehold\"";
}
