//! Which of Zeek's logs a row is from. The log's name stood in its header, which no row has; the columns that are
//! filled tell it as well.

/// For each log, sets of columns of which one is always filled as a whole; the first log that fits is it.
const LOGS: [(&str, &[&[&str]]); 20] = [
    ("conn", &[&["conn_state"], &["orig_pkts", "resp_pkts"]]),
    ("dns", &[&["qtype_name"], &["qclass"], &["rejected", "AA"]]),
    ("smtp", &[&["helo"], &["mailfrom"], &["rcptto"], &["last_reply"]]),
    ("http", &[&["trans_depth"], &["method", "uri"]]),
    ("ssl", &[&["established", "resumed"], &["cipher", "curve"]]),
    ("ssh", &[&["auth_attempts"], &["hassh"], &["kex_alg"]]),
    ("files", &[&["fuid", "seen_bytes"], &["fuid", "analyzers"]]),
    ("x509", &[&["certificate.serial"]]),
    ("pe", &[&["compile_ts", "machine"]]),
    ("kerberos", &[&["request_type"]]),
    ("ntlm", &[&["server_nb_computer_name"], &["domainname", "hostname"]]),
    ("rdp", &[&["security_protocol"], &["cert_count"], &["keyboard_layout"]]),
    ("smb_mapping", &[&["share_type"]]),
    ("smb_files", &[&["action", "name"], &["action", "path"]]),
    ("dce_rpc", &[&["endpoint"], &["operation", "named_pipe"]]),
    ("ftp", &[&["reply_code"], &["command", "user"]]),
    ("dhcp", &[&["msg_types"]]),
    ("tunnel", &[&["tunnel_type"]]),
    ("notice", &[&["note", "suppress_for"]]),
    ("weird", &[&["notice", "peer"]]),
];

/// Whether a record that does not name its fields is a line of a Zeek log, judged by the line and its columns.
pub fn is_zeek<'v>(raw: &str, value: impl Fn(&str) -> Option<&'v str>) -> bool {
    let is_epoch = |text: &str| text.parse::<f64>().is_ok();
    let identified = ["uid", "fuid", "id.orig_h", "id", "conn_uids"].iter().any(|name| value(name).is_some());
    raw.contains('\t')
        && value("ts").is_some_and(is_epoch)
        && (identified || log(|name| value(name).is_some()).is_some())
}

/// The log that has such columns filled; `None`: it cannot be told.
pub fn log(filled: impl Fn(&str) -> bool) -> Option<&'static str> {
    let fits = |sets: &[&[&str]]| sets.iter().any(|columns| columns.iter().all(|column| filled(column)));
    LOGS.iter().find(|(_, sets)| fits(sets)).map(|(log, _)| *log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_by_its_columns() {
        let check = |columns: &[&str], expected: Option<&str>| {
            assert_eq!(log(|name| columns.contains(&name)), expected, "{columns:?}");
        };
        check(&["ts", "uid", "id.orig_h", "proto", "conn_state", "orig_pkts", "resp_pkts"], Some("conn"));
        check(&["ts", "uid", "proto", "query", "qclass", "qtype_name", "rejected", "AA"], Some("dns"));
        check(&["ts", "uid", "trans_depth", "method", "host", "uri"], Some("http"));
        check(&["ts", "uid", "trans_depth", "helo", "mailfrom"], Some("smtp"));
        check(&["ts", "uid", "version", "cipher", "curve", "resumed", "established"], Some("ssl"));
        check(&["ts", "uid", "action", "path", "name", "size"], Some("smb_files"));
        check(&["ts", "uid", "path", "share_type"], Some("smb_mapping"));
        check(&["ts", "uid"], None);
    }
}
