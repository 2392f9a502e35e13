//! The tree of RFC 6962 over the journal's rows, grown leaf by leaf.
//!
//! A leaf is the hash of one row, which covers every row before it too. Only the roots of the full subtrees are held:
//! a journal of five million rows needs two dozen of them.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The root of the tree at one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root(pub [u8; 32]);

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

/// A tree that grows at its right end.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    size: u64,
    /// The full subtrees from left to right, each with its height; heights fall.
    full: Vec<(u32, [u8; 32])>,
}

impl Tree {
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next row by its hash.
    pub fn push(&mut self, row: &[u8; 32]) {
        let mut node = (0_u32, sha256(&[&[0], row]));
        // Two subtrees of one height are one of the next.
        while let Some((_, left)) = self.full.pop_if(|(height, _)| *height == node.0) {
            node = (node.0.saturating_add(1), join(&left, &node.1));
        }
        self.full.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// The root of what was pushed; an empty tree has the hash of nothing.
    pub fn root(&self) -> Root {
        let mut subtrees = self.full.iter().rev().map(|(_, hash)| *hash);
        let Some(last) = subtrees.next() else { return Root(sha256(&[])) };
        Root(subtrees.fold(last, |right, left| join(&left, &right)))
    }
}

fn join(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[1], left, right])
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962, section 2.1, word for word: split at the largest power of two below the size.
    fn defined(rows: &[[u8; 32]]) -> [u8; 32] {
        match rows {
            [] => sha256(&[]),
            [row] => sha256(&[&[0], row]),
            rows => {
                let below = rows.len().next_power_of_two() / 2;
                let (left, right) = rows.split_at(below);
                join(&defined(left), &defined(right))
            }
        }
    }

    #[test]
    fn a_grown_tree_has_the_root_that_is_defined() {
        let rows: Vec<[u8; 32]> = (0..70_u8).map(|number| [number; 32]).collect();
        let mut tree = Tree::default();
        for (size, row) in rows.iter().enumerate() {
            assert_eq!(tree.root().0, defined(rows.get(..size).unwrap_or_default()), "at {size}");
            tree.push(row);
        }
        assert_eq!(tree.size(), 70);
    }
}
