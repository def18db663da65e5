//! The functions of the language as data: one line per function, from which binding, completion, hover and the
//! reference page are made.

mod aggregate;
mod geography;
mod internal;
mod numeric;
mod scalar;
mod series;
mod signature;
mod value;
mod vector;

use std::collections::HashMap;
use std::sync::LazyLock;

use kernel::value::ScalarType;

/// One function.
#[derive(Debug)]
pub struct FunctionSpec {
    /// The current spelling. Engines dispatch on it.
    pub name: &'static str,
    /// Other spellings, deprecated ones included.
    pub aliases: &'static [&'static str],
    pub class: FunctionClass,
    /// In order of preference.
    pub overloads: Vec<Overload>,
    /// One line for people.
    pub doc: &'static str,
}

/// Names are unique in the registry.
impl PartialEq for FunctionSpec {
    fn eq(&self, other: &FunctionSpec) -> bool {
        self.name == other.name && self.class == other.class
    }
}

/// Where a function may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunctionClass {
    /// Anywhere; depends on its arguments only.
    Scalar,
    /// Anywhere; one value per query (`now`, `ago`) or per evaluation (`rand`, `new_guid`).
    Environment,
    /// After `serialize` or `sort`: reads rows around it.
    Window,
    /// In `summarize` and its kin.
    Aggregate,
}

/// One way to call a function.
#[derive(Debug, PartialEq, Eq)]
pub struct Overload {
    pub parameters: Vec<Parameter>,
    /// The last parameter repeats.
    pub variadic: bool,
    pub returns: Returns,
    /// As people read it: `split(source: string, delimiter: string, index?: long): dynamic`.
    pub signature: String,
}

/// One parameter.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub accepts: Accepts,
    /// May be left out, with everything after it.
    pub optional: bool,
}

/// What a parameter takes. A dynamic argument is converted to a concrete type, a narrower number widened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accepts {
    /// Exactly this after conversion.
    Type(ScalarType),
    /// Anything, as it is.
    Any,
    /// Anything, by its text as `tostring` gives it.
    Text,
    /// int, long, real or decimal, as it is.
    Number,
    /// int or long, as it is.
    Integer,
    /// Number, datetime or timespan, as it is.
    Ordered,
    /// All parameters of this kind share one type, found from the arguments; they are converted to it.
    Common,
}

/// The type of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Returns {
    Type(ScalarType),
    /// The type of the argument at this position.
    SameAs(usize),
    /// The shared type of the [`Accepts::Common`] parameters.
    Common,
}

/// One line of the registry, before its signatures are read.
pub(crate) struct Row {
    class: FunctionClass,
    /// `name(a: type, b?: type, …): type`, overloads separated by ` | `.
    signatures: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
}

/// All functions, in order of name.
pub fn all() -> &'static [FunctionSpec] {
    &REGISTRY.specs
}

/// The scalar, environment or window function of this spelling.
pub fn scalar(name: &str) -> Option<&'static FunctionSpec> {
    REGISTRY.scalars.get(name).map(|&at| &REGISTRY.specs[at])
}

/// The aggregate function of this spelling.
pub fn aggregate(name: &str) -> Option<&'static FunctionSpec> {
    REGISTRY.aggregates.get(name).map(|&at| &REGISTRY.specs[at])
}

/// The aggregate that a call in `summarize` is. Of a name that a scalar function has too (`hll_merge`), it is the
/// aggregate that takes one argument.
pub(crate) fn called_aggregate(name: &str, arguments: usize) -> Option<&'static FunctionSpec> {
    aggregate(name).filter(|_| arguments == 1 || scalar(name).is_none())
}

/// A function that only the binder calls, where an operator is lowered onto a projection.
pub(crate) fn internal(name: &str) -> Option<&'static FunctionSpec> {
    INTERNAL.iter().find(|spec| spec.name == name)
}

static INTERNAL: LazyLock<Vec<FunctionSpec>> = LazyLock::new(|| internal::ROWS.iter().map(signature::spec).collect());

struct Registry {
    specs: Vec<FunctionSpec>,
    scalars: HashMap<&'static str, usize>,
    aggregates: HashMap<&'static str, usize>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let rows = [scalar::ROWS, value::ROWS, series::ROWS, vector::ROWS, numeric::ROWS, geography::ROWS, aggregate::ROWS]
        .into_iter()
        .flatten();
    let mut specs: Vec<FunctionSpec> = rows.map(signature::spec).collect();
    specs.sort_by_key(|spec| spec.name);
    let (mut scalars, mut aggregates) = (HashMap::new(), HashMap::new());
    for (at, spec) in specs.iter().enumerate() {
        let names = if spec.class == FunctionClass::Aggregate { &mut aggregates } else { &mut scalars };
        for name in std::iter::once(&spec.name).chain(spec.aliases) {
            names.insert(*name, at);
        }
    }
    Registry { specs, scalars, aggregates }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_reads_and_no_spelling_is_taken_twice() {
        let spellings = |aggregate: bool| {
            let of_class = all().iter().filter(|spec| (spec.class == FunctionClass::Aggregate) == aggregate);
            of_class.map(|spec| 1 + spec.aliases.len()).sum::<usize>()
        };
        assert_eq!(REGISTRY.scalars.len(), spellings(false));
        assert_eq!(REGISTRY.aggregates.len(), spellings(true));
        for spec in all() {
            assert!(!spec.overloads.is_empty(), "{}", spec.name);
            for overload in &spec.overloads {
                assert!(!overload.signature.contains("???"), "{}", overload.signature);
            }
        }
    }
}
