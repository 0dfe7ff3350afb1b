//! What has come of a run.

use std::time::Duration;

use super::Error;
use super::arena::Arena;
use super::run::Plan;
use super::writers::Seen;

#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) plan: Plan,
    pub(crate) handoffs: u64,
    /// Rows that were answered as applied.
    pub(crate) rows: i64,
    /// Rows of a sealed epoch that were committed after its seal.
    pub(crate) late: i64,
    /// Rows that were answered as applied and are not there, or are there and were not.
    pub(crate) wrong: i64,
    pub(crate) aborted: u64,
    /// Why a write failed that was not fenced.
    pub(crate) error: Option<String>,
    pub(crate) pauses: Vec<Duration>,
    pub(crate) drains: Vec<Duration>,
    pub(crate) seals: Vec<Duration>,
    pub(crate) took: Vec<Duration>,
}

impl Report {
    pub(crate) fn new(plan: Plan) -> Self {
        let (pauses, drains, seals, took) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (handoffs, rows, late, wrong, aborted, error) = (0, 0, 0, 0, 0, None);
        Self { plan, handoffs, rows, late, wrong, aborted, error, pauses, drains, seals, took }
    }

    /// The counts, once all writers have ended.
    pub(crate) async fn judge(&mut self, arena: &Arena, seen: Seen) -> Result<(), Error> {
        self.late = 0;
        for epoch in 1..=self.handoffs {
            self.late += arena.late(epoch).await?;
        }
        for (epoch, applied) in &seen.applied {
            self.rows += applied;
            self.wrong += (arena.rows(*epoch).await? - applied).abs();
        }
        self.aborted = seen.aborted;
        self.error = seen.error;
        self.pauses = seen.pauses;
        Ok(())
    }

    /// What is not as it has to be; `limit` is for the pauses at the 99th percentile, with the gate.
    pub(crate) fn faults(&self, limit: Option<Duration>) -> Vec<String> {
        let Plan { form, drains, .. } = self.plan;
        let mut faults = Vec::new();
        let mut must = |holds: bool, what: String| {
            if !holds {
                faults.push(format!("{form}: {what}"));
            }
        };
        if !form.is_shipped() {
            must(
                self.late > 0,
                format!("no late row in {} hand-offs, so that this load shows nothing", self.handoffs),
            );
            return faults;
        }
        must(self.late == 0, format!("{} rows of a sealed epoch came after its seal", self.late));
        must(self.wrong == 0, format!("{} rows more or less than were answered as applied", self.wrong));
        let why = self.error.as_deref().unwrap_or("fenced");
        must(
            !drains || self.aborted == 0,
            format!("{} writes aborted although it drains: {why}", self.aborted),
        );
        must(drains || self.aborted > 0, "nobody was fenced, so that this load shows nothing".to_owned());
        let pause = percentile(&self.pauses, 99);
        let is_short = limit.is_none_or(|limit| !drains || pause <= limit);
        must(is_short, format!("writers pause for {} ms at p99", pause.as_millis()));
        faults
    }

    /// A row under [`HEADER`].
    pub(crate) fn cells(&self) -> [String; 12] {
        let ms = |values, percent| format!("{:.1} ms", percentile(values, percent).as_secs_f64() * 1e3);
        let each = f64::from(u32::try_from(self.aborted).unwrap_or(u32::MAX))
            / f64::from(u32::try_from(self.handoffs).unwrap_or(u32::MAX));
        [
            self.plan.form.to_string(),
            if self.plan.drains { "yes" } else { "no" }.to_owned(),
            self.handoffs.to_string(),
            self.rows.to_string(),
            self.late.to_string(),
            format!("{each:.2}"),
            ms(&self.pauses, 50),
            ms(&self.pauses, 99),
            ms(&self.drains, 50),
            ms(&self.seals, 50),
            ms(&self.seals, 99),
            ms(&self.took, 50),
        ]
    }
}

/// What [`Report::cells`] are.
pub(crate) const HEADER: [&str; 12] = [
    "form",
    "gate",
    "hand-offs",
    "rows",
    "late rows",
    "aborted each",
    "pause p50",
    "p99",
    "drain p50",
    "seal p50",
    "p99",
    "hand-off p50",
];

/// The value that so many per cent are not above.
fn percentile(values: &[Duration], percent: usize) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}
