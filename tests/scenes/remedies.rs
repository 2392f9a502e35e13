//! Remedies, done as a person would who pastes what stands there.

use std::process::{Command, Stdio};

use crate::play::{Scene, Stage, played};
use crate::support::text;

/// The commands in the remedies of the breaks that are open.
fn commands(stage: &Stage) -> Vec<String> {
    let Some(last) = stage.last() else { return Vec::new() };
    let told = last.list("breaks").iter().map(|it| format!("{} {}", text(&it["message"]), text(&it["remedy"])));
    let mut found = Vec::new();
    for words in told {
        let quoted = words.split('`').skip(1).step_by(2).map(str::to_owned);
        for command in quoted.filter(|it| it.starts_with("reconciled ")) {
            if !found.contains(&command) {
                found.push(command);
            }
        }
    }
    found
}

/// A word that stands for another one cannot be pasted.
fn placeholder(command: &str) -> Option<&str> {
    let stands_for = |word: &&str| {
        let word = word.trim_matches(|it: char| "\"'".contains(it));
        let name = word.len() > 1 && word.chars().all(|it| it.is_ascii_uppercase() || it == '-' || it == '_');
        name || word.contains('<') || word.contains('…') || word.contains("...") || word.contains('{')
    };
    command.split([' ', '=']).find(stands_for)
}

/// Whether a command only looks.
fn looks(command: &str) -> bool {
    let words: Vec<&str> = command.split(' ').collect();
    matches!(words.get(1), Some(&"show" | &"explain" | &"check" | &"report" | &"reconcile" | &"audit" | &"config"))
        || matches!(words.as_slice(), [_, "breaks", "show" | "list", ..])
}

/// Runs a line in a shell, in the rig's directory, with the program on its path.
fn paste(stage: &Stage, line: &str) -> (i32, String) {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_reconciled"));
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().env("PATH", program.parent().unwrap()).env("USER", "tester").env("TERM", "dumb");
    shell.current_dir(stage.rig.path(".")).arg("-c").arg(line).stdin(Stdio::null());
    let output = shell.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

/// What is wrong with what `explain` says of the breaks that are open.
fn explained(stage: &Stage) -> Vec<String> {
    let Some(last) = stage.last() else { return Vec::new() };
    let mut found = Vec::new();
    for id in last.list("breaks").iter().map(|it| text(&it["id"])) {
        let (status, said) = paste(stage, &format!("reconciled explain {id}"));
        if status != 0 {
            found.push(format!("`explain {id}` ended with {status}: {said}"));
        }
        let commands = said.split('`').skip(1).step_by(2).filter(|it| it.starts_with("reconciled "));
        let wrong = commands.filter_map(|it| placeholder(it).map(|word| format!("`{it}`: what is `{word}`?")));
        found.extend(wrong.map(|what| format!("`explain {id}` shows {what}")));
    }
    found
}

/// What is wrong with the remedies of a scene that was just played: each decision is made on a stage of its own.
pub fn followed(scene: &Scene, stage: Stage) -> Vec<String> {
    let mut found = explained(&stage);
    let lines = commands(&stage);
    let mut fresh = Some(stage);
    for (at, line) in lines.iter().enumerate() {
        if let Some(word) = placeholder(line) {
            found.push(format!("`{line}` cannot be pasted: what is `{word}`?"));
            continue;
        }
        let on = match fresh.take().map_or_else(|| played(scene), Ok) {
            Ok(stage) => stage,
            Err(why) => {
                found.push(format!("broke off before a remedy: {why}"));
                continue;
            }
        };
        let now = commands(&on);
        let Some(line) = now.get(at) else {
            found.push(format!("`{line}` was not printed the second time: {now:?}"));
            continue;
        };
        let (status, said) = paste(&on, line);
        if status == 2 || (status != 0 && !looks(line)) {
            found.push(format!("`{line}` ended with {status}: {said}"));
        }
        if looks(line) {
            // Nothing was decided: the stage serves the next one.
            fresh = Some(on);
            continue;
        }
        on.settle();
        found.extend(moved_twice(&on, line).into_iter().map(|what| format!("after `{line}`: {what}")));
    }
    found
}

/// What a command says that no credit invoice explains, in cents.
fn goodwill(line: &str) -> i64 {
    let amount = line.split(' ').find_map(|word| word.strip_prefix("nothing="));
    amount.map_or(0, |amount| amount.replace('.', "").parse().unwrap())
}

/// More refunded than captured, a credit invoice refunded above its amount, or one refunded by hand and by us.
fn moved_twice(stage: &Stage, line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (shops, klarna) = stage.rig.with(|world| (world.all_shop_truth(), world.all_klarna_truth()));
    for order in klarna {
        if order.refunded_amount > order.captured_amount {
            found.push(format!("{}: refunded {} of {}", order.order_id, order.refunded_amount, order.captured_amount));
        }
        let Some(shop) = shops.iter().find(|it| it.attempts.contains(&order.order_id)) else { continue };
        let credits: Vec<_> = shop.invoices.iter().filter(|it| it.is_credit).collect();
        let ours = order.refunds.iter().filter(|it| it.idempotency_key.is_some());
        let (mut by_us, mut by_hand) = (0, 0);
        for refund in &order.refunds {
            if refund.idempotency_key.is_some() {
                by_us += refund.amount;
            } else {
                by_hand += refund.amount;
            }
        }
        for credit in &credits {
            let sum: i64 =
                ours.clone().filter(|it| it.reference.as_ref() == Some(&credit.number)).map(|it| it.amount).sum();
            let of: i64 = credits.iter().filter(|it| it.number == credit.number).map(|it| it.total.abs() / 100).sum();
            if sum > of {
                found.push(format!("{}: {sum} refunded of {of}", credit.number));
            }
        }
        let owed: i64 = credits.iter().map(|it| it.total.max(0) / 100).sum();
        let owed = if shop.status == "cancelled" { owed.max(order.captured_amount) } else { owed };
        // Somebody who says that a refund by hand, or a part of it, is for something else is believed.
        let counted = if line.starts_with("reconciled ignore ") { 0 } else { by_hand - goodwill(line) };
        if by_us > 0 && by_us + counted > owed.max(counted) {
            found.push(format!("{}: {by_us} by us beside {by_hand} by hand, {owed} owed", shop.number));
        }
    }
    found
}
