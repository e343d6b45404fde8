//! Decides, for one request, how functions are offered to the model and how its calls are made and read.

use std::fmt::Write as _;

use serde_json::{Value, json};
use wire::chat::{ChatRequest, Tool, ToolChoice};

use super::Style;
use crate::constraint::{ANY_OBJECT, Grammar, enforceable, function_call};
use crate::error::EngineError;

/// How one request deals with functions.
#[derive(Debug, Default)]
pub(crate) struct ToolPlan {
    /// Functions the template shall describe.
    pub(crate) described_by_template: Vec<Tool>,
    /// A description for models whose template knows none.
    pub(crate) instructions: Option<String>,
    pub(crate) grammar: Option<Grammar>,
    /// How to read calls; none where none may come.
    pub(crate) style: Option<Style>,
}

/// Plans a request. `style` is the form the model's template teaches, if any.
///
/// # Errors
/// Where the model's template cannot do what is asked, or a strict function's schema cannot be enforced.
pub(crate) fn plan(request: &ChatRequest, style: Option<Style>) -> Result<ToolPlan, EngineError> {
    let tools = request.tools();
    let choice = request.tool_choice.as_ref().unwrap_or(&ToolChoice::Auto);
    if tools.is_empty() || *choice == ToolChoice::None {
        return Ok(ToolPlan::default());
    }
    let parallel = request.parallel_tool_calls.unwrap_or(true);
    let allowed: Vec<(usize, &Tool)> = tools
        .iter()
        .enumerate()
        .filter(|(_, tool)| !matches!(choice, ToolChoice::Named(name) if *name != tool.function.name))
        .collect();
    let form = style.unwrap_or(Style::Plain);
    let calls = allowed.iter().map(|(place, tool)| call_rule(*place, tool, form)).collect::<Result<Vec<_>, _>>()?;
    let grammar = match choice {
        ToolChoice::Auto => offered(style, &calls, parallel)?,
        _ => Some(Grammar::always(demanded(form, &calls, parallel && *choice == ToolChoice::Required))),
    };
    let described: Vec<Tool> = tools.to_vec();
    let (described_by_template, instructions) = match style {
        Some(_) => (described, None),
        None => (Vec::new(), Some(instructions(&described))),
    };
    Ok(ToolPlan { described_by_template, instructions, grammar, style: Some(form) })
}

/// The grammar of one function's call.
fn call_rule(place: usize, tool: &Tool, style: Style) -> Result<String, EngineError> {
    let function = &tool.function;
    let nothing = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let given = function.parameters.as_ref().unwrap_or(&nothing);
    let schema = match enforceable(given) {
        Ok(schema) => schema,
        // Without `strict` the schema is advice to the model; what can be promised is an object.
        Err(_) if function.strict != Some(true) => serde_json::from_str(ANY_OBJECT).unwrap_or(Value::Bool(true)),
        Err(refused) => {
            let param = format!("tools[{place}].function.parameters.{}", refused.path);
            return Err(EngineError::value(param, refused.reason));
        }
    };
    Ok(function_call(&function.name, style.arguments_key(), &schema))
}

/// The model may call: the grammar binds from where it begins to.
fn offered(style: Option<Style>, calls: &[String], parallel: bool) -> Result<Option<Grammar>, EngineError> {
    let Some(style) = style else {
        return Err(EngineError::unsupported(
            "tool_choice",
            "`auto` needs a model whose chat template knows functions, and this one's does not; \
             use `required`, `none` or a named function",
        ));
    };
    let Some(opening) = style.opening() else { return Ok(None) };
    let rules = alternatives(calls);
    let grammar = match style {
        Style::Listed if parallel => format!("start: SPACE \"[\" call (\", \" call)* \"]\"\n{rules}"),
        Style::Listed => format!("start: SPACE \"[\" call \"]\"\n{rules}"),
        _ => format!("start: SPACE call SPACE \"</tool_call>\"\n{rules}"),
    };
    let repeats = parallel && style == Style::Tagged;
    Ok(Some(Grammar::after(opening, grammar, repeats)))
}

/// The model must call.
fn demanded(style: Style, calls: &[String], parallel: bool) -> String {
    let rules = alternatives(calls);
    match (style, parallel) {
        (Style::Tagged, true) => format!("start: tagged (\"\\n\" tagged)*\n{TAGGED}{rules}"),
        (Style::Tagged, false) => format!("start: tagged\n{TAGGED}{rules}"),
        (Style::Listed, true) => format!("start: \"[TOOL_CALLS]\" SPACE \"[\" call (\", \" call)* \"]\"\n{rules}"),
        (Style::Listed, false) => format!("start: \"[TOOL_CALLS]\" SPACE \"[\" call \"]\"\n{rules}"),
        (Style::Parameters | Style::Plain, _) => format!("start: call\n{rules}"),
    }
}

const TAGGED: &str = "tagged: \"<tool_call>\\n\" call \"\\n</tool_call>\"\n";

fn alternatives(calls: &[String]) -> String {
    let mut rules = String::from("SPACE: /[ \\n]{0,2}/\n");
    let names: Vec<String> = (0..calls.len()).map(|place| format!("call_{place}")).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(rules, "call: {}", names.join(" | "));
    for (name, call) in names.iter().zip(calls) {
        let _ = writeln!(rules, "{name}: {call}");
    }
    rules
}

/// The system message for models whose template knows no functions.
fn instructions(tools: &[Tool]) -> String {
    let mut text = String::from(
        "Call a function. Answer with exactly one JSON object {\"name\": ..., \"arguments\": ...} and nothing else. \
         Functions:\n",
    );
    for tool in tools {
        let function = &tool.function;
        let mut description = json!({ "name": function.name });
        if let Some(words) = &function.description {
            description["description"] = json!(words);
        }
        if let Some(parameters) = &function.parameters {
            description["parameters"] = parameters.clone();
        }
        let _ = writeln!(text, "{description}");
    }
    text
}
