//! What a panel draws, in the terms that CloudWatch and Grafana share.

/// `@stack`, `@api` and `@table` stand for what differs between deployments, in a namespace and in
/// a dimension's value.
#[derive(Debug, Clone)]
pub struct Series {
    /// How expressions call it.
    pub id: &'static str,
    pub label: String,
    /// Not drawn if false: an operand only.
    pub visible: bool,
    /// Seconds.
    pub period: u32,
    pub source: Source,
}

#[derive(Debug, Clone)]
pub enum Source {
    Metric {
        namespace: &'static str,
        name: &'static str,
        dimensions: Vec<(&'static str, String)>,
        stat: &'static str,
    },
    /// A line for each value of the dimension `by`.
    Each {
        namespace: &'static str,
        name: &'static str,
        dimensions: Vec<(&'static str, String)>,
        by: &'static str,
        stat: &'static str,
    },
    Math(String),
}

/// The namespace of the metrics that the functions of a stack emit.
const OURS: &str = "VismaNetWebhooks/@stack";
/// Of everything but the cost.
pub(crate) const MINUTE: u32 = 60;

/// A metric of our own.
pub(crate) fn ours(service: &str, name: &'static str, stat: &'static str) -> Series {
    metric(OURS, name, &[("service", service)], stat)
}

pub(crate) fn ours_by(service: &str, name: &'static str, by: &'static str) -> Series {
    let dimensions = vec![("service", service.to_owned())];
    series(Source::Each { namespace: OURS, name, dimensions, by, stat: "Sum" })
}

pub(crate) fn function(function: &str, name: &'static str, stat: &'static str) -> Series {
    metric("AWS/Lambda", name, &[("FunctionName", &format!("@stack-{function}"))], stat).label(function)
}

pub(crate) fn queue(queue: &str, name: &'static str, stat: &'static str) -> Series {
    metric("AWS/SQS", name, &[("QueueName", &format!("@stack-{queue}"))], stat).label(queue)
}

pub(crate) fn api(name: &'static str, stat: &'static str) -> Series {
    metric("AWS/ApiGateway", name, &[("ApiId", "@api")], stat)
}

pub(crate) fn table(name: &'static str) -> Series {
    metric("AWS/DynamoDB", name, &[("TableName", "@table")], "Sum")
}

pub(crate) fn table_by_operation(name: &'static str) -> Series {
    let dimensions = vec![("TableName", "@table".to_owned())];
    series(Source::Each { namespace: "AWS/DynamoDB", name, dimensions, by: "Operation", stat: "Sum" })
}

pub(crate) fn logs(function: &str) -> Series {
    metric("AWS/Logs", "IncomingBytes", &[("LogGroupName", &format!("/aws/lambda/@stack-{function}"))], "Sum")
}

pub(crate) fn math(expression: impl Into<String>, label: &str) -> Series {
    series(Source::Math(expression.into())).label(label)
}

fn metric(
    namespace: &'static str,
    name: &'static str,
    dimensions: &[(&'static str, &str)],
    stat: &'static str,
) -> Series {
    let dimensions = dimensions.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    series(Source::Metric { namespace, name, dimensions, stat }).label(name)
}

fn series(source: Source) -> Series {
    Series { id: "", label: String::new(), visible: true, period: MINUTE, source }
}

impl Series {
    pub(crate) fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// An operand: named, and not drawn.
    pub(crate) fn operand(mut self, id: &'static str) -> Self {
        self.id = id;
        self.visible = false;
        self
    }

    pub(crate) fn every(mut self, seconds: u32) -> Self {
        self.period = seconds;
        self
    }
}
