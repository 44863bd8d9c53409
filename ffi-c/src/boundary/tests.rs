use super::*;

fn quietly<T>(body: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = body();
    std::panic::set_hook(hook);
    result
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("from the payload");
    }
}

#[test]
fn a_panic_becomes_a_status_and_a_message() {
    let mut text = [1 as c_char; 64];
    let mut len = 99;
    let message = TextBuffer {
        buf: text.as_mut_ptr(),
        cap: text.len(),
        len: &mut len,
    };
    quietly(|| {
        assert_eq!(call(|| panic!("inside")), SLG_STATUS_PANIC);
        assert_eq!(
            call(|| std::panic::panic_any(PanicsOnDrop)),
            SLG_STATUS_PANIC
        );
        assert_eq!(value(7, || panic!("inside")), 7);
        // SAFETY: `message` names locals that outlive the call.
        let status = unsafe { explained(message, || panic!("inside")) };
        assert_eq!(status, SLG_STATUS_PANIC);
    });
    // SAFETY: `explained` terminates what it writes.
    let text = unsafe { CStr::from_ptr(text.as_ptr()) };
    assert!(text.to_str().unwrap().contains("defect"));
    assert_eq!(len, text.count_bytes());
}

#[test]
fn out_parameters_are_cleared_before_a_panic() {
    let mut out = slg_decision {
        allowed: 1,
        ..slg_decision::default()
    };
    let target: *mut slg_decision = &mut out;
    let status = quietly(|| {
        call(|| {
            // SAFETY: `target` names a local that outlives the call.
            let _out = unsafe { Out::cleared(target, slg_decision::default(), "out") }?;
            panic!("inside")
        })
    });
    assert_eq!((status, out), (SLG_STATUS_PANIC, slg_decision::default()));
}

#[test]
fn a_message_is_cut_between_characters() {
    for (cap, shown) in [
        (0, None),
        (1, Some("")),
        (2, Some("a")),
        (3, Some("a")),
        (4, Some("aé")),
        (9, Some("aéb")),
    ] {
        let mut buf = [b'x' as c_char; 9];
        let mut len = 0;
        let buffer = TextBuffer {
            buf: buf.as_mut_ptr(),
            cap,
            len: &mut len,
        };
        // SAFETY: `cap` is at most the array's length; the locals outlive the call.
        unsafe { buffer.write_cut("aéb") };
        assert_eq!(len, 4);
        match shown {
            None => assert!(buf.iter().all(|b| *b == b'x' as c_char)),
            Some(shown) => {
                let written: Vec<u8> = buf.iter().map(|b| *b as u8).collect();
                assert_eq!(&written[..shown.len()], shown.as_bytes());
                assert_eq!(written[shown.len()], 0);
                assert!(written[shown.len() + 1..].iter().all(|b| *b == b'x'));
            }
        }
    }
}

#[test]
fn a_nul_in_a_message_is_replaced() {
    let mut buf = [0 as c_char; 32];
    let message = TextBuffer {
        buf: buf.as_mut_ptr(),
        cap: buf.len(),
        len: std::ptr::null_mut(),
    };
    // SAFETY: `message` names a local that outlives the call.
    unsafe { explained(message, || Err(Failure::Argument("a\0b".to_owned()))) };
    // SAFETY: `explained` terminates what it writes.
    let text = unsafe { CStr::from_ptr(buf.as_ptr()) };
    assert_eq!(text.to_str().unwrap(), "a\u{fffd}b");
}

#[test]
fn every_engine_error_has_its_status() {
    use engine::Error;
    let endpoint = Error::InvalidEndpoint {
        endpoint: String::new(),
        reason: String::new(),
    };
    let memory = Error::Memory {
        max_keys: 1,
        cause: std::io::ErrorKind::OutOfMemory.into(),
    };
    let large = Error::LimitTooLarge {
        rule: String::new(),
        limit: 2,
        max_limit: 1,
    };
    for (error, status) in [
        (
            Error::InvalidMerchant { len: 0 },
            SLG_STATUS_INVALID_MERCHANT,
        ),
        (Error::InvalidCost, SLG_STATUS_INVALID_COST),
        (endpoint, SLG_STATUS_INVALID_ENDPOINT),
        (
            Error::UnknownEndpoint { id: 9 },
            SLG_STATUS_INVALID_ENDPOINT,
        ),
        (Error::TooManyEndpoints, SLG_STATUS_TOO_MANY_ENDPOINTS),
        (Error::TooManyRules, SLG_STATUS_TOO_MANY_RULES),
        (
            Error::UnknownRule {
                name: String::new(),
            },
            SLG_STATUS_UNKNOWN_RULE,
        ),
        (Error::ForeignReceipt, SLG_STATUS_FOREIGN_RECEIPT),
        (Error::ForeignKey, SLG_STATUS_FOREIGN_KEY),
        (
            Error::Precision {
                rule: String::new(),
                reason: "",
            },
            SLG_STATUS_PRECISION,
        ),
        (large, SLG_STATUS_LIMIT_TOO_LARGE),
        (memory, SLG_STATUS_OUT_OF_MEMORY),
        (Error::Corrupt, SLG_STATUS_CORRUPT),
    ] {
        assert_eq!(Failure::from(error).status(), status);
    }
}

#[test]
fn every_policy_error_has_its_status() {
    use std::io::ErrorKind;
    let read = |kind: ErrorKind| engine::PolicyError::Read {
        path: String::new(),
        source: kind.into(),
    };
    for (error, status) in [
        (read(ErrorKind::NotFound), SLG_STATUS_IO),
        (read(ErrorKind::InvalidData), SLG_STATUS_NOT_UTF8),
        (
            engine::PolicyError::Invalid(Vec::new()),
            SLG_STATUS_INVALID_POLICY,
        ),
    ] {
        assert_eq!(Failure::from(error).status(), status);
    }
}
