//! The scenario's Access desk: people with contracts, two systems, roles and rules that give them, keys that must stay apart,
//! borrowed access and a review.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use kernel::Timestamp;
use serde_json::{Value, json};

use crate::api::Api;
use crate::platform::PASSWORD;

/// Given name, family name, unit, job, duty station; the number is the place in the list.
const PEOPLE: [(&str, &str, &str, &str, &str); 16] = [
    ("Marta", "Oliveira", "DIR", "Head of office", "dil"),
    ("Noor", "Haddad", "SEC", "Radio operator", "dil"),
    ("Bao", "Tran", "OPS", "Driver", "dil"),
    ("Amina", "Diallo", "OPS", "Logistics officer", "dil"),
    ("Jonas", "Weber", "FIN", "Finance officer", "gva"),
    ("Priya", "Raman", "FIN", "Finance assistant", "dil"),
    ("Luis", "Ortega", "FIN", "Procurement officer", "dil"),
    ("Hana", "Sato", "ICT", "Systems administrator", "gva"),
    ("Tomas", "Novak", "ICT", "Service desk", "dil"),
    ("Aisha", "Bello", "HR", "Human resources officer", "gva"),
    ("Pierre", "Lambert", "OPS", "Warehouse keeper", "dil"),
    ("Rosa", "Marques", "EDU", "Education officer", "dil"),
    ("Chen", "Li", "EDU", "Education assistant", "dil"),
    ("Fatima", "Zahra", "MED", "Nurse", "dil"),
    ("Omar", "Said", "MED", "Physician", "dil"),
    ("Elena", "Petrova", "SEC", "Security officer", "gva"),
];

/// An account that was there before anybody looked, and is nobody's.
const FORGOTTEN: &str = "legacy-4711,ksurvey,yes,Survey consultant 2023,all-staff\n";

const DOCUMENTS: &str = r#"
[settings.house]
title = "International Relief Coordination Office"
time_zone = "Europe/Zurich"

[station.dil]
title = "Dili"
time_zone = "Asia/Dili"
country = "TL"

[station.gva]
title = "Geneva"
time_zone = "Europe/Zurich"
country = "CH"

[role.staff]
title = "Everybody"
kind = "business"
owner = "P-08"
grants = ["directory", "directory/all-staff"]

[role.finance]
title = "Finance"
kind = "business"
owner = "P-05"
grants = ["finance", "finance/enter-invoices", "directory/finance-files"]

[role.payer]
title = "Releases payments"
kind = "business"
owner = "P-05"
grants = ["finance", "finance/release-payments"]

[role.vendor-keeper]
title = "Keeps vendors"
kind = "business"
owner = "P-05"
grants = ["finance", "finance/edit-vendors"]

[role.directory-administrator]
title = "Runs the directory"
kind = "technical"
owner = "P-01"
privileged = true
grants = ["directory/administrators"]

[rule.everybody]
title = "Everybody has an account"
owner = "P-08"
when = "true"
roles = ["staff"]

[rule.finance]
title = "Who works in finance"
owner = "P-05"
when = "engagement.org_unit == 'FIN'"
roles = ["finance"]

[feed.hr]
title = "Human resources"
owner = "P-10"
format = "csv"
trailer = "END"
folder = "hr"
[feed.hr.map]
anchor = "person"
number = "person"
key = "contract"
given_name = "given"
family_name = "family"
kind = "kind"
begins = "begins"
ends = "ends"
standing = "standing"
station = "station"
org_unit = "unit"
job = "job"
manager = "manager"
"#;

/// A system whose accounts are the lines of a file below `systems/` of the data folder.
fn system(key: &str, title: &str, owner: &str, file: &Path, before: &str) -> Result<Value> {
    let text = format!("anchor,login,active,name,entitlements\n{before}");
    let folder = file.parent().context("the file lies in a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    let login = "{{ person.given_name | ascii | letters | lower | initial }}{{ person.family_name | ascii | letters | lower }}{% if n > 1 %}{{ n }}{% endif %}";
    let settings = json!({
        "path": file.file_name().and_then(|name| name.to_str()), "id": "anchor", "name": "login",
        "enabled": { "column": "active", "yes": "yes", "no": "no" },
        "several": [{ "column": "entitlements", "separator": ";" }],
    });
    Ok(json!({
        "kind": "system", "key": key,
        "body": {
            "title": title, "owner": owner, "connector": { "kind": "csv", "settings": settings },
            "anchor": "anchor", "entitlement_attribute": "entitlements", "protected": ["svc-*"],
            "login": { "template": login, "scope": key }, "attributes": { "name": "{{ person.display_name }}" },
        },
    }))
}

/// Fills the desk.
pub fn open(api: &Api, data: &Path) -> Result<()> {
    let files = data.join("systems");
    let systems = [
        system("directory", "Directory", "P-08", &files.join("directory.csv"), FORGOTTEN)?,
        system("finance", "Finance system", "P-05", &files.join("finance.csv"), "")?,
    ];
    let saved =
        api.put("identity/documents", &json!({ "drafts": systems, "toml": DOCUMENTS, "reason": "first policy" }))?;
    ensure!(saved["documents"].is_array(), "the policy was refused: {saved}");
    let batch = api.post("identity/feeds/hr/deliveries", &json!({ "body": feed() }))?;
    ensure!(batch["state"] == "applied", "the first feed was not taken: {batch}");
    let people = api.get("identity/people")?;
    let id = |number: &str| -> Result<String> {
        let all = people["people"].as_array().context("a list of people")?;
        let one = all.iter().find(|one| one["number"] == number).context("somebody of the feed")?;
        Ok(one["id"].as_str().context("an id")?.to_owned())
    };
    // Who signs in to the demo is the systems administrator, and may borrow what they administer by.
    let me = api.get("session")?;
    let user = me.pointer("/signed_in/user/id").and_then(Value::as_str).context("the signed-in user's id")?.to_owned();
    api.post("access/logins", &json!({ "user": user, "person": id("P-08")? }))?;
    // Nobody gives access to themselves: the officer of the Access desk does.
    let (user, officer) = api.invite("aisha.bello", "Aisha Bello", "access-officer", PASSWORD)?;
    api.post("access/logins", &json!({ "user": user, "person": id("P-10")? }))?;
    let give = |number: &str, role: &str, mode: &str, reason: &str| -> Result<()> {
        let body = json!({ "target_kind": "role", "target": role, "mode": mode, "reason": reason });
        officer.post(&format!("identity/people/{}/assignments", id(number)?), &body).map(drop)
    };
    give("P-08", "directory-administrator", "eligible", "on call for the directory")?;
    give("P-09", "directory-administrator", "eligible", "second on call")?;
    give("P-05", "payer", "active", "releases payments for the office")?;
    give("P-07", "vendor-keeper", "active", "keeps the list of vendors")?;
    give("P-06", "payer", "active", "stood in during the holidays")?;
    give("P-06", "vendor-keeper", "active", "stood in during the holidays")?;
    duties(api)?;
    api.post("identity/systems/directory/read", &json!({ "trial": false }))?;
    let due = Timestamp(crate::play::now().micros()).plus_micros(14 * 86_400_000_000);
    let campaign = json!({
        "title": "Finance, half-yearly", "scope": { "systems": ["finance"] }, "reviewers": ["manager", "owner"],
        "due": due.micros(), "canaries": 1,
    });
    api.post("access/campaigns", &json!({ "campaign": campaign }))?;
    Ok(())
}

fn duties(api: &Api) -> Result<()> {
    let documents = [
        (
            "sod-function",
            "pay",
            json!({ "title": "Pay", "owner": "P-05", "entitlements": ["finance/release-payments"] }),
        ),
        (
            "sod-function",
            "vendor",
            json!({ "title": "Make vendors", "owner": "P-05", "entitlements": ["finance/edit-vendors"] }),
        ),
        (
            "sod-rule",
            "pay-vendor",
            json!({ "title": "Who pays does not make vendors", "owner": "P-01", "risk": "high", "sides": [["pay"], ["vendor"]] }),
        ),
        ("package", "vendor-keeping", json!({ "title": "Keep vendors", "owner": "P-05", "roles": ["vendor-keeper"] })),
    ];
    for (kind, key, body) in documents {
        api.post("access/documents", &json!({ "kind": kind, "key": key, "body": body, "reason": "first policy" }))?;
    }
    api.post("access/violations/analysis", &json!({})).map(drop)
}

/// The feed of a day, whole, with its last line.
fn feed() -> String {
    let header = "person,contract,given,family,kind,begins,ends,standing,station,unit,job,manager\n";
    let mut text = header.to_owned();
    for (at, (given, family, unit, job, station)) in PEOPLE.iter().enumerate() {
        let number = at + 1;
        let ends = if number == 13 { "2027-01-31" } else { "" };
        let manager = if number == 1 { "" } else { "P-01" };
        let line = format!(
            "P-{number:02},C-{number:02},{given},{family},staff,2026-01-01,{ends},active,{station},{unit},{job},{manager}\n"
        );
        text.push_str(&line);
    }
    text.push_str(&format!("END,{}\n", PEOPLE.len()));
    text
}
