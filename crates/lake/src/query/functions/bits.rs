//! Bitwise operations and hexadecimal.

use kernel::Value;

use super::strings::number;
use super::{Entry, strict};

pub(super) const ENTRIES: &[Entry] = &[
    strict("binary_and", |args| pair(args, |left, right| Some(left & right))),
    strict("binary_or", |args| pair(args, |left, right| Some(left | right))),
    strict("binary_xor", |args| pair(args, |left, right| Some(left ^ right))),
    strict("binary_shift_left", |args| pair(args, |left, by| Some(left.wrapping_shl(distance(by)?)))),
    strict("binary_shift_right", |args| pair(args, |left, by| Some(left.wrapping_shr(distance(by)?)))),
    strict("binary_not", |args| number(args, 0).map_or(Value::Null, |number| Value::Long(!number))),
    strict("bitset_count_ones", |args| {
        number(args, 0).map_or(Value::Null, |number| Value::Long(i64::from(number.count_ones())))
    }),
    strict("tohex", |args| {
        let Some(number) = number(args, 0) else { return Value::Null };
        // Two's complement in the width of the type.
        let number = if matches!(args[0], Value::Int(_)) { number & 0xffff_ffff } else { number };
        let width = super::strings::number(args, 1).and_then(|width| usize::try_from(width).ok()).unwrap_or(0);
        Value::String(format!("{number:0width$x}", width = width.min(64)))
    }),
    strict("gcd", |args| {
        pair(args, |left, right| {
            let (mut left, mut right) = (left.unsigned_abs(), right.unsigned_abs());
            while right != 0 {
                (left, right) = (right, left % right);
            }
            i64::try_from(left).ok()
        })
    }),
];

fn pair(args: &[Value], function: impl Fn(i64, i64) -> Option<i64>) -> Value {
    match (number(args, 0), number(args, 1)) {
        (Some(left), Some(right)) => function(left, right).map_or(Value::Null, Value::Long),
        _ => Value::Null,
    }
}

/// A shift of the documented form: modulo 64, never negative.
fn distance(by: i64) -> Option<u32> {
    u32::try_from(by).ok().map(|by| by % 64)
}
