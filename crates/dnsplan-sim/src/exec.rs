//! The executor: virtual time, and one queue of events that decides who comes next.
//!
//! 1. A task waits for exactly one thing at a time: a moment, or a reply. Every such wait is a point where everybody else may come
//!    in, and where the task may crash: its future is dropped there, and made anew later.
//! 2. What was sent is in the queue and not in the sender: a request outlives the crash of whoever sent it.
//! 3. Events of one moment come in the order in which they were put in. Nothing else decides.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// Names a task.
pub(crate) type TaskId = usize;
/// What a task runs.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Something that happens at a moment.
pub(crate) type Effect = Box<dyn FnOnce() + Send>;

/// What takes longer than this many milliseconds is late.
const LATE: u64 = 100;

enum Item {
    /// Polls a task, if it is still the life that asked for it.
    Wake(TaskId, u32),
    /// A request arrives.
    Arrive(Effect),
    /// A task begins (again), if nobody has stopped it since.
    Start(TaskId, u32),
}

struct Event {
    at: u64,
    order: u64,
    item: Item,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

#[derive(Default)]
struct State {
    now: u64,
    order: u64,
    step: u64,
    queue: BinaryHeap<Reverse<Event>>,
    /// When the last of the requests that are late on purpose arrives.
    last_arrival: u64,
    lives: Vec<u32>,
    current: TaskId,
    /// The task that is being polled crashes, and begins again after so long.
    crash: Option<u64>,
    /// Something may have changed at a target or in the store.
    is_dirty: bool,
}

/// Virtual time and the queue. Everybody has a handle.
#[derive(Clone, Default)]
pub(crate) struct Core(Arc<Mutex<State>>);

impl Core {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("invariant: nothing panics while it is locked")
    }

    /// Virtual time, in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.lock().now
    }

    /// Events so far.
    pub(crate) fn step(&self) -> u64 {
        self.lock().step
    }

    /// Whether something that is late on purpose is still on its way.
    pub(crate) fn awaits_latecomers(&self) -> bool {
        let state = self.lock();
        state.now < state.last_arrival
    }

    /// Says that something may have changed.
    pub(crate) fn touch(&self) {
        self.lock().is_dirty = true;
    }

    /// Whether something may have changed since this was asked last.
    pub(crate) fn take_dirty(&self) -> bool {
        std::mem::take(&mut self.lock().is_dirty)
    }

    /// Lets a request arrive after `delay`.
    pub(crate) fn send(&self, delay: u64, effect: Effect) {
        let mut state = self.lock();
        let at = state.now.saturating_add(delay);
        if delay > LATE {
            state.last_arrival = state.last_arrival.max(at);
        }
        state.push(at, Item::Arrive(effect));
    }

    /// Lets something happen after `delay` that is no message, such as the end of somebody's patience.
    pub(crate) fn after(&self, delay: u64, effect: Effect) {
        let mut state = self.lock();
        let at = state.now.saturating_add(delay);
        state.push(at, Item::Arrive(effect));
    }

    /// The task that is being polled.
    pub(crate) fn current(&self) -> (TaskId, u32) {
        let state = self.lock();
        (state.current, state.lives[state.current])
    }

    /// Polls a task after `delay`.
    pub(crate) fn wake(&self, (task, life): (TaskId, u32), delay: u64) {
        let mut state = self.lock();
        let at = state.now.saturating_add(delay);
        state.push(at, Item::Wake(task, life));
    }

    /// The task that is being polled crashes at its next await, and begins again after `downtime`.
    pub(crate) fn crash(&self, downtime: u64) {
        self.lock().crash = Some(downtime);
    }

    /// Waits for a moment.
    pub(crate) async fn sleep(&self, delay: u64) {
        let until = self.now().saturating_add(delay);
        self.wake(self.current(), delay);
        std::future::poll_fn(|_| if self.now() >= until { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Never goes on: where a task waits for its own crash.
    pub(crate) async fn halt(&self) {
        std::future::pending::<()>().await;
    }
}

impl State {
    fn push(&mut self, at: u64, item: Item) {
        self.order += 1;
        let order = self.order;
        self.queue.push(Reverse(Event { at, order, item }));
    }
}

/// A place for one reply.
pub(crate) struct Slot<R> {
    core: Core,
    /// The reply, and whether there has been one.
    state: Arc<Mutex<(Option<R>, bool)>>,
    waiter: (TaskId, u32),
}

impl<R> Clone for Slot<R> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), state: Arc::clone(&self.state), waiter: self.waiter }
    }
}

impl<R> Slot<R> {
    /// A place for a reply to the task that is being polled.
    pub(crate) fn new(core: &Core) -> Self {
        Self { core: core.clone(), state: Arc::new(Mutex::new((None, false))), waiter: core.current() }
    }

    /// The reply, on its way for `delay`. Only the first one counts.
    pub(crate) fn fill(&self, reply: R, delay: u64) {
        let mut state = self.state.lock().expect("invariant: nothing panics while it is locked");
        if !state.1 {
            *state = (Some(reply), true);
            self.core.wake(self.waiter, delay);
        }
    }

    /// Waits for it.
    pub(crate) async fn wait(self) -> R {
        // A task is polled again only by the wake that `fill` put in.
        std::future::poll_fn(|_| {
            let mut state = self.state.lock().expect("invariant: nothing panics while it is locked");
            state.0.take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// What the executor did last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Did {
    /// An event that concerns nobody else.
    Event,
    /// A task crashed, and begins again after so many milliseconds.
    Crashed(TaskId, u64),
    /// A task began.
    Started(TaskId),
}

struct Life {
    make: Box<dyn FnMut() -> Task + Send>,
    task: Option<Task>,
}

/// Runs tasks.
pub(crate) struct Executor {
    core: Core,
    lives: Vec<Life>,
}

impl Executor {
    pub(crate) fn new(core: &Core) -> Self {
        Self { core: core.clone(), lives: Vec::new() }
    }

    /// A task, to begin after `delay`; `make` makes it anew after every crash.
    pub(crate) fn spawn(&mut self, delay: u64, make: impl FnMut() -> Task + Send + 'static) -> TaskId {
        let id = self.lives.len();
        self.lives.push(Life { make: Box::new(make), task: None });
        self.core.lock().lives.push(0);
        self.start(id, delay);
        id
    }

    /// Begins a task that has been stopped, after `delay`.
    pub(crate) fn start(&mut self, id: TaskId, delay: u64) {
        let mut state = self.core.lock();
        let at = state.now.saturating_add(delay);
        let life = state.lives[id];
        state.push(at, Item::Start(id, life));
    }

    /// Kills a task wherever it is. It does not begin again by itself.
    pub(crate) fn stop(&mut self, id: TaskId) {
        self.lives[id].task = None;
        self.core.lock().lives[id] += 1;
    }

    /// Makes the next event happen, if it is not after `until`; `None` where there is none.
    pub(crate) fn turn(&mut self, until: u64) -> Option<Did> {
        let item = {
            let mut state = self.core.lock();
            state.queue.peek().filter(|event| event.0.at <= until)?;
            let Reverse(event) = state.queue.pop()?;
            state.now = event.at;
            state.step += 1;
            event.item
        };
        Some(match item {
            Item::Arrive(effect) => {
                effect();
                Did::Event
            }
            Item::Start(id, life) => {
                if self.lives[id].task.is_some() || self.core.lock().lives[id] != life {
                    return Some(Did::Event);
                }
                self.lives[id].task = Some((self.lives[id].make)());
                self.poll(id).unwrap_or(Did::Started(id))
            }
            Item::Wake(id, life) if self.core.lock().lives[id] == life => self.poll(id).unwrap_or(Did::Event),
            Item::Wake(..) => Did::Event,
        })
    }

    /// Polls a task; `Some` where it crashed.
    fn poll(&mut self, id: TaskId) -> Option<Did> {
        self.core.lock().current = id;
        let task = self.lives[id].task.as_mut()?;
        let is_done = task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        let crash = self.core.lock().crash.take();
        if let Some(downtime) = crash {
            self.stop(id);
            self.start(id, downtime);
            return Some(Did::Crashed(id, downtime));
        }
        if is_done {
            self.lives[id].task = None;
        }
        None
    }
}

impl Drop for Executor {
    /// What is still on its way knows the wires, and the wires know the queue that it is in: without this, no run would ever be freed.
    fn drop(&mut self) {
        let left = std::mem::take(&mut self.core.lock().queue);
        drop(left);
    }
}
