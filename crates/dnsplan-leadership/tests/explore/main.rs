//! Hand-offs, explored exhaustively with the production code: what holds, and what breaks where a rule is left out. The
//! larger ones are commands, see `docs/leadership.md`.

mod controls;
mod holds;
mod model;
