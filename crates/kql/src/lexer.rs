//! Text to tokens. Every byte belongs to a token or to white space; nothing is lost, so the formatter and the
//! highlighter read the same tokens as the parser.

use kernel::diagnostic::{Diagnostic, Span};

use crate::codes;

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// Kinds of token. Keywords are identifiers: KQL reserves almost none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Also `$left`, and the word operators `in~`, `!in`, `!has`, …
    Word,
    Long,
    Real,
    /// `1d`, `1.5h`, `10ms`.
    TimeSpan,
    /// Any quoting; see [`string_value`].
    String,
    /// `datetime(…)`, `timespan(…)`, `guid(…)`, `long(…)`, …: the whole, as content is not KQL.
    Typed,
    /// `==`, `|`, `(`, …
    Punctuation,
    Comment,
    /// A character that starts nothing.
    Unknown,
}

/// Types whose literals `name(content)` hold raw text.
pub(crate) const TYPED_LITERALS: [&str; 14] = [
    "datetime", "date", "timespan", "time", "guid", "uuid", "uniqueid", "long", "int", "real", "double", "decimal",
    "bool", "boolean",
];

const TIME_UNITS: [&str; 29] = [
    "d",
    "day",
    "days",
    "h",
    "hr",
    "hrs",
    "hour",
    "hours",
    "m",
    "min",
    "minute",
    "minutes",
    "s",
    "sec",
    "second",
    "seconds",
    "ms",
    "milli",
    "millis",
    "millisecond",
    "milliseconds",
    "micro",
    "micros",
    "microsecond",
    "microseconds",
    "nanosecond",
    "nanoseconds",
    "tick",
    "ticks",
];

const WORD_OPERATORS: [&str; 19] = [
    "!in~",
    "!in",
    "!has_any",
    "!has_all",
    "!has_cs",
    "!hasprefix_cs",
    "!hasprefix",
    "!hassuffix_cs",
    "!hassuffix",
    "!has",
    "!contains_cs",
    "!contains",
    "!startswith_cs",
    "!startswith",
    "!endswith_cs",
    "!endswith",
    "!between",
    "!matches",
    "!like",
];

/// Cuts `text` into tokens and says what is not one.
pub fn lex(text: &str) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, tokens: Vec::new(), diagnostics: Vec::new() };
    while lexer.at < lexer.bytes.len() {
        lexer.token();
    }
    (lexer.tokens, lexer.diagnostics)
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    diagnostics: Vec<Diagnostic>,
}

impl Lexer<'_> {
    fn token(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else { return };
        if first.is_whitespace() || first == '\u{feff}' || first == '\u{200b}' {
            self.at += first.len_utf8();
            return;
        }
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let directive = first == '#' && self.text[line_start..start].trim().is_empty();
        let kind = if rest.starts_with("//") || directive {
            self.at += rest.find('\n').unwrap_or(rest.len());
            TokenKind::Comment
        } else if let Some(length) = string_prefix(rest) {
            self.string(length)
        } else if first.is_ascii_digit() {
            self.number()
        } else if is_word_start(first) {
            self.word()
        } else if let Some(operator) = word_operator(rest) {
            self.at += operator.len();
            TokenKind::Word
        } else {
            self.punctuation(first)
        };
        let span = self.span(start);
        self.tokens.push(Token { kind, span });
        if kind == TokenKind::Unknown && self.diagnostics.len() < crate::parser::MAX_DIAGNOSTICS {
            let message = format!("`{first}` has no meaning here");
            self.diagnostics.push(Diagnostic::error(codes::BAD_CHARACTER, span, message));
        }
    }

    fn span(&self, start: usize) -> Span {
        Span::new(offset(start), offset(self.at))
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn take_word(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.find(|c: char| !is_word_part(c)).unwrap_or(rest.len());
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        self.at += self.text[start..].chars().next().map_or(1, char::len_utf8);
        self.take_word();
        let word = &self.text[start..self.at];
        if word == "in" && self.peek(0) == b'~' {
            self.at += 1;
        } else if TYPED_LITERALS.contains(&word)
            && let Some(length) = typed_literal_rest(&self.text[self.at..])
        {
            self.at += length;
            return TokenKind::Typed;
        }
        TokenKind::Word
    }

    fn number(&mut self) -> TokenKind {
        let start = self.at;
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X') && self.peek(2).is_ascii_hexdigit() {
            self.at += 2;
            self.take_while(|byte| byte.is_ascii_hexdigit());
            return TokenKind::Long;
        }
        self.take_while(|byte| byte.is_ascii_digit());
        let mut kind = TokenKind::Long;
        let point = self.peek(0) == b'.' && self.peek(1) != b'.' && !is_word_start(char::from(self.peek(1)));
        if point && self.peek(1) != b'[' {
            self.at += 1;
            self.take_while(|byte| byte.is_ascii_digit());
            kind = TokenKind::Real;
        }
        let signed = usize::from(matches!(self.peek(1), b'+' | b'-'));
        if matches!(self.peek(0), b'e' | b'E') && self.peek(1 + signed).is_ascii_digit() {
            self.at += 1 + signed;
            self.take_while(|byte| byte.is_ascii_digit());
            return TokenKind::Real;
        }
        let unit_start = self.at;
        self.take_word();
        match &self.text[unit_start..self.at] {
            "" => kind,
            unit if TIME_UNITS.contains(&unit) => TokenKind::TimeSpan,
            // A name may start with digits.
            _ if kind == TokenKind::Long => TokenKind::Word,
            unit => {
                let message = format!("`{unit}` is not a unit of time");
                let diagnostic = Diagnostic::error(codes::BAD_NUMBER, self.span(start), message);
                self.diagnostics.push(diagnostic.with_help("write 1.5d, 1.5h, 1.5m, 1.5s or 1.5ms"));
                kind
            }
        }
    }

    fn take_while(&mut self, accepts: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && accepts(self.bytes[self.at]) {
            self.at += 1;
        }
    }

    /// A string whose opening (prefix and quote) is `opening` bytes long.
    fn string(&mut self, opening: usize) -> TokenKind {
        let start = self.at;
        let head = &self.text[start..start + opening];
        self.at += opening;
        let body = &self.text[self.at..];
        let end = if head.ends_with("```") || head.ends_with("~~~") {
            body.find(&head[head.len() - 3..]).map(|at| at + 3)
        } else {
            quoted_end(body, head.as_bytes()[opening - 1], head.contains('@'))
        };
        match end {
            Some(length) => self.at += length,
            None => {
                self.at += body.find('\n').unwrap_or(body.len());
                let diagnostic = Diagnostic::error(codes::OPEN_STRING, self.span(start), "this string is not closed");
                self.diagnostics.push(diagnostic.with_help("close it on the same line, or use ``` for several lines"));
            }
        }
        TokenKind::String
    }

    fn punctuation(&mut self, first: char) -> TokenKind {
        const TWO: [&str; 10] = ["==", "=~", "!=", "!~", "<>", "<=", ">=", "=>", "..", "<|"];
        let rest = &self.text[self.at..];
        if TWO.iter().any(|two| rest.starts_with(two)) {
            self.at += 2;
            return TokenKind::Punctuation;
        }
        self.at += first.len_utf8();
        if "|=<>+-*/%()[]{},;:.?@".contains(first) { TokenKind::Punctuation } else { TokenKind::Unknown }
    }
}

/// Byte offset; texts are limited far below 4 GiB.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub(crate) fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

pub(crate) fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_operator(rest: &str) -> Option<&'static str> {
    WORD_OPERATORS
        .into_iter()
        .find(|operator| rest.strip_prefix(operator).is_some_and(|after| !after.starts_with(is_word_part)))
}

/// Length of `@"`, `h'`, `"`, … when `rest` opens a string.
fn string_prefix(rest: &str) -> Option<usize> {
    let prefix = ["h@", "H@", "@", "h", "H", ""].into_iter().find(|prefix| {
        rest.strip_prefix(prefix)
            .is_some_and(|after| after.starts_with(['"', '\'']) || after.starts_with("```") || after.starts_with("~~~"))
    })?;
    let quote = &rest[prefix.len()..];
    Some(prefix.len() + if quote.starts_with(['"', '\'']) { 1 } else { 3 })
}

/// Length of the body with its closing quote, or `None` when the line ends first.
fn quoted_end(body: &str, quote: u8, verbatim: bool) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if !verbatim => at += 1,
            b'\n' if !verbatim => return None,
            byte if byte == quote => {
                if !(verbatim && bytes.get(at + 1) == Some(&quote)) {
                    return Some(at + 1);
                }
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Length of `(…)` after the name of a type, when it is one literal on one line.
fn typed_literal_rest(rest: &str) -> Option<usize> {
    let open = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    if !rest[open..].starts_with('(') {
        return None;
    }
    let content = &rest[open + 1..];
    let close = content.find([')', '\n', '('])?;
    let plain = |c: char| c.is_alphanumeric() || " \t-+.:/,\"'_".contains(c);
    (content[close..].starts_with(')') && content[..close].chars().all(plain)).then_some(open + 1 + close + 1)
}

/// The text that a string token denotes.
pub fn string_value(token: &str) -> String {
    let body = token.trim_start_matches(['h', 'H']);
    let (verbatim, body) = body.strip_prefix('@').map_or((false, body), |body| (true, body));
    for fence in ["```", "~~~"] {
        if let Some(body) = body.strip_prefix(fence) {
            return body.strip_suffix(fence).unwrap_or(body).to_owned();
        }
    }
    let Some(quote) = body.chars().next() else { return String::new() };
    let body = &body[quote.len_utf8()..];
    let body = if verbatim || !body.ends_with(quote) || ends_escaped(body) {
        body.strip_suffix(quote).unwrap_or(body)
    } else {
        &body[..body.len() - quote.len_utf8()]
    };
    if verbatim { body.replace(&format!("{quote}{quote}"), &quote.to_string()) } else { unescape(body) }
}

fn ends_escaped(body: &str) -> bool {
    let before = &body[..body.len() - 1];
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}

/// Backslash escapes; an unknown one stands for its character.
fn unescape(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('0') => out.push('\0'),
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some(marker @ ('u' | 'x')) => {
                let width = if marker == 'u' { 4 } else { 2 };
                let digits: String = rest.clone().take(width).collect();
                match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
                    Some(decoded) if digits.len() == width => {
                        out.push(decoded);
                        rest.nth(width - 1);
                    }
                    _ => out.push(marker),
                }
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(TokenKind, &str)]) {
        let (tokens, _) = lex(text);
        let got: Vec<_> = tokens.iter().map(|t| (t.kind, &text[t.span.start as usize..t.span.end as usize])).collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn tokens() {
        use TokenKind::*;
        check("a !in~ (1)", &[(Word, "a"), (Word, "!in~"), (Punctuation, "("), (Long, "1"), (Punctuation, ")")]);
        check("1..2.5h", &[(Long, "1"), (Punctuation, ".."), (TimeSpan, "2.5h")]);
        check("datetime(2020-01-01 10:00)", &[(Typed, "datetime(2020-01-01 10:00)")]);
        check(
            "int(f(x))",
            &[
                (Word, "int"),
                (Punctuation, "("),
                (Word, "f"),
                (Punctuation, "("),
                (Word, "x"),
                (Punctuation, ")"),
                (Punctuation, ")"),
            ],
        );
        check("a!=b//c", &[(Word, "a"), (Punctuation, "!="), (Word, "b"), (Comment, "//c")]);
        check("@'a''b' h\"x\\\"\"", &[(String, "@'a''b'"), (String, "h\"x\\\"\"")]);
    }

    #[test]
    fn string_values() {
        for (token, value) in [
            ("@'a''b\\'", "a'b\\"),
            ("\"a\\\"b\\n\"", "a\"b\n"),
            ("h'x'", "x"),
            ("```a\nb```", "a\nb"),
            ("'\\u0041'", "A"),
        ] {
            assert_eq!(string_value(token), value, "{token}");
        }
    }
}
