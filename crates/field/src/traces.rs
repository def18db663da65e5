//! The last traces of a person: position, radio, message, headcount, sign-in, badge, as one question in KQL.

use kernel::{Actor, TableSchema};
use serde_json::{Value as Json, json};

use crate::error::Error;
use crate::log::NewEntry;
use crate::room::Field;

/// Traces of one answer.
const MOST: u32 = 200;

/// One kind of trace: a table, the columns that it needs, which of its rows are theirs, and what they say.
struct Leg {
    table: &'static str,
    columns: &'static [&'static str],
    theirs: &'static str,
    time: &'static str,
    trace: &'static str,
    what: &'static str,
}

const LEGS: &[Leg] = &[
    Leg {
        table: "FieldPositions",
        columns: &["HolderKind", "Holder", "Latitude", "Longitude", "AccuracyM", "Source", "Trust"],
        theirs: "((HolderKind == 'person' and Holder == person) or (HolderKind == 'vehicle' and Holder in (vehicles))) \
                 and Trust != 'quarantined'",
        time: "TimeGenerated",
        trace: "position",
        what: "strcat(Latitude, ' ', Longitude, ' within ', AccuracyM, ' m, ', Source, ' of ', Holder)",
    },
    Leg {
        table: "DutyLog",
        columns: &["CallSign", "Holder", "Happened", "Meaning"],
        theirs: "CallSign in (signs) or Holder == person",
        time: "Happened",
        trace: "radio",
        what: "Meaning",
    },
    Leg {
        table: "FieldMessages",
        columns: &["Person", "Means", "Text"],
        theirs: "Person == person",
        time: "TimeGenerated",
        trace: "message",
        what: "strcat(Means, ': ', Text)",
    },
    Leg {
        table: "Headcounts",
        columns: &["Person", "Answered", "Safety"],
        theirs: "Person == person and isnotnull(Answered)",
        time: "Answered",
        trace: "headcount",
        what: "Safety",
    },
    Leg {
        table: "SigninLogs",
        columns: &["UserPrincipalName", "AppDisplayName", "IPAddress", "ResultType"],
        theirs: "isnotempty(address) and UserPrincipalName =~ address",
        time: "TimeGenerated",
        trace: "sign-in",
        what: "strcat(AppDisplayName, ' from ', IPAddress, ', result ', ResultType)",
    },
    Leg {
        table: "IdentityLogonEvents",
        columns: &["AccountUpn", "Application", "DeviceName", "IPAddress"],
        theirs: "isnotempty(address) and AccountUpn =~ address",
        time: "TimeGenerated",
        trace: "sign-in",
        what: "strcat(Application, ' on ', DeviceName, ' from ', IPAddress)",
    },
    // Readers at doors, where somebody connects them under this name.
    Leg {
        table: "BadgeReads",
        columns: &["Person", "Door"],
        theirs: "Person == person",
        time: "TimeGenerated",
        trace: "badge",
        what: "tostring(Door)",
    },
];

/// Who is looked for, as tables name them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sought {
    /// Key.
    pub person: String,
    pub name: String,
    /// Their mail address, which accounts are named by.
    pub address: String,
    pub signs: Vec<String>,
    /// Vehicles in which they sit or sat on missions of late.
    pub vehicles: Vec<String>,
}

/// The question, over those of the tables that there are.
pub fn question(sought: &Sought, tables: &[TableSchema]) -> String {
    let quoted = |text: &str| json!(text).to_string();
    let list = |all: &[String]| format!("dynamic({})", json!(all));
    let has = |leg: &&Leg| {
        tables.iter().find(|table| table.name == leg.table).is_some_and(|table| {
            let known = |name: &&&str| table.columns.iter().any(|column| column.name == ***name);
            leg.columns.iter().filter(known).count() == leg.columns.len()
        })
    };
    let legs: Vec<String> = LEGS
        .iter()
        .filter(has)
        .map(|leg| {
            format!(
                "  ({} | where {} | project TimeGenerated = {}, Trace = '{}', What = {})",
                leg.table, leg.theirs, leg.time, leg.trace, leg.what
            )
        })
        .collect();
    format!(
        "// The last traces of {}\nlet person = {};\nlet address = {};\nlet signs = {};\nlet vehicles = {};\nunion\n{}\n\
         | sort by TimeGenerated desc\n| take {MOST}",
        sought.person.replace('\n', " "),
        quoted(&sought.person),
        quoted(&sought.address),
        list(&sought.signs),
        list(&sought.vehicles),
        legs.join(",\n"),
    )
}

impl Field {
    /// Who a person is to the tables. That somebody asks for their traces, and why, is in the duty log and in the ledger.
    ///
    /// # Errors
    /// [`Error::NotFound`] for somebody who is not in the register.
    pub async fn seek(&self, person: &str, actor: &Actor, reason: &str) -> Result<Sought, Error> {
        let mut turn = self.turn(actor, reason).await?;
        let directory = turn.directory.clone();
        let record = directory.record("person", person).ok_or_else(|| Error::missing("person", person))?;
        let mut vehicles = Vec::new();
        for mission in crate::mission::of_member(&mut turn.tx, "person", &record.key).await? {
            let sat = mission.manifest.iter().filter(|seat| seat.person == record.key);
            vehicles.extend(sat.filter_map(|seat| seat.vehicle.clone()));
        }
        vehicles.sort_unstable();
        vehicles.dedup();
        let sought = Sought {
            person: record.key.clone(),
            name: record.text("name").to_owned(),
            address: record.text("email").to_owned(),
            signs: directory.signs_of("person", &record.key),
            vehicles,
        };
        turn.record("person.seek", &sought.person, Json::Null, Json::Null);
        let text = format!("the last traces of {} ({}) are looked for: {reason}", sought.name, sought.person);
        turn.log(NewEntry::words("traces", text)).await?;
        turn.finish().await?;
        Ok(sought)
    }
}
