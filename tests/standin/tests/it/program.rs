//! The program `standin`: reports when it is ready, serves, and ends on request.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use standin::{Client, NewTenant};

/// Polls until there is something, for a minute at most.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} in time");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn end(mut program: Child, signal: &str) {
    let killed = Command::new("kill").args([signal, &program.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let status = wait_for("end", || program.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn it_writes_its_url_and_ends_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let ready = std::env::temp_dir().join(format!("standin-{}", uuid::Uuid::new_v4()));
        let program = Command::new(env!("CARGO_BIN_EXE_standin"))
            .args(["--port", "0", "--api-url", "", "--ready-file"])
            .arg(&ready)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let url = wait_for("ready file", || std::fs::read_to_string(&ready).ok());
        std::fs::remove_file(&ready).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let client = Client::new(&url);
        client.create_tenant(NewTenant::default()).await.unwrap();
        end(program, signal);
    }
}
