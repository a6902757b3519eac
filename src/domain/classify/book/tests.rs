use super::*;

fn refused(rule: &str) -> String {
    let text = format!("version = 1\n[[provider]]\nnames = [\"x\"]\n[[rule]]\n{rule}");
    RuleBook::parse(&[("x", &text)], &[])
        .unwrap_err()
        .to_string()
}

#[test]
fn the_built_in_rules_are_valid() {
    RuleBook::built_in().unwrap();
}

#[test]
fn wrong_rules_are_refused_by_name() {
    for (rule, word) in [
        ("id = \"a\"\nclass = \"nonsense\"", "class \"nonsense\""),
        ("id = \"a\"\nclass = \"quota\"", "must have a condition"),
        ("id = \"a\"\nclass = \"quota\"\ntext = [\"(\"]", "pattern"),
        (
            "id = \"a\"\nclass = \"quota\"\ntext = [\"Big\"]",
            "lower case",
        ),
        (
            "id = \"a\"\nclass = \"quota\"\ntext = [\"(a{1000}){1000}\"]",
            "size",
        ),
        (
            "id = \"a\"\nclass = \"quota\"\nstatus = [\"4x\"]",
            "status \"4x\"",
        ),
        (
            "id = \"a\"\nclass = \"quota\"\ncodes = [\"a*b\"]",
            "at an end",
        ),
        ("id = \"a\"\nclass = \"quota\"\nwhen = 1", "unknown field"),
        (
            "id = \"a\"\nclass = \"quota\"\nscope = \"moon\"\ncodes=[\"b\"]",
            "scope \"moon\"",
        ),
    ] {
        let refused = refused(rule);
        assert!(refused.contains(word), "{rule}: {refused}");
    }
}

#[test]
fn accounts_find_their_provider_by_host() {
    let book = RuleBook::built_in().unwrap();
    let names = |rules: Rules<'_>| rules.set.names.clone();
    let groq = book.of_account(Profile::Openai, "https://api.groq.com/openai/v1");
    assert_eq!(names(groq), ["groq"]);
    let other = book.of_account(Profile::Anthropic, "https://evilapi.groq.com.example:443");
    assert_eq!(names(other), ["anthropic"]);
    assert_eq!(
        names(book.named("Azure-OpenAI")),
        names(book.named("azure_openai"))
    );
    assert_eq!(names(book.named("nobody")), names(book.named("generic")));
}
