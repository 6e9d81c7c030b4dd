"""What a user may write in a VoiceFleet is taken, filled up, and kept; nothing else is kept."""

from typing import Any

import pytest
import yaml
from control_plane import ControlPlane
from fleets import IMAGE, create_fleet, fleets_path

from callfleet_contract.fleet.spec import FleetSpec

FULL: dict[str, Any] = yaml.safe_load("""
agentName: porter
livekitURL: wss://livekit.example.com
slotsPerPod: 8
paused: true
autoscaling:
  mode: Manual
  hold: ScaleIn
  minReplicas: 2
  maxReplicas: 40
  maxTotalPods: 60
  externalSessionLimit: 400
  syncSeconds: 2
  headroom: {answerSLO: 0.9999, minIdleSlots: 20, leadTimeSeconds: 30}
  scaleUp: {stabilizationSeconds: 5, maxPods: 10, maxPercent: 50, periodSeconds: 20}
  scaleDown: {stabilizationSeconds: 60, maxPercent: 10, periodSeconds: 30, minPodAgeSeconds: 10}
  metrics:
    staleAfterSeconds: 10
    minFreshPercent: 90
    fallback: {afterSeconds: 30, replicas: 7, behavior: Static}
replicas: 3
drain: {maxCallSeconds: 600, onDeadline: Terminate}
rollout:
  maxSurge: 3
  steps: [10, 50, 100]
  pauseSeconds: 60
  minReadySeconds: 20
  progressDeadlineSeconds: 120
  autoRollback: false
  paused: true
  revisionHistoryLimit: 3
persona:
  instructions: You are the night porter of a small hotel.
  voice: Kore
  temperature: 0.4
  greeting: Say good evening.
  cutOff: Say that you are sorry.
  language: de-DE
  agentClass: callfleet_worker.agents.orders:OrdersAgent
template:
  image: registry.invalid/callfleet-worker@sha256:0000000000000000000000000000000000000000
  imagePullPolicy: IfNotPresent
  imagePullSecrets: [registry]
  secrets: [livekit, gemini-key]
  env:
  - {name: CALLFLEET_LOG__LEVEL, value: debug}
  - name: GOOGLE_API_KEY
    valueFrom: {secretKeyRef: {name: gemini, key: key}}
  volumes:
  - {name: certificates, configMap: {name: company-ca}}
  volumeMounts:
  - {name: certificates, mountPath: /etc/callfleet/ca, readOnly: true}
  resources:
    requests: {cpu: 2, memory: 1Gi}
    limits: {memory: 2Gi}
  nodeSelector: {voice: "true"}
  tolerations:
  - {key: voice, operator: Exists, effect: NoSchedule}
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 1
        podAffinityTerm: {topologyKey: kubernetes.io/hostname}
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway}
  priorityClassName: voice
  serviceAccountName: workers
  labels: {team: support}
  annotations: {example.com/owner: porter}
""")


def test_an_image_is_enough_and_the_rest_is_filled_in(
    control_plane: ControlPlane, namespace: str
) -> None:
    made = create_fleet(control_plane, namespace)["spec"]
    assert made["template"] == {"image": IMAGE}, "what shapes pods is left as it was written"
    assert made["autoscaling"]["mode"] == "Auto"
    assert made["autoscaling"]["minReplicas"] == 1
    assert made["autoscaling"]["headroom"] == {"answerSLO": 0.999, "minIdleSlots": 10}
    assert made["autoscaling"]["metrics"]["fallback"] == {
        "afterSeconds": 60,
        "behavior": "CurrentIfHigher",
    }
    assert made["drain"] == {"onDeadline": "Hold"}
    assert made["rollout"]["maxSurge"] == "25%"
    assert made["rollout"]["steps"] == [100]
    assert made["paused"] is False
    assert set(made) == {"autoscaling", "drain", "paused", "rollout", "template"}


def test_what_is_filled_in_is_what_the_model_has(
    control_plane: ControlPlane, namespace: str
) -> None:
    made = create_fleet(control_plane, namespace)["spec"]
    unfilled = FleetSpec.model_validate({"template": {"image": IMAGE}})
    assert FleetSpec.model_validate(made) == unfilled


def test_of_a_part_that_is_written_only_the_rest_is_filled_in(
    control_plane: ControlPlane, namespace: str
) -> None:
    made = create_fleet(
        control_plane, namespace, autoscaling={"maxReplicas": 3, "scaleDown": {"maxPercent": 50}}
    )["spec"]["autoscaling"]
    assert (made["minReplicas"], made["maxReplicas"]) == (1, 3)
    assert made["scaleDown"] == {
        "maxPercent": 50,
        "minPodAgeSeconds": 300,
        "periodSeconds": 60,
        "stabilizationSeconds": 300,
    }


def test_every_field_can_be_written_and_is_kept(
    control_plane: ControlPlane, namespace: str
) -> None:
    assert set(FULL) == {info.alias for info in FleetSpec.model_fields.values()}
    made = create_fleet(control_plane, namespace, **FULL)["spec"]
    assert made == FULL
    read = FleetSpec.model_validate(made)
    assert read.model_dump(by_alias=True, mode="json", exclude_unset=True) == FULL


def test_what_is_not_known_is_not_kept(control_plane: ControlPlane, namespace: str) -> None:
    made = create_fleet(
        control_plane,
        namespace,
        minReplicas=5,
        template={"securityContext": {"privileged": True}, "resources": {"limit": {"cpu": 1}}},
    )["spec"]
    assert "minReplicas" not in made
    assert made["template"] == {"image": IMAGE, "resources": {}}


@pytest.mark.parametrize("paused", [True, False])
def test_a_status_is_not_for_who_writes_the_spec_nor_the_other_way(
    control_plane: ControlPlane, namespace: str, *, paused: bool
) -> None:
    create_fleet(control_plane, namespace)
    path = fleets_path(namespace, "support")
    both = {"spec": {"paused": paused}, "status": {"calls": 7, "message": "seven calls"}}
    by_spec = control_plane.merge(path, both)
    assert by_spec["spec"]["paused"] is paused
    assert "status" not in by_spec
    both["spec"] = {"paused": not paused}
    by_status = control_plane.merge(f"{path}/status", both)
    assert by_status["spec"]["paused"] is paused
    assert by_status["status"] == {"calls": 7, "message": "seven calls"}
    assert by_status["metadata"]["generation"] == by_spec["metadata"]["generation"]
