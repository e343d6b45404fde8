//! Templates render as in Python, refuse within limits, and cuts hold what the module promises. The texts in
//! `tests/templates` are those of SmolLM2 and Qwen2.5-Coder, both under Apache-2.0.

use expect_test::expect;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ChatTemplate, Conversation, Features, Rendered, Tokens};
use domain::Timestamp;

const SMOLLM2: &str = include_str!("../../tests/templates/smollm2.jinja");
const QWEN: &str = include_str!("../../tests/templates/qwen2.5.jinja");
/// The system message stands in the last user message, as Mistral's first templates have it.
const SYSTEM_LAST: &str = "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0].content %}{% else %}{% set rest = messages %}{% set system = '' %}{% endif %}{% for m in rest %}{% if m.role == 'user' %}[INST] {% if loop.last and system %}{{ system }}\n\n{% endif %}{{ m.content }} [/INST]{% else %} {{ m.content }}</s>{% endif %}{% endfor %}";
/// What was thought before the last question is left out, as reasoning models have it.
const THINKING: &str = "{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' and loop.index0 < ns.last %}{{ m.content.split('|')[-1] }}{% else %}{{ m.content }}{% endif %}\n{% endfor %}";
/// Refuses to end with anything but a question.
const STRICT: &str = "{% if messages[-1].role != 'user' %}{{ raise_exception('the last message must be a question') }}{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
const ALL: [&str; 5] = [SMOLLM2, QWEN, SYSTEM_LAST, THINKING, STRICT];

fn compile(source: &str) -> ChatTemplate {
    let tokens = Tokens { begin: "<|im_start|>".to_owned(), end: "<|im_end|>".to_owned() };
    ChatTemplate::compile(source, None, tokens).unwrap()
}

fn render(source: &str, messages: &[Value], cuts: &[usize]) -> Result<Rendered, crate::WeightsError> {
    let conversation = Conversation { messages, cuts, add_generation_prompt: true, ..Conversation::default() };
    compile(source).render(&conversation, Timestamp::from_micros(1_790_000_000_000_000))
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

#[derive(Deserialize)]
struct Case {
    template: String,
    messages: Vec<Value>,
    tools: Vec<Value>,
    add_generation_prompt: bool,
    prompt: String,
}

/// `rendered.json` was written by Jinja2 for Python with the settings of `transformers`.
#[test]
fn real_templates_render_as_in_python() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/templates/rendered.json")).unwrap();
    assert_eq!(cases.len(), 10);
    for Case { template, messages, tools, add_generation_prompt, prompt } in cases {
        let source = if template == "smollm2" { SMOLLM2 } else { QWEN };
        let conversation =
            Conversation { messages: &messages, tools: &tools, add_generation_prompt, ..Conversation::default() };
        let rendered = compile(source).render(&conversation, Timestamp::from_micros(0)).unwrap();
        assert_eq!(rendered.prompt, prompt, "{template} {messages:?}");
    }
}

#[test]
fn features_show_by_rendering() {
    assert_eq!(compile(SMOLLM2).features(), Features { tools: false, system: true });
    assert_eq!(compile(QWEN).features(), Features { tools: true, system: true });
    assert_eq!(compile("{{ messages[-1].content }}").features(), Features { tools: false, system: false });
}

#[test]
fn a_second_template_serves_conversations_with_tools() {
    let template =
        ChatTemplate::compile("plain", Some("with {{ tools[0].function.name }}"), Tokens::default()).unwrap();
    let tools = [json!({"type": "function", "function": {"name": "f"}})];
    let prompt = |tools| {
        let conversation = Conversation { messages: &[user("a")], tools, ..Conversation::default() };
        template.render(&conversation, Timestamp::from_micros(0)).unwrap().prompt
    };
    assert_eq!((prompt(&[]).as_str(), prompt(&tools).as_str()), ("plain", "with f"));
}

#[test]
fn python_is_spoken() {
    let check = |source: &str, expected: &str| {
        assert_eq!(render(source, &[user("é<'&")], &[]).unwrap().prompt, expected, "{source}")
    };
    check("{{ messages[0].content | tojson }}", "\"é<'&\"");
    check("{{ {'b': [1, 2.5, none, true], 'a': {}} | tojson }}", "{\"b\": [1, 2.5, null, true], \"a\": {}}");
    check("{{ {'b': [1]} | tojson(indent=2) }}", "{\n  \"b\": [\n    1\n  ]\n}");
    check("{{ none }}{{ true }}{{ tools is none }}", "NoneTrueTrue");
    check("{{ strftime_now('%d %b %Y') }}", "21 Sep 2026");
    check("{{ 'a,b'.split(',')[1].upper() }}{{ messages[0].get('x', 'y') }}", "By");
    check("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01");
    check("{%- generation -%} a {%- endgeneration %} b", "a b");
    check("{% if true %}\n  x\n{% endif %}\n", "  x\n");
    check("{{ messages[::-1][0].role }}{{ bos_token }}", "user<|im_start|>");
}

#[test]
fn variables_reach_the_template() {
    let variables = json!({"enable_thinking": false, "messages": "ours"});
    let (messages, variables) = ([user("a")], variables.as_object());
    let conversation = Conversation { messages: &messages, variables, ..Conversation::default() };
    let template = compile("{{ enable_thinking }} {{ messages[0].content }}");
    assert_eq!(template.render(&conversation, Timestamp::from_micros(0)).unwrap().prompt, "False a");
}

#[test]
fn refusals_say_why() {
    let check = |source: &str, messages: &[Value], expected: &str| {
        let error = render(source, messages, &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("{{ raise_exception('roles must alternate') }}", &[], "roles must alternate");
    check("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", &[], "runs without end");
    check("{{ 'x' * 90000000 }}", &[], "longer than 64 MiB");
    check("", &[json!("x")], "message 0 cannot be used: it is no object");
    check("", &[json!({"content": "x"})], "it has no role");
    let image = json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]});
    check("", &[image], "holds more than text");
    let broken = ChatTemplate::compile("{% if %}", None, Tokens::default()).unwrap_err().to_string();
    assert!(broken.starts_with("the model's chat template cannot be used"), "{broken}");
}

#[test]
fn cuts_fall_between_messages() {
    let messages =
        [json!({"role": "system", "content": "S"}), user("U"), json!({"role": "assistant", "content": "A"}), user("V")];
    let Rendered { prompt, ends } = render(QWEN, &messages, &[1, 2, 3, 4]).unwrap();
    let mut start = 0;
    let pieces: Vec<_> = ends
        .iter()
        .map(|&end| {
            let piece = &prompt[start..end];
            start = end;
            piece
        })
        .collect();
    expect![[r#"
        [
            "<|im_start|>system\nS<|im_end|>\n",
            "<|im_start|>user\nU<|im_end|>\n",
            "<|im_start|>assistant\nA<|im_end|>\n",
            "<|im_start|>user\nV<|im_end|>\n",
        ]
    "#]]
    .assert_debug_eq(&pieces);
    assert_eq!(&prompt[start..], "<|im_start|>assistant\n");
    // A template that puts the system's words last has nothing that is public to everybody.
    assert_eq!(render(SYSTEM_LAST, &messages[..2], &[1]).unwrap().ends, [0]);
    // One that refuses a system message alone is asked with a question behind it.
    let strict = render(STRICT, &messages[..2], &[1]).unwrap();
    assert_eq!(&strict.prompt[..strict.ends[0]], "system: S\nuser: ");
    assert_eq!(render(QWEN, &messages, &[99]).unwrap().ends.len(), 1);
}

fn message() -> impl Strategy<Value = Value> {
    let role = prop_oneof![Just("system"), Just("user"), Just("assistant"), Just("tool")];
    let text = "(a|b|<\\|im_end\\|>|\n|é|日|\\|){0,6}";
    (role, text).prop_map(|(role, text)| json!({"role": role, "content": text}))
}

proptest! {
    /// The invariant of this module: what stands before a cut does not depend on what follows it.
    #[test]
    fn nothing_before_a_cut_comes_from_behind_it(
        template in 0..ALL.len(),
        before in proptest::collection::vec(message(), 1..4),
        one in proptest::collection::vec(message(), 0..3),
        other in proptest::collection::vec(message(), 0..3),
    ) {
        let cut = before.len();
        let run = |after: &[Value]| render(ALL[template], &[before.as_slice(), after].concat(), &[cut]);
        if let (Ok(one), Ok(other)) = (run(&one), run(&other)) {
            let end = one.ends[0].min(other.ends[0]);
            prop_assert_eq!(&one.prompt[..end], &other.prompt[..end]);
        }
    }

    #[test]
    fn ends_never_go_back(messages in proptest::collection::vec(message(), 1..6), template in 0..ALL.len()) {
        let cuts: Vec<_> = (0..=messages.len()).collect();
        if let Ok(Rendered { prompt, ends }) = render(ALL[template], &messages, &cuts) {
            prop_assert!(ends.is_sorted() && ends.iter().all(|&end| prompt.is_char_boundary(end)));
        }
    }

    #[test]
    fn arbitrary_templates_never_panic(source in "(\\{%|%\\}|\\{\\{|\\}\\}|for m in messages|endfor|generation|[a-z\"'|.() ]){0,30}") {
        if let Ok(template) = ChatTemplate::compile(&source, None, Tokens::default()) {
            let _ = template.render(&Conversation { messages: &[user("a")], ..Conversation::default() }, Timestamp::from_micros(0));
        }
    }
}
