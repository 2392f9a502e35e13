//! The made-up consumer behind every order, on both sides.
//!
//! Complete on purpose: a rehearsal proves that none of these words leaks into a report or log.

pub const FIRST: &str = "Testperson-nl";
pub const LAST: &str = "Approved";
pub const NAME: &str = "Testperson-nl Approved";
pub const EMAIL: &str = "customer@email.nl";
pub const PHONE: &str = "+31612345678";
pub const STREET: &str = "Neherkade";
pub const HOUSE: &str = "1";
pub const EXTENSION: &str = "XI";
pub const ZIP: &str = "2521VA";
pub const CITY: &str = "Gravenhage";
pub const BIRTH: &str = "1970-07-10";
pub const IP: &str = "192.0.2.44";
