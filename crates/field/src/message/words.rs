//! What people mean who answer in a few words, in the languages of the room. Pure.

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Safe,
    Help,
    Sos,
    /// They take it: an acknowledgement.
    Yes,
    /// They do not.
    No,
    /// Somebody else is safe or needs help, by key or call sign.
    Other {
        who: String,
        safe: bool,
    },
}

/// The words, each as it is compared: small letters, without marks. Longer ones stand before their beginnings.
const WORDS: &[(&str, Answer)] = &[
    ("sos", Answer::Sos),
    ("mayday", Answer::Sos),
    ("safe", Answer::Safe),
    ("i am safe", Answer::Safe),
    ("i'm safe", Answer::Safe),
    ("help", Answer::Help),
    ("need help", Answer::Help),
    ("i need help", Answer::Help),
    ("not safe", Answer::Help),
    ("i am not safe", Answer::Help),
    ("en sécurité", Answer::Safe),
    ("en securite", Answer::Safe),
    ("je suis en sécurité", Answer::Safe),
    ("je suis en securite", Answer::Safe),
    ("sain et sauf", Answer::Safe),
    ("sauf", Answer::Safe),
    ("aide", Answer::Help),
    ("au secours", Answer::Help),
    ("a salvo", Answer::Safe),
    ("estoy a salvo", Answer::Safe),
    ("ayuda", Answer::Help),
    ("socorro", Answer::Help),
    ("seguro", Answer::Safe),
    ("segura", Answer::Safe),
    ("estou seguro", Answer::Safe),
    ("estou segura", Answer::Safe),
    ("a salvo estou", Answer::Safe),
    ("ajuda", Answer::Help),
    ("آمن", Answer::Safe),
    ("آمنة", Answer::Safe),
    ("بخير", Answer::Safe),
    ("انا بخير", Answer::Safe),
    ("أنا بخير", Answer::Safe),
    ("مساعدة", Answer::Help),
    ("نجدة", Answer::Sos),
    ("النجدة", Answer::Sos),
    ("ha'u seguru", Answer::Safe),
    ("hau seguru", Answer::Safe),
    ("seguru", Answer::Safe),
    ("tulun", Answer::Help),
    ("presiza tulun", Answer::Help),
    ("ok", Answer::Yes),
    ("okay", Answer::Yes),
    ("ack", Answer::Yes),
    ("yes", Answer::Yes),
    ("oui", Answer::Yes),
    ("si", Answer::Yes),
    ("sí", Answer::Yes),
    ("sim", Answer::Yes),
    ("نعم", Answer::Yes),
    ("sin", Answer::Yes),
    ("loos", Answer::Yes),
    ("no", Answer::No),
    ("non", Answer::No),
    ("não", Answer::No),
    ("nao", Answer::No),
    ("لا", Answer::No),
    ("lae", Answer::No),
];

/// Most words of an answer that stands first in a longer text.
const LONGEST: usize = 5;

/// Reads an answer. `knows` tells keys and call signs from other words. `None`: it has to be read by somebody.
///
/// `I am not safe` is no `safe`: the longest beginning that is known decides, and where a text says both, the worse.
pub fn answer_of(text: &str, knows: &dyn Fn(&str) -> bool) -> Option<Answer> {
    let words: Vec<String> = text.split_whitespace().map(fold).filter(|word| !word.is_empty()).collect();
    let first = words.first()?;
    if words.len() >= 2
        && knows(first)
        && let Some(answer) = begins(&words[1..])
    {
        return match answer {
            Answer::Safe | Answer::Yes => Some(Answer::Other { who: first.clone(), safe: true }),
            Answer::Help | Answer::Sos => Some(Answer::Other { who: first.clone(), safe: false }),
            Answer::No | Answer::Other { .. } => None,
        };
    }
    let answer = begins(&words)?;
    let cries = words.iter().any(|word| matches!(exactly(word), Some(Answer::Help | Answer::Sos)));
    match answer {
        Answer::Safe | Answer::Yes if cries || negated(&words) => Some(Answer::Help),
        answer => Some(answer),
    }
}

/// `safe? no, they are shooting`: whoever says both is taken at the worse.
fn negated(words: &[String]) -> bool {
    words.iter().any(|word| matches!(word.as_str(), "not" | "pas" | "unsafe" | "no" | "não" | "ليس" | "غير" | "la'os"))
}

fn begins(words: &[String]) -> Option<Answer> {
    (1..=words.len().min(LONGEST)).rev().find_map(|count| exactly(&words[..count].join(" ")))
}

fn exactly(text: &str) -> Option<Answer> {
    WORDS.iter().find(|(word, _)| *word == text).map(|(_, answer)| answer.clone())
}

/// A word as it is compared: small letters, without marks around it.
fn fold(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Answer>) {
        assert_eq!(answer_of(text, &|word| word.starts_with("p-") || word == "3621"), expected, "{text}");
    }

    #[test]
    fn answers_in_the_languages_of_the_room() {
        for safe in ["SAFE", " safe. ", "Je suis en sécurité", "A SALVO", "Estou segura!", "أنا بخير", "hau seguru"]
        {
            check(safe, Some(Answer::Safe));
        }
        for help in ["HELP", "need help at the bridge", "aide", "AYUDA", "ajuda", "مساعدة", "tulun"] {
            check(help, Some(Answer::Help));
        }
        for sos in ["SOS", "sos sos", "نجدة"] {
            check(sos, Some(Answer::Sos));
        }
        check("OK", Some(Answer::Yes));
        check("no", Some(Answer::No));
    }

    #[test]
    fn who_says_both_is_taken_at_the_worse() {
        check("I am not safe", Some(Answer::Help));
        check("safe but need help", Some(Answer::Help));
        check("ok SOS", Some(Answer::Help));
        check("safe? not at all", Some(Answer::Help));
    }

    #[test]
    fn one_answers_for_another() {
        check("P-7 safe", Some(Answer::Other { who: "p-7".to_owned(), safe: true }));
        check("3621 help", Some(Answer::Other { who: "3621".to_owned(), safe: false }));
        check("P-7 who is that", None);
    }

    #[test]
    fn other_words_are_for_people() {
        for text in ["", "   ", "the safe is open", "helper", "when is lunch", "safely home"] {
            check(text, None);
        }
    }
}
