//! What is in force: a policy with everything that checks would otherwise work
//! out again each time. Immutable; a change makes a new one.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::known::Known;
use super::receipt::Charge;
use super::tables::Tables;
use super::usage::RuleCounts;
use super::{Endpoint, EndpointId};
use crate::buckets::Shifts;
use crate::decision::RuleId;
use crate::error::{Error, MAX_ENDPOINTS, shown};
use crate::log::{Charged, Horizons, Terms};
use crate::policy::{Matched, Per, Policy, Rule, check_method, check_path, split_endpoint};
use crate::table::{Hashing, Key, NameHash, Place, Sizes};
use crate::window::Precision;

/// The rules that govern one request, as indices into the policy's rules, in
/// the order in which they are charged.
pub(crate) type RuleSet = SmallVec<[u32; 6]>;

/// What governs one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Governed {
    Exempt,
    /// No rule; whether it may proceed.
    Unmatched(bool),
    Rules(RuleSet),
}

/// A rule of the policy in force, with what checks would otherwise work out again.
#[derive(Clone)]
pub(crate) struct ActiveRule {
    pub rule: Rule,
    pub id: RuleId,
    pub hash: NameHash,
    /// Whose history the rule charges, if not the merchant's.
    owner: Option<NameHash>,
    pub min_limit: u32,
    /// The planes of a bucketed rule's logs.
    pub shifts: Shifts,
    /// How long the rule's units were remembered, this policy's era included.
    pub horizons: Arc<Horizons>,
    pub usage: Arc<RuleCounts>,
}

impl ActiveRule {
    /// The key that a request of `merchant` charges.
    #[inline]
    pub fn key(&self, merchant: NameHash) -> Key {
        Key::new(self.id.0, self.hash, self.owner.unwrap_or(merchant))
    }

    /// The terms of a charge of so many units.
    #[inline(always)]
    pub fn terms(&self, cost: u32) -> Terms<'_> {
        Terms {
            windows: &self.rule.windows,
            horizons: &self.horizons,
            cost,
        }
    }

    /// What a charge of so many units, stamped `at`, came to.
    pub fn charge(&self, place: Place, units: u32, at: u64) -> Charge {
        let era = self.horizons.newest();
        Charge {
            place,
            charged: Charged { units, at, era },
            precision: self.rule.precision,
        }
    }

    /// The name that the key is kept under.
    #[inline]
    pub fn owner_name<'m>(&self, merchant: &'m [u8]) -> &'m [u8] {
        match self.owner {
            None => merchant,
            Some(_) => b"",
        }
    }
}

/// The owner of a rule's only history: the empty name, which no merchant has.
fn everybody(hashing: &Hashing) -> NameHash {
    hashing.merchant(b"")
}

pub(crate) struct Active {
    pub version: u64,
    pub policy: Policy,
    rules: Arc<[ActiveRule]>,
    known: Known,
    /// The number of the limiter's first endpoint id.
    ids_from: u32,
    /// What governs each endpoint id.
    governed: Vec<Governed>,
    /// The rule of each endpoint id that one exact rule governs alone; of others
    /// [`NONE_ALONE`].
    only: Vec<u32>,
}

/// No rule's index: a policy has fewer rules.
const NONE_ALONE: u32 = u32::MAX;

impl Active {
    pub fn first(
        policy: Policy,
        ids_from: EndpointId,
        hashing: &Hashing,
        sizes: &Sizes,
    ) -> Result<Self, Error> {
        let known = Known::default();
        Self::new(1, policy, ids_from.0, hashing, sizes, known)
    }

    pub fn with_policy(
        &self,
        policy: Policy,
        hashing: &Hashing,
        sizes: &Sizes,
    ) -> Result<Self, Error> {
        let (version, known) = (self.version + 1, self.known.clone());
        Self::new(version, policy, self.ids_from, hashing, sizes, known)
    }

    fn new(
        version: u64,
        policy: Policy,
        ids_from: u32,
        hashing: &Hashing,
        sizes: &Sizes,
        mut known: Known,
    ) -> Result<Self, Error> {
        check_limits(&policy, sizes.max_limit)?;
        let mut rules = Vec::with_capacity(policy.inner.rules.len());
        for rule in &policy.inner.rules {
            let (id, shifts) = known.rule(rule)?;
            rules.push(ActiveRule {
                rule: rule.clone(),
                id: RuleId(id),
                shifts,
                horizons: known.horizons[id as usize].clone(),
                usage: known.counts[id as usize].clone(),
                hash: hashing.rule(&rule.name),
                owner: (rule.per == Per::All).then(|| everybody(hashing)),
                min_limit: rule.min_limit(),
            });
        }
        let mut active = Self {
            version,
            policy,
            rules: rules.into(),
            known,
            ids_from,
            governed: Vec::new(),
            only: Vec::new(),
        };
        active.governed = active.govern_templates();
        active.only = active
            .governed
            .iter()
            .map(|g| active.find_only(g))
            .collect();
        Ok(active)
    }

    /// Makes the tables that the policy needs.
    pub fn provide_tables(&self, tables: &Tables) -> Result<(), Error> {
        let max_keys = tables.sizes().max_keys;
        for active in self.rules.iter() {
            let provided = tables.provide(active.rule.precision);
            provided.map_err(|cause| Error::Memory { max_keys, cause })?;
        }
        Ok(())
    }

    /// Makes the tables remember units for as long as the policy's windows count
    /// them.
    pub fn raise_horizons(&self, tables: &Tables) {
        for ActiveRule { rule, id, .. } in self.rules.iter() {
            tables.raise_horizon(rule.precision, id.0, rule.longest_window());
        }
    }

    /// The horizons of a rule that there has been.
    pub fn horizons(&self, rule: u32) -> &Horizons {
        &self.known.horizons[rule as usize]
    }

    /// The keys of a merchant under one rule, or under all rules that ever were.
    /// A rule has two histories if a policy made it everybody's and another did
    /// not; naming it means both.
    pub fn keys_of(
        &self,
        hashing: &Hashing,
        merchant: NameHash,
        rule: Option<&str>,
    ) -> Result<Vec<Key>, Error> {
        let key = |id: u32, name: &str, owner| Key::new(id, hashing.rule(name), owner);
        let Some(name) = rule else {
            let all = self.known.names.by_id.iter().zip(0..);
            return Ok(all.map(|(name, id)| key(id, name, merchant)).collect());
        };
        let id = self.known.names.ids.get(name).copied();
        let id = id.ok_or_else(|| Error::UnknownRule { name: shown(name) })?;
        let owners = [merchant, everybody(hashing)];
        Ok(owners.map(|owner| key(id, name, owner)).to_vec())
    }

    fn govern_templates(&self) -> Vec<Governed> {
        let templates = self.known.endpoints.by_id.iter();
        // Each was checked when it got its id, so none fails here.
        let govern = |text: &Arc<str>| {
            self.govern_template(text)
                .unwrap_or(Governed::Unmatched(false))
        };
        templates.map(govern).collect()
    }

    fn govern_template(&self, template: &str) -> Result<Governed, Error> {
        let matched = self.policy.inner.routes.find_template(template);
        let matched = matched.map_err(|reason| Error::endpoint(template, reason))?;
        Ok(self.govern(matched))
    }

    pub fn with_endpoint(&self, template: &str) -> Result<Self, Error> {
        let endpoint = self.govern_template(template)?;
        let mut known = self.known.clone();
        let id = known.endpoints.intern(template, MAX_ENDPOINTS);
        let id = id.ok_or(Error::TooManyEndpoints)? as usize;
        let (mut governed, mut only) = (self.governed.clone(), self.only.clone());
        if id == governed.len() {
            only.push(self.find_only(&endpoint));
            governed.push(endpoint);
        }
        Ok(Self {
            version: self.version,
            policy: self.policy.clone(),
            rules: self.rules.clone(),
            known,
            ids_from: self.ids_from,
            governed,
            only,
        })
    }

    fn find_only(&self, governed: &Governed) -> u32 {
        match governed {
            Governed::Rules(rules) => match **rules {
                [rule] if self.rule(rule).rule.precision == Precision::Exact => rule,
                _ => NONE_ALONE,
            },
            Governed::Exempt | Governed::Unmatched(_) => NONE_ALONE,
        }
    }

    /// The rule that governs an endpoint looked up before, if it is one exact rule
    /// alone.
    #[inline(always)]
    pub fn only_rule(&self, EndpointId(id): EndpointId) -> Option<&ActiveRule> {
        let only = self.only.get(id.wrapping_sub(self.ids_from) as usize)?;
        self.rules.get(*only as usize)
    }

    pub fn endpoint_id(&self, template: &str) -> Option<EndpointId> {
        let index = self.known.endpoints.ids.get(template)?;
        Some(EndpointId(self.ids_from + index))
    }

    /// What was counted of a rule.
    pub fn counts(&self, rule: RuleId) -> Option<&RuleCounts> {
        self.known
            .counts
            .get(rule.0 as usize)
            .map(|counts| &**counts)
    }

    /// The rule with a name, if the policy has it.
    pub fn rule_by_name(&self, name: &str) -> Option<&ActiveRule> {
        self.rule_by_id(*self.known.names.ids.get(name)?)
    }

    /// The rule with an id, if the policy has it.
    pub fn rule_by_id(&self, id: u32) -> Option<&ActiveRule> {
        self.rules.iter().find(|rule| rule.id.0 == id)
    }

    pub fn rule_id(&self, name: &str) -> Option<RuleId> {
        self.known.names.ids.get(name).copied().map(RuleId)
    }

    pub fn rule_name(&self, rule: RuleId) -> Option<Arc<str>> {
        self.known.names.by_id.get(rule.0 as usize).cloned()
    }

    #[inline]
    pub fn rule(&self, index: u32) -> &ActiveRule {
        &self.rules[index as usize]
    }

    /// Whether the endpoint is none that was looked up after this was made.
    #[inline]
    pub fn knows(&self, endpoint: Endpoint<'_>) -> bool {
        match endpoint {
            Endpoint::Id(id) => self.governs_id(id).is_ok(),
            Endpoint::Text(_) | Endpoint::Http { .. } => true,
        }
    }

    /// What governs a request to an endpoint looked up before.
    #[inline]
    pub fn governs_id(&self, EndpointId(id): EndpointId) -> Result<&Governed, Error> {
        // Not `ok_or`: an error that is made and dropped costs more than the look.
        match self.governed.get(id.wrapping_sub(self.ids_from) as usize) {
            Some(governed) => Ok(governed),
            None => Err(Error::UnknownEndpoint { id }),
        }
    }

    /// What governs a request to `endpoint`.
    pub fn governs(&self, endpoint: Endpoint<'_>) -> Result<Cow<'_, Governed>, Error> {
        match endpoint {
            Endpoint::Id(id) => self.governs_id(id).map(Cow::Borrowed),
            Endpoint::Text("") => self.govern_merchant_alone().map(Cow::Owned),
            Endpoint::Text(text) => self.govern_text(text).map(Cow::Owned),
            Endpoint::Http { method, path } => self.govern_http(method, path).map(Cow::Owned),
        }
    }

    fn govern_http(&self, method: &str, path: &str) -> Result<Governed, Error> {
        let checked = check_method(method).and_then(|()| check_path(path));
        checked.map_err(|e| Error::endpoint(&format!("{method} {path}"), e))?;
        self.govern_path(method, path)
    }

    fn govern_merchant_alone(&self) -> Result<Governed, Error> {
        let stars = &self.policy.inner.star_rules;
        if stars.is_empty() {
            let reason = "it is empty, and the policy has no \"*\" rule that would govern the merchant alone";
            return Err(Error::endpoint("", reason));
        }
        Ok(Governed::Rules(RuleSet::from_slice(stars)))
    }

    fn govern_text(&self, text: &str) -> Result<Governed, Error> {
        let (method, path) = split_endpoint(text).map_err(|e| Error::endpoint(text, e))?;
        self.govern_path(method, path)
    }

    #[inline]
    fn govern_path(&self, method: &str, path: &str) -> Result<Governed, Error> {
        match self.policy.inner.routes.find(method, path) {
            Ok(matched) => Ok(self.govern(matched)),
            Err(reason) => Err(Error::endpoint(&format!("{method} {path}"), reason)),
        }
    }

    fn govern(&self, matched: Matched) -> Governed {
        let policy = &self.policy.inner;
        let endpoint_rules = match matched {
            Matched::Exempt => return Governed::Exempt,
            Matched::Rules(rules) => rules,
        };
        let unmatched = endpoint_rules.is_empty();
        if unmatched && (!policy.admit_unmatched || policy.star_rules.is_empty()) {
            return Governed::Unmatched(policy.admit_unmatched);
        }
        let mut rules = RuleSet::from_slice(&policy.star_rules);
        rules.extend(endpoint_rules);
        Governed::Rules(rules)
    }
}

/// Whether rings built for `max_limit` hold what the policy's exact rules count.
fn check_limits(policy: &Policy, max_limit: u32) -> Result<(), Error> {
    let exact = |rule: &&Rule| rule.precision == Precision::Exact;
    for rule in policy.inner.rules.iter().filter(exact) {
        if let Some(window) = rule.windows.iter().find(|w| w.limit > max_limit) {
            return Err(Error::LimitTooLarge {
                rule: rule.name.to_string(),
                limit: window.limit,
                max_limit,
            });
        }
    }
    Ok(())
}
