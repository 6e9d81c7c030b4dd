"""Where the emulator is enabled, workers find it by name, believe it, and never see its key."""

import base64
import ssl

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from helm import CHARTS, Helm, Object, of_kind

HOST = "callfleet-emulator.voice.svc"
TOLD = ("--set", "emulator.enabled=true,fleets.support.paused=true")


@pytest.fixture(scope="module")
def objects(helm: Helm) -> list[Object]:
    """What a release with the emulator is, certificates and all."""
    text = helm("template", "callfleet", str(CHARTS / "callfleet"), *TOLD)
    return [one for one in yaml.safe_load_all(text) if one]


def test_workers_are_told_where_it_is_and_what_proves_it(objects: list[Object]) -> None:
    template = template_of_fleet(objects)
    told = {one["name"]: one["value"] for one in template["env"]}
    (mount,) = template["volumeMounts"]
    assert told["CALLFLEET_MODEL__BASE_URL"] == f"https://{HOST}:8443"
    assert told["CALLFLEET_MODEL__CA_FILE"] == f"{mount['mountPath']}/ca.crt"
    assert told["GOOGLE_API_KEY"]


def test_workers_have_its_authority_and_not_its_key(objects: list[Object]) -> None:
    (volume,) = template_of_fleet(objects)["volumes"]
    assert volume["secret"]["secretName"] == "callfleet-emulator"
    assert [one["key"] for one in volume["secret"]["items"]] == ["ca.crt"]


def test_its_certificate_is_for_its_name_and_signed_by_its_authority(
    objects: list[Object],
) -> None:
    (secret,) = [one for one in of_kind(objects, "Secret") if "tls.crt" in one["data"]]
    files = {name: base64.b64decode(text) for name, text in secret["data"].items()}
    authority, shown = (x509.load_pem_x509_certificate(files[f"{n}.crt"]) for n in ("ca", "tls"))
    shown.verify_directly_issued_by(authority)
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert HOST in names.get_values_for_type(x509.DNSName)
    key = load_pem_private_key(files["tls.key"], None)
    assert key.public_key() == shown.public_key()
    strict = ssl.create_default_context(cadata=files["ca.crt"].decode())
    assert strict.get_ca_certs()


def test_a_rehearsal_is_told_that_it_answers(objects: list[Object]) -> None:
    (pod,) = of_kind(objects, "Pod")
    args = pod["spec"]["containers"][0]["args"]
    assert args[args.index("--model") + 1] == "emulator"


def template_of_fleet(objects: list[Object]) -> Object:
    (fleet,) = of_kind(objects, "VoiceFleet")
    template: Object = fleet["spec"]["template"]
    return template
