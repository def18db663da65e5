//! One line of the duty log: read, told in words, completed.
//!
//! | written | means |
//! |---|---|
//! | `3621 arr same 1425` | call sign 3621 has arrived where the sheet says, everybody out, at 14:25 local time |
//! | `bf12 pos -8.55 125.57 ok` | a position, and words |
//! | `3621 arr all` | the whole convoy is in |
//! | `3621 arr same overnight` | they stay there, and contacts go on |
//! | `bf12 abandoned comoro` | their vehicle stays behind, empty |
//! | `3621 not-arr`, `3621 not-arr all` | it is not, whatever was logged |
//! | `bf12 at comoro`, `bf12 ok`, `bf12 dep`, `bf12 halt gate`, `bf12 go`, `bf12 sos` | contacts, and what changed |
//! | `rc start staff vhf-1`, `rc 11 12 14- 15`, `rc fault base`, `rc end` | a radio check; `-` was not heard, `=` by phone |
//! | `hc start zone 4`, `hc 3621 safe`, `hc p-7 help by 3621`, `hc end` | a headcount |
//! | `inc 833 where:comoro what:carjack` | an incident: who, where, what |
//! | `sit 12 …` | the next situation report of incident IR-0012 |
//! | `sys vhf-1 failed …`, `sys ups 8%` | how something that the room works with was found |
//! | `misuse bf12 …` | the net was used against its rules |
//! | `cor 17 …` | corrects entry 17, which stays as it is |
//! | anything else | words |
//!
//! A time is `1425`, `14:25`, `14h25` or, in UTC, `1425z`: the latest such time that is not in the future. With a day it is of that day:
//! `yesterday 1425`, `29/11 1425`, `29/1425`, `2026-11-29 1425`, `290525Z NOV 26`.

mod complete;
mod day;
mod echo;
mod parse;
mod statement;
mod suspicion;
mod time;

pub use complete::{Completion, complete};
pub use day::DaySaid;
pub use echo::echo;
pub(crate) use echo::is;
pub use parse::{LONGEST_LINE, Line, parse};
pub(crate) use parse::{is_word_of_the_line, without_unseen};
pub use statement::{
    Act, CheckCall, CheckLine, CountLine, CountScope, Hearing, IncidentLine, Place, Safety, Statement, Word,
};
pub use time::TimeSaid;
pub(crate) use time::{both, local};
