//! What stands in a line and was hardly meant so: what looks like a time and is none, what cannot be seen.

use crate::finding::Finding;
use crate::speech::say;
use kernel::Span;

use super::day::{DaySaid, is_yesterday};
use super::parse::Line;
use super::statement::{Act, CheckLine, CountLine, Statement, Word};
use super::time::{looks_like_date, looks_like_time, plain};

/// What is said of those who stay where they arrived.
pub(super) const OVERNIGHT: &str = "overnight";

/// So many letters may be wrong, missing or exchanged in it.
const MOST_SLIPS: usize = 3;

/// Characters that turn the direction of what stands behind them: what is seen is then not what is stored.
pub(super) const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Findings about what cannot be seen: line breaks and control characters are refused, marks of direction left out.
pub(super) fn unseen(text: &str) -> Vec<Finding> {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let here = |at: usize, c: char| Span::new(place(at), place(at + c.len_utf8()));
    let mut findings = Vec::new();
    let inner = text.trim_end();
    if let Some((at, c)) =
        inner.char_indices().find(|(_, c)| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'))
    {
        let problem = say!("the line breaks here: what follows is another entry");
        findings.push(Finding::error("FLD0014", here(at, c), problem).with_help(say!("enter each line by itself")));
    } else if let Some((at, c)) = inner.char_indices().find(|(_, c)| c.is_control() && *c != '\t') {
        let problem = say!("{character} is no character that can be read", character = code_point(c));
        findings
            .push(Finding::error("FLD0014", here(at, c), problem).with_help(say!("delete it, or type the line anew")));
    }
    if let Some((at, c)) = inner.char_indices().find(|(_, c)| turns(*c)) {
        let problem = say!("{character}, which turns the direction of writing, is left out", character = code_point(c));
        findings.push(Finding::warning("FLD0015", here(at, c), problem));
    }
    findings
}

/// A drill is one by its first word: behind the words it is real, and people are told so.
pub(super) fn of_drill(line: &Line, tokens: &[Word]) -> Option<Finding> {
    let is_real = match &line.statement {
        Statement::Incident(incident) => !incident.exercise,
        Statement::Count(CountLine::Start { exercise, .. }) => !exercise,
        Statement::Check(CheckLine::Start { .. }) => true,
        _ => false,
    };
    let means_drill = |word: &&Word| {
        let said = word.text.rsplit(':').next().unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric());
        ["exercise", "drill", "ex"].iter().any(|known| said.eq_ignore_ascii_case(known))
    };
    let word = tokens.iter().filter(|_| is_real).find(means_drill)?;
    let problem =
        say!("`{word}` stands among the words: this is entered in earnest, and people are told", word = word.text);
    Some(
        Finding::warning("FLD0016", word.span, problem)
            .with_help(say!("a drill: inc exercise …, hc start zone 4 exercise")),
    )
}

/// Who stays overnight is called on: a slip of the pen must not end that in silence.
pub(super) fn of_overnight(line: &Line, tokens: &[Word]) -> Option<Finding> {
    let Statement::Traffic { act: Act::Arrive { overnight: false, .. }, .. } = &line.statement else { return None };
    let means_overnight = |word: &&Word| {
        let said = plain(&word.text).to_lowercase();
        let is_night = ["night", "nuit", "noche", "noite", "kalan", "ليل", "الليل"].contains(&said.as_str());
        is_night || strsim::osa_distance(&said, OVERNIGHT) <= MOST_SLIPS
    };
    let word = tokens.iter().skip(2).find(means_overnight)?;
    let problem = say!("`{word}` is read as words: nobody asks after them overnight", word = word.text);
    Some(Finding::warning("FLD0017", word.span, problem).with_help(say!("bf12 arr same overnight")))
}

/// `U+202E`.
fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Findings about words that look like a time or a day and were read as words.
pub(super) fn of_time(line: &Line, tokens: &[Word], knows: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    if matches!(line.statement, Statement::Correction { .. } | Statement::Situation { .. }) || tokens.len() < 2 {
        return Vec::new();
    }
    match &line.time {
        Some(time) if time.day == DaySaid::Unsaid => of_day(time.span, tokens),
        Some(_) => Vec::new(),
        None => no_time(line, tokens, knows).into_iter().collect(),
    }
}

/// A time without a day, beside what looks like one.
fn of_day(time: Span, tokens: &[Word]) -> Vec<Finding> {
    let before = tokens.iter().rev().find(|word| word.span.end <= time.start);
    let after = tokens.iter().find(|word| word.span.start >= time.end);
    let no_date = |word: &&Word| looks_like_date(&plain(&word.text));
    if let Some(word) = before.into_iter().chain(after).find(no_date) {
        let problem = say!("`{word}` beside the time is no date", word = word.text);
        let help = say!("29/11 1425, 2026-11-29 1425, yesterday 1425");
        return vec![Finding::error("FLD0013", word.span, problem).with_help(help)];
    }
    let yesterday = tokens.iter().find(|word| is_yesterday(&plain(&word.text)));
    let told = |word: &Word| {
        let problem = say!("`{word}` is read as words: the time is the latest such time", word = word.text);
        Finding::warning("FLD0013", word.span, problem).with_help(say!("say it beside the time: yesterday 1425"))
    };
    yesterday.map(told).into_iter().collect()
}

fn no_time(line: &Line, tokens: &[Word], knows: &dyn Fn(&str) -> bool) -> Option<Finding> {
    let first_of_words =
        line.words.as_ref().and_then(|words| tokens.iter().find(|word| word.span.start == words.span.start));
    let plain_number = |word: &Word| plain(&word.text).bytes().all(|byte| byte.is_ascii_digit());
    // Of these four digits are a sign, or a number of anything.
    let has_numbers = matches!(line.statement, Statement::Note | Statement::Incident(_) | Statement::Check(_));
    let suspect = first_of_words.into_iter().chain(tokens.last()).find(|word| {
        let is_other =
            word.span.start == tokens[0].span.start || knows(&word.text) || (has_numbers && plain_number(word));
        looks_like_time(&word.text) && !is_other
    })?;
    let problem = if looks_like_date(&plain(&suspect.text)) {
        say!("`{word}` is read as words: the time of day is missing", word = suspect.text)
    } else {
        say!("`{word}` is no time of day: it is read as words", word = suspect.text)
    };
    let help = say!("1425, 14:25, 14h25, in UTC 1425z; with its day: 29/11 1425, yesterday 1425");
    Some(Finding::warning("FLD0012", suspect.span, problem).with_help(help))
}
