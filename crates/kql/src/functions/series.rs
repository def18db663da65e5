//! Window and series functions, one row each.

use super::FunctionClass::{Scalar, Window};
use super::Row;

/// In order of use in published queries, roughly; the registry sorts by name.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row { class: Scalar, aliases: &[],
        signatures: "series_decompose_anomalies(series: dynamic, threshold?: real, seasonality?: long, trend?: string, test_points?: long, method?: string, seasonality_threshold?: real): dynamic",
        doc: "Anomaly flags, scores and baseline of a series." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_decompose(series: dynamic, seasonality?: long, trend?: string, test_points?: long, seasonality_threshold?: real): dynamic",
        doc: "Baseline, seasonal, trend and residual parts of a series." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_decompose_forecast(series: dynamic, points: long, seasonality?: long, trend?: string, seasonality_threshold?: real): dynamic",
        doc: "Forecast of a series." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_fit_line(series: dynamic): dynamic",
        doc: "Linear regression of a series." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_fit_2lines(series: dynamic): dynamic",
        doc: "Linear regression of a series in two parts." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_stats(series: dynamic, ignore_nonfinite?: bool): dynamic",
        doc: "Minimum, maximum, mean and deviation of a series." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_outliers(series: dynamic, kind?: string, ignore_val?: real, min_percentile?: real, max_percentile?: real): dynamic",
        doc: "Outlier scores of a series." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_fill_const(series: dynamic, value: any, missing?: any): dynamic",
        doc: "A series with gaps filled by a value." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_fill_forward(series: dynamic, missing?: any): dynamic",
        doc: "A series with gaps filled by the value before." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_fill_backward(series: dynamic, missing?: any): dynamic",
        doc: "A series with gaps filled by the value after." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_fill_linear(series: dynamic, missing?: any, fill_edges?: bool, constant?: any): dynamic",
        doc: "A series with gaps filled by a line." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_add(a: dynamic, b: dynamic): dynamic | \
        series_add(a: dynamic, b: real): dynamic | \
        series_add(a: real, b: dynamic): dynamic",
        doc: "Sum, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_subtract(a: dynamic, b: dynamic): dynamic | \
        series_subtract(a: dynamic, b: real): dynamic | \
        series_subtract(a: real, b: dynamic): dynamic",
        doc: "Difference, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_multiply(a: dynamic, b: dynamic): dynamic | \
        series_multiply(a: dynamic, b: real): dynamic | \
        series_multiply(a: real, b: dynamic): dynamic",
        doc: "Product, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_divide(a: dynamic, b: dynamic): dynamic | \
        series_divide(a: dynamic, b: real): dynamic | \
        series_divide(a: real, b: dynamic): dynamic",
        doc: "Quotient, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_greater(a: dynamic, b: dynamic): dynamic | \
        series_greater(a: dynamic, b: real): dynamic | \
        series_greater(a: real, b: dynamic): dynamic",
        doc: "Comparison, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_less(a: dynamic, b: dynamic): dynamic | \
        series_less(a: dynamic, b: real): dynamic | \
        series_less(a: real, b: dynamic): dynamic",
        doc: "Comparison, element by element." },
    Row { class: Scalar, aliases: &[],
        signatures: "series_sum(series: dynamic): real",
        doc: "Sum of the elements." },
    Row { class: Window, aliases: &[],
        signatures: "row_number(start?: long, restart?: bool): long",
        doc: "The number of the row, from 1." },
    Row { class: Window, aliases: &[],
        signatures: "prev(value: any, offset?: long, default?: any): value",
        doc: "The value in an earlier row." },
    Row { class: Window, aliases: &[],
        signatures: "next(value: any, offset?: long, default?: any): value",
        doc: "The value in a later row." },
    Row { class: Window, aliases: &[],
        signatures: "row_cumsum(value: int, restart?: bool): int | \
        row_cumsum(value: long, restart?: bool): long | \
        row_cumsum(value: real, restart?: bool): real | \
        row_cumsum(value: decimal, restart?: bool): decimal | \
        row_cumsum(value: timespan, restart?: bool): timespan",
        doc: "The sum so far." },
    Row { class: Window, aliases: &["row_rank"],
        signatures: "row_rank_dense(value: any, restart?: bool): long",
        doc: "The rank, without gaps." },
    Row { class: Window, aliases: &[],
        signatures: "row_rank_min(value: any, restart?: bool): long",
        doc: "The rank, with gaps." },
    Row { class: Window, aliases: &[],
        signatures: "row_window_session(time: datetime, maximum: timespan, gap: timespan, restart?: bool): datetime",
        doc: "The start of the session that the row belongs to." },
];
