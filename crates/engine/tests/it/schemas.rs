//! Random JSON schemas, and a naive validator that knows nothing of the engine.

use serde_json::{Map, Value, json};

/// A small generator of numbers (xorshift), so that the schemas are the same on every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A schema whose values are short, so that a small model comes to their end.
pub(crate) fn random(dice: &mut Dice, depth: u32) -> Value {
    match dice.roll(if depth == 0 { 5 } else { 7 }) {
        0 => json!({"type": "string", "minLength": dice.roll(3), "maxLength": 4 + dice.roll(8)}),
        1 => {
            let least = i64::try_from(dice.roll(50)).expect("small") - 25;
            json!({"type": "integer", "minimum": least, "maximum": least + 1 + i64::try_from(dice.roll(90)).expect("small")})
        }
        2 => json!({"type": ["boolean", "null"]}),
        3 => json!({"enum": ["red", 7, null, {"a": [true]}]}),
        4 => json!({"type": "string", "pattern": "^[A-C]{2}-[0-9]{1,3}$"}),
        5 => json!({"type": "array", "items": random(dice, depth - 1), "minItems": dice.roll(2), "maxItems": 2}),
        _ => {
            let count = 1 + dice.roll(3);
            let names: Vec<String> = (0..count).map(|number| format!("field_{number}")).collect();
            let properties: Map<String, Value> =
                names.iter().map(|name| (name.clone(), random(dice, depth - 1))).collect();
            let required = &names[..usize::try_from(dice.roll(count + 1)).expect("small")];
            json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
        }
    }
}

/// Whether a value follows a schema made by [`random`].
pub(crate) fn follows(value: &Value, schema: &Value) -> bool {
    if let Some(options) = schema["enum"].as_array() {
        return options.contains(value);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let bound = |name: &str| schema[name].as_i64();
    match value {
        Value::Null => kinds.contains(&"null"),
        Value::Bool(_) => kinds.contains(&"boolean"),
        Value::Number(number) => {
            let Some(number) = number.as_i64() else { return false };
            kinds.contains(&"integer")
                && Some(number) >= bound("minimum")
                && bound("maximum").is_some_and(|most| number <= most)
        }
        Value::String(text) => {
            let length = i64::try_from(text.chars().count()).expect("short");
            kinds.contains(&"string")
                && bound("minLength").is_none_or(|least| length >= least)
                && bound("maxLength").is_none_or(|most| length <= most)
                && (schema["pattern"].is_null() || fits_pattern(text))
        }
        Value::Array(items) => {
            let count = i64::try_from(items.len()).expect("short");
            kinds.contains(&"array")
                && bound("minItems").is_none_or(|least| count >= least)
                && bound("maxItems").is_none_or(|most| count <= most)
                && items.iter().all(|item| follows(item, &schema["items"]))
        }
        Value::Object(fields) => {
            let known = schema["properties"].as_object().expect("properties");
            let required = schema["required"].as_array().expect("required");
            kinds.contains(&"object")
                && required.iter().all(|name| fields.contains_key(name.as_str().expect("a name")))
                && fields.iter().all(|(name, field)| known.get(name).is_some_and(|schema| follows(field, schema)))
        }
    }
}

/// `^[A-C]{2}-[0-9]{1,3}$`
fn fits_pattern(text: &str) -> bool {
    let Some((letters, digits)) = text.split_once('-') else { return false };
    letters.len() == 2
        && letters.chars().all(|letter| ('A'..='C').contains(&letter))
        && (1..=3).contains(&digits.len())
        && digits.chars().all(|digit| digit.is_ascii_digit())
}

#[test]
fn the_validator_refuses_what_does_not_follow() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1, "maximum": 3}}, "required": ["a"]});
    assert!(follows(&json!({"a": 2}), &schema));
    for wrong in [json!({}), json!({"a": 4}), json!({"a": "2"}), json!({"a": 2, "b": 1}), json!([2])] {
        assert!(!follows(&wrong, &schema), "{wrong}");
    }
    assert!(fits_pattern("AB-12") && !fits_pattern("AD-1") && !fits_pattern("AB-1234"));
}
