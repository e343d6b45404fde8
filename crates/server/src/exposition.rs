//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};

use app::{Histogram, LATENCY_BOUNDS_SECONDS};

/// Metrics being written.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

/// Labels and their values.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    /// Begins a metric: what it is and how it behaves (`counter`, `gauge`, `histogram`).
    pub(crate) fn begin(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One value of the metric that was begun.
    pub(crate) fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"{}\"", escaped(value));
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    /// A histogram of seconds of the metric that was begun.
    pub(crate) fn histogram(&mut self, name: &str, labels: Labels<'_>, histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        for (bound, count) in LATENCY_BOUNDS_SECONDS.iter().zip(histogram.buckets) {
            let bound = bound.to_string();
            self.sample(&bucket, &[labels, &[("le", bound.as_str())]].concat(), count);
        }
        self.sample(&bucket, &[labels, &[("le", "+Inf")]].concat(), histogram.count);
        self.sample(&format!("{name}_sum"), labels, histogram.sum_seconds);
        self.sample(&format!("{name}_count"), labels, histogram.count);
    }

    /// The whole text.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn labels_are_escaped_and_buckets_are_cumulative() {
        let mut text = Exposition::default();
        text.begin("a_total", "counter", "Things.");
        text.sample("a_total", &[("name", "x\"\\\n")], 1);
        text.sample("b", &[], 0.5);
        expect![[r#"
            # HELP a_total Things.
            # TYPE a_total counter
            a_total{name="x\"\\\n"} 1
            b 0.5
        "#]]
        .assert_eq(&text.into_text());
    }
}
