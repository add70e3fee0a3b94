//! Names of resources.

/// The region and account of the template, as on the local AWS.
const PLACE: &str = "eu-north-1:000000000000";

pub(crate) const PARTITION: &str = "aws";

pub(crate) fn arn(service: &str, resource: &str) -> String {
    format!("arn:{PARTITION}:{service}:{PLACE}:{resource}")
}

pub(crate) fn region_and_account() -> (&'static str, &'static str) {
    PLACE.split_once(':').expect("it has both")
}
