//! Names and texts as KQL writes them.

/// A text literal: verbatim where that reads better, escaped where it must be.
pub(super) fn text(value: &str) -> String {
    if value.chars().any(char::is_control) {
        let mut out = String::from("\"");
        for character in value.chars() {
            match character {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                other if other.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(other))),
                other => out.push(other),
            }
        }
        out.push('"');
        return out;
    }
    match (value.contains('\\'), value.contains('"'), value.contains('\'')) {
        (false, false, _) => format!("\"{value}\""),
        (true, false, _) => format!("@\"{value}\""),
        (_, true, false) => format!("@'{value}'"),
        (_, true, true) => format!("@\"{}\"", value.replace('"', "\"\"")),
    }
}

/// The name of a column.
pub(super) fn name(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("[{}]", text(name)) }
}

/// A step into a dynamic value.
pub(super) fn path_step(name: &str) -> String {
    if is_plain(name) { format!(".{name}") } else { format!("[{}]", text(name)) }
}

/// Whether a name needs no brackets. Short lower-case words may be words of the language.
fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|one| one.is_ascii_alphanumeric() || one == '_')
        && !RESERVED.contains(&name)
}

/// Words that KQL would take for something else in the place of a name.
const RESERVED: [&str; 40] = [
    "and",
    "or",
    "not",
    "in",
    "by",
    "on",
    "of",
    "to",
    "with",
    "let",
    "set",
    "has",
    "contains",
    "startswith",
    "endswith",
    "between",
    "matches",
    "type",
    "typeof",
    "where",
    "project",
    "extend",
    "summarize",
    "union",
    "join",
    "true",
    "false",
    "null",
    "dynamic",
    "datetime",
    "timespan",
    "time",
    "int",
    "long",
    "real",
    "double",
    "string",
    "bool",
    "guid",
    "kind",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back() {
        let check = |value: &str, expected: &str| assert_eq!(text(value), expected);
        check("a", "\"a\"");
        check("it's", "\"it's\"");
        check(r"C:\x", "@\"C:\\x\"");
        check(r#"say "x""#, "@'say \"x\"'");
        check(r#"'"\"#, "@\"'\"\"\\\"");
        check("a\nb\\", "\"a\\nb\\\\\"");
        check("\u{7}", "\"\\u0007\"");
    }

    #[test]
    fn odd_names_are_bracketed() {
        assert_eq!(path_step("Image"), ".Image");
        assert_eq!(path_step("a b"), "[\"a b\"]");
        assert_eq!(path_step("type"), "[\"type\"]");
        assert_eq!(name("3rd"), "[\"3rd\"]");
    }
}
