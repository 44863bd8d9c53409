//! Structured policies: a draft whose mistakes are known by `docs/policy.md` is
//! written as TOML. The engine must find exactly these mistakes; what has none
//! must decide as the reference does.

mod asks;
mod draft;
mod mistakes;

use std::collections::BTreeSet;

use arbitrary::Unstructured;
use slidegate::{Policy, PolicyError};

use crate::policy_text::assert_well_formed;
use draft::Draft;

/// The target.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    // An input that ends early makes no policy.
    let Ok(draft) = Draft::read(&mut input) else {
        return;
    };
    let text = draft.toml();
    let expected = mistakes::fields(&draft);
    match Policy::from_toml(&text) {
        Ok(policy) => {
            assert!(expected.is_empty(), "accepted with {expected:?}: {text}");
            asks::compare(&draft, &policy, &text, &mut input);
        }
        Err(error) => {
            assert_well_formed(&error, &text);
            assert_eq!(fields(&error), expected, "{error}\n{text}");
        }
    }
}

fn fields(error: &PolicyError) -> BTreeSet<String> {
    error.mistakes().iter().map(|m| m.field.clone()).collect()
}
