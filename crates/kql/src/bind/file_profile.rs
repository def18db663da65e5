//! `invoke FileProfile(hash [, rows])`: what Microsoft's service knows of a file, which an installation without a network
//! does not know. Its columns are there and empty, so that a published query runs, and the answer says so.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::Binder;
use super::project::projected;
use crate::algebra::{Expr, ExprKind, Plan};
use crate::{codes, syntax};

/// The columns that the function adds, as the schema reference of advanced hunting has them.
const COLUMNS: [(&str, ScalarType); 18] = [
    ("SHA1", ScalarType::String),
    ("SHA256", ScalarType::String),
    ("MD5", ScalarType::String),
    ("FileSize", ScalarType::Long),
    ("GlobalPrevalence", ScalarType::Long),
    ("GlobalFirstSeen", ScalarType::DateTime),
    ("GlobalLastSeen", ScalarType::DateTime),
    ("Signer", ScalarType::String),
    ("Issuer", ScalarType::String),
    ("SignerHash", ScalarType::String),
    ("IsCertificateValid", ScalarType::Bool),
    ("IsRootSignerMicrosoft", ScalarType::Bool),
    ("SignatureState", ScalarType::String),
    ("IsExecutable", ScalarType::Bool),
    ("ThreatName", ScalarType::String),
    ("Publisher", ScalarType::String),
    ("SoftwareName", ScalarType::String),
    ("ProfileAvailability", ScalarType::String),
];

impl Binder<'_> {
    /// Adds the columns that the input lacks.
    pub(super) fn file_profile(&mut self, input: Plan, args: &[syntax::Argument], span: Span) -> Plan {
        if args.len() > 2 {
            self.error(codes::BAD_ARGUMENTS, span, "`FileProfile` takes a column with hashes and a number of rows");
            return input;
        }
        let named = args.first().map(|argument| match &argument.value.kind {
            syntax::ExprKind::Literal(Value::String(name), _) | syntax::ExprKind::Name(name) => name.as_str(),
            _ => "",
        });
        if let (Some(name), Some(argument)) = (named, args.first())
            && input.schema.iter().all(|column| column.name != name)
        {
            let hash = syntax::Expr { kind: syntax::ExprKind::Name(name.to_owned()), span: argument.value.span };
            self.scalar(&hash, &mut super::Row::of(&input.schema));
        }
        self.ignored(span, "nothing is known of files here beyond the events: what `FileProfile` would add is empty");
        let mut schema = input.schema.clone();
        let mut columns: Vec<Expr> = (0..schema.len()).map(|at| super::expr::at(&input.schema, at, span)).collect();
        for (name, scalar) in COLUMNS {
            if schema.iter().any(|column| column.name == name) {
                continue;
            }
            let value = match (name, scalar) {
                ("ProfileAvailability", _) => Value::String("Missing".to_owned()),
                (_, ScalarType::String) => Value::String(String::new()),
                _ => Value::Null,
            };
            schema.push(ColumnSchema { name: name.to_owned(), scalar });
            columns.push(Expr { kind: ExprKind::Literal(value), scalar, span });
        }
        projected(input, schema, columns, false, span)
    }
}
