//! Asking the engine: every way to put a request, alone or among many.

use slidegate::{Check, Decision, Endpoint, Error, Outcome, Receipt, WindowStatus};

use super::op::Batch;
use super::request::{Asked, Call, Form, Request};
use super::world::World;

/// What the engine said.
pub enum Verdict {
    Full(Result<Decision, Error>),
    /// `allow` says no more.
    Bare(Result<bool, Error>),
}

/// A verdict and what came with it.
pub struct Answer {
    pub verdict: Verdict,
    pub receipt: Option<Receipt>,
    pub windows: Option<Vec<WindowStatus>>,
    /// How many requests the engine counted as untracked meanwhile.
    pub counted: u64,
    /// Whether a peek just before found no room.
    pub foreseen: bool,
}

impl Verdict {
    pub fn allowed(&self) -> bool {
        match self {
            Self::Full(answer) => answer.as_ref().is_ok_and(|decision| decision.allowed),
            Self::Bare(answer) => *answer.as_ref().unwrap_or(&false),
        }
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Self::Full(Err(_)) | Self::Bare(Err(_)))
    }

    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Full(answer) => answer.as_ref().ok(),
            Self::Bare(_) => None,
        }
    }

    pub fn is_untracked(&self) -> bool {
        let decision = self.decision();
        decision.is_some_and(|decision| decision.outcome == Outcome::Untracked)
    }
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            receipt: None,
            windows: None,
            counted: 0,
            foreseen: false,
        }
    }
}

/// An answer with something beside it.
fn with<T>(answer: Result<(Decision, T), Error>, put: impl FnOnce(&mut Answer, T)) -> Answer {
    match answer {
        Ok((decision, more)) => {
            let mut answer = Answer::from(Verdict::Full(Ok(decision)));
            put(&mut answer, more);
            answer
        }
        Err(error) => Verdict::Full(Err(error)).into(),
    }
}

impl World {
    /// Asks engine and reference and compares.
    pub fn ask(&mut self, call: Call, asked: Asked) {
        let foreseen = self.setup.peek_first
            && call.charges()
            && self.call(Call::Peek, asked).verdict.is_untracked();
        let counted = self.engine.untracked();
        let answer = match (call.is_prepared(), asked.template()) {
            (true, Some(template)) => self.call_prepared(call, asked, template),
            _ => self.call(call.unprepared(), asked),
        };
        let answer = Answer {
            counted: self.engine.untracked() - counted,
            foreseen,
            ..answer
        };
        self.judge(call, asked, answer);
    }

    fn call(&self, call: Call, asked: Asked) -> Answer {
        let (engine, name, cost) = (&self.engine, asked.name(), asked.cost);
        let endpoint = self.endpoint(asked);
        match call {
            Call::Allow => Verdict::Bare(engine.allow(name, endpoint, cost)).into(),
            Call::Peek => Verdict::Full(engine.peek(name, endpoint, cost)).into(),
            Call::Receipt => {
                let answer = engine.check_with_receipt(name, endpoint, cost);
                with(answer, |answer, receipt| answer.receipt = receipt)
            }
            Call::CheckWindows => {
                let answer = engine.check_windows(name, endpoint, cost);
                with(answer, |answer, windows| answer.windows = Some(windows))
            }
            Call::PeekWindows => {
                let answer = engine.peek_windows(name, endpoint, cost);
                with(answer, |answer, windows| answer.windows = Some(windows))
            }
            _ => Verdict::Full(engine.check(name, endpoint, cost)).into(),
        }
    }

    fn call_prepared(&mut self, call: Call, asked: Asked, template: &str) -> Answer {
        self.reach.prepared += 1;
        let (engine, cost) = (&self.engine, asked.cost);
        let key = self.prepared.entry((asked.merchant, asked.endpoint));
        let key = key.or_insert_with(|| {
            let endpoint = engine.endpoint(template).expect("a template");
            engine.prepare(asked.name(), endpoint).expect("a merchant")
        });
        match call {
            Call::AllowPrepared => Verdict::Bare(engine.allow_prepared(key, cost)),
            Call::PeekPrepared => Verdict::Full(engine.peek_prepared(key, cost)),
            _ => Verdict::Full(engine.check_prepared(key, cost)),
        }
        .into()
    }

    fn endpoint(&self, asked: Asked) -> Endpoint<'static> {
        let text = asked.text();
        match (asked.form, asked.template(), text.split_once(' ')) {
            (Form::Id, Some(template), _) => {
                self.engine.endpoint(template).expect("a template").into()
            }
            (Form::Http, _, Some((method, path))) => Endpoint::http(method, path),
            _ => text.into(),
        }
    }

    /// Asks many at once while the clock moves on with every reading: the first
    /// decides for all. A clock that was set back stands still, because a batch in
    /// which it comes past an eviction goes on with that one's instant.
    pub fn batch(&mut self, kind: Batch, requests: &[Request]) {
        const DRIFT_NS: u64 = 700;
        let asked = requests.iter().map_while(|request| self.asked(*request));
        let asked: Vec<Asked> = asked.collect();
        let names: Vec<[u8; 2]> = asked.iter().map(|asked| asked.name()).collect();
        let checks = asked.iter().zip(&names);
        let checks: Vec<Check> = checks
            .map(|(asked, name)| Check::new(name, self.endpoint(*asked), asked.cost))
            .collect();
        let was_set_back = self.clock.tick() < self.clock.latest_tick();
        self.clock.drift(if was_set_back { 0 } else { DRIFT_NS });
        let answers = self.answer_all(kind, &checks);
        self.clock.drift(0);
        assert_eq!(answers.len(), asked.len());
        let call = match kind {
            Batch::AllowEach => Call::Allow,
            Batch::Many | Batch::Each => Call::Check,
        };
        self.reach.batched += asked.len();
        for (asked, answer) in asked.into_iter().zip(answers) {
            self.judge(call, asked, answer);
        }
    }

    fn answer_all(&self, kind: Batch, checks: &[Check<'_>]) -> Vec<Answer> {
        let engine = &self.engine;
        let mut answers: Vec<Answer> = Vec::with_capacity(checks.len());
        let mut counted = engine.untracked();
        let mut take = |verdict: Verdict| {
            let before = std::mem::replace(&mut counted, engine.untracked());
            answers.push(Answer {
                counted: counted - before,
                ..verdict.into()
            });
        };
        match kind {
            Batch::Each => engine.check_each(checks, |answer| take(Verdict::Full(answer))),
            Batch::AllowEach => engine.allow_each(checks, |answer| take(Verdict::Bare(answer))),
            Batch::Many => {
                let all = engine.check_many(checks).into_iter().map(Verdict::Full);
                // How many each of them counted, only their sum shows.
                answers.extend(all.map(|verdict| Answer {
                    counted: u64::from(verdict.is_untracked()),
                    ..verdict.into()
                }));
                let sum: u64 = answers.iter().map(|answer| answer.counted).sum();
                assert_eq!(engine.untracked() - counted, sum);
            }
        }
        answers
    }
}
