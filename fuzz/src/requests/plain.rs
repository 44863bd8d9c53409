//! Arbitrary merchants and endpoints: engine and reference agree, and every way
//! to ask the same question gets the same answer.

use arbitrary::Unstructured;
use slidegate::{Decision, Endpoint, Error, Limiter, MAX_MERCHANT_BYTES, Outcome};

use super::Site;
use crate::compare::assert_same;

struct Request<'i> {
    merchant: Vec<u8>,
    cost: u32,
    endpoint: &'i str,
}

/// Reads a request and asks for it in every way.
pub fn run(site: &Site, mut input: Unstructured<'_>) -> arbitrary::Result<()> {
    let merchant = merchant(&mut input)?;
    let cost = match input.arbitrary::<u8>()? {
        u8::MAX => u32::MAX,
        cost => cost.into(),
    };
    let text = String::from_utf8_lossy(input.take_rest());
    let request = Request {
        merchant,
        cost,
        endpoint: &text,
    };
    let answer = ask(site, &request);
    assert_no_bought_exemption(site, &request, &answer);
    assert_charged_as_peeked(site, &request, &answer);
    assert_every_form_agrees(site, &request, &answer);
    assert_id_agrees(site, &request, &answer);
    Ok(())
}

/// A length byte and the merchant's bytes; 255 stands for one byte too many.
fn merchant(input: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    match input.arbitrary::<u8>()? {
        u8::MAX => Ok(vec![b'm'; MAX_MERCHANT_BYTES + 1]),
        len => Ok(input.bytes(usize::from(len).min(input.len()))?.to_vec()),
    }
}

/// The engine's answer for a merchant without history, compared with the
/// reference's.
fn ask(site: &Site, request: &Request<'_>) -> Result<Decision, Error> {
    let limiter = site.limiter();
    let Request {
        merchant,
        cost,
        endpoint,
    } = request;
    let answer = limiter.peek(merchant, *endpoint, *cost);
    let expected = site.reference.peek(0, merchant, endpoint, (*cost).into());
    // No HTTP request has a blank in its path, and the reference takes one.
    let has_blank = endpoint
        .split_once(' ')
        .is_some_and(|(_, path)| path.contains(' '));
    match has_blank {
        true => assert!(answer.is_err()),
        false => assert_same(&limiter, &answer, &expected),
    }
    answer
}

/// An exempt request falls under an exempt route as it is written.
fn assert_no_bought_exemption(
    site: &Site,
    request: &Request<'_>,
    answer: &Result<Decision, Error>,
) {
    if !matches!(answer, Ok(decision) if decision.outcome == Outcome::Exempt) {
        return;
    }
    let (method, target) = request.endpoint.split_once(' ').expect("a good endpoint");
    let path = target.split('?').next().unwrap_or_default();
    let mut exempt = site.routes.exempt.iter();
    assert!(
        exempt.any(|route| route.serves(method) && route.covers(path)),
        "{} is exempt",
        request.endpoint
    );
}

/// A check decides as the peek before it, and charges if and only if it admits.
fn assert_charged_as_peeked(site: &Site, request: &Request<'_>, peeked: &Result<Decision, Error>) {
    let Request {
        merchant,
        cost,
        endpoint,
    } = request;
    let limiter = site.limiter();
    let Ok(checked) = limiter.check(merchant, *endpoint, *cost) else {
        assert!(peeked.is_err() && limiter.keys() == 0);
        return;
    };
    let peeked = peeked.as_ref().expect("a peek fails where a check fails");
    assert_eq!(checked.outcome, peeked.outcome);
    let charged = checked.outcome == Outcome::Allowed;
    assert_eq!(limiter.keys() > 0, charged);
    if charged {
        assert!(checked.remaining() < checked.limit());
    }
    let allowed = site.limiter().allow(merchant, *endpoint, *cost);
    assert_eq!(allowed.expect("as the check"), checked.allowed);
}

/// Method and path apart, another case of the method, a longer query: the same
/// request.
fn assert_every_form_agrees(site: &Site, request: &Request<'_>, answer: &Result<Decision, Error>) {
    let Some((method, path)) = request.endpoint.split_once(' ') else {
        return;
    };
    let limiter = site.limiter();
    let ask = |endpoint: Endpoint<'_>| limiter.peek(&request.merchant, endpoint, request.cost);
    assert_equal(answer, &ask(Endpoint::http(method, path)));
    let lower = format!("{} {path}", method.to_ascii_lowercase());
    assert_equal(answer, &ask(Endpoint::Text(&lower)));
    if path.starts_with('/') && request.endpoint.len() < 8_000 {
        let queried = format!("{path}?a=/b#c");
        assert_equal(answer, &ask(Endpoint::http(method, &queried)));
    }
}

/// A template has an id or is refused; where it has no parameter, the id means
/// the path.
fn assert_id_agrees(site: &Site, request: &Request<'_>, answer: &Result<Decision, Error>) {
    let limiter: Limiter = site.limiter();
    let Ok(id) = limiter.endpoint(request.endpoint) else {
        return;
    };
    let by_id = limiter.peek(&request.merchant, id, request.cost);
    assert_eq!(by_id.is_ok(), answer.is_ok());
    if !request.endpoint.contains(['*', ':']) {
        assert_equal(answer, &by_id);
    }
}

fn assert_equal(one: &Result<Decision, Error>, other: &Result<Decision, Error>) {
    match (one, other) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (one, other) => assert!(one.is_err() && other.is_err(), "{one:?} and {other:?}"),
    }
}
