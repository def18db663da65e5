//! What is being typed at one console and entered at another: one owner, whatever comes late, twice or at once.

use field::{DraftKey, Entering, Error, Follows, Kept};
use kernel::Actor;

use crate::rig::{self, Rig, operator};

fn relief() -> Actor {
    Actor::User("user-relief".to_owned())
}

fn key(console: &str, revision: i64) -> DraftKey {
    DraftKey::new(console, revision).unwrap()
}

async fn keep(rig: &Rig, console: &str, revision: i64, line: &str) -> Kept {
    rig.field.keep_draft(&key(console, revision), line, &operator()).await.unwrap()
}

async fn lines(rig: &Rig) -> Vec<(String, String)> {
    rig.field.drafts().await.unwrap().into_iter().map(|draft| (draft.console, draft.line)).collect()
}

fn shown(console: &str, line: &str) -> Vec<(String, String)> {
    vec![(console.to_owned(), line.to_owned())]
}

pub async fn a_line_is_taken_over_by_one(url: String) {
    let mut rig = rig::open(&url).await;
    keep(&rig, "console-a", 2, "bf12 at com").await;
    // A change that was overtaken on its way changes nothing.
    assert_eq!(keep(&rig, "console-a", 1, "bf12").await, Kept::Kept);
    assert_eq!(lines(&rig).await, shown("console-a", "bf12 at com"));
    // The server's power fails, too.
    rig.restart(20_000_000).await;
    let (b, c) = (key("console-b", 0), key("console-c", 0));
    let (relief, other) = (relief(), operator());
    let (by_b, by_c) =
        tokio::join!(rig.field.take_draft("console-a", &b, &relief), rig.field.take_draft("console-a", &c, &other));
    assert!(by_b.is_ok() != by_c.is_ok(), "one has it: {by_b:?} {by_c:?}");
    let (refused, taken) = if by_b.is_ok() { (by_c, by_b) } else { (by_b, by_c) };
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let taken = taken.unwrap();
    assert_eq!(taken.line, "bf12 at com");
    assert_eq!(lines(&rig).await, shown(&taken.console, "bf12 at com"));
    // The answer was lost: the same again.
    let (to, who) = if taken.console == "console-b" { (&b, &relief) } else { (&c, &other) };
    assert_eq!(rig.field.take_draft("console-a", to, who).await.unwrap(), taken);
    // The console that was thought dead hears of it, and its line is not at two places.
    let Kept::Taken(by) = keep(&rig, "console-a", 3, "bf12 at como").await else { panic!("it is not its any more") };
    assert_eq!(by.by, who.to_string());
    assert_eq!(lines(&rig).await, shown(&taken.console, "bf12 at com"));
    let back = rig.field.take_draft(&taken.console, &key("console-a", 4), &operator()).await;
    assert!(matches!(back, Err(Error::Refused(_))), "under another name: {back:?}");
    let missing = rig.field.take_draft("console-x", &b, &relief).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
}

pub async fn a_line_that_is_entered_is_no_draft(url: String) {
    let rig = rig::open(&url).await;
    keep(&rig, "console-a", 4, "all is quiet").await;
    let draft = key("console-a", 5);
    let entering = Entering { line: "all is quiet", key: None, draft: Some(&draft), typed: None };
    rig.field.enter_as(&entering, &operator()).await.unwrap();
    assert_eq!(lines(&rig).await, []);
    // What was still on its way when it was entered.
    keep(&rig, "console-a", 5, "all is quiet").await;
    assert_eq!(lines(&rig).await, []);
    keep(&rig, "console-a", 6, "bf").await;
    assert_eq!(lines(&rig).await, shown("console-a", "bf"));
    // A line that cannot be entered stays.
    let draft = key("console-a", 7);
    let entering = Entering { line: "inc", key: None, draft: Some(&draft), typed: None };
    rig.field.enter_as(&entering, &operator()).await.unwrap_err();
    assert_eq!(lines(&rig).await, shown("console-a", "bf"));
}

pub async fn a_duress_word_is_kept_for_who_enters_it_alone(url: String) {
    let rig = rig::open(&url).await;
    rig.field
        .set_duress("red umbrella", "umbrella", vec!["user-x".to_owned()], Follows::default(), &operator(), "agreed")
        .await
        .unwrap();
    keep(&rig, "console-a", 1, "3621 ok red umbrella").await;
    assert_eq!(lines(&rig).await, shown("console-a", "3621 ok umbrella"));
    let taken = rig.field.take_draft("console-a", &key("console-b", 0), &relief()).await.unwrap();
    let entering =
        Entering { line: &taken.line, key: None, draft: Some(&key("console-b", taken.revision + 1)), typed: None };
    let entry = rig.field.enter_as(&entering, &relief()).await.unwrap();
    assert_eq!(entry.line, "3621 ok umbrella");
    let silent = rig.field.alarms(false, &Actor::User("user-x".to_owned())).await.unwrap();
    assert_eq!(silent.iter().filter(|alarm| alarm.silent).count(), 1, "the alarm came with the line");
    // A week later nobody asks for what was left.
    keep(&rig, "console-c", 1, "half a li").await;
    rig.clock.advance_us(8 * 86_400_000_000);
    keep(&rig, "console-d", 1, "another").await;
    assert_eq!(lines(&rig).await, shown("console-d", "another"));
}
