//! Aggregate functions, one row each.

use super::FunctionClass::Aggregate;
use super::Row;

/// In order of use in published queries, roughly; the registry sorts by name.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row { class: Aggregate, aliases: &[],
        signatures: "count(): long",
        doc: "Number of rows." },
    Row { class: Aggregate, aliases: &[],
        signatures: "countif(predicate: bool): long",
        doc: "Number of rows where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "dcount(value: any, accuracy?: long): long",
        doc: "Estimated number of distinct values (exact while there are few)." },
    Row { class: Aggregate, aliases: &[],
        signatures: "dcountif(value: any, predicate: bool, accuracy?: long): long",
        doc: "Estimated number of distinct values where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "count_distinct(value: any): long",
        doc: "Number of distinct values." },
    Row { class: Aggregate, aliases: &[],
        signatures: "count_distinctif(value: any, predicate: bool): long",
        doc: "Number of distinct values where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "sum(value: int): long | \
        sum(value: long): long | \
        sum(value: real): real | \
        sum(value: decimal): decimal | \
        sum(value: timespan): timespan",
        doc: "Sum; 0 of nothing." },
    Row { class: Aggregate, aliases: &[],
        signatures: "sumif(value: int, predicate: bool): long | \
        sumif(value: long, predicate: bool): long | \
        sumif(value: real, predicate: bool): real | \
        sumif(value: decimal, predicate: bool): decimal | \
        sumif(value: timespan, predicate: bool): timespan",
        doc: "Sum where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "avg(value: real): real | \
        avg(value: decimal): decimal | \
        avg(value: timespan): timespan | \
        avg(value: datetime): datetime",
        doc: "Mean; NaN of nothing." },
    Row { class: Aggregate, aliases: &[],
        signatures: "avgif(value: real, predicate: bool): real | \
        avgif(value: decimal, predicate: bool): decimal | \
        avgif(value: timespan, predicate: bool): timespan | \
        avgif(value: datetime, predicate: bool): datetime",
        doc: "Mean where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "min(value: any): value",
        doc: "Least value." },
    Row { class: Aggregate, aliases: &[],
        signatures: "minif(value: any, predicate: bool): value",
        doc: "Least value where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "max(value: any): value",
        doc: "Greatest value." },
    Row { class: Aggregate, aliases: &[],
        signatures: "maxif(value: any, predicate: bool): value",
        doc: "Greatest value where the predicate is true." },
    Row { class: Aggregate, aliases: &["makeset"],
        signatures: "make_set(value: any, limit?: long): dynamic",
        doc: "Array of the distinct values." },
    Row { class: Aggregate, aliases: &[],
        signatures: "make_set_if(value: any, predicate: bool, limit?: long): dynamic",
        doc: "Array of the distinct values where the predicate is true." },
    Row { class: Aggregate, aliases: &["makelist"],
        signatures: "make_list(value: any, limit?: long): dynamic",
        doc: "Array of the values, nulls left out." },
    Row { class: Aggregate, aliases: &[],
        signatures: "make_list_if(value: any, predicate: bool, limit?: long): dynamic",
        doc: "Array of the values where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "make_list_with_nulls(value: any): dynamic",
        doc: "Array of the values, nulls included." },
    Row { class: Aggregate, aliases: &["make_dictionary"],
        signatures: "make_bag(value: dynamic, limit?: long): dynamic",
        doc: "One bag of all bags." },
    Row { class: Aggregate, aliases: &[],
        signatures: "make_bag_if(value: dynamic, predicate: bool, limit?: long): dynamic",
        doc: "One bag of all bags where the predicate is true." },
    Row { class: Aggregate, aliases: &["argmax"],
        signatures: "arg_max(value: any, ...returned?: any): value",
        doc: "The row with the greatest value: that value and other columns of it." },
    Row { class: Aggregate, aliases: &["argmin"],
        signatures: "arg_min(value: any, ...returned?: any): value",
        doc: "The row with the least value: that value and other columns of it." },
    Row { class: Aggregate, aliases: &["any"],
        signatures: "take_any(...value: any): value",
        doc: "Columns of any one row." },
    Row { class: Aggregate, aliases: &["anyif"],
        signatures: "take_anyif(value: any, predicate: bool): value",
        doc: "A value of any one row where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "percentile(value: number, percent: real): value | \
        percentile(value: timespan, percent: real): timespan | \
        percentile(value: datetime, percent: real): datetime",
        doc: "Nearest-rank percentile." },
    Row { class: Aggregate, aliases: &[],
        signatures: "percentiles(value: number, ...percent: real): value | \
        percentiles(value: timespan, ...percent: real): timespan | \
        percentiles(value: datetime, ...percent: real): datetime",
        doc: "Nearest-rank percentiles, a column for each." },
    Row { class: Aggregate, aliases: &[],
        signatures: "percentiles_array(value: number, ...percent: any): dynamic",
        doc: "Nearest-rank percentiles as an array." },
    Row { class: Aggregate, aliases: &[],
        signatures: "stdev(value: real): real",
        doc: "Standard deviation of a sample." },
    Row { class: Aggregate, aliases: &[],
        signatures: "stdevif(value: real, predicate: bool): real",
        doc: "Standard deviation of a sample where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "stdevp(value: real): real",
        doc: "Standard deviation of a population." },
    Row { class: Aggregate, aliases: &[],
        signatures: "variance(value: real): real",
        doc: "Variance of a sample." },
    Row { class: Aggregate, aliases: &[],
        signatures: "varianceif(value: real, predicate: bool): real",
        doc: "Variance of a sample where the predicate is true." },
    Row { class: Aggregate, aliases: &[],
        signatures: "variancep(value: real): real",
        doc: "Variance of a population." },
    Row { class: Aggregate, aliases: &[],
        signatures: "binary_all_and(value: long): long",
        doc: "Bitwise and of all values." },
    Row { class: Aggregate, aliases: &[],
        signatures: "binary_all_or(value: long): long",
        doc: "Bitwise or of all values." },
    Row { class: Aggregate, aliases: &[],
        signatures: "binary_all_xor(value: long): long",
        doc: "Bitwise exclusive or of all values." },
];
