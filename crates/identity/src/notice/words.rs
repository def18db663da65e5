//! Sentences in the languages of the console, as data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use kernel::Timestamp;

use crate::person::Person;

kernel::words! {
    /// What is said.
    Sentence {
        RequestAsk = "request-ask",
        RequestRemind = "request-remind",
        /// Somebody was appointed in their place.
        RequestReplaced = "request-replaced",
        RequestGranted = "request-granted",
        RequestFulfilled = "request-fulfilled",
        /// It was agreed to and is not there after a day.
        RequestLate = "request-late",
        RequestRefused = "request-refused",
        /// Nobody was left to ask.
        RequestLapsed = "request-lapsed",
        /// It has become toxic while people decided.
        RequestBlocked = "request-blocked",
        ActivationAsk = "activation-ask",
        ActivationRemind = "activation-remind",
        ActivationActive = "activation-active",
        ActivationRefused = "activation-refused",
        /// Nobody answered in time, or its ground went away.
        ActivationVoid = "activation-void",
        ReviewAsk = "review-ask",
        ReviewRemind = "review-remind",
        /// A licence that was not used is about to be taken back.
        LicenceIdle = "licence-idle",
        /// The same, to whoever answers for the licence or its system.
        LicencesIdle = "licences-idle",
    }
}

/// Tags of the languages that there are, in the order in which they are offered.
pub const LANGUAGES: [&str; 6] = ["en", "fr", "es", "pt", "ar", "tet"];

type Words = BTreeMap<String, BTreeMap<String, Said>>;

#[derive(Debug, serde::Deserialize)]
struct Said {
    subject: String,
    text: String,
}

/// By language, then by sentence.
static WORDS: LazyLock<Words> = LazyLock::new(|| toml::from_str(include_str!("words.toml")).unwrap_or_default());

impl Sentence {
    /// Subject and text, with `{name}` replaced by its value.
    pub(super) fn say(self, language: &str, values: &[(&'static str, String)]) -> (String, String) {
        let said = WORDS.get(language).or_else(|| WORDS.get("en")).and_then(|words| words.get(self.as_str()));
        let filled = |text: &str| {
            values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
        };
        said.map_or_else(|| (self.to_string(), self.to_string()), |said| (filled(&said.subject), filled(&said.text)))
    }
}

/// The language for somebody: what was asked for, what is known of them, the house's; the first of these that there is.
pub(super) fn language(asked: Option<&str>, person: &Person, house: &str) -> &'static str {
    let own = person.sheet.extra.get("language").map(String::as_str);
    let known = |tag: &str| {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag).to_lowercase();
        LANGUAGES.iter().copied().find(|language| *language == primary)
    };
    [asked, own, Some(house)].into_iter().flatten().find_map(known).unwrap_or("en")
}

/// An instant as it is there: `2026-11-30 14:05 EAT`.
pub(super) fn time(at: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_microsecond(at.micros()) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_language_says_everything_with_the_same_values() {
        assert_eq!(WORDS.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(LANGUAGES));
        for language in LANGUAGES {
            for sentence in Sentence::ALL {
                let said = WORDS[language].get(sentence.as_str()).unwrap_or_else(|| panic!("{language} {sentence}"));
                let english = &WORDS["en"][sentence.as_str()];
                assert_eq!(placeholders(&said.text), placeholders(&english.text), "{language} {sentence}");
                assert_eq!(placeholders(&said.subject), placeholders(&english.subject), "{language} {sentence}");
            }
        }
    }

    #[test]
    fn a_value_is_put_in_as_it_is() {
        let values = [("what", "Payer {person}".to_owned()), ("because", "no".to_owned())];
        let (_, text) = Sentence::RequestRefused.say("xx", &values);
        assert!(text.contains("Payer {person}"), "{text}");
    }
}
