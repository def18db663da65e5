//! Functions, watchlists and reference tables: what is kept, what is refused, what the ledger says.

use std::sync::Arc;

use kernel::library::QueryLibrary;
use kernel::{Actor, StoredFunction, Value};
use library::{Basis, Error, Library, NewReference, NewWatchlist, Put};
use store::{Store, params};
use testkit::{CountingRandomness, TestClock};

struct Rig {
    store: Store,
    library: Library,
    clock: Arc<TestClock>,
}

async fn open(url: &str) -> Rig {
    let clock = TestClock::noon();
    let store = Store::open(url, clock.clone(), CountingRandomness::seeded(7)).await.unwrap();
    Rig { library: Library::new(store.clone()), store, clock }
}

fn engineer() -> Actor {
    Actor::User("user-engineer".to_owned())
}

fn function(name: &str, parameters: &str, body: &str) -> StoredFunction {
    StoredFunction {
        name: name.to_owned(),
        parameters: parameters.to_owned(),
        body: body.to_owned(),
        description: String::new(),
    }
}

fn list(csv: &str) -> NewWatchlist {
    NewWatchlist { name: "vips".to_owned(), description: String::new(), search_key: None, csv: csv.to_owned() }
}

fn reference(name: &str, address: &str, content: &str) -> NewReference {
    NewReference {
        name: name.to_owned(),
        description: String::new(),
        addresses: vec![address.to_owned()],
        content: content.to_owned(),
    }
}

impl Rig {
    async fn put(&self, function: &StoredFunction, basis: Basis) -> Result<Put<library::Function>, Error> {
        self.library.put_function(&engineer(), function, basis).await
    }

    /// Verbs and entities of the ledger, oldest first.
    async fn ledger(&self) -> String {
        let statement = store::Statement::new("test.ledger", "SELECT verb, entity FROM ledger ORDER BY seq");
        let rows = self.store.fetch_all(&statement, params![]).await.unwrap();
        let line = |row: &store::Row| format!("{} {}", row.text("verb").unwrap(), row.text("entity").unwrap());
        rows.iter().map(line).filter(|line| line.contains(':')).collect::<Vec<_>>().join("\n")
    }
}

pub async fn every_statement_prepares(url: String) {
    let rig = open(&url).await;
    for statement in library::sql::STATEMENTS {
        rig.store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
    for table in library::FACT_TABLES {
        rig.store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}

pub async fn functions_are_kept_changed_and_dropped(url: String) {
    let rig = open(&url).await;
    let recent = function("Recent", "", "\nLogins | where TimeGenerated > ago(1d)\n");
    let made = rig.put(&recent, Basis::New).await.unwrap().into_kept();
    assert_eq!(
        (made.parameters.as_str(), made.body.as_str(), made.record.version),
        ("()", "Logins | where TimeGenerated > ago(1d)", 1)
    );
    assert!(matches!(rig.put(&recent, Basis::Version(1)).await.unwrap(), Put::Unchanged(_)));
    let before = rig.library.kept().await.unwrap();
    assert!(Arc::ptr_eq(&before, &rig.library.kept().await.unwrap()), "nothing is read twice");
    let changed = function("Recent", "(span: timespan = 1d)", "Logins | where TimeGenerated > ago(span)");
    assert!(matches!(rig.put(&changed, Basis::Version(1)).await.unwrap(), Put::Changed(_)));
    assert_ne!(before, rig.library.kept().await.unwrap());
    rig.put(&function("Failed", "(T: (Result: int))", "T | where Result > 0"), Basis::New).await.unwrap();
    rig.put(&function("Bad", "", "Failed(Recent(2h))"), Basis::New).await.unwrap();
    let refused = rig.library.delete_function(&engineer(), "Recent", Basis::Version(2)).await.unwrap_err();
    assert_eq!(refused.to_string(), "`Recent` is called by `Bad`; change it first");
    rig.library.delete_function(&engineer(), "Bad", Basis::Whatever).await.unwrap();
    rig.library.delete_function(&engineer(), "Recent", Basis::Version(2)).await.unwrap();
    let gone = rig.library.function("Recent").await.unwrap_err();
    assert_eq!(gone.to_string(), "there is no function called `Recent`");
    assert_eq!(
        rig.ledger().await,
        "function.make function:Recent\nfunction.change function:Recent\nfunction.make function:Failed\n\
         function.make function:Bad\nfunction.delete function:Bad\nfunction.delete function:Recent"
    );
}

pub async fn functions_that_would_not_work_are_refused(url: String) {
    let rig = open(&url).await;
    // What a function names may come later.
    rig.put(&function("A", "", "B | count"), Basis::New).await.unwrap();
    rig.put(&function("C", "(n: long)", "A | where Count > n"), Basis::New).await.unwrap();
    for (wrong, expected) in [
        (
            function("B", "", "C(1)"),
            "the function is not valid: line 1 of the stored function `A`: the stored function `B` calls itself: B → C → A → B",
        ),
        (
            function("A", "", "union A, Logins"),
            "the function is not valid: the stored function `A` calls itself: A → A",
        ),
        (function("D", "(n)", "Logins"), "the function is not valid: parameters: expected `:`, found `)`"),
        (function("D", "", "Logins | where"), "the function is not valid: expected an expression, found `}`"),
        (function("D", "", "Logins }; let x = () { 1"), "the function is not valid: "),
        (function("strlen", "", "1"), "`strlen` is a function of the language; choose another name"),
        (
            function("a b", "", "1"),
            "`a b` cannot name a function: use up to 120 letters, digits and `_`, with no digit first",
        ),
    ] {
        let refused = rig.put(&wrong, Basis::Whatever).await.unwrap_err();
        assert!(refused.to_string().starts_with(expected), "{refused}\n{expected}");
    }
    assert_eq!(rig.library.functions().await.unwrap().len(), 2);
    assert_eq!(rig.ledger().await, "function.make function:A\nfunction.make function:C");
}

pub async fn items_keep_what_does_not_change(url: String) {
    let rig = open(&url).await;
    let csv = "Account,Level\namina,1\nzoe,2\namina,3\n";
    rig.library.put_watchlist(&engineer(), &list(csv), Basis::New).await.unwrap();
    let first = rig.library.watchlist("vips").await.unwrap().unwrap();
    rig.clock.advance_s(60);
    assert!(matches!(
        rig.library.put_watchlist(&engineer(), &list(csv), Basis::Version(1)).await.unwrap(),
        Put::Unchanged(_)
    ));
    let changed = "Account,Level\nzoe,2\nnew,0\namina,1\namina,4\n";
    rig.library.put_watchlist(&engineer(), &list(changed), Basis::Version(1)).await.unwrap();
    let second = rig.library.watchlist("vips").await.unwrap().unwrap();
    let same = |row: &Vec<Value>| first.contains(row);
    assert_eq!(second.iter().map(same).collect::<Vec<_>>(), [true, false, true, false]);
    assert_eq!(second[3][0], first[2][0], "the second amina is the same item with another level");
    assert_ne!(second[3][1], first[2][1]);
    let kept = rig.library.kept().await.unwrap();
    let names: Vec<&str> = kept.watchlists[0].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["_DTItemId", "LastUpdatedTimeUTC", "SearchKey", "Account", "Level"]);
    assert_eq!(rig.library.watchlist_csv("vips").await.unwrap().1, changed);
    rig.library.delete_watchlist(&engineer(), "vips", Basis::Version(2)).await.unwrap();
    assert!(
        rig.library.watchlist("vips").await.unwrap().is_none()
            && rig.library.kept().await.unwrap().watchlists.is_empty()
    );
}

pub async fn lists_that_are_none_are_refused(url: String) {
    let rig = open(&url).await;
    let check = async |csv: &str, key: Option<&str>, expected: &str| {
        let new = NewWatchlist { search_key: key.map(str::to_owned), ..list(csv) };
        let refused = rig.library.put_watchlist(&engineer(), &new, Basis::New).await.unwrap_err();
        assert_eq!(refused.to_string(), expected, "{csv}");
    };
    check("", None, "the file is empty; its first line must name the columns").await;
    check("a,b\n1\n", None, "line 2 has 1 cells for 2 columns").await;
    check("a,a\n", None, "column 2 cannot be called `a`: it must be a name of its own").await;
    check("a,SearchKey\n", None, "column 2 cannot be called `SearchKey`: it must be a name of its own").await;
    check("a,b\n1,2\n", Some("c"), "the file has no column `c` to search by; it has a, b").await;
    let odd = NewWatchlist { name: "it's".to_owned(), ..list("a\n1\n") };
    assert!(rig.library.put_watchlist(&engineer(), &odd, Basis::New).await.is_err());
    assert_eq!(rig.ledger().await, "");
}

pub async fn addresses_have_one_text(url: String) {
    let rig = open(&url).await;
    let address = "https://lists.irco.example/bad.csv";
    let put = async |new: &NewReference| rig.library.put_reference(&engineer(), new, Basis::Whatever).await;
    put(&reference("bad", address, "1.2.3.4\n")).await.unwrap();
    assert!(matches!(put(&reference("bad", address, "1.2.3.4\n")).await.unwrap(), Put::Unchanged(_)));
    assert_eq!(rig.library.reference(address).await.unwrap().as_deref(), Some("1.2.3.4\n"));
    assert_eq!(rig.library.reference("https://lists.irco.example/other.csv").await.unwrap(), None);
    let twice = put(&reference("again", address, "")).await.unwrap_err();
    assert_eq!(twice.to_string(), format!("`bad` stands for `{address}` already"));
    let none = put(&NewReference { addresses: Vec::new(), ..reference("none", "", "") }).await.unwrap_err();
    assert_eq!(none.to_string(), "name one to 50 addresses for which `none` stands");
    assert!(rig.library.kept().await.unwrap().addresses.contains(address));
    rig.library.delete_reference(&engineer(), "bad", Basis::Version(1)).await.unwrap();
    assert_eq!(rig.library.reference(address).await.unwrap(), None);
}

pub async fn a_change_names_what_it_was_decided_on(url: String) {
    let rig = open(&url).await;
    let one = function("F", "", "print 1");
    let check = async |basis: Basis, version: i64| match rig.put(&function("F", "", "print 2"), basis).await {
        Err(Error::Conflict(conflict)) => assert_eq!(conflict.version, version, "{basis:?}"),
        other => panic!("{basis:?}: {other:?}"),
    };
    check(Basis::Version(1), 0).await;
    rig.put(&one, Basis::New).await.unwrap();
    check(Basis::New, 1).await;
    check(Basis::Version(2), 1).await;
    rig.put(&function("F", "", "print 2"), Basis::Whatever).await.unwrap();
    check(Basis::Version(1), 2).await;
}
