//! What firewalls, proxies and Linux servers say in syslog.

use kernel::Timestamp;

use super::organisation::Station;
use super::{Channel, Dice, Record, Step};

/// A connection through the firewall.
pub(super) struct Flow<'a> {
    pub(super) source: &'a str,
    pub(super) destination: &'a str,
    pub(super) port: u16,
    pub(super) bytes_out: u64,
    pub(super) bytes_in: u64,
    pub(super) allowed: bool,
}

/// CEF in RFC 3164 over UDP, as firewalls send it: local facility 4, severity informational.
pub(super) fn firewall(
    dice: &mut Dice,
    at: Timestamp,
    station: Station,
    flow: &Flow<'_>,
    step: Option<Step>,
) -> Record {
    let (action, signature) = if flow.allowed { ("allow", "traffic-end") } else { ("deny", "traffic-deny") };
    let body = format!(
        "<166>{} {}-fw-01 CEF:0|Rampart|Gateway|11.1|{signature}|{signature}|{}|rt={} src={} dst={} spt={} dpt={} proto=TCP act={action} in={} out={} deviceExternalId={}-fw-01",
        rfc3164(at),
        station.code,
        if flow.allowed { 3 } else { 5 },
        at.micros() / 1_000,
        flow.source,
        flow.destination,
        dice.between(49152, 65500),
        flow.port,
        flow.bytes_in,
        flow.bytes_out,
        station.code,
    );
    Record { at, channel: Channel::SyslogUdp, body, step }
}

/// A Linux daemon's line in RFC 5424 over TCP. `priority` is facility × 8 + severity.
pub(super) fn daemon(
    at: Timestamp,
    priority: u8,
    host: &str,
    program: &str,
    process_id: i64,
    message: &str,
    step: Option<Step>,
) -> Record {
    let body = format!("<{priority}>1 {at} {host} {program} {process_id} - - {message}");
    Record { at, channel: Channel::SyslogTcp, body, step }
}

/// `Nov  1 08:05:09`: no year, no zone, day padded with a blank.
fn rfc3164(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let month: usize = text[5..7].parse().unwrap_or(1);
    let day: u32 = text[8..10].parse().unwrap_or(1);
    format!("{} {day:2} {}", MONTHS[month - 1], &text[11..19])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_syslog_time_pads_the_day_with_a_blank() {
        let at: Timestamp = "2026-11-01T08:05:09Z".parse().expect("a literal");
        assert_eq!(rfc3164(at), "Nov  1 08:05:09");
    }
}
