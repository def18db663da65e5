//! For the tests: every sentence that the source says, and every word of the room.

use std::collections::BTreeSet;
use std::path::Path;

/// The words of every `say!` outside tests.
pub(super) fn said_in_source() -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut said);
    said
}

fn visit(folder: &Path, said: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "speech") {
                visit(&path, said);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap_or_default();
            said.extend(source.split("say!(").skip(1).filter_map(|call| literal(call.trim_start())));
        }
    }
}

/// The string literal with which a text begins.
fn literal(text: &str) -> Option<String> {
    let mut read = String::new();
    let mut rest = text.strip_prefix('"')?.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('"', _) => return Some(read),
            ('\\', Some('\n')) => while rest.next_if(|c| c.is_whitespace()).is_some() {},
            ('\\', _) => read.push(match rest.next()? {
                'n' => '\n',
                other => other,
            }),
            _ => read.push(c),
        }
    }
    None
}

/// States, roles, means and the like, which stand in sentences by their own names.
pub(super) fn words_of_the_room() -> BTreeSet<String> {
    use crate::alarm::ladder::{Means, Role};
    use crate::mission::{Command, ContactState, MissionState};
    let mut words: BTreeSet<String> = BTreeSet::new();
    words.extend(MissionState::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(ContactState::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(Role::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(Means::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(crate::headcount::Means::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(crate::equipment::EquipmentState::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(kernel::Severity::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(kernel::message::Means::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(kernel::message::Precedence::ALL.iter().map(|word| word.as_str().to_owned()));
    words.extend(Command::NAMES.iter().map(|word| (*word).to_owned()));
    let verbs = "raise climb remind note no-answer settle again acknowledge close request accept-custody";
    let nouns = "zone organisation mission person vehicle area fence equipment device premises facility contact road alarm \
                 draft entry headcount link message phrase report round";
    let others = "inside outside present leave away hospital clinic police fire authority company response-team warden";
    words.extend([verbs, nouns, others].iter().flat_map(|words| words.split(' ')).map(str::to_owned));
    words.extend(crate::round::KINDS.iter().map(|word| (*word).to_owned()));
    words.extend(["situation report", "of the net", "correct an entry"].map(str::to_owned));
    words
}
