//! The room on paper, as plain text: for a printer when the power is about to fail. No silent alarm is on it.

use std::fmt::Write;

use kernel::Timestamp;

use crate::error::Error;
use crate::headcount::HEADCOUNT;
use crate::mission::{self, CONTACT, DEPARTURE};
use crate::register::{Directory, Record};
use crate::room::Field;
use crate::round::ROUND;
use crate::speech::{Language, Sentence, say};
use crate::{alarm, line};

/// Lines of a blank sheet, and how many sheets.
const BLANK_LINES: usize = 40;
const SHEETS: usize = 3;
const NEW_PAGE: &str = "\u{c}";

impl Field {
    /// Board, open deadlines, contact cards and blank sheets, each from a new page, in a language.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn paper(&self, language: Language) -> Result<String, Error> {
        let (directory, now) = (self.directory().await?, self.now());
        let both = |at: Timestamp| line::both(at, now, directory.zone());
        let told = |sentence: &Sentence| sentence.in_language(language);
        let title = told(&say!("RADIO ROOM, as of {when}", when = both(now)));
        let mut paper = format!("{title}\n\n{}\n", told(&say!("BOARD")));
        let sheet = self.hand_over_sheet().await?;
        for item in &sheet {
            let due = item.due.map_or(String::new(), |due| format!("  [{}]", both(due)));
            let late = if item.read_back { "! " } else { "  " };
            let _ = writeln!(paper, "{late}{:<10} {}{due}", item.label, told(&item.text));
        }
        if sheet.is_empty() {
            let _ = writeln!(paper, "  {}", told(&say!("nothing is open")));
        }
        let _ = writeln!(paper, "\n{}", told(&say!("OPEN DEADLINES")));
        for one in self.store.pending_deadlines("field.").await? {
            if let Some(promise) = self.promised(&one.kind, &one.subject, &one.owes).await? {
                let _ = writeln!(paper, "  {}", told(&say!("by {when}: {promise}", when = both(one.due), promise)));
            }
        }
        cards(&mut paper, &directory, now, &told);
        blank_sheets(&mut paper, &told);
        Ok(in_direction(&paper, language))
    }

    /// What is promised, in words. `None`: it is of an alarm, and on the board.
    async fn promised(&self, kind: &str, subject: &str, owes: &str) -> Result<Option<Sentence>, Error> {
        let label = match alarm::of_mission(subject) {
            Some((id, _)) if [CONTACT, DEPARTURE].contains(&kind) => {
                mission::one(&self.store, id).await?.map(|one| one.label())
            }
            _ => None,
        };
        let who = owes.split_once(':').map_or(owes, |(_, who)| who);
        Ok(match (kind, label) {
            (CONTACT, Some(label)) => Some(say!("contact of {label}, {who}", label, who)),
            (DEPARTURE, Some(label)) => Some(say!("departure of {label}", label)),
            (ROUND, _) => Some(say!("end of the radio check")),
            (HEADCOUNT, _) => Some(say!("end of the headcount")),
            _ => None,
        })
    }
}

/// A printer of plain text finds the direction of a line by its first letter (UAX #9, P2), and that is mostly a call sign's.
fn in_direction(paper: &str, language: Language) -> String {
    if language != Language::Arabic {
        return paper.to_owned();
    }
    let marked = |line: &str| {
        let (page, rest) = line.strip_prefix(NEW_PAGE).map_or(("", line), |rest| (NEW_PAGE, rest));
        let mark = if rest.trim_end().is_empty() { "" } else { "\u{200f}" };
        format!("{page}{mark}{rest}")
    };
    paper.split_inclusive('\n').map(marked).collect()
}

fn cards(paper: &mut String, directory: &Directory, now: Timestamp, told: &impl Fn(&Sentence) -> String) {
    let _ = writeln!(paper, "{NEW_PAGE}{}", told(&say!("CONTACTS")));
    let mut contacts: Vec<&Record> = directory.records("contact").collect();
    contacts.sort_by_key(|one| (one.text("role").to_owned(), one.whole("priority")));
    for one in contacts {
        let of = one.text_opt("organisation").map_or(String::new(), |organisation| format!(" ({organisation})"));
        let person = one.text_opt("person").map(|key| directory.name("person", &key));
        let name = person.unwrap_or_else(|| one.text("name").to_owned());
        let [role, means] = ["role", "means"].map(|column| told(&Sentence::word(one.text(column))));
        let _ = writeln!(paper, "  {role:<18} {name}{of}: {means} {}", one.text("address"));
    }
    let _ = writeln!(paper, "\n{}", told(&say!("WHO CAN HELP")));
    for one in directory.records("facility") {
        let kind = told(&Sentence::word(one.text("kind")));
        let _ = writeln!(paper, "  {kind:<12} {}: {}", one.text("name"), one.text("phone"));
    }
    let _ = writeln!(paper, "\n{}", told(&say!("CALL SIGNS")));
    for holder in directory.holders(now, None) {
        let _ = writeln!(paper, "  {:<8} {}", holder.sign, holder.name);
    }
}

fn blank_sheets(paper: &mut String, told: &impl Fn(&Sentence) -> String) {
    let sheet =
        told(&say!("TRACKING SHEET  call sign {blank}  vehicle {blank}  from {blank}  to {blank}", blank = "________"));
    let aboard = told(&say!("aboard: {blank}", blank = "_".repeat(62)));
    let log = told(&say!("DUTY LOG  date {blank}  on duty {long}", blank = "________", long = "________________"));
    for _ in 0..SHEETS {
        let _ = write!(paper, "{NEW_PAGE}{sheet}\n\n  {aboard}\n\n{NEW_PAGE}{log}\n\n");
        for _ in 0..BLANK_LINES {
            paper.push_str("  ____:____ | ________ | ______________________________________________\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_direction_of_its_language() {
        let paper = "BF11 بخير\n\n\u{c}جهات الاتصال\n  +670 بعثة\n";
        let marked = "\u{200f}BF11 بخير\n\n\u{c}\u{200f}جهات الاتصال\n\u{200f}  +670 بعثة\n";
        assert_eq!(in_direction(paper, Language::Arabic), marked);
        assert_eq!(in_direction(paper, Language::French), paper);
    }
}
