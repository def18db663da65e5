//! What a line says that is not possible now: found while it is typed, and by Enter, with the same words.

use kernel::{Span, Timestamp};
use store::{Read, params};

use crate::error::Error;
use crate::finding::Finding;
use crate::headcount::Headcount;
use crate::line::{Act, CheckLine, CountLine, CountScope, Line, Statement, Word};
use crate::register::Directory;
use crate::speech::{Sentence, say};
use crate::{enter, headcount, hindrance, log, mission, report, round, sql};

/// What only the register can tell: times that never were, signs that nobody has. Gives when it happened, if the line says so;
/// `told` is when it was typed.
pub(crate) fn check(line: &mut Line, text: &str, directory: &Directory, told: Timestamp) -> Option<Timestamp> {
    let happened = match line.time.map(|time| (time, time.instant(told, directory.zone()))) {
        // Of what is to be, a note tells in words.
        Some((_, Err(_))) if line.statement == Statement::Note => {
            line.put_time_back(text);
            None
        }
        Some((time, Err(problem))) => {
            let help = say!("say when it happened: 1425, in UTC 1425z, 29/11 1425, yesterday 1425");
            line.findings.push(Finding::error("FLD0101", time.span, problem).with_help(help));
            None
        }
        Some((_, Ok(at))) => Some(at),
        None => None,
    };
    let at = happened.unwrap_or(told);
    let signs: Vec<&Word> = match &line.statement {
        Statement::Traffic { sign, .. } | Statement::Misuse { sign, .. } => vec![sign],
        _ => Vec::new(),
    };
    let unknown = signs.into_iter().filter(|sign| directory.holder(&sign.text, at).is_none());
    let findings: Vec<Finding> = unknown.map(|sign| unknown_sign(directory, sign, at)).collect();
    line.findings.extend(findings);
    happened
}

fn unknown_sign(directory: &Directory, sign: &Word, at: Timestamp) -> Finding {
    let near = near_signs(directory, &sign.text, at);
    let problem = say!("nobody is known under {sign} at that time", sign = sign.text.to_uppercase());
    let finding = Finding::warning("FLD0102", sign.span, problem);
    if near.is_empty() { finding } else { finding.with_help(say!("did they say {near}?", near)) }
}

/// Signs that differ by one character or by two that changed places.
fn near_signs(directory: &Directory, sign: &str, at: Timestamp) -> Vec<String> {
    let wanted: Vec<char> = sign.to_uppercase().chars().collect();
    let near = |other: &str| {
        let other: Vec<char> = other.chars().collect();
        let differ = |left: &[char], right: &[char]| left.iter().zip(right).filter(|(a, b)| a != b).count();
        let same_letters = |left: &[char], right: &[char]| {
            let (mut left, mut right) = (left.to_vec(), right.to_vec());
            left.sort_unstable();
            right.sort_unstable();
            left == right
        };
        other.len() == wanted.len()
            && (differ(&other, &wanted) == 1 || (differ(&other, &wanted) == 2 && same_letters(&other, &wanted)))
    };
    let holders = directory.holders(at, None);
    holders.into_iter().map(|holder| holder.sign).filter(|other| near(other)).take(3).collect()
}

/// What hinders a line. `waited`: it was typed without a link, and an answer to a headcount that is over is shown all the same.
///
/// # Errors
/// [`Error::Store`] when the database fails.
pub(crate) async fn hindrances(
    read: &mut impl Read,
    directory: &Directory,
    line: &Line,
    at: Timestamp,
    waited: bool,
) -> Result<Vec<Finding>, Error> {
    if !line.is_usable() {
        return Ok(Vec::new());
    }
    Ok(match &line.statement {
        Statement::Check(check) => of_check(read, directory, check, at).await?,
        Statement::Count(count) => of_count(read, directory, count, at, waited).await?,
        Statement::Correction { number, .. } => {
            let known = log::numbered(read, *number).await?.is_some();
            missing(known, "FLD0110", Span::default(), say!("there is no entry `{number}`", number))
                .into_iter()
                .collect()
        }
        Statement::Situation { report: number, .. } => of_report(read, *number).await?,
        Statement::Equipment { key, .. } => {
            let known = directory.record("equipment", &key.text).is_some_and(|record| record.retired.is_none());
            let problem = say!("there is no equipment `{key}`", key = key.text.to_uppercase());
            missing(known, "FLD0110", key.span, problem).into_iter().collect()
        }
        Statement::Traffic { sign, act } => of_traffic(read, directory, sign, act, at).await?,
        Statement::Incident(_) | Statement::Misuse { .. } | Statement::Note => Vec::new(),
    })
}

fn missing(known: bool, code: &'static str, span: Span, problem: Sentence) -> Option<Finding> {
    (!known).then(|| Finding::error(code, span, problem))
}

fn not_now(problem: Sentence) -> Vec<Finding> {
    vec![Finding::error("FLD0111", Span::default(), problem)]
}

/// What it cannot do to the mission that it is about. It is heard and logged all the same.
async fn of_traffic(
    read: &mut impl Read,
    directory: &Directory,
    sign: &Word,
    act: &Act,
    at: Timestamp,
) -> Result<Vec<Finding>, Error> {
    let Some(holder) = directory.holder(&sign.text, at) else { return Ok(Vec::new()) };
    let missions = mission::of_member(read, &holder.kind, &holder.key).await?;
    let running = enter::running(&missions, &holder.sign, Some(&holder), act);
    let said = match running.first() {
        Some(mission) => hindrance::of_traffic(mission, &holder, act, directory, at),
        None => hindrance::nobody_follows(&holder.sign, act),
    };
    Ok(said.map(|said| Finding::warning("FLD0112", sign.span, said)).into_iter().collect())
}

async fn of_report(read: &mut impl Read, number: i64) -> Result<Vec<Finding>, Error> {
    let rows = read.rows(&sql::REPORT_NUMBERED, params![number]).await?;
    let found = rows.first().map(report::report).transpose()?;
    Ok(match found {
        None => not_now(say!(
            "there is no report `{label}`: inc opens one: inc 833 where:comoro what:carjack",
            label = format!("IR-{number:04}")
        )),
        Some(found) if found.closed.is_some() => {
            not_now(say!("{label} is closed: inc opens another", label = found.label()))
        }
        Some(_) => Vec::new(),
    })
}

async fn of_check(
    read: &mut impl Read,
    directory: &Directory,
    check: &CheckLine,
    at: Timestamp,
) -> Result<Vec<Finding>, Error> {
    let open = round::open(read).await?;
    Ok(match (check, open) {
        (CheckLine::Start { .. }, Some(open)) => {
            not_now(say!("{label} is not over: `rc end` first", label = open.label()))
        }
        (CheckLine::Start { kind, network }, None) => {
            let known = kind.iter().filter(|kind| !round::KINDS.contains(&kind.text.to_lowercase().as_str()));
            let wrong = known.map(|kind| {
                let problem = say!("`{kind}` is none of {kinds}", kind = kind.text, kinds = round::KINDS);
                Finding::error("FLD0110", kind.span, problem)
            });
            let wrong: Vec<Finding> = wrong.collect();
            let on = network.as_ref().map(|network| network.text.to_uppercase());
            let nobody = directory.holders(at, on.as_deref()).is_empty();
            let span = network.as_ref().map_or(Span::default(), |network| network.span);
            wrong.into_iter().chain(missing(!nobody, "FLD0110", span, round::nobody_on(on.as_deref()))).collect()
        }
        (_, None) => not_now(say!("no radio check is open: `rc start` first")),
        (CheckLine::Calls(calls), Some(open)) => round::unknown_calls(read, &open, calls).await?,
        (CheckLine::Fault(_) | CheckLine::End, Some(_)) => Vec::new(),
    })
}

async fn of_count(
    read: &mut impl Read,
    directory: &Directory,
    count: &CountLine,
    at: Timestamp,
    waited: bool,
) -> Result<Vec<Finding>, Error> {
    let open = headcount::open(read).await?;
    Ok(match (count, open) {
        (CountLine::Start { .. }, Some(open)) => {
            not_now(say!("{label} is not over: `hc end` first", label = open.label()))
        }
        (CountLine::Start { scope: CountScope::Of(noun, key), .. }, None) => {
            of_scope(read, directory, noun, key).await?
        }
        (CountLine::Start { scope: CountScope::All, .. }, None) => Vec::new(),
        (CountLine::Answer { who, by, .. }, open) if open.is_some() || waited => {
            let named = [Some(who), by.as_ref()].into_iter().flatten();
            let unknown: Vec<Finding> = named.filter_map(|word| nobody(directory, word, at)).collect();
            match open.filter(|_| unknown.is_empty() && !waited) {
                Some(open) => not_in(read, directory, &open, who, at).await?,
                None => unknown,
            }
        }
        (CountLine::Join(who), Some(_)) => nobody(directory, who, at).into_iter().collect(),
        (CountLine::End, Some(_)) => Vec::new(),
        (_, _) => not_now(say!("no headcount is open: the answer is not counted: `hc start` first")),
    })
}

async fn of_scope(read: &mut impl Read, directory: &Directory, noun: &str, key: &Word) -> Result<Vec<Finding>, Error> {
    let known = if noun == "mission" {
        match headcount::mission_number(key) {
            Some(number) => mission::by_number(read, number).await?.is_some(),
            None => false,
        }
    } else {
        directory.record(noun, &key.text).is_some()
    };
    if known && noun != "mission" {
        let wanted = directory.record(noun, &key.text).map(|record| record.key.as_str());
        let somebody = directory.records("person").any(|person| Some(person.text(noun)) == wanted);
        let problem =
            say!("nobody is in {noun} `{key}`: there is nobody to count", noun = Sentence::word(noun), key = key.text);
        return Ok(missing(somebody, "FLD0104", key.span, problem).into_iter().collect());
    }
    let problem = say!("there is no {noun} `{key}`", noun = Sentence::word(noun), key = key.text);
    Ok(missing(known, "FLD0104", key.span, problem).into_iter().collect())
}

async fn not_in(
    read: &mut impl Read,
    directory: &Directory,
    open: &Headcount,
    who: &Word,
    at: Timestamp,
) -> Result<Vec<Finding>, Error> {
    let Some(person) = headcount::meant(directory, &who.text, at) else { return Ok(Vec::new()) };
    let counted = headcount::one(read, open.id, &person).await?.is_some();
    let problem = say!("{person} is not in {label}: `hc join {person}` first", person, label = open.label());
    Ok(missing(counted, "FLD0106", who.span, problem).into_iter().collect())
}

fn nobody(directory: &Directory, word: &Word, at: Timestamp) -> Option<Finding> {
    let problem = say!("`{word}` is nobody in the register", word = word.text);
    let finding = missing(headcount::meant(directory, &word.text, at).is_some(), "FLD0105", word.span, problem)?;
    Some(finding.with_help(say!("a person's key, or a call sign that a person holds")))
}
