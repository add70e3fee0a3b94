//! Writes the same dashboard for Grafana's CloudWatch data source, for import.

use crate::panels::{ATTENTION, Panel, Row, Shown, Unit, View};
use crate::series::{Series, Source};
use crate::sorted;
use serde_json::{Value, json};

/// The values of a series' three placeholders.
const NAMES: [(&str, &str); 3] = [("@stack", "${stack}"), ("@api", "${api}"), ("@table", "${table}")];
/// Grafana has no access to CloudWatch's alarms. It makes links of whole addresses, so without the
/// console's address there is no link.
const ALARMS: &str = "The alarms are CloudWatch's: [all of this stack](https://console.aws.amazon.com/cloudwatch/home?region=${region}#alarmsV2:?search=${stack})\n\nThe console's pages of what they count: ${console:raw}#/attention and ${console:raw}#/letters and ${console:raw}#/overview";

pub(crate) fn dashboard(rows: &[Row]) -> String {
    let mut panels = Vec::new();
    let mut y = 0;
    for row in rows.iter().filter(|row| row.shown == Shown::Always) {
        let mut x = 0;
        for panel in &row.panels {
            let mut value = view(panel);
            value["id"] = (panels.len() + 1).into();
            value["title"] = panel.title.into();
            value["gridPos"] = json!({ "x": x, "y": y, "w": panel.width, "h": row.height });
            panels.push(value);
            x += panel.width;
        }
        y += row.height;
    }
    let dashboard = json!({
        "title": "Visma Net webhooks", "uid": "visma-net-webhooks", "schemaVersion": 41, "editable": true,
        "time": { "from": "now-8h", "to": "now" }, "refresh": "1m", "tags": ["webhooks"],
        "annotations": { "list": [] }, "templating": { "list": variables() }, "panels": panels,
    });
    format!("{:#}\n", sorted(dashboard))
}

fn variables() -> Value {
    let text = |name: &str, label: &str, value: &str| {
        json!({ "type": "textbox", "name": name, "label": label, "query": value,
                "current": { "text": value, "value": value }, "options": [] })
    };
    json!([
        { "type": "datasource", "name": "datasource", "label": "Data source", "query": "cloudwatch" },
        text("region", "Region", "eu-north-1"),
        text("account", "Account", ""),
        text("stack", "Stack", "webhooks"),
        text("api", "API id (output ApiId)", ""),
        text("table", "Table (output TableName)", ""),
        text("console", "Console (output ConsoleUrl), if there is one", ""),
    ])
}

fn view(panel: &Panel) -> Value {
    match &panel.view {
        View::Alarms(_) => json!({ "type": "text", "options": { "mode": "markdown", "content": ALARMS } }),
        View::Text(text) => json!({ "type": "text", "options": { "mode": "markdown", "content": text } }),
        View::Logs => json!({ "type": "table", "datasource": source(), "targets": [logs()] }),
        View::Lines { unit, series } => graph(*unit, series, "none"),
        View::Stacked { unit, series } => graph(*unit, series, "normal"),
        View::Numbers { series, total } => numbers(series, if *total { "sum" } else { "lastNotNull" }),
    }
}

/// Every option that Grafana's schema requires, with its default.
fn numbers(series: &[Series], calculation: &str) -> Value {
    json!({
        "type": "stat", "datasource": source(), "targets": targets(series),
        "fieldConfig": { "overrides": [], "defaults": { "noValue": "0" } },
        "options": {
            "reduceOptions": { "calcs": [calculation] }, "graphMode": "area", "colorMode": "value",
            "justifyMode": "auto", "textMode": "auto", "wideLayout": true, "showPercentChange": false,
            "percentChangeColorMode": "standard", "orientation": "auto",
        },
    })
}

fn source() -> Value {
    json!({ "type": "cloudwatch", "uid": "${datasource}" })
}

fn graph(unit: Unit, series: &[Series], stacking: &str) -> Value {
    let name = match unit {
        Unit::Count => "short",
        Unit::Milliseconds => "ms",
        Unit::Seconds => "s",
        Unit::Bytes => "bytes",
        Unit::Dollars => "currencyUSD",
    };
    let mut defaults = json!({ "unit": name, "min": 0 });
    defaults["custom"] = json!({ "showPoints": "auto", "stacking": { "mode": stacking } });
    // CloudWatch has no metric before the first count, and Grafana would show "No data".
    if matches!(unit, Unit::Count | Unit::Dollars) {
        defaults["noValue"] = "0".into();
    }
    json!({
        "type": "timeseries", "datasource": source(), "targets": targets(series),
        "fieldConfig": { "overrides": [], "defaults": defaults },
    })
}

fn logs() -> Value {
    let groups = ["intake", "processor", "feedback"].map(|function| {
        let name = format!("/aws/lambda/${{stack}}-{function}");
        json!({ "name": name, "arn": format!("arn:aws:logs:${{region}}:${{account}}:log-group:{name}:*") })
    });
    json!({ "refId": "A", "id": "", "datasource": source(), "queryMode": "Logs", "region": "${region}",
            "expression": ATTENTION, "logGroups": groups })
}

fn targets(series: &[Series]) -> Vec<Value> {
    series.iter().enumerate().map(|(index, series)| target(index, series)).collect()
}

fn target(index: usize, series: &Series) -> Value {
    let mut target = json!({
        "refId": format!("Q{index}"), "id": series.id, "label": series.label, "hide": !series.visible,
        "datasource": source(), "region": "${region}", "period": series.period.to_string(), "queryMode": "Metrics",
        "metricQueryType": 0, "metricEditorMode": 0, "matchExact": true, "expression": "",
    });
    match &series.source {
        Source::Metric { namespace, name, dimensions, stat } => {
            fill(&mut target, namespace, name, dimensions, stat);
        }
        Source::Each { namespace, name, dimensions, by, stat } => {
            fill(&mut target, namespace, name, dimensions, stat);
            target["dimensions"][*by] = "*".into();
            target["label"] = format!("{name} ${{PROP('Dim.{by}')}}").into();
        }
        Source::Math(expression) => {
            // The code editor for a metric search.
            target["metricEditorMode"] = 1.into();
            target["namespace"] = "".into();
            target["expression"] = expression.as_str().into();
        }
    }
    target
}

fn fill(target: &mut Value, namespace: &str, name: &str, dimensions: &[(&str, String)], stat: &str) {
    target["namespace"] = entered(namespace).into();
    target["metricName"] = name.into();
    target["statistic"] = stat.into();
    target["dimensions"] = json!({});
    for (dimension, value) in dimensions {
        target["dimensions"][*dimension] = entered(value).into();
    }
}

fn entered(text: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (placeholder, name)| text.replace(placeholder, name))
}
