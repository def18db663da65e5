//! The conditions of a statement as a list of which all have to hold, in terms that a translation knows.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// One condition. `is` is false where it has to fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// A user, a group or a role: kind and id.
    Principal {
        kind: String,
        id: String,
        is: bool,
    },
    Guest {
        is: bool,
    },
    BreakGlass {
        is: bool,
    },
    Application {
        id: String,
        is: bool,
    },
    /// A text of the context is one of several: `client`, `protocol`, `device.platform`, `location.country`.
    OneOf {
        path: String,
        texts: BTreeSet<String>,
        is: bool,
    },
    /// Levels of a risk: `sign_in_risk`, `user_risk`.
    Risk {
        path: String,
        levels: BTreeSet<i64>,
    },
    Network {
        name: String,
        is: bool,
    },
    Trusted {
        is: bool,
    },
    /// At least this strong.
    Strength {
        level: i64,
        is: bool,
    },
    Compliant {
        is: bool,
    },
    Managed {
        is: bool,
    },
    /// That the context has an attribute: said by what follows.
    Known,
    /// What no term says, in words.
    Unknown(String),
}

/// Terms of which one at least has to hold.
pub type Clause = Vec<Term>;

/// The clauses of a statement, which all have to hold for it to forbid.
pub fn clauses(statement: &Json) -> Vec<Clause> {
    let mut found = Vec::new();
    for (place, kind) in [("principal", "User"), ("resource", "Application")] {
        scope(&statement[place], kind, &mut found);
    }
    for condition in statement["conditions"].as_array().into_iter().flatten() {
        let is = condition["kind"] != "unless";
        found.extend(and(&condition["body"], is));
    }
    found.retain(|clause| !clause.iter().all(|term| *term == Term::Known));
    found
}

fn scope(scope: &Json, plain: &str, found: &mut Vec<Clause>) {
    match scope["op"].as_str() {
        Some("==" | "in") => {
            if let Some(entity) = scope.get("entity") {
                found.push(vec![entity_term(entity, true)]);
            }
            let several = scope["entities"].as_array().into_iter().flatten();
            let clause: Clause = several.map(|entity| entity_term(entity, true)).collect();
            if !clause.is_empty() {
                found.push(clause);
            }
        }
        Some("is") => {
            if scope["entity_type"] != plain {
                found.push(vec![Term::Unknown(format!("is {}", scope["entity_type"].as_str().unwrap_or_default()))]);
            }
            if let Some(inner) = scope.get("in") {
                found.push(vec![entity_term(&inner["entity"], true)]);
            }
        }
        _ => {}
    }
}

fn entity_term(entity: &Json, is: bool) -> Term {
    let field = |name: &str| entity[name].as_str().unwrap_or_default().to_owned();
    match field("type").as_str() {
        "Application" => Term::Application { id: field("id"), is },
        "User" | "Group" | "Role" => Term::Principal { kind: field("type"), id: field("id"), is },
        other => Term::Unknown(format!("{other}::\"{}\"", field("id"))),
    }
}

/// An expression that has to be `is`, as clauses.
fn and(tree: &Json, is: bool) -> Vec<Clause> {
    if let Some(inner) = tree.get("!") {
        return and(&inner["arg"], !is);
    }
    let (both, either) = if is { ("&&", "||") } else { ("||", "&&") };
    if let Some(pair) = tree.get(both) {
        let mut found = and(&pair["left"], is);
        found.extend(and(&pair["right"], is));
        return found;
    }
    if let Some(pair) = tree.get(either) {
        let (left, right) = (and(&pair["left"], is), and(&pair["right"], is));
        return or(left, right);
    }
    vec![term(tree, is)]
}

/// (A and B) or (C and D), as clauses: every pair. Attributes that are only known say nothing.
fn or(left: Vec<Clause>, right: Vec<Clause>) -> Vec<Clause> {
    let bare = |clauses: Vec<Clause>| -> Vec<Clause> {
        clauses.into_iter().filter(|clause| clause.iter().any(|term| *term != Term::Known)).collect()
    };
    let (left, right) = (bare(left), bare(right));
    if left.len() * right.len() > 64 {
        return vec![vec![Term::Unknown("alternatives that are too many to be taken apart".to_owned())]];
    }
    match (left.is_empty(), right.is_empty()) {
        (true, _) => right,
        (_, true) => left,
        _ => {
            let pair = |one: &Clause, other: &Clause| merged(one.iter().chain(other).cloned().collect());
            left.iter().flat_map(|one| right.iter().map(move |other| pair(one, other))).collect()
        }
    }
}

/// Alternatives of the same text are one term.
fn merged(clause: Clause) -> Clause {
    let mut found: Clause = Vec::new();
    for term in clause {
        let same = found.iter_mut().find_map(|known| match (known, &term) {
            (Term::OneOf { path, texts, is: true }, Term::OneOf { path: other, texts: more, is: true })
                if path == other =>
            {
                Some((texts, more))
            }
            _ => None,
        });
        match same {
            Some((texts, more)) => texts.extend(more.iter().cloned()),
            None => found.push(term),
        }
    }
    found
}

fn term(tree: &Json, is: bool) -> Clause {
    let found = known(tree, is);
    found.unwrap_or_else(|| vec![Term::Unknown(words(tree, is))])
}

fn known(tree: &Json, is: bool) -> Option<Clause> {
    let (operator, inner) = tree.as_object()?.iter().next()?;
    let (left, right) = (&inner["left"], &inner["right"]);
    match operator.as_str() {
        "has" => Some(vec![Term::Known]),
        "." => flag(&path(tree)?, is),
        "in" | "==" if left["Var"] == "principal" || left["Var"] == "resource" => entities(right, is),
        "!=" if left["Var"] == "principal" || left["Var"] == "resource" => entities(right, !is),
        "contains" => {
            if let (Some(place), Some(name)) = (path(left), right["Value"].as_str()) {
                let name = name.to_owned();
                return (place == "context.location.networks").then_some(vec![Term::Network { name, is }]);
            }
            let texts = left["Set"].as_array()?.iter().map(|one| one["Value"].clone()).collect::<Vec<_>>();
            values(&path(right)?, &texts, is)
        }
        "==" => match (path(left), &right["Value"]) {
            (Some(place), Json::Bool(value)) => flag(&place, *value == is),
            (Some(place), value) => values(&place, std::slice::from_ref(value), is),
            (None, _) => values(&path(right)?, &[left["Value"].clone()], is),
        },
        "!=" => values(&path(left)?, &[right["Value"].clone()], !is),
        "<" | "<=" | ">" | ">=" => level(&path(left)?, operator, right["Value"].as_i64()?, is),
        _ => None,
    }
}

fn entities(right: &Json, is: bool) -> Option<Clause> {
    let one = |value: &Json| value["Value"].get("__entity").map(|entity| entity_term(entity, is));
    if let Some(term) = one(right) {
        return Some(vec![term]);
    }
    let all: Option<Clause> = right["Set"].as_array()?.iter().map(one).collect();
    // In one of them; where it has to fail, in none, which is more than one clause says.
    all.filter(|clause| is || clause.len() == 1)
}

/// `context.device.platform`.
fn path(tree: &Json) -> Option<String> {
    if let Some(variable) = tree["Var"].as_str() {
        return Some(variable.to_owned());
    }
    let inner = tree.get(".")?;
    Some(format!("{}.{}", path(&inner["left"])?, inner["attr"].as_str()?))
}

fn flag(path: &str, is: bool) -> Option<Clause> {
    let term = match path {
        "principal.guest" => Term::Guest { is },
        "principal.break_glass" => Term::BreakGlass { is },
        "context.location.trusted" => Term::Trusted { is },
        "context.device.compliant" => Term::Compliant { is },
        "context.device.managed" => Term::Managed { is },
        _ => return None,
    };
    Some(vec![term])
}

fn values(path: &str, values: &[Json], is: bool) -> Option<Clause> {
    if let Some(risk) = path.strip_prefix("context.").filter(|name| name.ends_with("_risk")) {
        let named: Option<BTreeSet<i64>> = values.iter().map(Json::as_i64).collect();
        let levels = named.map(|named| if is { named } else { (0..=3).filter(|one| !named.contains(one)).collect() });
        return Some(vec![Term::Risk { path: risk.to_owned(), levels: levels? }]);
    }
    if path == "context.authentication_strength" {
        return None;
    }
    let texts: Option<BTreeSet<String>> = values.iter().map(|one| one.as_str().map(str::to_owned)).collect();
    let path = path.strip_prefix("context.")?.to_owned();
    let known = ["client", "protocol", "device.platform", "location.country"].contains(&path.as_str());
    known.then_some(vec![Term::OneOf { path, texts: texts?, is }])
}

fn level(path: &str, operator: &str, value: i64, is: bool) -> Option<Clause> {
    let holds = |level: i64| match operator {
        "<" => level < value,
        "<=" => level <= value,
        ">" => level > value,
        _ => level >= value,
    };
    if path == "context.authentication_strength" {
        let strong: Vec<i64> = (0..=3).filter(|level| holds(*level) == is).collect();
        // Upwards: strong enough. Downwards: not strong enough.
        return match (strong.first(), strong.last()) {
            (Some(first), Some(3)) => Some(vec![Term::Strength { level: *first, is: true }]),
            (Some(0), Some(last)) => Some(vec![Term::Strength { level: last + 1, is: false }]),
            _ => None,
        };
    }
    let risk = path.strip_prefix("context.").filter(|name| name.ends_with("_risk"))?;
    let levels = (0..=3).filter(|level| holds(*level) == is).collect();
    Some(vec![Term::Risk { path: risk.to_owned(), levels }])
}

/// An expression that no term says, as short as it can be read.
fn words(tree: &Json, is: bool) -> String {
    let not = if is { "" } else { "not " };
    let mut places = BTreeSet::new();
    collect(tree, &mut places);
    let operator = tree.as_object().and_then(|fields| fields.keys().next()).map_or("", String::as_str);
    let places: Vec<String> = places.into_iter().collect();
    format!("{not}`{operator}` of {}", places.join(", "))
}

fn collect(tree: &Json, places: &mut BTreeSet<String>) {
    if let Some(path) = path(tree) {
        places.insert(path);
        return;
    }
    match tree {
        Json::Array(all) => all.iter().for_each(|one| collect(one, places)),
        Json::Object(fields) => fields.values().for_each(|one| collect(one, places)),
        _ => {}
    }
}
