//! Short messages with other people's SMSC and encoder at the other end.

use std::sync::Arc;

use courier::sms::{Smpp, SmppSettings, plan};
use kernel::message::{DeliveryState, Dispatch, Means};
use kernel::{Fact, Timestamp};
use serde_json::Value as Json;
use tokio::process::Command;

use crate::peer::{self, Peer};
use crate::rig::{Rig, dispatch};

struct Line {
    rig: Rig,
    smsc: Peer,
    _session: tokio::task::JoinHandle<()>,
}

fn settings(port: u16, password: &str) -> SmppSettings {
    SmppSettings {
        url: format!("smpp://127.0.0.1:{port}"),
        system_id: "vigie".to_owned(),
        password: password.to_owned(),
        system_type: String::new(),
        source: "1234".to_owned(),
        per_second: 100.0,
        window: 4,
        enquire_link_s: 30,
        tls: courier::tls::client(None).unwrap(),
    }
}

/// A session with npm smpp as the network, and senders that run.
async fn line(url: &str) -> Option<Line> {
    let modules = peer::node("smpp")?;
    let mut smsc = Peer::node(&modules, include_str!("peers/smsc.js"));
    let port = smsc.port().await;
    let rig = Rig::open(url).await;
    let smpp = Arc::new(Smpp::new(settings(port, "secret")).unwrap());
    rig.courier.connect(smpp.clone());
    let courier = rig.courier.clone();
    let session = tokio::spawn(async move {
        tokio::join!(smpp.clone().run(courier.clone()), courier.run_sender(smpp));
    });
    let bound: Json = serde_json::from_str(&smsc.line_of("bind").await).unwrap();
    assert_eq!(bound, serde_json::json!({ "system_id": "vigie", "version": 0x34 }));
    Some(Line { rig, smsc, _session: session })
}

impl Line {
    async fn submitted(&mut self) -> Json {
        serde_json::from_str(&self.smsc.line_of("submit").await).unwrap()
    }

    async fn state(&mut self, key: &str, state: DeliveryState) {
        let courier = self.rig.courier.clone();
        peer::until(&format!("{key} is {state:?}"), async || {
            let (found, _) = courier.dispatch(key).await.ok()?;
            (found.state == state).then_some(())
        })
        .await;
    }
}

fn text(key: &str, text: &str) -> Dispatch {
    Dispatch { text: text.to_owned(), ..dispatch(key, &[(Means::Sms, "+670 7723-1234")]) }
}

#[tokio::test]
async fn an_smsc_of_somebody_else_takes_and_gives() {
    let database = testkit::sqlite();
    let Some(mut line) = line(&database.url).await else { return };
    // Out: a short one, an Arabic one, a long one; each with its receipt.
    line.rig.ask(vec![text("short", "Are you safe? Reply SAFE or HELP {€}")]).await;
    let short = line.submitted().await;
    assert_eq!(short["text"], "Are you safe? Reply SAFE or HELP {€}");
    assert_eq!((&short["to"], &short["ton"], &short["from"]), (&"67077231234".into(), &1.into(), &"1234".into()));
    assert_eq!(
        (&short["esm"], &short["coding"], &short["receipt"].as_u64().map(|flags| flags & 1)),
        (&0.into(), &0.into(), &Some(1))
    );
    line.state("short", DeliveryState::Delivered).await;
    let arabic = "الوضع هادئ. BF12 وصل 14:25";
    line.rig.ask(vec![text("arabic", arabic)]).await;
    let submitted = line.submitted().await;
    assert_eq!((submitted["text"].as_str(), submitted["coding"].as_u64()), (Some(arabic), Some(8)));
    let long = "Convoy of eight, five arrived. ".repeat(11);
    line.rig.ask(vec![text("long", &long)]).await;
    let parts = [line.submitted().await, line.submitted().await, line.submitted().await];
    let whole: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    assert_eq!(whole, long);
    assert!(parts.iter().all(|part| part["esm"] == 0x40), "{parts:?}");
    let headers: Vec<&str> =
        parts.iter().filter_map(|part| part["udh"][0].as_str()).map(|udh| &udh[udh.len() - 4..]).collect();
    assert_eq!(headers, ["0301", "0302", "0303"]);
    line.state("long", DeliveryState::Delivered).await;

    // In: the same twice, then another in the same second.
    let deliver = |text: &str| {
        let pdu = serde_json::json!({ "source_addr_ton": 1, "source_addr": "67077231234", "destination_addr": "1234", "short_message": text });
        format!("deliver {pdu}")
    };
    for said in ["SAFE", "SAFE", "HELP at the bridge"] {
        line.smsc.say(&deliver(said)).await;
        assert_eq!(line.smsc.line_of("taken").await, "0");
    }
    let kept = line.rig.courier.messages(Timestamp::MAX, 10).await.unwrap();
    let mut kept: Vec<(&str, &str, u64)> =
        kept.iter().map(|one| (one.sender.as_str(), one.text.as_str(), one.receipts)).collect();
    kept.sort();
    assert_eq!(kept, [("+67077231234", "HELP at the bridge", 1), ("+67077231234", "SAFE", 2)]);
    let told = line.rig.hear().await;
    assert_eq!(told.iter().filter(|fact| matches!(fact, Fact::MessageReceived(_))).count(), 2);
}

#[tokio::test]
async fn throttled_refused_and_cut_off_it_goes_on() {
    let database = testkit::sqlite();
    let Some(mut line) = line(&database.url).await else { return };
    line.smsc.say("throttle 1").await;
    // The answer to the command is its effect; a message that is asked for after it sees it.
    let mut throttled = text("throttled", "one");
    throttled.precedence = kernel::message::Precedence::Distress;
    line.rig.ask(vec![throttled]).await;
    let courier = line.rig.courier.clone();
    peer::until("the try is recorded", async || {
        let (_, tries) = courier.dispatch("throttled").await.ok()?;
        tries.first()?.outcome.clone()
    })
    .await;
    line.rig.clock.advance_s(3);
    assert_eq!(line.submitted().await["text"], "one");
    line.rig.ask(vec![dispatch("nobody", &[(Means::Sms, "+670999")])]).await;
    line.state("nobody", DeliveryState::Undeliverable).await;
    line.smsc.say("lose 1").await;
    line.rig.ask(vec![text("lost", "two")]).await;
    line.state("lost", DeliveryState::Undeliverable).await;
    line.smsc.say("hang-up").await;
    line.smsc.line_of("bind").await;
    line.rig.ask(vec![text("after", "three")]).await;
    loop {
        if line.submitted().await["text"] == "three" {
            break;
        }
        line.rig.clock.advance_s(10);
    }
    line.state("after", DeliveryState::Delivered).await;
}

#[tokio::test]
async fn a_wrong_password_is_shown_with_the_answer_of_the_network() {
    let Some(modules) = peer::node("smpp") else { return };
    let mut smsc = Peer::node(&modules, include_str!("peers/smsc.js"));
    let database = testkit::sqlite();
    let rig = Rig::open(&database.url).await;
    let smpp = Arc::new(Smpp::new(settings(smsc.port().await, "wrong")).unwrap());
    let session = tokio::spawn(smpp.run(rig.courier.clone()));
    let problem = peer::until("the refusal is shown", async || {
        rig.courier.channel_states().into_iter().find_map(|state| state.problem)
    })
    .await;
    assert!(problem.contains("EsmeRbindfail"), "{problem}");
    session.abort();
}

/// `smpplib.gsm.make_parts` cuts texts by its own reading of the standard.
#[tokio::test]
async fn another_encoder_cuts_texts_as_we_do() {
    let Some(python) = peer::python("smpplib") else { return };
    let script = "import sys, json\nfrom smpplib import gsm\n\
                  for line in sys.stdin:\n  parts, coding, esm = gsm.make_parts(json.loads(line))\n  \
                  print(json.dumps([coding, [p[6:].hex() if len(parts) > 1 else p.hex() for p in parts]]))";
    let base = [
        "SAFE",
        "Are you safe? Reply {SAFE} or [HELP] ~ 5 € ^",
        "à la gare, señor, Ärger ñ ß",
        "الوضع هادئ BF12",
        "漢字 and Latin",
    ];
    let mut texts: Vec<String> = base.iter().map(|text| (*text).to_owned()).collect();
    texts.extend([159, 160, 161, 305, 306, 307, 460].map(|length| "a".repeat(length)));
    texts.extend([69, 70, 71, 133, 134, 135, 202].map(|length| "س".repeat(length)));
    let input: String = texts.iter().map(|text| format!("{}\n", serde_json::json!(text))).collect();
    let output = peer::run(Command::new(python).arg("-c").arg(script), &input).await;
    let theirs: Vec<(u8, Vec<String>)> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(theirs.len(), texts.len());
    for (text, theirs) in texts.iter().zip(theirs) {
        let plan = plan(text);
        let ours: Vec<String> = plan.segments.iter().map(hex::encode).collect();
        assert_eq!((plan.coding.data_coding(), ours), theirs, "{text}");
    }
}
