//! Reads a line. It never fails: what cannot be read is a finding with its place, and the rest is still read.

use kernel::{Severity, Span};

use super::statement::{
    Act, CheckCall, CheckLine, CountLine, CountScope, Hearing, IncidentLine, Place, Safety, Statement, Word,
};
use super::suspicion::{self, OVERNIGHT};
use super::time::TimeSaid;
use crate::equipment::EquipmentState;
use crate::finding::Finding;
use crate::speech::{Sentence, say};

/// Longest line, in bytes.
pub const LONGEST_LINE: usize = 2_000;
/// Most findings of one line.
const MOST_FINDINGS: usize = 20;
/// Most words of a time with its day: `29 nov 26 at 1425 hrs`.
const LONGEST_TIME: usize = 6;

/// A line, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub statement: Statement,
    /// When it happened, if the line says so.
    pub time: Option<TimeSaid>,
    /// What is said besides.
    pub words: Option<Word>,
    pub findings: Vec<Finding>,
}

impl Line {
    /// Whether it can be entered in spite of its findings.
    pub fn is_usable(&self) -> bool {
        self.findings.iter().all(|finding| finding.level != kernel::diagnostic::Level::Error)
    }
}

impl Line {
    /// The whole of `text`, which was read as this, is words.
    pub(crate) fn put_time_back(&mut self, text: &str) {
        let said = text.trim();
        let start = text.len() - text.trim_start().len();
        self.time = None;
        self.words =
            Some(Word { text: without_unseen(said), span: Span::new(place(start), place(start + said.len())) });
    }
}

/// Reads a line. `knows` tells call signs from other words.
pub fn parse(text: &str, knows: &dyn Fn(&str) -> bool) -> Line {
    if text.len() > LONGEST_LINE {
        let span = Span::new(0, place(text.len()));
        let problem =
            say!("the line has {count} bytes; the limit is {limit}", count = text.len(), limit = LONGEST_LINE);
        let finding = Finding::error("FLD0001", span, problem).with_help(say!("enter it in parts"));
        return Line { statement: Statement::Note, time: None, words: None, findings: vec![finding] };
    }
    let tokens = tokens(text);
    let mut reader = Reader { text, tokens: &tokens, at: 0, findings: suspicion::unseen(text) };
    let (statement, time, words) = reader.line(knows);
    let mut line = Line { statement, time, words, findings: reader.findings };
    let meant = [suspicion::of_drill(&line, &tokens), suspicion::of_overnight(&line, &tokens)];
    line.findings.extend(meant.into_iter().flatten());
    let suspicions = suspicion::of_time(&line, &tokens, knows);
    line.findings.extend(suspicions);
    line.findings.truncate(MOST_FINDINGS);
    line
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A line as it is kept: without what cannot be seen and turns the direction of what can.
pub(crate) fn without_unseen(text: &str) -> String {
    text.chars().filter(|c| !suspicion::turns(*c)).collect()
}

/// Words between blanks.
fn tokens(text: &str) -> Vec<Word> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_whitespace() || suspicion::turns(c), start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                tokens.push(Word { text: text[from..at].to_owned(), span: Span::new(place(from), place(at)) });
                start = None;
            }
            _ => {}
        }
    }
    tokens
}

type Read = (Statement, Option<TimeSaid>, Option<Word>);

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Word],
    at: usize,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn line(&mut self, knows: &dyn Fn(&str) -> bool) -> Read {
        let Some(head) = self.next() else {
            self.error(
                "FLD0002",
                Span::default(),
                say!("the line is empty"),
                say!("say who and what: 3621 arr same 1425"),
            );
            return (Statement::Note, None, None);
        };
        let second = self.peek().map(|word| word.text.to_lowercase());
        match (head.text.to_lowercase().as_str(), second.as_deref()) {
            ("rc", _) => self.check_line(),
            ("hc", _) => self.count_line(),
            ("inc", _) => self.incident_line(),
            ("cor", _) => self.correction(),
            ("sit", Some(number)) if number.trim_start_matches("ir-").parse::<i64>().is_ok() => self.situation(),
            ("sys", Some(_)) if self.finds_equipment() => self.equipment(),
            ("misuse", Some(sign)) if knows(sign) || looks_like_sign(sign) => self.misuse(),
            (_, Some(verb)) if is_verb(verb) && (knows(&head.text) || looks_like_sign(&head.text)) => {
                self.at += 1;
                self.traffic(head, verb)
            }
            _ if knows(&head.text) => {
                let (time, words) = self.time_and_words();
                (Statement::Traffic { sign: head, act: Act::Say }, time, words)
            }
            _ => {
                let (time, end) = self.closing_time(1);
                (Statement::Note, time, self.span_of(0, end))
            }
        }
    }

    fn peek(&self) -> Option<&Word> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Word> {
        let word = self.tokens.get(self.at).cloned();
        self.at += usize::from(word.is_some());
        word
    }

    /// The place after the last word that was read.
    fn here(&self) -> Span {
        let end = self.tokens.get(self.at.saturating_sub(1)).map_or(0, |word| word.span.end);
        Span::new(end, end)
    }

    fn error(&mut self, code: &'static str, span: Span, message: Sentence, help: Sentence) {
        self.findings.push(Finding::error(code, span, message).with_help(help));
    }

    /// Words from one token up to another, as they stand in the line.
    fn span_of(&self, from: usize, to: usize) -> Option<Word> {
        let words = self.tokens.get(from..to)?;
        let span = words.first()?.span.to(words.last()?.span);
        let text = self.text.get(span.start as usize..span.end as usize)?;
        Some(Word { text: without_unseen(text), span })
    }

    /// A time at the end of the line, behind so many words at least, and where it begins.
    fn closing_time(&self, least: usize) -> (Option<TimeSaid>, usize) {
        let end = self.tokens.len();
        let from = least.max(end.saturating_sub(LONGEST_TIME));
        let read = |at: usize| {
            TimeSaid::read(&self.tokens[at..]).filter(|(_, count)| at + count == end).map(|said| (said.0, at))
        };
        match (from..end).find_map(read) {
            Some((time, at)) => (Some(time), at),
            None => (None, end),
        }
    }

    /// The next token, if it is a time; `at` before it is passed over.
    fn take_time(&mut self) -> Option<TimeSaid> {
        let skip = usize::from(self.peek().is_some_and(|word| word.text.eq_ignore_ascii_case("at")));
        let (time, count) = TimeSaid::read(self.tokens.get(self.at + skip..)?)?;
        self.at += skip + count;
        Some(time)
    }

    /// What is left: a time first or last, and words.
    fn time_and_words(&mut self) -> (Option<TimeSaid>, Option<Word>) {
        if let Some(time) = self.take_time() {
            return (Some(time), self.span_of(self.at, self.tokens.len()));
        }
        let (last, mut end) = self.closing_time(self.at);
        let before = end.checked_sub(1).filter(|before| *before >= self.at);
        if last.is_some() && before.is_some_and(|before| self.tokens[before].text.eq_ignore_ascii_case("at")) {
            end -= 1;
        }
        (last, self.span_of(self.at, end))
    }

    /// Words up to a time or the end of the line.
    fn place(&mut self) -> Place {
        self.place_before("")
    }

    /// The same, up to that word.
    fn place_before(&mut self, last: &str) -> Place {
        let from = self.at;
        if let Some(word) = self.peek().cloned() {
            // These two are a place by themselves; what follows is words.
            if word.text.eq_ignore_ascii_case("same") {
                self.at += 1;
                return Place::Same;
            }
            if word.text.eq_ignore_ascii_case("all") {
                self.at += 1;
                return Place::Named(word);
            }
        }
        while let Some(word) = self.peek().filter(|word| !word.text.eq_ignore_ascii_case(last)) {
            let skip = usize::from(word.text.eq_ignore_ascii_case("at"));
            if self.tokens.get(self.at + skip..).is_some_and(|said| TimeSaid::read(said).is_some()) {
                break;
            }
            self.at += 1;
        }
        match self.span_of(from, self.at) {
            None => Place::Unsaid,
            Some(word) => Place::Named(word),
        }
    }

    fn traffic(&mut self, sign: Word, verb: &str) -> Read {
        let act = match verb {
            "arr" => {
                let place = self.place_before(OVERNIGHT);
                Act::Arrive { place, overnight: self.takes(OVERNIGHT) }
            }
            "not-arr" => Act::NotArrived { all: self.takes("all") },
            "dep" => Act::Depart(self.place()),
            "abandoned" => Act::Abandon(self.place()),
            "halt" => Act::Halt(self.place()),
            "at" => match TimeSaid::read(&self.tokens[self.at..]) {
                Some(_) => Act::Okay,
                None => Act::At(self.place()),
            },
            "pos" => self.position(),
            "go" => Act::Resume,
            "sos" => Act::Sos,
            "say" => Act::Say,
            _ => Act::Okay,
        };
        if act == Act::At(Place::Unsaid) {
            self.error("FLD0005", self.here(), say!("the place is missing"), say!("bf12 at comoro"));
        }
        let (time, words) = self.time_and_words();
        (Statement::Traffic { sign, act }, time, words)
    }

    /// That word, if it is the next.
    fn takes(&mut self, wanted: &str) -> bool {
        let found = self.peek().is_some_and(|word| word.text.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    fn position(&mut self) -> Act {
        let latitude = self.degrees(say!("latitude"), 90);
        let longitude = self.degrees(say!("longitude"), 180);
        if latitude == Some(0.0) && longitude == Some(0.0) {
            let span = self.tokens[self.at - 2].span.to(self.tokens[self.at - 1].span);
            self.error(
                "FLD0003",
                span,
                say!("0, 0 is what a receiver without a fix says"),
                say!("ask for the position again"),
            );
        }
        Act::Position { latitude: latitude.unwrap_or(0.0), longitude: longitude.unwrap_or(0.0) }
    }

    fn degrees(&mut self, what: Sentence, most: i32) -> Option<f64> {
        let help = || say!("degrees with decimals, south and west are negative: bf12 pos -8.55 125.57");
        let Some(word) = self.next() else {
            self.error("FLD0003", self.here(), say!("the {what} is missing", what), help());
            return None;
        };
        let value = word.text.trim_end_matches(',').parse::<f64>().ok().filter(|value| value.abs() <= f64::from(most));
        if value.is_none() {
            let problem =
                say!("`{word}` is not a {what} from -{most} to {most}", word = word.text, what, most = i64::from(most));
            self.error("FLD0003", word.span, problem, help());
        }
        value
    }

    fn check_line(&mut self) -> Read {
        let first = self.peek().map(|word| word.text.to_lowercase());
        let line = match first.as_deref() {
            Some("start") => {
                self.at += 1;
                let starts_at = |reader: &Self| reader.peek().is_some_and(|word| word.text.eq_ignore_ascii_case("at"));
                let kind = if starts_at(self) { None } else { self.next() };
                let network = if starts_at(self) { None } else { self.next() };
                CheckLine::Start { kind, network }
            }
            Some("end") => {
                self.at += 1;
                CheckLine::End
            }
            Some("fault") => {
                self.at += 1;
                match self.next() {
                    Some(what) => CheckLine::Fault(what),
                    None => {
                        self.error("FLD0006", self.here(), say!("what is at fault is missing"), say!("rc fault base"));
                        CheckLine::End
                    }
                }
            }
            Some(_) => CheckLine::Calls(self.calls()),
            None => {
                self.error("FLD0006", self.here(), say!("nobody is named"), say!("rc 11 12 14- 15: heard, 14 was not"));
                CheckLine::Calls(Vec::new())
            }
        };
        let (time, words) = self.time_and_words();
        (Statement::Check(line), time, words)
    }

    /// Signs up to `at` and a time, which must be written so: `1425` is a sign here.
    fn calls(&mut self) -> Vec<CheckCall> {
        let mut calls: Vec<CheckCall> = Vec::new();
        while let Some(word) = self.peek().cloned() {
            if word.text.eq_ignore_ascii_case("at") {
                break;
            }
            self.at += 1;
            let (sign, hearing) = match (word.text.strip_suffix('-'), word.text.strip_suffix('=')) {
                (Some(sign), _) => (sign, Hearing::NotHeard),
                (None, Some(sign)) => (sign, Hearing::ByPhone),
                (None, None) => (word.text.as_str(), Hearing::Heard),
            };
            let sign = sign.trim_end_matches(',');
            if sign.is_empty() {
                self.error(
                    "FLD0006",
                    word.span,
                    say!("a mark without a call sign"),
                    say!("write the mark behind the sign: 14-"),
                );
            } else if calls.iter().any(|call| call.sign.text.eq_ignore_ascii_case(sign)) {
                self.error("FLD0007", word.span, say!("{sign} is named twice", sign), say!("name each sign once"));
            } else {
                let span = Span::new(word.span.start, word.span.start + place(sign.len()));
                calls.push(CheckCall { sign: Word { text: sign.to_owned(), span }, hearing });
            }
        }
        calls
    }

    fn count_line(&mut self) -> Read {
        let help = || say!("hc start zone 4, hc 3621 safe, hc join p-7, hc end");
        let Some(first) = self.next() else {
            self.error("FLD0008", self.here(), say!("what of the headcount is missing"), help());
            return (Statement::Note, None, None);
        };
        let line = match first.text.to_lowercase().as_str() {
            "start" => self.scope().map(|scope| CountLine::Start { scope, exercise: self.takes_exercise() }),
            "end" => Some(CountLine::End),
            "join" => self.named(help()).map(CountLine::Join),
            _ => self.answer(first),
        };
        let (time, words) = self.time_and_words();
        match line {
            Some(line) => (Statement::Count(line), time, words),
            None => (Statement::Note, time, words),
        }
    }

    /// `exercise` or `drill` as the next word.
    fn takes_exercise(&mut self) -> bool {
        let drill = self.peek().is_some_and(is_exercise);
        self.at += usize::from(drill);
        drill
    }

    fn named(&mut self, help: Sentence) -> Option<Word> {
        let word = self.next();
        if word.is_none() {
            self.error("FLD0008", self.here(), say!("a name is missing"), help);
        }
        word
    }

    fn scope(&mut self) -> Option<CountScope> {
        let help =
            || say!("hc start all, hc start zone 4, hc start org UNA, hc start mission 12, hc start zone 4 exercise");
        let word = self.named(help())?;
        let of = match word.text.to_lowercase().as_str() {
            "all" => return Some(CountScope::All),
            "zone" => "zone",
            "org" | "organisation" => "organisation",
            "mission" => "mission",
            _ => {
                self.error(
                    "FLD0008",
                    word.span,
                    say!("`{word}` is nothing that can be counted", word = word.text),
                    help(),
                );
                return None;
            }
        };
        self.named(help()).map(|key| CountScope::Of(of, key))
    }

    fn answer(&mut self, who: Word) -> Option<CountLine> {
        let help = || say!("hc 3621 safe, hc 3621 safe by p-7, hc 3621 help, hc 3621 unreachable, hc 3621 excused");
        let Some(said) = self.next() else {
            self.error("FLD0008", self.here(), say!("how {who} is, is missing", who = who.text), help());
            return None;
        };
        let safety = match said.text.to_lowercase().as_str() {
            "safe" | "ok" => Safety::Safe,
            "help" => Safety::NeedsHelp,
            "unreachable" => Safety::Unreachable,
            "excused" | "leave" | "away" => Safety::Excused,
            _ => {
                self.error("FLD0008", said.span, say!("`{said}` is no answer", said = said.text), help());
                return None;
            }
        };
        let by = if self.peek().is_some_and(|word| word.text.eq_ignore_ascii_case("by")) {
            self.at += 1;
            Some(self.named(help())?)
        } else {
            None
        };
        let safety = if by.is_some() && safety == Safety::Safe { Safety::SafeByProxy } else { safety };
        Some(CountLine::Answer { who, safety, by })
    }

    fn incident_line(&mut self) -> Read {
        let keyed = |word: &Word| {
            let (key, _) = word.text.split_once(':')?;
            INCIDENT_KEYS.iter().find(|known| key.eq_ignore_ascii_case(known)).copied()
        };
        let (time, end) = self.closing_time(2);
        let exercise = self.peek().is_some_and(is_exercise);
        let starts: Vec<usize> = (1..end).filter(|at| keyed(&self.tokens[*at]).is_some()).collect();
        let first = starts.first().copied().unwrap_or(end);
        let who = self.span_of(1 + usize::from(exercise), first);
        let mut incident = IncidentLine { exercise, who, place: None, what: None, severity: None };
        for (index, &from) in starts.iter().enumerate() {
            let to = starts.get(index + 1).copied().unwrap_or(end);
            let Some(key) = keyed(&self.tokens[from]) else { continue };
            self.incident_value(&mut incident, key, from, to);
        }
        if incident.who.is_none() && incident.place.is_none() && incident.what.is_none() {
            let help = say!("who, where, what: inc 833 where:comoro what:carjack");
            self.error("FLD0009", self.here(), say!("an incident of nobody, nowhere, nothing"), help);
        }
        (Statement::Incident(incident), time, None)
    }

    fn incident_value(&mut self, incident: &mut IncidentLine, key: &str, from: usize, to: usize) {
        let Some(whole) = self.span_of(from, to) else { return };
        let lead = key.len() + 1;
        let rest = whole.text.get(lead..).unwrap_or_default();
        let said = rest.trim_start();
        let start = whole.span.start + place(lead + rest.len() - said.len());
        let value = Word { text: said.to_owned(), span: Span::new(start, whole.span.end) };
        if value.text.is_empty() {
            self.error("FLD0009", whole.span, say!("`{key}:` says nothing", key), say!("where:comoro"));
            return;
        }
        let field = match key {
            "who" => &mut incident.who,
            "where" => &mut incident.place,
            "what" => &mut incident.what,
            _ => {
                incident.severity = Severity::parse(&value.text);
                if incident.severity.is_none() {
                    let problem = say!("`{value}` is no severity", value = value.text);
                    self.error("FLD0009", value.span, problem, say!("low, medium, high or critical"));
                }
                return;
            }
        };
        if field.replace(value).is_some() {
            self.error("FLD0009", whole.span, say!("{key} is said twice", key), say!("say each once"));
        }
    }

    fn situation(&mut self) -> Read {
        let number = self.next().and_then(|word| word.text.to_lowercase().trim_start_matches("ir-").parse().ok());
        match (number, self.span_of(self.at, self.tokens.len())) {
            (Some(report), Some(text)) => (Statement::Situation { report, text }, None, None),
            _ => {
                let help = say!("sit 12 both are safe at the gate");
                self.error("FLD0010", self.here(), say!("what the situation is, is missing"), help);
                (Statement::Note, None, None)
            }
        }
    }

    /// `sys vhf-1 ok`, `sys ups 8%`: another word in the third place makes a note of it.
    fn finds_equipment(&self) -> bool {
        self.tokens.get(2).is_some_and(|word| {
            let word = word.text.to_lowercase();
            word.parse::<EquipmentState>().is_ok() || percent(&word).is_some()
        })
    }

    fn equipment(&mut self) -> Read {
        let Some(key) = self.next() else { return (Statement::Note, None, None) };
        let (mut state, mut level_percent) = (EquipmentState::Ok, None);
        while let Some(word) = self.peek().map(|word| word.text.to_lowercase()) {
            match (word.parse(), percent(&word)) {
                (Ok(found), _) => state = found,
                (Err(_), Some(level)) => level_percent = Some(level),
                (Err(_), None) => break,
            }
            self.at += 1;
        }
        let (time, words) = self.time_and_words();
        (Statement::Equipment { key, state, level_percent }, time, words)
    }

    fn misuse(&mut self) -> Read {
        let sign = self.next();
        let (time, words) = self.time_and_words();
        match (sign, words) {
            (Some(sign), Some(what)) => (Statement::Misuse { sign, what }, time, None),
            (sign, _) => {
                let span = sign.map_or(self.here(), |sign| sign.span);
                let help = say!("misuse bf12 private talk, names in clear");
                self.error("FLD0011", span, say!("what they did is missing"), help);
                (Statement::Note, time, None)
            }
        }
    }

    fn correction(&mut self) -> Read {
        let help = || say!("the number of the entry, then how it should read: cor 17 3621 arr same 1435");
        let number = self.next();
        let parsed = number.as_ref().and_then(|word| word.text.parse::<i64>().ok()).filter(|number| *number > 0);
        let text = self.span_of(self.at, self.tokens.len());
        match (parsed, text) {
            (Some(number), Some(text)) => (Statement::Correction { number, text }, None, None),
            (None, _) => {
                let span = number.map_or(self.here(), |word| word.span);
                self.error("FLD0004", span, say!("the number of an entry is missing"), help());
                (Statement::Note, None, None)
            }
            (Some(_), None) => {
                self.error("FLD0004", self.here(), say!("how it should read is missing"), help());
                (Statement::Note, None, None)
            }
        }
    }
}

/// Keys of an incident line.
pub(crate) const INCIDENT_KEYS: &[&str] = &["who", "where", "what", "sev"];
/// Verbs of traffic.
pub(crate) const VERBS: &[&str] =
    &["arr", "not-arr", "dep", "abandoned", "pos", "at", "ok", "halt", "go", "sos", "say"];

/// Words that begin a line.
const HEADS: &[&str] = &["rc", "hc", "inc", "cor", "sit", "sys", "misuse"];

/// Whether a word says what a line is, so that it can be nobody's call sign.
pub(crate) fn is_word_of_the_line(word: &str) -> bool {
    let word = word.to_lowercase();
    HEADS.contains(&word.as_str()) || is_verb(&word)
}

/// `8%`: 0 to 100.
fn percent(word: &str) -> Option<i64> {
    word.strip_suffix('%')?.parse().ok().filter(|level| (0..=100).contains(level))
}

fn is_exercise(word: &Word) -> bool {
    ["exercise", "drill"].iter().any(|known| word.text.eq_ignore_ascii_case(known))
}

fn is_verb(word: &str) -> bool {
    VERBS.contains(&word)
}

/// Call signs have a digit: `BF12`, `3621`.
fn looks_like_sign(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit()) && word.chars().all(|c| c.is_alphanumeric() || c == '-')
}
