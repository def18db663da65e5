//! The scenario's radio room: the register of a country office, and a convoy that is on the road while the day goes bad.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::api::Api;

/// What the office imports before its first shift, in this order.
const REGISTER: [(&str, &str); 6] = [
    ("organisation", "key,name,kind\nIRCO,International Relief Coordination Office,un\nLAMP,Relief by Lamplight,ngo\n"),
    ("zone", "key,name\n4,Harbour\n5,Hill\n"),
    (
        "person",
        "key,name,category,organisation,zone,presence\n\
         P-11,Noor Haddad,staff,IRCO,4,present\nP-12,Bao Tran,staff,IRCO,4,present\n\
         P-13,Amina Diallo,staff,IRCO,5,present\nP-14,Ilse Brandt,ngo,LAMP,5,present\n",
    ),
    (
        "vehicle",
        "key,name,organisation,seats,armoured\nIR-11,White pickup,IRCO,5,no\nIR-12,White van,IRCO,9,no\nLL-1,Blue truck,LAMP,3,no\n",
    ),
    (
        "premises",
        "key,name,kind,time_zone,latitude,longitude\n\
         BASE,Radio room,duty-station,Asia/Dili,-8.55,125.57\nBRIDGE,Comoro bridge,other,,,\n",
    ),
    ("area", "key,name,risk\nLOW,Lowlands,low\nHIGH,Highlands,high\n"),
];

/// Who is called what on the air.
const CALL_SIGNS: [(&str, &str, &str); 4] = [
    ("BF11", "vehicle", "IR-11"),
    ("BF12", "vehicle", "IR-12"),
    ("3611", "person", "P-11"),
    ("3613", "person", "P-13"),
];

/// Fills the register and sends a convoy off.
pub fn open(api: &Api) -> Result<()> {
    for (noun, csv) in REGISTER {
        let answer =
            api.post(&format!("field/register/{noun}/import"), &json!({"csv": csv, "reason": "first list"}))?;
        ensure!(answer["written"] == true, "the register's {noun} was refused: {answer}");
    }
    for (sign, kind, holder) in CALL_SIGNS {
        let request = json!({"sign": sign, "holder_kind": kind, "holder": holder, "reason": "list of the month"});
        api.post("field/call-signs", &request)?;
    }
    let request = json!({
        "title": "School visit", "legs": [{"from": "BASE", "to": "Hilltop", "area": "LOW"}],
        "vehicles": ["IR-11", "IR-12"],
        "people": [{"person": "P-11", "vehicle": "IR-11"}, {"person": "P-12", "vehicle": "IR-12"}],
        "leader": "BF11", "deputy": "BF12", "reason": "asked for by the education section",
    });
    let mut mission = api.post("field/missions", &request)?["mission"].take();
    for command in ["clear", "brief"] {
        let id = mission["id"].as_str().context("a mission has an id")?.to_owned();
        let body = json!({"command": command, "version": mission["version"], "reason": "as asked"});
        mission = api.post(&format!("field/missions/{id}/commands"), &body)?["mission"].take();
    }
    for line in ["bf11 dep", "bf12 dep", "bf11 at bridge"] {
        let entry: Value = api.post("field/log", &json!({ "line": line }))?;
        ensure!(entry["number"].is_number(), "the line {line} was not entered: {entry}");
    }
    Ok(())
}
