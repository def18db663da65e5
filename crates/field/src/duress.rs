//! Words that look like others and mean duress.
//!
//! They are kept as salted digests, so that they are never shown, exported or found in a backup. In a line they are
//! replaced by what they are to be shown as before the line is stored anywhere.

use kernel::Actor;
use kernel::id::RecordId;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use store::{Read, Row, params};

use crate::error::{Error, Refusal, said};
use crate::room::Field;
use crate::sql;

/// Most words of a phrase.
const MOST_WORDS: usize = 4;

/// A phrase, without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuressPhrase {
    pub id: RecordId,
    /// What the log shows in its place.
    pub shown_as: String,
    /// Users who are told.
    pub tell: Vec<String>,
    pub set: kernel::Timestamp,
}

struct Stored {
    phrase: DuressPhrase,
    salt: String,
    digest: String,
    words: usize,
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
        actor: &Actor,
        reason: &str,
    ) -> Result<DuressPhrase, Error> {
        let words: Vec<String> = phrase.split_whitespace().map(fold).collect();
        if !(1..=MOST_WORDS).contains(&words.len()) || words.concat().chars().count() < 4 {
            let problem = format!("a phrase has 1 to {MOST_WORDS} words and at least 4 letters");
            return Err(Refusal::bad("phrase", problem).into());
        }
        let shown_as = said("shown_as", shown_as, 100)?;
        if tell.is_empty() {
            return Err(Refusal::bad("tell", "nobody would be told").into());
        }
        let mut turn = self.turn(actor, reason).await?;
        let salt = hex::encode(self.store.random::<16>());
        let phrase = DuressPhrase { id: turn.tx.id(), shown_as, tell, set: turn.now() };
        let digest = digest(&salt, &words.join(" "));
        let row = params![phrase.id, &salt, &digest, words.len(), &phrase.shown_as, &json!(phrase.tell), phrase.set];
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
    /// Who is told, when it had a phrase.
    pub(crate) tell: Option<Vec<String>>,
}

/// Looks for phrases in a line and takes them out.
pub(crate) async fn clear(read: &mut impl Read, line: &str) -> Result<Cleared, Error> {
    let phrases = read.rows(&sql::DURESS, params![]).await?;
    let phrases = phrases.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
    let mut cleared = Cleared { line: line.to_owned(), tell: None };
    for phrase in &phrases {
        while let Some((from, to)) = find(phrase, &cleared.line) {
            let told = cleared.tell.get_or_insert_with(Vec::new);
            told.extend(phrase.phrase.tell.iter().filter(|user| !told.contains(user)).cloned().collect::<Vec<_>>());
            let before = cleared.line.clone();
            cleared.line.replace_range(from..to, &phrase.phrase.shown_as);
            if cleared.line == before || find(phrase, &phrase.phrase.shown_as).is_some() {
                // It is shown as itself: nothing to take out.
                break;
            }
        }
    }
    Ok(cleared)
}

/// Where a phrase stands in a line, in bytes.
fn find(phrase: &Stored, line: &str) -> Option<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (c.is_whitespace(), start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                words.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    words.windows(phrase.words).find_map(|window| {
        let folded: Vec<String> = window.iter().map(|(from, to)| fold(&line[*from..*to])).collect();
        let (from, to) = (window.first()?.0, window.last()?.1);
        (digest(&phrase.salt, &folded.join(" ")) == phrase.digest).then_some((from, to))
    })
}

/// A word as it is compared: small letters, without marks around it.
fn fold(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

fn digest(salt: &str, words: &str) -> String {
    hex::encode(Sha256::digest(format!("{salt}:{words}")))
}

fn stored(row: &Row) -> Result<Stored, Error> {
    Ok(Stored {
        phrase: DuressPhrase {
            id: row.id("id")?,
            shown_as: row.text("shown_as")?.to_owned(),
            tell: row.json("tell")?,
            set: row.time("set_us")?,
        },
        salt: row.text("salt")?.to_owned(),
        digest: row.text("digest")?.to_owned(),
        words: usize::try_from(row.count("words")?).unwrap_or(usize::MAX).max(1),
    })
}
