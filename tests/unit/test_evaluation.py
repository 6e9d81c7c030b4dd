"""What a furnished cluster's charts and fleets are told follows from what it has."""

from pathlib import Path
from typing import Any

import pytest

from callfleet_operator.crd import packaged
from callfleet_tools.evaluation import Evaluation, fleets, telling, values
from callfleet_tools.node import Cluster
from callfleet_tools.node.layout import Layout

ROLES = ("worker", "operator", "rehearsal", "livekit-server", "redis")
IMAGES = {role: f"localhost/callfleet-{role}:0123" for role in ROLES}


@pytest.fixture
def evaluation() -> Evaluation:
    return Evaluation(
        cluster=Cluster(Layout(Path("/clusters/one"), 3, 2, {})),
        livekit_url="ws://10.243.3.2:7880",
        api_key="key",
        api_secret="secret of 32 characters at least",
        images=IMAGES,
        emulator_url="https://emulator.test.svc:8443",
        emulator_ca="certificates",
    )


def test_a_fleet_by_hand_has_all_that_its_needs_give(evaluation: Evaluation) -> None:
    secret, config = fleets.needs(evaluation)
    template = fleets.fleet(evaluation, "mine")["spec"]["template"]
    assert template["secrets"] == [secret["metadata"]["name"]]
    assert template["volumes"][0]["configMap"]["name"] == config["metadata"]["name"]
    told = secret["stringData"]
    folder, _, name = told["CALLFLEET_MODEL__CA_FILE"].rpartition("/")
    assert folder == template["volumeMounts"][0]["mountPath"]
    assert config["data"][name] == evaluation.emulator_ca
    assert told["LIVEKIT_API_SECRET"] == evaluation.api_secret


def test_a_fleet_by_hand_is_one_that_the_definition_knows(evaluation: Evaluation) -> None:
    (version,) = packaged.definition()["spec"]["versions"]
    known = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    spec = fleets.fleet(evaluation, "mine", slotsPerPod=3)["spec"]
    assert set(spec) <= set(known)
    assert set(spec["template"]) <= set(known["template"]["properties"])


def test_fields_of_ones_own_win(evaluation: Evaluation) -> None:
    made = fleets.template(evaluation, image="another")
    assert made["image"] == "another"
    assert fleets.fleet(evaluation, "mine", template=made)["spec"]["template"] == made


def test_what_all_fleets_need_is_on_one_node() -> None:
    keys = values.Keys("key", "secret")
    there = values.callfleet(IMAGES, "node1", keys, fleet=False)
    for one in (values.livekit(IMAGES, "node1"), there["operator"], there["emulator"]):
        assert one["nodeSelector"] == {"kubernetes.io/hostname": "node1"}


def test_every_image_is_one_that_a_node_has(evaluation: Evaluation) -> None:
    keys = values.Keys("key", "secret")
    told = [
        values.livekit(IMAGES, "node1"),
        values.callfleet(IMAGES, "node1", keys, fleet=True),
        values.beside(evaluation),
    ]
    images = [image for one in told for image in images_of(one)]
    assert {f"{one['repository']}:{one['tag']}" for one in images} == set(IMAGES.values())
    assert {one["pullPolicy"] for one in images} == {"Never"}


def images_of(told: dict[str, Any]) -> list[dict[str, str]]:
    return [part["image"] for part in told.values() if isinstance(part, dict) and "image" in part]


def test_what_to_type_next_reaches_livekit_with_its_keys(evaluation: Evaluation) -> None:
    said = telling.next_steps(evaluation)
    assert "LIVEKIT_URL=ws://10.243.3.2:7880 LIVEKIT_API_KEY=key" in said
    assert "LIVEKIT_API_SECRET='secret of 32 characters at least'" in said
    assert "rehearse --agent support --model emulator" in said
