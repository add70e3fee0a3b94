//! `standin`: the stand-in for Visma Net as a program.

use std::{io, path::Path, path::PathBuf};

use clap::Parser;
use standin::{CLIENT_ID, CLIENT_SECRET, Options, Server};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A stand-in for Visma Net: dispatcher, token endpoint, ERP resources and feedback.
///
/// Listens on 127.0.0.1 and prints its URL once it does. Open the URL in a browser for the window
/// that an accountant sees; everything else is told to it under /control. Ends on SIGINT or
/// SIGTERM.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port to listen on; 0 for any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where deliveries go: POST {api-url}/hooks/visma/{route}. Empty, it is set later with PUT
    /// /control/api-url
    #[arg(long, default_value = "")]
    api_url: String,
    /// A file to write the URL to once it listens
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// The client id the token endpoint accepts
    #[arg(long, default_value = CLIENT_ID)]
    client_id: String,
    /// The client secret the token endpoint accepts
    #[arg(long, default_value = CLIENT_SECRET)]
    client_secret: String,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let arguments = Arguments::parse();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let server = Server::start(Options {
        port: arguments.port,
        api_url: Some(arguments.api_url),
        client_id: arguments.client_id,
        client_secret: arguments.client_secret,
    })
    .await?;
    println!("{}", server.url());
    if let Some(path) = &arguments.ready_file {
        write_whole(path, server.url())?;
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Writes in one step, so that no reader sees half of the file.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text)?;
    std::fs::rename(&part, path)
}
