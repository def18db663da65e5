//! One empty state database for one check, on either engine.

use tempfile::TempDir;

/// An empty database and what keeps it alive.
#[derive(Debug)]
pub struct TestDatabase {
    /// What `Store::open` takes.
    pub url: String,
    /// Removed when the check ends.
    _files: Option<TempDir>,
}

impl TestDatabase {
    /// A database that somebody else keeps alive: one of a [`Cluster`](crate::Cluster).
    pub fn borrowed(url: String) -> TestDatabase {
        TestDatabase { url, _files: None }
    }
}

/// An empty SQLite database in a temporary directory.
///
/// # Panics
/// When there is no room for a temporary directory.
pub fn sqlite() -> TestDatabase {
    let files = tempfile::tempdir().expect("there is room for a temporary directory");
    TestDatabase { url: format!("sqlite:{}", files.path().join("state.db").display()), _files: Some(files) }
}

/// Declares a suite: each `check(url: String)` runs as a test of its own on SQLite, and all of them, one after the other,
/// in one test on a private PostgreSQL cluster.
#[macro_export]
#[expect(clippy::crate_in_macro_def, reason = "the checks are in the crate that calls it")]
macro_rules! on_both_databases {
    ($suite:ident: $($module:ident :: $check:ident),* $(,)?) => {
        mod $suite {
            mod on_sqlite {
                $(
                    #[tokio::test]
                    async fn $check() {
                        let database = $crate::sqlite();
                        crate::$module::$check(database.url.clone()).await;
                    }
                )*
            }

            #[tokio::test]
            async fn on_postgres() {
                let Some(cluster) = $crate::Cluster::start_or_skip().await else { return };
                $(
                    println!("{}", stringify!($module::$check));
                    // Boxed where no other check is: their futures together are more than a thread's stack.
                    let check: fn(String) -> ::std::pin::Pin<Box<dyn Future<Output = ()>>> =
                        |url| Box::pin(crate::$module::$check(url));
                    check(cluster.database().await).await;
                )*
            }
        }
    };
}
