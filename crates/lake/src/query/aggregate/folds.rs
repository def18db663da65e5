//! The folds by name.

/// Which fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    Set,
    List,
    ListWithNulls,
    Bag,
    Schema,
    DistinctCount,
    /// The sketch itself, of values or of sketches.
    Hll,
    HllMerge,
    /// Arguments are value and, where it has one, weight.
    Digest,
    DigestMerge,
    Percentiles,
    PercentilesArray,
    /// Arguments are value and weight.
    WeightedPercentiles,
    WeightedPercentilesArray,
    /// Arguments are the two values.
    Covariance,
    CovarianceP,
    Variance,
    VarianceP,
    Stdev,
    StdevP,
    /// Mean of instants, spans or decimals.
    MeanTicks,
    BitAnd,
    BitOr,
    BitXor,
    /// Least and greatest of dynamic values.
    Least,
    Greatest,
    /// `make-series`: an array with the value of each bin; arguments are bin, value, number of bins, default.
    Series,
}

/// Each under the name that plans spell.
pub(in crate::query) const NAMES: [(Fold, &str); 27] = [
    (Fold::Schema, "buildschema"),
    (Fold::Hll, "hll"),
    (Fold::HllMerge, "hll_merge"),
    (Fold::Digest, "tdigest"),
    (Fold::DigestMerge, "tdigest_merge"),
    (Fold::Set, "make_set"),
    (Fold::List, "make_list"),
    (Fold::ListWithNulls, "make_list_with_nulls"),
    (Fold::Bag, "make_bag"),
    (Fold::DistinctCount, "dcount"),
    (Fold::Percentiles, "percentile"),
    (Fold::PercentilesArray, "percentiles_array"),
    (Fold::WeightedPercentiles, "percentilew"),
    (Fold::WeightedPercentilesArray, "percentilesw_array"),
    (Fold::Covariance, "covariance"),
    (Fold::CovarianceP, "covariancep"),
    (Fold::Variance, "variance"),
    (Fold::VarianceP, "variancep"),
    (Fold::Stdev, "stdev"),
    (Fold::StdevP, "stdevp"),
    (Fold::MeanTicks, "avg"),
    (Fold::BitAnd, "binary_all_and"),
    (Fold::BitOr, "binary_all_or"),
    (Fold::BitXor, "binary_all_xor"),
    (Fold::Least, "min"),
    (Fold::Greatest, "max"),
    (Fold::Series, "series"),
];

impl Fold {
    /// As in function names.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(fold, _)| *fold == self).map_or("", |(_, name)| name)
    }

    /// The reverse of [`Self::name`].
    pub fn named(name: &str) -> Option<Fold> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(fold, _)| *fold)
    }
}
