"""Delete an object only if it still is what was seen. The typed client has no way to say so."""

from dataclasses import dataclass

import httpx2
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Pod

from callfleet_operator.objects.making import make
from callfleet_operator.reaching.problems import is_told


@dataclass(frozen=True, slots=True)
class Expected:
    """Which pod is to be deleted: this one, as it was, and no namesake."""

    namespace: str
    name: str
    uid: str
    resource_version: str


async def delete_pod(
    http: httpx2.AsyncClient, pod: Expected, grace_seconds: int | None = None
) -> Pod | None:
    """Delete a pod; give it as it is from now on, while its containers end.

    Raises:
        ApiError: it is not as expected (409), not there (404), or must not be deleted.
        HTTPError: no answer came.

    """
    preconditions = {"uid": pod.uid, "resourceVersion": pod.resource_version}
    options: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": preconditions,
    }
    if grace_seconds is not None:
        options["gracePeriodSeconds"] = grace_seconds
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
    response = await http.request("DELETE", path, json=options)
    if response.is_error:
        if is_told(response):
            raise ApiError(request=response.request, response=response)
        response.raise_for_status()
    told = response.json()
    return make(Pod, told) if told.get("kind") == "Pod" else None
