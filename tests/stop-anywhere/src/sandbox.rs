//! The audited process as its tracer has it, and a watchdog for both.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use nix::unistd::Pid;

/// An audit takes far less than a millisecond. Whoever does not answer for this
/// long is blocked.
const PATIENCE: Duration = Duration::from_secs(10);

/// A process that serves runs.
pub struct Sandbox {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    watched: Arc<Watched>,
    /// Its memory map as of the first run: a dead process has none.
    maps: String,
}

/// What the watchdog sees of the process.
struct Watched {
    child: Mutex<Child>,
    /// Counts signs of life.
    beats: AtomicU64,
    blocked: AtomicBool,
}

impl Sandbox {
    /// Starts this very program again as the audited process.
    pub fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let watched = Arc::new(Watched {
            child: Mutex::new(child),
            beats: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&watched);
        thread::spawn(move || watch(&weak));
        Ok(Self {
            to,
            from: BufReader::new(from),
            watched,
            maps: String::new(),
        })
    }

    /// Tells the watchdog that there is progress.
    pub fn beat(&self) {
        self.watched.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the watchdog had to end the process.
    pub fn was_blocked(&self) -> bool {
        self.watched.blocked.load(Ordering::Relaxed)
    }

    pub fn say(&mut self, line: &str) -> io::Result<()> {
        self.beat();
        self.to.write_all(line.as_bytes())?;
        self.to.write_all(b"\n")
    }

    /// The next line that the process says.
    pub fn hear(&mut self) -> io::Result<String> {
        let mut line = String::new();
        let read = self.from.read_line(&mut line)?;
        self.beat();
        match read {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    /// Has a victim started, which waits for `go`.
    pub fn run(&mut self, case: usize, meanwhile: usize) -> io::Result<Pid> {
        self.say(&format!("run {case} {meanwhile}"))?;
        let line = self.hear()?;
        let thread = line.strip_prefix("thread ").and_then(|t| t.parse().ok());
        let thread = thread.ok_or_else(|| io::Error::other(line))?;
        if self.maps.is_empty() {
            self.maps = std::fs::read_to_string(format!("/proc/{}/maps", self.id()))?;
        }
        Ok(Pid::from_raw(thread))
    }

    /// The file that an address of the process belongs to, and where it begins.
    fn file(&self, address: u64) -> Option<(&str, u64)> {
        let mappings = || self.maps.lines().filter_map(mapping);
        let (_, file) = mappings().find(|(range, _)| range.contains(&address))?;
        let (first, _) = mappings().find(|(_, other)| *other == file)?;
        Some((file, first.start))
    }

    /// Whether an address is one of this program's own code, which the limiter is
    /// a part of, and not of a shared library's.
    pub fn is_program(&self, address: u64) -> bool {
        // A process maps its own program first.
        let program = self.maps.lines().find_map(mapping);
        let file = self.file(address);
        file.is_some_and(|(file, _)| program.is_some_and(|(_, program)| file == program))
    }

    /// Which file an address of the process belongs to, and the address in it.
    pub fn place(&self, address: u64) -> String {
        match self.file(address) {
            Some((file, start)) => format!("{file} {:#x}", address - start),
            None => format!("{address:#x}"),
        }
    }

    fn id(&self) -> u32 {
        lock(&self.watched).id()
    }

    /// What the auditor was about to do last.
    pub fn last_step(&self) -> String {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.id()));
        name.map_or_else(|_| "?".to_owned(), |name| name.trim_end().to_owned())
    }

    /// Ends the process, however it fares.
    pub fn kill(&self) {
        // It may have ended by itself.
        let _ = lock(&self.watched).kill();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill();
        let _ = lock(&self.watched).wait();
    }
}

/// The addresses and the file of a line of `/proc/PID/maps`.
fn mapping(line: &str) -> Option<(std::ops::Range<u64>, &str)> {
    let (start, rest) = line.split_once('-')?;
    let (end, rest) = rest.split_once(' ')?;
    let hex = |digits| u64::from_str_radix(digits, 16).ok();
    Some((hex(start)?..hex(end)?, rest.split_whitespace().nth(4)?))
}

fn lock(watched: &Watched) -> std::sync::MutexGuard<'_, Child> {
    let child = watched.child.lock();
    child.unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn watch(watched: &Weak<Watched>) {
    let mut last = u64::MAX;
    while let Some(watched) = watched.upgrade() {
        let beats = watched.beats.load(Ordering::Relaxed);
        if beats == last {
            watched.blocked.store(true, Ordering::Relaxed);
            let _ = lock(&watched).kill();
            return;
        }
        last = beats;
        drop(watched);
        thread::sleep(PATIENCE);
    }
}
