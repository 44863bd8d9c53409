//! Policies that several timelines write.

pub const PAY: &str = "POST /pay";

/// Allows unmatched endpoints; each rule is name, match, windows, and whatever
/// else follows the list of windows.
pub fn policy(rules: &[(&str, &str, &str, &str)]) -> String {
    let mut text = "version = 1\nunmatched = \"allow\"\n".to_string();
    for (name, pattern, windows, more) in rules {
        text += &format!(
            "\n[[rule]]\nname = \"{name}\"\nmatch = \"{pattern}\"\nwindows = [{windows}]\n{more}"
        );
    }
    text
}

/// One rule, for payments.
pub fn pay(windows: &str) -> String {
    policy(&[("pay", PAY, windows, "")])
}
