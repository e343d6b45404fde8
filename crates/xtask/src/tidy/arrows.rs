//! Which crate may use which. The table is the project's design; the only way to widen it is to edit it here.
//! INVARIANT: an arrow that is not in `ARROWS` does not build past `tidy`.

use super::Violation;
use super::tree::Tree;

/// A crate and the crates of this workspace that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("access", &["domain"]),
    ("wire", &["domain"]),
    ("weights", &["domain"]),
    ("store", &["domain", "access", "lake"]),
    ("lake", &["domain", "access"]),
    ("knowledge", &["domain", "access"]),
    ("models", &["domain", "wire", "weights"]),
    ("engine", &["domain", "wire", "weights"]),
    ("trainer", &["domain", "weights"]),
    ("forge", &["domain"]),
    ("app", &["domain", "access", "wire", "weights", "store", "lake", "knowledge", "models", "forge"]),
    ("server", &["app", "domain", "wire", "access"]),
    (
        "freehold",
        &[
            "domain",
            "access",
            "wire",
            "weights",
            "store",
            "lake",
            "knowledge",
            "models",
            "engine",
            "trainer",
            "forge",
            "app",
            "server",
        ],
    ),
    ("xtask", &[]),
];

/// A dependency from outside that only the named crates may have, and why.
const HEAVY: &[(&str, &[&str], &str)] = &[
    ("sqlx", &["store"], "the only SQL stands there"),
    ("llama-cpp-2", &["engine"], "a fault in it may end a child process, never the door"),
    ("llama-cpp-sys-2", &["engine"], "a fault in it may end a child process, never the door"),
    ("anyhow", &["freehold", "xtask"], "every other crate has an error type of its own"),
];

/// A crate that stays free of I/O and async, with what that keeps out.
const PURE: &[&str] = &["domain", "access", "wire", "forge"];
const IMPURE: &[&str] = &["tokio", "axum", "hyper", "reqwest", "sqlx", "rustix", "libc"];

/// No arrow between crates but those of the table.
pub(super) fn crate_arrows(tree: &Tree) -> Vec<Violation> {
    let ours = |name: &str| ARROWS.iter().find(|(crate_name, _)| *crate_name == name);
    let mut violations = Vec::new();
    for package in &tree.packages {
        let manifest = format!("crates/{}/Cargo.toml", package.name);
        let Some((_, allowed)) = ours(&package.name) else {
            violations.push(Violation::at(
                &manifest,
                0,
                "a crate the design does not name: add it to ARROWS in crates/xtask",
            ));
            continue;
        };
        for used in package.dependencies.iter().filter(|used| ours(used).is_some()) {
            if !allowed.contains(&used.as_str()) {
                let message =
                    format!("`{}` may not use `{used}`: move the code, or the table in crates/xtask", package.name);
                violations.push(Violation::at(&manifest, 0, message));
            }
        }
    }
    violations
}

/// Heavy dependencies stay where they belong, and pure crates stay pure.
pub(super) fn heavy_dependencies(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in &tree.packages {
        let manifest = format!("crates/{}/Cargo.toml", package.name);
        for used in &package.dependencies {
            for (name, holders, reason) in HEAVY {
                if used == name && !holders.contains(&package.name.as_str()) {
                    let message = format!("`{name}` is only for {}: {reason}", holders.join(" and "));
                    violations.push(Violation::at(&manifest, 0, message));
                }
            }
            if PURE.contains(&package.name.as_str()) && IMPURE.contains(&used.as_str()) {
                let message = format!("`{}` does no I/O and no async: move what needs `{used}`", package.name);
                violations.push(Violation::at(&manifest, 0, message));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(rule: fn(&Tree) -> Vec<Violation>, package: &str, dependency: &str) -> usize {
        rule(&Tree::of_packages(&[(package, &[dependency])])).len()
    }

    #[test]
    fn only_listed_arrows_pass() {
        assert_eq!(broken(crate_arrows, "access", "domain"), 0);
        assert_eq!(broken(crate_arrows, "domain", "access"), 1);
        assert_eq!(broken(crate_arrows, "server", "store"), 1);
        assert_eq!(broken(crate_arrows, "app", "engine"), 1);
        assert_eq!(broken(crate_arrows, "app", "serde"), 0);
        assert_eq!(broken(crate_arrows, "helpers", "domain"), 1);
    }

    #[test]
    fn the_table_has_no_cycle() {
        let position = |name: &str| {
            fn depth(name: &str) -> usize {
                let (_, allowed) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name).unwrap();
                allowed.iter().map(|next| depth(next) + 1).max().unwrap_or(0)
            }
            depth(name)
        };
        for (name, allowed) in ARROWS {
            assert!(allowed.iter().all(|next| position(next) < position(name)), "{name}");
        }
    }

    #[test]
    fn heavy_dependencies_stay_where_they_belong() {
        assert_eq!(broken(heavy_dependencies, "store", "sqlx"), 0);
        assert_eq!(broken(heavy_dependencies, "app", "sqlx"), 1);
        assert_eq!(broken(heavy_dependencies, "models", "llama-cpp-2"), 1);
        assert_eq!(broken(heavy_dependencies, "domain", "tokio"), 1);
        assert_eq!(broken(heavy_dependencies, "models", "tokio"), 0);
    }
}
