//! `reconciled init`: from nothing to a checked configuration.
//!
//! Asks on a terminal for what no option gave; elsewhere everything has to be given, and what is missing is said at
//! once. A secret is never an option's value: those show in the list of processes. Nothing is written before everything
//! is known, nothing that is there is overwritten unasked, and `act` stays false.

mod answers;
pub(super) mod files;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::Status;
use super::check::Check;
use super::context::Context;
use super::error::CliError;
use crate::config;
use crate::config::draft::{Draft, Field, SECRETS};
use crate::report::text::plain;
use answers::Answers;

#[derive(Debug, Args)]
#[command(after_help = "\
Writes the configuration to --config FILE [default: /etc/reconciled/config.toml] and the four secrets into files of
mode 0600 beside it, for the shop named with --shop [default: main]; then runs `reconciled check`. Asks on a terminal
for whatever is not given. Begin with Klarna's playground. In the package's own place, root's `init` leaves the files
as the unit needs them, and replaces the example that the package put there.

Exit status: that of `check`, or 2 when something is missing, wrong or already there.

Examples:
  reconciled init
  reconciled --config reconciled.toml init --cluster eu1 --language nl --environment playground --secrets-stdin < secrets
  reconciled init --systemd-credentials")]
pub struct Init {
    /// Lightspeed's cluster: eu1 or us1
    #[arg(long, value_name = "CLUSTER", value_parser = |text: &str| Field::Cluster.check(text))]
    cluster: Option<String>,
    /// An active language of the shop, such as nl
    #[arg(long, value_name = "LANGUAGE", value_parser = |text: &str| Field::Language.check(text))]
    language: Option<String>,
    /// Klarna's environment: playground or production
    #[arg(long, value_name = "ENVIRONMENT", value_parser = |text: &str| Field::Environment.check(text))]
    environment: Option<String>,
    /// Klarna's region: eu, na or oc [default: eu]
    #[arg(long, value_name = "REGION", value_parser = |text: &str| Field::Region.check(text))]
    region: Option<String>,
    /// The durable state [default: under /var/lib/reconciled for a configuration in /etc, else beside it]
    #[arg(long, value_name = "URL", value_parser = |text: &str| Field::Store.check(text))]
    store: Option<String>,
    #[command(flatten)]
    secrets: SecretArgs,
    /// The sandbox instead of Lightspeed; an address of this machine
    #[arg(long, value_name = "URL", value_parser = |text: &str| Field::BaseUrl.check(text))]
    lightspeed_url: Option<String>,
    /// The sandbox instead of Klarna; an address of this machine
    #[arg(long, value_name = "URL", value_parser = |text: &str| Field::BaseUrl.check(text))]
    klarna_url: Option<String>,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
}

/// Where the secrets come from, and where they go.
#[derive(Debug, Args)]
struct SecretArgs {
    /// A file with the Lightspeed API key
    #[arg(long, value_name = "FILE")]
    lightspeed_key_file: Option<PathBuf>,
    /// A file with the Lightspeed API secret
    #[arg(long, value_name = "FILE")]
    lightspeed_secret_file: Option<PathBuf>,
    /// A file with Klarna's username (UID)
    #[arg(long, value_name = "FILE")]
    klarna_username_file: Option<PathBuf>,
    /// A file with Klarna's password
    #[arg(long, value_name = "FILE")]
    klarna_password_file: Option<PathBuf>,
    /// Read the four secrets from stdin, one line each: API key, API secret, username, password
    #[arg(long, conflicts_with_all = [
        "lightspeed_key_file", "lightspeed_secret_file", "klarna_username_file", "klarna_password_file",
    ])]
    secrets_stdin: bool,
    /// Store no secret; print how to make systemd credentials of them
    #[arg(long, conflicts_with_all = [
        "lightspeed_key_file", "lightspeed_secret_file", "klarna_username_file", "klarna_password_file", "secrets_stdin",
    ])]
    systemd_credentials: bool,
}

impl SecretArgs {
    /// In the order of [`SECRETS`].
    fn files(&self) -> [Option<&Path>; 4] {
        [
            self.lightspeed_key_file.as_deref(),
            self.lightspeed_secret_file.as_deref(),
            self.klarna_username_file.as_deref(),
            self.klarna_password_file.as_deref(),
        ]
    }
}

impl Init {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let path = context.global.config.clone().unwrap_or_else(|| PathBuf::from(config::PLACES[0]));
        let shop = context.global.shop.clone().unwrap_or_else(|| "main".to_owned());
        let shop = Field::Shop.check(&shop).map_err(|why| CliError::Usage(format!("--shop: {why}")))?;
        let secret_files = files::beside(&path, &shop);
        let config = [&path].into_iter().filter(|path| !files::is_example(path));
        let beside = secret_files.iter().filter(|_| !self.secrets.systemd_credentials);
        let places: Vec<&Path> = config.chain(beside).map(PathBuf::as_path).collect();
        files::refuse_what_is_there(&places, self.force)?;
        let Answers { mut draft, secrets } = answers::gather(&self, &path, shop).await?;
        let group = files::services_group(&path);
        draft.secret_files &= group.is_none();
        let text = draft.text();
        let (_, problems) = config::parse(&path, &text);
        if !problems.is_empty() {
            return Err(config::ConfigError::Problems(problems).into());
        }
        let secrets: Vec<(&Path, &SecretString)> =
            secret_files.iter().map(PathBuf::as_path).zip(secrets.iter()).collect();
        files::write(&path, &text, group, &secrets, self.force)?;
        for (file, _) in &secrets {
            context.say(&format!("wrote {}, readable by its owner only", files::shown(file)));
        }
        context.say(&format!("wrote {}; act = false: nothing is written to either side", files::shown(&path)));
        if self.secrets.systemd_credentials {
            credentials(context, &draft)?;
            return Ok(Status::AGREES);
        }
        let checked = match group {
            None => Check::plain().run_on(context, Some(&path)).await,
            Some(_) => Check::plain().run_on(&context.with_credentials_beside(&path), Some(&path)).await,
        };
        if group.is_some() {
            context.say(&how_the_unit_takes_over(&draft));
        }
        checked
    }
}

/// What to do in the package's own place, where the unit hands the files beside the configuration over as credentials.
fn how_the_unit_takes_over(draft: &Draft) -> String {
    let shops = match draft.shop.as_str() {
        "main" => "",
        _ => "give the unit the shop's four credentials first (shop.conf among the package's examples), then ",
    };
    format!(
        "next, as root: {shops}systemctl start reconciled-once (one pass), systemctl enable --now reconciled (the \
         service)\nto check again: CREDENTIALS_DIRECTORY=/etc/reconciled reconciled check"
    )
}

/// How the secrets become credentials that only this machine can read, and only the service is given.
fn credentials(context: &Context, draft: &Draft) -> Result<(), CliError> {
    let mut out = context.stdout();
    writeln!(
        out,
        "Make the credentials, as root; each line asks for one secret:\n\n  mkdir -p /etc/credstore.encrypted"
    )?;
    let named = SECRETS.map(|(short, words)| (format!("{}.{short}", draft.shop), words));
    for (name, words) in &named {
        writeln!(
            out,
            "  systemd-ask-password '{words}' | systemd-creds encrypt --name={name} - /etc/credstore.encrypted/{name}"
        )?;
    }
    writeln!(out, "\nGive them to the service (`systemctl edit` its unit):\n\n  [Service]")?;
    for (name, _) in &named {
        writeln!(out, "  LoadCredentialEncrypted={name}:/etc/credstore.encrypted/{name}")?;
    }
    let config = plain(&context.global.config.as_deref().unwrap_or(Path::new(config::PLACES[0])).display().to_string());
    writeln!(out, "\nOnly the unit can read them, so check from a unit with the same lines:\n")?;
    let properties =
        named.iter().map(|(name, _)| format!("-p LoadCredentialEncrypted={name}:/etc/credstore.encrypted/{name}"));
    writeln!(
        out,
        "  systemd-run --pipe --wait {} reconciled --config {config} check",
        properties.collect::<Vec<_>>().join(" ")
    )?;
    Ok(out.flush()?)
}
