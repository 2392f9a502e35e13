//! A command gets the digest on its standard input and a limited time.
//!
//! It is started as it is written, by no shell, with nothing of this program's environment but a search path: secrets
//! may be in there. What it prints is thrown away.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::NotifyError;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) async fn run(words: &[String], input: Vec<u8>, limit: Duration) -> Result<(), NotifyError> {
    let mut words = words.iter();
    let program = words.next().map(String::as_str).unwrap_or_default();
    let mut command = Command::new(program);
    command.args(words).env_clear().env("PATH", PATH).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A group of its own, so that what it starts ends with it.
    command.process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(NotifyError::NotStarted)?;
    let group = child.id();
    let ended = tokio::time::timeout(limit, feed(&mut child, &input)).await;
    let Ok(ended) = ended else {
        end(group);
        let _ = child.kill().await;
        return Err(NotifyError::TooSlow);
    };
    let status = ended.map_err(NotifyError::Lost)?;
    if status.success() { Ok(()) } else { Err(NotifyError::Ended(status)) }
}

async fn feed(child: &mut Child, input: &[u8]) -> std::io::Result<std::process::ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read says with its exit status whether it minds. Dropping it closes the pipe.
        let _ = stdin.write_all(input).await;
        let _ = stdin.shutdown().await;
    }
    child.wait().await
}

fn end(group: Option<u32>) {
    let pid = group.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // Gone already is as good as ended.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    async fn tell(command: &[&str], input: &str) -> Result<(), NotifyError> {
        run(&words(command), input.as_bytes().to_vec(), Duration::from_secs(20)).await
    }

    #[tokio::test]
    async fn a_command_gets_all_of_its_input_and_no_secret() {
        let place = tempfile::tempdir().unwrap();
        let (copy, environment) = (place.path().join("copy"), place.path().join("environment"));
        let long = "x".repeat(1 << 20);
        tell(&["/usr/bin/dd", &format!("of={}", copy.display()), "status=none"], &long).await.unwrap();
        assert_eq!(std::fs::read_to_string(copy).unwrap(), long);
        let script = format!("env > {}", environment.display());
        tell(&["/bin/sh", "-c", &script], "").await.unwrap();
        let environment = std::fs::read_to_string(environment).unwrap();
        assert!(
            environment.lines().all(|line| line.starts_with("PATH=")
                || line.starts_with("PWD=")
                || line.starts_with("SHLVL=")
                || line.starts_with("_=")
                || line.starts_with("OLDPWD=")),
            "{environment}"
        );
    }

    #[tokio::test]
    async fn a_command_that_fails_is_not_there_or_does_not_read_is_told_apart() {
        assert!(matches!(tell(&["/bin/false"], "x").await, Err(NotifyError::Ended(_))));
        assert!(matches!(tell(&["/nonexistent/tell"], "x").await, Err(NotifyError::NotStarted(_))));
        assert!(tell(&["/bin/true"], &"x".repeat(1 << 20)).await.is_ok());
    }

    #[tokio::test]
    async fn no_shell_reads_the_words() {
        let place = tempfile::tempdir().unwrap();
        let made = place.path().join("made");
        let word = format!("; touch {}", made.display());
        tell(&["/bin/echo", &word, "$(id)", "|", "&"], "").await.unwrap();
        assert!(!made.exists());
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_with_what_it_started() {
        let place = tempfile::tempdir().unwrap();
        let pid = place.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
        let hangs = run(&words(&["/bin/sh", "-c", &script]), Vec::new(), Duration::from_millis(500)).await;
        assert!(matches!(hangs, Err(NotifyError::TooSlow)));
        let Ok(started) = std::fs::read_to_string(&pid) else { return };
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", started.trim())).unwrap_or_default();
        // Ended, or about to be collected by whoever inherits it.
        for _ in 0..2000 {
            if state().is_empty() || state().contains(") Z ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it still runs: {}", state());
    }
}
