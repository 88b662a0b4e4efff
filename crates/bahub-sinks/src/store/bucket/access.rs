//! Where a bucket is, and the keys to it.

use std::time::Duration;

use bahub_core::secret::Secret;
use bahub_core::sink::{SinkError, SinkErrorKind};
use opendal::layers::RetryLayer;
use opendal::services::S3;
use opendal::{HttpTransporter, OperationContext, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;

use crate::http;

/// Everything needed to open a bucket.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) bucket: String,
    /// Without slashes at its ends; empty for the bucket's root.
    pub(super) prefix: String,
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
    /// Without keys they are looked up where AWS's programs look.
    pub(super) keys: Option<Keys>,
    pub(super) path_style: bool,
    pub(super) checksum: bool,
    pub(super) part_size: Option<usize>,
    pub(super) ca: Option<String>,
    /// How long a request may remain without an answer.
    pub(super) patience: Duration,
}

#[derive(Debug)]
pub(super) struct Keys {
    pub(super) id: Secret,
    pub(super) secret: Secret,
    pub(super) session_token: Option<Secret>,
}

/// One operator that retries what is safe to send twice, and one that sends everything once.
#[derive(Debug, Clone)]
pub(super) struct Operators {
    pub(super) retrying: Operator,
    pub(super) once: Operator,
}

impl Access {
    pub(super) fn operators(&self, collection: &str) -> Result<Operators, SinkError> {
        let mut s3 =
            S3::default().bucket(&self.bucket).root(&format!("/{}/{collection}/", self.prefix)).region(&self.region);
        if let Some(endpoint) = &self.endpoint {
            s3 = s3.endpoint(endpoint);
        }
        if !self.path_style {
            s3 = s3.enable_virtual_host_style();
        }
        if self.checksum {
            s3 = s3.checksum_algorithm("crc32c");
        }
        if let Some(keys) = &self.keys {
            // Configured keys are used: no others are looked up.
            s3 = s3.disable_config_load().disable_ec2_metadata();
            s3 = s3.access_key_id(keys.id.expose()).secret_access_key(keys.secret.expose());
            if let Some(token) = &keys.session_token {
                s3 = s3.session_token(token.expose());
            }
        }
        let wrong = |error: opendal::Error| {
            SinkError::new(SinkErrorKind::Other, format!("the bucket cannot be used: {}", error.message()))
        };
        let client = http::client(self.ca.as_deref())?;
        let transport = HttpTransporter::new(ReqwestTransport::new(client));
        let context = OperationContext::new().with_http_transport(transport);
        let once = Operator::new(s3).map_err(wrong)?.with_context(context);
        let retrying = once.clone().layer(RetryLayer::new().with_max_times(4).with_jitter());
        Ok(Operators { retrying, once })
    }
}
