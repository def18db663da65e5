//! The room on paper, as plain text: for a printer when the power is about to fail. No silent alarm is on it.

use std::fmt::Write;

use kernel::Timestamp;

use crate::error::Error;
use crate::headcount::HEADCOUNT;
use crate::line;
use crate::mission::{CONTACT, DEPARTURE};
use crate::register::{Directory, Record};
use crate::room::Field;
use crate::round::ROUND;

/// Promises that are printed; those of alarms are on the board.
const PROMISES: [&str; 4] = [CONTACT, DEPARTURE, ROUND, HEADCOUNT];
/// Lines of a blank sheet, and how many sheets.
const BLANK_LINES: usize = 40;
const SHEETS: usize = 3;
const NEW_PAGE: &str = "\u{c}";

impl Field {
    /// Board, open deadlines, contact cards and blank sheets, each from a new page.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn paper(&self) -> Result<String, Error> {
        let (directory, now) = (self.directory().await?, self.now());
        let both = |at: Timestamp| line::both(at, now, directory.zone());
        let mut paper = format!("RADIO ROOM, as of {}\n\nBOARD\n", both(now));
        let sheet = self.hand_over_sheet().await?;
        for item in &sheet {
            let due = item.due.map_or(String::new(), |due| format!("  [{}]", both(due)));
            let late = if item.read_back { "! " } else { "  " };
            let _ = writeln!(paper, "{late}{:<10} {}{due}", item.label, item.text);
        }
        if sheet.is_empty() {
            paper.push_str("  nothing is open\n");
        }
        paper.push_str("\nOPEN DEADLINES\n");
        for one in self.store.pending_deadlines("field.").await? {
            if PROMISES.contains(&one.kind.as_str()) {
                let _ = writeln!(paper, "  by {}: {} ({})", both(one.due), one.owes, one.otherwise);
            }
        }
        cards(&mut paper, &directory, now);
        blank_sheets(&mut paper);
        Ok(paper)
    }
}

fn cards(paper: &mut String, directory: &Directory, now: Timestamp) {
    let _ = writeln!(paper, "{NEW_PAGE}CONTACTS");
    let mut contacts: Vec<&Record> = directory.records("contact").collect();
    contacts.sort_by_key(|one| (one.text("role").to_owned(), one.whole("priority")));
    for one in contacts {
        let of = one.text_opt("organisation").map_or(String::new(), |organisation| format!(" ({organisation})"));
        let person = one.text_opt("person").map(|key| directory.name("person", &key));
        let (role, name) = (one.text("role"), person.unwrap_or_else(|| one.text("name").to_owned()));
        let _ = writeln!(paper, "  {role:<18} {name}{of}: {} {}", one.text("means"), one.text("address"));
    }
    paper.push_str("\nWHO CAN HELP\n");
    for one in directory.records("facility") {
        let _ = writeln!(paper, "  {:<12} {}: {}", one.text("kind"), one.text("name"), one.text("phone"));
    }
    paper.push_str("\nCALL SIGNS\n");
    for holder in directory.holders(now, None) {
        let _ = writeln!(paper, "  {:<8} {}", holder.sign, holder.name);
    }
}

fn blank_sheets(paper: &mut String) {
    for _ in 0..SHEETS {
        let _ = write!(
            paper,
            "{NEW_PAGE}TRACKING SHEET  call sign ________  vehicle ________  from ________  to ________\n\n"
        );
        paper.push_str("  aboard: ______________________________________________________________\n\n");
        let _ = write!(paper, "{NEW_PAGE}DUTY LOG  date ________  on duty ________________\n\n");
        for _ in 0..BLANK_LINES {
            paper.push_str("  ____:____ | ________ | ______________________________________________\n");
        }
    }
}
