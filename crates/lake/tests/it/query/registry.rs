//! Every function that the language knows is implemented here; none is forgotten.

use kql::functions::FunctionClass;

#[test]
fn every_function_of_the_registry_is_here() {
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
        if !here {
            missing.push(function.name);
        }
    }
    assert!(missing.is_empty(), "not implemented: {missing:?}");
}
