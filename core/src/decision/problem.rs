//! The body of a refused request: RFC 9457 problem+json.

use super::{Decision, Outcome};

/// The media type of [`problem_json`].
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

impl Decision {
    /// The HTTP status for a request that was refused; `None` when it was allowed.
    ///
    /// | outcome | status | why |
    /// |---|---|---|
    /// | denied, never | 429 | the client asked for more than its limit |
    /// | untracked | 503 | the limiter's table is full: the server's state, not the client's |
    /// | unmatched | 403 | the policy admits only endpoints that it names |
    pub fn http_status(&self) -> Option<u16> {
        if self.allowed {
            return None;
        }
        Some(match self.outcome {
            Outcome::Untracked => 503,
            Outcome::Unmatched | Outcome::Exempt => 403,
            Outcome::Allowed | Outcome::Denied | Outcome::Never => 429,
        })
    }
}

/// The problem+json body for a refused decision. `rule` is the name of the
/// binding rule, if any. A denial carries the integer `retryAfter`, equal to the
/// `Retry-After` header.
pub fn problem_json(decision: &Decision, rule: Option<&str>) -> String {
    let status = decision.http_status().unwrap_or(200);
    let (title, detail) = match decision.outcome {
        _ if decision.allowed => ("OK", "The request is allowed.".to_owned()),
        Outcome::Denied => ("Too Many Requests", denied_detail(decision)),
        Outcome::Never => (
            "Too Many Requests",
            "The cost of this request exceeds the limit; retrying cannot succeed.".to_owned(),
        ),
        Outcome::Untracked => (
            "Service Unavailable",
            "The rate limiter cannot track another key at the moment.".to_owned(),
        ),
        Outcome::Allowed | Outcome::Exempt | Outcome::Unmatched => (
            "Forbidden",
            "The rate limit policy does not admit this endpoint.".to_owned(),
        ),
    };
    let mut body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}""#
    );
    if let Some(rule) = rule {
        // A policy's rule names are letters, digits, '-', '_' and '.'; of any
        // other text nothing is shown that could end the string.
        let shown = rule
            .chars()
            .filter(|c| !matches!(c, '"' | '\\') && !c.is_control());
        let shown: String = shown.collect();
        body.push_str(&format!(r#","rule":"{shown}""#));
    }
    if let Some(binding) = decision.binding {
        body.push_str(&format!(r#","limit":{}"#, binding.window.limit));
        body.push_str(&format!(r#","window":"{}""#, binding.window));
        body.push_str(&format!(r#","remaining":{}"#, binding.remaining));
    }
    if let Some(seconds) = decision.retry_after_secs() {
        body.push_str(&format!(r#","retryAfter":{seconds}"#));
    }
    body.push('}');
    body
}

fn denied_detail(decision: &Decision) -> String {
    let seconds = decision.retry_after_secs().unwrap_or(1);
    let plural = if seconds == 1 { "" } else { "s" };
    format!("Rate limit exceeded; retry in {seconds} second{plural}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_name_ends_the_string() {
        let decision = Decision::without_window(Outcome::Never, false, 1);
        let body = problem_json(&decision, Some("a\"b\\c\nd"));
        assert!(body.contains(r#""rule":"abcd""#), "{body}");
        assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
    }

    #[test]
    fn what_is_allowed_is_no_refusal() {
        for outcome in [Outcome::Unmatched, Outcome::Untracked, Outcome::Exempt] {
            let decision = Decision::without_window(outcome, true, 1);
            let body = problem_json(&decision, None);
            assert!(body.contains(r#""title":"OK","status":200"#), "{body}");
            assert!(body.contains("is allowed"), "{body}");
        }
    }
}
