//! Replays the conformance vectors, field by field. A naive reference that
//! shares no code with the engine wrote them (`tests/reference`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use slidegate::{Clock, Decision, Error, Limiter, ManualClock, Policy, Receipt};

fn vectors_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

fn text<'v>(step: &'v Value, field: &str) -> &'v str {
    step[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field} in {step}"))
}

fn number(step: &Value, field: &str) -> u64 {
    step[field]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {field} in {step}"))
}

struct Replay {
    clock: Arc<ManualClock>,
    limiter: Limiter,
    /// Receipts by the number that the file gives them.
    receipts: HashMap<u64, Receipt>,
}

impl Replay {
    fn new(header: &Value) -> Self {
        let clock = Arc::new(ManualClock::new(number(header, "unix_ns")));
        let policy = Policy::from_toml(text(header, "policy")).expect("the header's policy");
        let limiter = Limiter::builder()
            .max_keys(number(header, "max_keys"))
            .clock(clock.clone())
            .build(&policy)
            .expect("a limiter");
        Self {
            clock,
            limiter,
            receipts: HashMap::new(),
        }
    }

    fn step(&mut self, step: &Value) -> Value {
        self.clock.set_elapsed_ns(number(step, "now_ns"));
        match text(step, "op") {
            "swap" => self.swap(step),
            "refund" => self.refund(number(step, "receipt")),
            "reset" => self.reset(text(step, "merchant"), step["rule"].as_str()),
            op => self.request(op, step),
        }
    }

    fn request(&mut self, op: &str, step: &Value) -> Value {
        let (merchant, endpoint) = (text(step, "merchant"), text(step, "endpoint"));
        let cost = u32::try_from(number(step, "cost")).expect("costs are 32 bits");
        let answer = match (op, step["receipt"].as_u64()) {
            ("check", None) => self.limiter.check(merchant, endpoint, cost),
            ("check", Some(number)) => {
                let answer = self.limiter.check_with_receipt(merchant, endpoint, cost);
                answer.map(|(decision, receipt)| {
                    self.receipts
                        .extend(receipt.map(|receipt| (number, receipt)));
                    decision
                })
            }
            ("peek", None) => self.limiter.peek(merchant, endpoint, cost),
            _ => panic!("unknown op {op}"),
        };
        match answer {
            Ok(decision) => self.shown(&decision),
            Err(Error::InvalidCost) => json!({"error": "invalid_cost"}),
            Err(Error::InvalidMerchant { .. }) => json!({"error": "invalid_merchant"}),
            Err(Error::InvalidEndpoint { .. }) => json!({"error": "invalid_endpoint"}),
            Err(error) => panic!("{error}"),
        }
    }

    fn refund(&mut self, number: u64) -> Value {
        let receipt = self.receipts.remove(&number).expect("a receipt");
        self.limiter.refund(receipt).expect("a refund");
        json!({})
    }

    fn reset(&self, merchant: &str, rule: Option<&str>) -> Value {
        self.limiter.reset(merchant, rule).expect("a reset");
        json!({})
    }

    fn swap(&self, step: &Value) -> Value {
        let policy = Policy::from_toml(text(step, "policy")).expect("the step's policy");
        json!({"policy_version": self.limiter.swap(&policy).expect("a swap")})
    }

    fn shown(&self, decision: &Decision) -> Value {
        let rule = decision.rule().and_then(|id| self.limiter.rule_name(id));
        let window_ns = decision
            .binding
            .map(|b| b.window.length().as_nanos() as u64);
        json!({
            "outcome": decision.outcome.as_str(),
            "allowed": decision.allowed,
            "rule": rule.as_deref(),
            "limit": decision.limit(),
            "window_ns": window_ns,
            "precision": decision.precision().map(|p| p.as_str()),
            "remaining": decision.remaining(),
            "retry_after_ns": decision.retry_after_ns(),
            "reset_at_ns": decision.reset_at_ns(),
            "policy_version": decision.policy_version,
        })
    }
}

fn replay(path: &Path) -> usize {
    let lines = std::fs::read_to_string(path).expect("a vector file");
    let mut values = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let header = values.next().expect("a header");
    assert_eq!(header["vectors"], 2, "{}", path.display());
    let mut replay = Replay::new(&header);
    let mut steps = 0;
    for (index, step) in values.enumerate() {
        let answer = replay.step(&step);
        assert_eq!(
            answer,
            step["expect"],
            "{}:{}: {step}",
            path.display(),
            index + 2
        );
        steps += 1;
    }
    steps
}

#[test]
fn every_vector_is_answered_field_by_field() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(vectors_dir())
        .expect("tests/vectors")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    files.sort();
    let steps: usize = files.iter().map(|path| replay(path)).sum();
    println!("{} files, {steps} steps", files.len());
    assert!(files.len() >= 49 && steps >= 17_000, "vectors are missing");
}

/// The engine's answers must not depend on the unit in which the clock began.
#[test]
fn a_clock_that_does_not_begin_at_zero_changes_nothing() {
    let clock = Arc::new(ManualClock::new(1_000));
    clock.set_elapsed_ns(123_456_789);
    let policy = "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"1/s\"]\n";
    let policy = Policy::from_toml(policy).unwrap();
    let limiter = Limiter::builder()
        .max_keys(16)
        .clock(clock.clone())
        .build(&policy)
        .unwrap();
    let first = limiter.check("m", "", 1).unwrap();
    assert_eq!(first.reset_at_ns(), Some(clock.unix_ns() + 1_000_000_000));
    clock.set_elapsed_ns(123_456_789 + 999_999_999);
    let denied = limiter.check("m", "", 1).unwrap();
    assert_eq!(denied.retry_after_ns(), Some(1));
}
