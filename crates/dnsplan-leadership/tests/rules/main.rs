//! The rules one by one: what each record permits, what is decided, what a node makes of it, and hand-offs as types.

mod attending;
mod coordinating;
mod deciding;
mod handoffs;
mod leading;
mod monitoring;
mod permits;
mod support;
mod texts;
mod unfenceable;
