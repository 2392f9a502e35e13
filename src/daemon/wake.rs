//! Hints from outside: a shop may have changed. They carry a name and nothing else.
//!
//! A bounded set of distinct names, so that a flood of hints is one hint.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use reconciled_core::id::ShopName;

#[derive(Debug, Default)]
struct Waiting {
    shops: Mutex<BTreeSet<ShopName>>,
    came: Notify,
}

/// Where hints are left. Only shops that the receiver knows have an effect.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Waiting>);

/// Where the loop takes them up.
#[derive(Debug)]
pub struct Hints(Arc<Waiting>);

/// More shops than anybody configures: beyond it, hints are dropped and polling finds the change.
const MOST: usize = 10_000;

pub fn channel() -> (Waker, Hints) {
    let waiting = Arc::new(Waiting::default());
    (Waker(waiting.clone()), Hints(waiting))
}

impl Waker {
    /// False when too many hints wait already.
    pub fn wake(&self, shop: ShopName) -> bool {
        let mut shops = self.0.shops.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = shops.len() < MOST || shops.contains(&shop);
        if fits {
            shops.insert(shop);
            self.0.came.notify_one();
        }
        fits
    }
}

impl Hints {
    /// The next hint; waits while there is none.
    pub async fn next(&mut self) -> ShopName {
        loop {
            let first = self.0.shops.lock().unwrap_or_else(PoisonError::into_inner).pop_first();
            match first {
                Some(shop) => return shop,
                None => self.0.came.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_of_hints_is_one_hint() {
        let (waker, mut hints) = channel();
        let main = ShopName("main".to_owned());
        for _ in 0..1000 {
            assert!(waker.wake(main.clone()));
        }
        assert_eq!(hints.next().await, main);
        assert!(hints.0.shops.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn too_many_names_are_dropped() {
        let (waker, _hints) = channel();
        let name = |number: usize| ShopName(format!("shop-{number}"));
        assert!((0..MOST).all(|number| waker.wake(name(number))));
        assert!(!waker.wake(name(MOST)));
        assert!(waker.wake(name(7)));
    }
}
