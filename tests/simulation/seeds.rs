//! Many seeds, one seed again, and the same seed twice.

use super::run::{Outcome, run};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Says everything about a seed that breaks an invariant.
fn tell(seed: u64, outcome: &Outcome) -> String {
    let again = run(seed, true);
    let breach = outcome.breach.as_ref().unwrap();
    format!(
        "{}\nseed {seed} breaks {}: {}\nSIM_SEED={seed} cargo test --test simulation -- replay --nocapture\n",
        again.text, breach.invariant, breach.what
    )
}

#[test]
fn no_seed_breaks_an_invariant() {
    let (from, count) = (number("SIM_FROM").unwrap_or(1), number("SIM_SEEDS").unwrap_or(300));
    let most = usize::try_from(number("SIM_SHOW").unwrap_or(1)).unwrap();
    let mut broken = Vec::new();
    let mut events = 0;
    for seed in from..from + count {
        let outcome = run(seed, false);
        events += outcome.events;
        if let Some(breach) = &outcome.breach {
            println!("seed {seed}: {}: {}", breach.invariant, breach.what.chars().take(300).collect::<String>());
            broken.push((seed, outcome));
            if broken.len() >= most {
                break;
            }
        }
    }
    println!("{count} seeds, {events} events");
    if let Some((seed, outcome)) = broken.first() {
        panic!("{}", tell(*seed, outcome));
    }
}

#[test]
fn a_seed_is_the_same_history_every_time() {
    for seed in 1..20 {
        let (first, second) = (run(seed, false), run(seed, false));
        assert_eq!((first.digest, first.events), (second.digest, second.events), "seed {seed}");
    }
}

/// Prints the history of `SIM_SEED`.
#[test]
fn replay() {
    let seed = number("SIM_SEED").unwrap_or(1);
    let outcome = run(seed, true);
    println!("{}", outcome.text);
    if outcome.breach.is_some() {
        panic!("{}", tell(seed, &outcome).lines().rev().take(3).collect::<Vec<_>>().join("\n"));
    }
}
