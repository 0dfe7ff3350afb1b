//! Many writers at once.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Cell, Run, number, wait_for};
use crate::spec::{answer, serial, spec, wait_answer, web};

const WRITERS: u8 = 10;

/// Starts all the writers, then waits for them: each with another spec, and a name of its own.
fn publish_at_once(cell: &Cell, base: u8) -> Vec<(u8, Run)> {
    let start = |mark: u8| {
        let file = format!("writer-{mark}.toml");
        cell.save(&file, &spec(mark));
        let author = format!("writer-{mark}");
        (mark, cell.start(&["publish", &file, "--author", &author, "--format", "json"]))
    };
    let writers: Vec<_> = (base..base + WRITERS).map(start).collect();
    writers.into_iter().map(|(mark, writer)| (mark, writer.finish())).collect()
}

/// Each has its own generation, or was told who won. Returns how many have one.
fn assert_won_or_told(runs: Vec<(u8, Run)>) -> usize {
    let mut won = BTreeSet::new();
    let count = runs.len();
    for (mark, run) in runs {
        match run.code {
            Some(0) => {
                let plan = &run.json()["plans"][0];
                assert_eq!(plan["is_new"], true, "{run:#?}");
                assert!(won.insert(number(&plan["generation"])), "twice the same generation: {run:#?}");
            }
            Some(3) => {
                let error = run.json();
                assert_eq!(error["exit_code"], 3);
                let told = run.says(&["stale", "has appended", "plan again", "example.org."]);
                let winner = told.err.split_once("but ").unwrap().1;
                assert!(!winner.starts_with(&format!("writer-{mark} ")), "{told:#?}");
            }
            _ => panic!("neither won nor told: {run:#?}"),
        }
    }
    assert!(!won.is_empty() && won.len() <= count);
    won.len()
}

/// The whole history, oldest first; each plan was made on the one before it.
fn linear_history(cell: &Cell) -> Vec<Value> {
    let history = cell.json(&["history", "--limit", "1000"]);
    let mut plans = history["zones"][0]["plans"].as_array().unwrap().clone();
    plans.reverse();
    let mut parent = 0;
    for plan in &plans {
        assert_eq!(number(&plan["parent"]), parent, "{history:#}");
        assert!(number(&plan["generation"]) > parent, "{history:#}");
        parent = number(&plan["generation"]);
    }
    plans
}

#[test]
fn ten_publishers_at_once_each_get_a_generation_or_learn_who_won() {
    let cell = Cell::new();
    let mut won = 0;
    for round in 0..3 {
        won += assert_won_or_told(publish_at_once(&cell, 1 + round * WRITERS));
        assert_eq!(linear_history(&cell).len(), won, "a winner's plan is in the history, a loser's is not");
    }
}

#[test]
fn ten_publishers_at_once_beside_a_running_up() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(0));
    let won = assert_won_or_told(publish_at_once(&cell, 1));
    let plans = linear_history(&cell);
    assert_eq!(plans.len(), won + 1);
    let head = number(&plans.last().unwrap()["generation"]);
    wait_for("the last of them", || (serial(up.addr()) == head).then_some(()));
    let author = plans.last().unwrap()["provenance"]["author"].as_str().unwrap().to_owned();
    let mark: u8 = author.trim_start_matches("writer-").parse().unwrap();
    assert_eq!(answer(up.addr()), [web(mark)]);
    // The planner goes on from there with the next edit.
    cell.save("spec.toml", &spec(99));
    wait_answer(up.addr(), 99);
    assert_eq!(serial(up.addr()), head + 1);
}
