//! Three writers and a freezer at the gate, explored by loom: see `docs/leadership.md`. It takes the most times that threads
//! are interrupted in one execution, or `all`.

#[cfg(loom)]
#[path = "../tests/loom/explore.rs"]
mod explore;
#[cfg(loom)]
#[path = "../tests/loom/race.rs"]
mod race;

#[cfg(loom)]
fn main() {
    let most = std::env::args().nth(1).expect("usage: gate MOST|all");
    race::three_writers((most != "all").then(|| most.parse().expect("usage: gate MOST|all")));
}

#[cfg(not(loom))]
fn main() {
    eprintln!("run it as RUSTFLAGS=\"--cfg loom\" cargo run --release -p dnsplan-fence --example gate 3");
    std::process::exit(64);
}
