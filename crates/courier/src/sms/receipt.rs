//! Delivery receipts as texts: SMPP 3.4, appendix B, and what networks make of it.

use crate::arrival::{Receipt, Said};

/// Reads `id:… sub:… dlvrd:… submit date:… done date:… stat:DELIVRD err:000 text:…`. `None`: there is no id or no state in it.
pub fn read_receipt(text: &str) -> Option<Receipt> {
    let provider_id = field(text, "id:")?.to_owned();
    let state = field(text, "stat:")?.to_uppercase();
    let error = field(text, "err:").filter(|code| !code.trim_start_matches('0').is_empty());
    let said = of_state(&state)?;
    let problem = (said == Said::Lost).then(|| match error {
        Some(code) => format!("the network says {state}, error {code}"),
        None => format!("the network says {state}"),
    });
    Some(Receipt { provider_id, said, problem })
}

/// The value after a name, up to a blank. Names are told apart from the ends of other words.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find(name) {
        let at = from + found;
        let starts = at == 0 || lower.as_bytes()[at - 1].is_ascii_whitespace();
        let value = text[at + name.len()..].split(|end: char| end.is_ascii_whitespace()).next().unwrap_or_default();
        if starts && !value.is_empty() {
            return Some(value);
        }
        from = at + name.len();
    }
    None
}

/// The states of table B-2; some networks write them out.
pub(super) fn of_state(state: &str) -> Option<Said> {
    match state {
        "DELIVRD" | "DELIVERED" => Some(Said::Delivered),
        "EXPIRED" | "DELETED" | "UNDELIV" | "UNDELIVERABLE" | "REJECTD" | "REJECTED" => Some(Said::Lost),
        "ACCEPTD" | "ACCEPTED" | "ENROUTE" | "UNKNOWN" | "BUFFRED" | "BUFFERED" | "SCHEDULED" => Some(Said::Underway),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, Said, Option<&str>)>) {
        let receipt = read_receipt(text);
        let found = receipt.as_ref().map(|one| (one.provider_id.as_str(), one.said, one.problem.as_deref()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn receipts_of_different_networks() {
        let usual = "id:0123456789 sub:001 dlvrd:001 submit date:2611301425 done date:2611301426 stat:DELIVRD err:000 text:Are you safe";
        check(usual, Some(("0123456789", Said::Delivered, None)));
        let lost = "id:7f3a sub:001 dlvrd:000 submit date:2611301425 done date:2611301525 stat:UNDELIV err:027 text:";
        check(lost, Some(("7f3a", Said::Lost, Some("the network says UNDELIV, error 027"))));
        check("id:1 stat:ENROUTE", Some(("1", Said::Underway, None)));
        check("ID:AB-9 STAT:delivered Err:0", Some(("AB-9", Said::Delivered, None)));
        check("this is valid: stat: nothing", None);
        check("safe", None);
        check("id: stat:DELIVRD", None);
        check("id:5 stat:WHATEVER", None);
    }
}
