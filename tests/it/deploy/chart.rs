//! The chart: Helm itself lints and renders it, as a library without a cluster and without a
//! network; the manifests are validated with the schemas of Kubernetes, and their configuration by
//! the service.

use std::{collections::BTreeMap, fs, path::Path, sync::OnceLock};

use serde_json::{Value, json};

use super::python;
use crate::{
    docs::pages::Page,
    support::{
        child::{binary, run_command, temp_dir},
        tls::Authority,
    },
};

const CHART: &str = "deploy/helm/identity-link";
/// Where the image looks for its configuration.
const FOLDER: &str = "/etc/identity-link";

/// What the script prints: the manifests by file of values, and why other values are refused.
fn chart() -> &'static Value {
    static CHART_OUTPUT: OnceLock<Value> = OnceLock::new();
    CHART_OUTPUT.get_or_init(|| {
        let refused = json!({
            "a misspelt key": {"replica": 3},
            "no repository": {"image": {"tag": "latest"}},
            "a load balancer without an address": {"service": {"type": "LoadBalancer", "headless": true}},
        });
        // The page has one file of values, in parts.
        let documented = Page::read("docs/how-to/kubernetes.md").blocks_in("yaml").concat();
        let told =
            python(&["tests/it/deploy/chart.py", CHART, &documented, &refused.to_string()]);
        serde_json::from_str(&told).unwrap()
    })
}

/// The manifests of this kind that a file of values leads to.
fn manifests(values: &str, kind: &str) -> Vec<&'static Value> {
    let all = chart()["rendered"][values]["manifests"].as_array().unwrap();
    all.iter().filter(|manifest| manifest["kind"] == kind).collect()
}

fn manifest(values: &str, kind: &str) -> &'static Value {
    manifests(values, kind).first().unwrap_or_else(|| panic!("{values} should have a {kind}"))
}

/// The pods of the Deployment, the Job and the CronJob.
fn pods(values: &str) -> [&'static Value; 3] {
    [
        &manifest(values, "Deployment")["spec"]["template"]["spec"],
        &manifest(values, "Job")["spec"]["template"]["spec"],
        &manifest(values, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"],
    ]
}

/// Whether an object with these labels is what a selector selects.
fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().unwrap().iter().all(|(name, value)| &labels[name] == value)
}

#[test]
fn the_chart_is_of_this_version_and_renders_with_each_file_of_values() {
    let about = fs::read_to_string(format!("{CHART}/Chart.yaml")).unwrap();
    assert!(about.contains(concat!("appVersion: \"", env!("CARGO_PKG_VERSION"), "\"")));
    let rendered = chart()["rendered"].as_object().unwrap();
    assert_eq!(Vec::from_iter(rendered.keys()), ["documented", "everything", "smallest"]);
    for kind in ["HorizontalPodAutoscaler", "ServiceMonitor"] {
        assert_eq!(
            (manifests("smallest", kind).len(), manifests("everything", kind).len()),
            (0, 1)
        );
    }
    assert!(rendered["smallest"]["notes"].as_str().unwrap().contains("in clear text"));
    for (values, named) in [
        ("a misspelt key", "'replica' not allowed"),
        ("no repository", "/image/repository"),
        ("a load balancer without an address", "/service/type"),
    ] {
        let refusal = chart()["refused"][values].as_str().unwrap();
        assert!(refusal.contains(named), "{values}: {refusal}");
    }
}

#[test]
fn pods_have_no_rights_and_no_token_of_the_cluster() {
    for pod in ["smallest", "everything"].into_iter().flat_map(pods) {
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(
            pod["securityContext"],
            json!({
                "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            })
        );
        let [container] = pod["containers"].as_array().unwrap().as_slice() else { panic!("{pod}") };
        assert_eq!(
            container["securityContext"],
            json!({
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            })
        );
    }
}

/// What the server of these values has in its environment, with secrets of the tests; the files are
/// in this folder instead.
fn environment(pod: &Value, folder: &Path) -> BTreeMap<String, String> {
    let variables = pod["containers"][0]["env"].as_array().unwrap().iter();
    let variables = variables.map(|variable| {
        let name = variable["name"].as_str().unwrap().to_owned();
        let value = match variable["value"].as_str() {
            Some(value) => value.replace(FOLDER, folder.to_str().unwrap()),
            None if name.ends_with("__DATABASE__URL") => "postgres://a:b@127.0.0.1/c".to_owned(),
            None => "a secret".to_owned(),
        };
        (name, value)
    });
    variables.collect()
}

/// The files that the pods of `ci/everything.yaml` mount, and the configuration.
fn mount(config: &Value, folder: &Path) {
    let authority = Authority::new("chart");
    let pair = authority.issue();
    fs::create_dir_all(folder.join("secrets/provider-secrets")).unwrap();
    fs::create_dir(folder.join("tls")).unwrap();
    for (name, text) in [
        ("identity-link.toml", config["data"]["identity-link.toml"].as_str().unwrap()),
        ("secrets/provider-secrets/google", "a secret"),
        ("tls/tls.crt", &pair.certificate),
        ("tls/tls.key", &pair.key),
        ("tls/ca.crt", &authority.pem()),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
}

#[test]
fn the_service_accepts_the_configuration_of_each_pod() {
    for values in ["smallest", "everything"] {
        for pod in pods(values) {
            let volume = pod["volumes"][0]["configMap"]["name"].as_str().unwrap();
            let config = manifests(values, "ConfigMap")
                .into_iter()
                .find(|config| config["metadata"]["name"] == volume)
                .unwrap();
            let folder = temp_dir("chart_config");
            mount(config, &folder);
            let file = folder.join("identity-link.toml");
            let mut check = binary(&["check-config", "--config", file.to_str().unwrap()]);
            check.envs(environment(pod, &folder));
            let checked = run_command(check);
            assert_eq!(checked.code, Some(0), "{values}: {}", checked.stderr);

            let container = &pod["containers"][0];
            let path = format!("{FOLDER}/identity-link.toml");
            assert_eq!(container["volumeMounts"][0]["mountPath"], path);
            assert_eq!(container["args"][2], path);
        }
    }
}

/// Imports and jobs keep temporary files there; the rest of the pod is read-only.
#[test]
fn the_server_writes_to_a_volume_for_temporary_files() {
    for values in ["smallest", "everything"] {
        let [server, ..] = pods(values);
        let named = |list: &Value| {
            let mut list = list.as_array().unwrap().iter();
            list.find(|of| of["name"] == "tmp").unwrap().clone()
        };
        assert_eq!(named(&server["volumes"])["emptyDir"], json!({}));
        let mount = named(&server["containers"][0]["volumeMounts"]);
        assert_eq!((&mount["mountPath"], &mount["readOnly"]), (&json!("/tmp"), &Value::Null));
    }
}

#[test]
fn a_pod_may_take_as_long_as_a_stop_takes() {
    for values in ["smallest", "everything"] {
        let [server, ..] = pods(values);
        let seconds = |name: &str| -> u64 {
            let value = &environment(server, Path::new("/"))[name];
            value.strip_suffix('s').unwrap().parse().unwrap()
        };
        let stop = seconds("IDENTITY_LINK__SHUTDOWN_DELAY")
            + seconds("IDENTITY_LINK__SHUTDOWN_GRACE")
            + 12;
        assert!(server["terminationGracePeriodSeconds"].as_u64().unwrap() > stop);
        let container = &server["containers"][0];
        for (probe, path) in
            [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]
        {
            assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "management"}));
        }
    }
}

#[test]
fn calls_reach_the_servers_and_only_monitoring_reaches_management() {
    let labels = &manifest("everything", "Deployment")["spec"]["template"]["metadata"]["labels"];
    let services = manifests("everything", "Service");
    let [calls, management] = services.as_slice() else { panic!("{services:?}") };
    for service in [calls, management] {
        assert!(selects(&service["spec"]["selector"], labels), "{service}");
    }
    assert_eq!(calls["spec"]["ports"].as_array().unwrap().len(), 1);

    let monitor = &manifest("everything", "ServiceMonitor")["spec"];
    let monitored = |service: &Value| {
        selects(&monitor["selector"]["matchLabels"], &service["metadata"]["labels"])
    };
    assert_eq!((monitored(calls), monitored(management)), (false, true));
    assert_eq!(monitor["endpoints"][0]["port"], management["spec"]["ports"][0]["name"]);
    assert_eq!(monitor["endpoints"][0]["path"], "/metrics");

    let policy = &manifest("everything", "NetworkPolicy")["spec"];
    assert!(selects(&policy["podSelector"]["matchLabels"], labels));
    let from = |namespace: &str| json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]);
    assert_eq!(
        policy["ingress"],
        json!([
            {"ports": [{"port": "grpc"}], "from": from("shop")},
            {"ports": [{"port": "management"}], "from": from("monitoring")},
        ])
    );
}

#[test]
fn the_migration_runs_before_the_servers_are_replaced() {
    let hooks = ["ConfigMap", "Job"].map(|kind| {
        let mut hooks = manifests("smallest", kind);
        hooks.retain(|manifest| {
            manifest["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        });
        assert_eq!(hooks.len(), 1, "{kind}");
        hooks[0]["metadata"]["annotations"]["helm.sh/hook-weight"].as_str().unwrap()
    });
    // The Job mounts the ConfigMap.
    assert_eq!(hooks, ["-1", "0"]);
}
