//! The languages of the room.

kernel::words! {
    /// A language in which the room speaks.
    Language {
        English = "en",
        French = "fr",
        Spanish = "es",
        Portuguese = "pt",
        Arabic = "ar",
        Tetum = "tet",
    }
}

/// Tags of the languages, in the order in which they are offered.
pub const LANGUAGES: &[&str] = &["en", "fr", "es", "pt", "ar", "tet"];

impl Language {
    /// The first language of an `Accept-Language` that there is (`pt-PT,pt;q=0.9,en;q=0.8`); a weight orders what stands there,
    /// as RFC 9110, section 12.5.4 says. English when there is none.
    pub fn asked(accepted: &str) -> Language {
        let weighed = accepted.split(',').filter_map(|part| {
            let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight.trim().trim_start_matches("q=").parse::<f64>().unwrap_or(1.0);
            Language::of_tag(tag).filter(|_| weight > 0.0).map(|language| (weight, language))
        });
        let heavier = |best: (f64, Language), next: (f64, Language)| if next.0 > best.0 { next } else { best };
        weighed.reduce(heavier).map_or(Language::English, |(_, language)| language)
    }

    /// The language of a tag; of `pt-BR`, its first part counts.
    pub fn of_tag(tag: &str) -> Option<Language> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag).trim().to_lowercase();
        Language::ALL.iter().copied().find(|language| language.as_str() == primary)
    }

    /// Which form of a word stands with a number, by the plural rules of CLDR for these languages. Tetum has one form.
    pub(super) const fn plural(self, count: i64) -> &'static str {
        match self {
            Language::French | Language::Portuguese => {
                if matches!(count, 0 | 1) {
                    "one"
                } else {
                    "other"
                }
            }
            Language::English | Language::Spanish => {
                if count == 1 {
                    "one"
                } else {
                    "other"
                }
            }
            Language::Tetum => "other",
            Language::Arabic => match (count, count % 100) {
                (0, _) => "zero",
                (1, _) => "one",
                (2, _) => "two",
                (_, 3..=10) => "few",
                (_, 11..=99) => "many",
                _ => "other",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accepted: &str, tag: &str) {
        assert_eq!(Language::asked(accepted).as_str(), tag, "{accepted}");
    }

    #[test]
    fn the_reader_chooses_the_language() {
        check("pt-PT,pt;q=0.9,en;q=0.8", "pt");
        check("en;q=0.2, fr;q=0.9", "fr");
        check("tet, en", "tet");
        check("ja, AR;q=0.5", "ar");
        check("fr;q=0, es;q=0.1", "es");
        for none in ["", "ja", "*", "en;;q", ";;;,,,"] {
            check(none, "en");
        }
    }

    #[test]
    fn the_tags_are_those_of_the_languages() {
        let tags: Vec<&str> = Language::ALL.iter().map(|language| language.as_str()).collect();
        assert_eq!(tags, LANGUAGES);
    }
}
