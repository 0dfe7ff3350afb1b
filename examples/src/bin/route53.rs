//! A hosted zone of Route 53 as the target: `cargo run -p dnsplan-examples --bin route53 ZONEID [ENDPOINT-URL]`.
//!
//! It puts the zone of the other examples, `example.`, into a hosted zone of that name.

use std::sync::Arc;
use std::time::Duration;

use dnsplan::enactor::{Clock, Config, Layout, Nonces};
use dnsplan::fence::Actor;
use dnsplan::plan::{PlanStore, TargetId};
use dnsplan::planner::{Context, Health, Intent};
use dnsplan::route53::{Pace, Route53Target, Settings, client};
use dnsplan::store::EmbeddedStore;
use dnsplan::{Enactors, RandomNonces, SystemClock, ZoneObserver, enactor, publish};
use dnsplan_examples::spec;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let zone_id = args.next().ok_or("which hosted zone? route53 ZONEID [ENDPOINT-URL]")?;
    let client = client(args.next().as_deref()).await;

    // The target, found by the id of the hosted zone. Credentials are those of the environment.
    let zone = Route53Target::zone_name(client.clone(), &zone_id).await?;
    let settings = Settings { layout: Layout::Tree, pace: Pace::default() };
    let id = TargetId::new(format!("route53:{zone_id}"));
    let target = Arc::new(Route53Target::open(client, &zone_id, &zone, id.clone(), &settings).await?);

    // One enactor in this process. Others may be at work elsewhere: the fence in the hosted zone is between them.
    let data = tempfile::tempdir()?;
    let store = Arc::new(EmbeddedStore::open(data.path().join("plans.sqlite"))?);
    let observer: ZoneObserver = Arc::new(|_, who, event| println!("{who}: {event}"));
    let config = Config { poll: Duration::from_millis(200), ..Config::default() };
    let mut enactors = Enactors::default();
    enactors.start(enactor(&store, &target, Actor::new("example")?, &observer).with_config(config));

    // A plan in the store is all that it waits for.
    let intent = Intent::parse(&spec(&[11, 12]))?;
    let intent = intent.zone(&zone).ok_or("the examples have a spec for the zone example. only")?;
    let context = Context::new("example", SystemClock.now(), "an example");
    let published = publish(&*store, intent, &Health::from_spec(), &context, RandomNonces.next()).await?;
    let wanted = published.plan.generation();
    let is_live = async || {
        let targets = store.targets(&zone).await?;
        Ok::<bool, dnsplan::plan::StoreError>(
            targets.iter().any(|known| known.target == id && known.confirmed >= wanted),
        )
    };
    while !is_live().await? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("generation {wanted} is confirmed: {:?}", target.calls());
    enactors.stop().await;
    Ok(())
}
