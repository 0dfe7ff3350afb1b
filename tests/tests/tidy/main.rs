//! The house rules as tests. Each check is a pure function from what was read to a list of violations, with unit tests on
//! made-up input that show that it can fail; here they meet the real workspace.
//!
//! 1. A crate depends on lower levels only, and the pure crates reach no clock, runtime or random source (`levels`, `purity`).
//! 2. Sources and manifests keep the house rules that no lint holds (`sources`, `manifests`).
//! 3. What `docs/` says about crates, dependencies and guarantees is so (`architecture`, `guarantees`).
//! 4. The registry of mutants fits the code (`mutants`).

mod architecture;
mod guarantees;
mod levels;
mod manifests;
mod mutants;
mod purity;
mod sources;
mod violation;
mod workspace;

use crate::violation::report;
use crate::workspace::{Workspace, files, read};

#[test]
fn crates_depend_on_lower_levels_only() {
    report(&levels::check(&Workspace::load().packages));
}

#[test]
fn pure_crates_declare_only_what_is_allowed() {
    report(&purity::check_declared(&Workspace::load().packages));
}

#[test]
fn pure_crates_reach_no_runtime_socket_or_random_source() {
    let trees = purity::PURE.iter().map(|pure| workspace::tree(pure.name));
    report(&trees.flat_map(|tree| purity::check_tree(&tree)).collect::<Vec<_>>());
}

#[test]
fn manifests_take_the_workspace_lints_and_the_right_clippy_toml() {
    let strict = read("clippy.toml");
    let packages = Workspace::load().packages;
    let read_all = packages.iter().map(manifests::Read::from_disk);
    report(&read_all.flat_map(|package| manifests::check(&package, &strict)).collect::<Vec<_>>());
}

#[test]
fn sources_keep_the_house_rules() {
    let files = files();
    let mut violations: Vec<_> = files.iter().flat_map(sources::check).collect();
    violations.extend(sources::check_lengths(&files, sources::LONG));
    report(&violations);
}

#[test]
fn the_architecture_document_lists_the_crates_and_dependencies_there_are() {
    report(&architecture::check(&read("docs/architecture.md"), &Workspace::load().packages));
}

#[test]
fn each_guarantee_lists_its_tests_and_each_such_test_is_listed() {
    report(&guarantees::check(&read("docs/guarantees.md"), &files()));
}

#[test]
fn the_registry_of_mutants_is_in_step_with_the_code() {
    report(&mutants::check(&read(mutants::AT), &files()));
}
