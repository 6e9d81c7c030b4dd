"""The verb ``callfleet operator``: look after fleets, or print what an operator needs."""

import base64
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callfleet_contract.signing import write_private_key, write_public_key
from callfleet_operator.settings import PREFIX, WRONG_SETTINGS, SettingsError, load
from callfleet_service.errors import CannotStartError

CANNOT_START = 1
KEY_NAME = "private-key"


class Doing(StrEnum):
    """What to do."""

    RUN = "run"
    KEYS = "keys"
    CRD = "crd"


def operator(
    doing: Annotated[
        Doing,
        typer.Argument(
            help="run an operator; print a key pair as a Secret; print the definition of the "
            "resource, for kubectl apply --server-side -f -"
        ),
    ] = Doing.RUN,
    name: Annotated[str, typer.Option(help="Name of the Secret.")] = "callfleet-operator-keys",
    namespace: Annotated[str | None, typer.Option(help="Namespace of the Secret.")] = None,
) -> None:
    """Look after voice fleets in Kubernetes; everything is set by the environment.

    SIGTERM ends it within seconds: workers and their calls go on without it.
    """
    if doing is Doing.KEYS:
        print(secret(name, namespace), end="")
    elif doing is Doing.CRD:
        from callfleet_operator.crd import packaged  # noqa: PLC0415 - no other verb needs it

        print(packaged.FILE.read_text(encoding="utf-8"), end="")
    else:
        _run()


def secret(name: str, namespace: str | None) -> str:
    """Make a key pair, and write it as a Secret; the public key stands there to be read."""
    key = Ed25519PrivateKey.generate()
    private = base64.b64encode(write_private_key(key).encode()).decode()
    metadata = {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        "annotations": {"callfleet.dev/public-key": write_public_key(key.public_key())},
    }
    described = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "data": {KEY_NAME: private},
    }
    text: str = yaml.safe_dump(described, sort_keys=False)
    return text


def _run() -> None:
    try:
        settings = load()
    except SettingsError as error:
        _give_up(error.sentences, WRONG_SETTINGS)
    # Heavy imports, which a wrong setting should not have to wait for.
    from callfleet_operator.life import Order, run  # noqa: PLC0415 - as above
    from callfleet_operator.reaching.connection import (  # noqa: PLC0415 - as above
        NoClusterError,
        find_cluster,
    )
    from callfleet_operator.reaching.definition import NoDefinitionError  # noqa: PLC0415 - as above
    from callfleet_operator.reaching.keys import NoKeyError, read_keys  # noqa: PLC0415 - as above
    from callfleet_operator.telling.logs import write_logs  # noqa: PLC0415 - as above
    from callfleet_service.ports import bind  # noqa: PLC0415 - heavy

    try:
        keys = read_keys(Path(settings.private_key_file))
        config = find_cluster()
        bound = bind(settings.http, f"{PREFIX}HTTP__PORT")
        write_logs(settings.log)
        code = run(Order(settings, config, keys, bound))
    except (NoKeyError, NoClusterError, NoDefinitionError, CannotStartError) as error:
        _give_up((str(error),), CANNOT_START)
    raise typer.Exit(code)


def _give_up(sentences: tuple[str, ...], code: int) -> NoReturn:
    for sentence in sentences:
        sys.stderr.write(f"callfleet operator: {sentence}\n")
    raise typer.Exit(code)
