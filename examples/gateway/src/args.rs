//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

const USAGE: &str =
    "usage: slidegate-gateway --policy FILE [--listen 127.0.0.1:0] [--admin 127.0.0.1:0]";

/// What the command line says.
pub struct Args {
    pub policy: PathBuf,
    pub listen: SocketAddr,
    /// Whoever reaches this listener can change every limit: keep it private.
    pub admin: SocketAddr,
}

impl Args {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let (mut policy, mut listen, mut admin) = (None, any_port, any_port);
        while let Some(option) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or(format!("{option} needs a value; {USAGE}"))
            };
            match option.as_str() {
                "--policy" => policy = Some(PathBuf::from(value()?)),
                "--listen" => listen = address(&value()?)?,
                "--admin" => admin = address(&value()?)?,
                _ => return Err(format!("{option} is no option; {USAGE}")),
            }
        }
        Ok(Self {
            policy: policy.ok_or(USAGE)?,
            listen,
            admin,
        })
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let wrong = |_| format!("{text} is not an address such as 127.0.0.1:8080");
    text.parse().map_err(wrong)
}
