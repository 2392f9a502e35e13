//! Signed checkpoints: what the journal was at one size, said so that it can be held against it later.
//!
//! A chain alone proves that nothing was changed in the middle; it cannot show that the end was cut off, or that all of
//! it was written anew. A checkpoint that is kept elsewhere can. Its form is C2SP's tlog-checkpoint: a signed note over
//! the origin, the size and the root of an RFC 6962 tree over the rows' hashes. Nothing here reads a store or a clock,
//! and nothing here decides what is signed.

pub mod folder;
pub mod key;
pub mod note;
pub mod tree;

pub use key::{BadKey, Signer, Verifier};
pub use note::{BadNote, Checkpoint, Held, Note};
pub use tree::{Root, Tree};
