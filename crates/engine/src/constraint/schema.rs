//! Which JSON schemas can be enforced: every keyword is either enforced, an annotation, or refused by its path.
//!
//! llguidance skips what it does not know, so that a typing error would pass in silence; this is stricter.

use serde_json::{Map, Value};

/// A keyword that cannot be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unenforceable {
    /// Where, as a path from the schema's root: `properties.tags.uniqueItems`.
    pub(crate) path: String,
    /// What to do about it.
    pub(crate) reason: String,
}

/// Keywords whose value is a schema.
const SCHEMA: [&str; 2] = ["additionalProperties", "additionalItems"];
/// Keywords whose value maps names to schemas.
const SCHEMA_MAP: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];
/// Keywords whose value is a list of schemas.
const SCHEMA_LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Enforced keywords with plain values.
const PLAIN: [&str; 17] = [
    "$ref",
    "const",
    "enum",
    "type",
    "minItems",
    "maxItems",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];
/// Keywords that describe and do not restrict.
const ANNOTATIONS: [&str; 13] = [
    "$id",
    "id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentMediaType",
    "contentEncoding",
];
/// Formats that are enforced.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"];
/// Keywords that restrict nothing with this value.
const WITHOUT_EFFECT: [(&str, &str); 5] = [
    ("uniqueItems", "false"),
    ("unevaluatedProperties", "true"),
    ("unevaluatedItems", "true"),
    ("nullable", "false"),
    ("minContains", "0"),
];

/// Deepest nesting of a schema.
const MAX_DEPTH: usize = 64;

/// The schema with its annotations taken out.
///
/// # Errors
/// The first keyword that cannot be enforced.
pub(crate) fn enforceable(schema: &Value) -> Result<Value, Unenforceable> {
    Walk { path: Vec::new() }.schema(schema)
}

struct Walk {
    path: Vec<String>,
}

impl Walk {
    fn refuse(&self, reason: impl Into<String>) -> Unenforceable {
        Unenforceable { path: self.path.join("."), reason: reason.into() }
    }

    fn at<T>(
        &mut self,
        step: impl Into<String>,
        inner: impl FnOnce(&mut Self) -> Result<T, Unenforceable>,
    ) -> Result<T, Unenforceable> {
        self.path.push(step.into());
        let result = inner(self);
        self.path.pop();
        result
    }

    fn schema(&mut self, schema: &Value) -> Result<Value, Unenforceable> {
        if self.path.len() > MAX_DEPTH {
            return Err(self.refuse("the schema is nested too deeply; flatten it"));
        }
        let keywords = match schema {
            Value::Bool(_) => return Ok(schema.clone()),
            Value::Object(keywords) => keywords,
            _ => return Err(self.refuse("a schema is an object, `true` or `false`")),
        };
        let mut kept = Map::new();
        for (keyword, value) in keywords {
            if let Some(value) = self.at(keyword.as_str(), |walk| walk.keyword(keyword, value))? {
                kept.insert(keyword.clone(), value);
            }
        }
        Ok(Value::Object(kept))
    }

    /// The keyword's value to keep; none for an annotation.
    fn keyword(&mut self, keyword: &str, value: &Value) -> Result<Option<Value>, Unenforceable> {
        match keyword {
            // The draft decides how `items` and `exclusiveMinimum` are read.
            "$schema" => Ok(Some(value.clone())),
            "$id" | "id" if self.path.len() > 1 => Err(self.refuse("an inner `$id` moves references; leave it out")),
            "items" if value.is_array() => self.list(value).map(Some),
            "items" => self.schema(value).map(Some),
            "format" => self.format(value),
            _ if SCHEMA.contains(&keyword) => self.schema(value).map(Some),
            _ if SCHEMA_MAP.contains(&keyword) => self.map(value).map(Some),
            _ if SCHEMA_LIST.contains(&keyword) => self.list(value).map(Some),
            _ if PLAIN.contains(&keyword) => Ok(Some(value.clone())),
            _ if ANNOTATIONS.contains(&keyword) || keyword.starts_with("x-") => Ok(None),
            _ if WITHOUT_EFFECT.iter().any(|(name, text)| *name == keyword && value.to_string().as_str() == *text) => {
                Ok(None)
            }
            _ => Err(self.refuse(format!("the keyword `{keyword}` cannot be enforced; leave it out"))),
        }
    }

    fn format(&self, value: &Value) -> Result<Option<Value>, Unenforceable> {
        match value.as_str() {
            Some(name) if FORMATS.contains(&name) => Ok(Some(value.clone())),
            _ => Err(self.refuse(format!(
                "the format {value} cannot be enforced; leave it out or use one of {}",
                FORMATS.join(", ")
            ))),
        }
    }

    fn map(&mut self, value: &Value) -> Result<Value, Unenforceable> {
        let Value::Object(schemas) = value else { return Err(self.refuse("must be an object of schemas")) };
        let mut kept = Map::new();
        for (name, schema) in schemas {
            kept.insert(name.clone(), self.at(name.as_str(), |walk| walk.schema(schema))?);
        }
        Ok(Value::Object(kept))
    }

    fn list(&mut self, value: &Value) -> Result<Value, Unenforceable> {
        let Value::Array(schemas) = value else { return Err(self.refuse("must be an array of schemas")) };
        let schemas = schemas.iter().enumerate();
        let kept = schemas.map(|(place, schema)| self.at(place.to_string(), |walk| walk.schema(schema)));
        kept.collect::<Result<Vec<_>, _>>().map(Value::Array)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused_at(schema: Value) -> String {
        enforceable(&schema).expect_err("the schema should be refused").path
    }

    #[test]
    fn keywords_that_cannot_be_enforced_are_named_with_their_path() {
        let tags = json!({"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": true}}});
        assert_eq!(refused_at(tags), "properties.tags.uniqueItems");
        assert_eq!(refused_at(json!({"anyOf": [true, {"not": {}}]})), "anyOf.1.not");
        assert_eq!(refused_at(json!({"if": {}, "then": {}})), "if");
        assert_eq!(refused_at(json!({"items": {"contains": {}}})), "items.contains");
        assert_eq!(refused_at(json!({"$defs": {"a": {"dependentSchemas": {}}}})), "$defs.a.dependentSchemas");
        assert_eq!(refused_at(json!({"type": "string", "format": "idn-email"})), "format");
        assert_eq!(refused_at(json!({"properties": {"a": {"minLenght": 3}}})), "properties.a.minLenght");
        assert_eq!(refused_at(json!({"propertyNames": {}})), "propertyNames");
        assert_eq!(refused_at(json!({"nullable": true})), "nullable");
        assert_eq!(refused_at(json!({"items": 3})), "items");
        assert_eq!(refused_at(json!({"items": {"$id": "urn:a"}})), "items.$id");
    }

    #[test]
    fn annotations_go_and_restrictions_stay() {
        let schema = json!({
            "title": "T", "x-guidance": {"lenient": true}, "type": "array", "uniqueItems": false,
            "items": {"description": "d", "type": "string", "format": "date", "minLength": 2},
        });
        let kept = enforceable(&schema).expect("enforceable");
        assert_eq!(kept, json!({"type": "array", "items": {"type": "string", "format": "date", "minLength": 2}}));
    }

    #[test]
    fn properties_may_be_named_like_keywords() {
        let schema = json!({"properties": {"not": {"type": "string"}, "default": {"type": "null"}}});
        assert_eq!(enforceable(&schema).expect("enforceable"), schema);
    }
}
