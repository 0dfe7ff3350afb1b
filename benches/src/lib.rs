//! What the benchmarks have in common: zones of a wanted size, edits of a wanted size, and a bench that publishes.

mod bed;
mod zones;

pub use bed::{Bed, directory, live_in_memory};
pub use zones::{SIZES, edited, owner, size_name, zone};
