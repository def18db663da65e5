//! Any line: no panic, places inside the text, an echo, proposals that replace a word of it.

use field::line::{DaySaid, complete, echo, parse};
use field::register::{Directory, Record, Value};
use kernel::Timestamp;
use proptest::prelude::*;
use testkit::TestClock;

const SEEDS: [&str; 5] = [
    include_str!("../../../../fuzz/corpus/field_line/days.txt"),
    include_str!("../../../../fuzz/corpus/field_line/traffic.txt"),
    include_str!("../../../../fuzz/corpus/field_line/rounds.txt"),
    include_str!("../../../../fuzz/corpus/field_line/incidents.txt"),
    include_str!("../../../../fuzz/corpus/field_line/broken.txt"),
];

fn directory() -> Directory {
    let place = Record {
        id: kernel::id::RecordId::derived([1; 16]),
        key: "COMORO".to_owned(),
        version: 1,
        retired: None,
        updated: Timestamp(0),
        values: [("name", Value::Text("Comoro bridge".to_owned()))].into(),
    };
    Directory::new(1, Vec::new(), vec![("premises", vec![place])])
}

fn check(text: &str) {
    let directory = directory();
    let line = parse(text, &|word| word.len() == 4);
    for finding in &line.findings {
        let (start, end) = (finding.span.start as usize, finding.span.end as usize);
        assert!(text.get(start..end).is_some(), "{finding:?} in {text:?}");
    }
    let words = line.words.as_ref().map(|words| (words.text.clone(), words.span));
    if let Some((words, span)) = words {
        let there = text.get(span.start as usize..span.end as usize);
        let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let seen = there.map(|there| there.chars().filter(|c| !turns(c)).collect::<String>());
        assert_eq!(seen.as_deref(), Some(words.as_str()), "{text:?}");
    }
    let happened = line.time.and_then(|time| time.instant(TestClock::NOON, &jiff::tz::TimeZone::UTC).ok());
    assert!(!echo(&line, &directory, happened, TestClock::NOON).is_empty(), "{text:?}");
    if let Some(time) = line.time {
        let Ok(at) = time.instant(TestClock::NOON, directory.zone()) else { return };
        let ago = TestClock::NOON.micros() - at.micros();
        let most = if time.day == DaySaid::Unsaid { 86_400_000_000 } else { i64::MAX };
        assert!((-120_000_000..most).contains(&ago), "{text:?} is at {at}");
    }
    for at in [0, text.len() / 2, text.len(), text.len() + 3] {
        for proposal in complete(text, at, &directory, &[], TestClock::NOON) {
            let replaced = text.get(proposal.span.start as usize..proposal.span.end as usize).unwrap();
            assert!(!replaced.contains(char::is_whitespace), "{proposal:?} in {text:?}");
        }
    }
}

#[test]
fn the_seeds_of_the_fuzzer_hold() {
    let mut lines = 0;
    for seed in SEEDS {
        check(seed);
        lines += seed.lines().inspect(|line| check(line)).count();
    }
    assert!(lines > 40, "only {lines} lines were read");
}

const ANSWERS: &str = include_str!("../../../../fuzz/corpus/field_message/answers.txt");
const VALUES: &str = include_str!("../../../../fuzz/corpus/field_register/values.txt");

/// What somebody writes, after a cry for help, is still a cry for help.
fn check_message(text: &str) {
    let _ = field::message::answer_of(text, &|word| word.len() == 4);
    assert!(field::message::answer_of(&format!("help {text}"), &|_| false).is_some(), "{text:?}");
}

/// What the register keeps of a shape is read again as the same.
fn check_value(text: &str) {
    use field::register::Form;
    if let Ok(hours) = field::road::Hours::parse(text) {
        hours.is_open(TestClock::NOON, &jiff::tz::TimeZone::UTC);
    }
    if let Ok(Some(value)) = Form::Shape.parse(text) {
        assert_eq!(Form::Shape.parse(&Form::Shape.show(&value)), Ok(Some(value)), "{text:?}");
    }
}

#[test]
fn messages_and_values_of_the_fuzzer_hold() {
    let messages = ANSWERS.lines().inspect(|line| check_message(line)).count();
    let values = VALUES.lines().inspect(|line| check_value(line)).count();
    check_message(ANSWERS);
    check_value(VALUES);
    assert!(messages > 8 && values > 8);
}

#[test]
fn a_long_line_is_refused_with_a_remedy() {
    let line = parse(&"bf12 ".repeat(1_000), &|_| true);
    assert_eq!((line.findings[0].code, line.is_usable()), ("FLD0001", false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_text_does_no_harm(text in any::<String>()) {
        check_message(&text);
        check_value(&text);
        check(&text);
    }

    #[test]
    fn words_of_the_grammar_in_any_order_do_no_harm(words in prop::collection::vec(prop::sample::select(vec![
        "3621", "bf12", "arr", "dep", "pos", "at", "ok", "halt", "go", "sos", "say", "same", "all", "1425", "14:25", "0525z",
        "-8.55", "125.57", "0", "rc", "start", "end", "fault", "base", "11", "14-", "15=", "-", "hc", "zone", "4", "join",
        "overnight", "abandoned", "29/11", "yesterday", "291425z", "safe", "help", "by", "inc", "where:", "what:x", "who:é", "sev:high", "cor", "17", ",", "漢字", "🛰",
    ]), 0..12)) {
        check(&words.join(" "));
    }
}
