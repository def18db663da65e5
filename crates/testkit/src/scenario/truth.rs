//! Ground truth: which records belong to which attack step.

use serde::Serialize;

use super::{Channel, Record};

/// The steps of the attack, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Phishing,
    TokenTheft,
    MailboxRule,
    PowerShell,
    CredentialDump,
    LateralMovement,
    Exfiltration,
}

impl Step {
    /// In the order of the day.
    pub const ALL: [Step; 7] = [
        Step::Phishing,
        Step::TokenTheft,
        Step::MailboxRule,
        Step::PowerShell,
        Step::CredentialDump,
        Step::LateralMovement,
        Step::Exfiltration,
    ];

    /// ATT&CK technique of the step.
    pub const fn technique(self) -> &'static str {
        match self {
            Step::Phishing => "T1566.002",
            Step::TokenTheft => "T1539",
            Step::MailboxRule => "T1564.008",
            Step::PowerShell => "T1059.001",
            Step::CredentialDump => "T1003.001",
            Step::LateralMovement => "T1021.002",
            Step::Exfiltration => "T1567.002",
        }
    }
}

/// One hostile record, found again in the lake by its time and text.
#[derive(Debug, Clone, Serialize)]
pub struct TruthRecord {
    pub step: Step,
    pub technique: &'static str,
    /// Event time, ISO 8601.
    pub at: String,
    pub channel: String,
    /// The record as sent: equal to `_RawData` of its row.
    pub body: String,
}

/// All hostile records.
#[derive(Debug, Serialize)]
pub struct Truth {
    records: Vec<TruthRecord>,
}

impl Truth {
    pub(super) fn of(records: &[Record]) -> Truth {
        let records = records.iter().filter_map(truth_record).collect();
        Truth { records }
    }

    /// The records of one step.
    pub fn records(&self, step: Step) -> impl Iterator<Item = &TruthRecord> {
        self.records.iter().filter(move |record| record.step == step)
    }

    /// The ground-truth file: one JSON object a line.
    pub fn to_ndjson(&self) -> String {
        let lines = self.records.iter().filter_map(|record| serde_json::to_string(record).ok());
        lines.map(|line| line + "\n").collect()
    }
}

fn truth_record(record: &Record) -> Option<TruthRecord> {
    let step = record.step?;
    let channel = match record.channel {
        Channel::WindowsCollector => "http:windows-collector".to_owned(),
        Channel::WindowsFile => "file:windows-collector-ivd".to_owned(),
        Channel::Cloud(table) => format!("http:{table}"),
        Channel::SyslogUdp => "syslog-udp".to_owned(),
        Channel::SyslogTcp => "syslog-tcp".to_owned(),
    };
    Some(TruthRecord {
        step,
        technique: step.technique(),
        at: record.at.to_string(),
        channel,
        body: record.body.clone(),
    })
}
