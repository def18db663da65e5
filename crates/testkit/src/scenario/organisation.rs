//! The fictional organisation: stations, people, machines.

use super::Dice;

/// A duty station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Station {
    /// Three letters, used in host names.
    pub code: &'static str,
    pub name: &'static str,
    /// First two octets of its network.
    pub network: &'static str,
    /// Public address of its link.
    pub egress: &'static str,
    /// ISO 3166 user-assigned code: the countries are as fictional as the stations.
    pub country: &'static str,
}

/// Headquarters and two country offices; the last one's link is bad, so its collector uploads files.
pub const STATIONS: [Station; 3] = [
    Station { code: "pmr", name: "Port Maren", network: "10.10", egress: "198.51.100.10", country: "XM" },
    Station { code: "dsl", name: "Dar Selim", network: "10.20", egress: "198.51.100.20", country: "XS" },
    Station { code: "ivd", name: "Ilha Verde", network: "10.30", egress: "198.51.100.30", country: "XV" },
];

/// Somebody who works there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub given: &'static str,
    pub family: &'static str,
    /// `amina.diallo`, unique in the organisation.
    pub account: String,
    pub station: Station,
    pub department: &'static str,
    pub workstation: String,
    pub address: String,
}

impl Person {
    /// User principal name.
    pub fn upn(&self) -> String {
        format!("{}@irco.example", self.account)
    }

    /// `IRCO\amina.diallo`.
    pub fn domain_account(&self) -> String {
        format!("IRCO\\{}", self.account)
    }

    /// Fully qualified name of the workstation.
    pub fn host(&self) -> String {
        format!("{}.irco.example", self.workstation)
    }
}

/// All of them.
#[derive(Debug)]
pub struct Organisation {
    pub people: Vec<Person>,
}

const GIVEN: [&str; 40] = [
    "Amina", "Bashir", "Camille", "Dalia", "Emeka", "Fatou", "Gustavo", "Hana", "Idris", "Jana", "Kofi", "Leila",
    "Mateus", "Nadia", "Olu", "Priya", "Quim", "Rana", "Samir", "Tala", "Ugo", "Vera", "Wangari", "Ximena", "Yusuf",
    "Zainab", "Anton", "Beatriz", "Chen", "Dunya", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jomo", "Karim", "Lucia",
    "Mina", "Noor",
];

const FAMILY: [&str; 40] = [
    "Abara",
    "Benali",
    "Castelo",
    "Diallo",
    "Eriksen",
    "Farouk",
    "Gomes",
    "Haddad",
    "Ibarra",
    "Jallow",
    "Kamara",
    "Lindqvist",
    "Mbeki",
    "Nasser",
    "Okafor",
    "Pereira",
    "Quispe",
    "Rahman",
    "Sarr",
    "Tadesse",
    "Umarov",
    "Valdez",
    "Wekesa",
    "Ximenes",
    "Yilmaz",
    "Zongo",
    "Amaral",
    "Bekele",
    "Correia",
    "Dossou",
    "Egal",
    "Fonseca",
    "Getachew",
    "Hoang",
    "Issa",
    "Jovic",
    "Kaya",
    "Lam",
    "Moreau",
    "Nguema",
];

const DEPARTMENTS: [&str; 6] =
    ["Finance", "Logistics", "Protection", "Human Resources", "Programme", "Information Technology"];

impl Organisation {
    pub(super) fn new(dice: &mut Dice, people: usize) -> Organisation {
        let people = (0..people.max(STATIONS.len() * DEPARTMENTS.len())).map(|number| person(dice, number)).collect();
        Organisation { people }
    }

    /// The nth person of a department at a station.
    pub fn member(&self, station: Station, department: &str, nth: usize) -> &Person {
        let mut members =
            self.people.iter().filter(|person| person.station == station && person.department == department);
        members.nth(nth).or(self.people.first()).expect("an organisation has people")
    }
}

fn person(dice: &mut Dice, number: usize) -> Person {
    let station = STATIONS[number % STATIONS.len()];
    let department = DEPARTMENTS[number / STATIONS.len() % DEPARTMENTS.len()];
    let (given, family) = (GIVEN[number % GIVEN.len()], *dice.pick(&FAMILY));
    let suffix = if number < GIVEN.len() { String::new() } else { (number / GIVEN.len() + 1).to_string() };
    Person {
        given,
        family,
        account: format!("{}.{}{suffix}", given.to_lowercase(), family.to_lowercase()),
        station,
        department,
        workstation: format!("{}-ws-{number:03}", station.code),
        address: format!("{}.{}.{}", station.network, 1 + number / 200, 10 + number % 200),
    }
}
