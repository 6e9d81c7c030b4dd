"""Connect to the API server: the configuration once, and the two clients that use it.

The typed client's ``delete`` knows no preconditions, so pods are deleted through a client of its
own with the same credentials.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import httpx2
import kopf
from lightkube import AsyncClient, KubeConfig
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, SERVICE_ACCOUNT, SingleConfig
from lightkube.core.exceptions import ConfigError

FIELD_MANAGER = "callfleet-operator"
REQUEST_SECONDS = 5.0
"""No write may be under way for longer: it has to end before another operator may lead."""
_LIST_SECONDS = 30.0


class NoClusterError(Exception):
    """No API server is known; says what to set."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The clients of one API server."""

    config: SingleConfig
    client: AsyncClient
    lists: AsyncClient
    """For long lists, which change nothing and may take longer."""
    http: httpx2.AsyncClient

    async def close(self) -> None:
        """Close them."""
        await self.client.aclose()
        await self.lists.aclose()
        await self.http.aclose()


def find_cluster() -> SingleConfig:
    """Take the pod's service account, or where there is none what KUBECONFIG names.

    Raises:
        NoClusterError: neither is there.

    """
    try:
        found = KubeConfig.from_env().get()
    except (ConfigError, KeyError, OSError) as error:
        asked = os.environ.get("KUBECONFIG", DEFAULT_KUBECONFIG)
        message = (
            f"no cluster is known ({error}): run this in a pod with a service account "
            f"({SERVICE_ACCOUNT}), or set KUBECONFIG, now {str(asked)!r}, to a kubeconfig"
        )
        raise NoClusterError(message) from error
    if found is None or found.user is None:
        message = "the kubeconfig's current context names no user: choose another context"
        raise NoClusterError(message)
    if found.user.exec is not None or found.user.auth_provider is not None:
        message = (
            f"the kubeconfig's user of context {found.context_name!r} logs in through a program: "
            "give the operator a token or a client certificate instead"
        )
        raise NoClusterError(message)
    return found


def connect(config: SingleConfig) -> Connection:
    """Build the clients; nothing is sent yet. Proxies of the environment are none of theirs."""
    timeout = httpx2.Timeout(REQUEST_SECONDS)
    limits = client_adapter.ConnectionParams(timeout=timeout, trust_env=False)
    return Connection(
        config,
        AsyncClient(config=config, timeout=timeout, field_manager=FIELD_MANAGER, trust_env=False),
        AsyncClient(config=config, timeout=httpx2.Timeout(_LIST_SECONDS), trust_env=False),
        client_adapter.AsyncClient(config, limits),
    )


def kopf_login(config: SingleConfig) -> kopf.ConnectionInfo:
    """Give kopf the same cluster and credentials; a token in a file is read again each time."""
    cluster, user = config.cluster, config.user
    token = user.token if user else None
    if user is not None and user.token_file is not None:
        token = Path(user.token_file).read_text(encoding="utf-8").strip()
    return kopf.ConnectionInfo(
        server=cluster.server,
        ca_path=_path(config, cluster.certificate_auth),
        ca_data=None if cluster.certificate_auth else cluster.certificate_auth_data,
        insecure=cluster.insecure,
        username=user.username if user else None,
        password=user.password if user else None,
        token=token,
        certificate_path=_path(config, user.client_cert) if user else None,
        certificate_data=user.client_cert_data if user and not user.client_cert else None,
        private_key_path=_path(config, user.client_key) if user else None,
        private_key_data=user.client_key_data if user and not user.client_key else None,
        default_namespace=config.namespace,
    )


def _path(config: SingleConfig, path: str | None) -> str | None:
    return None if path is None else str(config.abs_file(path))
