//! Distinguished names (RFC 4514) as far as moving and naming objects needs. Pure.

/// The first relative name and the rest: `cn=a\, b` and `ou=x,dc=y`. The rest of a single name is empty.
pub fn split(name: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => return (&name[..at], name[at + 1..].trim_start()),
            _ => {}
        }
    }
    (name, "")
}

/// `cn=…` with its value escaped (RFC 4514 §2.4).
pub fn relative(attribute: &str, value: &str) -> String {
    let mut out = format!("{attribute}=");
    let last = value.chars().count().saturating_sub(1);
    for (at, character) in value.chars().enumerate() {
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => out.extend(['\\', character]),
            '#' if at == 0 => out.push_str("\\#"),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            '\0' => out.push_str("\\00"),
            _ => out.push(character),
        }
    }
    out
}

/// The value of a relative name, unescaped: what people read. The attribute is dropped.
pub fn value(relative: &str) -> String {
    let raw = relative.split_once('=').map_or(relative, |(_, value)| value).as_bytes();
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        if raw[at] == b'\\' && at + 1 < raw.len() {
            let digits = raw.get(at + 1..at + 3).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
            let pair = digits.and_then(|pair| std::str::from_utf8(pair).ok());
            match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                Some(byte) => {
                    out.push(byte);
                    at += 3;
                }
                None => {
                    out.push(raw[at + 1]);
                    at += 2;
                }
            }
        } else {
            out.push(raw[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether `name` stands somewhere under `base`, or is it.
pub fn is_under(name: &str, base: &str) -> bool {
    let key = |text: &str| crate::Matching::DistinguishedName.key(&text.into());
    let (name, base) = (key(name), key(base));
    name == base || (name.ends_with(&base) && name[..name.len() - base.len()].ends_with(','))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_survives_its_name(text in "[ -~é漢]{1,20}") {
            let name = format!("{},ou=x,dc=y", relative("cn", &text));
            let (first, rest) = split(&name);
            prop_assert_eq!(rest, "ou=x,dc=y");
            prop_assert_eq!(value(first), text);
        }
    }

    #[test]
    fn under_means_whole_names() {
        assert!(is_under("CN=a, OU=People,DC=x", "ou=people,dc=X"));
        assert!(!is_under("cn=a,ou=morepeople,dc=x", "ou=people,dc=x"));
    }
}
