//! The rate limit headers of a response.

use super::Decision;

/// Header names and values for one decision, in a fixed order: the
/// `X-RateLimit-*` trio, then `Retry-After` when denied.
///
/// Names are spelled as HTTP/1.1 shows them; comparing them is case-insensitive
/// and HTTP/2 lower-cases them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    fields: [(&'static str, u64); 4],
    len: usize,
}

impl Headers {
    pub(super) fn of(decision: &Decision) -> Self {
        let mut headers = Self {
            fields: [("", 0); 4],
            len: 0,
        };
        if let (Some(binding), Some(reset)) = (decision.binding, decision.reset_at_secs()) {
            headers.push("X-RateLimit-Limit", binding.window.limit.into());
            headers.push("X-RateLimit-Remaining", binding.remaining.into());
            headers.push("X-RateLimit-Reset", reset);
        }
        if let Some(seconds) = decision.retry_after_secs() {
            headers.push("Retry-After", seconds);
        }
        headers
    }

    fn push(&mut self, name: &'static str, value: u64) {
        self.fields[self.len] = (name, value);
        self.len += 1;
    }

    /// The headers as name and decimal value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.fields[..self.len].iter().copied()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
