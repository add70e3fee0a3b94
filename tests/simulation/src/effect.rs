//! A call to the outside as a future. It is ready when the scheduler has decided its result.

use crate::world::{Call, Fate, Sim, World};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Every effect of an execution environment goes through its port.
#[derive(Clone)]
pub(crate) struct Port {
    pub(crate) sim: Sim,
    pub(crate) instance: usize,
}

type Kept<T> = Arc<Mutex<Option<T>>>;

struct Waiting<T> {
    sim: Sim,
    id: u64,
    kept: Kept<T>,
}

impl Port {
    /// Makes a call. `apply` is the effect, and `fail` makes the error for a reason.
    pub(crate) fn call<T: Send + 'static, E: Send + 'static>(
        &self,
        what: &'static str,
        is_write: bool,
        fail: fn(&'static str) -> E,
        apply: impl FnOnce(&mut World) -> Result<T, E> + Send + 'static,
    ) -> impl Future<Output = Result<T, E>> + Send + 'static {
        let (sim, instance) = (self.sim.clone(), self.instance);
        async move {
            let kept: Kept<Result<T, E>> = Kept::default();
            let id = {
                let (kept, mut world) = (kept.clone(), sim.world());
                let act = move |world: &mut World, fate| {
                    let result = match fate {
                        Fate::Refuse => Err(fail("refused")),
                        Fate::Answer | Fate::LoseAnswer | Fate::Land => apply(world),
                    };
                    let answer = if fate == Fate::LoseAnswer { Err(fail("time-out")) } else { result };
                    if fate != Fate::Land {
                        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
                    }
                };
                let id = world.next_number();
                world.calls_made += 1;
                let (act, waker, is_orphan) = (Box::new(act), None, false);
                world.calls.push(Call { id, instance, what, is_write, is_orphan, waker, act });
                id
            };
            Waiting { sim, id, kept }.await
        }
    }
}

impl<T> Future for Waiting<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if let Some(answer) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Poll::Ready(answer);
        }
        let mut world = self.sim.world();
        if let Some(call) = world.calls.iter_mut().find(|call| call.id == self.id) {
            call.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

/// The caller has died or timed out. A read is dropped; a write may still arrive.
impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        let mut world = self.sim.world();
        let Some(at) = world.calls.iter().position(|call| call.id == self.id) else { return };
        if world.calls[at].is_write {
            world.calls[at].is_orphan = true;
            world.calls[at].waker = None;
        } else {
            let dropped = world.calls.remove(at);
            drop(world);
            drop(dropped);
        }
    }
}
