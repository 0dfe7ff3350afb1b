//! A client of the SDK with one TLS stack, from the environment, or for a server of the caller's own.

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_route53::Client;
use aws_sdk_route53::config::timeout::TimeoutConfig;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::time::Duration;

/// How long a call may take. One that takes longer may still take effect; it is settled by a look.
const CALL: Duration = Duration::from_secs(30);
/// Route 53 is one for all regions of a partition, and of the usual one this is where it is.
const REGION: &str = "us-east-1";

/// A client with the credentials and the region of the environment, as every AWS tool finds them. `endpoint_url` is another server that
/// speaks the same protocol. One without TLS is a server for tests: for it credentials are looked for in the environment and in
/// profiles only, and no metadata service is asked.
pub async fn client(endpoint_url: Option<&str>) -> Client {
    let builder = Builder::new();
    let is_plain = endpoint_url.is_some_and(|url| url.starts_with("http://"));
    let http = if is_plain {
        builder.build_http()
    } else {
        builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
    };
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(CALL).connect_timeout(CALL / 6).build();
    let mut loader =
        aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone()).timeout_config(timeouts);
    if let Some(url) = endpoint_url {
        loader = loader.endpoint_url(url);
    }
    let provided = ProviderConfig::without_region().with_http_client(http);
    if is_plain {
        let profile = ProfileFileCredentialsProvider::builder().configure(&provided).build();
        let environment = EnvironmentVariableCredentialsProvider::new();
        let chain =
            CredentialsProviderChain::first_try("Environment", environment).or_else("Profile", profile);
        loader = loader.credentials_provider(chain).region(Region::new(REGION));
    } else {
        loader = loader.region(region(&provided));
    }
    Client::new(&loader.load().await)
}

/// As the SDK finds it, and then the usual one. It is looked for once: where there is no metadata service, each time takes seconds.
fn region(provided: &ProviderConfig) -> RegionProviderChain {
    let profile = ProfileFileRegionProvider::builder().configure(provided).build();
    let metadata = ImdsRegionProvider::builder().configure(provided).build();
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile)
        .or_else(metadata)
        .or_else(Region::new(REGION))
}
