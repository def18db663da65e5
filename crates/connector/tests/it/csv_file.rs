//! The CSV connector: nothing that it does not know is lost, nobody sees half a file.

use connector::csv_file::{CsvFile, CsvFileConfig};
use connector::{
    Attributes, Change, Connector, Effect, ErrorKind, NewObject, ObjectClass, ObjectKey, Operation, ProtectionRules,
    Search,
};

const FILE: &str =
    "\u{feff}number;login;state;groups;note\r\n1;amina;on;red|blue;\"said \"\"no\"\"; twice\"\r\n2;bo;off;;x\r\n";

fn open(folder: &std::path::Path) -> CsvFile {
    let config: CsvFileConfig = serde_json::from_value(serde_json::json!({
        "path": folder.join("accounts.csv"), "delimiter": ";", "id": "number", "name": "login",
        "enabled": { "column": "state", "yes": "on", "no": "off" },
        "several": [{ "column": "groups", "separator": "|" }],
    }))
    .unwrap();
    CsvFile::open(config, ProtectionRules::default()).unwrap()
}

fn key(number: &str) -> ObjectKey {
    ObjectKey::id(ObjectClass::Account, number)
}

#[tokio::test]
async fn rows_come_change_and_go_and_the_rest_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.csv");
    std::fs::write(&path, FILE).unwrap();
    let target = open(folder.path());
    let new =
        NewObject { name: "chen".into(), attributes: Attributes::new().with("note", "a;b\nc"), ..NewObject::default() };
    let create = Operation::new("1", key("3"), Change::Create(new));
    let off = Operation::new("2", key("1"), Change::SetEnabled { enabled: false });
    let mut groups = Attributes::new();
    groups.set("groups", vec!["blue".into(), "green".into()]);
    let regroup = Operation::new("3", key("1"), Change::Assign { attributes: groups, if_version: None });
    let bad = Attributes::new().with("groups", "a|b");
    let bad = Operation::new("4", key("2"), Change::Assign { attributes: bad, if_version: None });
    let outcomes = target.write_all(&[create.clone(), off, regroup, bad]).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert_eq!(outcomes[3].as_ref().unwrap_err().kind, ErrorKind::Invalid);
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        written,
        "\u{feff}number;login;state;groups;note\r\n1;amina;off;blue|green;\"said \"\"no\"\"; twice\"\r\n2;bo;off;;x\r\n\
         3;chen;on;;\"a;b\nc\"\r\n"
    );
    assert_eq!(target.write(&create).await.unwrap().effect, Effect::AlreadyDone);
    target.write(&Operation::new("5", key("2"), Change::Delete)).await.unwrap();
    let page = target.search(&Search { limit: 1, ..Search::all(ObjectClass::Account) }, None).await.unwrap();
    let rest = target.search(&Search::all(ObjectClass::Account), page.next.as_ref()).await.unwrap();
    assert_eq!((page.objects.len(), rest.objects.len()), (1, 1));
    let leftovers: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!leftovers.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{leftovers:?}");
}

#[tokio::test]
async fn a_file_that_makes_no_sense_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.csv");
    let off = Operation::new("2", key("1"), Change::SetEnabled { enabled: false });
    for (content, word) in [
        ("number;login;state;groups;note\n1;a;on;;\n1;b;on;;\n", "two rows"),
        ("number;login;state;groups;note\n1;a;on\n", "fields"),
        ("number;login;state\n1;a;on\n", "no column `groups`"),
    ] {
        std::fs::write(&path, FILE).unwrap();
        let target = open(folder.path());
        std::fs::write(&path, content).unwrap();
        let error = target.write(&off).await.unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}
