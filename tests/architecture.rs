//! The shape of the source: what a reviewer would have to remember is checked here instead.
//!
//! Each check is a function from one file to its breaches, and is itself held against a small bad snippet, so that
//! it can fail. A breach names the file, the line and the invariant with its reason.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "line numbers; a panic is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

struct File {
    /// From the package's root, with forward slashes.
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The file as the compiler reads it: no comment, no layout, and what stands in quotes is one token.
    fn tokens(&self) -> TokenStream {
        TokenStream::from_str(&self.text).unwrap_or_else(|why| panic!("{}: {why}", self.path))
    }

    /// Every name in it, with its line.
    fn names(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        names(self.tokens(), &mut found);
        found
    }

    /// Every path in it from the root of a crate on, with its line: `use super::{a, b::c}` in `src/x/y.rs` gives
    /// `crate::x::a` and `crate::x::b::c`.
    fn paths(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        paths(self.tokens(), &self.module(), &mut found);
        found
    }

    /// The module that the file is, from its crate's root on.
    fn module(&self) -> Vec<String> {
        let inside = self.path.split_once("src/").map_or("", |(_, rest)| rest).trim_end_matches(".rs");
        let parts = inside.split('/').filter(|part| !["mod", "lib", "main"].contains(part));
        ["crate"].into_iter().chain(parts).map(str::to_owned).collect()
    }

    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
}

fn names(tokens: TokenStream, found: &mut Vec<(usize, String)>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => found.push((name.span().start().line, name.to_string())),
            TokenTree::Group(group) => names(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Follows each path as far as it goes, into groups too; `module` is the one whose code this is.
fn paths(tokens: TokenStream, module: &[String], found: &mut Vec<(usize, String)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let inner = match (at.checked_sub(2).map(|before| &tokens[before]), at.checked_sub(1).map(|it| &tokens[it])) {
            (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if *word == "mod" => Some(name.to_string()),
            _ => None,
        };
        at += match token {
            TokenTree::Ident(_) => path(&tokens[at..], module, &[], found),
            TokenTree::Group(group) => {
                let module: Vec<String> = module.iter().cloned().chain(inner).collect();
                paths(group.stream(), &module, found);
                1
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => 1,
        };
    }
}

/// One path that begins here, behind `before`; gives how many tokens it takes.
fn path(tokens: &[TokenTree], module: &[String], before: &[String], found: &mut Vec<(usize, String)>) -> usize {
    let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(it)) if it.as_char() == ':');
    let (mut parts, mut at) = (before.to_vec(), 0);
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => parts.push(name.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |it: &TokenTree| matches!(it, TokenTree::Punct(it) if it.as_char() == ',');
                for one in inside.split(is_comma).filter(|one| !one.is_empty()) {
                    path(one, module, &parts, found);
                }
                return at + 1;
            }
            _ => {}
        }
        if !(is_colon(at + 1) && is_colon(at + 2)) {
            break;
        }
        at += 3;
    }
    found.push((tokens[0].span().start().line, resolved(&parts, module).join("::")));
    at + 1
}

fn resolved(parts: &[String], module: &[String]) -> Vec<String> {
    let ups = parts.iter().take_while(|part| *part == "super").count();
    let below = module.len().saturating_sub(ups).max(1);
    match parts.first().map(String::as_str) {
        Some("super") => module[..below].iter().chain(&parts[ups..]).cloned().collect(),
        Some("self") => module.iter().chain(&parts[1..]).cloned().collect(),
        _ => parts.to_vec(),
    }
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

/// The source of every crate.
fn sources() -> Vec<File> {
    let mut files = walk("src", ".rs");
    files.extend(walk("crates", ".rs").into_iter().filter(|file| file.path.contains("/src/")));
    files
}

fn tests() -> Vec<File> {
    let mut files = walk("tests", ".rs");
    files.extend(walk("crates", ".rs").into_iter().filter(|file| file.path.contains("/tests/")));
    files
}

fn manifest(path: &str) -> File {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    File { path: path.to_owned(), text }
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

fn lines_of(named: Vec<(usize, String)>, is_bad: impl Fn(&str) -> bool) -> Vec<usize> {
    named.into_iter().filter(|(_, name)| is_bad(name)).map(|(line, _)| line).collect()
}

/// `path` is `root` or something in it.
fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
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

// What each crate is made of.

/// What a crate may depend on.
const MAKINGS: &[(&str, &[&str])] = &[
    ("crates/core/Cargo.toml", &["jiff", "rust_decimal", "thiserror", "uuid"]),
    (
        "crates/sandbox/Cargo.toml",
        &["http-body-util", "hyper", "hyper-util", "jiff", "md-5", "serde_json", "tokio", "uuid"],
    ),
];

/// What a manifest names.
fn dependencies(file: &File) -> Vec<(usize, String)> {
    let lines = file.text.lines().enumerate().skip_while(|(_, line)| *line != "[dependencies]").skip(1);
    let named = lines.take_while(|(_, line)| !line.starts_with('[')).filter(|(_, line)| line.contains('='));
    let name = |line: &str| line.split(['=', '.', ' ']).next().unwrap_or_default().to_owned();
    named.map(|(index, line)| (index + 1, name(line))).collect()
}

fn foreign_makings(file: &File) -> Vec<usize> {
    let allowed = MAKINGS.iter().find(|(path, _)| *path == file.path).map_or(&[][..], |(_, allowed)| allowed);
    lines_of(dependencies(file), |name| !allowed.contains(&name))
}

#[test]
fn the_core_does_no_io_and_the_sandbox_shares_nothing_with_the_clients() {
    let files: Vec<File> = MAKINGS.iter().map(|(path, _)| manifest(path)).collect();
    let invariant = "crates/core depends on values alone, or a decision could not be replayed; crates/sandbox on nothing \
                     of ours, or both readings of the services would be wrong in the same way";
    holds(invariant, &files, foreign_makings);
    let (path, good) = (files[0].path.as_str(), "[dependencies]\njiff = \"1\"\n[dev-dependencies]\nproptest = \"1\"");
    can_fail(foreign_makings, path, good, "[dependencies]\ntokio.workspace = true\n");
    can_fail(foreign_makings, &files[1].path, good, "[dependencies]\nreconciled-core = { path = \"../core\" }\n");
}

fn beside_the_core(file: &File) -> Vec<usize> {
    lines_of(dependencies(file), |name| name.starts_with("reconciled") && name != "reconciled-core")
}

#[test]
fn store_and_services_do_not_know_each_other() {
    let files = ["crates/store/Cargo.toml", "crates/sides/Cargo.toml"].map(manifest);
    holds("of our crates, store and sides know the core alone: what drives both is the pass", &files, beside_the_core);
    let good = "[dependencies]\nreconciled-core.workspace = true\nserde.workspace = true\n";
    can_fail(beside_the_core, "crates/store/Cargo.toml", good, "[dependencies]\nreconciled-sides.workspace = true\n");
}

/// What the standard library and the core's own dependencies would still let it do.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

const IMPURE_NAMES: &[&str] = &[
    "new_v4",
    "now_v7",
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
    "println",
    "eprintln",
    "print",
    "eprint",
    "dbg",
    "unsafe",
    "async",
];

fn impurities(file: &File) -> Vec<usize> {
    let now = |path: &str| path.ends_with("::now") || path.ends_with("TimeZone::system");
    let mut found = lines_of(file.paths(), |path| IMPURE.iter().any(|root| is_below(path, root)) || now(path));
    found.extend(lines_of(file.names(), |name| IMPURE_NAMES.contains(&name)));
    found
}

#[test]
fn core_is_pure_so_that_the_same_facts_always_give_the_same_plan() {
    let files: Vec<_> = sources().into_iter().filter(|file| file.is_in(&["crates/core/"])).collect();
    let invariant = "crates/core uses no clock, no I/O and no order that chance decides: time, ids and policy are \
                     arguments, or a decision could not be replayed";
    holds(invariant, &files, impurities);
    let path = "crates/core/src/x.rs";
    can_fail(impurities, path, "use crate::id::RefundId; // std::fs", "use std::time::Instant;");
    can_fail(impurities, path, "const A: &str = \"println\";", "use std::{\n    fmt,\n    fs,\n};");
    can_fail(impurities, path, "use std::collections::BTreeMap;", "use std::collections::{BTreeMap, HashMap as Map};");
    can_fail(impurities, path, "Uuid::new_v5(&space, name)", "Uuid::now_v7()");
    can_fail(impurities, path, "fn a(now: Timestamp) {}", "fn a() { b(Timestamp::now()) }");
}

// Arrows run forward.

/// Where a file lies, and which modules it may not reach into. What the crates' manifests forbid is not repeated.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "src/report/",
        &[
            "crate::pass",
            "crate::cli",
            "crate::web",
            "crate::daemon",
            "reconciled_sides::lightspeed",
            "reconciled_sides::klarna",
        ],
    ),
    ("src/words", &["crate::pass", "crate::cli", "crate::web", "crate::daemon", "crate::report"]),
    ("crates/sides/src/lightspeed/", &["crate::klarna"]),
    ("crates/sides/src/klarna/", &["crate::lightspeed"]),
    ("crates/sides/src/http", &["crate::klarna", "crate::lightspeed", "crate::budget"]),
    ("src/pass/act.rs", &["crate::pass::poll", "crate::pass::observe", "crate::pass::intend", "crate::pass::record"]),
    (
        "src/pass/record.rs",
        &[
            "crate::pass::act",
            "crate::pass::poll",
            "crate::pass::observe",
            "crate::pass::intend",
            "reconciled_sides::lightspeed",
            "reconciled_sides::klarna",
        ],
    ),
    ("src/pass/intend.rs", &["crate::pass::act", "crate::pass::record", "crate::pass::poll"]),
    ("src/pass/observe.rs", &["crate::pass::act", "crate::pass::record", "crate::pass::intend"]),
    ("src/pass/poll", &["crate::pass::act", "crate::pass::record", "crate::pass::intend"]),
    ("src/pass/", &["crate::cli", "crate::config", "crate::web", "crate::daemon"]),
];

fn backward_arrows(file: &File) -> Vec<usize> {
    let forbidden: Vec<&str> =
        FORBIDDEN.iter().filter(|(at, _)| file.is_in(&[at])).flat_map(|(_, modules)| *modules).copied().collect();
    lines_of(file.paths(), |path| forbidden.iter().any(|module| is_below(path, module)))
}

#[test]
fn arrows_run_forward_only_so_that_a_pass_can_be_read_from_top_to_bottom() {
    let invariant = "poll, observe, decide, intend, act, record, report: nothing reaches back, the two sides do not \
                     know each other, and what is told does not know who drives it";
    holds(invariant, &sources(), backward_arrows);
    let act = "src/pass/act.rs";
    can_fail(backward_arrows, act, "use super::Shop;", "use super::poll::Listed;");
    can_fail(backward_arrows, act, "use super::Shop; // super::poll", "use super::{Shop, poll};");
    can_fail(backward_arrows, act, "use super::{\n    Shop,\n};", "use super::{\n    Shop,\n    poll::Listed,\n};");
    can_fail(backward_arrows, act, "use crate::pass::Shop;", "use crate::{\n    pass::{\n        poll,\n    },\n};");
    can_fail(backward_arrows, act, "fn a() {}", "fn a() { log!(super::poll::listed()) }");
    can_fail(backward_arrows, act, "fn a() {}", "mod b { use super::super::poll; }");
    let deeper = "src/pass/poll/lists.rs";
    can_fail(backward_arrows, deeper, "use super::super::Shop;", "use super::super::act::send;");
    can_fail(backward_arrows, "src/pass/record.rs", "use reconciled_store::Store;", "use crate::pass::act::send;");
    can_fail(backward_arrows, "src/report/x.rs", "use crate::words;", "use crate::{pass, words};");
    let klarna = "crates/sides/src/klarna/dto.rs";
    can_fail(backward_arrows, klarna, "use crate::http::Request;", "use super::super::lightspeed::dto;");
}

/// The arguments, the folder for temporary files and whether colours are wanted concern the machine, not the settings.
fn environment_readers(file: &File) -> Vec<usize> {
    let harmless = ["std::env::args", "std::env::args_os", "std::env::temp_dir"];
    let lines: Vec<&str> = file.text.lines().collect();
    let reads = |path: &str| is_below(path, "std::env") || path.starts_with("env::var");
    let found = lines_of(file.paths(), |path| reads(path) && !harmless.contains(&path));
    let is_colour = |line: &usize| lines[line - 1].contains("NO_COLOR");
    if file.is_in(&["src/config"]) { Vec::new() } else { found.into_iter().filter(|it| !is_colour(it)).collect() }
}

#[test]
fn only_the_configuration_reads_the_environment_so_that_nothing_is_set_behind_its_back() {
    let invariant = "only src/config reads the environment: a value from anywhere else is neither validated nor shown \
                     by `check`";
    holds(invariant, &sources(), environment_readers);
    can_fail(environment_readers, "src/pass/mod.rs", "let env = 1;", "let a = std::env::var(\"A\");");
    can_fail(environment_readers, "src/pass/mod.rs", "use std::fmt;", "use std::{\n    env,\n    fmt,\n};");
    can_fail(environment_readers, "src/cli/mod.rs", "std::env::args_os()", "std::env::var(\"A\")");
    assert!(environment_readers(&File::new("src/config.rs", "std::env::var(name)")).is_empty());
}

fn without_a_ban_on_unsafe(file: &File) -> Vec<usize> {
    if file.text.contains("#![forbid(unsafe_code)]") { Vec::new() } else { vec![1] }
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let is_root = |file: &File| file.path.ends_with("src/lib.rs") || file.path == "src/main.rs";
    let roots: Vec<_> = sources().into_iter().filter(is_root).collect();
    assert_eq!(roots.len(), 6);
    let invariant = "every crate forbids unsafe code: Cargo.toml only denies it, because a test that plays \
                     a disk under SQLite has to write C functions";
    holds(invariant, &roots, without_a_ban_on_unsafe);
    can_fail(without_a_ban_on_unsafe, "src/lib.rs", "#![forbid(unsafe_code)]", "#![deny(unsafe_code)]");
}

fn clock_readers(file: &File) -> Vec<usize> {
    let clocks = ["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "clock_gettime"];
    let reads = |path: &str| clocks.iter().any(|clock| path == *clock || path.ends_with(&format!("::{clock}")));
    if file.is_in(&["crates/sides/src/clock"]) { Vec::new() } else { lines_of(file.paths(), reads) }
}

#[test]
fn only_the_clock_reads_clocks_so_that_time_can_be_simulated() {
    let invariant = "only crates/sides/src/clock.rs reads a clock: everything else takes time as an argument, or no simulation could \
                     move it";
    holds(invariant, &sources(), clock_readers);
    can_fail(clock_readers, "src/pass/mod.rs", "let now = clock.now();", "let now = Timestamp::now();");
    assert!(clock_readers(&File::new("crates/sides/src/clock.rs", "Timestamp::now()")).is_empty());
}

// Small and spoken for.

fn without_an_introduction(file: &File) -> Vec<usize> {
    if file.text.starts_with("//!") { Vec::new() } else { vec![1] }
}

#[test]
fn every_module_says_what_it_is_and_what_it_never_does() {
    let files: Vec<_> = sources().into_iter().chain(tests()).collect();
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

/// First lines of functions that are too long.
fn long_functions(file: &File) -> Vec<usize> {
    let mut found = Vec::new();
    long_in(file.tokens(), &mut found);
    found
}

fn long_in(tokens: TokenStream, found: &mut Vec<usize>) {
    let mut begins = None;
    for token in tokens {
        match token {
            TokenTree::Ident(name) if name == "fn" => begins = Some(name.span().start().line),
            TokenTree::Punct(it) if it.as_char() == ';' => begins = None,
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Brace {
                    let last = group.span_close().start().line;
                    found.extend(begins.take().filter(|first| last - first >= FUNCTION_LINES));
                }
                long_in(group.stream(), found);
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
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
    let lines = file.text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("#[ignore"));
    lines.map(|(index, _)| index + 1).collect()
}

#[test]
fn nothing_is_left_to_be_done_later() {
    let files: Vec<_> = sources().into_iter().chain(tests()).collect();
    holds("no marker of unfinished work is committed: what is missing is an issue", &files, leftovers);
    holds("no test is ignored: assert what is wrong, and say why", &files, ignored_tests);
    can_fail(leftovers, "src/x.rs", "// done", &format!("// {}: later", "TO".to_owned() + "DO"));
    can_fail(leftovers, "src/x.rs", "let a = 1;", &format!("{}a);", "dbg".to_owned() + "!("));
    can_fail(ignored_tests, "tests/x.rs", "#[test]", &format!("#[{}]", "ignore"));
}

// Money is exact, and words to the database are fixed.

const MONEY: &[&str] = &[
    "crates/core/",
    "crates/sides/src/lightspeed/",
    "crates/sides/src/klarna/",
    "crates/store/",
    "src/pass/",
    "src/report/period/",
];

fn floats(file: &File) -> Vec<usize> {
    lines_of(file.names(), |name| file.is_in(MONEY) && ["f32", "f64"].contains(&name))
}

/// `Debug` output is for whoever reads a failing test: it follows the names of the code, and what is kept must not.
fn debug_texts(file: &File) -> Vec<usize> {
    let shipped = file.text.lines().take_while(|line| line.trim() != "#[cfg(test)]").enumerate();
    shipped.filter(|(_, line)| line.contains(":?}") || line.contains(":#?}")).map(|(index, _)| index + 1).collect()
}

#[test]
fn nothing_that_is_kept_is_the_debug_text_of_a_value() {
    let keeps = ["crates/core/", "crates/store/", "src/pass/", "src/words"];
    // What an audit found is told and not kept.
    let is_kept = |file: &File| file.is_in(&keeps) && !file.path.ends_with("sqlite/replay.rs");
    let files: Vec<_> = sources().into_iter().filter(is_kept).collect();
    holds("a store, a journal and a closed report outlive the names of today's types", &files, debug_texts);
    can_fail(debug_texts, "crates/core/src/x.rs", "format!(\"{a}\")", "format!(\"{self:?}\")");
}

#[test]
fn no_amount_ever_passes_through_a_binary_float() {
    let invariant = "no f32 or f64 where money passes: 44.95 is no binary fraction, and a cent lost is a break";
    holds(invariant, &sources(), floats);
    can_fail(floats, "crates/sides/src/klarna/dto.rs", "amount: i64, // f64", "    amount: f64,");
}

/// The first words of a statement, as they stand in a literal.
const SQL: &[&str] = &["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "ALTER ", "DROP ", "PRAGMA ", "WHERE "];

fn built_sql(file: &File) -> Vec<usize> {
    if !file.is_in(&["crates/store"]) {
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
    let invariant = "SQL in crates/store is a literal with bound parameters: what is formatted into it can be injected";
    holds(invariant, &sources(), built_sql);
    let bad = "let sql = format!(\"SELECT * FROM intent WHERE id = {id}\");";
    can_fail(built_sql, "crates/store/src/sqlite.rs", "let why = format!(\"intent {id}\");", bad);
    can_fail(
        built_sql,
        "crates/store/src/sqlite.rs",
        "",
        "let sql = format!(\n    \"DELETE FROM intent WHERE id = {id}\");",
    );
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
fn a_file_is_read_as_the_compiler_reads_it() {
    let of =
        |path: &str, text: &str| File::new(path, text).paths().into_iter().map(|(_, path)| path).collect::<Vec<_>>();
    let grouped = "use super::super::{\n    a, // b\n    c::{self, d as e},\n};";
    assert_eq!(of("src/x/y/z.rs", grouped)[1..], ["crate::x::a", "crate::x::c::self", "crate::x::c::d"]);
    assert_eq!(of("crates/store/src/x/mod.rs", "super::a(\"super::b\")"), ["crate::a"]);
    assert_eq!(of("src/lib.rs", "mod a { self::b }")[2..], ["crate::a::b"]);
    assert!(has_word("a tokio::b", "tokio") && !has_word("tokio_like", "tokio"));
}
