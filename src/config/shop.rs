//! The sections of the file, turned into typed values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use toml::de::DeTable;

use super::Config;
use super::app::{self, SHOP_ID};
use super::checkpoints;
use super::hosts::{self, CLUSTER, Cluster, ENVIRONMENT, KlarnaEnvironment, REGION, Region, URL};
use super::notify;
use super::read::{Kind, Reader, Section, shown_text};
use super::schedule::{Schedule, WHEN};
use super::server;
use super::store_url::{self, STORE_URL, StoreUrl};
use super::values::{AMOUNT, CAPTURE_ON, DURATION, FILE, LANGUAGE, MODE, PAYMENT};
use reconciled_core::id::ShopName;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::policy::{CaptureOn, Mode, Policy};
use reconciled_sides::lightspeed::IdSource;

/// One shop: two sides, how their orders are matched, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopConfig {
    pub name: ShopName,
    pub lightspeed: LightspeedConfig,
    pub klarna: KlarnaConfig,
    pub matching: Match,
    pub policy: Policy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightspeedConfig {
    pub cluster: Cluster,
    pub language: String,
    /// Without a slash at its end.
    pub base_url: String,
    pub key_file: Option<PathBuf>,
    pub secret_file: Option<PathBuf>,
    /// The shop works through `[app]`: its number at Lightspeed, without leading zeros.
    pub app_shop_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KlarnaConfig {
    pub environment: KlarnaEnvironment,
    pub region: Region,
    /// Without a slash at its end.
    pub base_url: String,
    pub username_file: Option<PathBuf>,
    pub password_file: Option<PathBuf>,
}

/// Which orders are Klarna's, and where the Klarna order id is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// In lower case; looked for in the payment's id, title and data.
    pub payment: Vec<String>,
    /// In the order in which they are tried.
    pub klarna_order_id: Vec<IdSource>,
}

const ROOT: &[&str] = &["store", "schedule", "server", "webhooks", "app", "notify", "checkpoints", "shops"];
const STORE: &[&str] = &["url"];
const SCHEDULE: &[&str] = &["poll", "full"];
const SHOP: &[&str] = &["lightspeed", "klarna", "match", "policy"];
const LIGHTSPEED: &[&str] = &["cluster", "language", "api_key_file", "api_secret_file", "app_shop_id", "base_url"];
const KLARNA: &[&str] = &["environment", "region", "username_file", "password_file", "base_url"];
const MATCH: &[&str] = &["payment", "klarna_order_id"];
const POLICY: &[&str] = &[
    "act",
    "refunds",
    "mark_paid",
    "cancels",
    "captures",
    "capture_on",
    "extend_authorization",
    "adopt_exact",
    "refund_after",
    "grace",
    "refund_limit_per_order",
    "refund_limit_per_pass",
    "refund_limit_per_day",
    "two_person_above",
    "expiry_warning",
];

/// Where a key belongs that was written into the wrong section.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    ("store", STORE),
    ("schedule", SCHEDULE),
    ("server", server::SERVER),
    ("webhooks", server::WEBHOOKS),
    ("app", app::APP),
    ("notify", notify::NOTIFY),
    ("checkpoints", checkpoints::CHECKPOINTS),
    ("lightspeed", LIGHTSPEED),
    ("klarna", KLARNA),
    ("match", MATCH),
    ("policy", POLICY),
];

const ID_SOURCE: Kind<IdSource> =
    Kind { allowed: "\"paymentData\", \"metafield:KEY\", \"memo\" or \"events\"", read: |text| text.parse().ok() };

fn store<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>, directory: &Path) -> StoreUrl {
    let store = reader.section(root, "store", "store");
    reader.check_keys(store, "store", STORE);
    let StoreUrl::Sqlite(file) = reader
        .get(store, "store", "url", &STORE_URL)
        .unwrap_or_else(|| StoreUrl::Sqlite(PathBuf::from(store_url::STANDARD)));
    StoreUrl::Sqlite(directory.join(file))
}

/// Where the store is, whatever else is wrong with the configuration; `None` when that cannot be told.
pub(super) fn store_alone(path: &Path, text: &str) -> Option<StoreUrl> {
    let mut reader = Reader::new(path, text);
    let root = reader.root();
    let is_told = reader.problems() == 0 || root.contains_key("store");
    let before = reader.problems();
    let store = store(&mut reader, &root, path.parent().unwrap_or(Path::new("")));
    (is_told && reader.problems() == before).then_some(store)
}

pub(super) fn config(path: &Path, reader: &mut Reader<'_>) -> Config {
    let root = reader.root();
    let directory = path.parent().unwrap_or(Path::new(""));
    reader.check_keys(Section::of(&root), "", ROOT);
    let store = store(reader, &root, directory);
    let (server, page) = server::server(reader, &root, directory);
    Config {
        path: path.to_owned(),
        store,
        schedule: schedule(reader, &root),
        server,
        page,
        webhooks: server::webhooks(reader, &root),
        app: app::app(reader, &root, directory),
        notify: notify::notify(reader, &root, directory),
        checkpoints: checkpoints::checkpoints(reader, &root, directory),
        shops: shops(reader, &root, directory),
    }
}

fn schedule<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>) -> Schedule {
    let path = "schedule";
    let section = reader.section(root, path, path);
    reader.check_keys(section, path, SCHEDULE);
    let standard = Schedule::standard();
    Schedule {
        poll: reader.get(section, path, "poll", &WHEN).unwrap_or(standard.poll),
        full: reader.get(section, path, "full", &WHEN).unwrap_or(standard.full),
    }
}

fn shops<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>, directory: &Path) -> BTreeMap<ShopName, ShopConfig> {
    let all = reader.section(root, "shops", "shops");
    let table = all.table();
    if table.is_none_or(DeTable::is_empty) {
        reader.problem(0, "no shop is configured; add a section `[shops.main.lightspeed]` and `[shops.main.klarna]`");
    }
    let mut shops = BTreeMap::new();
    for name in table.into_iter().flat_map(DeTable::keys) {
        let name: &str = name.get_ref();
        if !is_name(name) {
            let line = reader.line_of(all, name);
            let text = format!("shops: the name {} must be 1 to 32 of the characters a-z, 0-9 and -", shown_text(name));
            reader.problem(line, &text);
        } else if let Some(table) = table {
            let path = format!("shops.{name}");
            let section = reader.section(table, name, &path);
            if let Some(shop) = shop(reader, section, &path, name, directory) {
                if let Some(other) = shops.values().find(|other| is_surely_one(&shop, other)) {
                    let line = reader.line_of(all, name);
                    reader.problem(line, &two_names(&shop.name, &other.name));
                }
                shops.insert(shop.name.clone(), shop);
            }
        }
    }
    shops
}

/// Two sections for one shop and one Klarna account: the same cluster and address, and the same key or the same
/// installation of the app.
fn is_surely_one(one: &ShopConfig, other: &ShopConfig) -> bool {
    let is_one_account = one.klarna.environment == other.klarna.environment && one.klarna.region == other.klarna.region;
    let (one, other) = (&one.lightspeed, &other.lightspeed);
    let is_one_place = one.cluster == other.cluster && one.base_url == other.base_url;
    let is_one_key = one.key_file.is_some() && one.key_file == other.key_file;
    let is_one_installation = one.app_shop_id.is_some() && one.app_shop_id == other.app_shop_id;
    is_one_account && is_one_place && (is_one_key || is_one_installation)
}

/// What is wrong with two names for one shop.
pub(super) fn two_names(one: &ShopName, other: &ShopName) -> String {
    format!(
        "shops.{one} and shops.{other} are one and the same shop: the same address and the same API key; two names for \
         it would refund twice, remove one"
    )
}

/// Whether a shop may be called so.
pub(super) fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `None` when a key is missing or wrong that has no default; what that is was remembered.
fn shop<'t>(
    reader: &mut Reader<'t>, section: Section<'_, 't>, path: &str, name: &str, directory: &Path,
) -> Option<ShopConfig> {
    let table = section.table()?;
    reader.check_keys(section, path, SHOP);
    let lightspeed = lightspeed(reader, table, &format!("{path}.lightspeed"), directory);
    let klarna = klarna(reader, table, &format!("{path}.klarna"), directory);
    let matching = matching(reader, table, &format!("{path}.match"));
    let policy = policy(reader, table, &format!("{path}.policy"));
    Some(ShopConfig { name: ShopName(name.to_owned()), lightspeed: lightspeed?, klarna: klarna?, matching, policy })
}

fn lightspeed<'t>(
    reader: &mut Reader<'t>, shop: &DeTable<'t>, path: &str, directory: &Path,
) -> Option<LightspeedConfig> {
    let section = reader.section(shop, "lightspeed", path);
    reader.check_keys(section, path, LIGHTSPEED);
    let cluster = reader.required(section, path, "cluster", &CLUSTER);
    let language = reader.required(section, path, "language", &LANGUAGE);
    let key_file = file(reader, section, path, "api_key_file", directory);
    let secret_file = file(reader, section, path, "api_secret_file", directory);
    let base_url = base_url(reader, section, path, cluster.map(Cluster::base_url));
    let app_shop_id = reader.get(section, path, "app_shop_id", &SHOP_ID);
    if app_shop_id.is_some() && (key_file.is_some() || secret_file.is_some()) {
        let line = reader.line_of(section, "app_shop_id");
        let what = "app_shop_id says that the shop works through [app], so api_key_file and api_secret_file must go";
        reader.problem(line, &format!("{path}.{what}"));
    }
    let (cluster, language, base_url) = (cluster?, language?, base_url?);
    Some(LightspeedConfig { cluster, language, base_url, key_file, secret_file, app_shop_id })
}

fn klarna<'t>(reader: &mut Reader<'t>, shop: &DeTable<'t>, path: &str, directory: &Path) -> Option<KlarnaConfig> {
    let section = reader.section(shop, "klarna", path);
    reader.check_keys(section, path, KLARNA);
    let environment = reader.required(section, path, "environment", &ENVIRONMENT);
    let region = reader.required(section, path, "region", &REGION);
    let username_file = file(reader, section, path, "username_file", directory);
    let password_file = file(reader, section, path, "password_file", directory);
    let known = environment.zip(region).map(|(environment, region)| environment.base_url(region));
    let base_url = base_url(reader, section, path, known);
    Some(KlarnaConfig { environment: environment?, region: region?, base_url: base_url?, username_file, password_file })
}

fn base_url<'t>(
    reader: &mut Reader<'t>, section: Section<'_, 't>, path: &str, known: Option<&'static str>,
) -> Option<String> {
    let line = reader.line_of(section, "base_url");
    let given = reader.get(section, path, "base_url", &URL);
    let known = known?;
    let Some(url) = given else { return Some(known.to_owned()) };
    match hosts::checked(&url, known) {
        Ok(address) => Some(address),
        Err(why) => {
            reader.problem(line, &format!("{path}.base_url = {}: {why}", shown_text(url.as_str())));
            None
        }
    }
}

fn file<'t>(
    reader: &mut Reader<'t>, section: Section<'_, 't>, path: &str, key: &str, directory: &Path,
) -> Option<PathBuf> {
    reader.get(section, path, key, &FILE).map(|file| directory.join(file))
}

fn matching<'t>(reader: &mut Reader<'t>, shop: &DeTable<'t>, path: &str) -> Match {
    let section = reader.section(shop, "match", path);
    reader.check_keys(section, path, MATCH);
    let everywhere = || {
        let metafield = IdSource::Metafield("klarna_order_id".to_owned());
        vec![IdSource::PaymentData, metafield, IdSource::Memo, IdSource::Events]
    };
    Match {
        payment: reader.list(section, path, "payment", &PAYMENT).unwrap_or_else(|| vec!["klarna".to_owned()]),
        klarna_order_id: reader.list(section, path, "klarna_order_id", &ID_SOURCE).unwrap_or_else(everywhere),
    }
}

fn policy<'t>(reader: &mut Reader<'t>, shop: &DeTable<'t>, path: &str) -> Policy {
    let section = reader.section(shop, "policy", path);
    reader.check_keys(section, path, POLICY);
    let standard = standard_policy();
    let mut mode = |key, standard| reader.get(section, path, key, &MODE).unwrap_or(standard);
    let refunds = mode("refunds", standard.refunds);
    let mark_paid = mode("mark_paid", standard.mark_paid);
    let cancels = mode("cancels", standard.cancels);
    let captures = mode("captures", standard.captures);
    let extend_authorization =
        reader.flag(section, path, "extend_authorization").unwrap_or(standard.extend_authorization);
    if extend_authorization && captures != Mode::Drive {
        let line = reader.line_of(section, "extend_authorization");
        let what = "extend_authorization = true: must be false unless captures = \"drive\"; who captures also extends";
        reader.problem(line, &format!("{path}.{what}"));
    }
    let mut duration = |key, standard| reader.get(section, path, key, &DURATION).unwrap_or(standard);
    let refund_after = duration("refund_after", standard.refund_after);
    let grace = duration("grace", standard.grace);
    let expiry_warning = duration("expiry_warning", standard.expiry_warning);
    let capture_on = reader.one_or_more(section, path, "capture_on", &CAPTURE_ON);
    let mut amount = |key, standard| reader.get(section, path, key, &AMOUNT).unwrap_or(standard);
    Policy {
        refunds,
        mark_paid,
        cancels,
        captures,
        refund_after,
        grace,
        expiry_warning,
        refund_limit_per_order: amount("refund_limit_per_order", standard.refund_limit_per_order),
        refund_limit_per_pass: amount("refund_limit_per_pass", standard.refund_limit_per_pass),
        refund_limit_per_day: amount("refund_limit_per_day", standard.refund_limit_per_day),
        two_person_above: reader.get(section, path, "two_person_above", &AMOUNT).or(standard.two_person_above),
        act: reader.flag(section, path, "act").unwrap_or(standard.act),
        capture_on: capture_on.map_or(standard.capture_on, |words| words.into_iter().collect()),
        extend_authorization,
        adopt_exact: reader.flag(section, path, "adopt_exact").unwrap_or(standard.adopt_exact),
    }
}

/// What holds where the file says nothing: nothing is written to either side.
fn standard_policy() -> Policy {
    let amount = |text| Minor::parse(text, Currency::EUR).unwrap_or(Minor::ZERO);
    Policy {
        act: false,
        refunds: Mode::Drive,
        mark_paid: Mode::Drive,
        cancels: Mode::Drive,
        captures: Mode::Verify,
        capture_on: CaptureOn::all(),
        extend_authorization: false,
        adopt_exact: false,
        refund_after: SignedDuration::from_mins(60),
        grace: SignedDuration::from_mins(30),
        refund_limit_per_order: amount("1000.00"),
        refund_limit_per_pass: amount("5000.00"),
        refund_limit_per_day: amount("20000.00"),
        two_person_above: None,
        expiry_warning: SignedDuration::from_hours(120),
    }
}
