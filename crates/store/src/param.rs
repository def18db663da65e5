//! Values bound to a statement.
//!
//! Ours and not `sqlx::Any`'s: that one sends a NULL of DOUBLE PRECISION as a 4-byte real, which poisons the prepared
//! statement on PostgreSQL for the next value that is not NULL.

use kernel::id::{Id, Kind};
use kernel::{Severity, Timestamp};

/// One bound value. A NULL keeps its type, because PostgreSQL types a prepared statement by its first binding.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    Int(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
}

/// What can be bound to a statement.
pub trait Bind: Sized {
    /// NULL of the type.
    const NULL: Param;
    /// The value as the database holds it.
    fn bind(self) -> Param;
}

impl<T: Bind> From<T> for Param {
    fn from(value: T) -> Param {
        value.bind()
    }
}

impl<T: Bind> Bind for Option<T> {
    const NULL: Param = T::NULL;
    fn bind(self) -> Param {
        self.map_or(T::NULL, T::bind)
    }
}

macro_rules! bind {
    ($($type:ty, $variant:ident, |$value:ident| $form:expr;)*) => {$(
        impl Bind for $type {
            const NULL: Param = Param::$variant(None);
            fn bind(self) -> Param {
                let $value = self;
                Param::$variant(Some($form))
            }
        }
    )*};
}

/// PostgreSQL keeps no NUL in a text, and a text that it refuses must not keep out what is around it: both engines keep
/// the replacement character.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

bind! {
    i64, Int, |value| value;
    i32, Int, |value| i64::from(value);
    u32, Int, |value| i64::from(value);
    u64, Int, |value| i64::try_from(value).unwrap_or(i64::MAX);
    usize, Int, |value| i64::try_from(value).unwrap_or(i64::MAX);
    bool, Int, |value| i64::from(value);
    Timestamp, Int, |value| value.micros();
    f64, Real, |value| value;
    String, Text, |value| without_nul(value);
    &str, Text, |value| without_nul(value.to_owned());
    &String, Text, |value| without_nul(value.clone());
    Severity, Text, |value| value.as_str().to_owned();
    &serde_json::Value, Text, |value| value.to_string();
    &kernel::Actor, Text, |value| value.to_string();
}

impl<K: Kind> Bind for Id<K> {
    const NULL: Param = Param::Text(None);
    fn bind(self) -> Param {
        Param::Text(Some(self.to_string()))
    }
}

/// The bound values of one statement, in order: `params![id, title, now]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::Param::from($value)),*] };
}
