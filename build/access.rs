//! Reads the access table from the compiled proto files: the option `access` of each rpc of ours, and
//! for standard services, whose protos are not ours, the option `access_of` of the service of ours that
//! stands on them.
//!
//! The build script uses it, and fails without a complete table; a test shows that.

use std::{collections::BTreeMap, fmt::Write as _};

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, ServiceDescriptor, Value};

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
    /// The variant of `CallShape` of its calls.
    pub shape: &'static str,
}

/// The value of `MethodOptions.IdempotencyLevel` of an rpc that only reads.
const NO_SIDE_EFFECTS: i32 = 1;
/// The scope of the rpcs with which people sign in.
const SIGN_IN: &str = "sign_in:users";

/// The package of our services.
const OURS: &str = "identitylink.v1";

/// Reads the rule of each rpc of the services that the protos define.
///
/// `descriptor` must be the encoded set as the compiler wrote it: the typed form of prost drops
/// extensions, so all rules would seem to be missing.
///
/// # Errors
/// If a rule is missing or invalid.
pub(super) fn access_table(descriptor: &[u8]) -> Result<Vec<AccessRule>, String> {
    let pool = DescriptorPool::decode(descriptor)
        .map_err(|error| format!("the compiled protos do not decode: {error}"))?;
    let (ours, standard): (Vec<_>, Vec<_>) =
        pool.services().partition(|service| service.package_name() == OURS);
    let mut rules: Vec<AccessRule> = ours
        .iter()
        .flat_map(ServiceDescriptor::methods)
        .map(|method| rule(&pool, &method))
        .collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Err(format!("package {OURS} has no rpc"));
    }
    let mut declared = declared_of_others(&pool, &ours)?;
    for method in standard.iter().flat_map(ServiceDescriptor::methods) {
        let name = method.full_name();
        let access = declared.remove(name).ok_or_else(|| {
            format!("rpc {name} lacks its access: a service of {OURS} says it with `option (access_of) = {{…}}`")
        })?;
        rules.push(access_rule(&method, &access.access, access.only_reads)?);
    }
    if let Some(unknown) = declared.keys().next() {
        return Err(format!("access_of names {unknown}, which no proto has"));
    }
    Ok(rules)
}

/// What `access_of` says of an rpc.
struct AccessOf {
    access: DynamicMessage,
    only_reads: bool,
}

/// What these services say of the rpcs of others, by their names.
fn declared_of_others(
    pool: &DescriptorPool,
    ours: &[ServiceDescriptor],
) -> Result<BTreeMap<String, AccessOf>, String> {
    let mut declared = BTreeMap::new();
    let Some(extension) = pool.get_extension_by_name("identitylink.v1.access_of") else {
        return Ok(declared);
    };
    for service in ours {
        let options = service.options();
        let list = options.get_extension(&extension);
        for of in list.as_list().unwrap_or_default().iter().filter_map(Value::as_message) {
            let text = of.get_field_by_name("rpc");
            let rpc = text.as_deref().and_then(Value::as_str).unwrap_or_default().to_owned();
            let access = of.get_field_by_name("access");
            let access = access.as_deref().and_then(Value::as_message).cloned();
            let access = access.ok_or_else(|| format!("access_of names no access of {rpc}"))?;
            let only_reads = of.get_field_by_name("only_reads");
            let only_reads = only_reads.as_deref().and_then(Value::as_bool).unwrap_or_default();
            if declared.insert(rpc.clone(), AccessOf { access, only_reads }).is_some() {
                return Err(format!("access_of names {rpc} twice"));
            }
        }
    }
    Ok(declared)
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
    let only_reads = options
        .get_field_by_name("idempotency_level")
        .is_some_and(|level| *level == Value::EnumNumber(NO_SIDE_EFFECTS));
    access_rule(method, access, only_reads)
}

fn access_rule(
    method: &MethodDescriptor,
    access: &DynamicMessage,
    only_reads: bool,
) -> Result<AccessRule, String> {
    let name = method.full_name();
    let self_scope = scope(access, "self_scope", name)?;
    let service_scope = scope(access, "service_scope", name)?;
    if self_scope.is_none() && service_scope.is_none() {
        return Err(format!("the access of rpc {name} admits no caller: name a scope"));
    }
    let class = match (only_reads, service_scope.as_deref()) {
        (true, _) => "Read",
        (false, Some(SIGN_IN)) => "SignIn",
        (false, _) => "Write",
    };
    let shape = match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => "Unary",
        (false, true) => "ServerStream",
        (true, false) => "ClientStream",
        (true, true) => "TwoStreams",
    };
    Ok(AccessRule {
        path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
        self_scope,
        service_scope,
        class,
        shape,
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
        let AccessRule { path, self_scope, service_scope, class, shape } = rule;
        // Writing to a String cannot fail.
        let _ = writeln!(
            rust,
            "    AccessRule {{ path: {path:?}, self_scope: {self_scope:?}, service_scope: {service_scope:?}, class: CallClass::{class}, shape: CallShape::{shape} }},"
        );
    }
    rust.push(']');
    rust
}
