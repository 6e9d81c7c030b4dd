"""See whether the cluster knows the resource, and whether it is of this operator's age."""

from dataclasses import dataclass

import structlog
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition

from callfleet_contract.fleet.names import CRD_NAME, SCHEMA_ANNOTATION, VERSION
from callfleet_operator.crd import packaged
from callfleet_operator.reaching.connection import Connection
from callfleet_operator.reaching.problems import REQUEST_ERRORS, Trouble, explain

log = structlog.get_logger("callfleet_operator")
_NOT_SAID = -1
_APPLY = "`callfleet operator crd | kubectl apply --server-side -f -`"


class NoDefinitionError(Exception):
    """The cluster does not know the resource; says how to install it."""


@dataclass(slots=True)
class Definition:
    """The definition in the cluster, as it was last looked at."""

    trouble: str = ""
    """What is to be mended: it is older than this operator, which fleets notice."""
    _said: str = ""

    async def look(self, connection: Connection) -> None:
        """Look at it, and say what its age means where that is not what was said before.

        Raises:
            NoDefinitionError: there is none, or not of a version that this operator can read.

        """
        theirs, ours = await _number(connection), packaged.our_number()
        if theirs == _NOT_SAID:
            return
        sentence = age(theirs, ours)
        self.trouble = "" if theirs is not None and theirs >= ours else sentence
        if sentence and sentence != self._said:
            log.warning("the definition is of another age", error=sentence)
        self._said = sentence


async def _number(connection: Connection) -> int | None:
    """Ask for its number; -1 where this operator may not ask."""
    try:
        there = await connection.client.get(CustomResourceDefinition, CRD_NAME)
    except REQUEST_ERRORS as error:
        problem = explain(error, f"look for the CustomResourceDefinition {CRD_NAME}")
        if problem.trouble is Trouble.GONE:
            message = f"this cluster has no {CRD_NAME}: install it with {_APPLY}"
            raise NoDefinitionError(message) from error
        if problem.trouble is Trouble.REFUSED:
            log.info("the definition's age is not known", error=problem.sentence)
            return _NOT_SAID
        raise
    annotations = (there.metadata.annotations if there.metadata else None) or {}
    versions = there.spec.versions if there.spec else []
    if not any(one.name == VERSION and one.served for one in versions):
        message = f"{CRD_NAME} does not serve {VERSION}: install this operator's with {_APPLY}"
        raise NoDefinitionError(message)
    return packaged.number_of({"metadata": {"annotations": annotations}})


def age(theirs: int | None, ours: int) -> str:
    """Say what it means that the cluster's definition is older or newer than this operator's."""
    if theirs == ours:
        return ""
    if theirs is None:
        return f"{CRD_NAME} has no {SCHEMA_ANNOTATION}: apply this operator's with {_APPLY}"
    if theirs < ours:
        return (
            f"{CRD_NAME} is older ({theirs}) than this operator ({ours}): what is new in it "
            f"cannot be set; apply this operator's with {_APPLY}"
        )
    return (
        f"{CRD_NAME} is newer ({theirs}) than this operator ({ours}): what is new in it is not "
        "heeded; install the operator that belongs to it"
    )
