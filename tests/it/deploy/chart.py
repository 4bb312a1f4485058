"""Lints and renders the chart: `chart.py CHART DOCUMENTED REFUSED`. DOCUMENTED is the values of the
documents, beside the files of the folder `ci`; REFUSED is a JSON object of values that the chart refuses.
Validates the manifests with the schemas of Kubernetes. Prints them as JSON, and why values are refused."""

import json
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from helm_python import chart
from helm_python.errors import HelmError

# The oldest version that the chart allows, and one of the newest.
VERSIONS = ["1.29", "1.37"]
# Kinds of others, whose schemas are not here.
FOREIGN = {"ServiceMonitor"}

folder = sys.argv[1]
texts = {file.stem: file.read_text() for file in Path(folder, "ci").glob("*.yaml")}
texts["documented"] = sys.argv[2]
rendered = {}
for name, text in sorted(texts.items()):
    values = yaml.safe_load(text)
    report = chart.lint(folder, values, strict=True, kube_version="v1.29.0")
    # 1 is a remark: the chart has no icon.
    problems = [message for message in report["messages"] if message["severity"] > 1]
    assert not problems and not report["errors"], (name, report)
    with chart.Chart.load(folder) as loaded:
        files = loaded.render(values, name="identity", namespace="identity", is_install=True)
    notes = files.pop("identity-link/templates/NOTES.txt")
    manifests = [m for text in files.values() for m in yaml.safe_load_all(text) if m]
    for manifest in manifests:
        if manifest["kind"] not in FOREIGN:
            for version in VERSIONS:
                kubernetes_validate.validate(manifest, version, strict=True)
    rendered[name] = {"manifests": manifests, "notes": notes}

refused = {}
for name, change in json.loads(sys.argv[3]).items():
    values = yaml.safe_load(texts["smallest"]) | change
    with chart.Chart.load(folder) as loaded:
        try:
            loaded.render(values, name="identity")
        except HelmError as error:
            refused[name] = str(error)
print(json.dumps({"rendered": rendered, "refused": refused}))
