//! Words that look like others and mean duress.
//!
//! They are kept as salted digests, so that they are never shown, exported or found in a backup. In a line they are
//! replaced by what they are to be shown as before the line is stored anywhere.
//!
//! Whoever writes under duress writes as their handset lets them: without accents, with them apart from their letters
//! (NFD), in one word, with a hyphen, spelt `b.l.u.e`, behind `what:`. So only letters and digits are compared, without
//! case and marks, and it does not matter where words are parted.

use kernel::Actor;
use kernel::id::RecordId;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use store::{Read, Row, params};

use crate::error::{Error, Refusal, said};
use crate::room::Field;
use crate::speech::say;
use crate::spelling::words;
use crate::sql;

/// Most words of a phrase. In a line it may have one more: `blue bird` for `bluebird`.
const MOST_WORDS: usize = 4;

/// Most letters of a phrase that are looked at in a line.
const MOST_LETTERS: usize = 100;

/// A phrase, without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuressPhrase {
    pub id: RecordId,
    /// What the log shows in its place.
    pub shown_as: String,
    /// Users who are told.
    pub tell: Vec<String>,
    pub follows: Follows,
    pub set: kernel::Timestamp,
}

/// What else follows when the phrase is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Follows {
    /// The accounts of whoever used it are locked everywhere.
    pub lock_accounts: bool,
    /// An incident is opened, for what they have access to.
    pub open_incident: bool,
}

struct Stored {
    phrase: DuressPhrase,
    salt: String,
    digest: String,
}

impl Field {
    /// Agrees on a phrase. `tell` are ids of users.
    ///
    /// # Errors
    /// [`Error::Refused`] when the phrase cannot be recognised or nobody would be told.
    pub async fn set_duress(
        &self,
        phrase: &str,
        shown_as: &str,
        tell: Vec<String>,
        follows: Follows,
        actor: &Actor,
        reason: &str,
    ) -> Result<DuressPhrase, Error> {
        let words = words(phrase);
        let letters: String = words.iter().map(|word| word.letters.as_str()).collect();
        if !(1..=MOST_WORDS).contains(&words.len()) || letters.chars().count() < 4 {
            let problem = say!("a phrase has 1 to {most} words and at least 4 letters", most = MOST_WORDS);
            return Err(Refusal::bad("phrase", problem).into());
        }
        if letters.chars().count() > MOST_LETTERS {
            let problem = say!("a phrase has at most {most} letters", most = MOST_LETTERS);
            return Err(Refusal::bad("phrase", problem).into());
        }
        let shown_as = said("shown_as", shown_as, 100)?;
        if tell.is_empty() {
            return Err(Refusal::bad("tell", say!("nobody would be told")).into());
        }
        let mut turn = self.turn(actor, reason).await?;
        let salt = hex::encode(self.store.random::<16>());
        let phrase = DuressPhrase { id: turn.tx.id(), shown_as, tell, follows, set: turn.now() };
        let digest = digest(&salt, &letters);
        let row = params![
            phrase.id,
            &salt,
            &digest,
            words.len(),
            &phrase.shown_as,
            &json!(phrase.tell),
            phrase.set,
            follows.lock_accounts,
            follows.open_incident,
        ];
        turn.tx.execute(&sql::INSERT_DURESS, row).await?;
        turn.record("duress.set", phrase.id, Json::Null, json!({ "tell": phrase.tell }));
        turn.finish().await?;
        Ok(phrase)
    }

    /// Forgets a phrase.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn drop_duress(&self, id: RecordId, actor: &Actor, reason: &str) -> Result<(), Error> {
        let mut turn = self.turn(actor, reason).await?;
        if turn.tx.execute(&sql::DELETE_DURESS, params![id]).await? == 0 {
            return Err(Error::missing("phrase", id));
        }
        turn.record("duress.drop", id, Json::Null, Json::Null);
        turn.finish().await.map(drop)
    }

    /// The phrases, without their words.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn duress_phrases(&self) -> Result<Vec<DuressPhrase>, Error> {
        let rows = self.store.fetch_all(&sql::DURESS, params![]).await?;
        rows.iter().map(|row| Ok(stored(row)?.phrase)).collect()
    }
}

/// What became of a line.
pub(crate) struct Cleared {
    /// As it may be shown.
    pub(crate) line: String,
    /// What follows, when it had a phrase.
    pub(crate) said: Option<Said>,
}

/// A phrase was used, or several.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Users who are told.
    pub(crate) tell: Vec<String>,
    pub(crate) follows: Follows,
}

impl Said {
    /// What follows of another phrase follows, too; nobody is told twice.
    fn add(&mut self, tell: &[String], follows: Follows) {
        let more: Vec<String> = tell.iter().filter(|user| !self.tell.contains(user)).cloned().collect();
        self.tell.extend(more);
        self.follows.lock_accounts |= follows.lock_accounts;
        self.follows.open_incident |= follows.open_incident;
    }

    /// What is said in one message, in two places.
    pub(crate) fn both(one: Option<Said>, other: Option<Said>) -> Option<Said> {
        match (one, other) {
            (Some(mut one), Some(other)) => {
                one.add(&other.tell, other.follows);
                Some(one)
            }
            (one, other) => one.or(other),
        }
    }
}

/// Looks for phrases in a line and takes them out.
pub(crate) async fn clear(read: &mut impl Read, line: &str) -> Result<Cleared, Error> {
    let phrases = read.rows(&sql::DURESS, params![]).await?;
    let phrases = phrases.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
    let mut cleared = Cleared { line: line.to_owned(), said: None };
    for phrase in &phrases {
        let (mut shown, mut rest, mut found) = (String::new(), cleared.line.as_str(), false);
        while let Some((from, to)) = find(phrase, rest) {
            shown.push_str(&rest[..from]);
            shown.push_str(&phrase.phrase.shown_as);
            (rest, found) = (&rest[to..], true);
        }
        if found {
            cleared.line = shown + rest;
            cleared.said.get_or_insert_default().add(&phrase.phrase.tell, phrase.phrase.follows);
        }
    }
    Ok(cleared)
}

/// Where a phrase stands in a line, in bytes.
fn find(phrase: &Stored, line: &str) -> Option<(usize, usize)> {
    let words = words(line);
    (0..words.len()).find_map(|first| {
        let (mut letters, mut parts, mut spelt) = (String::new(), 0, false);
        words[first..]
            .iter()
            .map_while(|word| {
                // Letters that are spelt one by one are a word together.
                let is_letter = word.letters.chars().count() == 1;
                parts += usize::from(!(is_letter && spelt));
                spelt = is_letter;
                letters.push_str(&word.letters);
                let (from, to) = (words[first].from, word.to);
                let goes_on = parts <= MOST_WORDS + 1 && letters.chars().count() <= MOST_LETTERS;
                goes_on.then(|| phrase.is(&letters, &line[from..to]).then_some((from, to)))
            })
            .flatten()
            .next()
    })
}

impl Stored {
    /// Whether a part of a line is the phrase.
    fn is(&self, letters: &str, as_written: &str) -> bool {
        // Phrases of older programs were kept word by word, with their accents.
        digest(&self.salt, letters) == self.digest || digest(&self.salt, &word_by_word(as_written)) == self.digest
    }
}

fn word_by_word(text: &str) -> String {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    text.split_whitespace().map(bare).collect::<Vec<_>>().join(" ")
}

fn digest(salt: &str, phrase: &str) -> String {
    hex::encode(Sha256::digest(format!("{salt}:{phrase}")))
}

fn stored(row: &Row) -> Result<Stored, Error> {
    Ok(Stored {
        phrase: DuressPhrase {
            id: row.id("id")?,
            shown_as: row.text("shown_as")?.to_owned(),
            tell: row.json("tell")?,
            follows: Follows { lock_accounts: row.flag("lock_accounts")?, open_incident: row.flag("open_incident")? },
            set: row.time("set_us")?,
        },
        salt: row.text("salt")?.to_owned(),
        digest: row.text("digest")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(kept: &str) -> Stored {
        let phrase = DuressPhrase {
            id: RecordId::derived([7; 16]),
            shown_as: "all well".to_owned(),
            tell: Vec::new(),
            follows: Follows::default(),
            set: kernel::Timestamp(0),
        };
        Stored { phrase, salt: "salt".to_owned(), digest: digest("salt", kept) }
    }

    /// A phrase as it was agreed on; a line; what of the line is the phrase.
    fn check(phrase: &str, line: &str, found: Option<&str>) {
        let letters: String = words(phrase).into_iter().map(|word| word.letters).collect();
        let got = find(&agreed(&letters), line).map(|(from, to)| &line[from..to]);
        assert_eq!(got, found, "{phrase} in {line}");
    }

    #[test]
    fn a_phrase_is_known_however_it_is_written() {
        for line in ["blue heron", "BLUE  HERON", "blue-heron", "BlueHeron", "blue, heron", "b\u{200b}lue heron"] {
            check("blue heron", line, Some(line));
        }
        check("blue heron", "what:blue heron where:comoro", Some("blue heron"));
        check("blue-heron", "(blue heron)", Some("blue heron"));
        check("bluebird", "a blue bird!", Some("blue bird"));
        for line in ["b.l.u.e heron", "b l u e h e r o n", "B-L-U-E HERON", "blue h.e.r.o.n"] {
            check("blue heron", line, Some(line));
            check("blue heron", &format!("i am ok, {line} i repeat"), Some(line));
        }
        for line in ["coração azul", "corac\u{327}a\u{303}o azul", "coracao azul", "CORAÇÃO AZUL"] {
            check("coração azul", line, Some(line));
            check("coracao azul", line, Some(line));
        }
        for line in ["الطقس جميل", "الط\u{651}قس جميل", "الطقس،جميل", "الطقـــس جميل"]
        {
            check("الطقس جميل", line, Some(line));
        }
        check("أخي", "اخي", Some("اخي"));
    }

    #[test]
    fn other_words_are_not_the_phrase() {
        for line in ["blue", "blue grey heron", "blueherons", "heron blue", "a blue-heroned", "", "\u{301}"] {
            check("blue heron", line, None);
        }
    }

    #[test]
    fn a_phrase_of_an_older_program_is_known_as_it_was() {
        for (kept, line) in [("blue heron", "Blue  heron!"), ("coração azul", "coração azul"), ("a-b-c", "A-B-C")] {
            assert!(find(&agreed(kept), line).is_some(), "{kept}");
        }
    }
}
