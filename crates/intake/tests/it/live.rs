//! Listeners against real sockets and folders, with a lake that notes what it is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use intake::listen::{FolderOptions, ListenContext, ListenOptions, folder, syslog_tcp, syslog_udp};
use intake::{Format, SourceRegistry, decode};
use kernel::port::{Delivery, DeliveryError, IntakePort, Receipt, SourceDefinition, SourceStatus};
use kernel::time::SystemClock;
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;

use crate::support::request;

#[derive(Default)]
struct Lake {
    deliveries: Mutex<Vec<Delivery>>,
    full: AtomicBool,
}

#[async_trait]
impl IntakePort for Lake {
    async fn accept(&self, delivery: Delivery) -> Result<Receipt, DeliveryError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(DeliveryError::Unavailable("the disk is full".to_owned()));
        }
        self.deliveries.lock().push(delivery);
        Ok(Receipt { accepted: 1, unparsed: 0, duplicate: false, problems: Vec::new() })
    }

    fn sources(&self) -> Vec<SourceStatus> {
        Vec::new()
    }

    async fn connect(&self, _source: SourceDefinition) -> Result<(), DeliveryError> {
        Ok(())
    }

    fn formats(&self) -> Vec<String> {
        Format::ALL.iter().map(ToString::to_string).collect()
    }
}

impl Lake {
    /// Messages that arrived, decoded as the server would.
    fn messages(&self) -> Vec<String> {
        let deliveries = self.deliveries.lock();
        deliveries
            .iter()
            .flat_map(|delivery| {
                let found = decode(&request(Format::Syslog, &delivery.body));
                (0..found.events.columns.num_rows())
                    .map(|row| crate::support::values(&found.events.columns, "SyslogMessage", row).unwrap_or_default())
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

fn context() -> (Arc<Lake>, ListenContext) {
    let lake = Arc::new(Lake::default());
    let context = ListenContext {
        port: lake.clone(),
        registry: Arc::new(SourceRegistry::new()),
        clock: Arc::new(SystemClock::new()),
        stop: CancellationToken::new(),
    };
    (lake, context)
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within five seconds");
}

fn options() -> ListenOptions {
    ListenOptions { batch_ms: 20, message_bytes: 1_000, ..ListenOptions::new("fw") }
}

#[tokio::test]
async fn udp_messages_arrive_and_long_ones_are_counted() {
    let (lake, context) = context();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let listener = tokio::spawn(syslog_udp(socket, context.clone(), options()));
    let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 0..50 {
        sender.send_to(format!("<13>app: message {number}\nsecond line").as_bytes(), address).await.unwrap();
    }
    sender.send_to(&[b'x'; 2_000], address).await.unwrap();
    until(|| lake.messages().len() == 50 && context.registry.statuses(kernel::Timestamp(0))[0].dropped == 1).await;
    assert_eq!(lake.messages()[7], "message 7\nsecond line");
    assert!(lake.deliveries.lock().len() < 50, "messages are collected");
    context.stop.cancel();
    listener.await.unwrap().unwrap();
}

#[tokio::test]
async fn tcp_takes_both_framings_and_stopping_hands_over_the_rest() {
    let (lake, context) = context();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let slow = ListenOptions { batch_ms: 60_000, ..options() };
    let listener = tokio::spawn(syslog_tcp(socket, None, context.clone(), slow));
    let mut counted = TcpStream::connect(address).await.unwrap();
    counted.write_all(b"12 <13>app: one13 <13>app: t").await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    counted.write_all(b"wo!").await.unwrap();
    counted.shutdown().await.unwrap();
    let mut lines = TcpStream::connect(address).await.unwrap();
    lines.write_all(b"<13>app: three\n<13>app: four").await.unwrap();
    lines.shutdown().await.unwrap();
    let mut broken = TcpStream::connect(address).await.unwrap();
    broken.write_all(b"13 <13>app: zero99999999999999 x").await.unwrap();
    until(|| context.registry.drops("fw").len() == 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    context.stop.cancel();
    listener.await.unwrap().unwrap();
    let mut messages = lake.messages();
    messages.sort();
    assert_eq!(messages, ["four", "one", "three", "two!", "zero"]);
}

#[tokio::test]
async fn a_full_lake_makes_tcp_wait_and_loses_nothing() {
    let (lake, context) = context();
    lake.full.store(true, Ordering::SeqCst);
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let tight = ListenOptions { queue_messages: 4, batch_bytes: 40, ..options() };
    let listener = tokio::spawn(syslog_tcp(socket, None, context.clone(), tight));
    let mut client = TcpStream::connect(address).await.unwrap();
    for number in 0..40 {
        client.write_all(format!("<13>app: {number}\n").as_bytes()).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(lake.messages().is_empty());
    lake.full.store(false, Ordering::SeqCst);
    until(|| lake.messages().len() == 40).await;
    context.stop.cancel();
    listener.await.unwrap().unwrap();
    assert_eq!(context.registry.drops("fw"), []);
}

#[tokio::test]
async fn a_folder_is_followed_through_growth_rotation_and_restart() {
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let options = FolderOptions {
        source: "app".to_owned(),
        folder: logs.clone(),
        ending: String::new(),
        state: directory.path().join("state.json"),
        poll_ms: 10,
        part_bytes: 64,
    };
    let append = |name: &str, text: &str| {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(logs.join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    let (lake, first) = context();
    let all = || {
        lake.deliveries
            .lock()
            .iter()
            .map(|delivery| String::from_utf8_lossy(&delivery.body).into_owned())
            .collect::<String>()
    };
    append("app.log", "one\ntwo\nhal");
    let watcher = tokio::spawn(folder(first.clone(), options.clone()));
    until(|| all() == "one\ntwo\n").await;
    append("app.log", "f\n");
    until(|| all() == "one\ntwo\nhalf\n").await;
    std::fs::rename(logs.join("app.log"), logs.join("app.log.1")).unwrap();
    append("app.log.1", "late\n");
    // Files are taken in the order of their last writing, which file systems note in steps of milliseconds.
    tokio::time::sleep(Duration::from_millis(30)).await;
    append("app.log", "new\n");
    until(|| all().ends_with("late\nnew\n")).await;
    first.stop.cancel();
    watcher.await.unwrap().unwrap();
    append("app.log", "after\n");
    let second = ListenContext { stop: CancellationToken::new(), ..first };
    let watcher = tokio::spawn(folder(second.clone(), options));
    until(|| all() == "one\ntwo\nhalf\nlate\nnew\nafter\n").await;
    second.stop.cancel();
    watcher.await.unwrap().unwrap();
}
