//! The `[server]` and `[webhooks]` sections: where the service listens, and how it is reached from outside.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::read::{Kind, Reader};
use super::values::FILE;

pub(super) const SERVER: &[&str] = &["listen", "token_file", "hosts"];
pub(super) const WEBHOOKS: &[&str] = &["address"];

/// Health, figures and hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Listen(SocketAddr),
    Off,
}

/// Who may open the operations page, besides knowing its token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageConfig {
    pub token_file: Option<PathBuf>,
    /// Hosts other than this machine by which a browser reaches the page, in lower case; each over https, through a
    /// proxy that ends it.
    pub hosts: Vec<String>,
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

const HOST: Kind<String> = Kind {
    allowed: "the host that a browser asks for, such as \"ops.example.org\", with its port where it is not 443",
    read: |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        (!text.is_empty() && text.len() <= 255 && text.chars().all(plain)).then(|| text.to_ascii_lowercase())
    },
};

pub(super) fn server<'t>(reader: &mut Reader<'t>, root: &DeTable<'t>, directory: &Path) -> (Server, PageConfig) {
    let section = reader.section(root, "server", "server");
    reader.check_keys(section, "server", SERVER);
    let listen = reader.get(section, "server", "listen", &LISTEN).unwrap_or_default();
    let token_file = reader.get(section, "server", "token_file", &FILE).map(|file| directory.join(file));
    let hosts = reader.list(section, "server", "hosts", &HOST).unwrap_or_default();
    (listen, PageConfig { token_file, hosts })
}

/// Why a page with a token may not be served there: the token and every session would travel in the clear.
pub(super) fn unguarded(server: Server, page: &PageConfig) -> Option<&'static str> {
    let Server::Listen(address) = server else { return None };
    (!address.ip().is_loopback() && page.hosts.is_empty()).then_some(
        "server.listen is open to other machines and there is a token for the operations page: put a proxy that ends \
         https before it and name its host in server.hosts, or listen on 127.0.0.1",
    )
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
    let safe = text.starts_with("https://") || reconciled_sides::http::reqwest::leads_to_loopback(text);
    let whole = !text.contains(['?', '#', ' ']) && text.len() > "https://".len();
    (safe && whole).then(|| text.trim_end_matches('/').to_owned())
}
