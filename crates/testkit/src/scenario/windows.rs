//! Windows events as an NXLog-style collector sends them: flat JSON, one object an event.

use kernel::Timestamp;
use serde_json::{Map, Value, json};

use super::organisation::Person;
use super::{Channel, Dice, Record, Step};

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";
const POWERSHELL: &str = "Microsoft-Windows-PowerShell/Operational";

/// Where an event happens and who is logged on.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    /// Fully qualified host name.
    pub(super) host: String,
    /// `IRCO\name`.
    pub(super) user: String,
    pub(super) address: String,
    pub(super) channel: Channel,
}

impl Seat {
    /// The person at their own workstation.
    pub(super) fn of(person: &Person) -> Seat {
        Seat {
            host: person.host(),
            user: person.domain_account(),
            address: person.address.clone(),
            channel: collector(person.station.code),
        }
    }

    /// A server of the person's station.
    pub(super) fn server(name: &str, user: &str, address: &str) -> Seat {
        let station = name.split('-').next().unwrap_or_default();
        Seat {
            host: format!("{name}.irco.example"),
            user: user.to_owned(),
            address: address.to_owned(),
            channel: collector(station),
        }
    }
}

fn collector(station: &str) -> Channel {
    if station == "ivd" { Channel::WindowsFile } else { Channel::WindowsCollector }
}

/// One process that another started.
pub(super) struct Process<'a> {
    pub(super) image: &'a str,
    pub(super) command_line: &'a str,
    pub(super) parent_image: &'a str,
    pub(super) parent_command_line: &'a str,
}

/// An event before its common fields.
pub(super) struct Event<'a> {
    pub(super) seat: &'a Seat,
    pub(super) at: Timestamp,
    pub(super) step: Option<Step>,
}

impl Event<'_> {
    fn record(&self, provider: &str, channel: &str, event_id: u32, data: Value) -> Record {
        let mut object = Map::new();
        object.insert("SourceName".into(), json!(provider));
        object.insert("Channel".into(), json!(channel));
        object.insert("Hostname".into(), json!(self.seat.host));
        object.insert("EventID".into(), json!(event_id));
        object.insert("Level".into(), json!(if channel == "Security" { "0" } else { "4" }));
        object.insert("TimeCreated".into(), json!(self.at.to_string()));
        object.insert("@timestamp".into(), json!(self.at.to_string()));
        if let Value::Object(fields) = data {
            object.extend(fields);
        }
        Record { at: self.at, channel: self.seat.channel, body: Value::Object(object).to_string(), step: self.step }
    }

    fn sysmon(&self, event_id: u32, data: Value) -> Record {
        self.record("Microsoft-Windows-Sysmon", SYSMON, event_id, data)
    }

    fn security(&self, event_id: u32, data: Value) -> Record {
        self.record("Microsoft-Windows-Security-Auditing", "Security", event_id, data)
    }

    fn utc_time(&self) -> String {
        self.at.to_string()[..23].replace('T', " ")
    }

    /// Sysmon 1: a process started.
    pub(super) fn process(&self, dice: &mut Dice, process: &Process<'_>) -> Record {
        let hash = dice.hex(64).to_uppercase();
        self.sysmon(
            1,
            json!({
                "UtcTime": self.utc_time(), "ProcessGuid": format!("{{{}}}", dice.guid()),
                "ProcessId": dice.between(1200, 24000).to_string(), "Image": process.image,
                "CommandLine": process.command_line, "CurrentDirectory": "C:\\Windows\\system32\\",
                "User": self.seat.user, "IntegrityLevel": "Medium", "Hashes": format!("SHA256={hash}"),
                "OriginalFileName": process.image.rsplit('\\').next(),
                "ParentProcessGuid": format!("{{{}}}", dice.guid()), "ParentProcessId": dice.between(800, 9000).to_string(),
                "ParentImage": process.parent_image, "ParentCommandLine": process.parent_command_line,
            }),
        )
    }

    /// Sysmon 3: a connection was made.
    pub(super) fn connection(&self, dice: &mut Dice, image: &str, destination: &str, host: &str, port: u16) -> Record {
        self.sysmon(
            3,
            json!({
                "UtcTime": self.utc_time(), "Image": image, "User": self.seat.user, "Protocol": "tcp", "Initiated": "true",
                "SourceIp": self.seat.address, "SourcePort": dice.between(49152, 65500).to_string(),
                "DestinationIp": destination, "DestinationHostname": host, "DestinationPort": port.to_string(),
            }),
        )
    }

    /// Sysmon 10: one process opened another.
    pub(super) fn process_access(&self, dice: &mut Dice, source: &str, target: &str, access: &str) -> Record {
        self.sysmon(
            10,
            json!({
                "UtcTime": self.utc_time(), "SourceImage": source, "TargetImage": target, "GrantedAccess": access,
                "SourceProcessId": dice.between(1200, 24000).to_string(), "TargetProcessId": "712",
                "SourceUser": self.seat.user, "TargetUser": "NT AUTHORITY\\SYSTEM",
                "CallTrace": "C:\\Windows\\SYSTEM32\\ntdll.dll+9d4c4|C:\\Windows\\System32\\dbgcore.dll+6c2f",
            }),
        )
    }

    /// Sysmon 11: a file was made.
    pub(super) fn file_created(&self, image: &str, target: &str) -> Record {
        self.sysmon(
            11,
            json!({"UtcTime": self.utc_time(), "Image": image, "TargetFilename": target, "User": self.seat.user,
                   "CreationUtcTime": self.utc_time()}),
        )
    }

    /// Sysmon 22: a name was looked up.
    pub(super) fn dns_query(&self, image: &str, name: &str, answer: &str) -> Record {
        self.sysmon(
            22,
            json!({"UtcTime": self.utc_time(), "Image": image, "QueryName": name, "QueryStatus": "0",
                   "QueryResults": answer, "User": self.seat.user}),
        )
    }

    /// PowerShell 4104: a script block ran.
    pub(super) fn script_block(&self, dice: &mut Dice, text: &str) -> Record {
        self.record(
            "Microsoft-Windows-PowerShell",
            POWERSHELL,
            4104,
            json!({"ScriptBlockText": text, "ScriptBlockId": dice.guid(), "MessageNumber": "1", "MessageTotal": "1"}),
        )
    }

    /// Security 4624 or 4625: a logon that worked or did not.
    pub(super) fn logon(&self, dice: &mut Dice, logon_type: u8, from: &str, worked: bool) -> Record {
        let (domain, name) = self.seat.user.split_once('\\').unwrap_or(("IRCO", &self.seat.user));
        let mut data = json!({
            "TargetUserName": name, "TargetDomainName": domain, "LogonType": logon_type.to_string(), "IpAddress": from,
            "IpPort": dice.between(49152, 65500).to_string(), "LogonProcessName": "Kerberos",
            "AuthenticationPackageName": "Kerberos", "WorkstationName": "-", "SubjectUserName": "-",
            "TargetLogonId": format!("0x{}", dice.hex(6)),
        });
        if !worked {
            data["Status"] = json!("0xc000006d");
            data["SubStatus"] = json!("0xc000006a");
        }
        self.security(if worked { 4624 } else { 4625 }, data)
    }

    /// Security 4688: a process started, as the audit policy writes it.
    pub(super) fn audited_process(&self, dice: &mut Dice, process: &Process<'_>) -> Record {
        let (domain, name) = self.seat.user.split_once('\\').unwrap_or(("IRCO", &self.seat.user));
        self.security(
            4688,
            json!({
                "SubjectUserName": name, "SubjectDomainName": domain, "SubjectLogonId": format!("0x{}", dice.hex(6)),
                "NewProcessId": format!("0x{}", dice.hex(4)), "NewProcessName": process.image,
                "CommandLine": process.command_line, "ParentProcessName": process.parent_image,
                "TokenElevationType": "%%1938", "MandatoryLabel": "S-1-16-8192",
            }),
        )
    }

    /// Security 5145: a share was looked at.
    pub(super) fn share_access(&self, from: &str, share: &str, target: &str) -> Record {
        let (domain, name) = self.seat.user.split_once('\\').unwrap_or(("IRCO", &self.seat.user));
        self.security(
            5145,
            json!({"SubjectUserName": name, "SubjectDomainName": domain, "ShareName": share,
                   "RelativeTargetName": target, "IpAddress": from, "ObjectType": "File", "AccessMask": "0x1"}),
        )
    }

    /// System 7045: a service was installed.
    pub(super) fn service_installed(&self, name: &str, image_path: &str) -> Record {
        self.record(
            "Service Control Manager",
            "System",
            7045,
            json!({"ServiceName": name, "ImagePath": image_path, "ServiceType": "user mode service",
                   "StartType": "demand start", "AccountName": "LocalSystem"}),
        )
    }
}
