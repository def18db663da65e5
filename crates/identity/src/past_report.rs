//! Who had what on a day, and why: one row for each grant of each person, for auditors.

use std::collections::BTreeMap;

use kernel::Timestamp;
use kernel::id::PersonId;

use crate::compute::Line;
use crate::error::Error;
use crate::person::Person;
use crate::role::Grant;
use crate::room::Identity;

/// What a row says.
pub const PAST_COLUMNS: [&str; 11] =
    ["On", "KnownOn", "Number", "Name", "System", "Entitlement", "Asleep", "Until", "Why", "Ground", "Reference"];

/// What is asked: when, as it was known when, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastQuestion {
    pub on: Timestamp,
    pub known: Timestamp,
    pub system: Option<String>,
    /// Its name in its system, or `system/name`.
    pub entitlement: Option<String>,
}

impl PastQuestion {
    fn wants(&self, grant: &Grant) -> bool {
        let named = |wanted: &String| grant.entitlement.as_ref() == Some(wanted) || grant.to_string() == *wanted;
        self.system.as_ref().is_none_or(|system| grant.system == *system) && self.entitlement.as_ref().is_none_or(named)
    }
}

impl Identity {
    /// The rows of one person.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is nobody of that id.
    pub async fn past_rows(&self, person: PersonId, question: &PastQuestion) -> Result<Vec<[String; 11]>, Error> {
        let then = self.past_view(person, question.on, question.known).await?;
        let mut by_grant: BTreeMap<&Grant, Vec<&Line>> = BTreeMap::new();
        for line in then.access.iter().filter(|line| question.wants(&line.grant)) {
            by_grant.entry(&line.grant).or_default().push(line);
        }
        let row = |(grant, lines): (&Grant, &Vec<&Line>)| row(&then.person, grant, lines, question);
        Ok(by_grant.iter().map(|(grant, lines)| row((grant, lines))).collect())
    }
}

/// One grant with all its ways; it lasts as long as the longest of them, and sleeps when all do.
fn row(person: &Person, grant: &Grant, lines: &[&Line], question: &PastQuestion) -> [String; 11] {
    let until = lines.iter().map(|line| line.until.unwrap_or(Timestamp::MAX)).max().unwrap_or(Timestamp::MAX);
    let mut ways: Vec<String> = Vec::new();
    for line in lines {
        let way = line.why.iter().map(|step| step.title.as_str()).collect::<Vec<_>>().join(" → ");
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let awake = lines.iter().find(|line| !line.asleep).or(lines.first());
    let first = awake.and_then(|line| line.why.first());
    [
        question.on.to_string(),
        question.known.to_string(),
        person.sheet.number.clone().unwrap_or_default(),
        person.sheet.display_name(),
        grant.system.clone(),
        grant.entitlement.clone().unwrap_or_default(),
        if lines.iter().all(|line| line.asleep) { "yes" } else { "no" }.to_owned(),
        if until < Timestamp::MAX { until.to_string() } else { String::new() },
        ways.join("; "),
        first.map(|step| step.kind.to_string()).unwrap_or_default(),
        first.map(|step| step.key.clone()).unwrap_or_default(),
    ]
}
