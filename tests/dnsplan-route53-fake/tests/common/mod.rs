//! The real SDK on loopback, in terms of the fake's own types.

use aws_sdk_route53::Client;
use aws_sdk_route53::config::retry::RetryConfig;
use aws_sdk_route53::config::timeout::TimeoutConfig;
use aws_sdk_route53::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_route53::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_route53::types::{
    AliasTarget, Change as SdkChange, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType,
};
use dnsplan_route53_fake::{Action, Alias, Change, RecordSet};

/// A client that makes so many attempts. It never asks for anything but the endpoint.
pub(crate) fn client(endpoint: &str, attempts: u32) -> Client {
    let config = aws_sdk_route53::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("AK", "SK", None, None, "test"))
        .region(Region::new("us-east-1"))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(attempts)
                .with_initial_backoff(std::time::Duration::from_millis(1)),
        )
        .timeout_config(
            TimeoutConfig::builder().operation_timeout(std::time::Duration::from_secs(60)).build(),
        )
        .build();
    Client::from_conf(config)
}

/// Sends a batch. Returns the id of the change, or code and message of the error; both empty where there was no answer.
pub(crate) async fn send(
    client: &Client,
    zone: &str,
    changes: &[Change],
) -> Result<String, (String, String)> {
    let batch =
        ChangeBatch::builder().set_changes(Some(changes.iter().map(to_sdk).collect())).build().unwrap();
    let sent = client.change_resource_record_sets().hosted_zone_id(zone).change_batch(batch).send().await;
    sent.map(|output| output.change_info().unwrap().id().to_owned()).map_err(told)
}

/// Code and message of an error.
pub(crate) fn told<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> (String, String) {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    error.as_service_error().map(|error| (text(error.code()), text(error.message()))).unwrap_or_default()
}

/// A whole listing, page by page of the given size.
pub(crate) async fn list(client: &Client, zone: &str, page: i32) -> Vec<RecordSet> {
    let mut sets = Vec::new();
    let mut call = client.list_resource_record_sets().hosted_zone_id(zone).max_items(page);
    loop {
        let output = call.send().await.unwrap();
        assert!(output.resource_record_sets().len() <= usize::try_from(page).unwrap());
        sets.extend(output.resource_record_sets().iter().map(from_sdk));
        if !output.is_truncated() {
            return sets;
        }
        call = client
            .list_resource_record_sets()
            .hosted_zone_id(zone)
            .max_items(page)
            .start_record_name(output.next_record_name().unwrap())
            .start_record_type(output.next_record_type().unwrap().clone())
            .set_start_record_identifier(output.next_record_identifier().map(str::to_owned));
    }
}

fn to_sdk(change: &Change) -> SdkChange {
    let Change { action, record_set: set } = change;
    let action = match action {
        Action::Create => ChangeAction::Create,
        Action::Delete => ChangeAction::Delete,
        Action::Upsert => ChangeAction::Upsert,
    };
    let record = |value: &String| ResourceRecord::builder().value(value).build().unwrap();
    let records: Vec<ResourceRecord> = set.values.iter().map(record).collect();
    let alias = set.alias.as_ref().map(|alias| {
        AliasTarget::builder()
            .hosted_zone_id(&alias.zone_id)
            .dns_name(&alias.dns_name)
            .evaluate_target_health(alias.evaluate_target_health)
            .build()
            .unwrap()
    });
    let set = ResourceRecordSet::builder()
        .name(&set.name)
        .r#type(RrType::from(set.record_type.as_str()))
        .set_set_identifier(set.set_identifier.clone())
        .set_weight(set.weight)
        .set_multi_value_answer(set.multi_value_answer.then_some(true))
        .set_ttl(set.ttl)
        .set_resource_records(Some(records).filter(|records| !records.is_empty()))
        .set_alias_target(alias)
        .set_health_check_id(set.health_check_id.clone())
        .build();
    SdkChange::builder().action(action).resource_record_set(set.unwrap()).build().unwrap()
}

fn from_sdk(set: &ResourceRecordSet) -> RecordSet {
    RecordSet {
        name: set.name().to_owned(),
        record_type: set.r#type().as_str().to_owned(),
        set_identifier: set.set_identifier().map(str::to_owned),
        weight: set.weight(),
        multi_value_answer: set.multi_value_answer().unwrap_or_default(),
        ttl: set.ttl(),
        values: set.resource_records().iter().map(|record| record.value().to_owned()).collect(),
        alias: set.alias_target().map(|alias| Alias {
            zone_id: alias.hosted_zone_id().to_owned(),
            dns_name: alias.dns_name().to_owned(),
            evaluate_target_health: alias.evaluate_target_health(),
        }),
        health_check_id: set.health_check_id().map(str::to_owned),
    }
}
