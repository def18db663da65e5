//! What ranks the queue: a number that grows with severity and with the number of different things seen.

use kernel::Severity;

/// What one alert weighs.
pub const fn weight(severity: Severity) -> f64 {
    match severity {
        Severity::Informational => 1.0,
        Severity::Low => 5.0,
        Severity::Medium => 20.0,
        Severity::High => 50.0,
        Severity::Critical => 80.0,
    }
}

/// The risk of a group: its different rules, heaviest first, each counting four fifths of the one before, times a
/// tenth more for each further technique. The same rule again adds nothing: noise does not climb the queue.
pub fn of_group(rules: &[(String, Severity)], techniques: usize) -> f64 {
    let mut heaviest: std::collections::BTreeMap<&str, Severity> = std::collections::BTreeMap::new();
    for (rule, severity) in rules {
        let known = heaviest.entry(rule).or_insert(*severity);
        *known = (*known).max(*severity);
    }
    let mut weights: Vec<f64> = heaviest.into_values().map(weight).collect();
    weights.sort_by(|a, b| b.total_cmp(a));
    let sum: f64 = weights.iter().zip(0..).map(|(weight, place)| weight * 0.8_f64.powi(place)).sum();
    let spread = 1.0 + 0.1 * techniques.saturating_sub(1).min(10) as f64;
    (sum * spread * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_rules_raise_the_risk_and_repetition_does_not() {
        let rule = |name: &str, severity| (name.to_owned(), severity);
        let one = of_group(&[rule("a", Severity::High)], 1);
        let again = of_group(&[rule("a", Severity::High), rule("a", Severity::Medium)], 1);
        let two = of_group(&[rule("a", Severity::High), rule("b", Severity::Medium)], 1);
        assert_eq!(one, 50.0);
        assert_eq!(again, one);
        assert_eq!(two, 66.0);
        assert!(of_group(&[rule("a", Severity::High), rule("b", Severity::Medium)], 3) > two);
    }
}
