//! A disk that is full: the room says so, and a call for help is written all the same.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use field::alarm::AlarmKind;
use kernel::Actor;

use crate::rig::{self, Rig};

/// Of the disk, and of the reserve on it: more than the 4 MB that the database's log grows to before it is folded in.
const DISK: &str = "size=32m";
const RESERVE: u64 = 8 << 20;
const MINUTE: i64 = 60_000_000;

/// A small disk in memory.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None`, after a line that says so: this user may not mount one.
    fn mount() -> Option<Disk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Disk(folder));
        }
        println!("skipped: the full disk, because this user may not mount a small one");
        None
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn fill(&self) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.file("filler")).unwrap();
        while file.write_all(&[1; 512]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

async fn alarms(rig: &Rig, kind: AlarmKind) -> usize {
    let alarms = rig.field.alarms(false, &Actor::system("test")).await.unwrap();
    alarms.iter().filter(|alarm| alarm.kind == kind).count()
}

#[tokio::test]
async fn a_call_for_help_is_written_on_a_full_disk() {
    let Some(disk) = Disk::mount() else { return };
    let mut rig = rig::open(&format!("sqlite:{}", disk.file("state.db").display())).await;
    rig.store.keep_reserve(&disk.file("reserve"), RESERVE).unwrap();
    rig.depart("UN-2", None, "MED").await;
    // What the database has taken up already it fills first.
    let mut refused = None;
    for _ in 0..3_000 {
        disk.fill();
        if let Err(error) = rig.enter("all quiet at the gate, and nothing else to say").await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.expect("the disk is never full");
    assert!(refused.is_disk_full(), "{refused}");

    let entry = rig.enter("bf11 sos shots near the bridge").await.unwrap();
    assert_eq!((entry.kind.as_str(), alarms(&rig, AlarmKind::Sos).await), ("sos", 1));
    assert!(!disk.file("reserve").exists(), "the reserve is what it is written on");
    // Everything else waits and says why; a contact that is missed is an alarm.
    let error = rig.enter("all quiet").await.unwrap_err().to_string();
    assert!(error.contains("the disk of the state database is full: make room"), "{error}");
    let until = rig.now().plus_micros(31 * MINUTE);
    rig.pass_until(until).await;
    assert_eq!(alarms(&rig, AlarmKind::ContactOverdue).await, 1);
    // Somebody makes room.
    fs::remove_file(disk.file("filler")).unwrap();
    rig.clock.advance_s(20);
    rig.enter("all quiet").await.unwrap();
    assert_eq!(fs::metadata(disk.file("reserve")).unwrap().len(), RESERVE);
    assert_eq!(rig.store.verify_ledger().await.unwrap().fault, None);
}
