//! The wish that a pass ends early. A pass that knows it takes up nothing new, lets what is under way finish and be
//! recorded, and reports what it left. It never breaks anything off.

use std::sync::Arc;

use tokio::sync::watch;

/// A flag that is raised once, shared by whoever may ask and whoever must know. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it is asked for.
    pub async fn asked(&self) {
        // The sender lives as long as `self`, so waiting ends with the wish alone.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}
