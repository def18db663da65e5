//! What the room says, in six languages: nothing that it says is left in English.

use std::collections::BTreeSet;
use std::fmt::Write;

use field::LogFilter;
use field::headcount::Tally;
use field::speech::{Language, Sentence};

use crate::rig::{self, Rig, operator};

/// A line that is read, or else everything that is told now, each once, in six languages.
pub async fn all(rig: &Rig, line: String) -> String {
    let mut told = String::new();
    for sentence in if line.is_empty() { everything(rig).await } else { reading(rig, &line).await } {
        for language in Language::ALL {
            let visible = sentence
                .in_language(*language)
                .replace(['\u{2066}', '\u{2068}'], "<")
                .replace('\u{2069}', ">")
                .replace('\u{200f}', "");
            writeln!(told, "    {language:<3} {visible}").unwrap();
        }
        told.push('\n');
    }
    told
}

async fn reading(rig: &Rig, line: &str) -> Vec<Sentence> {
    let reading = rig.field.read_line(line, line.len()).await.unwrap();
    let findings = reading.findings.into_iter().flat_map(|finding| [Some(finding.message), finding.help]);
    [reading.meaning].into_iter().chain(findings.flatten()).collect()
}

/// Meanings and outcomes of the log, titles of alarms, the hand-over sheet, the headcount in numbers: each once.
async fn everything(rig: &Rig) -> Vec<Sentence> {
    let mut all = Vec::new();
    for entry in rig.field.duty_log(&LogFilter::default(), 500).await.unwrap().into_iter().rev() {
        all.push(entry.meaning);
        all.extend(entry.outcome);
    }
    for alarm in rig.field.alarms(true, &operator()).await.unwrap() {
        all.push(alarm.title);
        all.extend(alarm.outcome);
    }
    all.extend(rig.field.hand_over_sheet().await.unwrap().into_iter().map(|item| item.text));
    for count in rig.field.headcounts(9).await.unwrap() {
        let (_, people) = rig.field.counted(count.id, &operator()).await.unwrap();
        all.push(Tally::of(&people).words(&people));
    }
    let mut known = BTreeSet::new();
    all.retain(|sentence| known.insert(sentence.to_string()));
    all
}

/// Lines of a shift, and what happens besides, as far as it says something else.
const SHIFT: &[&str] = &[
    "hc start zone 4",
    "hc p-1 safe",
    "hc p-3 help bleeding",
    "hc p-2 unreachable",
    "hc join p-6",
    "bf11 ok",
    "bf12 pos -8.55 125.57",
    "bf11 halt gate",
    "bf11 at comoro bridge",
    "bf11 arr same",
    "bf11 ok",
    "bf11 not-arr",
    "3621 sos under fire",
    "3621 sos",
    "rc start staff",
    "rc bf11 bf12- 3621=",
    "rc bf12",
    "rc end",
    "rc start daily vhf-1",
    "rc fault base",
    "inc 3621 where:comoro what:carjack",
    "sit 1 both are safe",
    "sys vhf-1 failed no carrier",
    "sys vhf-1 ok",
    "sys ups 8%",
    "misuse bf12 private talk",
    "the generator was refuelled",
    "cor 1 hc start all",
    "hc end",
];

/// Whatever happens in a shift is told in each language by words of its own.
#[tokio::test]
async fn nothing_of_a_shift_is_left_in_english() {
    let database = testkit::sqlite();
    let mut rig = rig::open(&database.url).await;
    rig.reach().await;
    rig.depart("UN-1", Some("P-1"), "LOW").await;
    for line in SHIFT {
        rig.enter(line).await.unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    rig.signal("T-2", rig::Signal::Call, 0).await;
    rig.signal("T-2", rig::Signal::Cancel, 0).await;
    rig.sms("+67077000003", "please help us", 0, None).await;
    rig.sms("+67077000099", "hello", 0, None).await;
    rig.fix("T-1", (-8.55, 125.65), 0, Some(20.0)).await;
    rig.pass_until(rig.now().plus_micros(3 * 3_600_000_000)).await;
    let all = everything(&rig).await;
    assert!(all.len() > 60, "{}", all.len());
    for sentence in &all {
        for language in Language::ALL.iter().filter(|language| **language != Language::English) {
            let told = sentence.in_language(*language);
            // The French word for a note is the English one.
            let is_french_note = *language == Language::French && told.starts_with("note: ");
            assert!(is_french_note || told != sentence.english(), "{language}: {told}");
        }
    }
}

/// Whoever is asked in a language may answer with the words that the question names.
#[tokio::test]
async fn people_answer_in_the_words_that_they_are_asked_in() {
    let table = [
        ("en", "SAFE", "HELP"),
        ("fr", "SAUF", "AIDE"),
        ("es", "A SALVO", "AYUDA"),
        ("pt", "SEGURO", "AJUDA"),
        ("ar", "آمن", "مساعدة"),
        ("tet", "SEGURU", "TULUN"),
    ];
    for (language, safe, help) in table {
        let database = testkit::sqlite();
        let rig = rig::open(&database.url).await;
        rig.reach().await;
        rig.field.set_language(language, &operator(), "of the office").await.unwrap();
        rig.enter("hc start zone 4").await.unwrap();
        rig.sms("+67077000001", safe, 0, None).await;
        rig.sms("+67077000002", &format!("P-5 {safe}"), 0, None).await;
        rig.sms("+67077000003", help, 0, None).await;
        let count = rig.field.headcounts(1).await.unwrap().remove(0);
        let (_, people) = rig.field.counted(count.id, &operator()).await.unwrap();
        let words = Tally::of(&people).words(&people);
        assert_eq!(words, "2 of 4, 1 in need of help, 1 unknown: call P-3, P-2", "{language}");
    }
}

/// What was kept before sentences were, and what was changed since, is told as it stands.
#[tokio::test]
async fn what_is_kept_otherwise_is_told_as_it_stands() {
    let database = testkit::sqlite();
    let rig = rig::open(&database.url).await;
    rig.enter("bf12 ok").await.unwrap();
    let told = async || {
        rig.field.duty_log(&LogFilter::default(), 1).await.unwrap().remove(0).meaning.in_language(Language::French)
    };
    assert_eq!(told().await, "BF12 (White van) va bien");
    for (said, meaning) in [("NULL", "BF12 (White van) is well"), ("said", "BF12 ([erased]) is well")] {
        let change = format!("UPDATE field_log SET said = {said}, meaning = '{meaning}'");
        let mut tx = rig.store.begin().await.unwrap();
        tx.execute(&store::Statement::new("test.change", change.leak()), store::params![]).await.unwrap();
        tx.commit(store::Entry::new(&operator(), "test.change", "test")).await.unwrap();
        assert_eq!(told().await, meaning);
    }
}
