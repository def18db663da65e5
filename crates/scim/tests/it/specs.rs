//! The cases of `specs/`.

use scim::schema::{GROUP, USER};
use scim::{Error, Filter, patch};
use serde_json::{Map, Value as Json, json};

/// Fenced blocks of a case by their word.
fn blocks(case: &str) -> Vec<(&str, String)> {
    let mut out = Vec::new();
    let mut lines = case.lines();
    while let Some(line) = lines.next() {
        let Some(word) = line.strip_prefix("```").filter(|word| !word.is_empty()) else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        out.push((word, body.join("\n")));
    }
    out
}

fn object(text: &str) -> Map<String, Json> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn keyword(error: &Error) -> String {
    error.body()["scimType"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn patch_does_what_is_written() {
    let text = include_str!("../../specs/patch.md");
    let mut count = 0;
    for case in text.split("\n## ").skip(1) {
        let title = case.lines().next().unwrap_or_default();
        let blocks = blocks(case);
        let block = |word: &str| blocks.iter().find(|(name, _)| *name == word).map(|(_, text)| text.as_str());
        let (schema, before) = match block("group") {
            Some(text) => (&GROUP, text),
            None => (&USER, block("before").expect(title)),
        };
        let operations: Json = serde_json::from_str(block("operations").expect(title)).expect(title);
        let request = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        let result = patch::apply(schema, &object(before), &request);
        match (block("after"), block("error"), result) {
            (Some(after), _, Ok(patched)) => assert_eq!(Json::Object(patched), Json::Object(object(after)), "{title}"),
            (_, Some(wanted), Err(error)) => assert_eq!(keyword(&error), wanted.trim(), "{title}: {error}"),
            (_, _, result) => panic!("{title}: {result:?}"),
        }
        count += 1;
    }
    assert!(count >= 18, "the specification was read");
}

#[test]
fn filters_fit_what_is_written() {
    let text = include_str!("../../specs/filters.md");
    let resource = &blocks(text)[0].1;
    let resource = Json::Object(object(resource));
    let mut count = 0;
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let (filter, verdict) = line.trim_matches('|').rsplit_once('|').expect("two columns");
        let filter = filter.trim().trim_matches('`');
        let answer = match Filter::parse(filter) {
            Ok(parsed) if parsed.fits(&resource) => "yes",
            Ok(_) => "no",
            Err(error) => {
                assert_eq!(keyword(&error), "invalidFilter", "{filter}");
                "broken"
            }
        };
        assert_eq!(answer, verdict.trim(), "{filter}");
        count += 1;
    }
    assert!(count >= 25, "the specification was read");
}
