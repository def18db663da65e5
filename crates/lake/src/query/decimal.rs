//! KQL decimals: a 128-bit integer with 18 decimals.

/// Digits in all.
pub const PRECISION: u8 = 38;
/// Digits after the point.
pub const SCALE: i8 = 18;
/// One, as an integer with [`SCALE`] decimals.
pub const ONE: i128 = 1_000_000_000_000_000_000;

/// The number that `text` writes (`-1.5`, `2e3`), cut to 18 decimals; `None` when it is none or too large.
pub fn parse(text: &str) -> Option<i128> {
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
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    let shift = i32::from(SCALE) + exponent - i32::try_from(fraction.len()).ok()?;
    let value = if shift >= 0 {
        value.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?
    } else {
        10_i128.checked_pow(shift.unsigned_abs()).map_or(0, |divisor| value / divisor)
    };
    Some(if negative { -value } else { value })
}

/// The shortest text of `value`: no trailing zeros.
pub fn text(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let value = value.unsigned_abs();
    let one = ONE.unsigned_abs();
    let fraction = format!("{:018}", value % one);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", value / one)
}

/// The nearest real.
pub fn to_real(value: i128) -> f64 {
    text(value).parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_agree() {
        for (written, printed) in [("1", "1"), ("-1.50", "-1.5"), ("2e3", "2000"), (".25", "0.25"), ("1e-19", "0")] {
            assert_eq!(parse(written).map(text).as_deref(), Some(printed), "{written}");
        }
        assert_eq!(parse("1x"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse("1e60"), None);
    }
}
