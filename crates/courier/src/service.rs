//! The room at work: from settings to channels and what has to run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::net::TcpListener;

use crate::channel::Channel;
use crate::cot::{Cot, CotSettings, Door, DoorSettings};
use crate::error::Error;
use crate::listen::{Mqtt, MqttSettings, ReceiverSettings, run_directip, run_receiver};
use crate::mail::{Imap, ImapSettings, OwnAddress, Smtp, SmtpSettings};
use crate::room::Courier;
use crate::sms::{Smpp, SmppSettings};
use crate::tls;
use crate::webhook::{Webhook, WebhookSettings};

/// What an operator says in `[courier]`. An empty text, or nothing, leaves a channel out.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Roots besides those of the machine.
    pub ca_file: Option<PathBuf>,
    pub keep_raw_days: u32,
    pub sms_url: String,
    pub sms_system_id: String,
    pub sms_password: String,
    pub sms_system_type: String,
    pub sms_source: String,
    pub sms_per_second: f64,
    pub sms_window: usize,
    pub mail_smtp_url: String,
    pub mail_smtp_user: String,
    pub mail_smtp_password: String,
    pub mail_from: String,
    pub mail_imap_url: String,
    pub mail_imap_user: String,
    pub mail_imap_password: String,
    /// `name=https://…`, apart by blanks.
    pub webhooks: String,
    pub webhook_secret: String,
    pub iridium_listen: Option<SocketAddr>,
    pub iridium_confirm: bool,
    /// IMEIs that are believed, apart by blanks; empty: every one.
    pub iridium_imeis: String,
    pub cot_listen: Option<SocketAddr>,
    /// For clients with a certificate; where it listens.
    pub cot_tls_listen: Option<SocketAddr>,
    pub cot_door: DoorSettings,
    pub cot_server: String,
    pub cot_call_sign: String,
    /// Uids that are believed, apart by blanks; empty: every one.
    pub cot_uids: String,
    pub mqtt_url: String,
    pub mqtt_user: String,
    pub mqtt_password: String,
    /// Apart by blanks.
    pub mqtt_topics: String,
    pub mqtt_send_topic: String,
    pub nmea: String,
    pub nmea_device: String,
}

/// Something that runs until it is dropped, which is safe at any moment.
pub type Task = BoxFuture<'static, ()>;

impl Courier {
    /// Connects every channel that the settings name. Nothing runs yet: that is for whoever polls the tasks.
    ///
    /// # Errors
    /// [`Error::Configuration`] names the setting and what is wrong with it.
    pub async fn start(&self, settings: &Settings) -> Result<Vec<Task>, Error> {
        let cut_off = self.resume().await?;
        if cut_off > 0 {
            tracing::warn!(
                cut_off,
                "messages were being sent when the program ended; they are sent again under the same ids"
            );
        }
        self.allow("iridium", listed(&settings.iridium_imeis));
        self.allow("cot", listed(&settings.cot_uids));
        let tls = tls::client(settings.ca_file.as_deref())?;
        let mut tasks: Vec<Task> = Vec::new();
        self.start_sms(settings, &tls, &mut tasks)?;
        self.start_mail(settings, &tls, &mut tasks)?;
        self.start_webhooks(settings, &tls)?;
        self.start_mqtt(settings, &tls, &mut tasks)?;
        self.start_cot(settings, &tls, &mut tasks).await?;
        self.start_receivers(settings, &mut tasks).await?;
        for channel in self.channels() {
            let courier = self.clone();
            tasks.push(Box::pin(async move { courier.run_sender(channel).await }));
        }
        let (courier, days) = (self.clone(), settings.keep_raw_days);
        tasks.push(Box::pin(async move { courier.run_keeper(days).await }));
        Ok(tasks)
    }

    fn start_sms(
        &self,
        settings: &Settings,
        tls: &Arc<rustls::ClientConfig>,
        tasks: &mut Vec<Task>,
    ) -> Result<(), Error> {
        if settings.sms_url.is_empty() {
            return Ok(());
        }
        let smpp = Arc::new(Smpp::new(SmppSettings {
            url: settings.sms_url.clone(),
            system_id: settings.sms_system_id.clone(),
            password: settings.sms_password.clone(),
            system_type: settings.sms_system_type.clone(),
            source: settings.sms_source.clone(),
            per_second: settings.sms_per_second,
            window: settings.sms_window,
            enquire_link_s: 30,
            tls: tls.clone(),
        })?);
        self.connect(smpp.clone());
        tasks.push(Box::pin(smpp.run(self.clone())));
        Ok(())
    }

    fn start_mail(
        &self,
        settings: &Settings,
        tls: &Arc<rustls::ClientConfig>,
        tasks: &mut Vec<Task>,
    ) -> Result<(), Error> {
        if !settings.mail_smtp_url.is_empty() {
            let smtp = Smtp::new(&SmtpSettings {
                url: settings.mail_smtp_url.clone(),
                user: settings.mail_smtp_user.clone(),
                password: settings.mail_smtp_password.clone(),
                from: settings.mail_from.clone(),
                per_second: 5.0,
                ca_file: settings.ca_file.clone(),
            })?;
            self.expect_channel(smtp.name(), "mail out by SMTP");
            self.connect(Arc::new(smtp));
        }
        if !settings.mail_imap_url.is_empty() {
            let own = settings.mail_from.rsplit('<').next().unwrap_or_default().trim_end_matches('>').trim();
            let imap = Imap::new(ImapSettings {
                url: settings.mail_imap_url.clone(),
                user: settings.mail_imap_user.clone(),
                password: settings.mail_imap_password.clone(),
                own: OwnAddress(own.to_lowercase()),
                poll_s: 30,
                tls: tls.clone(),
            })?;
            tasks.push(Box::pin(imap.run(self.clone())));
        }
        Ok(())
    }

    fn start_webhooks(&self, settings: &Settings, tls: &Arc<rustls::ClientConfig>) -> Result<(), Error> {
        let mut places = BTreeMap::new();
        for pair in settings.webhooks.split_ascii_whitespace() {
            let (name, address) = pair
                .split_once('=')
                .ok_or_else(|| Error::configuration("webhooks", format!("`{pair}` is not name=https://…")))?;
            places.insert(name.to_owned(), address.to_owned());
        }
        if places.is_empty() {
            return Ok(());
        }
        let settings = WebhookSettings { places, secret: settings.webhook_secret.clone(), tls: tls.clone() };
        self.connect(Arc::new(Webhook::new(settings, self.clone())?));
        Ok(())
    }

    fn start_mqtt(
        &self,
        settings: &Settings,
        tls: &Arc<rustls::ClientConfig>,
        tasks: &mut Vec<Task>,
    ) -> Result<(), Error> {
        if settings.mqtt_url.is_empty() {
            return Ok(());
        }
        let mqtt = Arc::new(Mqtt::new(MqttSettings {
            url: settings.mqtt_url.clone(),
            client_id: "vigie".to_owned(),
            user: settings.mqtt_user.clone(),
            password: settings.mqtt_password.clone(),
            topics: settings.mqtt_topics.split_ascii_whitespace().map(str::to_owned).collect(),
            send_topic: settings.mqtt_send_topic.clone(),
            tls: tls.clone(),
        })?);
        if mqtt.sends() {
            self.connect(mqtt.clone());
        }
        tasks.push(Box::pin(mqtt.run(self.clone())));
        Ok(())
    }

    async fn start_cot(
        &self,
        settings: &Settings,
        tls: &Arc<rustls::ClientConfig>,
        tasks: &mut Vec<Task>,
    ) -> Result<(), Error> {
        let server = Some(settings.cot_server.clone()).filter(|server| !server.is_empty());
        if server.is_none() && settings.cot_listen.is_none() && settings.cot_tls_listen.is_none() {
            return Ok(());
        }
        let open = bind("cot_listen", settings.cot_listen).await?;
        let door = settings.cot_tls_listen.map(|_| Door::open(&settings.cot_door)).transpose()?;
        let guarded = bind("cot_tls_listen", settings.cot_tls_listen).await?;
        let call_sign = settings.cot_call_sign.clone();
        let cot = Cot::new(CotSettings { door, server, call_sign, tls: tls.clone() })?;
        let cot = Arc::new(cot);
        self.connect(cot.clone());
        tasks.push(Box::pin(cot.run(self.clone(), open, guarded)));
        Ok(())
    }

    async fn start_receivers(&self, settings: &Settings, tasks: &mut Vec<Task>) -> Result<(), Error> {
        if let Some(listener) = bind("iridium_listen", settings.iridium_listen).await? {
            tasks.push(Box::pin(run_directip(self.clone(), listener, settings.iridium_confirm)));
        }
        if !settings.nmea.is_empty() {
            let receiver = ReceiverSettings { place: settings.nmea.clone(), device: settings.nmea_device.clone() };
            let courier = self.clone();
            tasks.push(Box::pin(async move {
                if let Err(error) = run_receiver(courier, receiver).await {
                    tracing::error!(%error, "the own receiver is not listened to");
                }
            }));
        }
        Ok(())
    }
}

/// The words of a list; `None`: it is empty.
fn listed(text: &str) -> Option<BTreeSet<String>> {
    let words: BTreeSet<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

async fn bind(key: &'static str, address: Option<SocketAddr>) -> Result<Option<TcpListener>, Error> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|error| Error::configuration(key, format!("listening on {address}: {error}")))
}
