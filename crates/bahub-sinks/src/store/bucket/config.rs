//! What an entry of `accesses` says about a bucket.

use std::path::PathBuf;

use bahub_core::registry::{SinkContext, SpecError};
use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Access, Keys};
use crate::timeouts::seconds;

pub(super) const EXAMPLE: &str = "\
url: s3://bucket/prefix
# The object store's URL. Default: Amazon's, in the region.
# endpoint: https://objects.example.org
region: eu-central-1
# Keys that only need the right to put objects (and to list, get and delete them for the other commands). Default: those
# that AWS's own programs use: AWS_ACCESS_KEY_ID, ~/.aws, the instance's role.
# access_key_id: ${S3_KEY}
# secret_access_key: ${file:/run/secrets/s3}
";

/// A bucket of an S3-compatible object store.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BucketConfig {
    /// Where the collections are: `s3://bucket/prefix`. It may be percent-encoded (`%20` is a space).
    pub url: String,
    /// The object store's URL; by default Amazon's, in the region.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region; by default `AWS_REGION`, or `us-east-1` if `endpoint` is set.
    #[serde(default)]
    pub region: Option<String>,
    /// The access key; by default both keys come from where AWS's own programs look for them.
    #[serde(default)]
    pub access_key_id: Option<Secret>,
    /// The secret key.
    #[serde(default)]
    pub secret_access_key: Option<Secret>,
    /// The session token of temporary keys.
    #[serde(default)]
    pub session_token: Option<Secret>,
    /// Whether the bucket is part of the path (default) or of the host name.
    #[serde(default)]
    pub path_style: Option<bool>,
    /// Whether a CRC-32C is sent with all data for the store to check (default); old stores reject it.
    #[serde(default)]
    pub checksum: Option<bool>,
    /// The size of each part in MiB, for stores that require equal parts (Cloudflare R2); at most 10,000 parts.
    /// By default parts grow from 8 MiB.
    #[serde(default)]
    #[schemars(range(min = 5, max = 5120))]
    pub part_size_mib: Option<u32>,
    /// A file of certificates (PEM) to trust in addition to the usual ones; a relative path is resolved from the
    /// configuration's folder.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long a request may make no progress before it fails, in seconds; 120 by default. Each part of an upload gets
    /// one more second per 64 KiB.
    #[serde(default)]
    #[schemars(range(min = 0.01))]
    pub stall_timeout: Option<f64>,
}

impl BucketConfig {
    /// A bucket, with the keys that AWS's own programs use; the rest has its defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            path_style: None,
            checksum: None,
            part_size_mib: None,
            ca_file: None,
            stall_timeout: None,
        }
    }

    pub(super) fn access(self, context: &SinkContext) -> Result<Access, Vec<SpecError>> {
        let mut errors = Vec::new();
        let (bucket, prefix) = parse_url(&self.url).unwrap_or_else(|error| {
            errors.push(error);
            Default::default()
        });
        if let Some(endpoint) = &self.endpoint
            && !url::Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            errors.push(SpecError::new("/endpoint", "the endpoint is not an http:// or https:// URL"));
        }
        let keys = match (self.access_key_id, self.secret_access_key) {
            (Some(id), Some(secret)) => Some(Keys { id, secret, session_token: self.session_token }),
            (None, None) => None,
            (Some(_), None) => {
                errors.push(SpecError::new("/access_key_id", "there is an access_key_id without a secret_access_key"));
                None
            }
            (None, Some(_)) => {
                errors.push(SpecError::new(
                    "/secret_access_key",
                    "there is a secret_access_key without an access_key_id",
                ));
                None
            }
        };
        let from_environment = || std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION")).ok();
        let fallback = || self.endpoint.is_some().then(|| "us-east-1".to_owned());
        let region = self.region.or_else(from_environment).or_else(fallback).unwrap_or_else(|| {
            errors.push(
                SpecError::new("", "no region is set")
                    .with_help("set region, or endpoint for another store than Amazon's"),
            );
            String::new()
        });
        let ca = self.ca_file.map(|file| context.folder.join(file)).and_then(|file| {
            let read = std::fs::read_to_string(&file);
            read.map_err(|error| {
                errors.push(SpecError::new("/ca_file", format!("cannot read {}: {error}", file.display())));
            })
            .ok()
        });
        let patience = seconds("/stall_timeout", self.stall_timeout.unwrap_or(120.0)).unwrap_or_else(|error| {
            errors.push(error);
            Default::default()
        });
        let access = Access {
            bucket,
            prefix,
            endpoint: self.endpoint,
            region,
            keys,
            path_style: self.path_style.unwrap_or(true),
            checksum: self.checksum.unwrap_or(true),
            part_size: self.part_size_mib.map(|mebibytes| (mebibytes as usize) << 20),
            ca,
            patience,
        };
        if errors.is_empty() { Ok(access) } else { Err(errors) }
    }
}

/// The bucket and the prefix.
fn parse_url(url: &str) -> Result<(String, String), SpecError> {
    let wrong = |reason: &str| {
        SpecError::new("/url", reason)
            .with_help("write s3://bucket or s3://bucket/prefix, and set keys as separate fields")
    };
    let rest = url.strip_prefix("s3://").ok_or_else(|| wrong("the url is not an s3:// URL"))?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(plain) {
        return Err(wrong("the url has no valid bucket name"));
    }
    if prefix.contains(['?', '#']) {
        return Err(wrong("the url contains ? or #"));
    }
    let prefix = percent_encoding::percent_decode_str(prefix.trim_matches('/')).decode_utf8();
    let prefix = prefix.map_err(|_| wrong("the prefix is not valid UTF-8"))?;
    if prefix.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(wrong("the prefix contains . or .. as a segment"));
    }
    Ok((bucket.to_owned(), prefix.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::parse_url;

    #[test]
    fn a_bucket_and_a_prefix_are_distinguished() {
        for (url, bucket, prefix) in
            [("s3://b", "b", ""), ("s3://b/", "b", ""), ("s3://b/p/q/", "b", "p/q"), ("s3://b.c/a%20b", "b.c", "a b")]
        {
            assert_eq!(parse_url(url), Ok((bucket.to_owned(), prefix.to_owned())), "{url}");
        }
        for wrong in ["s3://", "s3:///p", "s3://key:secret@b/p", "s3://b/../c", "s3://b/p?x"] {
            assert!(parse_url(wrong).is_err(), "{wrong}");
        }
    }
}
