//! Every interleaving of small configurations: what holds, what the rules are for, and that the explorer leaves nothing
//! out.

mod controls;
mod holds;
mod reference;
