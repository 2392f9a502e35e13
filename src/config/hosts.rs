//! Where the two sides live: a closed list, because a credential goes with every request.
//!
//! A `base_url` may only name the host that belongs to the cluster, region and environment, or this machine itself.

use reqwest::Url;

use super::read::Kind;

/// Lightspeed's clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cluster {
    Eu1,
    Us1,
}

/// Klarna's environments; credentials of one are unknown in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KlarnaEnvironment {
    Playground,
    Production,
}

/// Klarna's regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    Eu,
    Na,
    Oc,
}

impl Cluster {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eu1 => "eu1",
            Self::Us1 => "us1",
        }
    }

    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Eu1 => "https://api.webshopapp.com",
            Self::Us1 => "https://api.shoplightspeed.com",
        }
    }
}

impl KlarnaEnvironment {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Playground => "playground",
            Self::Production => "production",
        }
    }

    /// How a password of this environment begins, where Klarna marks it.
    pub const fn password_prefix(self) -> &'static str {
        match self {
            Self::Playground => "klarna_test_",
            Self::Production => "klarna_live_",
        }
    }

    pub const fn base_url(self, region: Region) -> &'static str {
        match (self, region) {
            (Self::Production, Region::Eu) => "https://api.klarna.com",
            (Self::Production, Region::Na) => "https://api-na.klarna.com",
            (Self::Production, Region::Oc) => "https://api-oc.klarna.com",
            (Self::Playground, Region::Eu) => "https://api.playground.klarna.com",
            (Self::Playground, Region::Na) => "https://api-na.playground.klarna.com",
            (Self::Playground, Region::Oc) => "https://api-oc.playground.klarna.com",
        }
    }
}

impl Region {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Na => "na",
            Self::Oc => "oc",
        }
    }
}

pub(super) const CLUSTER: Kind<Cluster> = Kind {
    allowed: "\"eu1\" or \"us1\"",
    read: |text| [Cluster::Eu1, Cluster::Us1].into_iter().find(|it| it.name() == text),
};

pub(super) const ENVIRONMENT: Kind<KlarnaEnvironment> = Kind {
    allowed: "\"playground\" or \"production\"",
    read: |text| {
        let all = [KlarnaEnvironment::Playground, KlarnaEnvironment::Production];
        all.into_iter().find(|it| it.name() == text)
    },
};

pub(super) const REGION: Kind<Region> = Kind {
    allowed: "\"eu\", \"na\" or \"oc\"",
    read: |text| [Region::Eu, Region::Na, Region::Oc].into_iter().find(|it| it.name() == text),
};

pub(super) const URL: Kind<Url> = Kind {
    allowed: "an absolute http or https URL without user, query or fragment, such as \"http://127.0.0.1:4010\"",
    read: |text| {
        let url = Url::parse(text).ok()?;
        let clean = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && !text.contains(char::is_whitespace);
        clean.then_some(url)
    },
};

/// The address requests start with, without a slash at its end; `known` is the side's own.
///
/// # Errors
/// The sentence that says why no credential may be sent there.
pub(super) fn checked(url: &Url, known: &str) -> Result<String, String> {
    let address = url.as_str().trim_end_matches('/').to_owned();
    let is_loopback = url.host_str().is_some_and(is_loopback);
    if is_loopback || address == known {
        return Ok(address);
    }
    Err(if url.scheme() == "http" {
        format!(
            "plain http is allowed on this machine only (127.0.0.1, ::1, localhost); leave base_url out for {known}"
        )
    } else {
        format!(
            "a secret may only be sent to {known} or to this machine (127.0.0.1, ::1, localhost); leave base_url out"
        )
    })
}

/// Every host that is this machine: 127.0.0.0/8, `::1`, `localhost`.
fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, known: &str) -> Option<String> {
        checked(&(URL.read)(text)?, known).ok()
    }

    #[test]
    fn secrets_go_to_the_known_host_or_stay_on_this_machine() {
        let known = "https://api.klarna.com";
        for (text, expected) in [
            ("https://api.klarna.com", Some("https://api.klarna.com")),
            ("https://api.klarna.com/", Some("https://api.klarna.com")),
            ("https://api.klarna.com:443", Some("https://api.klarna.com")),
            ("http://127.0.0.1:4020", Some("http://127.0.0.1:4020")),
            ("http://127.8.9.1:4020/", Some("http://127.8.9.1:4020")),
            ("http://[::1]:4020", Some("http://[::1]:4020")),
            ("http://localhost:4020/klarna", Some("http://localhost:4020/klarna")),
            ("https://localhost:4020", Some("https://localhost:4020")),
            ("http://api.klarna.com", None),
            ("https://api.klarna.com:8443", None),
            ("https://api.klarna.com.evil.example", None),
            ("https://api-na.klarna.com", None),
            ("https://api.playground.klarna.com", None),
            ("http://127.0.0.1@evil.example", None),
            ("http://localhost.evil.example", None),
            ("http://localhost.", None),
            ("http://10.0.0.1", None),
            ("http://[::2]", None),
            ("http://127.0.0.1:4020?x=1", None),
            ("ftp://127.0.0.1", None),
            ("127.0.0.1:4020", None),
            ("", None),
        ] {
            assert_eq!(check(text, known).as_deref(), expected, "{text}");
        }
    }
}
