//! Settings: what is wrong is named with its place and what is allowed.

use std::path::Path;

use expect_test::{Expect, expect, expect_file};

use super::server::{complaint, freehold, in_folder, json, run};

fn check_file(text: &str, expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("freehold.toml"), text).unwrap();
    refused(folder.path(), &[], expected);
}

fn refused(folder: &Path, environment: &[(&str, &str)], expected: Expect) {
    let output = freehold(folder).args(["config", "check"]).envs(environment.iter().copied()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", complaint(&output, folder));
    expected.assert_eq(&complaint(&output, folder));
}

#[test]
fn an_unknown_key_is_named_with_its_neighbour() {
    check_file(
        "[server]\nlisten = \"[::]:80\"\nlissen = \"x\"\n",
        expect![[r#"
          × DIR/freehold.toml:3: there is no setting 'server.lissen'
          help: did you mean 'server.listen'? `freehold config show --example` lists every key
    "#]],
    );
    check_file(
        "[knowledge]\nsources = 3\n",
        expect![[r#"
          × DIR/freehold.toml:2: there is no setting 'knowledge.sources'
          help: `freehold config show --example` lists every key
    "#]],
    );
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    check_file(
        "[server]\nlisten = \"localhost\"\n",
        expect![[r#"
          × DIR/freehold.toml:2: "localhost" is not allowed for 'server.listen'
          help: 'server.listen' takes an IP address and a port, such as 127.0.0.1:7878 or [::]:7878
    "#]],
    );
    check_file(
        "[server]\nlisten = 7878\n",
        expect![[r#"
          × DIR/freehold.toml:2: 7878 is not allowed for 'server.listen'
          help: 'server.listen' takes an IP address and a port, such as 127.0.0.1:7878 or [::]:7878
    "#]],
    );
    check_file(
        "[models]\nslots = 0\n",
        expect![[r#"
          × DIR/freehold.toml:2: 0 is not allowed for 'models.slots'
          help: 'models.slots' takes a whole number from 1 to 64
    "#]],
    );
    check_file(
        "offline = \"yes\"\n",
        expect![[r#"
          × DIR/freehold.toml:1: "yes" is not allowed for 'offline'
          help: 'offline' takes true or false
    "#]],
    );
}

#[test]
fn a_file_that_is_not_toml_is_named_with_its_line() {
    check_file(
        "[server]\n\nlisten = \n",
        expect![[r#"
          × DIR/freehold.toml:3: this is not TOML: string values must be quoted, expected literal string
          help: correct that line; `freehold config show --example` prints a file that is right
    "#]],
    );
}

#[test]
fn what_does_not_go_together_is_refused() {
    check_file(
        "[server]\ntls_cert = \"cert.pem\"\n",
        expect![[r#"
          × DIR/freehold.toml:2: 'server.tls_cert' is set without 'server.tls_key'
          help: TLS needs both; without both the door speaks plain HTTP
    "#]],
    );
    check_file(
        "[data]\ndir = \"elsewhere\"\n",
        expect![[r#"
          × DIR/freehold.toml:2: 'data.dir' cannot stand in the file that lies in the data folder
          help: remove it there, and name the folder with --data DIR, or the file with --config FILE
    "#]],
    );
    check_file(
        "[[upstreams]]\nname = \"gpu\"\n",
        expect![[r#"
          × DIR/freehold.toml:1: upstreams[0]: missing field `kind`
          help: `freehold config show --example` shows an upstream that is right
    "#]],
    );
    check_file(
        "[[upstreams]]\nname = \"gpu\"\nkind = { remote = { base_url = \"ftp://x\" } }\nmodels = []\n",
        expect![[r#"
            × DIR/freehold.toml:1: upstreams[0]: upstream 'gpu': kind.remote.base_url: must begin with http:// or https:// and name a host
            help: `freehold config show --example` shows an upstream that is right
        "#]],
    );
}

#[test]
fn a_variable_is_named_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    refused(
        folder.path(),
        &[("FREEHOLD__SERVER__LISSEN", "[::]:80")],
        expect![[r#"
          × environment FREEHOLD__SERVER__LISSEN: there is no setting 'server.lissen'
          help: did you mean 'server.listen'? `freehold config show --example` lists every key
    "#]],
    );
    refused(
        folder.path(),
        &[("FREEHOLD__MODELS__SLOTS", "many")],
        expect![[r#"
          × environment FREEHOLD__MODELS__SLOTS: "many" is not allowed for 'models.slots'
          help: 'models.slots' takes a whole number from 1 to 64
    "#]],
    );
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = in_folder(folder.path(), "settings.toml");
    std::fs::write(
        &file,
        "[models]\nslots = 2\ncontext = 512\n[log]\nlevel = \"warn\"\n[data]\ndatabase_url = \"postgres://u:p@h/d\"\n",
    )
    .unwrap();
    let output = freehold(folder.path())
        .args(["--config", &file, "--json", "config", "show"])
        .env("FREEHOLD__MODELS__SLOTS", "3")
        .env("FREEHOLD__DATA__DIR", "/nowhere")
        .output()
        .unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let dir = folder.path().to_string_lossy().into_owned();
    let shown = |key: &str| {
        let row = rows.iter().find(|row| row["key"] == key).unwrap();
        format!("{} from {}", row["value"], row["origin"].as_str().unwrap()).replace(&dir, "DIR")
    };
    assert_eq!(shown("data.dir"), "\"DIR\" from flag --data");
    assert_eq!(shown("models.slots"), "3 from environment FREEHOLD__MODELS__SLOTS");
    assert_eq!(shown("models.context"), "512 from DIR/settings.toml:3");
    assert_eq!(shown("data.database_url"), "\"********\" from DIR/settings.toml:7");
    assert_eq!(shown("models.dir"), "\"DIR/models\" from default");
    assert_eq!(shown("server.tls_cert"), "null from default");
}

#[test]
fn the_example_file_is_as_written_and_right_in_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let example = String::from_utf8(run(folder.path(), &["config", "show", "--example"]).stdout).unwrap();
    expect_file!["../../../../docs/freehold.example.toml"].assert_eq(&example);
    // A line of the form `# key = value` is meant to be uncommented.
    let is_setting =
        |line: &str| line.starts_with("[[") || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let uncommented: Vec<&str> = example
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line))
        .filter(|line| !line.starts_with("dir = \"/var/lib/freehold\""))
        .collect();
    assert!(uncommented.len() > 100 && uncommented.contains(&"[[upstreams]]"));
    std::fs::write(folder.path().join("freehold.toml"), uncommented.join("\n")).unwrap();
    let output = freehold(folder.path()).args(["config", "check"]).env("GPU_API_KEY", "secret").output().unwrap();
    assert!(output.status.success(), "{}", complaint(&output, folder.path()));
}

#[test]
fn an_upstream_hides_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[[upstreams]]\nname = \"gpu\"\nkind = { remote = { base_url = \"http://gpu:8000/v1\" } }\n\
                api_key = \"sk-very-secret\"\nlocality = \"local\"\nmodels = [{ name = \"big\" }]\n";
    std::fs::write(folder.path().join("freehold.toml"), text).unwrap();
    let shown = json(folder.path(), &["config", "show"]).to_string();
    assert!(shown.contains("http://gpu:8000/v1") && !shown.contains("sk-very-secret"), "{shown}");
}
