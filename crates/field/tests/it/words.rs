//! Runs the tables of `specs/5_words.md`: a message, and what it is taken as.

use field::message::{Answer, answer_of};

const SPEC: &str = include_str!("../../specs/5_words.md");

fn taken_as(text: &str) -> String {
    let answer = answer_of(text, &|word| word.starts_with("p-") || word == "3621");
    match answer {
        None => "unread".to_owned(),
        Some(Answer::Safe) => "safe".to_owned(),
        Some(Answer::Help) => "help".to_owned(),
        Some(Answer::Sos) => "sos".to_owned(),
        Some(Answer::Yes) => "yes".to_owned(),
        Some(Answer::No) => "no".to_owned(),
        Some(Answer::Other { who, safe }) => format!("{} {}", who.to_uppercase(), if safe { "safe" } else { "help" }),
    }
}

/// As it stands in a cell: `(nothing)`, `\u{200b}`, blanks between back quotes.
fn written(cell: &str) -> String {
    let plain = cell.trim().trim_matches('`').replace("\\u{200b}", "\u{200b}");
    if plain == "(nothing)" { String::new() } else { plain }
}

#[test]
fn messages_are_taken_as_the_tables_say() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in SPEC.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| message |")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let [message, expected] = cells.as_slice() else { panic!("`{line}` has not two cells") };
        let got = taken_as(&written(message));
        rows += 1;
        if got != expected.trim() {
            wrong.push(format!("{}: {got}, not {}", message.trim(), expected.trim()));
        }
    }
    assert!(rows > 100, "only {rows} rows were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
