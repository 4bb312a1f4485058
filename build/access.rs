//! Reads the access table from the compiled proto files.
//!
//! The build script uses it, and fails without a complete table; a test shows that.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

/// Who may call one rpc, as the proto declares it.
pub(super) struct AccessRule {
    /// The path of the rpc, such as `/identitylink.v1.IdentityService/Link`.
    pub path: String,
    /// The scope that a user token needs; `None` if user tokens are not accepted.
    pub self_scope: Option<String>,
    /// The scope that a service token needs; `None` if service tokens are not accepted.
    pub service_scope: Option<String>,
    /// The variant of `CallClass` of its calls.
    pub class: &'static str,
}

/// The value of `MethodOptions.IdempotencyLevel` of an rpc that only reads.
const NO_SIDE_EFFECTS: i32 = 1;
/// The scope of the rpcs with which people sign in.
const SIGN_IN: &str = "sign_in:users";

/// Reads the rule of each rpc of package `identitylink.v1`.
///
/// `descriptor` must be the encoded set as the compiler wrote it: the typed form of prost drops
/// extensions, so all rules would seem to be missing.
///
/// # Errors
/// If a rule is missing or invalid.
pub(super) fn access_table(descriptor: &[u8]) -> Result<Vec<AccessRule>, String> {
    let pool = DescriptorPool::decode(descriptor)
        .map_err(|error| format!("the compiled protos do not decode: {error}"))?;
    let rules: Vec<AccessRule> = pool
        .services()
        .filter(|service| service.package_name() == "identitylink.v1")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| rule(&pool, &method))
        .collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Err("package identitylink.v1 has no rpc".to_owned());
    }
    Ok(rules)
}

fn rule(pool: &DescriptorPool, method: &MethodDescriptor) -> Result<AccessRule, String> {
    let name = method.full_name();
    let extension = pool
        .get_extension_by_name("identitylink.v1.access")
        .ok_or("proto/identitylink/v1/access.proto does not define the access option")?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return Err(format!(
            "rpc {name} lacks its access: say who may call it with `option (access) = {{…}}`"
        ));
    }
    let value = options.get_extension(&extension);
    let access =
        value.as_message().ok_or_else(|| format!("the access of rpc {name} is not a message"))?;
    let self_scope = scope(access, "self_scope", name)?;
    let service_scope = scope(access, "service_scope", name)?;
    if self_scope.is_none() && service_scope.is_none() {
        return Err(format!("the access of rpc {name} admits no caller: name a scope"));
    }
    let only_reads = options
        .get_field_by_name("idempotency_level")
        .is_some_and(|level| *level == Value::EnumNumber(NO_SIDE_EFFECTS));
    let class = match (only_reads, service_scope.as_deref()) {
        (true, _) => "Read",
        (false, Some(SIGN_IN)) => "SignIn",
        (false, _) => "Write",
    };
    Ok(AccessRule {
        path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
        self_scope,
        service_scope,
        class,
    })
}

/// Reads a scope, which is a `scope-token` of RFC 6749 §3.3: printable ASCII without space, quote
/// and backslash.
fn scope(access: &DynamicMessage, field: &str, rpc: &str) -> Result<Option<String>, String> {
    let value = access.get_field_by_name(field);
    let text = value.as_deref().and_then(|value| value.as_str()).unwrap_or_default();
    if text.bytes().any(|b| !b.is_ascii_graphic() || b == b'"' || b == b'\\') {
        return Err(format!("the {field} of rpc {rpc} is not a scope: {text:?}"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The table as a Rust expression, in which the server looks up rules.
pub(super) fn to_rust(rules: &[AccessRule]) -> String {
    let mut rust = String::from("&[\n");
    for rule in rules {
        let AccessRule { path, self_scope, service_scope, class } = rule;
        // Writing to a String cannot fail.
        let _ = writeln!(
            rust,
            "    AccessRule {{ path: {path:?}, self_scope: {self_scope:?}, service_scope: {service_scope:?}, class: CallClass::{class} }},"
        );
    }
    rust.push(']');
    rust
}
