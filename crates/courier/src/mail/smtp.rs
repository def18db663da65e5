//! Mail out.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use kernel::message::Means;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::write::write;
use super::{Encryption, place};
use crate::channel::{Channel, Limits, Outcome, Piece};
use crate::error::Error;
use crate::outgoing::Outgoing;

/// The name of the channel.
pub const MAIL: &str = "mail";
const ANSWER: Duration = Duration::from_secs(60);

/// Where and as whom.
#[derive(Clone)]
pub struct SmtpSettings {
    /// `smtps://host`, `smtp://host` with STARTTLS, or `smtp://host?tls=none`.
    pub url: String,
    /// Empty: without login.
    pub user: String,
    pub password: String,
    /// `Radio room <radio@una.example>`.
    pub from: String,
    pub per_second: f64,
    /// Roots besides those of the machine.
    pub ca_file: Option<PathBuf>,
}

/// The channel.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    per_second: f64,
}

impl Smtp {
    /// Reads the settings; connects when something is sent.
    ///
    /// # Errors
    /// [`Error::Configuration`] names what cannot be used.
    pub fn new(settings: &SmtpSettings) -> Result<Smtp, Error> {
        let place =
            place(&settings.url, "smtp", 465, 587).map_err(|problem| Error::configuration("mail_smtp_url", problem))?;
        let from: Mailbox = settings.from.parse().map_err(|error| {
            Error::configuration("mail_from", format!("`{}` is not a mail address: {error}", settings.from))
        })?;
        let tls = match place.encryption {
            Encryption::None => Tls::None,
            Encryption::Wrapped => Tls::Wrapper(parameters(&place.host, settings)?),
            Encryption::Upgraded => Tls::Required(parameters(&place.host, settings)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&place.host)
            .port(place.port)
            .tls(tls)
            .timeout(Some(ANSWER));
        if !settings.user.is_empty() {
            builder = builder.credentials(Credentials::new(settings.user.clone(), settings.password.clone()));
        }
        Ok(Smtp { transport: builder.build(), from, per_second: settings.per_second })
    }
}

fn parameters(host: &str, settings: &SmtpSettings) -> Result<TlsParameters, Error> {
    let refuse = |problem: String| Error::configuration("ca_file", problem);
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = &settings.ca_file {
        let pem = std::fs::read(path).map_err(|error| refuse(format!("{}: {error}", path.display())))?;
        let root = Certificate::from_pem(&pem).map_err(|error| refuse(format!("{}: {error}", path.display())))?;
        builder = builder.add_root_certificate(root);
    }
    builder.build().map_err(|error| refuse(error.to_string()))
}

#[async_trait]
impl Channel for Smtp {
    fn name(&self) -> &str {
        MAIL
    }

    fn means(&self) -> Means {
        Means::Email
    }

    fn limits(&self) -> Limits {
        Limits { per_second: self.per_second, at_once: 4 }
    }

    async fn send(&self, message: &Outgoing, _taken: &[Piece]) -> Outcome {
        let mail = match write(message, &self.from) {
            Ok(mail) => mail,
            Err(problem) => return Outcome::Refused { problem },
        };
        match self.transport.send(mail).await {
            // A server says no more than that it took it; a bounce names our id.
            Ok(_) => {
                let pieces = vec![Piece { number: 1, total: 1, provider_id: message.id.to_string() }];
                Outcome::Accepted { pieces, receipts_follow: false }
            }
            Err(error) => refusal(&error),
        }
    }
}

fn refusal(error: &lettre::transport::smtp::Error) -> Outcome {
    let mut problem = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        problem = format!("{problem}: {deeper}");
        cause = deeper.source();
    }
    // 530 to 538 are about our login: the operator mends that, the message waits.
    let code = error.status().map(|code| code.to_string().parse::<u16>().unwrap_or_default());
    let about_login = code.is_some_and(|code| (530..=538).contains(&code));
    if error.is_permanent() && !about_login {
        return Outcome::Refused { problem };
    }
    Outcome::failed(problem)
}
