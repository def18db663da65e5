//! The day that is said with a time: what is typed from paper days later says it.

use jiff::ToSpan;
use jiff::civil::Date;

use super::statement::Word;
use super::time::{number, plain};

/// A day without its month may be so many months ago: the latest that has it.
const MOST_MONTHS: i32 = 12;
/// A day without its year lies so near ahead that it was hardly meant of last year.
const NEAR_AHEAD_DAYS: i32 = 180;

/// The day that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DaySaid {
    Unsaid,
    /// So many days ago.
    Ago(i8),
    /// Of the latest month in which it is not in the future.
    OfMonth(i8),
    /// Of the latest year in which it is not in the future.
    OfYear {
        month: i8,
        day: i8,
    },
    On(Date),
}

const TODAY: &[&str] = &["today", "aujourd'hui", "hoy", "hoje", "اليوم", "ohin"];
const YESTERDAY: &[&str] = &["yesterday", "hier", "ayer", "ontem", "أمس", "امس", "البارحة", "horiseik", "horisehik"];

/// Months, as rooms write them.
const MONTHS: [&[&str]; 12] = [
    &["jan", "january", "janv", "janvier", "ene", "enero", "janeiro", "janeiru", "يناير"],
    &["feb", "february", "fev", "fév", "février", "febrero", "fevereiro", "fevereiru", "فبراير"],
    &["mar", "march", "mars", "marzo", "março", "marsu", "مارس"],
    &["apr", "april", "avr", "avril", "abr", "abril", "أبريل", "ابريل"],
    &["may", "mai", "mayo", "maio", "maiu", "مايو"],
    &["jun", "june", "juin", "junio", "junho", "juñu", "يونيو"],
    &["jul", "july", "juil", "juillet", "julio", "julho", "jullu", "يوليو"],
    &["aug", "august", "août", "aout", "ago", "agosto", "agostu", "أغسطس", "اغسطس"],
    &["sep", "sept", "september", "septembre", "septiembre", "set", "setembro", "setembru", "سبتمبر"],
    &["oct", "october", "octobre", "octubre", "out", "outubro", "outubru", "أكتوبر", "اكتوبر"],
    &["nov", "november", "novembre", "noviembre", "novembro", "novembru", "نوفمبر"],
    &["dec", "december", "déc", "décembre", "dic", "diciembre", "dez", "dezembro", "dezembru", "ديسمبر"],
];

impl DaySaid {
    /// Reads a day where a text begins with one: `yesterday`, `29/11`, `29/11/2026`, `2026-11-29`, `29nov26`, `29 nov`. Gives
    /// how many words it is.
    pub(super) fn read(words: &[Word]) -> Option<(DaySaid, usize)> {
        let bare = plain(&words.first()?.text);
        if is_yesterday(&bare) {
            return Some((DaySaid::Ago(1), 1));
        }
        if TODAY.contains(&bare.as_str()) {
            return Some((DaySaid::Ago(0), 1));
        }
        if let Some(day) = in_numbers(&bare) {
            return Some((day, 1));
        }
        let letters = bare.find(|c: char| !c.is_ascii_digit()).unwrap_or(bare.len());
        let day = number(bare.get(..letters).filter(|digits| (1..=2).contains(&digits.len()))?)?;
        let (joined, more) = match bare.get(letters..)?.trim_start_matches('-') {
            "" => (plain(&words.get(1)?.text), 2),
            joined => (joined.to_owned(), 1),
        };
        Self::month_and_year(day, &joined, words.get(more..).unwrap_or_default(), more)
    }

    /// `nov`, `nov26`, `nov` and `26` or `2026` as the next word. `count` words were read so far.
    pub(super) fn month_and_year(day: i8, text: &str, next: &[Word], count: usize) -> Option<(DaySaid, usize)> {
        let end = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
        let (month, year) = text.split_at(end);
        let month = month.trim_end_matches('-');
        let month = i8::try_from(MONTHS.iter().position(|names| names.contains(&month))? + 1).ok()?;
        let (year, count) = match (year, next.first().and_then(|word| in_years(&plain(&word.text)))) {
            ("", Some(year)) => (Some(year), count + 1),
            ("", None) => (None, count),
            (year, _) => (Some(in_years(year)?), count),
        };
        Some((dated(day, month, year)?, count))
    }

    /// Dates that it may mean, the likeliest first.
    pub(super) fn candidates(self, today: Date) -> Vec<Date> {
        match self {
            DaySaid::Unsaid => vec![today],
            DaySaid::Ago(days) => today.checked_sub(i32::from(days).days()).into_iter().collect(),
            DaySaid::On(date) => vec![date],
            DaySaid::OfMonth(day) => (0..=MOST_MONTHS)
                .filter_map(|back| {
                    let month = today.first_of_month().checked_sub(back.months()).ok()?;
                    Date::new(month.year(), month.month(), day).ok()
                })
                .collect(),
            DaySaid::OfYear { month, day } => {
                let of = |year: i16| Date::new(year, month, day).ok();
                let last = of(today.year() - 1).filter(|_| {
                    let ahead = of(today.year()).and_then(|date| date.since(today).ok());
                    ahead.is_some_and(|ahead| ahead.get_days() > NEAR_AHEAD_DAYS)
                });
                of(today.year()).into_iter().chain(last).collect()
            }
        }
    }
}

/// A word of the day before, however it is written.
pub(super) fn is_yesterday(plain: &str) -> bool {
    YESTERDAY.contains(&plain)
}

/// `29/11`, `29/11/26`, `29/11/2026`, `29.11.2026`, `29-11-2026`, `2026-11-29`. `1/2` is a half.
fn in_numbers(bare: &str) -> Option<DaySaid> {
    for mark in ['/', '-', '.'] {
        let parts: Vec<&str> = bare.split(mark).collect();
        match parts.as_slice() {
            [year, month, day] if year.len() == 4 => return dated(number(day)?, number(month)?, Some(in_years(year)?)),
            [day, month, year] => return dated(number(day)?, number(month)?, Some(in_years(year)?)),
            [day, month] if mark == '/' && bare.len() >= 4 && day.len() <= 2 && month.len() <= 2 => {
                return dated(number(day)?, number(month)?, None);
            }
            _ => {}
        }
    }
    None
}

fn in_years(text: &str) -> Option<i16> {
    let year: i16 = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()?;
    match text.len() {
        2 => Some(2000 + year),
        4 if (2000..2100).contains(&year) => Some(year),
        _ => None,
    }
}

fn dated(day: i8, month: i8, year: Option<i16>) -> Option<DaySaid> {
    match year {
        Some(year) => Date::new(year, month, day).ok().map(DaySaid::On),
        // The 29th of February is one in some years.
        None => Date::new(2024, month, day).ok().map(|_| DaySaid::OfYear { month, day }),
    }
}
