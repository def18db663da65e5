//! The SQL connector on both engines: one row per account, whatever breaks; many as one by one.

use connector::sql_table::{
    ColumnMapping, ColumnType, EnabledColumn, LinkMapping, SqlTable, SqlTableConfig, TableMapping,
};
use connector::{
    Attributes, Change, Connector, Delta, Effect, ErrorKind, NewObject, ObjectClass, ObjectId, ObjectKey, Operation,
    ProtectionRules, Search, Secret, WhatChanged,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

const TABLES: &str = "CREATE TABLE staff (id BIGINT PRIMARY KEY, login TEXT NOT NULL UNIQUE, number TEXT UNIQUE, \
    title TEXT, grade BIGINT, active BOOLEAN NOT NULL DEFAULT TRUE, ends TEXT, seq BIGINT NOT NULL DEFAULT 0, \
    gone BOOLEAN NOT NULL DEFAULT FALSE, vigie_operation TEXT, who TEXT); \
    CREATE TABLE teams (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE); \
    CREATE TABLE team_members (team TEXT NOT NULL, person BIGINT NOT NULL, until TEXT, PRIMARY KEY (team, person));";

const POSTGRES: &str = "CREATE SEQUENCE staff_ids; ALTER TABLE staff ALTER id SET DEFAULT nextval('staff_ids'); \
    CREATE SEQUENCE versions; CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN NEW.seq = nextval('versions'); RETURN NEW; END $$; \
    CREATE TRIGGER staff_bump BEFORE INSERT OR UPDATE ON staff FOR EACH ROW EXECUTE FUNCTION bump();";

const SQLITE: &str = "CREATE TABLE versions (last BIGINT); INSERT INTO versions VALUES (0); \
    CREATE TRIGGER bump_insert AFTER INSERT ON staff BEGIN UPDATE versions SET last = last + 1; \
    UPDATE staff SET seq = (SELECT last FROM versions) WHERE rowid = NEW.rowid; END; \
    CREATE TRIGGER bump_update AFTER UPDATE OF login, number, title, grade, active, ends, gone ON staff BEGIN \
    UPDATE versions SET last = last + 1; UPDATE staff SET seq = (SELECT last FROM versions) WHERE rowid = NEW.rowid; END;";

async fn run(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

async fn target(url: &str) -> SqlTable {
    // SQLite gives ids by itself to an INTEGER PRIMARY KEY alone.
    let tables = if url.starts_with("sqlite:") {
        TABLES.replace("id BIGINT PRIMARY KEY, login", "id INTEGER PRIMARY KEY, login")
    } else {
        TABLES.to_owned()
    };
    run(url, &tables).await;
    run(url, if url.starts_with("sqlite:") { SQLITE } else { POSTGRES }).await;
    let integer = |name: &str| ColumnMapping { kind: ColumnType::Integer, ..ColumnMapping::text(name) };
    let accounts = TableMapping {
        table: "staff".into(),
        id: "id".into(),
        name: "login".into(),
        container: None,
        enabled: Some(EnabledColumn::boolean("active")),
        expires: Some(ColumnMapping::text("ends")),
        version: Some("seq".into()),
        changed_by: Some("who".into()),
        deleted: Some(EnabledColumn::boolean("gone")),
        operation: Some("vigie_operation".into()),
        attributes: vec![ColumnMapping::text("number"), ColumnMapping::text("title"), integer("grade")],
    };
    let groups = TableMapping {
        table: "teams".into(),
        id: "id".into(),
        name: "name".into(),
        enabled: None,
        expires: None,
        version: None,
        changed_by: None,
        deleted: None,
        operation: None,
        container: None,
        attributes: vec![],
    };
    let members = LinkMapping {
        table: "team_members".into(),
        group: "team".into(),
        member: "person".into(),
        until: Some("until".into()),
    };
    let config = SqlTableConfig { url: Secret::new(url), accounts, groups: Some(groups), members: Some(members) };
    SqlTable::connect(config, ProtectionRules { listed: vec!["root".into()], ..ProtectionRules::default() })
        .await
        .unwrap()
}

fn person(number: &str) -> ObjectKey {
    ObjectKey::correlation(ObjectClass::Account, "number", number)
}

fn join(number: &str, login: &str) -> Operation {
    let new = NewObject {
        name: login.into(),
        attributes: Attributes::new().with("title", "Analyst").with("grade", 4),
        enabled: Some(true),
        ..NewObject::default()
    };
    Operation::new(format!("join-{number}"), person(number), Change::Create(new))
}

pub async fn a_joiner_moves_and_leaves(url: String) {
    let target = target(&url).await;
    assert_eq!(target.write(&join("7", "amina")).await.unwrap().effect, Effect::Applied);
    assert_eq!(target.write(&join("7", "amina")).await.unwrap().effect, Effect::AlreadyDone);
    let read = target.read(&person("7")).await.unwrap().unwrap();
    assert_eq!(
        (read.name.as_str(), read.enabled, read.attributes.first("grade")),
        ("amina", Some(true), Some(&4.into()))
    );
    let taken = target.write(&join("8", "amina")).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Conflict, "{taken}");
    let wanted = Attributes::new().with("title", "O'Neil; DROP TABLE staff").with("grade", 5);
    let assign = |version: Option<&str>| {
        let change = Change::Assign { attributes: wanted.clone(), if_version: version.map(str::to_owned) };
        Operation::new("move", person("7"), change)
    };
    assert_eq!(target.write(&assign(Some("0"))).await.unwrap_err().kind, ErrorKind::Conflict, "another version");
    let outcome = target.write(&assign(read.version.as_deref())).await.unwrap();
    assert_eq!((outcome.effect, outcome.changed.len()), (Effect::Applied, 2));
    assert_eq!(target.write(&assign(read.version.as_deref())).await.unwrap().effect, Effect::AlreadyDone);
    let at = "2027-01-31T22:59:59Z".parse().unwrap();
    target.write(&Operation::new("end", person("7"), Change::SetExpiry { at: Some(at) })).await.unwrap();
    target.write(&Operation::new("off", person("7"), Change::SetEnabled { enabled: false })).await.unwrap();
    let read = target.read(&person("7")).await.unwrap().unwrap();
    assert_eq!((read.enabled, read.expires), (Some(false), Some(at)));
    let by_id = ObjectKey { class: ObjectClass::Account, key: connector::Key::Id(read.id.clone()) };
    let delete = Operation::new("delete", by_id.clone(), Change::Delete);
    assert_eq!(target.write(&delete).await.unwrap().effect, Effect::Applied);
    assert_eq!(target.write(&delete).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.tombstones(ObjectClass::Account, None).await.unwrap().objects.len(), 1);
    target.write(&Operation::new("back", by_id.clone(), Change::Restore)).await.unwrap();
    assert!(target.read(&by_id).await.unwrap().is_some());
    let unknown = Change::Assign { attributes: Attributes::new().with("shoe", 44), if_version: None };
    assert_eq!(target.write(&Operation::new("x", by_id, unknown)).await.unwrap_err().kind, ErrorKind::Invalid);
    target.write(&join("9", "root")).await.unwrap();
    let off = Operation::new("off", person("9"), Change::SetEnabled { enabled: false });
    assert_eq!(target.write(&off).await.unwrap_err().kind, ErrorKind::Protected);
}

pub async fn members_come_go_and_end(url: String) {
    let target = target(&url).await;
    let team = ObjectKey::id(ObjectClass::Group, "t1");
    let new = NewObject { name: "Readers".into(), ..NewObject::default() };
    target.write(&Operation::new("g", team.clone(), Change::Create(new))).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(target.write(&join(&number.to_string(), &format!("p{number}"))).await.unwrap().id);
    }
    let until = Some("2027-01-31T00:00:00Z".parse().unwrap());
    let add = |member: &ObjectId, until| {
        Operation::new("m", team.clone(), Change::AddMember { member: member.clone(), until })
    };
    let operations: Vec<_> = ids.iter().map(|id| add(id, None)).collect();
    for effect in [Effect::Applied, Effect::AlreadyDone] {
        let outcomes = target.write_all(&operations).await;
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap().effect == effect), "{outcomes:?}");
    }
    assert_eq!(target.write(&add(&ids[0], until)).await.unwrap().effect, Effect::Applied, "now it ends");
    assert_eq!(target.write(&add(&ids[0], until)).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.write(&add(&ObjectId::new("999"), None)).await.unwrap_err().kind, ErrorKind::NotFound);
    let first = target.members(&team, None, 3).await.unwrap();
    let second = target.members(&team, first.next.as_ref(), 3).await.unwrap();
    assert_eq!((first.members.len(), second.members.len(), second.next), (3, 2, None));
    let remove = Operation::new("m", team.clone(), Change::RemoveMember { member: ids[1].clone() });
    assert_eq!(target.write(&remove).await.unwrap().effect, Effect::Applied);
    assert_eq!(target.write(&remove).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.read(&person("0")).await.unwrap().unwrap().memberships.unwrap().len(), 1);
}

/// The fast path and its slow twin: one transaction for all against one for each.
pub async fn many_as_one_by_one(url: String) {
    let fast = target(&url).await;
    let mut operations: Vec<_> = (0..300).map(|n| join(&n.to_string(), &format!("p{n}"))).collect();
    // A name that is taken, the same person twice, an attribute that no column holds: each fails alone.
    operations.insert(100, join("9000", "p5"));
    operations.insert(200, join("7", "p7"));
    let odd = Change::Assign { attributes: Attributes::new().with("shoe", 44), if_version: None };
    operations.push(Operation::new("odd", person("3"), odd));
    operations.push(Operation::new("none", person("nobody"), Change::SetEnabled { enabled: false }));
    let outcomes = fast.write_all(&operations).await;
    let kinds: Vec<_> =
        outcomes.iter().map(|outcome| outcome.as_ref().map(|one| one.effect).map_err(|error| error.kind)).collect();
    assert_eq!(kinds[100], Err(ErrorKind::Conflict));
    assert_eq!(kinds[200], Ok(Effect::AlreadyDone));
    assert_eq!(kinds[302..], [Err(ErrorKind::Invalid), Err(ErrorKind::NotFound)]);
    assert_eq!(kinds.iter().filter(|kind| **kind == Ok(Effect::Applied)).count(), 300);
    let mut again = Vec::new();
    for operation in &operations {
        again.push(fast.write(operation).await.map(|one| one.effect).map_err(|error| error.kind));
    }
    let expected: Vec<_> = kinds.iter().map(|kind| kind.map(|_| Effect::AlreadyDone)).collect();
    assert_eq!(again, expected, "one by one finds everything done, and the same refusals");
    let (mut seen, mut next) = (0, None);
    loop {
        let page =
            fast.search(&Search { limit: 70, ..Search::all(ObjectClass::Account) }, next.as_ref()).await.unwrap();
        seen += page.objects.len();
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen, 300);
}

pub async fn changes_beside_us_are_seen(url: String) {
    let target = target(&url).await;
    let start = target.cursor().await.unwrap();
    target.write(&join("1", "a")).await.unwrap();
    let cursor = target.cursor().await.unwrap();
    run(&url, "UPDATE staff SET title = 'Chief', who = 'dba' WHERE login = 'a'").await;
    let Delta::Changes(page) = target.delta(&cursor).await.unwrap() else { panic!("the cursor holds") };
    let last = page.changes.last().unwrap();
    assert!(matches!(&last.what, WhatChanged::Upserted(object) if object.attributes.text("title") == Some("Chief")));
    assert_eq!(last.attribution.as_ref().unwrap().actor.as_deref(), Some("dba"));
    run(&url, "UPDATE staff SET gone = TRUE").await;
    let Delta::Changes(page) = target.delta(&page.next).await.unwrap() else { panic!("the cursor holds") };
    assert!(matches!(&page.changes.last().unwrap().what, WhatChanged::Deleted { .. }), "{page:?}");
    let Delta::Changes(whole) = target.delta(&start).await.unwrap() else { panic!("an empty table has a cursor") };
    assert_eq!(whole.next, page.next);
    run(&url, "DELETE FROM staff").await;
    assert!(matches!(target.delta(&page.next).await.unwrap(), Delta::CursorLost { .. }));
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_no_password_is_shown() {
    let database = testkit::sqlite();
    run(&database.url, "CREATE TABLE staff (id INTEGER PRIMARY KEY, login TEXT)").await;
    let connect = |accounts: TableMapping| {
        let config = SqlTableConfig { url: Secret::new(database.url.as_str()), accounts, groups: None, members: None };
        SqlTable::connect(config, ProtectionRules::default())
    };
    let mapping = |table: &str, name: &str| {
        let json = serde_json::json!({ "table": table, "id": "id", "name": name });
        serde_json::from_value::<TableMapping>(json).unwrap()
    };
    let error = connect(mapping("staff", "user")).await.err().unwrap();
    assert!(error.to_string().contains("no column `user`") && error.to_string().contains("login"), "{error}");
    assert!(connect(mapping("people", "login")).await.err().unwrap().to_string().contains("no table `people`"));
    let url = Secret::new("postgres://vigie:s3cret-word@127.0.0.1:1/none");
    let config = SqlTableConfig { url, accounts: mapping("staff", "login"), groups: None, members: None };
    assert!(!format!("{config:?}").contains("s3cret"));
    let error = SqlTable::connect(config, ProtectionRules::default()).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(!format!("{error:?} {error}").contains("s3cret"));
}
