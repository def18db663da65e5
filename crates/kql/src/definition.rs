//! Stored functions as files keep them: `.create-or-alter function with (docstring="…") Name(parameters) { body }`.

use kernel::diagnostic::{Diagnostic, Span};
use kernel::library::StoredFunction;

use crate::codes;
use crate::lexer::{Token, TokenKind, string_value};

/// A function and where its body lies in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub function: StoredFunction,
    /// Between the braces.
    pub body: Span,
}

/// Whether a text defines functions rather than asks: its first word is a command.
pub fn is_definition(text: &str) -> bool {
    let (tokens, _) = crate::lex(text);
    let mut significant = tokens.iter().filter(|token| token.kind != TokenKind::Comment);
    significant.next().is_some_and(|token| slice(text, token.span).starts_with('.'))
}

/// Reads every `.create function`, `.create-or-alter function` and `.alter function` of a text.
///
/// # Errors
/// What could not be read, with its place.
pub fn parse_definitions(text: &str) -> Result<Vec<Definition>, Box<Diagnostic>> {
    let (tokens, problems) = crate::lex(text);
    if let Some(problem) = problems.into_iter().find(|problem| problem.code != codes::BAD_CHARACTER) {
        return Err(Box::new(problem));
    }
    let tokens: Vec<Token> = tokens.into_iter().filter(|token| token.kind != TokenKind::Comment).collect();
    let mut reader = Reader { text, tokens, at: 0 };
    let mut definitions = Vec::new();
    while reader.at < reader.tokens.len() {
        definitions.push(reader.definition()?);
    }
    Ok(definitions)
}

/// Writes a function so that [`parse_definitions`] reads the same.
pub fn definition_text(function: &StoredFunction) -> String {
    let StoredFunction { name, parameters, body, description } = function;
    let with = match description.is_empty() {
        true => String::new(),
        false => format!("with (docstring = {})\n", quoted(description)),
    };
    let body = body.trim_matches(['\n', '\r']).trim_end();
    format!(".create-or-alter function {with}{}{parameters} {{\n{body}\n}}\n", written(name))
}

/// A text in quotes with its escapes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

fn written(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(char::is_numeric);
    if plain { name.to_owned() } else { format!("['{name}']") }
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_default()
}

struct Reader<'t> {
    text: &'t str,
    /// Without comments.
    tokens: Vec<Token>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn definition(&mut self) -> Result<Definition, Box<Diagnostic>> {
        self.command()?;
        let mut description = String::new();
        loop {
            match self.word() {
                "ifnotexists" => self.at += 1,
                "with" => {
                    self.at += 1;
                    description = self.properties()?;
                }
                _ => break,
            }
        }
        let name = self.name()?;
        let parameters = self.balanced("(", ")", "the parameters in parentheses")?;
        let body = self.balanced("{", "}", "the body in braces")?;
        let inside = Span::new(body.start + 1, body.end - 1);
        let function = StoredFunction {
            name,
            parameters: slice(self.text, parameters).to_owned(),
            body: slice(self.text, inside).to_owned(),
            description,
        };
        while self.word() == ";" {
            self.at += 1;
        }
        Ok(Definition { function, body: inside })
    }

    /// `.create function`, `.create-or-alter function`, `.alter function`: told by their tokens run together.
    fn command(&mut self) -> Result<(), Box<Diagnostic>> {
        let start = self.at;
        let mut spelt = String::new();
        while self.at < self.tokens.len() && self.word() != "function" && self.at - start < 8 {
            spelt.push_str(self.word());
            self.at += 1;
        }
        if self.word() == "function" && matches!(spelt.as_str(), ".create" | ".create-or-alter" | ".alter") {
            self.at += 1;
            return Ok(());
        }
        self.at = start;
        Err(self.expected("`.create-or-alter function`"))
    }

    /// `(docstring = "…", folder = "…")`: gives the first.
    fn properties(&mut self) -> Result<String, Box<Diagnostic>> {
        let start = self.at;
        self.balanced("(", ")", "properties in parentheses")?;
        let inside = &self.tokens[start..self.at];
        let value = inside.windows(3).find_map(|window| match window {
            [name, equals, value]
                if slice(self.text, name.span).eq_ignore_ascii_case("docstring")
                    && slice(self.text, equals.span) == "="
                    && value.kind == TokenKind::String =>
            {
                Some(string_value(slice(self.text, value.span)))
            }
            _ => None,
        });
        Ok(value.unwrap_or_default())
    }

    fn name(&mut self) -> Result<String, Box<Diagnostic>> {
        if let Some(token) = self.tokens.get(self.at).filter(|token| token.kind == TokenKind::Word) {
            self.at += 1;
            return Ok(slice(self.text, token.span).to_owned());
        }
        if self.word() == "["
            && let Some(token) = self.tokens.get(self.at + 1).filter(|token| token.kind == TokenKind::String)
        {
            self.at += 3;
            return Ok(string_value(slice(self.text, token.span)));
        }
        Err(self.expected("the name of the function"))
    }

    /// From an opening mark to the closing one of the same depth, both included.
    fn balanced(&mut self, open: &str, close: &str, what: &str) -> Result<Span, Box<Diagnostic>> {
        if self.word() != open {
            return Err(self.expected(what));
        }
        let first = self.tokens[self.at].span;
        let mut depth = 0_u32;
        while let Some(token) = self.tokens.get(self.at) {
            let word = slice(self.text, token.span);
            self.at += 1;
            if word == open {
                depth += 1;
            } else if word == close {
                depth -= 1;
                if depth == 0 {
                    return Ok(first.to(token.span));
                }
            }
        }
        let message = format!("`{open}` is not closed");
        Err(Box::new(Diagnostic::error(codes::SYNTAX, first, message)))
    }

    fn word(&self) -> &'t str {
        self.tokens.get(self.at).map_or("", |token| slice(self.text, token.span))
    }

    fn expected(&self, what: &str) -> Box<Diagnostic> {
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let (found, span) = match self.tokens.get(self.at) {
            Some(token) => (format!("`{}`", slice(self.text, token.span)), token.span),
            None => ("the end".to_owned(), Span::new(end, end)),
        };
        let help =
            "a file of functions holds `.create-or-alter function with (docstring=\"…\") Name(parameters) { body }`";
        Box::new(Diagnostic::error(codes::SYNTAX, span, format!("expected {what}, found {found}")).with_help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_read_and_written() {
        let check = |text: &str, expected: &str| {
            let got = match parse_definitions(text) {
                Ok(definitions) => {
                    for definition in &definitions {
                        let body = slice(text, definition.body);
                        assert_eq!(body, definition.function.body);
                        let again =
                            parse_definitions(&definition_text(&definition.function)).expect("what was written");
                        let written = &again[0].function;
                        assert_eq!(written.body.trim(), body.trim());
                        assert_eq!(StoredFunction { body: body.to_owned(), ..written.clone() }, definition.function);
                    }
                    let lines = definitions.iter().map(|definition| {
                        let StoredFunction { name, parameters, body, description } = &definition.function;
                        format!("{name}{parameters}{{{body}}}{description}")
                    });
                    lines.collect::<Vec<_>>().join(" ; ")
                }
                Err(problem) => format!("{} {}", problem.span.start, problem.message),
            };
            assert_eq!(got, expected, "{text}");
        };
        check(".create function f() { T }", "f(){ T }");
        check(
            "// a note\n.create-or-alter function with (folder='x', docstring=\"say \\\"}\\\"\") f(a: long = 1, T: (x: int)) { T | where s == '}' }",
            "f(a: long = 1, T: (x: int)){ T | where s == '}' }say \"}\"",
        );
        check(".create function ifnotexists ['a b']() {1}\n.alter function g() {2};", "a b(){1} ; g(){2}");
        check(".drop table T", "0 expected `.create-or-alter function`, found `.`");
        check(".create function f() { T | where x", "21 `{` is not closed");
        check(".create function { T }", "17 expected the name of the function, found `{`");
        check("", "");
        assert!(is_definition("// x\n .create function f() {1}") && !is_definition("print 1 // .create"));
    }
}
