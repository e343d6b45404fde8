//! Rust source as a flat list of tokens with line numbers, each marked when it belongs to test code.
//! Macro bodies are included, which is what the rules want: a name or a literal counts wherever it stands.

use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword.
    Word(String),
    /// The content of a string literal, escapes as written.
    Text(String),
    /// Any other literal.
    Literal,
    /// One character of punctuation, or of a delimiter.
    Mark(char),
}

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Counted from 1.
    pub(super) line: usize,
    /// Inside an item under `#[cfg(test)]` or `#[test]`.
    pub(super) in_test: bool,
}

impl Token {
    /// The identifier, or an empty string.
    pub(super) fn word(&self) -> &str {
        match &self.kind {
            Kind::Word(word) => word,
            _ => "",
        }
    }

    pub(super) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// Tokenises a Rust source file; `None` where it is not Rust at all (rustc will say why).
pub(super) fn tokenise(source: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    flatten(TokenStream::from_str(source).ok()?, false, &mut tokens);
    Some(tokens)
}

fn flatten(stream: TokenStream, inherited: bool, tokens: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut whole = inherited;
    let mut item = false;
    for (index, tree) in trees.iter().enumerate() {
        match test_attribute(&trees[index..]) {
            Some(Attribute::Inner) => whole = true,
            Some(Attribute::Outer) => item = true,
            None => {}
        }
        let in_test = whole || item;
        push(tree, in_test, tokens);
        let body = matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        let end = matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ';');
        if body || end {
            item = false;
        }
    }
}

fn push(tree: &TokenTree, in_test: bool, tokens: &mut Vec<Token>) {
    let line = tree.span().start().line;
    let mut add = |kind, line| tokens.push(Token { kind, line, in_test });
    match tree {
        TokenTree::Ident(word) => add(Kind::Word(word.to_string()), line),
        TokenTree::Punct(mark) => add(Kind::Mark(mark.as_char()), line),
        TokenTree::Literal(literal) => add(literal_kind(&literal.to_string()), line),
        TokenTree::Group(group) => {
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ('(', ')'),
                Delimiter::Brace => ('{', '}'),
                Delimiter::Bracket => ('[', ']'),
                Delimiter::None => (' ', ' '),
            };
            add(Kind::Mark(open), line);
            flatten(group.stream(), in_test, tokens);
            tokens.push(Token { kind: Kind::Mark(close), line: group.span_close().end().line, in_test });
        }
    }
}

fn literal_kind(literal: &str) -> Kind {
    let body = literal.trim_start_matches(['b', 'c', 'r']).trim_matches('#');
    match body.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(text) => Kind::Text(text.to_owned()),
        None => Kind::Literal,
    }
}

enum Attribute {
    Inner,
    Outer,
}

/// Whether an attribute starts here that makes what follows test code.
fn test_attribute(trees: &[TokenTree]) -> Option<Attribute> {
    let is = |tree: &TokenTree, mark| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark);
    match trees {
        [hash, bang, TokenTree::Group(group), ..] if is(hash, '#') && is(bang, '!') => {
            means_test(&group.stream()).then_some(Attribute::Inner)
        }
        [hash, TokenTree::Group(group), ..] if is(hash, '#') && group.delimiter() == Delimiter::Bracket => {
            means_test(&group.stream()).then_some(Attribute::Outer)
        }
        _ => None,
    }
}

/// `cfg(test)`, `cfg(all(test, ...))`, `test`, `tokio::test`, `tokio::test(...)`; not `cfg(not(test))`.
fn means_test(attribute: &TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    let path = text.split('(').next().unwrap_or_default();
    let condition = text.strip_prefix("cfg(").unwrap_or_default();
    path.rsplit("::").next() == Some("test")
        || (condition.split(['(', ')', ',']).any(|word| word == "test") && !condition.contains("not(test)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_words(source: &str) -> Vec<String> {
        let tokens = tokenise(source).unwrap();
        tokens.iter().filter(|token| token.in_test && !token.word().is_empty()).map(|t| t.word().to_owned()).collect()
    }

    #[test]
    fn test_items_are_marked_and_what_follows_them_is_not() {
        assert_eq!(test_words("#[test] fn a() { b } fn c() {}"), ["test", "fn", "a", "b"]);
        assert_eq!(test_words("#[cfg(test)] mod tests; fn c() {}"), ["cfg", "test", "mod", "tests"]);
        assert_eq!(test_words("#[tokio::test(flavor = \"x\")] async fn a() {}").last().unwrap(), "a");
        assert_eq!(test_words("#![cfg(test)] fn a() {}").last().unwrap(), "a");
        assert!(test_words("#[cfg(not(test))] fn a() {}").is_empty());
        assert!(test_words("#[tested] fn a() {}").is_empty());
    }

    #[test]
    fn literals_are_read_without_their_quotes() {
        let texts: Vec<Kind> =
            tokenise("f(\"a\", r#\"b\"#, b\"c\", 1, 'd')").unwrap().into_iter().map(|t| t.kind).collect();
        for text in ["a", "b", "c"] {
            assert!(texts.contains(&Kind::Text(text.to_owned())), "{texts:?}");
        }
        assert_eq!(texts.iter().filter(|kind| **kind == Kind::Literal).count(), 2);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let tokens = tokenise("a\n\nb { c\n}").unwrap();
        assert_eq!(tokens.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 3, 3, 3, 4]);
    }
}
