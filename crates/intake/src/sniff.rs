//! What a file holds, by its first bytes.

use crate::evtx;
use crate::request::Format;

/// How much of a file is looked at.
pub(crate) const SNIFF_BYTES: usize = 64 << 10;

/// The format of a text or log file by its beginning (64 KiB are enough). Compression is not looked through.
pub fn sniff(head: &[u8]) -> Format {
    let head = &head[..head.len().min(SNIFF_BYTES)];
    if head.starts_with(evtx::FILE_MAGIC) || head.starts_with(b"ElfChnk\0") {
        return Format::Evtx;
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    match text.first() {
        Some(b'{' | b'[') => json(text),
        Some(b'#') if text.starts_with(b"#separator") || text.starts_with(b"#fields") => Format::Zeek,
        Some(_) => lines(text),
        None => Format::Text,
    }
}

/// Which JSON: decided by keys that only one kind of source has.
fn json(text: &[u8]) -> Format {
    // The first record is enough, and a later one that quotes another format in its text must not decide.
    let first = &text[..text.len().min(16 << 10)];
    let has = |key: &str| memchr::memmem::find(first, format!("\"{key}\"").as_bytes()).is_some();
    let all = |keys: &[&str]| keys.iter().all(|key| has(key));
    let exported = ["SignInLogs", "NonInteractiveUserSignInLogs", "AuditLogs"].into_iter().any(has);
    let entra = (has("properties") && exported)
        || all(&["userPrincipalName", "createdDateTime"])
        || all(&["activityDisplayName", "initiatedBy"]);
    if all(&["eventSource", "eventName", "awsRegion"]) {
        Format::CloudTrail
    } else if all(&["TimeGenerated", "Type"]) || all(&["TimeGenerated", "SourceSystem"]) {
        // An export of Log Analytics names its columns already.
        Format::Json
    } else if all(&["Event", "System"]) || has("winlog") || (has("EventID") && (has("Channel") || has("ProviderGuid")))
    {
        Format::WindowsJson
    } else if entra {
        Format::Entra
    } else {
        Format::Json
    }
}

fn lines(text: &[u8]) -> Format {
    let first = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).find(|line| !line.is_empty());
    let Some(first) = first else { return Format::Text };
    if crate::syslog::looks_like_syslog(first) || first.starts_with(b"CEF:") || first.starts_with(b"type=") {
        return Format::Syslog;
    }
    if crate::csv::looks_like_csv(text, text.len() == SNIFF_BYTES) { Format::Csv } else { Format::Text }
}
