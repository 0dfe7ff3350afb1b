//! The registry, `tests/mutants.toml`: that each entry fits the code is a tidy test's to check.

use serde::Deserialize;

use crate::run::{Failed, root};

const AT: &str = "tests/mutants.toml";
/// Its tests judge every mutant that does not name others.
const SIMULATOR: &str = "dnsplan-sim";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registry {
    mutant: Vec<Mutant>,
}

/// One check removed or weakened.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    pub(crate) rule: String,
    pub(crate) what: String,
    pub(crate) file: String,
    pub(crate) find: String,
    pub(crate) replace: String,
    #[serde(default)]
    tests: Vec<String>,
}

impl Mutant {
    /// The packages whose tests judge it, in this order.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &str> {
        let own = self.file.strip_prefix("crates/").and_then(|path| path.split('/').next());
        let usual = [Some(SIMULATOR), own].into_iter().flatten().filter(|_| self.tests.is_empty());
        self.tests.iter().map(String::as_str).chain(usual)
    }
}

pub(crate) fn read() -> Result<Vec<Mutant>, Failed> {
    let text = std::fs::read_to_string(root().join(AT)).map_err(|error| Failed(format!("{AT}: {error}")))?;
    let registry: Registry = toml::from_str(&text).map_err(|error| Failed(format!("{AT}: {error}")))?;
    Ok(registry.mutant)
}

/// Those named, in the order of the registry; all where none is named.
pub(crate) fn chosen<'a>(registry: &'a [Mutant], names: &[String]) -> Result<Vec<&'a Mutant>, Failed> {
    if let Some(unknown) = names.iter().find(|name| registry.iter().all(|mutant| mutant.name != **name)) {
        return Err(Failed(format!("{AT} has no mutant `{unknown}`")));
    }
    Ok(registry.iter().filter(|mutant| names.is_empty() || names.contains(&mutant.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Vec<Mutant> {
        let entry = |name: &str, more: &str| {
            format!(
                "[[mutant]]\nname = \"{name}\"\nrule = \"R1\"\nwhat = \"w\"\nfile = \"crates/a/src/b.rs\"\n\
                 find = \"x\"\nreplace = \"y\"\n{more}"
            )
        };
        let text = entry("one", "") + &entry("two", "tests = [\"c\"]\n");
        toml::from_str::<Registry>(&text).expect("it parses").mutant
    }

    #[test]
    fn the_simulator_and_the_own_crate_judge_unless_others_are_named() {
        let judges: Vec<Vec<String>> =
            registry().iter().map(|mutant| mutant.packages().map(str::to_owned).collect()).collect();
        assert_eq!(judges, [vec![SIMULATOR, "a"], vec!["c"]]);
    }

    #[test]
    fn a_name_that_is_none_is_an_error() {
        let registry = registry();
        assert_eq!(chosen(&registry, &[]).map(|all| all.len()).ok(), Some(2));
        let two = chosen(&registry, &["two".to_owned()]).ok();
        assert_eq!(two.map(|two| two[0].name.clone()).as_deref(), Some("two"));
        let error = chosen(&registry, &["three".to_owned()]).expect_err("there is none");
        assert!(error.0.contains("no mutant `three`"));
    }
}
