//! The driver of the conformance scenarios: see `clients/conformance/README.md`.

use std::{
    collections::VecDeque,
    error::Error as _,
    io::{self, BufRead as _},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use data_encoding::BASE64;
use futures_util::{StreamExt as _, TryStreamExt as _, future::ready, stream};
use identity_link_client::{Client, Error, Failure, Items, TokenSource};
use identity_link_proto::DESCRIPTOR_SET;
use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor, MethodDescriptor,
    SerializeOptions,
};
use serde_json::{Value, json};

/// Why an order cannot be carried out: a fault of the test.
type Fault = Box<dyn std::error::Error>;

/// The methods of the client by the names of their rpcs. Each has one request and one response.
macro_rules! by_name {
    ($name:expr, $client:expr, $request:expr, $answer:ident, {$($rpc:literal: $method:ident,)+}) => {
        match $name {
            $($rpc => $answer($client.$method(decoded($rpc, $request)?), $rpc).await,)+
            other => Err(format!("{other} is no rpc of the client").into()),
        }
    };
}

async fn call(client: &Client, name: &str, request: &Value) -> Result<Value, Fault> {
    by_name!(name, client, request, response, {
        "ApplyPlan": apply_plan,
        "CancelOperation": cancel_operation,
        "CompleteSignIn": complete_sign_in,
        "CreateUser": create_user,
        "DeleteOperation": delete_operation,
        "DeleteUser": delete_user,
        "FindByEmail": find_by_email,
        "FindByIdentity": find_by_identity,
        "FindDuplicates": find_duplicates,
        "GetOperation": get_operation,
        "GetProviderToken": get_provider_token,
        "GetUser": get_user,
        "Link": link,
        "ListConnections": list_connections,
        "ListEvents": list_events,
        "ListLinkCandidates": list_link_candidates,
        "ListLinks": list_links,
        "ListOperations": list_operations,
        "ListProviders": list_providers,
        "ListUsers": list_users,
        "MergeMetadata": merge_metadata,
        "ReceiveLogoutToken": receive_logout_token,
        "ReceiveSecurityEvents": receive_security_events,
        "ResolveSignIn": resolve_sign_in,
        "ResolveUsers": resolve_users,
        "SetPrimaryIdentity": set_primary_identity,
        "StartSignIn": start_sign_in,
        "UndoLink": undo_link,
        "UndoLinks": undo_links,
        "Unlink": unlink,
        "UpdateUser": update_user,
        "WaitOperation": wait_operation,
    })
}

async fn all(client: &Client, name: &str, request: &Value) -> Result<Value, Fault> {
    by_name!(name, client, request, items, {
        "FindByEmail": find_by_email_all,
        "ListConnections": list_connections_all,
        "ListLinks": list_links_all,
        "ListOperations": list_operations_all,
        "ListUsers": list_users_all,
    })
}

/// The response of a call, in JSON and as bytes.
async fn response<M: Message>(
    call: impl Future<Output = Result<M, Error>>,
    name: &str,
) -> Result<Value, Fault> {
    let message = match call.await {
        Ok(message) => message,
        Err(error) => return Ok(failed(&error)),
    };
    let bytes = message.encode_to_vec();
    let response = as_json(method(name)?.output(), &bytes)?;
    Ok(json!({"response": response, "message": BASE64.encode(&bytes)}))
}

/// The items of all pages, in JSON.
async fn items<M: Message + Default>(pages: Items<M>, name: &str) -> Result<Value, Fault> {
    let output = method(name)?.output();
    let mut fields = output.fields();
    let list = fields.find(FieldDescriptor::is_list).ok_or("a page has items")?;
    let kind = list.kind();
    listed(pages, kind.as_message().ok_or("an item is a message")?).await
}

/// The responses of an rpc with streams, in JSON.
async fn streamed(client: &Client, name: &str, requests: &Value) -> Result<Value, Fault> {
    let output = method(name)?.output();
    match name {
        "ExportUsers" => listed(client.export_users(decoded(name, &requests[0])?), &output).await,
        "ReadLines" => listed(client.read_lines(decoded(name, &requests[0])?), &output).await,
        "ImportUsers" => {
            let requests = stream::iter(all_decoded(name, requests)?);
            listed(client.import_users(requests), &output).await
        }
        "UploadPlan" => {
            let requests = stream::iter(all_decoded(name, requests)?);
            let stored = client.upload_plan(requests).await;
            listed(stream::iter([stored]).boxed(), &output).await
        }
        _ => Err(format!("{name} has no streams").into()),
    }
}

fn all_decoded<M: Message + Default>(rpc: &str, requests: &Value) -> Result<Vec<M>, Fault> {
    requests.as_array().into_iter().flatten().map(|request| decoded(rpc, request)).collect()
}

async fn listed<M: Message>(items: Items<M>, of: &MessageDescriptor) -> Result<Value, Fault> {
    let items: Vec<M> = match items.try_collect().await {
        Ok(items) => items,
        Err(error) => return Ok(failed(&error)),
    };
    let items: Result<Vec<Value>, Fault> =
        items.iter().map(|item| as_json(of.clone(), &item.encode_to_vec())).collect();
    Ok(json!({"items": items?}))
}

fn pool() -> Result<DescriptorPool, Fault> {
    Ok(DescriptorPool::decode(DESCRIPTOR_SET)?)
}

fn message(name: &str) -> Result<MessageDescriptor, Fault> {
    let name = format!("identitylink.v1.{name}");
    Ok(pool()?.get_message_by_name(&name).ok_or(format!("{name} is no message"))?)
}

fn method(name: &str) -> Result<MethodDescriptor, Fault> {
    let pool = pool()?;
    let mut methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    Ok(methods.find(|method| method.name() == name).ok_or(format!("{name} is no rpc"))?)
}

/// The request of an rpc, from protobuf's JSON.
fn decoded<M: Message + Default>(rpc: &str, request: &Value) -> Result<M, Fault> {
    from_json(method(rpc)?.input(), request)
}

fn from_json<M: Message + Default>(of: MessageDescriptor, value: &Value) -> Result<M, Fault> {
    Ok(DynamicMessage::deserialize(of, value)?.transcode_to()?)
}

fn as_json(of: MessageDescriptor, bytes: &[u8]) -> Result<Value, Fault> {
    let message = DynamicMessage::decode(of, bytes)?;
    let options = SerializeOptions::new();
    Ok(message.serialize_with_options(serde_json::value::Serializer, &options)?)
}

fn failed(error: &Error) -> Value {
    let Some(failure) = error.failure() else {
        return json!({"error": {
            "type": "token", "text": error.to_string(), "request_id": error.request_id(),
            "has_cause": error.source().is_some(),
        }});
    };
    json!({"error": {
        "type": failure.reason().map(|reason| format!("{reason:?}")).unwrap_or_default(),
        "code": code_name(failure),
        "reason": failure.reason_name(),
        "text": failure.message(),
        "metadata": failure.metadata(),
        "violations": Vec::from_iter(failure.violations().iter().map(|each| {
            json!({"field": each.field, "description": each.description})
        })),
        "preconditions": Vec::from_iter(failure.preconditions().iter().map(|each| {
            json!({"type": each.kind, "subject": each.subject, "description": each.description})
        })),
        "retry_delay_ms": failure.retry_delay().map(|delay| delay.as_millis()),
        "request_id": error.request_id(),
    }})
}

/// The name of the code as the protocol writes it.
fn code_name(failure: &Failure) -> String {
    let mut name = String::new();
    for c in format!("{:?}", failure.code()).chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

/// A source that returns these tokens in turn, and the last one again; null is its failure.
fn tokens(of: &Value) -> TokenSource {
    let tokens: VecDeque<Option<String>> = of
        .as_array()
        .into_iter()
        .flatten()
        .map(|token| token.as_str().map(str::to_owned))
        .collect();
    let tokens = Mutex::new(tokens);
    TokenSource::function(move || {
        let mut tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let token = if tokens.len() > 1 { tokens.pop_front() } else { tokens.front().cloned() };
        ready(token.flatten().ok_or("the source of the tokens fails"))
    })
}

fn open(order: &Value) -> Result<Client, Fault> {
    let target = order["target"].as_str().ok_or("there is no target")?;
    let scheme = if order["tls"] == true { "https" } else { "http" };
    let tokens = match order["token_file"].as_str() {
        Some(file) => TokenSource::file(file),
        None => tokens(&order["tokens"]),
    };
    let mut builder = Client::builder(format!("{scheme}://{target}"), tokens);
    if let Some(count) = order["max_attempts"].as_u64() {
        builder = builder.max_attempts(u32::try_from(count)?);
    }
    if let Some(seconds) = order["timeout"].as_f64() {
        builder = builder.timeout(Duration::try_from_secs_f64(seconds)?);
    }
    Ok(builder.build()?)
}

async fn watch(client: &Client, request: &Value, take: u64) -> Result<Value, Fault> {
    let of = message("Event")?;
    let mut watch = client.watch(from_json(message("WatchEventsRequest")?, request)?);
    let mut seen = 0;
    while seen < take {
        let response = match watch.next().await.ok_or("a watch has no end")? {
            Ok(response) => response,
            Err(error) => return Ok(failed(&error)),
        };
        for event in response.events {
            println!("{}", json!({"event": as_json(of.clone(), &event.encode_to_vec())?}));
            seen += 1;
        }
    }
    Ok(json!({"done": true}))
}

async fn carry_out(client: &Client, order: &Value) -> Result<Value, Fault> {
    let request = &order["request"];
    let mut client = client.clone();
    if let Some(seconds) = order["timeout"].as_f64() {
        client = client.with_timeout(Duration::try_from_secs_f64(seconds)?);
    }
    for (key, value) in order["metadata"].as_object().into_iter().flatten() {
        client = client.with_metadata(key, value.as_str().unwrap_or_default())?;
    }
    let client = &client;
    if let Some(name) = order["call"].as_str() {
        call(client, name, request).await
    } else if let Some(name) = order["all"].as_str() {
        all(client, name, request).await
    } else if let Some(name) = order["stream"].as_str() {
        streamed(client, name, &order["requests"]).await
    } else if let Some(ids) = order["resolve"].as_array() {
        let ids = ids.iter().filter_map(Value::as_str);
        listed(client.resolve(ids), &message("ResolvedUser")?).await
    } else {
        watch(client, &order["watch"], order["take"].as_u64().unwrap_or_default()).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let mut client = None;
    for line in io::stdin().lock().lines() {
        let order: Value = serde_json::from_str(&line?)?;
        let result = match (order.get("open"), &client) {
            (Some(how), _) => {
                client = Some(open(how)?);
                json!({"opened": true})
            }
            (None, Some(client)) => carry_out(client, &order).await?,
            (None, None) => return Err("no client is open".into()),
        };
        println!("{result}");
    }
    Ok(())
}
