//! Reads structures from JSON objects only. The code that serde derives also takes a list, and reads
//! its elements into the fields in their order.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

/// Implements `Deserialize` for structures that derive it with `#[serde(remote = "Self")]`. They
/// refuse a list like any other value of a wrong type.
#[macro_export]
macro_rules! from_objects {
    ($($name:ident),+) => {
        $(
            impl<'de> ::serde::Deserialize<'de> for $name {
                fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    // With `remote`, the derived function belongs to the type itself, not to the trait.
                    Self::deserialize($crate::ObjectOnly(deserializer))
                }
            }
        )+
    };
}

/// Reads a structure from an object only.
#[derive(Debug)]
pub struct ObjectOnly<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectOnly<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, NoList(visitor))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    // Structures do not ask for these.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// It has no `visit_seq`, so a list is an error.
struct NoList<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for NoList<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(map)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, remote = "Self")]
    struct Outer {
        name: Option<String>,
        inner: Inner,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, remote = "Self")]
    struct Inner {
        numbers: Vec<u8>,
    }

    crate::from_objects!(Outer, Inner);

    #[test]
    fn reads_objects_and_refuses_lists_at_each_depth() {
        let read = |json: &str| serde_json::from_str::<Outer>(json);
        let whole = Outer { name: Some("a".to_owned()), inner: Inner { numbers: vec![1, 2] } };
        assert_eq!(read(r#"{"name": "a", "inner": {"numbers": [1, 2]}}"#).unwrap(), whole);
        assert_eq!(read("{}").unwrap(), Outer::default());
        for (json, structure) in
            [("[]", "Outer"), (r#"["a"]"#, "Outer"), (r#"{"inner": []}"#, "Inner"), (r#"{"inner": [[1, 2]]}"#, "Inner")]
        {
            let told = read(json).unwrap_err().to_string();
            let words = format!("invalid type: sequence, expected struct {structure} at line 1");
            assert!(told.starts_with(&words), "{json}: {told}");
        }
    }
}
