"""Run a real Kubernetes control plane on loopback: etcd, API server, and controllers where asked.

No kubelet and no scheduler: pods stay objects, until ``kubelet_stand`` takes them up.
"""

import json
import os
import secrets
import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from json_lines import objects_in
from kube_api import ApiError, KubeApi

from callfleet_operator.crd import packaged
from callfleet_rehearsal.stack.livekit import answers
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment

CONTROLLERS = (
    "disruption-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
    "namespace-controller",
    "pod-garbage-collector-controller",
)
"""What these tests need of the controller manager; nodes are looked after by their stand-in."""
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_READY_SECONDS = 90.0
_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "None", "users": ["system:apiserver"]}, {"level": "Metadata"}],
}


@dataclass(frozen=True)
class ControlPlane(KubeApi):
    """A running control plane, and how to speak with it as one who may do everything."""

    kubeconfig: Path
    """For kubectl, and for whoever reads KUBECONFIG."""
    audit_log: Path
    """A line of JSON for each request that was answered: see :func:`audited`."""
    api_server: Child
    folder: Path

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Have the API server stand still: connections are taken and nothing is answered."""
        os.kill(self.api_server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.api_server.pid, signal.SIGCONT)

    def audited(self, agent: str = "") -> list[dict[str, Any]]:
        """List the requests answered so far whose user agent begins so, in their order."""
        events = objects_in(self.audit_log)
        return [each for each in events if each.get("userAgent", "").startswith(agent)]


def start_control_plane(children: Children, programs: Mapping[str, Path]) -> ControlPlane:
    """Start etcd and an API server, install the fleet's definition, and wait until it is served.

    Raises:
        StackError: one of them does not start.

    """
    folder = children.folder / "control-plane"
    folder.mkdir(exist_ok=True)
    etcd_url = _start_etcd(children, programs["etcd"], folder)
    plane = _start_api_server(children, programs["kube-apiserver"], folder, etcd_url)
    install(plane, packaged.definition())
    return plane


def start_controllers(children: Children, program: Path, plane: ControlPlane) -> Child:
    """Start a controller manager: garbage collection, HPA, budgets, the end of namespaces."""
    child = children.start(
        "kube-controller-manager",
        [
            program,
            f"--kubeconfig={plane.kubeconfig}",
            f"--controllers={','.join(CONTROLLERS)}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--horizontal-pod-autoscaler-sync-period=1s",
            "--horizontal-pod-autoscaler-downscale-stabilization=1s",
        ],
        inherited_environment(),
        grace_seconds=1.0,
    )
    orphan = _make_orphan(plane)
    child.wait_until(lambda: not _is_there(plane, orphan), _READY_SECONDS, "collecting garbage")
    return child


def install(plane: ControlPlane, definition: Mapping[str, Any]) -> None:
    """Install a definition, or put it in the place of the one that is there.

    Waits until it is served, and described to those who ask what its fields are for.
    """
    path = f"{CRDS}/{definition['metadata']['name']}"
    apply = f"{path}?fieldManager=tests&force=true"
    plane.ask("PATCH", apply, definition, "application/apply-patch+yaml")
    plane.api_server.wait_until(lambda: _is_served(plane, definition), _READY_SECONDS, "serving it")


def _start_etcd(children: Children, program: Path, folder: Path) -> str:
    client_port, peer_port = free_ports(2)
    url, peer_url = (f"http://{LOOPBACK}:{port}" for port in (client_port, peer_port))
    command = [
        program,
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    child = children.start("etcd", command, inherited_environment(), grace_seconds=1.0)
    child.wait_until(lambda: answers(f"{url}/health"), _READY_SECONDS, "healthy")
    return url


def _start_api_server(
    children: Children, program: Path, folder: Path, etcd_url: str
) -> ControlPlane:
    (port,) = free_ports(1)
    url, token = f"https://{LOOPBACK}:{port}", secrets.token_hex(24)
    ca_file = folder / "certificates" / "apiserver.crt"
    key_file, public_key_file = _write_service_account_keys(folder)
    audit_log = folder / "audit.log"
    command = [
        program,
        f"--etcd-servers={etcd_url}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--cert-dir={ca_file.parent}",
        f"--token-auth-file={_write(folder / 'tokens.csv', _tokens(token))}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={public_key_file}",
        f"--service-account-signing-key-file={key_file}",
        # Nobody makes the default service account, and these pods have no use for one.
        "--disable-admission-plugins=ServiceAccount",
        # An address of loopback cannot be an endpoint.
        "--endpoint-reconciler-type=none",
        "--allow-privileged=true",
        f"--audit-policy-file={_write(folder / 'audit.json', json.dumps(_AUDIT))}",
        f"--audit-log-path={audit_log}",
    ]
    child = children.start("kube-apiserver", command, inherited_environment(), grace_seconds=1.0)
    kubeconfig = _write(folder / "kubeconfig", json.dumps(_kubeconfig(url, ca_file, token)))
    plane = ControlPlane(url, token, ca_file, kubeconfig, audit_log, child, folder)
    child.wait_until(lambda: _is_ready(plane), _READY_SECONDS, "ready")
    return plane


def _write_service_account_keys(folder: Path) -> tuple[Path, Path]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return (
        _write(folder / "service-accounts.key", private.decode()),
        _write(folder / "service-accounts.pub", public.decode()),
    )


def _write(file: Path, text: str) -> Path:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    return file


def _tokens(token: str) -> str:
    return f'{token},admin,admin,"system:masters"\n'


def _kubeconfig(url: str, ca_file: Path, token: str) -> dict[str, Any]:
    cluster = {"server": url, "certificate-authority": str(ca_file)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
        "current-context": "tests",
    }


def _is_ready(plane: ControlPlane) -> bool:
    try:
        plane.ask("GET", "/api/v1/namespaces/default")
    except (ApiError, OSError):
        return False
    return True


def _is_there(plane: ControlPlane, path: str) -> bool:
    try:
        plane.ask("GET", path)
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True


def _is_served(plane: ControlPlane, definition: Mapping[str, Any]) -> bool:
    spec = definition["spec"]
    kind = spec["names"]["kind"]
    try:
        for version in spec["versions"]:
            group = f"apis/{spec['group']}/{version['name']}"
            plane.ask("GET", f"/{group}/{spec['names']['plural']}")
            described = plane.ask("GET", f"/openapi/v3/{group}")
            if not any(each.endswith(f".{kind}") for each in described["components"]["schemas"]):
                return False
    except ApiError:
        return False  # not known yet, or its storage is being made
    return True


def _make_orphan(plane: ControlPlane) -> str:
    """Make an object whose owner does not exist: it goes as soon as garbage is collected."""
    path = "/api/v1/namespaces/default/configmaps"
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": str(uuid.uuid4())}
    metadata = {"name": f"orphan-{uuid.uuid4().hex[:8]}", "ownerReferences": [owner]}
    plane.ask("POST", path, {"metadata": metadata})
    return f"{path}/{metadata['name']}"
