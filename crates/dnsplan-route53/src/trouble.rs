//! What an error of the SDK means: that nothing was done and why, or that nobody knows.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_route53::config::http::HttpResponse;
use aws_sdk_route53::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use dnsplan_enactor::TargetError;

/// What became of a call that did not succeed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It was refused for now: too many requests, or one before it is still being worked on.
    Busy(String),
    /// It was refused for what it says: the messages of an `InvalidChangeBatch` or `InvalidInput`.
    Refused(String),
    /// It was refused for another reason.
    Failed(TargetError),
    /// It may have taken effect.
    Unknown(String),
}

impl Trouble {
    /// For calls that change nothing: there is nothing unknown about them.
    pub(crate) fn of_read(self) -> TargetError {
        match self {
            Self::Busy(why) | Self::Unknown(why) => TargetError::Unavailable(why),
            Self::Refused(why) => TargetError::Misconfigured(why),
            Self::Failed(error) => error,
        }
    }
}

/// Reads an error. `zone_id` is what the call was about, `action` its name in an IAM policy.
pub(crate) fn trouble<E>(error: &SdkError<E, HttpResponse>, zone_id: &str, action: &str) -> Trouble
where
    E: Error + ProvideErrorMetadata + Debug + 'static,
{
    match error {
        SdkError::ServiceError(refused) => {
            let status = refused.raw().status().as_u16();
            let (code, message) = described(refused.err(), refused.raw());
            let why = format!("{code}: {message}");
            match code.as_str() {
                "Throttling" | "ThrottlingException" | "PriorRequestNotComplete" => Trouble::Busy(why),
                "InvalidChangeBatch" | "InvalidInput" | "NoSuchHealthCheck" => Trouble::Refused(message),
                _ if status >= 500 => Trouble::Unknown(why),
                _ => Trouble::Failed(TargetError::Misconfigured(remedy(&code, &message, zone_id, action))),
            }
        }
        _ if lacks_credentials(error) => Trouble::Failed(TargetError::Misconfigured(format!(
            "there are no AWS credentials: set AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is \
             attached ({})",
            innermost(error)
        ))),
        SdkError::ConstructionFailure(_) => Trouble::Failed(TargetError::Misconfigured(format!(
            "the request cannot be made: {}",
            DisplayErrorContext(error)
        ))),
        other => Trouble::Unknown(format!("no answer from Route 53: {}", innermost(other))),
    }
}

/// Code and message. The old form of `InvalidChangeBatch` has its messages in a root element of its own, which the SDK does not read.
fn described<E: ProvideErrorMetadata>(error: &E, raw: &HttpResponse) -> (String, String) {
    if let Some(code) = error.code() {
        return (code.to_owned(), error.message().unwrap_or_default().to_owned());
    }
    let body = raw.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let code = if body.contains("<InvalidChangeBatch") { "InvalidChangeBatch" } else { "unknown error" };
    let messages: Vec<&str> = body
        .split("<Message>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</Message>").map(|(message, _)| message))
        .collect();
    (code.to_owned(), format!("[{}]", messages.join(", ")))
}

fn remedy(code: &str, message: &str, zone_id: &str, action: &str) -> String {
    let say = |remedy: &str| format!("{code}: {message}; {remedy}");
    match code {
        "NoSuchHostedZone" => format!(
            "there is no hosted zone {zone_id} in this account: `aws route53 list-hosted-zones` lists what there is, and \
             AWS_PROFILE says which account"
        ),
        "AccessDenied" | "AccessDeniedException" => {
            let on = match action {
                "GetChange" => "arn:aws:route53:::change/*".to_owned(),
                _ => format!("hosted zone {zone_id}"),
            };
            say(&format!("allow route53:{action} on {on} (docs/route53.md has the whole policy)"))
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => say(
            "get new credentials (`aws sso login`, or assume the role again), and mind the machine's clock",
        ),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch" => say(
            "the credentials are not valid: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        ),
        _ => say("see the Route 53 API reference for this code"),
    }
}

fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|error| error.is::<aws_credential_types::provider::error::CredentialsError>())
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let innermost = chain(error).last();
    innermost.map_or_else(String::new, ToString::to_string)
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'e (dyn Error + 'static) = *error;
        error.source()
    })
}
