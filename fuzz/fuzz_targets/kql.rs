//! Any bytes as a query: lexer, parser, binder and the editor's services.
#![no_main]

use kernel::schema::{ColumnSchema, TableSchema};
use kernel::value::ScalarType;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let column = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar };
    let columns = vec![
        column("s", ScalarType::String),
        column("l", ScalarType::Long),
        column("t", ScalarType::DateTime),
        column("d", ScalarType::Dynamic),
    ];
    let catalog = kql::catalog::Catalog::new([TableSchema { name: "T".to_owned(), columns }]);
    let _ = kql::compile(text, &catalog);
    let _ = kql::classify(text, &catalog);
    let formatted = kql::format(text);
    assert_eq!(kql::format(&formatted), formatted);
    let _ = kql::complete(text, text.len() / 2, &catalog);
    let _ = kql::hover(text, text.len() / 2, &catalog);
});
