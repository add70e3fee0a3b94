//! Addresses in AWS's own console: the log lines about a notification, and the traces of the time
//! at which it came. The page fills in what belongs to one notification.

use serde::Serialize;

/// Placeholders begin with `@`. No other part of an address contains that sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// Logs Insights. What is filled in for `@id`, `@delivery`, `@from` and `@to` is encoded like the
    /// rest.
    logs: String,
    /// X-Ray, which knows no notification, only the function and a time: `@from` to `@to`, in UTC
    /// and without a zone.
    traces: String,
}

const QUERY: &str = "fields @timestamp, @log, level, message, state, reason, trace_id\n| filter notification = \"";
/// Intake's line names only the delivery. The other lines of the delivery may be about other
/// notifications.
const OR_DELIVERY: &str = "\" or (delivery = \"";
const END: &str = "\" and not ispresent(notification))\n| sort @timestamp";

impl Elsewhere {
    /// For the functions with these log groups, separated by commas. `None` without intake's, or
    /// in a partition whose console has an unknown address.
    #[must_use]
    pub fn new(partition: &str, region: &str, log_groups: &str) -> Option<Self> {
        let console = match partition {
            "aws" => "https://console.aws.amazon.com",
            "aws-cn" => "https://console.amazonaws.cn",
            "aws-us-gov" => "https://console.amazonaws-us-gov.com",
            _ => return None,
        };
        let mut names = log_groups.split(',').filter_map(|group| group.strip_prefix("/aws/lambda/"));
        let intake = names.find(|name| name.ends_with("-intake"))?;
        let groups: String = log_groups.split(',').map(|group| format!("~'{}", encoded(group))).collect();
        let [query, or_delivery, end] = [QUERY, OR_DELIVERY, END].map(encoded);
        Some(Self {
            logs: format!(
                "{console}/cloudwatch/home?region={region}#logsV2:logs-insights$3FqueryDetail$3D~(end~'@to~start~'@from\
                 ~timeType~'ABSOLUTE~tz~'UTC~editorString~'{query}@id{or_delivery}@delivery{end}~source~({groups}))"
            ),
            traces: format!(
                "{console}/xray/home?region={region}#/traces?filter=service(%22{intake}%22)&timeRange=@from~@to"
            ),
        })
    }
}

/// A text as CloudWatch writes it into its addresses: letters, digits, `_`, `-` and `.` as they
/// are, and each other byte as `*` with two hexadecimal digits.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let one = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("*{byte:02x}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "/aws/lambda/webhooks-intake,/aws/lambda/webhooks-processor";

    /// The console wrote the encoded texts into its own address bar.
    #[test]
    fn texts_are_encoded_as_the_console_does() {
        for (text, expected) in [
            ("2025-05-30T05:00:00.000Z", "2025-05-30T05*3a00*3a00.000Z"),
            (
                "fields @timestamp, @message, @logStream, @log\n| sort @timestamp desc\n| limit 10000",
                "fields*20*40timestamp*2c*20*40message*2c*20*40logStream*2c*20*40log*0a*7c*20sort*20*40timestamp*20desc\
                 *0a*7c*20limit*2010000",
            ),
            (
                "fields @timestamp, @message\n| sort @timestamp desc\n| filter @message =~ \"Exception\"\n| limit 200",
                "fields*20*40timestamp*2c*20*40message*0a*7c*20sort*20*40timestamp*20desc*0a*7c*20filter*20*40message\
                 *20*3d*7e*20*22Exception*22*0a*7c*20limit*20200",
            ),
            ("/aws/lambda/", "*2faws*2flambda*2f"),
        ] {
            assert_eq!(encoded(text), expected);
        }
    }

    #[test]
    fn the_log_query_covers_all_groups_and_has_places_for_one_notification() {
        let pages = Elsewhere::new("aws", "eu-north-1", GROUPS).unwrap();
        assert_eq!(
            pages.logs,
            "https://console.aws.amazon.com/cloudwatch/home?region=eu-north-1#logsV2:logs-insights$3FqueryDetail$3D\
             ~(end~'@to~start~'@from~timeType~'ABSOLUTE~tz~'UTC~editorString~'fields*20*40timestamp*2c*20*40log*2c*20level\
             *2c*20message*2c*20state*2c*20reason*2c*20trace_id*0a*7c*20filter*20notification*20*3d*20*22@id*22*20or*20\
             *28delivery*20*3d*20*22@delivery*22*20and*20not*20ispresent*28notification*29*29*0a*7c*20sort*20*40timestamp\
             ~source~(~'*2faws*2flambda*2fwebhooks-intake~'*2faws*2flambda*2fwebhooks-processor))"
        );
    }

    /// The form is that of the X-Ray developer guide, "Console deep linking":
    /// `https://console.aws.amazon.com/xray/home?region=us-west-2#/service-map`,
    /// `#/traces?filter=service(%22api.amazon.com%22)...` and
    /// `#/traces?timeRange=2023-7-01T16:00:00~2023-7-01T22:00:00`.
    #[test]
    fn the_traces_are_those_of_intake_in_a_span_of_time() {
        let pages = Elsewhere::new("aws", "us-west-2", GROUPS).unwrap();
        assert_eq!(
            pages.traces,
            "https://console.aws.amazon.com/xray/home?region=us-west-2#/traces?filter=service(%22webhooks-intake%22)\
             &timeRange=@from~@to"
        );
    }

    #[test]
    fn each_partition_has_its_own_console() {
        let traces = |partition| Elsewhere::new(partition, "r", GROUPS).map(|pages| pages.traces);
        assert!(traces("aws-cn").unwrap().starts_with("https://console.amazonaws.cn/xray/home?region=r#"));
        assert!(traces("aws-us-gov").unwrap().starts_with("https://console.amazonaws-us-gov.com/xray/home?region=r#"));
        assert_eq!(traces("aws-iso"), None);
        assert_eq!(Elsewhere::new("aws", "r", "/aws/lambda/webhooks-processor"), None);
    }
}
