//! Files, folders and archives.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use intake::files::{FileChunk, open};
use intake::{FileLimits, Format, IntakeError};

fn small() -> FileLimits {
    FileLimits { chunk_bytes: 64, record_bytes: 256, ratio_from_bytes: 4096, ratio: 100, ..FileLimits::default() }
}

fn read(paths: &[&Path], limits: FileLimits) -> (Vec<FileChunk>, Vec<IntakeError>) {
    let (mut chunks, mut errors) = (Vec::new(), Vec::new());
    for item in open(paths.iter().map(|path| path.to_path_buf()).collect(), None, limits) {
        match item {
            Ok(chunk) => chunks.push(chunk),
            Err(error) => errors.push(error),
        }
    }
    (chunks, errors)
}

fn lines(count: usize) -> Vec<u8> {
    (0..count).flat_map(|number| format!("{{\"EventID\":{number},\"Channel\":\"System\"}}\n").into_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn chunks_end_at_records_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "events.json", &lines(20));
    let (chunks, errors) = read(&[&path], small());
    assert!(errors.is_empty(), "{errors:?}");
    assert!(chunks.len() > 5);
    assert!(chunks.iter().all(|chunk| chunk.payload.ends_with(b"\n") && chunk.format == Format::WindowsJson));
    let whole: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.payload.to_vec()).collect();
    assert_eq!(whole, lines(20));
}

#[test]
fn the_same_file_gives_the_same_keys_however_it_is_packed() {
    let folder = tempfile::tempdir().unwrap();
    let plain = write(folder.path(), "a.json", &lines(10));
    let packed = write(folder.path(), "b.json.gz", &gzip(&lines(10)));
    let zstd = write(folder.path(), "c.zst", &zstd::encode_all(lines(10).as_slice(), 1).unwrap());
    let archive = write(folder.path(), "d.zip", &zipped(&[("x/y.json", &lines(10))]));
    let nested = write(folder.path(), "e.zip", &zipped(&[("d.gz", &gzip(&lines(10)))]));
    let keys = |path: &Path| read(&[path], small()).0.iter().map(|chunk| chunk.key).collect::<Vec<_>>();
    let expected = keys(&plain);
    assert!(expected.len() > 3);
    for path in [&packed, &zstd, &archive, &nested] {
        assert_eq!(keys(path), expected, "{}", path.display());
    }
    assert!(read(&[&archive], small()).0[0].label.ends_with("d.zip!x/y.json"));
    // A file that has grown keeps the keys of its full chunks.
    let grown = keys(&write(folder.path(), "a.json", &lines(15)));
    assert_eq!(grown[..expected.len() - 1], expected[..expected.len() - 1]);
    assert_ne!(grown, expected);
}

#[test]
fn one_array_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[\n{}\n]", ["{\"EventID\":1,\"Channel\":\"System\"}"; 200].join(",\n"));
    let path = write(folder.path(), "array.json", text.as_bytes());
    let (chunks, errors) = read(&[&path], small());
    assert!(errors.is_empty() && chunks.len() == 1, "{errors:?}");
    assert_eq!(crate::support::decoded(chunks[0].format, &chunks[0].payload).accepted, 200);
}

#[test]
fn csv_chunks_carry_their_header() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..20).map(|number| format!("{number},\"line\nbreak\"\n")).collect();
    let path = write(folder.path(), "a.csv", format!("number,text\n{text}").as_bytes());
    let (chunks, _) = read(&[&path], small());
    assert!(chunks.len() > 2 && chunks.iter().all(|chunk| chunk.payload.starts_with(b"number,text\n")));
}

#[test]
fn hostile_archives_are_stopped_and_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let bomb = vec![b'\n'; 8 << 20];
    write(folder.path(), "1-bomb.gz", &gzip(&bomb));
    write(folder.path(), "2-bomb.zip", &zipped(&[("zeros.json", &bomb), ("good.json", &lines(1))]));
    let deep = (0..5).fold(gzip(&lines(1)), |packed, _| gzip(&packed));
    write(folder.path(), "3-deep.gz", &deep);
    write(folder.path(), "4-cut.zip", &zipped(&[("a.json", &lines(1))])[..30]);
    write(folder.path(), "5-climb.zip", &zipped(&[("../../climb.json", &lines(1))]));
    write(folder.path(), "6-cut.json.gz", &gzip(&lines(500))[..40]);
    write(folder.path(), "7-good.json", &lines(1));
    write(folder.path(), "8-picture.png", b"\x89PNG\0\0\0binary");
    write(folder.path(), "9-wide.json", b"\xFF\xFE{\0}\0");
    let (chunks, errors) = read(&[folder.path()], small());
    let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let named = |name: &str, what: &str| {
        assert!(text.iter().any(|error| error.contains(name) && error.contains(what)), "{name}: {text:#?}");
    };
    named("1-bomb", "as a bomb does");
    named("2-bomb.zip!zeros.json", "as a bomb does");
    named("3-deep", "archives within one another");
    named("4-cut.zip", "not a whole zip archive");
    named("6-cut.json", "after byte");
    named("8-picture.png", "neither text nor a Windows event log");
    named("9-wide.json", "it is UTF-16");
    let good: Vec<&str> =
        chunks.iter().filter(|chunk| chunk.payload == lines(1)).map(|chunk| chunk.label.as_str()).collect();
    assert!(good.iter().any(|label| label.ends_with("2-bomb.zip!good.json")), "{good:?}");
    assert!(good.iter().any(|label| label.ends_with("7-good.json")), "{good:?}");
    assert!(good.iter().any(|label| label.ends_with("5-climb.zip!../../climb.json")), "{good:?}");
    assert!(!folder.path().join("../../climb.json").exists());
}

#[cfg(unix)]
#[test]
fn folders_are_walked_in_order_and_loops_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "b/2.json", &lines(1));
    write(folder.path(), "a/1.json", &lines(2));
    std::os::unix::fs::symlink(folder.path(), folder.path().join("b/loop")).unwrap();
    let (chunks, errors) = read(&[folder.path()], FileLimits::default());
    assert!(errors.is_empty(), "{errors:?}");
    let names: Vec<&str> = chunks.iter().map(|chunk| chunk.label.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["1.json", "2.json"]);
    let (_, errors) = read(&[&folder.path().join("nothing")], FileLimits::default());
    assert!(matches!(errors[..], [IntakeError::NotFound(_)]));
}
