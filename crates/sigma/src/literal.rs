//! Texts that any match of a regular expression must contain, so that the expression runs only where one occurs.

use regex_syntax::hir::{Class, Dot, Hir, HirKind};

use crate::pattern::{fold, fold_char};

/// Shorter texts occur too often to be worth waiting for.
const MIN_BYTES: usize = 3;
/// More alternatives than this cost more than they save.
const MAX_ALTERNATIVES: usize = 64;
/// Repetitions up to here are written out.
const MAX_REPEATED: u32 = 8;

/// Folded texts of which every value that `source` matches contains at least one, when folded. `None`: no such set
/// is known that is worth looking for.
pub(crate) fn required(source: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(source).ok()?;
    let mut texts = known(&hir).best()?;
    texts.sort();
    texts.dedup();
    let useful = texts.len() <= MAX_ALTERNATIVES && texts.iter().all(|text| text.len() >= MIN_BYTES);
    useful.then_some(texts)
}

/// How an expression that no text announces is best run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line of at least so many characters: `.{1000,}`.
    LongLine(usize),
    /// It counts far: together with others it would need a state for every combination of their counts.
    Counting,
    /// Small enough to run in one automaton with others.
    Plain,
}

/// Counts from here on are far.
const FAR: u32 = 20;

impl Form {
    /// The form of `source`.
    pub(crate) fn of(source: &str) -> Form {
        let Ok(hir) = regex_syntax::parse(source) else { return Form::Plain };
        match (long_line(&hir), counts_far(&hir)) {
            (Some(characters), _) => Form::LongLine(characters),
            (None, true) => Form::Counting,
            (None, false) => Form::Plain,
        }
    }
}

fn long_line(hir: &Hir) -> Option<usize> {
    let HirKind::Repetition(repetition) = hir.kind() else { return None };
    let mut repeated = repetition.sub.as_ref();
    while let HirKind::Capture(capture) = repeated.kind() {
        repeated = &capture.sub;
    }
    (*repeated == Hir::dot(Dot::AnyCharExceptLF)).then_some(repetition.min as usize)
}

fn counts_far(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.min >= FAR || repetition.max.is_some_and(|max| max >= FAR) || counts_far(&repetition.sub)
        }
        HirKind::Capture(capture) => counts_far(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(counts_far),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// What is known of the texts that an expression matches, folded.
enum Known {
    /// Exactly this.
    Is(String),
    /// It contains one of these.
    HasOne(Vec<String>),
    Nothing,
}

impl Known {
    fn best(self) -> Option<Vec<String>> {
        match self {
            Known::Is(text) if text.is_empty() => None,
            Known::Is(text) => Some(vec![text]),
            Known::HasOne(texts) => Some(texts),
            Known::Nothing => None,
        }
    }
}

fn known(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::Is(String::new()),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Known::Is(fold(text).into_owned()),
            Err(_) => Known::Nothing,
        },
        HirKind::Class(class) => one_folded(class).map_or(Known::Nothing, Known::Is),
        HirKind::Capture(capture) => known(&capture.sub),
        HirKind::Repetition(repetition) => match known(&repetition.sub) {
            _ if repetition.min == 0 => Known::Nothing,
            Known::Is(text) if repetition.max == Some(repetition.min) && repetition.min <= MAX_REPEATED => {
                Known::Is(text.repeat(repetition.min as usize))
            }
            inner => inner.best().map_or(Known::Nothing, Known::HasOne),
        },
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => {
            let sets: Option<Vec<Vec<String>>> = parts.iter().map(|part| known(part).best()).collect();
            sets.map_or(Known::Nothing, |sets| Known::HasOne(sets.concat()))
        }
    }
}

fn concat(parts: &[Hir]) -> Known {
    let mut run = String::new();
    let mut candidates = Vec::new();
    for part in parts {
        match known(part) {
            Known::Is(text) => run.push_str(&text),
            other => {
                candidates.push(vec![std::mem::take(&mut run)]);
                candidates.extend(other.best());
            }
        }
    }
    if candidates.is_empty() {
        return Known::Is(run);
    }
    candidates.push(vec![run]);
    let shortest = |texts: &Vec<String>| texts.iter().map(String::len).min().unwrap_or(0);
    let best = candidates.into_iter().max_by_key(|texts| (shortest(texts), usize::MAX - texts.len()));
    match best {
        Some(texts) if shortest(&texts) > 0 => Known::HasOne(texts),
        _ => Known::Nothing,
    }
}

/// The one text that every character of the class folds to: `[Kk\u{212A}]` is `k`.
fn one_folded(class: &Class) -> Option<String> {
    let Class::Unicode(class) = class else { return None };
    let mut characters = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    let folded: String = fold_char(characters.next()?).collect();
    // A long class is left at its second character, which folds to something else.
    characters.all(|character| fold_char(character).eq(folded.chars())).then_some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let found = required(source).unwrap_or_default();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn forms() {
        assert_eq!(Form::of("(.){200,}"), Form::LongLine(200));
        assert_eq!(Form::of(".{150}"), Form::LongLine(150));
        assert_eq!(Form::of("(?s).{150}"), Form::Counting);
        assert_eq!(Form::of("^.{150}$"), Form::Counting);
        assert_eq!(Form::of(r"x(?:\w{1,64})?"), Form::Counting);
        assert_eq!(Form::of(r"\s-k\s"), Form::Plain);
    }

    #[test]
    fn texts_that_must_occur() {
        check("Foo", &["foo"]);
        check(r"(?i)\\Temp\\[a-z]+\.EXE", &[r"\temp\"]);
        check("(?:curl|wget) http", &[" http"]);
        check("(?:curl|wget)", &["curl", "wget"]);
        check("a.*b", &[]);
        check("(abc)*", &[]);
        check("(abc)+x?", &["abc"]);
        check("x{4}", &["xxxx"]);
        check("(?i)mask", &["mask"]);
        check("[a-f0-9]{32}", &[]);
        check("^start", &["start"]);
    }
}
