//! The `[server]` and `[webhooks]` sections: where the service listens, and how it is reached from outside.

use std::net::{Ipv4Addr, SocketAddr};

use toml::de::DeTable;

use super::read::{Kind, Reader};

pub(super) const SERVER: &[&str] = &["listen"];
pub(super) const WEBHOOKS: &[&str] = &["address"];

/// Health, figures and hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Listen(SocketAddr),
    Off,
}

impl Default for Server {
    fn default() -> Self {
        Self::Listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 8620)))
    }
}

const LISTEN: Kind<Server> =
    Kind { allowed: "an address with a port such as \"127.0.0.1:8620\", or \"off\"", read: listen };

const ADDRESS: Kind<String> = Kind {
    allowed: "the https address by which Lightspeed reaches [server] listen, such as \"https://hooks.example.org\"",
    read: address,
};

pub(super) fn server<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>) -> Server {
    let section = reader.section(root, "server", "server");
    reader.check_keys(section, "server", SERVER);
    reader.get(section, "server", "listen", &LISTEN).unwrap_or_default()
}

pub(super) fn webhooks<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>) -> Option<String> {
    let section = reader.section(root, "webhooks", "webhooks");
    reader.check_keys(section, "webhooks", WEBHOOKS);
    reader.get(section, "webhooks", "address", &ADDRESS)
}

fn listen(text: &str) -> Option<Server> {
    if text == "off" {
        return Some(Server::Off);
    }
    text.parse().ok().map(Server::Listen)
}

/// Without the slash at its end. Plain http only leads to this machine, for a rehearsal.
fn address(text: &str) -> Option<String> {
    let safe = text.starts_with("https://") || crate::http::reqwest::leads_to_loopback(text);
    let whole = !text.contains(['?', '#', ' ']) && text.len() > "https://".len();
    (safe && whole).then(|| text.trim_end_matches('/').to_owned())
}
