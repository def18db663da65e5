//! The ladder of an area: who is told of a missed promise, by what, how long after.
//!
//! Steps are written `+15 focal-point phone ack 3 lost`: minutes from the missed time, the function, optionally the
//! means to begin with, the minutes that an answer may take, and whether the people count as lost from then on.

use kernel::words;
use serde::{Deserialize, Serialize};

words! {
    /// A function that somebody has.
    Role {
        /// Whoever is on duty in the radio room.
        Desk = "desk",
        DutyOfficer = "duty-officer",
        /// The security focal point of each organisation aboard.
        FocalPoint = "focal-point",
        SecurityAdviser = "security-adviser",
        HeadOfOffice = "head-of-office",
        ResponseTeam = "response-team",
        /// The users who are told of a silent alarm. It stands in no area's ladder.
        Told = "told",
    }
}

words! {
    /// By what somebody is reached.
    Means {
        Radio = "radio",
        Phone = "phone",
        Satellite = "satellite",
        Sms = "sms",
        Email = "email",
        /// Somebody goes there.
        Visit = "visit",
        /// On the screen of whoever is told of a silent alarm.
        Screen = "screen",
    }
}

words! {
    /// How dangerous an area is.
    Risk {
        Low = "low",
        Medium = "medium",
        High = "high",
    }
}

impl Risk {
    /// Minutes between contacts, when the area names none.
    pub const fn contact_interval_min(self) -> i64 {
        match self {
            Risk::Low => 60,
            Risk::Medium => 30,
            Risk::High => 15,
        }
    }

    /// Minutes in which somebody who is called has to answer, when the step names none.
    pub const fn answer_min(self) -> i64 {
        match self {
            Risk::Low => 5,
            Risk::Medium => 3,
            Risk::High => 2,
        }
    }
}

/// One rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Minutes after the missed time.
    pub after_min: i64,
    pub role: Role,
    /// Where to begin, when not with the first contact.
    pub means: Option<Means>,
    /// Minutes in which an answer must come; the area's when absent.
    pub answer_min: Option<i64>,
    /// From here on the people count as lost.
    pub lost: bool,
}

/// Most steps of a ladder.
const MOST_STEPS: usize = 20;
/// A week.
const LATEST_MIN: i64 = 10_080;

/// The ladder of an area that has none of its own.
pub fn usual() -> Vec<Step> {
    let step = |after_min, role, means, lost| Step { after_min, role, means, answer_min: None, lost };
    vec![
        step(0, Role::Desk, Some(Means::Radio), false),
        step(5, Role::Desk, Some(Means::Phone), false),
        step(15, Role::FocalPoint, None, false),
        step(30, Role::SecurityAdviser, None, false),
        step(60, Role::ResponseTeam, None, true),
    ]
}

/// The ladder of a silent alarm: those who are told on their screens, then by whatever reaches them, then the security
/// adviser, because duress that nobody sees to is worse than one more who knows.
pub(crate) fn silent() -> Vec<Step> {
    let step = |after_min, role, means| Step { after_min, role, means, answer_min: Some(2), lost: false };
    vec![step(0, Role::Told, Some(Means::Screen)), step(2, Role::Told, None), step(10, Role::SecurityAdviser, None)]
}

/// Who has to know of an incident: the focal points of everybody involved, and the security adviser, at once.
pub(crate) fn incident() -> Vec<Step> {
    let step = |role| Step { after_min: 0, role, means: None, answer_min: None, lost: false };
    vec![step(Role::FocalPoint), step(Role::SecurityAdviser)]
}

/// Reads a ladder; steps are apart by `;` or by lines.
///
/// # Errors
/// The first step that cannot be read, and how steps are written.
pub fn parse(text: &str) -> Result<Vec<Step>, String> {
    let written = text.split([';', '\n']).map(str::trim).filter(|step| !step.is_empty());
    let steps = written.map(parse_step).collect::<Result<Vec<_>, _>>()?;
    if steps.is_empty() || steps.len() > MOST_STEPS {
        return Err(format!("a ladder has 1 to {MOST_STEPS} steps, this one has {}", steps.len()));
    }
    if !steps.is_sorted_by_key(|step| step.after_min) {
        return Err("the steps are not in the order of their minutes".to_owned());
    }
    Ok(steps)
}

fn parse_step(text: &str) -> Result<Step, String> {
    let refuse = |problem: String| format!("step `{text}`: {problem}; write it as `+15 focal-point phone ack 3 lost`");
    let mut words = text.split_whitespace();
    let after = words.next().and_then(|word| word.strip_prefix('+')).and_then(|minutes| minutes.parse().ok());
    let after_min = after.filter(|minutes| (0..=LATEST_MIN).contains(minutes));
    let after_min = after_min.ok_or_else(|| refuse(format!("it begins with + and 0 to {LATEST_MIN} minutes")))?;
    let role: Role = words.next().unwrap_or_default().parse().map_err(refuse)?;
    if role == Role::Told {
        return Err(refuse("`told` belongs to silent alarms".to_owned()));
    }
    let mut step = Step { after_min, role, means: None, answer_min: None, lost: false };
    while let Some(word) = words.next() {
        match word {
            "lost" => step.lost = true,
            "ack" => {
                let minutes = words.next().and_then(|minutes| minutes.parse().ok());
                let minutes = minutes.filter(|minutes| (1..=120).contains(minutes));
                step.answer_min = Some(minutes.ok_or_else(|| refuse("`ack` takes 1 to 120 minutes".to_owned()))?);
            }
            "screen" => return Err(refuse("`screen` belongs to silent alarms".to_owned())),
            means => step.means = Some(means.parse().map_err(refuse)?),
        }
    }
    Ok(step)
}

/// The ladder as it is written.
pub fn to_text(steps: &[Step]) -> String {
    let one = |step: &Step| {
        let mut text = format!("+{} {}", step.after_min, step.role);
        if let Some(means) = step.means {
            text.push_str(&format!(" {means}"));
        }
        if let Some(minutes) = step.answer_min {
            text.push_str(&format!(" ack {minutes}"));
        }
        if step.lost {
            text.push_str(" lost");
        }
        text
    };
    steps.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, read: Result<&str, &str>) {
        match (parse(text), read) {
            (Ok(steps), Ok(expected)) => {
                assert_eq!(to_text(&steps), expected);
                assert_eq!(parse(&to_text(&steps)).as_ref(), Ok(&steps), "what is written is read back");
            }
            (Err(problem), Err(expected)) => assert!(problem.contains(expected), "{text}: {problem}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn ladders_are_read_as_written() {
        check(
            "+0 desk radio ;+5 desk phone\n+60 response-team lost",
            Ok("+0 desk radio; +5 desk phone; +60 response-team lost"),
        );
        check("+15 focal-point ack 3 sms", Ok("+15 focal-point sms ack 3"));
        check("", Err("this one has 0"));
        check("15 desk", Err("begins with +"));
        check("+15", Err("none of desk"));
        check("+15 desk pigeon", Err("none of radio"));
        check("+15 desk ack soon", Err("`ack` takes"));
        check("+15 desk; +5 desk", Err("order"));
        check(
            &to_text(&usual()),
            Ok("+0 desk radio; +5 desk phone; +15 focal-point; +30 security-adviser; +60 response-team lost"),
        );
    }
}
