//! One field of an otherwise good policy, byte by byte: the first byte says
//! which, so that every mutation goes into a name, an exemption, a window or a
//! route. Judged as a policy text.

use crate::policy_text::judge;

/// The target.
pub fn run(data: &[u8]) {
    let [field, rest @ ..] = data else { return };
    let text = toml::Value::from(&*String::from_utf8_lossy(rest)).to_string();
    let mut fields = ["\"a\"", "\"GET /a\"", "\"1/s\"", "\"POST /b\""];
    fields[usize::from(*field) % 4] = &text;
    let [name, exempt, window, route] = fields;
    judge(&format!(
        "version = 1\nexempt = [{exempt}]\n\
         [[rule]]\nname = {name}\nmatch = {route}\nwindows = [{window}]\n"
    ));
}
