//! The machine: processor, limits.

use super::Check;

/// Fewer open files than this and few people can be connected at once.
const FEW_FILES: u64 = 4_096;

pub(super) fn checks() -> Vec<Check> {
    vec![processor(), files()]
}

fn processor() -> Check {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let features = features();
    let detail = format!(
        "{threads} threads, {}",
        if features.is_empty() { "no vector units".to_owned() } else { features.join(" ") }
    );
    if cfg!(target_arch = "x86_64") && !features.contains(&"avx2") {
        let mend =
            "models will answer slowly: use a processor from 2015 or later, or a server with a GPU as an upstream";
        return Check::warn("processor", detail, mend);
    }
    Check::ok("processor", detail)
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    let found = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("f16c", std::arch::is_x86_feature_detected!("f16c")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512vnni", std::arch::is_x86_feature_detected!("avx512vnni")),
        ("avx512bf16", std::arch::is_x86_feature_detected!("avx512bf16")),
        ("avxvnni", std::arch::is_x86_feature_detected!("avxvnni")),
    ];
    found.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<&'static str> {
    let found = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("dotprod", std::arch::is_aarch64_feature_detected!("dotprod")),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ];
    found.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<&'static str> {
    Vec::new()
}

fn files() -> Check {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    match limit {
        Some(most) if most < FEW_FILES => {
            let detail = format!("at most {most} at once, each connection takes one");
            Check::warn(
                "open files",
                detail,
                "raise the hard limit: `ulimit -Hn 65536`, or LimitNOFILE= of a systemd unit",
            )
        }
        Some(most) => Check::ok("open files", format!("up to {most}")),
        None => Check::ok("open files", "no limit"),
    }
}
