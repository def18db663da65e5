//! The corpus of the fuzz targets, read again: nothing in it makes a parser panic, and nothing is dropped in silence.

use courier::Reading;
use courier::feed::{Feed, FeedRequest};

/// What a target does with its bytes.
fn read(target: &str, bytes: &[u8]) -> Vec<Reading> {
    let request = FeedRequest { query: "", device: Some("x"), body: bytes };
    match target {
        "courier_feeds" => {
            let query = String::from_utf8_lossy(bytes);
            let by_query = Feed::OsmAnd.read(FeedRequest { query: &query, device: None, body: b"" });
            Feed::ALL.iter().map(|feed| feed.read(request)).chain([by_query]).collect()
        }
        "courier_mail" => vec![courier::mail::read(&courier::mail::OwnAddress::default(), bytes)],
        "courier_wire" => vec![courier::feed::iridium::read(bytes)],
        _ => panic!("no target is called {target}"),
    }
}

#[test]
fn the_corpus_is_read_again() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for target in ["courier_feeds", "courier_mail", "courier_wire"] {
        let files: Vec<_> = std::fs::read_dir(corpus.join(target)).unwrap().collect();
        assert!(!files.is_empty(), "{target} has no corpus");
        for file in files {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            for reading in read(target, &bytes) {
                let said = !reading.items.is_empty() || !reading.findings.is_empty();
                assert!(said, "{}: dropped in silence", path.display());
            }
        }
    }
}
