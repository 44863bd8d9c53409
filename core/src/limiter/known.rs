//! What a limiter keeps from policy to policy: rule names and endpoints with
//! their ids, and what each name's logs hold.

use std::collections::HashMap;
use std::sync::Arc;

use super::usage::RuleCounts;
use crate::buckets::Shifts;
use crate::error::{Error, MAX_RULE_IDS};
use crate::log::Horizons;
use crate::policy::Rule;
use crate::window::{Precision, Window};

#[derive(Default, Clone)]
pub(super) struct Known {
    /// Every rule name of the limiter's life; the place is the id.
    pub names: Arc<Interned>,
    /// What was counted of each of them.
    pub counts: Vec<Arc<RuleCounts>>,
    /// How long its units are remembered.
    pub horizons: Vec<Arc<Horizons>>,
    /// What its logs hold.
    kinds: Vec<LogKind>,
    pub endpoints: Arc<Interned>,
}

impl Known {
    /// The id of a rule's name, a new one if it has none, and the planes of its
    /// logs.
    pub fn rule(&mut self, rule: &Rule) -> Result<(u32, Shifts), Error> {
        let id = self.names.intern(&rule.name, MAX_RULE_IDS);
        let id = id.ok_or(Error::TooManyRules)?;
        if self.kinds.len() == id as usize {
            self.kinds.push(LogKind::of(rule));
            self.counts.push(Arc::default());
            let horizons = Horizons::new(rule.longest_window());
            self.horizons.push(Arc::new(horizons));
        }
        let kind = &self.kinds[id as usize];
        if let Some(reason) = kind.refuses(rule) {
            let rule = rule.name.to_string();
            return Err(Error::Precision { rule, reason });
        }
        let shifts = kind.shifts();
        let horizons = &mut self.horizons[id as usize];
        if let Some(longer) = horizons.raised(rule.longest_window()) {
            *horizons = Arc::new(longer);
        }
        Ok((id, shifts))
    }
}

/// Texts with ids that never change: the id is the place in the list.
#[derive(Default, Clone)]
pub(super) struct Interned {
    pub by_id: Vec<Arc<str>>,
    pub ids: HashMap<Arc<str>, u32>,
}

impl Interned {
    /// The id of `text`, a new one if it has none; `None` where `most` ids are
    /// out already.
    pub fn intern(self: &mut Arc<Self>, text: &str, most: usize) -> Option<u32> {
        if let Some(id) = self.ids.get(text) {
            return Some(*id);
        }
        if self.by_id.len() == most {
            return None;
        }
        let texts = Arc::make_mut(self);
        let (text, id): (Arc<str>, u32) = (Arc::from(text), texts.by_id.len() as u32);
        texts.by_id.push(text.clone());
        texts.ids.insert(text, id);
        Some(id)
    }
}

/// What a rule's logs hold, which stays so for the limiter's life.
#[derive(Clone)]
enum LogKind {
    Exact,
    /// Counts by windows of these lengths.
    Bucketed(Vec<u64>, Shifts),
}

impl LogKind {
    fn of(rule: &Rule) -> Self {
        if rule.precision == Precision::Exact {
            return Self::Exact;
        }
        // A rule has no more windows than a log has planes.
        let shifts = Shifts::of(&rule.windows).unwrap_or_default();
        Self::Bucketed(rule.windows.iter().map(Window::ticks).collect(), shifts)
    }

    /// Why logs of this kind do not hold what the rule asks for; `None` if they do.
    fn refuses(&self, rule: &Rule) -> Option<&'static str> {
        match (self, rule.precision) {
            (Self::Exact, Precision::Exact) => None,
            (Self::Exact, Precision::Bucketed) => Some(
                "is exact and would become bucketed, which it cannot while the limiter lives; keep its limits at 2048 or less and its precision \"exact\", or give the new rule another name",
            ),
            (Self::Bucketed(..), Precision::Exact) => Some(
                "is bucketed and would become exact, which it cannot while the limiter lives; write precision = \"bucketed\" to keep its history",
            ),
            (Self::Bucketed(lengths, _), Precision::Bucketed) => {
                let known = |window: &Window| lengths.contains(&window.ticks());
                let keeps = rule.windows.iter().all(known);
                (!keeps).then_some(
                    "is bucketed and gets no windows of new lengths while the limiter lives, only new limits; give the new rule another name",
                )
            }
        }
    }

    fn shifts(&self) -> Shifts {
        match self {
            Self::Exact => Shifts::default(),
            Self::Bucketed(_, shifts) => *shifts,
        }
    }
}
