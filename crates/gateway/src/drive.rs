//! Who says when to look: the parts themselves, or whoever moves a virtual clock.
//!
//! By themselves engine and senders look whenever something changed or is due. Played on a virtual clock they look when they are told, after
//! everything before them is finished: then the same day is played the same way each time, however fast the machine is.

use std::sync::Arc;

use tokio::sync::watch;

/// Shared by all that it drives. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Drive {
    told: Arc<watch::Sender<bool>>,
}

impl Drive {
    /// Everything looks by itself.
    #[must_use]
    pub fn by_itself() -> Self {
        Self {
            told: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Everything looks when [`crate::Handle::quiet`] is called, until [`Drive::release`].
    #[must_use]
    pub fn told() -> Self {
        Self {
            told: Arc::new(watch::Sender::new(true)),
        }
    }

    /// From now on everything looks by itself.
    pub fn release(&self) {
        self.told.send_replace(false);
    }

    pub(crate) fn is_told(&self) -> bool {
        *self.told.borrow()
    }

    /// Resolves when everything looks by itself.
    pub(crate) async fn released(&self) {
        let mut told = self.told.subscribe();
        // The sender is ours, so it is never gone.
        let _ = told.wait_for(|told| !told).await;
    }
}

impl Default for Drive {
    fn default() -> Self {
        Self::by_itself()
    }
}
