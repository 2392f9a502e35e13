//! Everything `init` has to know: from its options, else from the person at the terminal.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use secrecy::SecretString;

use super::Init;
use crate::cli::error::CliError;
use crate::cli::terminal::{self, Shown};
use crate::config::draft::{Draft, Field, SECRETS};
use crate::config::secrets;

/// Four secrets of at most four kilobytes each.
const LONGEST_INPUT: u64 = 4 * 4096;

pub(super) struct Answers {
    pub(super) draft: Draft,
    /// In the order of [`SECRETS`]; none with systemd's credentials.
    pub(super) secrets: Vec<SecretString>,
}

/// One value: its field, what its option is called, how it is asked for, and what is meant by no answer.
struct Question {
    field: Field,
    option: &'static str,
    words: &'static str,
    standard: Option<String>,
}

pub(super) async fn gather(init: &Init, path: &Path, shop: String) -> Result<Answers, CliError> {
    let asks = std::io::stdin().is_terminal() && !init.secrets.secrets_stdin;
    let given = [&init.cluster, &init.language, &init.environment, &init.region, &init.store];
    let questions = questions(path);
    if !asks {
        refuse_what_is_missing(init, &questions, &given)?;
    }
    let mut values = Vec::with_capacity(questions.len());
    for (question, given) in questions.iter().zip(given) {
        values.push(match (given, &question.standard) {
            (Some(given), _) => given.clone(),
            (None, Some(standard)) if !asks => standard.clone(),
            (None, _) => question.ask().await?,
        });
    }
    let secrets = gather_secrets(init).await?;
    let [cluster, language, environment, region, store] = <[String; 5]>::try_from(values)
        .map_err(|_| CliError::Usage("there is a question without an answer".to_owned()))?;
    let draft = Draft {
        shop,
        cluster,
        language,
        environment,
        region,
        store,
        lightspeed_url: init.lightspeed_url.clone(),
        klarna_url: init.klarna_url.clone(),
        secret_files: !init.secrets.systemd_credentials,
    };
    Ok(Answers { draft, secrets })
}

fn questions(path: &Path) -> [Question; 5] {
    let in_etc = path.starts_with("/etc");
    let store = if in_etc { "sqlite:///var/lib/reconciled/reconciled.db" } else { "sqlite:reconciled.db" };
    let question = |field, option, words, standard: Option<&str>| Question {
        field,
        option,
        words,
        standard: standard.map(str::to_owned),
    };
    [
        question(Field::Cluster, "--cluster", "Lightspeed cluster, eu1 or us1", None),
        question(Field::Language, "--language", "An active language of the shop, such as nl", None),
        question(Field::Environment, "--environment", "Klarna environment, playground or production", None),
        question(Field::Region, "--region", "Klarna region, eu, na or oc", Some("eu")),
        question(Field::Store, "--store", "Where the durable state lives", Some(store)),
    ]
}

/// Without anybody to ask, everything that is missing is said at once.
fn refuse_what_is_missing(init: &Init, questions: &[Question], given: &[&Option<String>]) -> Result<(), CliError> {
    let missing =
        questions.iter().zip(given).filter(|(question, given)| given.is_none() && question.standard.is_none());
    let mut missing: Vec<String> = missing.map(|(question, _)| question.option.to_owned()).collect();
    if !init.secrets.secrets_stdin && !init.secrets.systemd_credentials {
        let files = SECRETS.iter().zip(init.secrets.files()).filter(|(_, file)| file.is_none());
        missing.extend(files.map(|((short, _), _)| format!("--{short}-file")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(CliError::Usage(format!(
        "nobody can be asked, because stdin is no terminal; missing: {missing} (or --secrets-stdin for the secrets)"
    )))
}

impl Question {
    /// Asks until the answer is allowed.
    async fn ask(&self) -> Result<String, CliError> {
        let words = match &self.standard {
            Some(standard) => format!("{} [{standard}]", self.words),
            None => self.words.to_owned(),
        };
        loop {
            let answer = terminal::ask(&words, Shown::Yes).await?;
            let answer = match &self.standard {
                Some(standard) if answer.trim().is_empty() => standard.clone(),
                Some(_) | None => answer,
            };
            match self.field.check(&answer) {
                Ok(answer) => return Ok(answer),
                Err(why) => anstream::eprintln!("  {why}"),
            }
        }
    }
}

async fn gather_secrets(init: &Init) -> Result<Vec<SecretString>, CliError> {
    if init.secrets.systemd_credentials {
        return Ok(Vec::new());
    }
    if init.secrets.secrets_stdin {
        return from_stdin();
    }
    let mut found = Vec::with_capacity(SECRETS.len());
    for ((short, words), file) in SECRETS.into_iter().zip(init.secrets.files()) {
        let is_user = is_user(short);
        found.push(match file {
            Some(file) => secrets::from_file(file, is_user).map_err(CliError::Usage)?,
            None => ask_secret(words, is_user).await?,
        });
    }
    Ok(found)
}

async fn ask_secret(words: &str, is_user: bool) -> Result<SecretString, CliError> {
    loop {
        let typed = terminal::ask(&format!("{words} (not shown)"), Shown::No).await?;
        match secrets::from_text(&typed, words, is_user) {
            Ok(secret) => return Ok(secret),
            Err(why) => anstream::eprintln!("  {why}"),
        }
    }
}

fn from_stdin() -> Result<Vec<SecretString>, CliError> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST_INPUT).read_to_string(&mut text)?;
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() != SECRETS.len() {
        let names = SECRETS.map(|(_, words)| words).join(", ");
        return Err(CliError::Usage(format!("stdin has {} lines; it must have one each for: {names}", lines.len())));
    }
    let read = SECRETS.into_iter().zip(lines);
    read.map(|((short, words), line)| secrets::from_text(line, words, is_user(short)).map_err(CliError::Usage))
        .collect()
}

/// What HTTP sends as the user may not contain a colon.
fn is_user(short: &str) -> bool {
    matches!(short, "lightspeed-key" | "klarna-username")
}
