//! What the fence costs at a real server: the same plans through dnsplan and without a fence, in turns, at one BIND.
//!
//! | side | what is measured for a plan |
//! |---|---|
//! | dnsplan | the enactor's pass, from the append's return to the plan being live and confirmed; the store is in memory |
//! | nsupdate | one `nsupdate -v` that is kept running: from its script of one `send` to the answer. To start it, 20 ms, is not counted; that it reads text and connects anew for each message is, as this is how it works |
//! | bare | messages encoded and signed before the clock starts, over one connection that is kept: what the server can take |
//! | fenced | the same messages with the fence in them: the record that must be there as prerequisite, and the one in its place |
//!
//! nsupdate and bare say "delete, add" of the same RRsets and nothing else: no prerequisite, no record of who wrote what. Fenced beside
//! bare is what the fence itself costs. At the end the zones must be the same, and what was planned. `cargo xtask rfc2136-cost` runs it.
//! No timing makes it fail.

mod sides;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use clap::Parser;
use comfy_table::Table;
use dnsplan::tsig::TsigKey;
use dnsplan_name_servers::{Key, Primary, Software};

use sides::{Engine, Nsupdate, ReadyMade, Side};

type Error = Box<dyn std::error::Error>;

/// One for each side, of the same length: the messages are, too.
const ZONES: [&str; 4] = ["a.example.", "b.example.", "c.example.", "d.example."];
const SIDES: [&str; 4] = ["dnsplan", "nsupdate", "bare", "fenced"];
const TTL: u32 = 60;

/// Compares plans a second through dnsplan, by nsupdate, and by ready-made messages, at one BIND.
#[derive(Parser)]
struct Cli {
    /// How often each side takes its turn
    #[arg(long, default_value_t = 21)]
    rounds: usize,
    /// Hosts of the zone, with an address each
    #[arg(long, default_value_t = 5_000)]
    hosts: u32,
    /// How many RRsets a plan changes: a row of the table each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1_000])]
    changes: Vec<u32>,
    /// What decides which hosts change
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What a plan changes: other addresses for some hosts.
type Edits = BTreeMap<u32, Ipv4Addr>;

/// The sequence of plans, and the zone as it is to be at its end.
struct Plans {
    state: u64,
    made: u32,
    hosts: u32,
    zone: Edits,
}

impl Plans {
    fn next(&mut self, changes: u32) -> Edits {
        self.made += 1;
        let address = Ipv4Addr::from(0x0a00_0000 + self.made);
        let mut edits = Edits::new();
        while edits.len() < changes.min(self.hosts) as usize {
            // Knuth's MMIX generator; its high bits are the good ones.
            self.state =
                self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let host = (self.state >> 33) % u64::from(self.hosts);
            edits.insert(u32::try_from(host).unwrap_or_default(), address);
        }
        self.zone.extend(edits.clone());
        edits
    }
}

fn host(index: u32) -> String {
    format!("h{index:05}")
}

/// Plans a second of each side, round by round.
struct Row {
    changes: u32,
    rounds: Vec<[f64; 4]>,
}

impl Row {
    fn rate(&self, side: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[side]))
    }

    /// Plans of one side for each plan of another, round by round: the median, the lowest and the highest.
    fn ratio(&self, side: usize, other: usize) -> String {
        let ratios = || self.rounds.iter().map(|round| round[side] / round[other]);
        let (lowest, highest) = (ratios().fold(f64::MAX, f64::min), ratios().fold(0.0, f64::max));
        format!("{:.2} ({lowest:.2} to {highest:.2})", median(ratios()))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn measure(cli: &Cli, sides: &mut [Box<dyn Side>; 4], plans: &mut Plans, changes: u32) -> Result<Row, Error> {
    // Turns of about a tenth of a second: what else the machine does falls on all sides alike.
    let turn = (2_000 / changes.max(1)).clamp(4, 50);
    let mut rounds = Vec::new();
    for round in 0..=cli.rounds {
        let next: Vec<Edits> = (0..turn).map(|_| plans.next(changes)).collect();
        let mut rates = [0.0; 4];
        for side in (0..4).map(|turn| (turn + round) % 4) {
            let mut taken = Duration::ZERO;
            for edits in &next {
                let applied = sides[side].apply(edits);
                taken += applied.map_err(|error| format!("{}: {error}", SIDES[side]))?;
            }
            rates[side] = f64::from(turn) / taken.as_secs_f64();
        }
        // The first one warms up.
        if round > 0 {
            rounds.push(rates);
        }
    }
    Ok(Row { changes, rounds })
}

/// What is in a zone: the SOA and the fence apart, all with the zone's name left out.
fn listed(primary: &Primary, key: &Key, zone: &str) -> Result<Vec<String>, Error> {
    let server = primary.address();
    let mut dig = Command::new("dig");
    dig.args(["+noall", "+answer", &format!("@{}", server.ip()), "-p", &server.port().to_string()]);
    dig.args(["-y", &format!("{}:{}:{}", key.algorithm, key.name, key.secret), zone, "AXFR"]);
    let output = dig.output().map_err(|error| format!("dig: {error}: `apt-get install bind9-dnsutils`"))?;
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let lines =
        lines.filter(|line| line.len() > 4 && line[3] != "SOA" && line[0] != format!("_dnsplan.{zone}"));
    let mut listed: Vec<String> = lines
        .map(|line| format!("{} {}", line[0].strip_suffix(zone).unwrap_or(line[0]), line[1..].join(" ")))
        .collect();
    listed.sort();
    Ok(listed)
}

/// Fails where a zone is not what was planned.
fn compare(primary: &Primary, key: &Key, plans: &Plans) -> Result<(), Error> {
    let hosts = plans.zone.iter().map(|(index, address)| format!("{}. {TTL} IN A {address}", host(*index)));
    let mut planned: Vec<String> = hosts.chain([" 300 IN NS ns.invalid.".to_owned()]).collect();
    planned.sort();
    for (zone, side) in ZONES.iter().zip(SIDES) {
        let found = listed(primary, key, zone)?;
        if found != planned {
            let differ = found.iter().zip(&planned).find(|(found, planned)| found != planned);
            let (found, planned) = (found.len(), planned.len());
            return Err(
                format!("{side}: {found} records of {planned}; first found and planned: {differ:?}").into()
            );
        }
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let cli = Cli::parse();
    let key = Key::sample("hmac-sha256");
    let tsig: TsigKey = format!("{}:{}:{}", key.algorithm, key.name, key.secret).parse()?;
    let primary = Primary::start(Software::Bind, &ZONES, Some(&key))?;
    let server = primary.address();
    let mut sides: [Box<dyn Side>; 4] = [
        Box::new(Engine::new(server, ZONES[0], tsig.clone())?),
        Box::new(Nsupdate::new(server, ZONES[1], &key)?),
        Box::new(ReadyMade::new(server, ZONES[2], tsig.clone(), false)?),
        Box::new(ReadyMade::new(server, ZONES[3], tsig, true)?),
    ];
    let mut plans = Plans { state: cli.seed, made: 0, hosts: cli.hosts, zone: Edits::new() };
    let everything: Edits = (0..cli.hosts).map(|host| (host, Ipv4Addr::UNSPECIFIED)).collect();
    plans.zone.extend(everything.clone());
    sides[0].apply(&everything)?;
    let everything: Vec<(u32, Ipv4Addr)> = everything.into_iter().collect();
    for block in everything.chunks(1_000) {
        let block: Edits = block.iter().copied().collect();
        for side in &mut sides[1..] {
            side.apply(&block)?;
        }
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    let ratios = ["fenced : bare", "dnsplan : nsupdate"];
    table.set_header([&["RRsets a plan"], &SIDES[..], &ratios].concat());
    for changes in &cli.changes {
        let row = measure(&cli, &mut sides, &mut plans, *changes)?;
        let rates = [0, 1, 2, 3].map(|side| format!("{:.0} plans/s", row.rate(side)));
        let ratios = vec![row.ratio(3, 2), row.ratio(0, 1)];
        table.add_row([vec![row.changes.to_string()], rates.into(), ratios].concat());
    }
    println!("{} hosts, {} rounds in turns; medians, and ratios round by round:", cli.hosts, cli.rounds);
    println!("{table}");
    compare(&primary, &key, &plans)?;
    println!("the four zones are the same, and what was planned");
    Ok(())
}
