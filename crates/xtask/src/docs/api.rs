//! `docs/api.md`: every route with who may call it, what it takes and what it answers.

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::schema::{fields, meaning, one_line, reference, words};

/// Where the document says no more.
const NOT_FOUND: &str = "there is no such thing, or you may not see it";

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Makes the reference from the OpenAPI document.
pub(super) fn write(openapi: &str) -> Result<String> {
    let document: Value = serde_json::from_str(openapi).context("it is not JSON")?;
    let mut text = format!(
        "# API\n\nMade by `cargo xtask docs` from `docs/openapi.json`, which a running server gives at `/openapi.json`.\n\n\
         {}\n\nA request carries `Authorization: Bearer fh_...`, or the session's cookie. Codes of errors stand in `code`; \
         a message says what was wrong and what to do.\n",
        document["info"]["description"].as_str().unwrap_or_default()
    );
    let routes = routes(&document)?;
    for tag in tags(&routes) {
        text.push_str(&format!("\n## {tag}\n"));
        routes.iter().filter(|route| route.tag() == tag).for_each(|route| route.write(&mut text));
    }
    text.push_str("\n## Shapes\n");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap_or(&Map::new()) {
        if !name.starts_with("Slice_") {
            shape(&mut text, name, schema);
        }
    }
    Ok(text)
}

struct Route<'d> {
    method: &'static str,
    path: &'d str,
    operation: &'d Value,
}

fn routes(document: &Value) -> Result<Vec<Route<'_>>> {
    let paths = document["paths"].as_object().context("it has no paths")?;
    let of_path = |(path, operations): (_, &'_ Value)| {
        let found = METHODS.into_iter().filter(|method| operations.get(*method).is_some()).collect::<Vec<_>>();
        found.into_iter().map(move |method| (path, method)).collect::<Vec<(&String, _)>>()
    };
    let all = paths.iter().flat_map(of_path);
    Ok(all.map(|(path, method)| Route { method, path, operation: &document["paths"][path][method] }).collect())
}

/// The tags in the order of their first routes; OpenAI's shapes come first.
fn tags<'d>(routes: &[Route<'d>]) -> Vec<&'d str> {
    let mut tags = vec!["OpenAI"];
    for route in routes {
        if !tags.contains(&route.tag()) {
            tags.push(route.tag());
        }
    }
    tags.retain(|tag| routes.iter().any(|route| route.tag() == *tag));
    tags
}

impl<'d> Route<'d> {
    fn tag(&self) -> &'d str {
        self.operation["tags"][0].as_str().unwrap_or("Other")
    }

    fn write(&self, text: &mut String) {
        let summary = self.operation["summary"].as_str().unwrap_or_default();
        text.push_str(&format!("\n### `{} {}`\n\n{summary}", self.method.to_uppercase(), self.path));
        let open = self.operation["security"]
            .as_array()
            .is_some_and(|ways| ways.iter().any(|way| *way == Value::Object(Map::new())));
        match self.operation["description"].as_str() {
            _ if open => text.push_str(" No key is needed."),
            Some(description) => text.push_str(&format!(" {}", one_line(description))),
            None => {}
        }
        text.push('\n');
        self.parameters(text);
        self.body(text);
        self.answers(text);
    }

    fn parameters(&self, text: &mut String) {
        let listed = self.operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let told: Vec<_> = listed.iter().filter(|one| one["in"] != "path").collect();
        if told.is_empty() {
            return;
        }
        text.push_str("\n| parameter | in | type | meaning |\n|---|---|---|---|\n");
        for one in told {
            let name = one["name"].as_str().unwrap_or_default();
            let place = one["in"].as_str().unwrap_or_default();
            text.push_str(&format!("| `{name}` | {place} | {} | {} |\n", words(&one["schema"]), meaning(one)));
        }
    }

    fn body(&self, text: &mut String) {
        let body = &self.operation["requestBody"];
        for (media, content) in body["content"].as_object().unwrap_or(&Map::new()) {
            let shape = content["schema"] != Value::Object(Map::new());
            let what = if shape { words(&content["schema"]) } else { meaning(body) };
            let what = if what.is_empty() { "OpenAI's shape, strictly".to_owned() } else { what };
            text.push_str(&format!("\nTakes: {what} (`{media}`).\n"));
        }
    }

    fn answers(&self, text: &mut String) {
        let answers = self.operation["responses"].as_object();
        text.push_str("\nAnswers:\n\n");
        for (status, answer) in answers.into_iter().flatten().filter(|(status, _)| *status != "default") {
            let schema =
                answer["content"].as_object().and_then(|content| content.values().next()).map(|one| &one["schema"]);
            let shape = schema.filter(|schema| reference(schema).is_some()).map(words);
            let said = meaning(answer);
            let told = [shape, (!said.is_empty()).then_some(said)].into_iter().flatten().collect::<Vec<_>>().join(": ");
            let told = if told.is_empty() && status == "404" { NOT_FOUND.to_owned() } else { told };
            let colon = if told.is_empty() { "" } else { ": " };
            text.push_str(&format!("- {status}{colon}{told}\n"));
        }
    }
}

fn shape(text: &mut String, name: &str, schema: &Value) {
    text.push_str(&format!("\n### {name}\n\n"));
    let table = fields(schema);
    let said = meaning(schema);
    if !said.is_empty() {
        text.push_str(&format!("{said}\n"));
    }
    match table.as_str() {
        "" => text.push_str(&format!("{}Is: {}.\n", if said.is_empty() { "" } else { "\n" }, words(schema))),
        table => text.push_str(&format!("{}{table}", if said.is_empty() { "" } else { "\n" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r##"{"info": {"description": "Doors."}, "paths": {
        "/doors/{door}": {"put": {"tags": ["Doors"], "summary": "Paint a door.", "description": "Needs one of the roles `user`.",
            "parameters": [{"name": "door", "in": "path"}, {"name": "wet", "in": "query", "schema": {"type": "boolean"}, "description": "Or\ndry."}],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Paint"}}}},
            "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Slice_Paint"}}}}, "409": {"description": "It is wet"}, "default": {}}}},
        "/healthz": {"get": {"tags": ["Health"], "summary": "Alive.", "security": [{}], "responses": {"200": {}}}}},
        "components": {"schemas": {"Paint": {"description": "A paint.", "required": ["colour"], "properties": {
            "colour": {"type": "string", "enum": ["red", "blue"], "description": "Which | one."},
            "coats": {"type": ["integer", "null"], "minimum": 1, "maximum": 3, "description": "How many."}}}, "Slice_Paint": {}}}}"##;

    #[test]
    fn a_route_is_told_with_who_may_call_it_what_it_takes_and_what_it_answers() {
        let text = write(DOCUMENT).unwrap();
        for expected in [
            "### `PUT /doors/{door}`\n\nPaint a door. Needs one of the roles `user`.\n",
            "| `wet` | query | boolean | Or dry. |\n",
            "Takes: [Paint](#paint) (`application/json`).\n",
            "- 200: a page of [Paint](#paint)\n",
            "- 409: It is wet\n",
            "Alive. No key is needed.\n",
            "| `colour` | `red`, `blue` | Which \\| one. |\n",
            "| `coats` | whole number, 1 to 3 or null (may be absent) | How many. |\n",
        ] {
            assert!(text.contains(expected), "{expected:?} in\n{text}");
        }
        assert!(!text.contains("### Slice_") && !text.contains("`door` | path"), "{text}");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        assert!(write("{}").is_err() && write("paths").is_err());
    }
}
