//! What is said in the middle of an exercise and is meant: `no duff`, as rooms say on the net, and what people write. Pure.

use crate::spelling;

const MEANT: [&str; 26] = [
    "no duff",
    "noduff",
    "not a drill",
    "no drill",
    "not an exercise",
    "real emergency",
    "this is real",
    "real world",
    "pas un exercice",
    "urgence réelle",
    "no es un simulacro",
    "no es simulacro",
    "no es un ejercicio",
    "no es ejercicio",
    "emergencia real",
    "não é um exercício",
    "não é exercício",
    "não é um simulacro",
    "não é simulacro",
    "emergência real",
    "ليس تمرينا",
    "ليس تدريبا",
    "حالة حقيقية",
    "la'ós ezersísiu",
    "laós ezersísiu",
    "emerjénsia loos",
];

/// Whether a text says that it is no part of an exercise, in any spelling.
pub(crate) fn is_meant(text: &str) -> bool {
    let said = spelt(text);
    MEANT.iter().any(|phrase| said.contains(&spelt(phrase)))
}

/// The words with a blank before and behind each.
fn spelt(text: &str) -> String {
    let words: Vec<String> = spelling::words(text).into_iter().map(|word| word.letters).collect();
    format!(" {} ", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_says_so() {
        for text in [
            "bf11 sos no duff",
            "NO-DUFF! ambush at the bridge",
            "Help, this is NOT a drill",
            "au secours, ce n'est pas un exercice",
            "ayuda, esto no es un simulacro",
            "socorro isto nao e um exercicio",
            "النجدة هذا ليس تمريناً",
            "ajuda, ne'e la'os ezersisiu",
        ] {
            assert!(is_meant(text), "{text}");
        }
        for text in ["bf11 sos", "help", "exercise", "noon duffel bag", "is this real?", "ok drill over", ""] {
            assert!(!is_meant(text), "{text}");
        }
    }
}
