"""The files of examples/deploy name flags, ports, paths, keys and metrics that exist.

No image is built and no cluster is asked: what can be read is checked.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from fieldfare.cli import _parser
from fieldfare.serving.metrics import Metrics
from fieldfare.serving.operations import OPERATIONS
from fieldfare.serving.settings import read_settings

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "deploy"
PATHS = {one.path for one in OPERATIONS}


def text(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def container():
    deployment, service = yaml.safe_load_all(text("kubernetes.yaml"))
    return deployment, service, deployment["spec"]["template"]["spec"]["containers"][0]


def docker_command():
    found = re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", text("Dockerfile"), re.MULTILINE)
    entry, command = map(json.loads, found)
    assert entry == ["fieldfare"]
    return command


def systemd_command():
    line = re.search(r"^ExecStart=/usr/bin/env fieldfare (.+)$", text("fieldfare.service"), re.M)
    assert line is not None
    return shlex.split(line[1])


@pytest.mark.parametrize(
    "command", [docker_command, systemd_command, lambda: container()[2]["args"]]
)
def test_commands_are_those_of_the_command_line(command):
    arguments = _parser().parse_args(command())
    assert arguments.command == "serve"
    assert arguments.port in (None, 8000)


def test_the_settings_of_the_containers_are_read():
    settings = read_settings(FOLDER / "deploy.toml")
    assert settings.port == 8000
    assert settings.features is not None
    assert settings.workers == 1


def test_the_image_does_not_run_as_root_and_asks_for_its_health():
    image = text("Dockerfile")
    assert "USER 10001" in image
    assert "EXPOSE 8000" in image
    path = re.search(r"http://127\.0\.0\.1:8000(/[a-z/]+)", image)
    assert path is not None
    assert path[1] in PATHS


def test_compose_starts_the_server_behind_redis():
    services = yaml.safe_load(text("compose.yaml"))["services"]
    server = services["fieldfare"]
    assert server["ports"] == ["127.0.0.1:8000:8000"]
    assert server["depends_on"] == {"redis": {"condition": "service_healthy"}}
    source = read_settings(FOLDER / "deploy.toml").features.source
    assert source.strip("${}") in server["environment"]
    assert (FOLDER.parents[1] / server["build"]["dockerfile"]).is_file()


def test_probes_ask_what_the_server_answers():
    deployment, service, one = container()
    probes = {name: one[name]["httpGet"] for name in one if name.endswith("Probe")}
    assert probes["readinessProbe"]["path"] == "/health/ready"
    assert {probe["path"] for probe in probes.values()} <= PATHS
    assert {probe["port"] for probe in probes.values()} == {one["ports"][0]["name"]}
    assert service["spec"]["ports"][0]["targetPort"] == one["ports"][0]["name"]
    notes = deployment["spec"]["template"]["metadata"]["annotations"]
    assert notes["prometheus.io/path"] in PATHS
    assert notes["prometheus.io/port"] == str(one["ports"][0]["containerPort"])


def test_alerts_are_about_metrics_and_labels_that_exist():
    known = {}
    for metric in (vars(Metrics()) | {}).values():
        if hasattr(metric, "_labelnames"):
            known[metric._name] = set(metric._labelnames)
    rules = yaml.safe_load(text("alerts.yaml"))["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        names = re.findall(r"fieldfare_[a-z_]+", rule["expr"])
        assert names
        for name in names:
            base = re.sub(r"_(bucket|sum|count|total)$", "", name)
            assert base in known
            used = re.findall(re.escape(name) + r"\{(\w+)=", rule["expr"])
            assert set(used) <= known[base]
    endpoints = {one.name for one in OPERATIONS}
    named = re.findall(r'endpoint=~"([^"]+)"', text("alerts.yaml"))
    assert named
    assert {name for group in named for name in group.split("|")} <= endpoints


def test_the_unit_is_right(tmp_path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    path = shutil.copy(FOLDER / "fieldfare.service", tmp_path)
    found = subprocess.run([program, "verify", path], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
