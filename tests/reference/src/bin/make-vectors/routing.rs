//! Which rules govern a request, and which requests are refused.

use slidegate_reference::{Outcome, Refusal};

use crate::documents::{ENDPOINT_LIMITS, MERCHANT_LIMITS};
use crate::timeline::{MIN_NS, SEC_NS, Timeline};

const SPELLINGS: [&str; 47] = [
    "POST /v1/payment%0A",
    "GET /v1/payment/list%0a",
    "GET /v1/payment/#x",
    "GET //v1/payment/list/",
    "GET /v1/payment/%6Cist/x/%2e%2e",
    "GET /v1/payment/x/%2E%2e/list",
    "GET /v1/payment/./",
    "GET //v1/payment/.",
    "GET /v1/payment//../list",
    "GET /v1/%70ayment/a%2Fb",
    "GET /v1/%70ayment/%6cist%2F",
    "GET /v1/payment/list?page=2",
    "GET /v1/payment/list#top",
    "GET /v1/payment/list?a=/b?c#d",
    "get /v1/payment/list",
    "HeAd /v1/payment/list",
    "HEAD /v1/payment/pay_1",
    "HEAD /v1/payment",
    "GET /v1/payment/LIST",
    "GET /v1/payment/list/",
    "GET //v1//payment/list",
    "GET /v1/./payment/list",
    "GET /v1/payment/x/../list",
    "GET /../../v1/payment/list",
    "GET /v1/payment/.",
    "GET /v1/payment/..",
    "GET /v1/payment/%6Cist",
    "GET /v1/payment/%6cist?x=%6c",
    "GET /v1/payment/%2Flist",
    "GET /v1/payment%2Flist",
    "GET /v1%2fpayment%2Fpay_1",
    "GET /v1/payment/a%2Fb",
    "GET /v1/payment/a/%2E%2e/list",
    "GET /v1/payment/%256Cist",
    "GET /v1/payment/%6",
    "GET /v1/payment/%zz",
    "GET /v1/payment/%FF",
    "GET /v1/payment/list%3Fpage=2",
    "GET /v1/payment/zażółć",
    "GET /v1/payment/",
    "GET /v1/payment",
    "GET /v1/payment/a/b",
    "PUT /v1/payment",
    "GET /",
    "OPTIONS *",
    "GET *",
    "X-_9 /v1/payment",
];

pub fn document() -> Timeline {
    let mut line = Timeline::new(
        "Spellings of the endpoint document's routes: queries, HEAD, letter case, escapes, dots and slashes.",
        ENDPOINT_LIMITS,
    );
    for endpoint in SPELLINGS {
        line.wait(SEC_NS).peek("m_1", endpoint, 1);
        line.check("m_1", endpoint, 1);
    }
    line.admit("m_2", "GET /v1/payment/list", 200);
    line.deny("m_2", "GET /v1/payment/%6Cist", 1, "list-payments");
    line.admit("m_2", "GET /v1/payment/pay_1", 300);
    line
}

const PRECEDENCE: &str = r#"version = 1
unmatched = "allow"
exempt = [
    "GET /healthz",
    "GET /files/public/*rest",
    "HEAD /files/:id",
    "GET /a/:x/open",
    "POST /hooks/:id",
    "GET /status/:id",
]

[[rule]]
name = "file"
match = "GET /files/:name"
windows = ["50/s"]

[[rule]]
name = "tree"
match = "GET /files/*path"
windows = ["50/s"]

[[rule]]
name = "secret"
match = "GET /files/public/secret"
windows = ["50/s"]

[[rule]]
name = "a-b-c"
match = "GET /a/b/c"
windows = ["50/s"]

[[rule]]
name = "a-any-d"
match = "GET /a/:one/d"
windows = ["50/s"]

[[rule]]
name = "a-b-any"
match = "GET /a/b/:two"
windows = ["50/s"]

[[rule]]
name = "a-rest"
match = "GET /a/*rest"
windows = ["50/s"]

[[rule]]
name = "hooks"
match = "POST /hooks/*rest"
windows = ["50/s"]

[[rule]]
name = "status"
match = "HEAD /status/:name"
windows = ["50/s"]

[[rule]]
name = "root"
match = "GET /"
windows = ["50/s"]
"#;

const EXEMPT: [&str; 9] = [
    "GET /status/1",
    "GET /healthz",
    "HEAD /healthz",
    "GET /healthz?probe=1",
    "GET /files/public/logo",
    "GET /files/public/a/b",
    "HEAD /files/report",
    "GET /a/x/open",
    "POST /hooks/1",
];

const GOVERNED: [&str; 20] = [
    "GET /a/b/open/",
    "HEAD /status/1",
    "GET /a/b/open",
    "GET /files/report",
    "GET /files/a/b",
    "HEAD /files/a/b",
    "GET /files/public",
    "GET /files/public/secret",
    "HEAD /files/public/secret",
    "GET /files/public/%73ecret",
    "GET /files/public/../report",
    "GET /files/public/x/../secret",
    "GET /a/b/c",
    "GET /a/b/d",
    "GET /a/z/d",
    "GET /a/z/c",
    "GET /a/b/c/d",
    "POST /hooks/1/2",
    "POST /hooks/1%2F2",
    "GET /",
];

const UNMATCHED: [&str; 7] = [
    "GET /healthz/",
    "GET /%68ealthz",
    "GET /x/../healthz",
    "POST /healthz",
    "GET /files",
    "HEAD /hooks/1",
    "POST /a/b/c",
];

pub fn precedence() -> Timeline {
    let mut line = Timeline::new(
        "Static before parameter before catch-all, with backtracking, among rules and exempt routes alike.",
        PRECEDENCE,
    );
    for endpoint in EXEMPT.into_iter().chain(GOVERNED).chain(UNMATCHED) {
        line.wait(SEC_NS).peek("m_1", endpoint, 1);
        line.check("m_1", endpoint, 1);
    }
    for endpoint in EXEMPT {
        line.meet(Outcome::Exempt, "m_1", endpoint, 60);
    }
    for endpoint in UNMATCHED {
        line.meet(Outcome::Unmatched, "m_1", endpoint, 60);
    }
    spellings_apart(&mut line);
    line
}

/// Paths of which each spelling leads to a rule that no other does; the peeks
/// show what each rule was charged.
fn spellings_apart(line: &mut Timeline) {
    for endpoint in ["GET /a/../%64", "GET /a/x/../%62/d"] {
        line.wait(SEC_NS).admit("m_1", endpoint, 20);
        for own in ["GET /a/z/d", "GET /a/b/d", "GET /a/z/c"] {
            line.peek("m_1", own, 1);
        }
    }
}

const FOR_ALL: &str = r#"exempt = ["GET /healthz"]

[[rule]]
name = "total"
match = "*"
windows = ["5/s"]

[[rule]]
name = "pay"
match = "POST /pay"
windows = ["3/s"]
"#;

pub fn unmatched_allow() -> Timeline {
    let mut line = Timeline::new(
        "Where unmatched endpoints are allowed, the rules for all still count them.",
        &format!("version = 1\nunmatched = \"allow\"\n{FOR_ALL}"),
    );
    line.admit("m_1", "GET /none", 1);
    line.admit("m_1", "OPTIONS *", 1);
    line.admit("m_1", "", 1);
    line.meet(Outcome::Exempt, "m_1", "GET /healthz", 9);
    line.admit("m_1", "GET /healthz/", 1);
    line.admit("m_1", "POST /pay", 1);
    for endpoint in ["GET /none", "OPTIONS *", "", "POST /pay"] {
        line.deny("m_1", endpoint, 1, "total");
    }
    line.deny_until_retry("m_1", "GET /none", 5, "total");
    line
}

pub fn unmatched_deny() -> Timeline {
    let mut line = Timeline::new(
        "Where unmatched endpoints are denied, nothing is charged for them.",
        &format!("version = 1\nunmatched = \"deny\"\n{FOR_ALL}"),
    );
    for endpoint in ["GET /none", "OPTIONS *", "GET /healthz/", "POST /pay/1"] {
        line.meet(Outcome::Unmatched, "m_1", endpoint, 1);
        line.meet(Outcome::Unmatched, "m_1", endpoint, 99);
        line.peek("m_1", endpoint, 1);
        line.peek("m_1", "", 1);
    }
    line.meet(Outcome::Exempt, "m_1", "GET /healthz", 1);
    line.admit("m_1", "", 2);
    line.admit("m_1", "POST /pay/", 3);
    line.deny_until_retry("m_1", "POST /pay", 1, "total");
    line.wait(MIN_NS).swap(ENDPOINT_LIMITS);
    line.meet(Outcome::Unmatched, "m_1", "POST /pay", 1);
    line
}

pub fn errors() -> Timeline {
    let mut line = Timeline::new(
        "Requests that cannot be judged are refused, the merchant first, then the cost, then the endpoint.",
        MERCHANT_LIMITS,
    );
    let longest = "m".repeat(1_024);
    let too_long = format!("{longest}m");
    for merchant in ["", &too_long] {
        line.refuse(merchant, "GET /x", 1, Refusal::InvalidMerchant);
        line.refuse(merchant, "GET", 0, Refusal::InvalidMerchant);
    }
    line.refuse("m_1", "GET /x", 0, Refusal::InvalidCost);
    line.refuse("m_1", "GET", 0, Refusal::InvalidCost);
    line.admit(&longest, "GET /x", 1);
    line.admit("é\u{0}\u{7f} \"\\", "GET /x", 1);
    let malformed = [
        "GET", "GET ", " /x", " ", "GET x", "GET  /x", "GET *x", "G:T /x", "GÉT /x", "/x",
        "/x GET", "GET\t/x",
    ];
    let at_most = format!("{} /{}", "M".repeat(32), "x".repeat(8_158));
    let above = [
        format!("{at_most}x"),
        format!("{} /x", "M".repeat(33)),
        format!("GET /x?{}", "y".repeat(8_186)),
    ];
    for endpoint in malformed
        .into_iter()
        .chain(above.iter().map(String::as_str))
    {
        line.refuse("m_1", endpoint, 1, Refusal::InvalidEndpoint);
    }
    line.admit("m_1", &at_most, 1);
    line.admit("m_1", "", 1);
    line.swap(ENDPOINT_LIMITS);
    line.refuse("m_1", "", 1, Refusal::InvalidEndpoint);
    line.meet(Outcome::Unmatched, "m_1", "GET /x", 1);
    line
}
