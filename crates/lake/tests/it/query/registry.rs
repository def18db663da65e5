//! Every function that the language knows is implemented here or refused by name; none is forgotten.

use kql::functions::FunctionClass;

/// Functions that the engine refuses by name.
const REFUSED: &[&str] = &["parse_user_agent"];

#[test]
fn every_function_of_the_registry_is_here_or_refused() {
    let mut missing = Vec::new();
    for function in kql::functions::all() {
        let here = match function.class {
            FunctionClass::Scalar => function.name == "not" || lake::query::functions::entry(function.name).is_some(),
            FunctionClass::Aggregate => {
                let plain =
                    function.name.strip_suffix("if").map(|name| name.trim_end_matches('_')).unwrap_or(function.name);
                lake::query::lower::SUPPORTED_AGGREGATES.contains(&plain)
            }
            FunctionClass::Environment | FunctionClass::Window => true,
        };
        if here == REFUSED.contains(&function.name) {
            missing.push(function.name);
        }
    }
    assert!(missing.is_empty(), "neither implemented nor in the list of refusals (or both): {missing:?}");
}
