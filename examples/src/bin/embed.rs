//! Embedding the engine in a control plane: a store, a server and three enactors in this process, and what the control
//! plane does with them.

use dnsplan::Engine;
use dnsplan::planner::Intent;
use dnsplan_examples::{ask, spec};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = tempfile::tempdir()?;

    // The desired state, however the control plane comes by it. Here: the text of a spec.
    let intent = Intent::parse(&spec(&[11, 12]))?;
    let engine = Engine::start(data.path().join("plans.sqlite"), "127.0.0.1:0".parse()?, &intent, 3).await?;
    let published = engine.publish(&intent, "the first plan").await?;
    engine.wait_until_live(&published).await;
    let server = engine.local_addr();
    println!("generation {}: {:?}", published[0].plan.generation(), ask(server, "api.example.").await?);

    // It changes: another plan, above the first.
    let intent = Intent::parse(&spec(&[11, 12, 13]))?;
    let published = engine.publish(&intent, "one load balancer more").await?;
    engine.wait_until_live(&published).await;
    println!("generation {}: {:?}", published[0].plan.generation(), ask(server, "api.example.").await?);

    // A spec without the protected endpoint: a guard refuses, and the old answers stay.
    let intent = Intent::parse(&spec(&[]))?;
    let refused = engine.publish(&intent, "a mistake").await.err().ok_or("a protected endpoint is gone")?;
    println!("refused: {refused}");
    println!("still answered: {:?}", ask(server, "api.example.").await?);

    engine.stop().await?;
    Ok(())
}
