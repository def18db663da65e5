//! Templates and conditions: MiniJinja over `person` and `engagement`, bounded, and checked before they are used.

use std::collections::{BTreeMap, HashMap};

use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error as JinjaError, ErrorKind, UndefinedBehavior, context};

use super::facts::{ENGAGEMENT_FIELDS, NameFacts, OTHER_FIELDS, PERSON_FIELDS};
use crate::error::Refusal;
use crate::role::Rule;
use crate::system::{Naming, System};

/// Instructions of one evaluation, at most.
const FUEL: u64 = 20_000;
const LONGEST_RESULT: usize = 4_096;

/// Every template of one policy.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    /// What the condition of a rule looks at: `engagement.station`.
    looks_at: BTreeMap<String, Vec<String>>,
}

impl Templates {
    pub(super) fn compile(
        systems: &BTreeMap<String, System>,
        rules: &BTreeMap<String, Rule>,
        faults: &mut Vec<Refusal>,
    ) -> Templates {
        let mut templates = Templates { environment: environment(), looks_at: BTreeMap::new() };
        for (key, rule) in rules {
            let source = format!("{{% if {} %}}1{{% endif %}}", rule.when);
            let place = format!("rule {key}");
            let looks_at = templates.add(&rule_name(key), source, &place, faults);
            templates.looks_at.insert(key.clone(), looks_at);
        }
        for (key, system) in systems {
            let place = |what: &str| format!("system {key}: {what}");
            templates.add_naming(key, "login", &system.login, &place("login"), faults);
            for (name, naming) in &system.names {
                templates.add_naming(key, name, naming, &place(name), faults);
            }
            for (attribute, source) in &system.attributes {
                let name = attribute_name(key, attribute);
                templates.add(&name, source.clone(), &place(attribute), faults);
            }
            if let Some(container) = &system.container {
                templates.add(&container_name(key), container.clone(), &place("container"), faults);
            }
        }
        templates
    }

    fn add_naming(&mut self, system: &str, name: &str, naming: &Naming, place: &str, faults: &mut Vec<Refusal>) {
        self.add(&naming_name(system, name), naming.template.clone(), place, faults);
        let alias = naming.alias_template.clone().unwrap_or_else(|| "{{ name }}".to_owned());
        self.add(&alias_name(system, name), alias, place, faults);
    }

    fn add(&mut self, name: &str, source: String, place: &str, faults: &mut Vec<Refusal>) -> Vec<String> {
        if let Err(error) = self.environment.add_template_owned(name.to_owned(), source) {
            faults.push(Refusal::bad(place, plain(&error)));
            return Vec::new();
        }
        let Ok(template) = self.environment.get_template(name) else { return Vec::new() };
        let mut named: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        named.sort();
        let known = |variable: &&String| !is_known(variable);
        if let Some(unknown) = named.iter().find(known) {
            let why = format!(
                "nothing is called `{unknown}`; there are person.{}, engagement.{} and {}",
                PERSON_FIELDS.join(", person."),
                ENGAGEMENT_FIELDS.join(", engagement."),
                OTHER_FIELDS.join(", ")
            );
            faults.push(Refusal::bad(place, why));
        }
        named
    }

    /// Whether the condition of a rule holds.
    ///
    /// # Errors
    /// What the condition does that cannot be done, such as comparing a text with a list.
    pub fn holds(&self, rule: &str, facts: &Value) -> Result<bool, Refusal> {
        let place = || format!("rule {rule}");
        Ok(!self.render(&rule_name(rule), facts.clone(), place)?.is_empty())
    }

    /// The candidate of a name for `n` = 1, 2, 3, …
    pub(crate) fn name(&self, system: &str, name: &str, facts: &Value, n: u32) -> Result<String, Refusal> {
        let context = context! { n, ..facts.clone() };
        let text = self.render(&naming_name(system, name), context, || format!("system {system}: {name}"))?;
        Ok(text.trim().to_owned())
    }

    /// How a former name is kept.
    pub(crate) fn alias(&self, system: &str, name: &str, former: &str) -> Result<String, Refusal> {
        self.render(&alias_name(system, name), context! { name => former }, || format!("system {system}: {name}"))
    }

    /// The value of an attribute; empty: none.
    pub(crate) fn attribute(
        &self,
        system: &str,
        attribute: &str,
        facts: &Value,
        names: &NameFacts<'_>,
    ) -> Result<String, Refusal> {
        let context = context! { ..Value::from(Serde(names)), ..facts.clone() };
        self.render(&attribute_name(system, attribute), context, || format!("system {system}: {attribute}"))
    }

    /// The container of an account.
    pub(crate) fn container(&self, system: &str, facts: &Value, names: &NameFacts<'_>) -> Result<String, Refusal> {
        let context = context! { ..Value::from(Serde(names)), ..facts.clone() };
        self.render(&container_name(system), context, || format!("system {system}: container"))
    }

    fn render(&self, name: &str, context: Value, place: impl Fn() -> String) -> Result<String, Refusal> {
        let bad = |error: JinjaError| Refusal::bad(place(), plain(&error));
        let text = self.environment.get_template(name).and_then(|template| template.render(context)).map_err(bad)?;
        if text.len() > LONGEST_RESULT {
            return Err(Refusal::bad(place(), format!("it gives {} bytes; the limit is {LONGEST_RESULT}", text.len())));
        }
        Ok(text)
    }
}

/// Remembers what conditions said of equal facts: in a batch, many people differ in nothing that a rule looks at.
#[derive(Debug, Default)]
pub struct Matcher {
    known: HashMap<(String, String), bool>,
}

impl Matcher {
    /// As [`Templates::holds`].
    ///
    /// # Errors
    /// As [`Templates::holds`].
    pub fn holds(&mut self, templates: &Templates, rule: &str, facts: &Value) -> Result<bool, Refusal> {
        let mut seen = String::new();
        for path in templates.looks_at.get(rule).into_iter().flatten() {
            let mut value = facts.clone();
            for step in path.split('.') {
                value = value.get_attr(step).unwrap_or(Value::UNDEFINED);
            }
            seen.push_str(&value.to_string());
            seen.push('\u{1f}');
        }
        let key = (rule.to_owned(), seen);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let holds = templates.holds(rule, facts)?;
        self.known.insert(key, holds);
        Ok(holds)
    }
}

fn rule_name(key: &str) -> String {
    format!("rule {key}")
}
fn naming_name(system: &str, name: &str) -> String {
    format!("name {system} {name}")
}
fn alias_name(system: &str, name: &str) -> String {
    format!("alias {system} {name}")
}
fn attribute_name(system: &str, attribute: &str) -> String {
    format!("attribute {system} {attribute}")
}
fn container_name(system: &str) -> String {
    format!("container {system}")
}

fn is_known(variable: &str) -> bool {
    let mut steps = variable.split('.');
    match (steps.next(), steps.next()) {
        (Some("person"), field) => field.is_none_or(|field| PERSON_FIELDS.contains(&field)),
        (Some("engagement"), field) => field.is_none_or(|field| ENGAGEMENT_FIELDS.contains(&field)),
        (Some(other), _) => OTHER_FIELDS.contains(&other),
        (None, _) => false,
    }
}

/// What the engine says, without the file and line that only it knows.
fn plain(error: &JinjaError) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("ascii", |text: String| any_ascii::any_ascii(&text));
    environment.add_filter("letters", |text: String| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric()).collect()
    });
    environment.add_filter("initial", |text: String| -> String { text.chars().take(1).collect() });
    environment.add_filter("cut", |text: String, length: usize| -> String { text.chars().take(length).collect() });
    environment.add_filter("dn", |text: String| escape_dn(&text));
    environment.add_filter("digits", |text: String, options: Kwargs| -> Result<String, JinjaError> {
        let width: Option<usize> = options.get("width")?;
        options.assert_all_used()?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let number: u64 = digits
            .parse()
            .map_err(|_| JinjaError::new(ErrorKind::InvalidOperation, format!("`{text}` has no digits")))?;
        Ok(format!("{number:0width$}", width = width.unwrap_or(0).min(20)))
    });
    environment
}

/// A value inside a distinguished name (RFC 4514 §2.4).
fn escape_dn(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, character) in text.chars().enumerate() {
        let edge = (character == ' ' && (at == 0 || at == last)) || (character == '#' && at == 0);
        if edge || matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let mut environment = environment();
        environment.add_template_owned("t", source.to_owned()).unwrap();
        let given = context! { name => "Núria Ó Séaghdha", arabic => "فاطمة" };
        assert_eq!(environment.get_template("t").unwrap().render(given).unwrap(), expected, "{source}");
    }

    #[test]
    fn filters_make_names_of_any_script() {
        check("{{ name | ascii | lower }}", "nuria o seaghdha");
        check("{{ (name | ascii | letters | lower) | cut(5) }}", "nuria");
        check("{{ name | initial }}", "N");
        check("{{ 'a12-7' | digits(width=6) }}", "000127");
        check("CN={{ ' a, b=c' | dn }}", "CN=\\ a\\, b\\=c");
        let mut environment = environment();
        environment.add_template_owned("t", "{{ name | ascii }}".to_owned()).unwrap();
        let latin = environment.get_template("t").unwrap().render(context! { name => "فاطمة" }).unwrap();
        assert!(latin.is_ascii() && !latin.is_empty(), "{latin}");
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let mut environment = environment();
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        environment.add_template_owned("t", endless.to_owned()).unwrap();
        assert!(environment.get_template("t").unwrap().render(context! {}).is_err());
    }
}
