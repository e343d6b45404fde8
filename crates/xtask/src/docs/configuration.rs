//! `docs/configuration.md`: every setting with what it takes, its default and its variable.

use anyhow::{Result, ensure};

const HEAD: &str = "\
# Configuration

Made by `cargo xtask docs` from `docs/freehold.example.toml`, which `freehold config show --example` prints. Settings stand
in `freehold.toml` in the data folder or in the file that `--config` names; the environment overrides the file, flags
override the environment. `freehold config show` lists what is in force and where it comes from, `freehold config check`
says what is wrong. A key that nobody knows is an error.
";

/// Makes the reference from the example file.
pub(super) fn write(example: &str) -> Result<String> {
    let mut text = HEAD.to_owned();
    let mut count = 0;
    let mut blocks = example.trim_end().split("\n\n");
    table(&mut text, "Before all sections", "");
    // The first block is the file's own heading.
    blocks.next();
    for block in blocks {
        match block.lines().collect::<Vec<_>>().as_slice() {
            [about, section] if section.starts_with('[') => {
                table(&mut text, section.trim_matches(['[', ']']), about.trim_start_matches("# "));
            }
            [help, takes, setting] => {
                count += 1;
                text.push_str(&row(help, takes, setting));
            }
            upstreams => {
                let example: Vec<_> = upstreams.iter().map(|line| line.trim_start_matches("# ")).collect();
                let (about, lines) = example.split_at(2.min(example.len()));
                text.push_str(&format!(
                    "\n## upstreams\n\n{}\n\n```toml\n{}\n```\n",
                    about.join("\n"),
                    lines.join("\n")
                ));
            }
        }
    }
    ensure!(count > 0, "it holds no setting");
    Ok(text)
}

fn table(text: &mut String, section: &str, about: &str) {
    text.push_str(&format!("\n## {section}\n\n"));
    if !about.is_empty() {
        text.push_str(&format!("{about}\n\n"));
    }
    text.push_str("| key | default or example | meaning |\n|---|---|---|\n");
}

fn row(help: &str, takes: &str, setting: &str) -> String {
    let plain = |line: &str| line.trim_start_matches("# ").replace('|', "\\|");
    let setting = plain(setting);
    let (key, value) = setting.split_once(" = ").unwrap_or((&setting, ""));
    let takes = plain(takes);
    let (takes, variable) = takes.split_once(". Environment: ").unwrap_or((&takes, ""));
    format!("| `{key}` | `{value}` | {} {takes}. `{variable}` |\n", plain(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_told_with_its_default_and_its_variable() {
        let example = "# Settings.\n\n# Refuse.\n# Takes true or false. Environment: FREEHOLD__OFFLINE\n# offline = false\n\n\
                       # The door.\n[server]\n\n# Port.\n# Takes a number. Environment: FREEHOLD__SERVER__PORT\n# port = 1\n\n\
                       # Others.\n# Egress.\n# [[upstreams]]\n# name = \"gpu\"\n";
        let text = write(example).unwrap();
        assert!(
            text.contains("| `offline` | `false` | Refuse. Takes true or false. `FREEHOLD__OFFLINE` |\n"),
            "{text}"
        );
        assert!(text.contains("## server\n\nThe door.\n\n| key"), "{text}");
        assert!(text.contains("```toml\n[[upstreams]]\nname = \"gpu\"\n```"), "{text}");
        assert!(write("nothing").is_err());
    }
}
