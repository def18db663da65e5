//! KQL decimals: a 256-bit integer with 18 decimals, so 58 digits before the point.

use arrow_buffer::i256;

/// Digits in all.
pub const PRECISION: u8 = 76;
/// Digits after the point.
pub const SCALE: i8 = 18;
/// One, as an integer with [`SCALE`] decimals.
pub const ONE: i256 = i256::from_i128(1_000_000_000_000_000_000);

/// The number that `text` writes (`-1.5`, `2e3`), cut to 18 decimals; `None` when it is none or too large.
pub fn parse(text: &str) -> Option<i256> {
    let text = text.trim();
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !numeric(whole) || !numeric(fraction) {
        return None;
    }
    // Digits that count: those before the point, once the exponent has moved it, and the decimals.
    let count = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(SCALE);
    let mut given = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0');
    let zeros = (whole.len() + fraction.len()) - given.clone().count();
    let mut value = i256::ZERO;
    for _ in i64::try_from(zeros).ok()?..count {
        let digit = match given.next() {
            Some(digit) => digit - b'0',
            // Nothing but zeros follows, and of zero they make zero.
            None if value == i256::ZERO => break,
            None => 0,
        };
        value = value.checked_mul(i256::from_i128(10))?.checked_add(i256::from_i128(i128::from(digit)))?;
    }
    let value = Some(value).filter(|value| *value < BOUND)?;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// Ten to the power of [`PRECISION`]: `10^38 * 10^38`.
const BOUND: i256 = i256::from_i128(100_000_000_000_000_000_000_000_000_000_000_000_000)
    .wrapping_mul(i256::from_i128(100_000_000_000_000_000_000_000_000_000_000_000_000));

/// `value` if it has no more than [`PRECISION`] digits.
pub fn within(value: i256) -> Option<i256> {
    Some(value).filter(|value| *value < BOUND && *value > BOUND.wrapping_neg())
}

/// The remainder that is never negative; `None` for a divisor of zero.
pub fn remainder(value: i256, divisor: i256) -> Option<i256> {
    let rest = value.checked_rem(divisor)?;
    Some(if rest.is_negative() { rest.wrapping_add(divisor.wrapping_abs()) } else { rest })
}

/// The whole part as a long.
pub fn to_long(value: i256) -> Option<i64> {
    value.checked_div(ONE)?.to_i128().and_then(|whole| i64::try_from(whole).ok())
}

/// The shortest text of `value`: no trailing zeros.
pub fn text(value: i256) -> String {
    let sign = if value.is_negative() { "-" } else { "" };
    let digits = format!("{:0>19}", value.wrapping_abs().to_string());
    let (whole, fraction) = digits.split_at(digits.len() - 18);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_agree() {
        let third = format!("0.{}", "3".repeat(200));
        let checks = [
            ("1", "1"),
            ("-1.50", "-1.5"),
            ("2e3", "2000"),
            (".25", "0.25"),
            ("1e-19", "0"),
            ("0e999999999", "0"),
            ("1e-999999999", "0"),
            ("000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001.5", "1.5"),
            ("0.00015e4", "1.5"),
            (&third, "0.333333333333333333"),
            ("-123456789012345678901234567890123456789.5", "-123456789012345678901234567890123456789.5"),
            (
                "9999999999999999999999999999999999999999999999999999999999",
                "9999999999999999999999999999999999999999999999999999999999",
            ),
        ];
        for (written, printed) in checks {
            assert_eq!(parse(written).map(text).as_deref(), Some(printed), "{written}");
        }
        assert_eq!(parse("1x"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse("1e60"), None);
    }
}
