//! The fuzz targets' seeds, replayed without a fuzzer: as they are, cut everywhere, and with bytes changed.

use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, RecordBatch, StringArray};
use intake::{FIELDS_REVISION, Format, decode, sniff};

use crate::support::{request, shared_data};

/// Bytes from a seed, the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

fn check(format: Format, bytes: &[u8]) {
    let found = decode(&request(format, bytes));
    assert_eq!(found.accepted, found.events.columns.num_rows() as u64 + found.unparsed, "{format}");
    let _ = sniff(bytes);
}

fn mutate(bytes: &[u8], noise: &mut Noise) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for _ in 0..=noise.next(4) {
        let at = noise.next(changed.len());
        match noise.next(4) {
            0 => changed.truncate(at),
            1 if !changed.is_empty() => changed[at] = noise.next(256) as u8,
            2 if !changed.is_empty() => changed[at] ^= 1 << noise.next(8),
            _ => {
                let piece: Vec<u8> = changed[at..changed.len().min(at + 20)].to_vec();
                changed.splice(at..at, piece);
            }
        }
    }
    changed
}

/// The seeds of every format, in order of name.
fn seeds() -> Vec<(Format, Vec<u8>)> {
    let corpus = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"));
    let of = |format: Format| {
        let folder = corpus.join(format!("intake_{}", format.as_str().replace('-', "_")));
        let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!paths.is_empty(), "{}", folder.display());
        paths.sort();
        paths.into_iter().map(move |path| (format, std::fs::read(path).unwrap()))
    };
    Format::ALL.into_iter().flat_map(of).collect()
}

#[test]
fn seeds_and_their_damage_break_nothing() {
    let mut noise = Noise(1);
    for (format, bytes) in seeds() {
        check(format, &bytes);
        for _ in 0..120 {
            check(format, &mutate(&bytes, &mut noise));
        }
    }
}

/// Fields that were decoded once are kept and read again years later, by whatever program then runs.
#[test]
fn other_fields_are_another_revision() {
    let mut digest = Digest(0xcbf2_9ce4_8422_2325);
    for (format, bytes) in seeds() {
        digest.add(format.as_str());
        digest.add_batch(&decode(&request(format, &bytes)).events.columns);
    }
    let found = (FIELDS_REVISION, format!("{:016x}", digest.0));
    assert_eq!(
        found,
        (1, "d2b955f3976610f9".to_owned()),
        "the decoders give other fields: raise intake::FIELDS_REVISION, and note the new pair here. If only the seeds \
         changed, the revision may stay"
    );
}

/// FNV-1a over texts.
struct Digest(u64);

impl Digest {
    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn add_batch(&mut self, batch: &RecordBatch) {
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
                self.add(field.name());
                self.add(&row.to_string());
                if let Some(lists) = array.as_list_opt::<i32>() {
                    lists.value(row).as_string::<i32>().iter().flatten().for_each(|text| self.add(text));
                } else {
                    let texts = array.as_dictionary::<UInt32Type>().downcast_dict::<StringArray>().unwrap();
                    self.add(arrow_array::ArrayAccessor::value(&texts, row));
                }
            }
        }
    }
}

/// Damage of one place of an event log costs what lies there, not the rest; and what is lost is named.
#[test]
fn a_damaged_evtx_gives_what_can_be_read() {
    let Some(folder) = shared_data("evtx/EVTX-ATTACK-SAMPLES") else { return };
    let path = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .find(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() > 1_000_000));
    let Some(path) = path else { return };
    let whole = std::fs::read(path.path()).unwrap();
    let good = decode(&request(Format::Evtx, &whole)).accepted;
    assert!(good > 100);
    let check = |bytes: &[u8], at_least: u64, named: &str| {
        let found = decode(&request(Format::Evtx, bytes));
        let read = found.accepted - found.unparsed;
        assert!(read >= at_least, "{read} of {good} records, {at_least} expected: {:?}", found.problems);
        let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        assert!(named.is_empty() || problems.iter().any(|problem| problem.contains(named)), "{named}: {problems:?}");
    };
    // The head of the file is gone: chunks speak for themselves.
    let mut damaged = whole.clone();
    damaged[..64].fill(0xAA);
    check(&damaged, good, "the signature is missing");
    // Cut in the middle of a chunk.
    check(&whole[..4096 + 65_536 + 30_000], 1, "more bytes of records should follow");
    // A record's start is overwritten.
    let record = 4096 + 512 + memchr::memmem::find(&whole[4096 + 513..], b"**\0\0").unwrap() + 1;
    let mut damaged = whole.clone();
    damaged[record..record + 4].fill(0);
    check(&damaged, good - 2, "chunk 0, byte");
    // The string table of a chunk points anywhere.
    let mut damaged = whole.clone();
    damaged[4096 + 128..4096 + 384].fill(0xEE);
    check(&damaged, good - 5, "");
    // A chunk's signature is overwritten: its records are lost, those of the others are not.
    let mut damaged = whole.clone();
    damaged[4096..4104].fill(b'x');
    check(&damaged, good / 2, "the signature is missing");
    // Noise all over.
    let mut noise = Noise(7);
    for _ in 0..15 {
        let mut damaged = whole[..4096 + 4 * 65_536].to_vec();
        for _ in 0..200 {
            let at = noise.next(damaged.len());
            damaged[at] = noise.next(256) as u8;
        }
        let found = decode(&request(Format::Evtx, &damaged));
        assert_eq!(found.accepted, found.events.columns.num_rows() as u64 + found.unparsed);
    }
}
