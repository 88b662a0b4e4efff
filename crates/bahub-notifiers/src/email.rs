//! E-mail, by SMTP (RFC 5321).

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError, NotifyErrorKind};
use bahub_core::registry::{Component, SpecError};
use bahub_core::secret::Secret;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use schemars::JsonSchema;
use serde::Deserialize;

/// How long a server may take for one command.
const ANSWER: Duration = Duration::from_secs(20);

/// People with an address.
pub(crate) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    server: String,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email").field("server", &self.server).field("to", &self.to).finish_non_exhaustive()
    }
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailConfig {
    /// The SMTP server.
    #[schemars(length(min = 1))]
    host: String,
    /// The port; by default 587 with `starttls`, 465 with `implicit`, 25 with `none`.
    port: Option<u16>,
    /// How the connection is encrypted.
    #[serde(default)]
    tls: Encryption,
    /// The user to log in as; without it nobody logs in.
    user: Option<String>,
    /// The user's password.
    password: Option<Secret>,
    /// The sender, for example `bahub <backups@example.org>`.
    from: String,
    /// The recipients.
    #[schemars(length(min = 1))]
    to: Vec<String>,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Encryption {
    /// TLS after a plain greeting (RFC 3207); required, never skipped.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// None: for a server on this host. Nobody can log in.
    None,
}

impl Component for Email {
    const TYPE: &'static str = "bahub.notifiers.email";
    const ALIASES: &'static [&'static str] = &["email"];
    const SUMMARY: &'static str = "E-mail, by SMTP with TLS";
    const EXAMPLE: &'static str = "\
# The SMTP server.
host: mail.example.org
# starttls (port 587), implicit (465), or none (25) for a server on this host.
tls: starttls
user: backups@example.org
password: ${SMTP_PASSWORD}
from: bahub <backups@example.org>
to: [admin@example.org]
";
    type Config = EmailConfig;
    type Context = ();

    fn from_config(config: EmailConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        let EmailConfig { host, port, tls, user, password, from, to } = config;
        let mailbox = |pointer: String, text: &str| -> Result<Mailbox, SpecError> {
            text.parse().map_err(|error| {
                let error = SpecError::new(pointer, format!("\"{text}\" is no e-mail address: {error}"));
                error.with_help("write backups@example.org, or bahub <backups@example.org>")
            })
        };
        let mut errors = Vec::new();
        let from = mailbox("/from".into(), &from).map_err(|error| errors.push(error)).ok();
        let to: Vec<_> = (0..)
            .zip(&to)
            .filter_map(|(index, to): (usize, _)| {
                mailbox(format!("/to/{index}"), to).map_err(|error| errors.push(error)).ok()
            })
            .collect();
        let login = match (user, password) {
            (None, None) => None,
            (Some(user), Some(password)) => Some(Credentials::new(user, password.expose().to_owned())),
            _ => {
                errors.push(SpecError::new("", "a login is \"user\" and \"password\""));
                None
            }
        };
        if login.is_some() && tls == Encryption::None {
            let error = SpecError::new("/tls", "a password is not sent without encryption");
            errors.push(error.with_help("set tls to starttls or implicit, or remove user and password"));
        }
        let encryption = encryption(tls, &host).map_err(|error| errors.push(error)).ok();
        let (Some(from), Some(encryption), true) = (from, encryption, errors.is_empty()) else { return Err(errors) };
        let port = port.unwrap_or(match tls {
            Encryption::Starttls => 587,
            Encryption::Implicit => 465,
            Encryption::None => 25,
        });
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host)
            .port(port)
            .tls(encryption)
            .timeout(Some(ANSWER));
        if let Some(login) = login {
            transport = transport.credentials(login);
        }
        Ok(Self { transport: transport.build(), server: format!("{host}:{port}"), from, to })
    }
}

fn encryption(tls: Encryption, host: &str) -> Result<Tls, SpecError> {
    if tls == Encryption::None {
        return Ok(Tls::None);
    }
    let parameters = TlsParameters::new(host.to_owned())
        .map_err(|error| SpecError::new("/host", format!("TLS cannot be set up for \"{host}\": {error}")))?;
    Ok(if tls == Encryption::Starttls { Tls::Required(parameters) } else { Tls::Wrapper(parameters) })
}

#[async_trait]
impl Notifier for Email {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(notification.title.replace(['\r', '\n'], " "))
            .header(header::ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        let message = message.body(notification.body.clone()).map_err(|error| {
            NotifyError::new(NotifyErrorKind::Refused, "the e-mail cannot be written").with_source(error)
        })?;
        self.transport.send(message).await.map(drop).map_err(|error| {
            let kind = if error.is_permanent() { NotifyErrorKind::Refused } else { NotifyErrorKind::Temporary };
            NotifyError::new(kind, format!("{} did not take the e-mail", self.server)).with_source(error)
        })
    }
}
