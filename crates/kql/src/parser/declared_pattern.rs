//! `declare pattern`: tables by constant texts.

use super::Parser;
use crate::lexer::{TokenKind, string_value};
use crate::syntax::{Pattern, PatternArm};

impl Parser<'_> {
    /// After `declare pattern`.
    pub(super) fn declared_pattern(&mut self) -> Pattern {
        let name = self.name("a name");
        let mut pattern = Pattern { name, arguments: 0, arms: Vec::new() };
        if !self.eat("=") {
            return pattern;
        }
        pattern.arguments = self.parameters().len();
        if self.eat("[") {
            self.name("a name");
            self.expect(":");
            self.type_name();
            self.expect("]");
        }
        self.expect("{");
        while self.is("(") {
            let arm = self.pattern_arm();
            pattern.arms.push(arm);
            while self.eat(";") {}
        }
        self.expect("}");
        pattern
    }

    fn pattern_arm(&mut self) -> PatternArm {
        let mut arguments = Vec::new();
        self.expect("(");
        while !self.is(")") && self.at < self.tokens.len() {
            arguments.extend(self.constant_text());
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")");
        let path = if self.is(".") && self.is_at(1, "[") {
            self.at += 2;
            let path = self.constant_text();
            self.expect("]");
            path
        } else if self.is(".") && self.is_word(1) {
            self.at += 1;
            Some(self.name("a name").text)
        } else {
            None
        };
        self.expect("=");
        self.expect("{");
        let body = self.statements(Some("}"));
        self.expect("}");
        PatternArm { arguments, path, body }
    }

    fn constant_text(&mut self) -> Option<String> {
        if self.kind(0) != Some(TokenKind::String) {
            self.expected("a text in quotes");
            return None;
        }
        let text = string_value(self.text(0));
        self.at += 1;
        Some(text)
    }
}
