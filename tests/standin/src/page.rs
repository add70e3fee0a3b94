//! The accountant's window "Webhook notification for account" (GL407000,
//! docs/visma-net.md#webhook-notification-for-account), for all entities.

use std::fmt::Write as _;

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    catalogue::{self, Kind},
    dispatch,
    message::{Feedback, Notification, Sending, Status},
    refusal::Refusal,
    world::Shared,
};

const STYLE: &str = "body{font:14px system-ui,sans-serif;margin:1.5rem;color:#1c2733}\
h1{font-size:1.2rem}form{display:inline}table{border-collapse:collapse;width:100%;margin-top:1rem}\
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #d8dee5}\
td{overflow-wrap:break-word}td:nth-child(2),small,.text{overflow-wrap:anywhere}td:nth-child(2){min-width:4.5rem}\
.text{min-width:7rem}select{max-width:100%}th{background:#eef2f6}.failed,.no{color:#a4262c}.sent,.yes{color:#12703c}small{color:#5b6875}";

const HEADINGS: &str = "<tr><th>Entity<th>Key<th>Description<th>Class<th>Success<th>Event<th>Status<th>Source<th>User\
<th>Message<th>Notification feedback<th></tr>";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    tenant: String,
}

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/", get(window)).route("/tenants/{tenant}/notifications/{id}/resend", post(resend))
}

async fn window(State(world): State<Shared>, Query(filter): Query<Filter>) -> Html<String> {
    let wanted = filter.tenant.parse::<Uuid>().ok();
    let mut options = String::from("<option value=\"\">All tenants</option>");
    let mut rows = String::new();
    for (tenant, company) in &world.state().tenants {
        let selected = if wanted == Some(*tenant) { " selected" } else { "" };
        let company_id = escape(&company.company_id);
        // Writing to a String cannot fail.
        let _ = write!(options, "<option value=\"{tenant}\"{selected}>{company_id} ({tenant})</option>");
        if wanted.is_none_or(|wanted| wanted == *tenant) {
            let newest_first = company.notifications().iter().rev();
            rows.extend(newest_first.map(|one| row(*tenant, one)));
        }
    }
    let console = world.state().api_url.as_deref().map(console).unwrap_or_default();
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=3>\
         <meta name=viewport content=\"width=device-width\">\
         <title>Webhook notifications</title><style>{STYLE}</style>\
         <h1>Webhook notification for account <small>GL407000</small></h1>{console}\
         <form><select name=tenant onchange=\"this.form.submit()\">{options}</select> <button>Refresh</button></form>\
         <table><thead>{HEADINGS}</thead><tbody>{rows}</tbody></table></html>"
    ))
}

async fn resend(State(world): State<Shared>, Path((tenant, id)): Path<(Uuid, Uuid)>) -> Result<Response, Refusal> {
    let sending = Sending { wait: false, ..Sending::default() };
    dispatch::resend(&world, tenant, id, &sending).await?;
    Ok(Redirect::to(&format!("/?tenant={tenant}")).into_response())
}

/// A link to the receiver's console.
fn console(api_url: &str) -> String {
    let url = escape(&format!("{api_url}/operations/console"));
    format!("<p>What the receiver made of them: its console at <a href=\"{url}\">{url}</a></p>")
}

fn row(tenant: Uuid, one: &Notification) -> String {
    let (status, class) = match one.status {
        Status::Pending => ("Pending", "pending"),
        Status::Sent => ("Sent", "sent"),
        Status::Failed => ("Failed", "failed"),
    };
    let success = if one.success { "True" } else { "False" };
    let feedback: String = one.feedback.iter().map(feedback).collect();
    let resend = if one.status == Status::Sent {
        let id = one.notification_id;
        format!(
            "<form method=post action=\"/tenants/{tenant}/notifications/{id}/resend\">\
             <button>Resend notification</button></form>"
        )
    } else {
        String::new()
    };
    format!(
        "<tr id=\"{}\"><td>{}<td>{}<td>{}<td>{}<td>{success}<td>{}<br><small>{}</small>\
         <td class={class}>{status}<td>{}<td>{}<td class=text>{}<td class=text>{feedback}<td>{resend}</tr>",
        one.notification_id,
        escape(&one.entity),
        escape(&one.key),
        escape(&one.description),
        escape(&one.class),
        event(&one.event),
        escape(&one.event),
        escape(&one.source),
        escape(&one.user),
        escape(&one.message),
    )
}

fn feedback(one: &Feedback) -> String {
    let (class, mark) = match one.is_success {
        Some(true) => ("yes", "Success"),
        Some(false) => ("no", "Failure"),
        None => ("unknown", "Feedback"),
    };
    let description = escape(one.description.as_deref().unwrap_or_default());
    let source = escape(one.source.as_deref().unwrap_or_default());
    format!("<div><b class={class}>{mark}</b>: {description} <small>{source}</small></div>")
}

/// The window's words for entity events. Other events get similar ones.
fn event(id: &str) -> &'static str {
    match catalogue::find(id).map(|event| event.kind) {
        Some(Kind::Created) => "Entity created",
        Some(Kind::Deleted) => "Entity deleted",
        Some(Kind::StatusChanged) => "Status changed",
        Some(Kind::Action) => "Action triggered",
        Some(Kind::Completed | Kind::BackgroundResponse | Kind::Voucher) | None => "Event",
        Some(_) => "Entity updated",
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
