"""Who it is that sends: the program, its pod, its fleet."""

import uuid

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from callfleet_service.metrics import package_version
from callfleet_service.whereabouts import Whereabouts


def resource(service_name: str, here: Whereabouts) -> Resource:
    """Describe this program. What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say wins."""
    known = {
        "service.name": service_name,
        "service.version": package_version(),
        "service.instance.id": here.pod_uid or str(uuid.uuid4()),
        "k8s.namespace.name": here.namespace,
        "k8s.pod.name": here.pod,
        "k8s.pod.uid": here.pod_uid,
        "k8s.node.name": here.node,
        "k8s.container.name": here.container,
        "callfleet.fleet": here.fleet,
    }
    ours = {name: said for name, said in known.items() if said}
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})
