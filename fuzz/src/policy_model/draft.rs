//! A policy in the making, right or wrong, read from an input's bytes and
//! written as TOML.

use std::fmt::Write;

use arbitrary::{Result, Unstructured};

/// Segments of routes; [`super::mistakes`] knows which may stand where.
const SEGMENTS: [&str; 32] = [
    "a",
    "b",
    "list",
    "v1",
    "payment",
    ":id",
    ":x",
    ":other",
    "*rest",
    "*r",
    "healthz",
    "7",
    "ü",
    ".hidden",
    "a.b",
    "a:b",
    "(x)",
    "[y]",
    "a;b=c",
    "~+!$&',=@",
    "",
    ".",
    "..",
    "%61",
    "{id}",
    "<p0>",
    "a*",
    ":",
    ":ü",
    "\u{1}",
    "?q",
    "#f",
];

const METHODS: [&str; 8] = ["GET", "POST", "HEAD", "OPTIONS", "get", "X-1_y", "G:T", ""];

const NAMES: [&str; 12] = [
    "",
    "a",
    "b",
    "merchant-total",
    "x.y_z",
    "A",
    "a b",
    "ä",
    "\"",
    "\\",
    "\n",
    "0",
];

const LIMITS: [u64; 12] = [
    1,
    2,
    3,
    5,
    100,
    2_047,
    2_048,
    0,
    2_049,
    4_294_967_297,
    7,
    1_000,
];

const COUNTS: [Option<u64>; 8] = [
    None,
    Some(1),
    Some(2),
    Some(60),
    Some(366),
    Some(0),
    Some(367),
    Some(u64::MAX),
];

/// Units with their length in microseconds; 0 for what is no unit.
pub const UNITS: [(&str, u64); 8] = [
    ("ms", 1_000),
    ("s", 1_000_000),
    ("min", 60_000_000),
    ("h", 3_600_000_000),
    ("day", 86_400_000_000),
    ("sec", 0),
    ("S", 0),
    ("", 0),
];

const COSTS: [i64; 8] = [1, 2, 3, 100, 2_048, 0, -1, 4_294_967_296];

pub struct Draft {
    /// The text of `unmatched`; absent with `None`.
    pub unmatched: Option<&'static str>,
    pub exempt: Vec<Route>,
    pub rules: Vec<Rule>,
}

pub struct Rule {
    pub name: String,
    /// `None` is `"*"`.
    pub route: Option<Route>,
    pub windows: Vec<Window>,
    pub cost: Option<i64>,
}

pub struct Route {
    pub method: &'static str,
    pub segments: Vec<&'static str>,
}

#[derive(Clone, Copy)]
pub struct Window {
    pub limit: u64,
    pub count: Option<u64>,
    pub unit: (&'static str, u64),
}

fn pick<T: Copy>(input: &mut Unstructured<'_>, from: &[T]) -> Result<T> {
    Ok(from[input.arbitrary::<u8>()? as usize % from.len()])
}

/// A small number mostly; from 240 on one around the bound.
fn length(input: &mut Unstructured<'_>, small: usize, bound: usize) -> Result<usize> {
    Ok(match input.arbitrary::<u8>()? {
        byte @ 240.. => bound.saturating_add_signed(isize::from(byte) - 247),
        byte => usize::from(byte) % (small + 1),
    })
}

impl Draft {
    pub fn read(input: &mut Unstructured<'_>) -> Result<Self> {
        let unmatched = pick(
            input,
            &[
                Some("allow"),
                Some("deny"),
                None,
                Some("Allow"),
                Some("allow"),
            ],
        )?;
        let exempt = (0..input.arbitrary::<u8>()? % 4).map(|_| Route::read(input));
        let exempt = exempt.collect::<Result<_>>()?;
        let count = length(input, 6, 16)?;
        let rules = (0..count).map(|index| Rule::read(input, index));
        Ok(Self {
            unmatched,
            exempt,
            rules: rules.collect::<Result<_>>()?,
        })
    }

    pub fn toml(&self) -> String {
        let mut text = "version = 1\n".to_owned();
        if let Some(unmatched) = self.unmatched {
            let _ = writeln!(text, "unmatched = \"{unmatched}\"");
        }
        let exempt: Vec<String> = self.exempt.iter().map(|r| quoted(&r.text())).collect();
        let _ = writeln!(text, "exempt = [{}]", exempt.join(", "));
        for rule in &self.rules {
            rule.write(&mut text);
        }
        text
    }
}

impl Rule {
    fn read(input: &mut Unstructured<'_>, index: usize) -> Result<Self> {
        let name = match input.arbitrary::<u8>()? {
            byte @ 0..200 => format!("r{}", if byte < 190 { index } else { 0 }),
            byte @ 200..240 => NAMES[usize::from(byte) % NAMES.len()].to_owned(),
            byte => "n".repeat(64_usize.saturating_add_signed(isize::from(byte) - 247)),
        };
        let route = match input.arbitrary::<u8>()? % 4 {
            0 => None,
            _ => Some(Route::read(input)?),
        };
        let windows = (0..length(input, 3, 8)?).map(|_| Window::read(input));
        Ok(Self {
            name,
            route,
            windows: windows.collect::<Result<_>>()?,
            cost: match input.arbitrary::<u8>()? {
                0..160 => None,
                byte => Some(COSTS[usize::from(byte) % COSTS.len()]),
            },
        })
    }

    fn write(&self, text: &mut String) {
        let route = self.route.as_ref().map_or("*".to_owned(), Route::text);
        let windows: Vec<String> = self.windows.iter().map(|w| quoted(&w.text())).collect();
        let (name, route) = (quoted(&self.name), quoted(&route));
        let windows = windows.join(", ");
        let _ = writeln!(
            text,
            "[[rule]]\nname = {name}\nmatch = {route}\nwindows = [{windows}]"
        );
        if let Some(cost) = self.cost {
            let _ = writeln!(text, "cost = {cost}");
        }
    }
}

impl Route {
    fn read(input: &mut Unstructured<'_>) -> Result<Self> {
        let method = match input.arbitrary::<u8>()? {
            byte @ 0..240 => METHODS[usize::from(byte / 4) % 6],
            byte => METHODS[usize::from(byte) % METHODS.len()],
        };
        let count = length(input, 4, 64)?;
        let segments = (0..count).map(|_| match input.arbitrary::<u8>()? {
            byte @ 0..224 => Ok(SEGMENTS[usize::from(byte) % 20]),
            byte => Ok(SEGMENTS[usize::from(byte) % SEGMENTS.len()]),
        });
        Ok(Self {
            method,
            segments: segments.collect::<Result<_>>()?,
        })
    }

    pub fn text(&self) -> String {
        format!("{} /{}", self.method, self.segments.join("/"))
    }
}

impl Window {
    fn read(input: &mut Unstructured<'_>) -> Result<Self> {
        // Mostly right ones: the wrong ones stand last.
        let few = |byte: u8, right: usize, all: usize| match byte {
            0..240 => usize::from(byte) % right,
            _ => usize::from(byte) % all,
        };
        let mut index = |right, all| Ok(few(input.arbitrary()?, right, all));
        Ok(Self {
            limit: LIMITS[index(7, LIMITS.len())?],
            count: COUNTS[index(5, COUNTS.len())?],
            unit: UNITS[index(5, UNITS.len())?],
        })
    }

    pub fn text(&self) -> String {
        let count = self.count.map_or(String::new(), |n| n.to_string());
        format!("{}/{count}{}", self.limit, self.unit.0)
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
