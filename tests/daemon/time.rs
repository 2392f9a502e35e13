//! Time that stands still while anything is done, and then goes on to what is waited for next.
//!
//! Each thread has its own, so each test does. What is woken at one instant is woken in the order in which it began to wait.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static WAITING: RefCell<BTreeMap<(Duration, u64), Waker>> = const { RefCell::new(BTreeMap::new()) };
    static BEGAN: Cell<u64> = const { Cell::new(0) };
}

/// Since `block_on` began.
pub fn elapsed() -> Duration {
    NOW.get()
}

pub fn sleep(duration: Duration) -> Sleep {
    BEGAN.set(BEGAN.get() + 1);
    Sleep { until: elapsed() + duration, number: BEGAN.get() }
}

pub struct Sleep {
    until: Duration,
    number: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if elapsed() >= self.until {
            return Poll::Ready(());
        }
        WAITING.with_borrow_mut(|waiting| waiting.insert((self.until, self.number), context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        WAITING.with_borrow_mut(|waiting| waiting.remove(&(self.until, self.number)));
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `future` to its end, in a time of its own; nothing but time can wake what waits.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    NOW.set(Duration::ZERO);
    loop {
        while woken.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return done;
            }
        }
        let next = WAITING.with_borrow_mut(BTreeMap::pop_first);
        let ((until, _), waiting) = next.expect("something is waited for");
        NOW.set(until);
        waiting.wake();
    }
}
