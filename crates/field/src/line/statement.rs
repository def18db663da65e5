//! What a line says.

use kernel::{Severity, Span, words};

use crate::equipment::EquipmentState;

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub span: Span,
}

/// A place as it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Where the sheet says.
    Same,
    Named(Word),
    Unsaid,
}

impl Place {
    /// `arr all`: the whole convoy.
    pub fn is_all(&self) -> bool {
        matches!(self, Place::Named(word) if word.text.eq_ignore_ascii_case("all"))
    }
}

/// What somebody on the net says.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Everybody is out at the place itself.
    Arrive {
        place: Place,
        /// They stay there, and contacts go on.
        overnight: bool,
    },
    /// They are not in, whatever was logged; or the whole convoy is not.
    NotArrived {
        all: bool,
    },
    Depart(Place),
    /// Their vehicle stays behind, empty.
    Abandon(Place),
    /// Degrees; north and east are positive.
    Position {
        latitude: f64,
        longitude: f64,
    },
    At(Place),
    Okay,
    Halt(Place),
    Resume,
    Sos,
    /// Words only. They are contact all the same.
    Say,
}

impl Act {
    /// The word for it, in the grammar and in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Act::Arrive { .. } => "arr",
            Act::Abandon(_) => "abandoned",
            Act::NotArrived { .. } => "not-arr",
            Act::Depart(_) => "dep",
            Act::Position { .. } => "pos",
            Act::At(_) => "at",
            Act::Okay => "ok",
            Act::Halt(_) => "halt",
            Act::Resume => "go",
            Act::Sos => "sos",
            Act::Say => "say",
        }
    }
}

words! {
    /// How somebody was heard in a radio check.
    Hearing {
        Heard = "heard",
        NotHeard = "not-heard",
        ByPhone = "by-phone",
    }
}

/// One call of a radio check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckCall {
    pub sign: Word,
    pub hearing: Hearing,
}

/// A line of a radio check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckLine {
    /// Kind and network, as far as they are said.
    Start {
        kind: Option<Word>,
        network: Option<Word>,
    },
    Calls(Vec<CheckCall>),
    /// The base or a repeater is at fault: nobody is blamed.
    Fault(Word),
    End,
}

words! {
    /// How somebody is, in a headcount; later ones weigh more.
    Safety {
        Unknown = "unknown",
        /// Nobody expects them to answer: on leave, out of the country.
        Excused = "excused",
        Safe = "safe",
        /// Somebody says so for them.
        SafeByProxy = "safe-by-proxy",
        Unreachable = "unreachable",
        NeedsHelp = "needs-help",
    }
}

/// Whom a headcount counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CountScope {
    All,
    /// `zone`, `organisation` or `mission`, and its key.
    Of(&'static str, Word),
}

/// A line of a headcount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CountLine {
    Start {
        scope: CountScope,
        /// A drill.
        exercise: bool,
    },
    Answer {
        who: Word,
        safety: Safety,
        by: Option<Word>,
    },
    /// Somebody arrives after the count began.
    Join(Word),
    End,
}

/// Who, where, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentLine {
    /// A drill: `inc exercise 833 what:fire`.
    pub exercise: bool,
    pub who: Option<Word>,
    pub place: Option<Word>,
    pub what: Option<Word>,
    pub severity: Option<Severity>,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    Traffic {
        sign: Word,
        act: Act,
    },
    Check(CheckLine),
    Count(CountLine),
    Incident(IncidentLine),
    /// The entry that is corrected, and how it should read.
    Correction {
        number: i64,
        text: Word,
    },
    /// The next situation report of an incident, by its number.
    Situation {
        report: i64,
        text: Word,
    },
    /// How something that the room works with was found.
    Equipment {
        key: Word,
        state: EquipmentState,
        level_percent: Option<i64>,
    },
    /// The net was used against its rules.
    Misuse {
        sign: Word,
        what: Word,
    },
    /// Words.
    Note,
}

impl Statement {
    /// The kind of entry that it makes.
    pub const fn kind(&self) -> &'static str {
        match self {
            Statement::Traffic { act, .. } => match act {
                Act::Arrive { .. } => "arrival",
                Act::Abandon(_) => "mission",
                Act::NotArrived { .. } => "not-arrived",
                Act::Depart(_) => "departure",
                Act::Position { .. } => "position",
                Act::Halt(_) => "halt",
                Act::Resume => "resume",
                Act::Sos => "sos",
                Act::At(_) | Act::Okay | Act::Say => "contact",
            },
            Statement::Check(_) => "radio-check",
            Statement::Count(_) => "headcount",
            Statement::Incident(_) => "incident",
            Statement::Correction { .. } => "correction",
            Statement::Situation { .. } => "situation",
            Statement::Equipment { .. } => "equipment",
            Statement::Misuse { .. } => "misuse",
            Statement::Note => "note",
        }
    }
}
