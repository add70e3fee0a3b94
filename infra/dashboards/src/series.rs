//! The series of a panel, in terms that CloudWatch and Grafana share.

/// `@stack`, `@api` and `@table` are placeholders for names of the deployment, in a namespace and
/// in a dimension's value.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in expressions.
    pub id: &'static str,
    pub label: String,
    /// False for a mere operand, which is not drawn.
    pub visible: bool,
    /// In seconds.
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

/// The namespace of the metrics of a stack's functions.
const OURS: &str = "VismaNetWebhooks/@stack";
/// The period of everything except the cost.
pub(crate) const MINUTE: u32 = 60;

/// A metric of the functions.
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

    /// Makes it an operand, with a name and not drawn.
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
