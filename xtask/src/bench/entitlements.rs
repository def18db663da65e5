//! Separation of duties at the size of a large body, roles mined from published access, injected grants found again:
//! measured by the example `measure` of the crate `entitlements`.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::report::Section;
use crate::{platform, shell};

/// Full analysis and the check of one request.
pub fn sod() -> Result<Section> {
    let found = measure("sod", &[])?;
    let Some(found) = found.first() else { bail!("nothing was measured") };
    let ms = |name: &str| format!("{:.2} ms", number(&found[name]));
    let what = format!(
        "100,000 users in ten groups each, 20,000 nested groups with circles ({} memberships after closing), 20,000 \
         entitlements, 1,000 rules with five entitlements a side; generated from a seed. {} violations. The closure is \
         computed anew; a request asks for two groups and an entitlement of its own, 500 people at random, {} stopped.",
        found["memberships"], found["violations"], found["stopped"]
    );
    let rows = vec![
        row("closure, all rules, wall time", "≤ 1 s", ms("full_ms")),
        row("— processor time, both threads", "", ms("full_cpu_ms")),
        row("— of this the rules, wall time", "", ms("rules_ms")),
        row(
            "check of one request, median / 99th percentile",
            "≤ 5 ms",
            format!("{} / {}", ms("check_median_ms"), ms("check_p99_ms")),
        ),
        row("— processor time, worst", "", ms("check_cpu_worst_ms")),
        row("every violation of one person with both paths, processor time, worst", "", ms("explain_cpu_worst_ms")),
    ];
    Ok(Section { name: "sod", what, rows })
}

/// Best published numbers of roles: Ene and others 2008 and the decompositions of RoleMining/ConstrainedRM.
const PUBLISHED: [(&str, u64, u64); 9] = [
    ("hc", 14, 268),
    ("domino", 20, 754),
    ("emea", 34, 7_280),
    ("apj", 453, 4_867),
    ("fire1", 64, 2_019),
    ("fire2", 10, 1_120),
    ("americas_small", 178, 11_217),
    ("americas_large", 398, 91_237),
    ("customer", 276, 45_845),
];

/// Roles of each set: as few as possible, and as light as possible.
pub fn roles() -> Result<Section> {
    let found = measure("roles", &sets()?)?;
    let mut rows = Vec::new();
    for set in &found {
        let name = set["set"].as_str().unwrap_or_default();
        let (target, weight) = published(name);
        let proven = if set["roles"] == set["at_least"] {
            ", proven least".to_owned()
        } else {
            format!(", ≥ {} proven", set["at_least"])
        };
        rows.push(row(
            &format!("{name}: fewest roles"),
            &target,
            format!("{}{proven}; weight {}; {:.2} s", set["roles"], set["weight"], number(&set["ms"]) / 1e3),
        ));
        rows.push(row(
            &format!("{name}: least weight"),
            &weight,
            format!(
                "{} with {} roles; {:.2} s",
                set["light_weight"],
                set["light_roles"],
                number(&set["light_ms"]) / 1e3
            ),
        ));
    }
    let what = "Access of real organisations (RoleMining/ConstrainedRM), one seed, 10 million steps, one thread. Weight: \
                roles + user assignments + permission assignments. Every cover is expanded and compared with the input bit \
                by bit. Targets: the best of the published decompositions."
        .to_owned();
    Ok(Section { name: "roles", what, rows })
}

/// What a reviewer finds who looks at one grant in twenty.
pub fn outliers() -> Result<Section> {
    let found = measure("outliers", &sets()?)?;
    let percent = |value: &Value| format!("{:.1} %", number(value) * 100.0);
    let line = |set: &Value| {
        row(
            &format!(
                "{} ({} grants): recall, mean / worst of {} rounds",
                set["set"].as_str().unwrap_or_default(),
                set["grants"],
                set["rounds"]
            ),
            "≥ 90 %",
            format!(
                "{} / {}; precision {} (20 % is the most possible); {:.0} ms",
                percent(&set["recall"]),
                percent(&set["worst_recall"]),
                percent(&set["precision"]),
                number(&set["ms"])
            ),
        )
    };
    let what =
        "The same sets; one random grant added for every hundred, and the twentieth of all grants looked at that \
                scores highest. No attributes of people are known in these sets: peers are those with similar access."
            .to_owned();
    Ok(Section { name: "outliers", what, rows: found.iter().map(line).collect() })
}

fn published(name: &str) -> (String, String) {
    let known = PUBLISHED.iter().find(|(set, ..)| *set == name);
    known.map_or_else(Default::default, |(_, roles, weight)| (format!("≤ {roles}"), format!("≤ {weight}")))
}

fn sets() -> Result<Vec<String>> {
    let folder = shell::shared_data().map(|data| data.join("roles")).filter(|folder| folder.is_dir());
    let folder = folder.context("these figures need the shared data (roles/*.txt): set VIGIE_SHARED_DATA")?;
    let mut files: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    files.sort();
    Ok(files)
}

fn measure(what: &str, files: &[String]) -> Result<Vec<Value>> {
    let root = shell::root();
    shell::run(
        &root,
        &shell::cargo(),
        &["build", "--release", "--locked", "-p", "entitlements", "--example", "measure"],
    )?;
    let program = platform::target(&root).join("release/examples/measure");
    let output = Command::new(program).arg(what).args(files).output().context("starting the measurement")?;
    if !output.status.success() {
        bail!("{what}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let lines = String::from_utf8(output.stdout).context("reading what was measured")?;
    lines.lines().map(|line| serde_json::from_str(line).context("reading what was measured")).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn row(measure: &str, target: &str, result: String) -> [String; 3] {
    [measure.to_owned(), target.to_owned(), result]
}
