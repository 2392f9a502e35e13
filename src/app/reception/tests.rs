//! What a redirect may and may not change on disk.

use std::fs;

use secrecy::ExposeSecret as _;

use super::*;
use crate::app::{Installed, NotInstalled, SealKey, md5_hex};

const SECRET: &str = "secretsecretsecretsecretsecret12";
const FIRST: &str = "0123456789abcdef0123456789abcdef";
const SECOND: &str = "fedcba9876543210fedcba9876543210";
const NOW: i64 = 1_700_000_000;

fn app(digit: &str) -> Arc<App> {
    let seal = SealKey::parse(&digit.repeat(64).into()).unwrap();
    Arc::new(App { key: "appkey".into(), secret: SECRET.into(), seal })
}

fn place(directory: &tempfile::TempDir) -> Place {
    let file = directory.path().join("tokens/main.token");
    Place { file, shop: ShopName("main".to_owned()), shop_id: "1001".to_owned() }
}

fn reception(place: &Place) -> Reception {
    Reception::new(app("a"), vec![InstallableShop { place: place.clone(), cluster: "eu1" }])
}

fn query(shop_id: &str, at: i64, token: Option<&str>) -> String {
    let (signed, sent) = token.map(|it| (format!("token={it}"), format!("&token={it}"))).unwrap_or_default();
    let signature = md5_hex(&[&format!("language=nlshop_id={shop_id}timestamp={at}{signed}"), SECRET]);
    format!("language=nl&shop_id={shop_id}&timestamp={at}&signature={signature}{sent}")
}

fn now(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn password(place: &Place) -> Result<String, String> {
    let credentials = Installed { app: app("a"), place: place.clone() }.credentials();
    credentials.map(|it| it.password.expose_secret().to_owned()).map_err(|why| why.to_string())
}

#[test]
fn a_grant_a_removal_and_another_grant_follow_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory);
    let reception = reception(&place);
    assert!(password(&place).unwrap_err().contains("never installed"));
    let main = || ShopName("main".to_owned());
    assert_eq!(reception.take(&query("1001", NOW, Some(FIRST)), now(NOW)), Ok(Change::Granted(main())));
    assert_eq!(password(&place).unwrap(), "fe3b7b1507f20cbeac420f5cb0afd7e5");
    assert_eq!(reception.take(&query("1001", NOW + 10, None), now(NOW + 10)), Ok(Change::Removed(main())));
    assert!(password(&place).unwrap_err().contains("was removed"));
    assert_eq!(reception.take(&query("1001", NOW + 20, Some(SECOND)), now(NOW + 20)), Ok(Change::Granted(main())));
    assert_eq!(password(&place).unwrap(), md5_hex(&[SECOND, SECRET]));
}

#[test]
fn what_is_replayed_stale_or_meant_for_others_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory);
    let reception = reception(&place);
    reception.take(&query("1001", NOW, Some(FIRST)), now(NOW)).unwrap();
    reception.take(&query("1001", NOW + 10, None), now(NOW + 10)).unwrap();
    let before = fs::read(&place.file).unwrap();
    let refused = [
        (query("1001", NOW, Some(FIRST)), Refusal::Replayed("1001".into())),
        (query("1001", NOW + 10, None), Refusal::Replayed("1001".into())),
        (query("1001", NOW + 10, Some(SECOND)), Refusal::Replayed("1001".into())),
        (query("1001", NOW - 600, Some(SECOND)), Refusal::Stale(611)),
        (query("1001", NOW + 600, Some(SECOND)), Refusal::Stale(-589)),
        (query("1002", NOW + 11, Some(SECOND)), Refusal::OtherShop("1002".into())),
        (format!("cluster_id=us1&{}", query("1001", NOW + 11, Some(SECOND))), Refusal::OtherShop("1001".into())),
    ];
    for (query, why) in refused {
        assert_eq!(reception.take(&query, now(NOW + 11)), Err(why), "{query}");
    }
    assert_eq!(fs::read(&place.file).unwrap(), before);
    assert!(
        reception.take(&format!("cluster_id=eu1&{}", query("1001", NOW + 11, Some(SECOND))), now(NOW + 11)).is_ok()
    );
}

#[test]
fn a_file_that_was_tampered_with_gives_no_token_until_the_next_grant() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory);
    let reception = reception(&place);
    reception.take(&query("1001", NOW, Some(FIRST)), now(NOW)).unwrap();
    let whole = fs::read_to_string(&place.file).unwrap();
    assert!(!whole.contains(FIRST), "{whole}");
    let sealed = whole.find("sealed").unwrap() + 40;
    let mut bits = whole.clone();
    bits.replace_range(sealed..=sealed, if &whole[sealed..=sealed] == "0" { "1" } else { "0" });
    let later = whole.replace(&NOW.to_string(), &(NOW + 1).to_string());
    for (changed, words) in [(bits, "does not open"), (later, "does not open"), ("{}".into(), "not one of this")] {
        assert_ne!(changed, whole);
        fs::write(&place.file, changed).unwrap();
        assert!(password(&place).unwrap_err().contains(words), "{words}");
    }
    let other = Installed { app: app("b"), place: place.clone() };
    fs::write(&place.file, &whole).unwrap();
    assert!(matches!(other.credentials(), Err(NotInstalled::NotKept(_))), "another seal key");
    let elsewhere = Place { shop: ShopName("second".into()), ..place.clone() };
    assert!(password(&elsewhere).unwrap_err().contains("does not open"), "a file moved to another shop");
    fs::write(&place.file, "{}").unwrap();
    reception.take(&query("1001", NOW + 1, Some(SECOND)), now(NOW + 1)).unwrap();
    assert_eq!(password(&place).unwrap(), md5_hex(&[SECOND, SECRET]));
}

#[test]
fn the_token_file_is_its_owners_alone_and_nothing_is_left_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let place = place(&directory);
    reception(&place).take(&query("1001", NOW, Some(FIRST)), now(NOW)).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.file), mode(place.file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(place.file.parent().unwrap()).unwrap().count(), 1);
}
