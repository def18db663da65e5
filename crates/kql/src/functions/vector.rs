//! Functions of numeric arrays taken as vectors and signals, one row each.

use super::FunctionClass::Scalar;
use super::Row;

/// In order of subject; the registry sorts by name.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row { class: Scalar, aliases: &[],
        signatures: "series_abs(series: dynamic): dynamic",
        doc: "Absolute value of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_ceiling(series: dynamic): dynamic",
        doc: "Least whole number not less of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_floor(series: dynamic): dynamic",
        doc: "Greatest whole number not more of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_exp(series: dynamic): dynamic",
        doc: "e to the power of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_log(series: dynamic): dynamic",
        doc: "Natural logarithm of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_sign(series: dynamic): dynamic",
        doc: "-1, 0 or 1 of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_sin(series: dynamic): dynamic",
        doc: "Sine of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_cos(series: dynamic): dynamic",
        doc: "Cosine of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_tan(series: dynamic): dynamic",
        doc: "Tangent of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_asin(series: dynamic): dynamic",
        doc: "Arc sine of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_acos(series: dynamic): dynamic",
        doc: "Arc cosine of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_atan(series: dynamic): dynamic",
        doc: "Arc tangent of each element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_pow(a: dynamic, b: dynamic): dynamic | \
        series_pow(a: dynamic, b: real): dynamic | \
        series_pow(a: real, b: dynamic): dynamic",
        doc: "Power, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_equals(a: dynamic, b: dynamic): dynamic | \
        series_equals(a: dynamic, b: real): dynamic | \
        series_equals(a: real, b: dynamic): dynamic",
        doc: "Comparison, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_not_equals(a: dynamic, b: dynamic): dynamic | \
        series_not_equals(a: dynamic, b: real): dynamic | \
        series_not_equals(a: real, b: dynamic): dynamic",
        doc: "Comparison, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_less_equals(a: dynamic, b: dynamic): dynamic | \
        series_less_equals(a: dynamic, b: real): dynamic | \
        series_less_equals(a: real, b: dynamic): dynamic",
        doc: "Comparison, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_greater_equals(a: dynamic, b: dynamic): dynamic | \
        series_greater_equals(a: dynamic, b: real): dynamic | \
        series_greater_equals(a: real, b: dynamic): dynamic",
        doc: "Comparison, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_dot_product(a: dynamic, b: dynamic): real | \
        series_dot_product(a: dynamic, b: real): real | \
        series_dot_product(a: real, b: dynamic): real",
        doc: "Sum of the products of the elements." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_product(series: dynamic): real",
        doc: "Product of the elements." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_magnitude(series: dynamic): real",
        doc: "Root of the sum of the squares." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_cosine_similarity(a: dynamic, b: dynamic, magnitude_a?: real, magnitude_b?: real): real",
        doc: "Cosine of the angle between two vectors." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_pearson_correlation(a: dynamic, b: dynamic): real",
        doc: "Pearson's correlation coefficient of two series." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_stats_dynamic(series: dynamic, ignore_nonfinite?: bool): dynamic",
        doc: "Minimum, maximum, mean, deviation, sum and length of a series, as a bag." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_iir(series: dynamic, numerators: dynamic, denominators: dynamic): dynamic",
        doc: "Infinite impulse response filter." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_fir(series: dynamic, filter: dynamic, normalize?: bool, center?: bool): dynamic",
        doc: "Finite impulse response filter." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_fit_line_dynamic(series: dynamic): dynamic",
        doc: "Linear regression of a series, as a bag." },
];
