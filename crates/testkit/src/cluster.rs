//! A private PostgreSQL cluster: made, used and removed by one test.

use std::fmt;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

/// Where distributions put the binaries, besides PATH.
const INSTALLED: &str = "/usr/lib/postgresql";
/// Accounts under which a test that runs as root may start PostgreSQL, which refuses root.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];
/// Fast rather than durable: a test cluster is thrown away.
const SETTINGS: [&str; 5] =
    ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=60"];
const START_TRIES: u32 = 600;

/// A running cluster. Dropping it stops the server by its process id and removes its files.
pub struct Cluster {
    directory: TempDir,
    server: Child,
    databases: AtomicU32,
}

/// Why there is no cluster.
#[derive(Debug)]
pub enum NoCluster {
    /// The binaries are not on this machine: tests print a `skipped:` line.
    NotInstalled,
    /// They are there and do not work: tests fail.
    Broken(String),
}

impl fmt::Display for NoCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoCluster::NotInstalled => write!(f, "initdb and postgres are neither on PATH nor below {INSTALLED}"),
            NoCluster::Broken(problem) => write!(f, "PostgreSQL does not start: {problem}"),
        }
    }
}

impl Cluster {
    /// Makes and starts a cluster in a temporary directory; returns when it answers.
    ///
    /// # Errors
    /// [`NoCluster`], which tells an absent installation from a broken one.
    pub async fn start() -> Result<Cluster, NoCluster> {
        let binaries = binaries().ok_or(NoCluster::NotInstalled)?;
        let broken = |error: io::Error| NoCluster::Broken(error.to_string());
        let account = unprivileged().map_err(broken)?;
        let directory = tempfile::Builder::new().prefix("vigie-pg-").tempdir().map_err(broken)?;
        let data = directory.path().join("data");
        if let Some((user, group)) = account {
            chown(directory.path(), Some(user), Some(group)).map_err(broken)?;
        }
        let mut initdb = as_account(&binaries.join("initdb"), account, directory.path());
        initdb.arg("-D").arg(&data).args(["-U", "vigie", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let made = initdb.output().map_err(broken)?;
        if !made.status.success() {
            return Err(NoCluster::Broken(String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        let mut postgres = as_account(&binaries.join("postgres"), account, directory.path());
        postgres.arg("-D").arg(&data).arg("-k").arg(directory.path());
        for setting in SETTINGS {
            postgres.args(["-c", setting]);
        }
        let log = std::fs::File::create(directory.path().join("log")).map_err(broken)?;
        let server = postgres.stdout(Stdio::null()).stderr(log).spawn().map_err(broken)?;
        let mut cluster = Cluster { directory, server, databases: AtomicU32::new(0) };
        cluster.wait().await?;
        Ok(cluster)
    }

    /// A cluster, or `None` after a `skipped:` line where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When PostgreSQL is installed and does not start.
    pub async fn start_or_skip() -> Option<Cluster> {
        match Cluster::start().await {
            Ok(cluster) => Some(cluster),
            Err(absent @ NoCluster::NotInstalled) => {
                println!("skipped: the suite on PostgreSQL, because {absent}");
                None
            }
            Err(broken @ NoCluster::Broken(_)) => panic!("{broken}"),
        }
    }

    async fn wait(&mut self) -> Result<(), NoCluster> {
        for _ in 0..START_TRIES {
            if let Ok(Some(status)) = self.server.try_wait() {
                let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                return Err(NoCluster::Broken(format!("{status}: {log}")));
            }
            if PgConnection::connect(&self.url("postgres")).await.is_ok() {
                return Ok(());
            }
            // The server says nowhere else when it is ready to answer.
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Err(NoCluster::Broken("it did not answer within 30 s".to_owned()))
    }

    /// The URL of an empty database that nobody else uses.
    ///
    /// # Panics
    /// When the server does not create it.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.expect("the cluster answers");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
        sqlx::raw_sql(create).execute(&mut connection).await.expect("the test user may create databases");
        connection.close().await.expect("the cluster answers");
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://vigie@localhost/{database}?host={}", self.directory.path().display())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGQUIT is PostgreSQL's immediate shutdown: the server ends its own children before it goes.
        let asked = Command::new("kill").arg("-QUIT").arg(self.server.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

fn binaries() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut installed: Vec<PathBuf> = std::fs::read_dir(INSTALLED)
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    installed.sort();
    on_path.unwrap_or_default().into_iter().chain(installed.into_iter().rev()).find(complete)
}

/// User and group to run as when this process is root; `None`: stay who we are.
fn unprivileged() -> io::Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").map(|own| own.uid()).unwrap_or(1) != 0 {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    let account = ACCOUNTS.iter().find_map(|name| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    account.map(Some).ok_or_else(|| io::Error::other("running as root, and there is no account postgres or nobody"))
}

fn as_account(program: &Path, account: Option<(u32, u32)>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env("LC_ALL", "C");
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
}
