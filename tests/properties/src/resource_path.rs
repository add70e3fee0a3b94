use url::Url;
use webhooks_model::{Entity, ResourcePath};

/// Longer texts are never paths.
const LONGEST: usize = 512;

pub fn resource_path(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(path) = ResourcePath::parse(text) {
        stays_below_its_base(&path);
    }
    for entity in Entity::ALL {
        if let Some(path) = ResourcePath::for_entity(entity, text) {
            assert_eq!((path.entity(), path.key().as_deref()), (entity, Some(text)));
            stays_below_its_base(&path);
        }
    }
}

fn stays_below_its_base(path: &ResourcePath) {
    let shown = path.to_string();
    assert!(shown.is_ascii());
    for base in ["https://erp.example/", "https://erp.example:444/a/b/"] {
        let expected = format!("{base}{shown}");
        let base = Url::parse(base).expect("a base");
        // All ways to join it: as a link, as a text, and as the path of a URL.
        assert_eq!(base.join(&shown).expect("a link").as_str(), expected);
        assert_eq!(Url::parse(&expected).expect("a URL").as_str(), expected);
        let mut url = base.clone();
        url.set_path(&format!("{}{shown}", base.path()));
        assert_eq!(url.as_str(), expected);
    }
    if shown.len() <= LONGEST {
        assert_eq!(ResourcePath::parse(&shown).as_ref(), Ok(path));
    }
}
