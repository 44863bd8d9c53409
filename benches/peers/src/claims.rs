//! What the project promises of a work's figures, and whether a run bears it out.

use serde::Serialize;

use crate::rounds::Figures;
use crate::stats::Summary;

/// How a promise is computed from the figures of one round.
#[derive(Debug, Clone, Copy)]
pub enum Formula {
    /// One entry's figure as a multiple of another's.
    Ratio {
        /// The entry above.
        of: &'static str,
        /// The entry below.
        to: &'static str,
    },
    /// What two threads do, as a share of what two threads of this machine can do: its
    /// cores may share a clock, a cache or a hypervisor, so arithmetic says what
    /// "twice" means in this round.
    Scaling {
        /// One thread's throughput.
        one: &'static str,
        /// That of two.
        two: &'static str,
        /// One thread's arithmetic.
        machine_one: &'static str,
        /// That of two.
        machine_two: &'static str,
    },
}

impl Formula {
    /// What its value is a share of.
    fn against(self) -> &'static str {
        match self {
            Self::Ratio { to, .. } => to,
            Self::Scaling { .. } => "its own one thread, by the machine's own scaling",
        }
    }

    /// Its value in each round; none where an entry is not there.
    fn values(self, figures: &[Figures]) -> Option<Vec<f64>> {
        let of = |name| rounds_of(figures, name);
        match self {
            Self::Ratio { of: above, to } => Some(divided(of(above)?, of(to)?)),
            Self::Scaling {
                one,
                two,
                machine_one,
                machine_two,
            } => {
                let own = divided(of(two)?, of(one)?);
                let machine = divided(of(machine_two)?, of(machine_one)?);
                Some(divided(&own, &machine))
            }
        }
    }
}

/// The figures of one entry.
pub fn rounds_of<'f>(figures: &'f [Figures], name: &str) -> Option<&'f [f64]> {
    let found = figures.iter().find(|figures| figures.name == name)?;
    Some(&found.rounds)
}

/// Quotients, round by round.
pub fn divided(above: &[f64], below: &[f64]) -> Vec<f64> {
    above.iter().zip(below).map(|(a, b)| a / b).collect()
}

/// Where the value has to lie.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// This and nothing else: for shares of counts, which are exact.
    Exactly(f64),
}

impl Target {
    fn met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
            Self::Exactly(wanted) => value == wanted,
        }
    }
}

/// A promise about a work.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// What is promised, in words.
    pub what: &'static str,
    /// How it is computed.
    pub formula: Formula,
    /// Where it has to lie.
    pub target: Target,
}

impl Claim {
    /// At most `most` times the figure of `to`.
    pub fn at_most(what: &'static str, of: &'static str, to: &'static str, most: f64) -> Self {
        Self {
            what,
            formula: Formula::Ratio { of, to },
            target: Target::AtMost(most),
        }
    }

    /// Compares the median over the rounds with the target.
    pub fn judge(&self, figures: &[Figures]) -> Judged {
        let values = self.formula.values(figures);
        let value = values.and_then(|values| Summary::of(&values));
        Judged::of(self.what.into(), self.formula.against(), self.target, value)
    }
}

/// A promise and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// What was promised.
    pub what: String,
    /// What it was compared with.
    pub against: &'static str,
    /// Where it had to lie.
    pub target: Target,
    /// Where it lies; absent where an entry was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Summary>,
    /// Whether the median reaches the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

impl Judged {
    /// That a value which is no figure of rounds is exactly 1.
    pub fn exact(what: String, value: f64) -> Self {
        let value = Summary::of(&[value]);
        Self::of(what, "an ideal log", Target::Exactly(1.0), value)
    }

    fn of(what: String, against: &'static str, target: Target, value: Option<Summary>) -> Self {
        let met = value.map(|value| target.met(value.median));
        Self {
            what,
            against,
            target,
            value,
            met,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(named: &[(&str, &[f64])]) -> Vec<Figures> {
        let figures = named.iter().map(|(name, rounds)| Figures {
            name: (*name).into(),
            thinning: 1,
            rounds: rounds.to_vec(),
        });
        figures.collect()
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let figures = figures(&[("a", &[1.0, 4.0, 9.0]), ("b", &[2.0, 2.0, 3.0])]);
        let judged = Claim::at_most("a to b", "a", "b", 2.0).judge(&figures);
        assert_eq!(judged.value.unwrap().median, 2.0);
        assert_eq!(judged.met, Some(true));
        assert_eq!(
            Claim::at_most("a to b", "a", "b", 1.9).judge(&figures).met,
            Some(false)
        );
    }

    #[test]
    fn exact_is_neither_more_nor_less() {
        let met = |value| Judged::exact("a".into(), value).met;
        assert_eq!(
            [0.99, 1.0, 1.01].map(met),
            [Some(false), Some(true), Some(false)]
        );
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        let judged = Claim::at_most("a to b", "a", "b", 2.0).judge(&[]);
        assert!(judged.value.is_none() && judged.met.is_none());
    }

    #[test]
    fn scaling_is_corrected_by_the_machine() {
        let names = [("one", 5.0), ("two", 9.0), ("m1", 10.0), ("m2", 18.0)];
        let named = names.map(|(name, figure)| Figures {
            name: name.into(),
            thinning: 1,
            rounds: vec![figure],
        });
        let formula = Formula::Scaling {
            one: "one",
            two: "two",
            machine_one: "m1",
            machine_two: "m2",
        };
        assert_eq!(formula.values(&named), Some(vec![1.0]));
    }
}
