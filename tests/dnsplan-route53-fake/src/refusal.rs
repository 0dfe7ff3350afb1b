//! The errors of the API: code, HTTP status and text.

/// Why a call was refused. `Display` is the `Message` of the error response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: what is wrong with a change batch, one message for each bad change. Nothing was changed.
    #[error("[{}]", .0.join(", "))]
    InvalidChangeBatch(Vec<String>),
    /// 400: a request that breaks the schema.
    #[error("{0}")]
    InvalidInput(String),
    /// 400: an earlier change of the same zone is still being processed.
    #[error("The request was rejected because Route 53 was still processing a prior request.")]
    PriorRequestNotComplete,
    /// 400: too many calls.
    #[error("Rate exceeded")]
    Throttling,
    /// 403: the caller may not do that.
    #[error(
        "User: arn:aws:iam::123456789012:user/dnsplan is not authorized to perform: route53:{0} because no identity-based \
         policy allows the route53:{0} action"
    )]
    AccessDenied(&'static str),
    /// 403: the credentials are too old.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// 403: nobody knows the credentials.
    #[error("The security token included in the request is invalid.")]
    InvalidClientTokenId,
    /// 404: no hosted zone of that id.
    #[error("No hosted zone found with ID: {0}")]
    NoSuchHostedZone(String),
    /// 404: no change of that id.
    #[error("Could not find resource with ID: {0}")]
    NoSuchChange(String),
    /// 404: no health check of that id.
    #[error("A health check with id {0} does not exist.")]
    NoSuchHealthCheck(String),
}

impl Refusal {
    /// The `Code` of the error response.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidChangeBatch(_) => "InvalidChangeBatch",
            Self::InvalidInput(_) => "InvalidInput",
            Self::PriorRequestNotComplete => "PriorRequestNotComplete",
            Self::Throttling => "Throttling",
            Self::AccessDenied(_) => "AccessDenied",
            Self::ExpiredToken => "ExpiredToken",
            Self::InvalidClientTokenId => "InvalidClientTokenId",
            Self::NoSuchHostedZone(_) => "NoSuchHostedZone",
            Self::NoSuchChange(_) => "NoSuchChange",
            Self::NoSuchHealthCheck(_) => "NoSuchHealthCheck",
        }
    }

    /// The HTTP status of the error response.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::InvalidChangeBatch(_)
            | Self::InvalidInput(_)
            | Self::PriorRequestNotComplete
            | Self::Throttling => 400,
            Self::AccessDenied(_) | Self::ExpiredToken | Self::InvalidClientTokenId => 403,
            Self::NoSuchHostedZone(_) | Self::NoSuchChange(_) | Self::NoSuchHealthCheck(_) => 404,
        }
    }
}
