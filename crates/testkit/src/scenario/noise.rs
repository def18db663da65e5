//! Ordinary work: what 300 people and their machines leave behind in a morning.

use kernel::Timestamp;
use serde_json::json;

use super::cloud::{self, Mail, Place};
use super::network::{self, Flow};
use super::organisation::{Organisation, Person, STATIONS};
use super::windows::{Event, Process, Seat};
use super::{Dice, HOURS, MINUTE_US, Record};

const EXPLORER: &str = "C:\\Windows\\explorer.exe";
const EDGE: &str = "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe";

/// Programs that people start, with their command lines.
const PROGRAMS: [(&str, &str); 8] = [
    (EDGE, "\"msedge.exe\" --profile-directory=Default"),
    (
        "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE",
        "\"WINWORD.EXE\" /n \"C:\\Users\\Public\\Documents\\situation report.docx\"",
    ),
    (
        "C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE",
        "\"EXCEL.EXE\" \"S:\\finance\\cash forecast.xlsx\"",
    ),
    ("C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE", "\"OUTLOOK.EXE\" /recycle"),
    ("C:\\Windows\\System32\\notepad.exe", "notepad.exe notes.txt"),
    ("C:\\Program Files\\7-Zip\\7zFM.exe", "\"7zFM.exe\" handover.zip"),
    ("C:\\Windows\\System32\\mstsc.exe", "mstsc.exe /v:pmr-srv-files"),
    ("C:\\Program Files\\Relief\\Tracker\\tracker.exe", "tracker.exe --station"),
];

/// What machines start by themselves.
const SERVICES: [(&str, &str); 5] = [
    ("C:\\Windows\\System32\\svchost.exe", "C:\\Windows\\system32\\svchost.exe -k netsvcs -p -s Schedule"),
    ("C:\\Windows\\System32\\taskhostw.exe", "taskhostw.exe"),
    ("C:\\Windows\\System32\\conhost.exe", "\\??\\C:\\Windows\\system32\\conhost.exe 0xffffffff -ForceV1"),
    ("C:\\Windows\\System32\\SearchIndexer.exe", "C:\\Windows\\system32\\SearchIndexer.exe /Embedding"),
    ("C:\\Program Files\\Windows Defender\\MpCmdRun.exe", "\"MpCmdRun.exe\" SignatureUpdate -ScheduleJob"),
];

const SITES: [(&str, &str); 6] = [
    ("outlook.office365.com", "192.0.2.20"),
    ("intranet.irco.example", "10.10.0.20"),
    ("reliefnews.example", "192.0.2.61"),
    ("weather.example", "192.0.2.70"),
    ("teams.microsoft.com", "192.0.2.21"),
    ("maps.example", "192.0.2.88"),
];

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Edg/142.0";

/// Everybody's morning from `start` on.
pub(super) fn day(dice: &mut Dice, organisation: &Organisation, start: Timestamp) -> Vec<Record> {
    let mut records = Vec::new();
    for person in &organisation.people {
        morning(dice, person, start, &mut records);
    }
    let minutes = HOURS * 60;
    for minute in 0..minutes {
        let at = start.plus_micros(minute * MINUTE_US);
        for station in STATIONS {
            for _ in 0..3 {
                records.push(traffic(dice, organisation, station, at));
            }
        }
        servers(dice, organisation, at, &mut records);
    }
    records
}

fn sometime(dice: &mut Dice, at: Timestamp, spread_minutes: i64) -> Timestamp {
    at.plus_micros(dice.between(0, spread_minutes * MINUTE_US))
}

/// One person: log on, sign in, open programs, read mail.
fn morning(dice: &mut Dice, person: &Person, start: Timestamp, records: &mut Vec<Record>) {
    let seat = Seat::of(person);
    let arrival = sometime(dice, start, 90);
    let own = Place {
        address: person.station.egress,
        country: person.station.country,
        city: person.station.name,
        managed_device: true,
        user_agent: BROWSER,
    };
    if dice.percent(8) {
        let mistyped = Event { seat: &seat, at: arrival.plus_micros(-20_000_000), step: None };
        records.push(mistyped.logon(dice, 2, "127.0.0.1", false));
        records.push(cloud::sign_in(dice, arrival.plus_micros(-9_000_000), person, &own, "50126", None));
    }
    records.push(Event { seat: &seat, at: arrival, step: None }.logon(dice, 2, "127.0.0.1", true));
    records.push(cloud::sign_in(dice, arrival.plus_micros(40_000_000), person, &own, "0", None));
    let rest_minutes = HOURS * 60 - 95;
    for _ in 0..dice.between(18, 34) {
        let at = sometime(dice, arrival, rest_minutes);
        work(dice, person, &seat, at, records);
    }
}

fn work(dice: &mut Dice, person: &Person, seat: &Seat, at: Timestamp, records: &mut Vec<Record>) {
    let event = Event { seat, at, step: None };
    let by_hand = dice.percent(60);
    let (image, command_line) = if by_hand { *dice.pick(&PROGRAMS) } else { *dice.pick(&SERVICES) };
    let parent_image = if by_hand { EXPLORER } else { "C:\\Windows\\System32\\services.exe" };
    let process = Process { image, command_line, parent_image, parent_command_line: parent_image };
    records.push(event.process(dice, &process));
    if dice.percent(40) {
        records.push(event.audited_process(dice, &process));
    }
    let (site, address) = *dice.pick(&SITES);
    if image == EDGE {
        records.push(event.dns_query(EDGE, site, address));
        records.push(event.connection(dice, EDGE, address, site, 443));
    }
    if dice.percent(15) {
        let mail =
            Mail { from: "newsletter", from_domain: "reliefnews.example", subject: "Morning bulletin", url_count: 3 };
        let (message, delivered) = cloud::mail(dice, at, person, &mail, None);
        records.push(delivered);
        if dice.percent(20) {
            records.push(cloud::click(at, person, &message, "https://reliefnews.example/today", None));
        }
    }
    if dice.percent(6) {
        records.push(cloud::mailbox(at, person, "MailItemsAccessed", person.station.egress, &json!([]), None));
    }
}

fn traffic(dice: &mut Dice, organisation: &Organisation, station: super::Station, at: Timestamp) -> Record {
    let person = dice.pick(&organisation.people);
    let (_, destination) = *dice.pick(&SITES);
    let allowed = !dice.percent(4);
    let flow = Flow {
        source: &person.address,
        destination,
        port: if allowed { 443 } else { 445 },
        bytes_out: dice.between(800, 90_000).unsigned_abs(),
        bytes_in: dice.between(2_000, 900_000).unsigned_abs(),
        allowed,
    };
    let at = sometime(dice, at, 1);
    network::firewall(dice, at, station, &flow, None)
}

/// Servers: administrators log on, jobs run, the internet knocks on the gateway's door.
fn servers(dice: &mut Dice, organisation: &Organisation, at: Timestamp, records: &mut Vec<Record>) {
    let at = sometime(dice, at, 1);
    let process_id = dice.between(900, 30_000);
    let administrator = organisation.member(STATIONS[0], "Information Technology", 0);
    if dice.percent(20) {
        let message = format!(
            "Accepted publickey for {} from {} port 50{} ssh2",
            administrator.account,
            administrator.address,
            dice.between(100, 999)
        );
        records.push(network::daemon(at, 86, "pmr-web-01", "sshd", process_id, &message, None));
    }
    if dice.percent(30) {
        let message = format!(
            "Failed password for invalid user admin from 203.0.113.{} port 41{} ssh2",
            dice.between(2, 250),
            dice.between(100, 999)
        );
        records.push(network::daemon(at, 86, "dsl-vpn-01", "sshd", process_id, &message, None));
    }
    if dice.percent(50) {
        records.push(network::daemon(
            at,
            78,
            "pmr-web-01",
            "CRON",
            process_id,
            "(root) CMD (/usr/local/bin/rotate-backups)",
            None,
        ));
    }
    let files = Seat::server("pmr-srv-files", &dice.pick(&organisation.people).domain_account(), "10.10.0.15");
    let from = dice.pick(&organisation.people).address.clone();
    let event = Event { seat: &files, at, step: None };
    records.push(event.logon(dice, 3, &from, true));
    records.push(event.share_access(&from, "\\\\*\\shared", "programme\\distribution plan.xlsx"));
}
