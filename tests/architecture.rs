//! The shape of the source: what a reviewer would have to remember is checked here instead.
//!
//! Each check is a function from one file to its breaches, and is itself held against a small bad snippet, so that
//! it can fail. A breach names the file, the line and the invariant with its reason.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "line numbers; a panic is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

struct File {
    /// From the package's root, with forward slashes.
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Lines of code: without comments, and with what stands in quotes blanked out.
    fn code(&self) -> Vec<(usize, String)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, bare(line))).collect()
    }

    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
}

/// A line without its comment and without the contents of its string literals.
fn bare(line: &str) -> String {
    let mut out = String::new();
    let mut letters = line.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if is_quoted => {
                letters.next();
            }
            '\'' if !is_quoted && is_char_literal(letters.clone()) => {
                letters.by_ref().skip_while(|inner| *inner == '\\').nth(1);
            }
            '"' => {
                is_quoted = !is_quoted;
                out.push('"');
            }
            '/' if !is_quoted && letters.peek() == Some(&'/') => break,
            _ if is_quoted => {}
            _ => out.push(letter),
        }
    }
    out
}

/// `'{'` is a literal, `'a` a lifetime.
fn is_char_literal(rest: impl Iterator<Item = char>) -> bool {
    let rest: Vec<char> = rest.take(3).collect();
    rest.first() == Some(&'\\') || rest.get(1) == Some(&'\'')
}

fn walk(folder: &str, ending: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(at) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&at) else { continue };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                waiting.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                files.push(File { path: name, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    files
}

fn sources() -> Vec<File> {
    walk("src", ".rs")
}

type Check = fn(&File) -> Vec<usize>;

fn holds(invariant: &str, files: &[File], check: Check) {
    assert!(!files.is_empty(), "nothing was looked at");
    let breach = |file: &File| check(file).into_iter().map(|line| format!("{}:{line}", file.path)).collect::<Vec<_>>();
    let found: Vec<String> = files.iter().flat_map(breach).collect();
    assert!(found.is_empty(), "{invariant}\n  {}", found.join("\n  "));
}

/// The check finds the bad snippet on its last line, and nothing in the good one.
fn can_fail(check: Check, path: &str, good: &str, bad: &str) {
    assert_eq!(check(&File::new(path, good)), Vec::<usize>::new(), "the good snippet");
    let found = check(&File::new(path, bad));
    assert!(!found.is_empty(), "the bad snippet passes");
}

fn lines_with(file: &File, is_bad: impl Fn(&str) -> bool) -> Vec<usize> {
    file.code().into_iter().filter(|(_, line)| is_bad(line)).map(|(number, _)| number).collect()
}

/// `word` stands in `line` with no letter, digit or underscore around it.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_none_or(|letter| !is_part(letter));
        let after = line[at + word.len()..].chars().next().is_none_or(|letter| !is_part(letter));
        before && after
    })
}

/// The modules of the crate that a line reaches into: `crate::{a, b::c}` gives `a` and `b`.
fn reaches(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let parts = group.split('}').next().unwrap_or_default().split(',');
            found.extend(parts.map(|part| part.trim().split("::").next().unwrap_or_default().to_owned()));
        } else {
            found.push(rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect());
        }
    }
    found
}

// Core is pure.

const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "rusqlite",
    "tracing",
    "serde",
    "serde_json",
    "axum",
    "hyper",
    "rustix",
    "rand",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "SystemTime",
    "Instant",
    "println",
    "eprintln",
    "Timestamp::now",
    "Zoned::now",
    "new_v4",
    "now_v7",
    "unsafe",
    "async",
    "static mut",
    "HashMap",
    "HashSet",
];

fn impurities(file: &File) -> Vec<usize> {
    let outside = |line: &str| reaches(line).iter().any(|module| module != "core");
    lines_with(file, |line| IMPURE.iter().any(|word| has_word(line, word)) || outside(line))
}

fn core() -> Vec<File> {
    sources().into_iter().filter(|file| file.is_in(&["src/core/"])).collect()
}

#[test]
fn core_is_pure_so_that_the_same_facts_always_give_the_same_plan() {
    let invariant = "src/core uses no clock, no I/O, no logging, no serde and nothing of the crate outside core: \
                     time, ids and policy are arguments, or a decision could not be replayed";
    holds(invariant, &core(), impurities);
    can_fail(impurities, "src/core/x.rs", "use crate::core::id::RefundId; // tokio", "use std::time::Instant;");
    can_fail(impurities, "src/core/x.rs", "let a = 1;", "use crate::{core::id, store};");
    can_fail(impurities, "src/core/x.rs", "let a = \"tracing\";", "    tracing::info!(\"x\");");
}

// Arrows run forward.

/// Where a file lies, and which modules of the crate it may not reach into.
const FORBIDDEN: &[(&str, &[&str], &[&str])] = &[
    ("src/core/", &[], &["report", "pass", "store", "klarna", "lightspeed", "config", "cli", "clock", "http"]),
    ("src/report/", &[], &["pass", "lightspeed", "klarna", "http", "cli"]),
    ("src/store/", &[], &["pass", "lightspeed", "klarna", "http", "cli", "config"]),
    ("src/lightspeed/", &[], &["klarna", "pass", "store", "cli", "config"]),
    ("src/klarna/", &[], &["lightspeed", "pass", "store", "cli", "config"]),
    ("src/pass/act", &["poll", "observe", "intend", "record"], &["cli", "config"]),
    ("src/pass/record", &["act", "poll", "observe", "intend"], &["cli", "config", "lightspeed", "klarna"]),
    ("src/pass/intend", &["act", "record", "poll"], &["cli", "config"]),
    ("src/pass/observe", &["act", "record", "intend"], &["cli", "config"]),
    ("src/pass/poll", &["act", "record", "intend"], &["cli", "config"]),
    ("src/pass/", &[], &["cli", "config"]),
];

/// A sibling module of the pass is reached as `super::act` or `crate::pass::act`.
fn backward_arrows(file: &File) -> Vec<usize> {
    lines_with(file, |line| {
        FORBIDDEN.iter().filter(|(folder, ..)| file.path.starts_with(folder)).any(|(_, siblings, modules)| {
            let sibling = |name: &&&str| {
                has_word(line, &format!("super::{name}"))
                    || has_word(line, &format!("pass::{name}"))
                    || line.contains("super::{") && has_word(line, name)
            };
            siblings.iter().any(|name| sibling(&name))
                || reaches(line).iter().any(|module| modules.contains(&module.as_str()))
        })
    })
}

#[test]
fn arrows_run_forward_only_so_that_a_pass_can_be_read_from_top_to_bottom() {
    let invariant = "poll, observe, decide, intend, act, record, report: nothing reaches back, the two sides do not \
                     know each other, and what is pure or durable does not know who drives it";
    holds(invariant, &sources(), backward_arrows);
    can_fail(backward_arrows, "src/pass/act.rs", "use crate::klarna;", "use super::poll::Listed;");
    can_fail(backward_arrows, "src/pass/act.rs", "use super::Shop;", "use super::{Shop, poll};");
    can_fail(backward_arrows, "src/pass/record.rs", "use crate::store::Store;", "use crate::pass::act::send;");
    can_fail(backward_arrows, "src/core/plan.rs", "use crate::core::id;", "use crate::report::Outcome;");
    can_fail(backward_arrows, "src/klarna/dto.rs", "use crate::http::Request;", "use crate::lightspeed::dto;");
    can_fail(backward_arrows, "src/lightspeed/dto.rs", "use crate::core;", "use crate::{core, klarna};");
}

fn sandbox_leaks(file: &File) -> Vec<usize> {
    lines_with(file, |line| file.is_in(&["src/sandbox"]) && reaches(line).iter().any(|module| module != "sandbox"))
}

#[test]
fn the_sandbox_is_a_reading_of_its_own_so_that_a_misreading_shows() {
    let invariant = "src/sandbox uses nothing of the crate outside itself: were it to share the clients' types, both \
                     would be wrong in the same way";
    holds(invariant, &sources(), sandbox_leaks);
    can_fail(sandbox_leaks, "src/sandbox/klarna.rs", "use crate::sandbox::state;", "use crate::klarna::dto::Order;");
    can_fail(sandbox_leaks, "src/sandbox.rs", "use std::fmt;", "let a = crate::core::money::Minor::ZERO;");
}

fn environment_readers(file: &File) -> Vec<usize> {
    let may = file.is_in(&["src/config", "src/cli", "src/main.rs"]);
    let reads = ["env::var", "env::vars", "env::var_os", "std::env"];
    let asks = |line: &str| reads.iter().any(|word| has_word(line, word));
    lines_with(
        file,
        |line| if may { asks(line) && !file.is_in(&["src/config"]) && !is_harmless(line) } else { asks(line) },
    )
}

/// The arguments and whether colours are wanted concern the terminal, not the configuration.
fn is_harmless(line: &str) -> bool {
    has_word(line, "args_os") || has_word(line, "args") || line.contains("NO_COLOR") || line.contains("temp_dir")
}

#[test]
fn only_the_configuration_reads_the_environment_so_that_nothing_is_set_behind_its_back() {
    let invariant = "only src/config reads the environment: a value from anywhere else is neither validated nor shown \
                     by `check`";
    holds(invariant, &sources(), environment_readers);
    can_fail(environment_readers, "src/pass/mod.rs", "let env = 1;", "let a = std::env::var(\"A\");");
    can_fail(environment_readers, "src/cli/mod.rs", "std::env::args_os()", "std::env::var(\"A\")");
    assert!(environment_readers(&File::new("src/config.rs", "std::env::var(name)")).is_empty());
}

fn without_a_ban_on_unsafe(file: &File) -> Vec<usize> {
    if file.text.contains("#![forbid(unsafe_code)]") { Vec::new() } else { vec![1] }
}

#[test]
fn the_library_and_the_program_forbid_unsafe_code() {
    let roots: Vec<_> = sources().into_iter().filter(|it| ["src/lib.rs", "src/main.rs"].contains(&&*it.path)).collect();
    assert_eq!(roots.len(), 2);
    let invariant = "src/lib.rs and src/main.rs forbid unsafe code: Cargo.toml only denies it, because a test that plays \
                     a disk under SQLite has to write C functions";
    holds(invariant, &roots, without_a_ban_on_unsafe);
    can_fail(without_a_ban_on_unsafe, "src/lib.rs", "#![forbid(unsafe_code)]", "#![deny(unsafe_code)]");
}

fn clock_readers(file: &File) -> Vec<usize> {
    let clocks = ["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "clock_gettime", "Utc::now"];
    let may = file.is_in(&["src/clock"]);
    lines_with(file, |line| !may && clocks.iter().any(|word| has_word(line, word)))
}

#[test]
fn only_the_clock_reads_clocks_so_that_time_can_be_simulated() {
    let invariant = "only src/clock.rs reads a clock: everything else takes time as an argument, or no simulation could \
                     move it";
    holds(invariant, &sources(), clock_readers);
    can_fail(clock_readers, "src/pass/mod.rs", "let now = clock.now();", "let now = Timestamp::now();");
    assert!(clock_readers(&File::new("src/clock.rs", "Timestamp::now()")).is_empty());
}

// Small and spoken for.

fn without_an_introduction(file: &File) -> Vec<usize> {
    if file.text.starts_with("//!") { Vec::new() } else { vec![1] }
}

#[test]
fn every_module_says_what_it_is_and_what_it_never_does() {
    let files: Vec<_> = sources().into_iter().chain(walk("tests", ".rs")).collect();
    holds("every file begins with `//!`: a reader is told before they read", &files, without_an_introduction);
    can_fail(without_an_introduction, "src/x.rs", "//! Money.\n", "use std::fmt;\n");
}

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;

/// Lines up to the tests inside a file.
fn too_long(file: &File) -> Vec<usize> {
    let lines = file.text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
    if lines > FILE_LINES { vec![lines] } else { Vec::new() }
}

#[test]
fn files_stay_small_enough_to_be_read_in_one_sitting() {
    holds("a file has at most 400 lines, tests excluded: a longer one is about two things", &sources(), too_long);
    can_fail(too_long, "src/x.rs", &"a\n".repeat(400), &"a\n".repeat(401));
}

/// First lines of functions that are too long, by counting braces.
fn long_functions(file: &File) -> Vec<usize> {
    let code = file.code();
    let begins = |line: &str| has_word(line, "fn") && !line.trim_start().starts_with("//");
    let mut found = Vec::new();
    for (at, (number, line)) in code.iter().enumerate() {
        if begins(line) && length(&code[at..]) > FUNCTION_LINES {
            found.push(*number);
        }
    }
    found
}

/// How many lines the function takes that begins here; none when it has no body.
fn length(code: &[(usize, String)]) -> usize {
    let mut depth = 0_usize;
    for (count, (_, line)) in code.iter().enumerate() {
        for letter in line.chars() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 1 => return count + 1,
                '}' => depth = depth.saturating_sub(1),
                ';' if depth == 0 => return 0,
                _ => {}
            }
        }
    }
    0
}

#[test]
fn functions_stay_small_enough_to_be_seen_at_once() {
    holds("a function has at most 70 lines: what is longer hides a decision", &sources(), long_functions);
    let long = format!("fn a() {{\n{}}}\n", "    b('{', \"{\");\n".repeat(69));
    let short = format!("fn a() {{\n{}}}\n", "    b('{', \"{\");\n".repeat(68));
    can_fail(long_functions, "src/x.rs", &short, &long);
}

// Nothing half done.

fn leftovers(file: &File) -> Vec<usize> {
    let words = ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "XX".to_owned() + "X"];
    let calls = ["todo".to_owned() + "!(", "unimplemented".to_owned() + "!(", "dbg".to_owned() + "!("];
    let is_bad = |line: &str| {
        words.iter().any(|word| has_word(line, word)) || calls.iter().any(|call| line.contains(call.as_str()))
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| is_bad(line));
    lines.map(|(index, _)| index + 1).collect()
}

fn ignored_tests(file: &File) -> Vec<usize> {
    lines_with(file, |line| line.contains("#[ignore"))
}

#[test]
fn nothing_is_left_to_be_done_later() {
    let files: Vec<_> = sources().into_iter().chain(walk("tests", ".rs")).collect();
    holds("no marker of unfinished work is committed: what is missing is an issue", &files, leftovers);
    holds("no test is ignored: assert what is wrong, and say why", &files, ignored_tests);
    can_fail(leftovers, "src/x.rs", "// done", &format!("// {}: later", "TO".to_owned() + "DO"));
    can_fail(leftovers, "src/x.rs", "let a = 1;", &format!("{}a);", "dbg".to_owned() + "!("));
    can_fail(ignored_tests, "tests/x.rs", "#[test]", &format!("#[{}]", "ignore"));
}

// Money is exact, and words to the database are fixed.

const MONEY: &[&str] =
    &["src/core/", "src/lightspeed/", "src/klarna/", "src/store/", "src/pass/", "src/report/period/"];

fn floats(file: &File) -> Vec<usize> {
    lines_with(file, |line| file.is_in(MONEY) && (has_word(line, "f32") || has_word(line, "f64")))
}

#[test]
fn no_amount_ever_passes_through_a_binary_float() {
    let invariant = "no f32 or f64 where money passes: 44.95 is no binary fraction, and a cent lost is a break";
    holds(invariant, &sources(), floats);
    can_fail(floats, "src/klarna/dto.rs", "amount: i64, // f64", "    amount: f64,");
}

/// The first words of a statement, as they stand in a literal.
const SQL: &[&str] = &["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "ALTER ", "DROP ", "PRAGMA ", "WHERE "];

fn built_sql(file: &File) -> Vec<usize> {
    if !file.is_in(&["src/store"]) {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(at) = line.find("format!(") else { continue };
        let statement = [&line[at..]].into_iter().chain(lines.iter().skip(index + 1).take(3).copied());
        let ends = statement.scan(false, |ended, part| {
            let was = *ended;
            *ended = part.trim_end().ends_with(';') || part.trim_end().ends_with(')');
            (!was).then_some(part)
        });
        if ends.into_iter().any(|part| SQL.iter().any(|word| part.contains(&format!("\"{word}")))) {
            found.push(index + 1);
        }
    }
    found
}

#[test]
fn sql_is_never_put_together_from_values() {
    let invariant = "SQL in src/store is a literal with bound parameters: what is formatted into it can be injected";
    holds(invariant, &sources(), built_sql);
    let bad = "let sql = format!(\"SELECT * FROM intent WHERE id = {id}\");";
    can_fail(built_sql, "src/store/sqlite.rs", "let why = format!(\"intent {id}\");", bad);
    can_fail(built_sql, "src/store/sqlite.rs", "", "let sql = format!(\n    \"DELETE FROM intent WHERE id = {id}\");");
}

// What is published.

/// An e-mail address, a path of somebody's machine, or something that looks like a secret.
fn private_things(file: &File) -> Vec<usize> {
    let is_bad = |line: &str| {
        line.split(|letter: char| letter.is_whitespace() || "`\"'()<>[]|,;".contains(letter))
            .any(|word| is_address(word) || is_home(word) || is_secret(word))
    };
    file.text.lines().enumerate().filter(|(_, line)| is_bad(line)).map(|(index, _)| index + 1).collect()
}

/// `example.com` and its like belong to nobody.
fn is_address(word: &str) -> bool {
    let Some((name, host)) = word.split_once('@') else { return false };
    let is_host = host.contains('.') && host.chars().all(|letter| letter.is_alphanumeric() || ".-".contains(letter));
    !name.is_empty() && is_host && !host.contains("example")
}

fn is_home(word: &str) -> bool {
    let homes = ["/home/", "/root/", "/Users/", "/work/", "C:\\Users"];
    homes.iter().any(|home| word.contains(home))
}

/// Long, without a separator, and mixed as only random text is; digests in lower-case hex are no secrets.
fn is_secret(word: &str) -> bool {
    let longest = word.split(|letter: char| !letter.is_ascii_alphanumeric()).max_by_key(|part| part.len());
    let part = longest.unwrap_or_default();
    let has = |kind: fn(&char) -> bool| part.chars().filter(kind).count() >= 4;
    let is_random = has(char::is_ascii_digit) && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    word.contains("-----BEGIN") || word.starts_with("klarna_live_") || part.len() >= 24 && is_random
}

#[test]
fn the_pages_name_nobody_no_machine_and_no_secret() {
    let mut files = walk("docs", ".md");
    let top = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    files.extend(top.iter().filter_map(|name| Some(File::new(name, &fs::read_to_string(root.join(name)).ok()?))));
    let invariant = "published pages carry no e-mail address, no path of a machine and nothing like a secret";
    holds(invariant, &files, private_things);
    can_fail(private_things, "docs/x.md", "ask merchant@example.com", "ask jane.doe@shop-mail.nl");
    can_fail(private_things, "docs/x.md", "in /var/lib/reconciled", &format!("in /{}/jane/shop", "home"));
    can_fail(private_things, "docs/x.md", "`6868ee84d0a1b2c3d4e5f60718293a4b`", "key aB3dE5fG7hI9jK1lM3nO5pQ7rS");
}

#[test]
fn a_line_is_read_without_its_comments_and_literals() {
    assert_eq!(bare("let a = \"tokio // \\\" {\"; // serde"), "let a = \"\"; ");
    assert_eq!(bare("match c { '{' => 1, '\\'' => 2 } fn f<'a>()"), "match c {  => 1,  => 2 } fn f<'a>()");
    assert_eq!(reaches("use crate::{core::id, store}; crate::klarna::x"), ["core", "store", "klarna"]);
    assert!(has_word("a tokio::b", "tokio") && !has_word("tokio_like", "tokio"));
}
