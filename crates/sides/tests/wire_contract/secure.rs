//! TLS: whom the adapter believes, and where a conversation that is cut leaves a request.

use std::sync::{Arc, OnceLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;

use super::server::{Act, Layer};
use super::{Reach, Row};
use Act::{Await, Fin, Flood, Goodbye, Hang, Read, Reset, Say, SayRaw};

/// What the server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    Right,
    Expired,
    NotYet,
    OtherName,
    UnknownAuthority,
    SelfSigned,
    /// It speaks HTTP/2 only.
    OnlyHttp2,
    /// It wants a certificate from the client, too.
    AsksForOne,
    /// Bare bytes instead of TLS.
    NoTls,
}

struct Authorities {
    ours: CertifiedIssuer<'static, KeyPair>,
    theirs: CertifiedIssuer<'static, KeyPair>,
}

fn authorities() -> &'static Authorities {
    static MADE: OnceLock<Authorities> = OnceLock::new();
    MADE.get_or_init(|| Authorities { ours: made(), theirs: made() })
}

fn made() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What the client believes.
pub(crate) fn authority() -> String {
    authorities().ours.pem()
}

pub(crate) fn layer(shows: Shows) -> Layer {
    if shows == Shows::NoTls {
        return Layer::Bare;
    }
    let key = KeyPair::generate().unwrap();
    let name = if shows == Shows::OtherName { "api.example.invalid" } else { "127.0.0.1" };
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if shows == Shows::Expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    if shows == Shows::NotYet {
        params.not_before = date_time_ymd(4000, 1, 1);
    }
    let signer = if shows == Shows::UnknownAuthority { &authorities().theirs } else { &authorities().ours };
    let certificate =
        if shows == Shows::SelfSigned { params.self_signed(&key) } else { params.signed_by(&key, signer) };
    let chain = vec![certificate.unwrap().der().clone()];
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = ServerConfig::builder();
    let builder = if shows == Shows::AsksForOne {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authorities().ours.der().clone()).unwrap();
        builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, secret).unwrap();
    if shows == Shows::OnlyHttp2 {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    Layer::Tls(Arc::new(config))
}

/// A fatal alert "handshake failure".
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// HTTP/2: an empty SETTINGS frame, and GOAWAY (error `NO_ERROR`, nothing of this connection was looked at).
const GOAWAY: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// HTTP/2: an empty SETTINGS frame, and RST_STREAM of stream 1 with `REFUSED_STREAM`.
const REFUSED_STREAM: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7];

const fn unsent(name: &'static str, does: fn(&super::Good) -> Vec<Act>) -> Row {
    Row::new(name, "N N N x x", does).reaching(Reach::Nothing)
}

/// Columns: refund, cancel, mark paid; Klarna's order, the shop's order.
pub(crate) static ROWS: &[(Shows, Row)] = &[
    (Shows::Right, Row::new("TLS as it should be", "D D D f f", |g| vec![Read, Say(g.whole())])),
    (Shows::Expired, unsent("an expired certificate", |g| vec![Read, Say(g.whole())])),
    (Shows::NotYet, unsent("a certificate of the future", |g| vec![Read, Say(g.whole())])),
    (Shows::OtherName, unsent("a certificate for another name", |g| vec![Read, Say(g.whole())])),
    (Shows::UnknownAuthority, unsent("an unknown authority", |g| vec![Read, Say(g.whole())])),
    (Shows::SelfSigned, unsent("a self-signed certificate", |g| vec![Read, Say(g.whole())])),
    (Shows::OnlyHttp2, unsent("a server that speaks HTTP/2 only", |g| vec![Read, Say(g.whole())])),
    (Shows::NoTls, unsent("plain text on the TLS port", |g| vec![Await, SayRaw(g.whole()), Fin])),
    (Shows::NoTls, unsent("plain text before the greeting", |g| vec![SayRaw(g.whole()), Hang])),
    (Shows::NoTls, unsent("the handshake reset", |_| vec![Await, Reset])),
    (Shows::NoTls, unsent("the handshake closed", |_| vec![Await, Fin])),
    (Shows::NoTls, unsent("the handshake refused", |_| vec![Await, SayRaw(ALERT.to_vec()), Hang])),
    (Shows::NoTls, unsent("the handshake cut in a record", |_| vec![Await, SayRaw(vec![22, 3, 3, 0, 90, 2]), Fin])),
    (Shows::NoTls, unsent("a record that is too long", |_| vec![Await, Flood(vec![22, 3, 3, 255, 255, 2])])),
    (Shows::NoTls, unsent("the handshake never answered", |_| vec![Hang]).slow().reaching(Reach::Nothing)),
    // In TLS 1.3 the client is done before the server has looked: the request may be on its way.
    (
        Shows::AsksForOne,
        Row::new("a certificate asked of the client", "NU NU NU x x", |g| vec![Read, Say(g.whole())])
            .reaching(Reach::Nothing),
    ),
    (Shows::Right, Row::new("TLS, then a reset", "U U U x x", |_| vec![Read, Reset])),
    (Shows::Right, Row::new("TLS closed in order, then nothing", "U U U x x", |_| vec![Read, Goodbye, Fin])),
    (Shows::Right, Row::new("TLS, then bytes that are none", "U U U x x", |_| vec![Read, SayRaw(vec![0; 64]), Hang])),
    (Shows::Right, Row::new("TLS, then a fatal alert", "U U U x x", |_| vec![Read, SayRaw(ALERT.to_vec()), Hang])),
    (
        Shows::Right,
        Row::new("a body that ends with TLS", "D D D f f", |g| vec![Read, Say(g.with("", &g.body)), Goodbye, Fin]),
    ),
    // Anybody on the way can close a connection; only the server can close TLS.
    (
        Shows::Right,
        Row::new("a body that ends with the connection below TLS", "U D U x x", |g| {
            vec![Read, Say(g.with("", &g.body)), Fin]
        }),
    ),
    (
        Shows::Right,
        Row::new("TLS cut in the body", "U D U x x", |g| {
            vec![Read, Say(g.with(&format!("Content-Length: {}\r\n", g.body.len() + 2), &g.body)), Goodbye, Fin]
        }),
    ),
    (Shows::Right, Row::new("HTTP/2 frames: GOAWAY", "U U U x x", |_| vec![Read, Say(GOAWAY.to_vec()), Hang])),
    (
        Shows::Right,
        Row::new("HTTP/2 frames: REFUSED_STREAM", "U U U x x", |_| vec![Read, Say(REFUSED_STREAM.to_vec()), Hang]),
    ),
    (
        Shows::Right,
        Row::new("kept alive under TLS, then closed by the next request", "U U U f f", |_| vec![Read, Fin])
            .kept_alive(),
    ),
];
