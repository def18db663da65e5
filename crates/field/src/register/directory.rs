//! The register as a picture in memory: who holds a sign, what an area asks for, who is called in a function.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use kernel::Timestamp;
use store::{Read, params};

use super::affiliations::{self, Affiliation};
use super::call_signs::{self, Assignment};
use super::nouns::NOUNS;
use super::records::{self, Record};
use crate::alarm::ladder::{self, Means, Risk, Role, Step};
use crate::error::Error;
use crate::position::{self, Fence};
use crate::speech::Language;
use crate::sql;

const MINUTE_US: i64 = 60_000_000;

/// Who holds a call sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub sign: String,
    /// `person`, `vehicle` or `premises`.
    pub kind: String,
    pub key: String,
    pub name: String,
    pub organisation: Option<String>,
}

/// What an area asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaRules {
    /// Microseconds between contacts.
    pub interval_us: i64,
    /// Microseconds in which somebody who is called has to answer, when a step names none.
    pub answer_us: i64,
    pub ladder: Vec<Step>,
}

/// Somebody who can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callee {
    /// Key of the contact.
    pub contact: String,
    pub name: String,
    pub organisation: Option<String>,
    pub means: Means,
    pub address: String,
}

/// The register at one moment.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Counts every change of the register.
    pub(crate) revision: i64,
    signs: BTreeMap<String, Vec<Assignment>>,
    records: BTreeMap<&'static str, BTreeMap<String, Record>>,
    affiliations: Vec<Affiliation>,
    fences: Arc<Vec<Fence>>,
    zone: TimeZone,
}

impl Directory {
    /// From what is stored.
    pub fn new(revision: i64, signs: Vec<Assignment>, nouns: Vec<(&'static str, Vec<Record>)>) -> Directory {
        let mut by_sign: BTreeMap<String, Vec<Assignment>> = BTreeMap::new();
        for assignment in signs {
            by_sign.entry(assignment.sign.clone()).or_default().push(assignment);
        }
        let keyed = |records: Vec<Record>| records.into_iter().map(|record| (record.key.clone(), record)).collect();
        let records: BTreeMap<&'static str, BTreeMap<String, Record>> =
            nouns.into_iter().map(|(noun, records)| (noun, keyed(records))).collect();
        let zone = station(&records).and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let (affiliations, fences) = (Vec::new(), Arc::default());
        let mut directory = Directory { revision, signs: by_sign, records, affiliations, fences, zone };
        directory.fences = Arc::new(position::fences(&directory));
        directory
    }

    pub(crate) async fn load(read: &mut impl Read, revision: i64) -> Result<Directory, Error> {
        let mut nouns = Vec::new();
        // Roads are many, and asked as a graph.
        for noun in NOUNS.iter().filter(|noun| noun.name != "road") {
            nouns.push((noun.name, records::all_in(read, noun).await?));
        }
        let mut directory = Directory::new(revision, call_signs::all_in(read).await?, nouns);
        directory.affiliations = affiliations::all_in(read).await?;
        Ok(directory)
    }

    /// The time zone of the duty station; UTC when there is none.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// A record, retired or not.
    pub fn record(&self, noun: &str, key: &str) -> Option<&Record> {
        self.records.get(noun)?.get(&key.to_uppercase())
    }

    /// Records of a noun that are in use, by key.
    pub fn records(&self, noun: &str) -> impl Iterator<Item = &Record> {
        self.records.get(noun).into_iter().flat_map(BTreeMap::values).filter(|record| record.retired.is_none())
    }

    /// The name of a record; its key when it is not known.
    pub fn name(&self, noun: &str, key: &str) -> String {
        let name = self.record(noun, key).map(|record| record.text("name")).filter(|name| !name.is_empty());
        name.unwrap_or(key).to_owned()
    }

    /// Whether anybody holds the sign, or ever did.
    pub fn knows_sign(&self, sign: &str) -> bool {
        self.signs.contains_key(&sign.to_uppercase())
    }

    /// Who held a sign at an instant.
    pub fn holder(&self, sign: &str, at: Timestamp) -> Option<Holder> {
        let assignments = self.signs.get(&sign.to_uppercase())?;
        let held = assignments.iter().rfind(|held| held.from <= at && held.until.is_none_or(|until| at < until))?;
        Some(self.holder_of(held))
    }

    fn holder_of(&self, held: &Assignment) -> Holder {
        let record = self.record(&held.holder_kind, &held.holder);
        Holder {
            sign: held.sign.clone(),
            kind: held.holder_kind.clone(),
            key: held.holder.clone(),
            name: self.name(&held.holder_kind, &held.holder),
            organisation: record.and_then(|record| record.text_opt("organisation")),
        }
    }

    /// Every sign that a person or vehicle holds or held.
    pub fn signs_of(&self, kind: &str, key: &str) -> Vec<String> {
        let theirs = |held: &&Assignment| held.holder_kind == kind && held.holder == key;
        let mut signs: Vec<String> =
            self.signs.values().flatten().filter(theirs).map(|held| held.sign.clone()).collect();
        signs.dedup();
        signs
    }

    /// The net on which a sign calls at an instant.
    pub fn network_of(&self, sign: &str, at: Timestamp) -> Option<String> {
        let assignments = self.signs.get(&sign.to_uppercase())?;
        let held = assignments.iter().rfind(|held| held.from <= at && held.until.is_none_or(|until| at < until))?;
        held.network.clone()
    }

    /// Everybody who holds a sign at an instant, of one network or of all, by sign.
    pub fn holders(&self, at: Timestamp, network: Option<&str>) -> Vec<Holder> {
        let now = |held: &&Assignment| held.from <= at && held.until.is_none_or(|until| at < until);
        let on = |held: &&Assignment| network.is_none_or(|network| held.network.as_deref() == Some(network));
        self.signs.values().flatten().filter(now).filter(on).map(|held| self.holder_of(held)).collect()
    }

    /// The sign that a vehicle or a person holds at an instant.
    pub fn sign_of(&self, kind: &str, key: &str, at: Timestamp) -> Option<String> {
        let holders = self.holders(at, None);
        holders.into_iter().find(|holder| holder.kind == kind && holder.key == key).map(|holder| holder.sign)
    }

    /// The place that somebody means: by code name or name.
    pub fn place(&self, said: &str) -> Option<&Record> {
        let folded = said.trim().to_lowercase();
        let named =
            |record: &&Record| record.key.to_lowercase() == folded || record.text("name").to_lowercase() == folded;
        self.records("premises").find(named)
    }

    /// The fences in use, ready to be asked.
    pub fn fences(&self) -> &[Fence] {
        &self.fences
    }

    /// Whether an area is one of high risk.
    pub fn is_high_risk(&self, area: &str) -> bool {
        self.record("area", area).is_some_and(|record| record.text("risk") == Risk::High.as_str())
    }

    /// What an area asks for. An unknown area is taken as one of medium risk.
    pub fn area(&self, key: &str) -> AreaRules {
        let record = self.record("area", key);
        let risk = record.and_then(|record| record.text("risk").parse().ok()).unwrap_or(Risk::Medium);
        let minutes = record.and_then(|record| record.whole("contact_interval_min"));
        let ladder = record.and_then(|record| ladder::parse(record.text("ladder")).ok());
        AreaRules {
            interval_us: minutes.unwrap_or(risk.contact_interval_min()) * MINUTE_US,
            answer_us: risk.answer_min() * MINUTE_US,
            ladder: ladder.unwrap_or_else(ladder::usual),
        }
    }

    /// Who is called in a function, first the one who is tried first; for a focal point, those of one organisation.
    pub fn callees(&self, role: Role, organisation: Option<&str>) -> Vec<Callee> {
        let mut found: Vec<&Record> = self
            .records("contact")
            .filter(|contact| contact.text("role") == role.as_str())
            .filter(|contact| organisation.is_none_or(|wanted| contact.text("organisation") == wanted))
            .collect();
        found.sort_by_key(|contact| (contact.whole("priority"), contact.key.clone()));
        found.into_iter().filter_map(|contact| self.callee(contact)).collect()
    }

    /// How a user is reached: on the screen, or by whatever the register knows of the person who they are.
    pub(crate) fn callees_of_user(&self, user: &str, on_screen: bool) -> Vec<Callee> {
        let person = self.affiliation(user).and_then(|known| known.person.clone());
        let name = person.as_ref().map_or_else(|| user.to_owned(), |person| self.name("person", person));
        if on_screen {
            let (contact, address) = (format!("user:{user}"), String::new());
            return vec![Callee { contact, name, organisation: None, means: Means::Screen, address }];
        }
        let Some(person) = person else { return Vec::new() };
        let mut found: Vec<&Record> =
            self.records("contact").filter(|contact| contact.text("person") == person).collect();
        found.sort_by_key(|contact| (contact.whole("priority"), contact.key.clone()));
        let mut callees: Vec<Callee> = found.into_iter().filter_map(|contact| self.callee(contact)).collect();
        let record = self.record("person", &person);
        for (column, means) in [("phone", Means::Sms), ("email", Means::Email)] {
            let address = record.map_or("", |record| record.text(column)).to_owned();
            if !address.is_empty() && callees.iter().all(|callee| callee.address != address) {
                let contact = format!("{person}:{column}");
                callees.push(Callee { contact, name: name.clone(), organisation: None, means, address });
            }
        }
        callees
    }

    /// What is known of a user of the console.
    pub fn affiliation(&self, user: &str) -> Option<&Affiliation> {
        self.affiliations.iter().find(|one| one.user == user)
    }

    /// Everybody whose organisation or person is known.
    pub fn affiliations(&self) -> &[Affiliation] {
        &self.affiliations
    }

    /// The user who is the person of a contact.
    pub(crate) fn user_of_contact(&self, contact: &str) -> Option<String> {
        let person = self.record("contact", contact)?.text_opt("person")?;
        let known = self.affiliations.iter().find(|one| one.person.as_ref() == Some(&person));
        known.map(|one| one.user.clone())
    }

    /// Whether two addresses are the same, however they are written.
    pub(crate) fn same_address(&self, one: &str, other: &str) -> bool {
        let (one, other) = (address_form(one), address_form(other));
        !one.is_empty() && one == other
    }

    /// Whether a contact is that of one of these people.
    pub(crate) fn is_of(&self, contact: &str, people: &[String]) -> bool {
        let person = self.record("contact", contact).and_then(|record| record.text_opt("person"));
        person.is_some_and(|person| people.contains(&person))
    }

    /// In which language a contact is written to: its own, else its person's. `P-7:phone` is what the register says of P-7.
    pub(crate) fn language_of_contact(&self, contact: &str) -> Option<Language> {
        let language = |record: &Record| record.text_opt("language").and_then(|tag| Language::of_tag(&tag));
        let person = match self.record("contact", contact) {
            Some(record) => match language(record) {
                Some(own) => return Some(own),
                None => record.text_opt("person")?,
            },
            None => contact.split_once(':')?.0.to_owned(),
        };
        self.record("person", &person).and_then(language)
    }

    /// The person who has an address: a phone number or a mail address, of the register or of a contact.
    pub fn person_at(&self, address: &str) -> Option<&Record> {
        let wanted = address_form(address);
        let has = |record: &Record, column: &str| {
            Some(address_form(record.text(column))).filter(|form| !form.is_empty()).is_some_and(|form| form == wanted)
        };
        let own = self.records("person").find(|person| has(person, "phone") || has(person, "email"));
        own.or_else(|| {
            let contact = self.records("contact").find(|contact| has(contact, "address"))?;
            self.record("person", &contact.text_opt("person")?)
        })
        .or_else(|| self.person_by_digits(&wanted))
    }

    /// Whose a number is that came without its international prefix: with all its digits, or as people of the country dial it.
    /// `None` when it may be that of several.
    fn person_by_digits(&self, wanted: &str) -> Option<&Record> {
        let national = wanted.trim_start_matches('0');
        if wanted.starts_with('+') || wanted.contains('@') || national.len() < LEAST_DIGITS {
            return None;
        }
        let ends = |number: &str| address_form(number).ends_with(national);
        let own = self.records("person").filter(|person| ends(person.text("phone"))).map(|person| person.key.clone());
        let contacts = self.records("contact").filter(|contact| ends(contact.text("address")));
        let mut keys: Vec<String> = own.chain(contacts.filter_map(|contact| contact.text_opt("person"))).collect();
        keys.sort_unstable();
        keys.dedup();
        let [key] = keys.as_slice() else { return None };
        self.record("person", key)
    }

    /// Whose a device is: the vehicle that it is in, or the person who carries it; an unknown one is its own.
    pub fn holder_of_device(&self, device: &str) -> (String, String) {
        let key = device.trim().to_uppercase();
        let record = self.record("device", &key).filter(|record| record.retired.is_none());
        let of = |noun: &str| record.and_then(|record| record.text_opt(noun)).map(|key| (noun.to_owned(), key));
        of("vehicle").or_else(|| of("person")).unwrap_or(("device".to_owned(), key))
    }

    /// The devices of a vehicle or a person, those out of use included.
    pub(crate) fn devices_of(&self, noun: &str, key: &str) -> Vec<String> {
        let devices = self.records.get("device").into_iter().flat_map(BTreeMap::values);
        devices.filter(|one| one.text_opt(noun).as_deref() == Some(key)).map(|one| one.key.clone()).collect()
    }

    /// The contact of that key, as somebody to be called.
    pub(crate) fn callee_of(&self, key: &str) -> Option<Callee> {
        self.callee(self.record("contact", key).filter(|record| record.retired.is_none())?)
    }

    fn callee(&self, contact: &Record) -> Option<Callee> {
        let name = match contact.text_opt("person") {
            Some(person) => self.name("person", &person),
            None => contact.text("name").to_owned(),
        };
        Some(Callee {
            contact: contact.key.clone(),
            name,
            organisation: contact.text_opt("organisation"),
            means: contact.text("means").parse().ok()?,
            address: contact.text("address").to_owned(),
        })
    }
}

/// A number of fewer digits is a short code, or nobody's.
const LEAST_DIGITS: usize = 7;

/// An address as it is compared: of a number the digits, the international prefix in one form; a mail address in small
/// letters.
pub(super) fn address_form(address: &str) -> String {
    let address = address.trim();
    if address.contains('@') {
        return address.to_lowercase();
    }
    let digits: String = address.chars().filter(char::is_ascii_digit).collect();
    let international = address.starts_with('+') || address.starts_with("00");
    if international { format!("+{}", digits.trim_start_matches('0')) } else { digits }
}

fn station<'a>(records: &'a BTreeMap<&'static str, BTreeMap<String, Record>>) -> Option<&'a str> {
    let premises = records.get("premises")?;
    let in_use = premises.values().filter(|record| record.retired.is_none());
    in_use.filter(|record| record.text("kind") == "duty-station").map(|record| record.text("time_zone")).next()
}

/// How often the register was changed.
pub(crate) async fn revision(read: &mut impl Read) -> Result<i64, Error> {
    let rows = read.rows(&sql::REGISTER_REVISION, params![]).await?;
    Ok(rows.first().map(|row| row.int("revision")).transpose()?.unwrap_or(0))
}
