//! The command line itself: helps, completions, wrong arguments.

use expect_test::{expect, expect_file};

use super::server::{complaint, freehold, run};

const COMMANDS: [&[&str]; 20] = [
    &[],
    &["serve"],
    &["ask"],
    &["doctor"],
    &["config"],
    &["config", "show"],
    &["models"],
    &["models", "pull"],
    &["models", "import"],
    &["people"],
    &["people", "add"],
    &["groups"],
    &["groups", "add-member"],
    &["services"],
    &["services", "add"],
    &["keys"],
    &["keys", "create"],
    &["traces"],
    &["traces", "list"],
    &["completions"],
];

#[test]
fn helps_are_as_written_and_every_command_has_examples() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = String::new();
    for command in COMMANDS {
        let output = freehold(folder.path()).args(command).arg("--help").env("COLUMNS", "100").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(command.len() != 1 || help.contains("Examples:"), "{command:?}");
        all.push_str(&format!("$ freehold {} --help\n{help}\n", command.join(" ")));
    }
    expect_file!["./help.txt"].assert_eq(&all);
}

#[test]
fn wrong_arguments_end_with_2_and_say_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["serv"][..], &["keys", "create"], &["keys", "create", "--person", "a", "--service", "b"], &["ask"]]
    {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(complaint(&output, folder.path()).contains("--help"), "{arguments:?}");
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(folder.path(), &["completions", shell]);
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("traces"), "{shell}");
    }
}

#[test]
fn a_question_without_a_server_says_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["ask", "Hello"]);
    assert_eq!(output.status.code(), Some(4));
    expect![[r#"
        × no answer from DIR/control.sock: no server is running on this data folder
        help: start one in another terminal: freehold serve --data DIR
        or ask another server: --url URL with its key in FREEHOLD_API_KEY
    "#]]
    .assert_eq(&complaint(&output, folder.path()));
}
