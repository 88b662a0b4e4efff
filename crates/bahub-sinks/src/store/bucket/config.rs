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
# The object store; without it Amazon's own, of the region.
# endpoint: https://objects.example.org
region: eu-central-1
# Keys that need no right but to put objects (to list, get and delete them for the other commands). Without keys they
# are looked for where AWS's programs look: AWS_ACCESS_KEY_ID, ~/.aws, the instance's role.
# access_key_id: ${S3_KEY}
# secret_access_key: ${file:/run/secrets/s3}
";

/// A bucket of an object store that speaks S3.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketConfig {
    /// Where the collections are: `s3://bucket/prefix`. Percent-encoding is understood (`%20` is a space).
    pub url: String,
    /// The object store's URL; without it Amazon's own, of the region.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region; without it `AWS_REGION`, and `us-east-1` where there is an `endpoint`.
    #[serde(default)]
    pub region: Option<String>,
    /// The access key. Without it and `secret_access_key` they are looked for where AWS's programs look.
    #[serde(default)]
    pub access_key_id: Option<Secret>,
    /// The secret key.
    #[serde(default)]
    pub secret_access_key: Option<Secret>,
    /// The token of temporary keys.
    #[serde(default)]
    pub session_token: Option<Secret>,
    /// Whether the bucket stands in the path (by default) or in the host's name.
    #[serde(default)]
    pub path_style: Option<bool>,
    /// Whether the store is given a CRC-32C to check of everything that it gets (by default), which old ones refuse.
    #[serde(default)]
    pub checksum: Option<bool>,
    /// The size of each part in MiB, for stores that want all parts equal (Cloudflare R2); there are 10,000 at most.
    /// By default they grow from 8 MiB on.
    #[serde(default)]
    #[schemars(range(min = 5, max = 5120))]
    pub part_size_mib: Option<u32>,
    /// A file of certificates in PEM to trust beside the usual ones; a relative path starts from the configuration's
    /// folder.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The seconds of silence after which a request is given up; 120 by default. A part of an upload has a second
    /// more for each 64 KiB.
    #[serde(default)]
    #[schemars(range(min = 0.01))]
    pub stall_timeout: Option<f64>,
}

impl BucketConfig {
    pub(super) fn access(self, context: &SinkContext) -> Result<Access, Vec<SpecError>> {
        let mut errors = Vec::new();
        let (bucket, prefix) = parse_url(&self.url).unwrap_or_else(|error| {
            errors.push(error);
            Default::default()
        });
        if let Some(endpoint) = &self.endpoint
            && !url::Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            errors.push(SpecError::new("/endpoint", "the endpoint is no http:// or https:// URL"));
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
                SpecError::new("", "there is no region")
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
            .with_help("write s3://bucket or s3://bucket/prefix, and keys as fields of their own")
    };
    let rest = url.strip_prefix("s3://").ok_or_else(|| wrong("the url is no s3:// URL"))?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(plain) {
        return Err(wrong("the url names no bucket"));
    }
    if prefix.contains(['?', '#']) {
        return Err(wrong("the url holds ? or #"));
    }
    let prefix = percent_encoding::percent_decode_str(prefix.trim_matches('/')).decode_utf8();
    let prefix = prefix.map_err(|_| wrong("the prefix is no UTF-8"))?;
    if prefix.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(wrong("the prefix holds . or .. as a segment"));
    }
    Ok((bucket.to_owned(), prefix.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::parse_url;

    #[test]
    fn a_bucket_and_a_prefix_are_told_apart() {
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
