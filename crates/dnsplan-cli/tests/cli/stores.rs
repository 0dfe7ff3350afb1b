//! Directories and files that are no store.

use std::fs;

use crate::harness::{Cell, Run};
use crate::spec::spec;

const COMMANDS: [&[&str]; 5] = [
    &["status"],
    &["history"],
    &["plan", "spec.toml"],
    &["publish", "spec.toml"],
    &["up", "spec.toml", "--dns", "127.0.0.1:0"],
];

fn with_spec() -> Cell {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    cell
}

fn assert_left_alone(cell: &Cell, bytes: &[u8], parts: &[&str]) {
    fs::create_dir_all(cell.path("data")).unwrap();
    fs::write(cell.path("data/plans.sqlite"), bytes).unwrap();
    for args in COMMANDS {
        cell.run(args).expect(1).says(parts);
        assert!(fs::read(cell.path("data/plans.sqlite")).unwrap() == bytes, "{args:?} wrote to it");
    }
}

#[test]
fn a_file_that_is_no_store_is_left_as_it_is() {
    let what = ["data/plans.sqlite is not a dnsplan store", "left as it is"];
    assert_left_alone(&with_spec(), "these are my notes, not a database. ".repeat(200).as_bytes(), &what);
}

#[test]
fn a_database_of_somebody_else_is_left_as_it_is() {
    let cell = with_spec();
    // A database with another application's id (bytes 68 to 71), made from a real one.
    cell.ok(&["publish", "spec.toml", "--data", "theirs"]);
    let mut bytes = fs::read(cell.path("theirs/plans.sqlite")).unwrap();
    bytes[68..72].copy_from_slice(b"GPKG");
    assert_left_alone(&cell, &bytes, &["data/plans.sqlite is not a dnsplan store", "left as it is"]);
}

#[test]
fn a_store_of_a_newer_version_is_left_as_it_is() {
    let cell = with_spec();
    cell.ok(&["publish", "spec.toml", "--data", "theirs"]);
    let mut bytes = fs::read(cell.path("theirs/plans.sqlite")).unwrap();
    // The user version, bytes 60 to 63, is the format's.
    bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    assert_left_alone(&cell, &bytes, &["data/plans.sqlite", "9999"]);
}

#[test]
fn a_data_directory_that_cannot_be_is_named() {
    let cell = with_spec();
    cell.save("file", "not a directory\n");
    for dir in ["file", "file/below"] {
        let run = |args: &[&str]| -> Run { cell.run(&[args, &["--data", dir]].concat()).expect(1) };
        run(&["publish", "spec.toml"]).says(&["cannot make the data directory", dir, "--data"]);
        run(&["up", "spec.toml", "--dns", "127.0.0.1:0"]).says(&["cannot make the data directory", dir]);
        run(&["status"]).says(&["there is no plan store in", dir, "--data"]);
    }
    assert_eq!(fs::read_to_string(cell.path("file")).unwrap(), "not a directory\n");
}

#[test]
fn commands_that_read_make_no_store() {
    let cell = with_spec();
    for args in [&["status"][..], &["history"], &["show", "1"], &["diff", "1", "2"], &["unfreeze"], &["reap"]]
    {
        cell.run(args).expect(1).says(&["there is no plan store in data", "dnsplan publish SPEC"]);
    }
    assert!(!cell.path("data").exists());
}
