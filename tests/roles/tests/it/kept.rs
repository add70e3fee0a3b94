use roles::{Account, Judge, listed, page};

#[test]
fn the_page_matches_the_template() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/ROLES.md");
    let page = page(&Judge::new(Account::new("webhooks")), &listed());
    if std::env::var_os("WRITE_ROLES").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page, "WRITE_ROLES=1 cargo test -p roles writes infra/ROLES.md");
}
