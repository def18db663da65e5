//! Words that the repository does not use: empty names, unfinished work, traces of a workplace.

use super::Findings;
use super::source::File;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "misc", "manager"];

/// Left and right mean nothing to a right-to-left reader: the console uses logical properties.
const PHYSICAL_CSS: [&str; 8] = [
    "margin-left",
    "margin-right",
    "padding-left",
    "padding-right",
    "border-left",
    "border-right",
    "text-align: left",
    "text-align: right",
];

/// Checks every file.
pub fn check(files: &[File]) -> Findings {
    let mut findings = Findings::new();
    for file in files {
        check_name(file, &mut findings);
        for (index, line) in file.text.lines().enumerate() {
            let place = || format!("{}:{}", file.path, index + 1);
            if is_prose_or_code(&file.path) {
                check_line(line, &place, &mut findings);
            }
            if is_style(&file.path)
                && let Some(word) = PHYSICAL_CSS.iter().find(|word| line.contains(**word))
            {
                findings.push(format!("{}: `{word}`: use the logical property (inline-start/-end)", place()));
            }
        }
    }
    findings
}

fn check_name(file: &File, findings: &mut Findings) {
    let stems = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    for stem in stems {
        if EMPTY_NAMES.contains(&stem.to_ascii_lowercase().as_str()) {
            findings.push(format!("{}: `{stem}` says nothing: name it after what it does", file.path));
        }
    }
}

fn check_line(line: &str, place: &dyn Fn() -> String, findings: &mut Findings) {
    let unfinished = ["TO", "DO"].concat();
    let fix = ["FIX", "ME"].concat();
    if (line.contains(&unfinished) || line.contains(&fix)) && !line.contains('#') {
        findings.push(format!("{}: unfinished work without an issue number", place()));
    }
    let roots = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat(), ["/home", "/"].concat()];
    if let Some(path) = roots.iter().find(|path| line.contains(path.as_str())) {
        findings.push(format!("{}: a path of one machine (`{path}…`)", place()));
    }
    let hosts = [["registry.", "npmjs"].concat(), ["static.", "crates.io"].concat(), ["deb.", "debian.org"].concat()];
    if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
        findings.push(format!("{}: names a package registry's host (`{host}`)", place()));
    }
}

/// Data files may contain anything that a log may contain.
fn is_prose_or_code(path: &str) -> bool {
    let data = path.contains("/corpus/") || path.contains("/fixtures/") || path.contains("/specs/data/");
    let kinds = [".rs", ".md", ".toml", ".ts", ".svelte", ".css", ".sh", ".py", ".json", ".html", ".yml", ".sql"];
    !data && (kinds.iter().any(|kind| path.ends_with(kind)) || path == ".ci/run")
}

fn is_style(path: &str) -> bool {
    path.starts_with("console/src/") && (path.ends_with(".css") || path.ends_with(".svelte"))
}
