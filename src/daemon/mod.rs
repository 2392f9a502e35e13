//! The service.
pub mod agenda;
