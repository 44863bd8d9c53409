//! Slidegate through its C interface, as a C program calls it: the shared library is
//! opened, so that nothing of a call can be inlined.

use std::ffi::{c_char, c_void};
use std::fmt::Write;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::Arc;

use libloading::Library;

use super::ours::ENDPOINT;
use super::{Contestant, Limit, admitted};
use crate::calls::Call;

/// `SLG_ABI_VERSION` of the header that the declarations here repeat.
const ABI_VERSION: u32 = 1;

/// The header's `slg_options`.
#[repr(C)]
struct Options {
    struct_size: u32,
    on_full: u32,
    max_keys: u64,
    clock: *const c_void,
    max_limit: u32,
    reserved: u32,
}

/// The header's `slg_decision`.
#[repr(C, align(8))]
struct Decision {
    outcome: u32,
    allowed: u32,
    rest: [u64; 7],
}

type FromToml = unsafe extern "C" fn(
    *const c_char,
    usize,
    *mut *mut c_void,
    *mut c_char,
    usize,
    *mut usize,
) -> u32;
type New = unsafe extern "C" fn(
    *const c_void,
    *const Options,
    *mut *mut c_void,
    *mut c_char,
    usize,
    *mut usize,
) -> u32;
type Endpoint = unsafe extern "C" fn(
    *const c_void,
    *const c_char,
    usize,
    *mut u32,
    *mut c_char,
    usize,
    *mut usize,
) -> u32;
type Check =
    unsafe extern "C" fn(*const c_void, *const c_void, usize, u32, u32, *mut Decision) -> u32;
type Prepare =
    unsafe extern "C" fn(*const c_void, *const c_void, usize, u32, *mut *mut c_void) -> u32;
type CheckKey = unsafe extern "C" fn(*const c_void, *const c_void, u32, *mut Decision) -> u32;
type Free = unsafe extern "C" fn(*mut c_void);

/// The library and the functions that are used.
pub struct Api {
    check: Check,
    check_key: CheckKey,
    from_toml: FromToml,
    policy_free: Free,
    new: New,
    limiter_free: Free,
    endpoint: Endpoint,
    prepare: Prepare,
    key_free: Free,
    /// Last, so that it is closed after everything else is gone.
    _library: Library,
}

impl Api {
    /// Opens `libslidegate.so`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn open(path: &Path) -> Result<Arc<Self>, String> {
        if !path.exists() {
            let path = path.display();
            return Err(format!("{path}: no such file; `make release` builds it"));
        }
        let wrong = |error| format!("{}: {error}", path.display());
        // SAFETY: the library has no initialisers that do anything, and the types of
        // its functions are those of include/slidegate.h at this ABI version.
        let api = unsafe { Library::new(path).and_then(|library| Self::of(library)) };
        let (api, version) = api.map_err(wrong)?;
        if version != ABI_VERSION {
            return Err(format!("{} has ABI {version}", path.display()));
        }
        Ok(Arc::new(api))
    }

    /// # Safety
    /// The library is libslidegate with the header that the types here repeat.
    unsafe fn of(library: Library) -> Result<(Self, u32), libloading::Error> {
        // SAFETY: as the caller says.
        unsafe {
            let version: unsafe extern "C" fn() -> u32 = *library.get(c"slg_abi_version")?;
            let api = Self {
                check: *library.get(c"slg_check")?,
                check_key: *library.get(c"slg_check_key")?,
                from_toml: *library.get(c"slg_policy_from_toml")?,
                policy_free: *library.get(c"slg_policy_free")?,
                new: *library.get(c"slg_limiter_new")?,
                limiter_free: *library.get(c"slg_limiter_free")?,
                endpoint: *library.get(c"slg_endpoint")?,
                prepare: *library.get(c"slg_prepare")?,
                key_free: *library.get(c"slg_key_free")?,
                _library: library,
            };
            Ok((api, version()))
        }
    }

    fn limiter(&self, limits: &[Limit], keys: usize) -> *mut c_void {
        let text = policy_text(limits);
        let (mut policy, mut limiter) = (null_mut(), null_mut());
        let options = Options {
            struct_size: size_of::<Options>() as u32,
            on_full: 0,
            max_keys: keys as u64,
            clock: null(),
            max_limit: 0,
            reserved: 0,
        };
        // SAFETY: the text and the options live through the calls; messages may be
        // NULL; the policy may be freed once the limiter is made.
        let made = unsafe {
            let bytes = text.as_ptr().cast();
            let read = (self.from_toml)(bytes, text.len(), &mut policy, null_mut(), 0, null_mut());
            let made = (self.new)(policy, &options, &mut limiter, null_mut(), 0, null_mut());
            (self.policy_free)(policy);
            (read, made)
        };
        assert_eq!(made, (0, 0), "a limiter through the C interface");
        limiter
    }
}

fn policy_text(limits: &[Limit]) -> String {
    let mut text =
        format!("version = 1\n[[rule]]\nname = \"r\"\nmatch = \"{ENDPOINT}\"\nwindows = [");
    for limit in limits {
        let _ = write!(text, "\"{}/{}s\", ", limit.units, limit.seconds);
    }
    text + "]\n"
}

/// A limiter behind the C interface, called by `slg_check` or, if keys were
/// prepared, by `slg_check_key`.
pub struct ThroughC {
    api: Arc<Api>,
    limiter: *mut c_void,
    endpoint: u32,
    prepared: Box<[*mut c_void]>,
}

// SAFETY: the header lets any number of threads call everything but the free
// functions at once, from any thread; those are called by `drop` alone.
unsafe impl Send for ThroughC {}
// SAFETY: as above.
unsafe impl Sync for ThroughC {}

impl ThroughC {
    /// Called by `slg_check`.
    pub fn check(api: &Arc<Api>, limits: &[Limit], keys: usize) -> Self {
        let (limiter, mut endpoint) = (api.limiter(limits, keys), 0);
        let route = ENDPOINT.as_bytes();
        // SAFETY: the limiter lives, and the text lives through the call.
        let status = unsafe {
            let bytes = route.as_ptr().cast();
            (api.endpoint)(
                limiter,
                bytes,
                route.len(),
                &mut endpoint,
                null_mut(),
                0,
                null_mut(),
            )
        };
        assert_eq!(status, 0, "an endpoint");
        Self {
            api: api.clone(),
            limiter,
            endpoint,
            prepared: Box::default(),
        }
    }

    /// Called by `slg_check_key`.
    pub fn prepared(api: &Arc<Api>, limits: &[Limit], keys: usize) -> Self {
        let mut limiter = Self::check(api, limits, keys);
        limiter.prepared = (0..keys).map(|index| limiter.prepare(index)).collect();
        limiter
    }

    fn prepare(&self, index: usize) -> *mut c_void {
        let call = Call::of(index);
        let name = call.merchant.as_bytes();
        let mut key = null_mut();
        // SAFETY: the limiter lives, and the name lives through the call.
        let status = unsafe {
            let bytes = name.as_ptr().cast();
            (self.api.prepare)(self.limiter, bytes, name.len(), self.endpoint, &mut key)
        };
        assert_eq!(status, 0, "a prepared key");
        key
    }

    #[inline]
    fn asked(&self, call: &Call) -> bool {
        let mut decision = Decision {
            outcome: 0,
            allowed: 0,
            rest: [0; 7],
        };
        // SAFETY: limiter and keys live until `drop`; the name and the decision live
        // through the call.
        let status = unsafe {
            if let Some(key) = self.prepared.get(call.index as usize) {
                (self.api.check_key)(self.limiter, *key, 1, &mut decision)
            } else {
                let (name, len) = (call.merchant.as_ptr().cast(), call.merchant.len());
                (self.api.check)(self.limiter, name, len, self.endpoint, 1, &mut decision)
            }
        };
        assert_eq!(status, 0, "a decision");
        decision.allowed == 1
    }
}

impl Contestant for ThroughC {
    fn pass(&self, calls: &[Call]) -> usize {
        admitted(calls, |call| self.asked(call))
    }
}

impl Drop for ThroughC {
    fn drop(&mut self) {
        // SAFETY: each handle is freed once, and nothing else calls any more.
        unsafe {
            for key in &self.prepared {
                (self.api.key_free)(*key);
            }
            (self.api.limiter_free)(self.limiter);
        }
    }
}
