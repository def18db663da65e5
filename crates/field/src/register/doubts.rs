//! What should be looked into about records of the register: said, and no hindrance.

use std::collections::BTreeMap;

use kernel::Timestamp;

use super::directory::{Directory, address_form};
use super::records::Record;
use crate::alarm::ladder::Role;
use crate::speech::{Sentence, say};

const DAY_US: i64 = 86_400_000_000;
/// A contact that was not tried for longer is doubtful.
const STALE_DAYS: i64 = 90;
/// Functions that must be reachable by two means.
const TWO_MEANS: [&str; 3] = ["duty-officer", "security-adviser", "focal-point"];

/// What there is to say about the records of one noun, at one moment.
pub struct Doubts<'a> {
    directory: &'a Directory,
    noun: &'static str,
    now: Timestamp,
    /// People by the telephone number that they have.
    phones: BTreeMap<String, Vec<&'a str>>,
}

impl Directory {
    /// What should be looked into about the records of a noun.
    pub fn doubts(&self, noun: &'static str, now: Timestamp) -> Doubts<'_> {
        let mut phones: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for person in self.records("person").filter(|_| noun == "person") {
            let form = address_form(person.text("phone"));
            if !form.is_empty() && person.retired.is_none() {
                phones.entry(form).or_default().push(&person.key);
            }
        }
        Doubts { directory: self, noun, now, phones }
    }
}

impl Doubts<'_> {
    /// About one record. A retired one is doubted no more.
    pub fn about(&self, record: &Record) -> Vec<Sentence> {
        match self.noun {
            _ if record.retired.is_some() => Vec::new(),
            "contact" => self.contact(record),
            "person" => self.person(record),
            "area" => self.area(record),
            _ => Vec::new(),
        }
    }

    /// Nobody has tried it for long, or its function must be reachable by two means and is not.
    fn contact(&self, record: &Record) -> Vec<Sentence> {
        let mut doubts = Vec::new();
        match record.whole("verified").map(|verified| (self.now.micros() - verified) / DAY_US) {
            None => doubts.push(say!("never verified")),
            Some(days) if days > STALE_DAYS => doubts.push(say!("not verified for {days} days", days)),
            Some(_) => {}
        }
        let role = record.text("role");
        let contacts = self.directory.records("contact");
        let of_role = contacts
            .filter(|other| other.text("role") == role && other.text("organisation") == record.text("organisation"));
        let mut means: Vec<&str> = of_role.map(|other| other.text("means")).collect();
        means.sort_unstable();
        means.dedup();
        if TWO_MEANS.contains(&role) && means.len() < 2 {
            doubts.push(say!("reachable by one means only; two are required"));
        }
        doubts
    }

    /// An answer from a number that two people have cannot be told apart.
    fn person(&self, record: &Record) -> Vec<Sentence> {
        let phone = record.text("phone");
        let form = address_form(phone);
        let mut doubts = Vec::new();
        if !form.is_empty() && !form.starts_with('+') {
            doubts.push(say!(
                "`{phone}` has no country: write +670… so that messages reach it and answers are known",
                phone
            ));
        }
        let others = self.phones.get(&form).into_iter().flatten().filter(|other| **other != record.key);
        let others: Vec<&str> = others.copied().collect();
        if !others.is_empty() {
            doubts.push(say!("the same number as {others}: whose answer it is cannot be known", others));
        }
        doubts
    }

    /// Steps of its ladder at which nobody can be called.
    fn area(&self, record: &Record) -> Vec<Sentence> {
        let steps = self.directory.area(&record.key).ladder;
        let mut roles: Vec<(i64, Role)> = steps.iter().map(|step| (step.after_min, step.role)).collect();
        roles.dedup_by_key(|(_, role)| *role);
        let nobody = |role: Role| {
            let by_function = !matches!(role, Role::Desk | Role::Told);
            by_function && self.directory.callees(role, None).is_empty()
        };
        let missing = roles.into_iter().filter(|(_, role)| nobody(*role));
        missing
            .map(|(minutes, role)| {
                say!("nobody is a contact as {role}: its step +{minutes} calls others", role, minutes)
            })
            .collect()
    }
}
