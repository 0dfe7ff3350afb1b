//! Every scenario in tests/scenarios prints what is written beside it.
//!
//! `NAME.toml` is played as it is, must hold and print `NAME.golden`. `NAME.without-apply-fence.golden`, if it is there,
//! is what it prints with that switched off (several are joined by `+`), and then it must break. `UPDATE_GOLDEN=1` writes
//! what is printed; an empty file is enough to ask for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::Cell;

/// One way to play a scenario.
struct Case {
    scenario: PathBuf,
    golden: PathBuf,
    /// What is switched off.
    without: Vec<String>,
}

impl Case {
    /// What is printed, the same twice; or what is wrong with it.
    fn print(&self, cell: &Cell) -> Result<String, String> {
        let mut args = vec!["simulate", "--scenario", self.scenario.to_str().unwrap()];
        self.without.iter().for_each(|weak| args.extend(["--without", weak]));
        let [one, two] = [(); 2].map(|()| cell.run(&args));
        let code = if self.without.is_empty() { 0 } else { 5 };
        if one.code != Some(code) {
            return Err(format!("ends with {:?}, not {code}:\n{}{}", one.code, one.out, one.err));
        }
        if one.out != two.out {
            return Err(format!("differs from time to time, {}", difference(&two.out, &one.out)));
        }
        Ok(one.out)
    }

    /// Compares what is printed with the golden file, having written it first where that is asked for.
    fn check(&self, cell: &Cell, is_update: bool) -> Result<(), String> {
        let printed = self.print(cell)?;
        if is_update {
            fs::write(&self.golden, &printed).map_err(|error| error.to_string())?;
        }
        let golden = fs::read_to_string(&self.golden).map_err(|error| error.to_string())?;
        if golden == printed { Ok(()) } else { Err(difference(&printed, &golden)) }
    }
}

/// The files of the directory, by name.
fn files(dir: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).collect()
}

/// All cases. Every file must belong to one.
fn cases(dir: &Path) -> Vec<Case> {
    let files = files(dir);
    let mut cases = Vec::new();
    for (name, path) in &files {
        if let Some(name) = name.strip_suffix(".toml") {
            let golden = dir.join(format!("{name}.golden"));
            cases.push(Case { scenario: path.clone(), golden, without: Vec::new() });
            continue;
        }
        let name =
            name.strip_suffix(".golden").unwrap_or_else(|| panic!("{name} is neither .toml nor .golden"));
        let (scenario, without) =
            name.split_once(".without-").map_or((name, None), |(name, keys)| (name, Some(keys)));
        let scenario = dir.join(format!("{scenario}.toml"));
        assert!(
            scenario.exists(),
            "{name}.golden is of no scenario: delete it, or add {}",
            scenario.display()
        );
        if let Some(keys) = without {
            let without = keys.split('+').map(str::to_owned).collect();
            cases.push(Case { scenario, golden: path.clone(), without });
        }
    }
    assert!(!cases.is_empty(), "no scenario in {}", dir.display());
    cases
}

/// The first line that differs, for people.
fn difference(is: &str, golden: &str) -> String {
    let lines = is.lines().map(Some).chain(std::iter::repeat(None));
    let differs = |(_, (is, golden)): &(usize, (Option<&str>, Option<&str>))| is != golden;
    let pairs = lines.zip(golden.lines().map(Some).chain(std::iter::repeat(None)));
    let most = is.lines().count().max(golden.lines().count());
    match pairs.take(most).enumerate().find(differs) {
        Some((index, (is, golden))) => format!("line {}:\n  golden  {golden:?}\n  printed {is:?}", index + 1),
        None => "the ends of lines".to_owned(),
    }
}

#[test]
fn every_scenario_prints_its_golden_file() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let is_update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let cell = Cell::new();
    let name = |case: &Case| case.golden.file_name().unwrap().to_str().unwrap().to_owned();
    let wrong: Vec<String> = cases(&dir)
        .iter()
        .filter_map(|case| Some(format!("{}: {}", name(case), case.check(&cell, is_update).err()?)))
        .collect();
    assert!(
        wrong.is_empty(),
        "not as the golden files say; where it is meant, run again with UPDATE_GOLDEN=1\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_scenario_is_the_same_wherever_its_file_is() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let case = cases(&dir).into_iter().find(|case| case.without.is_empty()).unwrap();
    let cell = Cell::new();
    fs::copy(&case.scenario, cell.path("copy.toml")).unwrap();
    let copy = cell.ok(&["simulate", "--scenario", "copy.toml"]);
    assert_eq!(Ok(copy), case.print(&cell), "no path is printed");
}
