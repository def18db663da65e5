//! Rules from files and folders. Every file is accounted for: loaded, refused with a reason, or not YAML.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::Severity;
use kernel::diagnostic::Level;
use rsigma_parser::{self as syntax, FilterRuleTarget, SigmaCollection};
use sha2::{Digest, Sha256};

use crate::LogSource;
use crate::correlation::{self, Correlation, Draft};
use crate::detection::Condition;
use crate::lower::{self, Refusal};
use crate::problem::{Fault, Problem, line_of};
use crate::rule::{Rule, Status};
use crate::value::Lists;

/// A rule file larger than this is refused.
const MAX_FILE_BYTES: u64 = 8 << 20;

/// What loading gave.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// In the order of the paths given, then of file names.
    pub rules: Vec<Arc<Rule>>,
    /// Each after those that it names. Their rules are among `rules`.
    pub correlations: Vec<Arc<Correlation>>,
    /// What was refused, and what was loaded with a flaw.
    pub problems: Vec<Problem>,
    /// YAML files read.
    pub files: usize,
    /// Files that are not YAML by their name, and were left alone.
    pub ignored: Vec<PathBuf>,
}

/// What one file gave, before rules meet those of other files.
#[derive(Default)]
struct Read {
    rules: Vec<Rule>,
    correlations: Vec<Draft>,
    filters: Vec<Filter>,
    problems: Vec<Problem>,
}

/// An exclusion that is added to other rules.
struct Filter {
    title: String,
    file: PathBuf,
    /// `None`: every rule of the log source.
    targets: Option<Vec<String>>,
    logsource: LogSource,
    condition: Condition,
}

/// Texts and files on their way to one set of rules, in which filters and correlations find the rules that they name,
/// wherever those came from.
pub struct Loader<'a> {
    lists: &'a Lists,
    set: RuleSet,
    reads: Vec<Read>,
}

impl<'a> Loader<'a> {
    /// Nothing yet; `lists` gives the values of placeholders.
    pub fn new(lists: &'a Lists) -> Loader<'a> {
        Loader { lists, set: RuleSet::default(), reads: Vec::new() }
    }

    /// One text, as if it were the file `name`.
    pub fn text(mut self, name: &Path, text: &str) -> Loader<'a> {
        self.set.files += 1;
        self.reads.push(read_text(name, text, self.lists));
        self
    }

    /// Every `.yml` and `.yaml` file in `paths`, folders walked, links not followed.
    pub fn paths(mut self, paths: &[PathBuf]) -> Loader<'a> {
        let mut files = Vec::new();
        for path in paths {
            for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
                match entry {
                    Ok(entry) if entry.file_type().is_dir() => {}
                    Ok(entry) if is_yaml(entry.path()) => files.push(entry.into_path()),
                    Ok(entry) => self.set.ignored.push(entry.into_path()),
                    Err(error) => {
                        let file = error.path().unwrap_or(path).to_owned();
                        self.set.problems.push(Fault::Unreadable.at(&file, None, None, error.to_string()));
                    }
                }
            }
        }
        self.set.files += files.len();
        self.reads.extend(read_all(&files, self.lists));
        self
    }

    /// Puts them together. Of two rules with one id the first that was given stands.
    pub fn finish(self) -> RuleSet {
        join(self.set, self.reads)
    }
}

/// Loads the rules of files and folders.
pub fn load(paths: &[PathBuf], lists: &Lists) -> RuleSet {
    Loader::new(lists).paths(paths).finish()
}

/// Loads the rules of one text, as if it were the file `name`.
pub fn load_text(name: &Path, text: &str, lists: &Lists) -> RuleSet {
    Loader::new(lists).text(name, text).finish()
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("yml") || end.eq_ignore_ascii_case("yaml"))
}

/// Reads files on all cores, keeping their order.
fn read_all(files: &[PathBuf], lists: &Lists) -> Vec<Read> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = files
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(|file| read_guarded(file, lists)).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("a panic stays within its file")).collect()
    })
}

/// A fault of the parser costs the one file that met it.
fn read_guarded(file: &Path, lists: &Lists) -> Read {
    std::panic::catch_unwind(|| read_file(file, lists)).unwrap_or_else(|_| Read {
        problems: vec![Fault::NotARule.at(file, None, None, "the parser failed on this file".to_owned())],
        ..Read::default()
    })
}

fn read_file(file: &Path, lists: &Lists) -> Read {
    let refuse =
        |reason: String| Read { problems: vec![Fault::Unreadable.at(file, None, None, reason)], ..Read::default() };
    let bytes = match std::fs::metadata(file).map(|metadata| metadata.len()) {
        Ok(length) if length > MAX_FILE_BYTES => return refuse(format!("the file has {length} bytes")),
        Ok(_) => std::fs::read(file),
        Err(error) => Err(error),
    };
    match bytes.map(String::from_utf8) {
        Ok(Ok(text)) => read_text(file, &text, lists),
        Ok(Err(error)) => {
            let at = error.utf8_error().valid_up_to();
            refuse(format!("the file is not UTF-8 at byte {at}"))
        }
        Err(error) => refuse(error.to_string()),
    }
}

fn read_text(file: &Path, text: &str, lists: &Lists) -> Read {
    let mut read = Read::default();
    let mut collection = match syntax::parse_sigma_yaml(text) {
        Ok(collection) => collection,
        Err(error) => {
            let reason = error.to_string();
            read.problems.push(Fault::NotARule.at(file, named_line(text, &reason), None, reason));
            return read;
        }
    };
    if collection.is_empty() && !collection.has_errors() {
        let reason = "the file holds no rule".to_owned();
        read.problems.push(Fault::NotARule.at(file, None, None, reason));
        return read;
    }
    let source = Source { file, text: Arc::from(text), sha256: hex::encode(Sha256::digest(text)), lists };
    let correlations = std::mem::take(&mut collection.correlations);
    let correlated = correlation::read_all(file, &source.text, &source.sha256, correlations, &mut collection.errors);
    note_errors(file, text, &collection, &mut read);
    read.correlations = correlated.drafts;
    read.problems.extend(correlated.problems);
    for rule in collection.rules {
        let name = rule.id.clone().unwrap_or_else(|| rule.title.clone());
        match source.rule(rule, read.rules.len()) {
            Ok(rule) => read.rules.push(rule),
            Err(refusal) => read.problems.push(source.refused(refusal, name)),
        }
    }
    for filter in collection.filters {
        let name = filter.id.clone().unwrap_or_else(|| filter.title.clone());
        match source.filter(filter) {
            Ok(filter) => read.filters.push(filter),
            Err(refusal) => read.problems.push(source.refused(refusal, name)),
        }
    }
    read
}

/// The parser's errors are of two kinds: a document that gave nothing, and a flaw in one that is used all the same.
fn note_errors(file: &Path, text: &str, collection: &SigmaCollection, read: &mut Read) {
    for error in &collection.errors {
        let fault = if error.starts_with("YAML") {
            Fault::NotYaml
        } else if is_metadata_flaw(error) {
            Fault::Metadata
        } else if correlation::is_of_correlation(error) {
            Fault::BadCorrelation
        } else if error.starts_with("Missing required field") {
            Fault::NotARule
        } else if error.contains("modifier") || error.contains("ondition") || error.contains("etection") {
            Fault::BadDetection
        } else {
            Fault::NotARule
        };
        let reason = error.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let rule = collection.rules.first().map(|rule| rule.id.clone().unwrap_or_else(|| rule.title.clone()));
        read.problems.push(fault.at(file, named_line(text, error), rule, reason));
    }
}

fn is_metadata_flaw(error: &str) -> bool {
    ["related[", "'related'", "invalid ", "'sigma-version'", "sigma-version"].iter().any(|flaw| error.starts_with(flaw))
}

/// The line that an error speaks of: `at line 7 column 3`, or that of the word it quotes.
fn named_line(text: &str, error: &str) -> Option<u32> {
    if let Some((_, rest)) = error.split_once("line ") {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(line) = digits.parse() {
            return Some(line);
        }
    }
    if correlation::is_of_correlation(error) {
        return line_of(text, "correlation:");
    }
    if error.contains("ondition") {
        return line_of(text, "condition:");
    }
    error.split(['\'', '`']).nth(1).and_then(|quoted| line_of(text, quoted))
}

/// The file that rules are being read from.
struct Source<'a> {
    file: &'a Path,
    text: Arc<str>,
    sha256: String,
    lists: &'a Lists,
}

impl Source<'_> {
    fn rule(&self, rule: syntax::SigmaRule, number: usize) -> Result<Rule, Refusal> {
        let conditions = lower::conditions(&rule.detection, self.lists)?;
        let id = rule.id.unwrap_or_else(|| match number {
            0 => format!("sha256:{}", &self.sha256[..16]),
            later => format!("sha256:{}#{later}", &self.sha256[..16]),
        });
        let mut detections: Vec<String> = rule.detection.named.into_keys().collect();
        detections.sort();
        Ok(Rule {
            id,
            detections,
            name: rule.name,
            title: rule.title,
            severity: rule.level.map_or(Severity::Medium, severity),
            status: rule.status.map(status),
            description: rule.description.unwrap_or_default(),
            author: rule.author.unwrap_or_default(),
            references: rule.references,
            tags: rule.tags,
            falsepositives: rule.falsepositives,
            date: rule.date,
            modified: rule.modified,
            logsource: logsource(rule.logsource),
            conditions,
            file: self.file.to_owned(),
            text: Arc::clone(&self.text),
            sha256: self.sha256.clone(),
        })
    }

    fn filter(&self, filter: syntax::FilterRule) -> Result<Filter, Refusal> {
        let conditions = lower::conditions(&filter.detection, self.lists)?;
        Ok(Filter {
            title: filter.title,
            file: self.file.to_owned(),
            targets: match filter.rules {
                FilterRuleTarget::Any => None,
                FilterRuleTarget::Specific(names) => Some(names),
            },
            logsource: filter.logsource.map(logsource).unwrap_or_default(),
            condition: Condition::Or(conditions),
        })
    }

    fn refused(&self, refusal: Refusal, rule: String) -> Problem {
        refusal.fault.at(self.file, line_of(&self.text, &refusal.near), Some(rule), refusal.reason)
    }
}

fn logsource(source: syntax::LogSource) -> LogSource {
    LogSource { product: source.product, category: source.category, service: source.service }
}

pub(crate) fn severity(level: syntax::Level) -> Severity {
    match level {
        syntax::Level::Informational => Severity::Informational,
        syntax::Level::Low => Severity::Low,
        syntax::Level::Medium => Severity::Medium,
        syntax::Level::High => Severity::High,
        syntax::Level::Critical => Severity::Critical,
    }
}

pub(crate) fn status(status: syntax::Status) -> Status {
    match status {
        syntax::Status::Stable => Status::Stable,
        syntax::Status::Test => Status::Test,
        syntax::Status::Experimental => Status::Experimental,
        syntax::Status::Deprecated => Status::Deprecated,
        syntax::Status::Unsupported => Status::Unsupported,
    }
}

/// Puts the files together: the first rule of an id stays, filters find their rules.
fn join(mut set: RuleSet, reads: Vec<Read>) -> RuleSet {
    let mut rules: Vec<Rule> = Vec::new();
    let mut filters = Vec::new();
    let mut drafts = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for read in reads {
        set.problems.extend(read.problems);
        filters.extend(read.filters);
        drafts.extend(read.correlations);
        for rule in read.rules {
            match by_id.get(&rule.id) {
                Some(&first) => {
                    let reason = format!("the id {} is taken by {}", rule.id, rules[first].file.display());
                    let line = line_of(&rule.text, &rule.id);
                    set.problems.push(Fault::Duplicate.at(&rule.file, line, Some(rule.id.clone()), reason));
                }
                None => {
                    by_id.insert(rule.id.clone(), rules.len());
                    rules.push(rule);
                }
            }
        }
    }
    for filter in filters {
        apply(&filter, &mut rules, &mut set.problems);
    }
    set.correlations = correlation::resolve(drafts, &rules, &mut set.problems);
    set.rules = rules.into_iter().map(Arc::new).collect();
    set
}

fn apply(filter: &Filter, rules: &mut [Rule], problems: &mut Vec<Problem>) {
    let mut found: BTreeMap<&str, bool> = BTreeMap::new();
    for target in filter.targets.iter().flatten() {
        found.insert(target, false);
    }
    for rule in rules {
        let named = match &filter.targets {
            None => true,
            Some(_) => {
                let names = [Some(rule.id.as_str()), rule.name.as_deref(), Some(rule.title.as_str())];
                names.into_iter().flatten().any(|name| found.get_mut(name).map(|hit| *hit = true).is_some())
            }
        };
        let pairs = filter.logsource.attributes().into_iter().zip(rule.logsource.attributes());
        let same_log = pairs.into_iter().all(|(wanted, given)| wanted.is_none() || wanted == given);
        if named && same_log {
            for condition in &mut rule.conditions {
                let original = std::mem::replace(condition, Condition::Or(Vec::new()));
                *condition = Condition::And(vec![original, filter.condition.clone()]);
            }
        }
    }
    for (target, _) in found.into_iter().filter(|(_, hit)| !hit) {
        let reason = format!("the filter `{}` names the rule `{target}`, which is not loaded", filter.title);
        problems.push(Fault::NoTarget.at(&filter.file, None, Some(filter.title.clone()), reason));
    }
}

impl RuleSet {
    /// Problems that kept a rule out.
    pub fn refused(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.level == Level::Error)
    }
}
