"""Of a cluster everything is known before it is started: addresses, files, command lines."""

import ipaddress
import itertools
import json
import tarfile
import tomllib
from pathlib import Path

import pytest

from callfleet_tools.node import NodeError, arguments, files, furnishing, images, needs
from callfleet_tools.node.layout import MOST_CLUSTERS, MOST_NODES, Layout
from callfleet_tools.programs import PROGRAMS

FOLDER = Path("/somewhere/cluster")
PROGRAM_PATHS = {each.name: Path("/programs") / each.name for each in PROGRAMS}


def layout(number: int = 0, nodes: int = 2) -> Layout:
    return Layout(FOLDER, number, nodes, PROGRAM_PATHS)


def test_no_two_clusters_and_no_two_nodes_share_an_address() -> None:
    clusters = [layout(number, MOST_NODES) for number in range(MOST_CLUSTERS)]
    ranges = [
        ipaddress.ip_network(text)
        for each in clusters
        for text in (each.link, each.pods, each.services)
    ]
    assert not any(one.overlaps(two) for one, two in itertools.combinations(ranges, 2))
    for each in clusters:
        pods = [ipaddress.ip_network(place.pods) for place in each.places]
        assert not any(one.overlaps(two) for one, two in itertools.combinations(pods, 2))
        assert all(one.subnet_of(ipaddress.IPv4Network(each.pods)) for one in pods)
        addresses = {each.host_address, *(place.address for place in each.places)}
        assert len(addresses) == MOST_NODES + 1
        assert all(
            ipaddress.ip_address(one) in ipaddress.ip_network(each.link) for one in addresses
        )


def test_names_of_links_fit_into_the_kernel() -> None:
    last = layout(MOST_CLUSTERS - 1, MOST_NODES)
    commands = [furnishing.claim(last.interface), *furnishing.attach_node(last.places[-1], 1, 2)]
    after = {"add", "name"}
    names = [name for each in commands for word, name in itertools.pairwise(each) if word in after]
    assert f"{last.interface}in" in names
    assert max(map(len, names)) <= 15


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("relative", "absolute path"),
        ("/" + "long" * 20, "70 characters"),
        ("/run/user/0/cluster", "below /run"),
        ("/var/lib/cluster", "below /var/lib"),
    ],
)
def test_a_folder_in_which_no_node_can_live_is_refused(folder: str, said: str) -> None:
    with pytest.raises(NodeError, match=said):
        Layout(Path(folder), 0, 1, {})


def test_a_cluster_without_nodes_is_refused() -> None:
    with pytest.raises(NodeError, match="1 to 15 nodes, not 0"):
        layout(nodes=0)


def test_every_user_has_a_token_and_a_kubeconfig_with_it() -> None:
    tokens = {name: f"secret-of-{name}" for name in files.users(layout())}
    written = files.control_files(layout(), tokens)
    listed = written[layout().control / "tokens.csv"]
    for name, token in tokens.items():
        kubeconfig = json.loads(written[files.kubeconfig_of(layout(), name)])
        assert kubeconfig["users"][0]["user"]["token"] == token
        assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://10.243.0.2:6443"
        assert token in listed
    assert 'secret-of-node2,system:node:node2,system:node:node2,"system:nodes"' in listed


def test_what_a_node_writes_is_in_its_own_folder() -> None:
    for place in layout().places:
        assert all(file.is_relative_to(place.folder) for file in files.node_files(place))


def test_containerd_is_told_what_it_needs_where_little_is_allowed() -> None:
    place = layout().places[1]
    written = files.node_files(place)
    config = tomllib.loads(written[place.folder / "containerd.toml"])
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["netns_mounts_under_state_dir"] is True
    assert runtime["containerd"]["runtimes"]["runc"]["runtime_path"] == str(
        PROGRAM_PATHS["containerd-shim-runc-v2"]
    )
    pinned = config["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]
    assert pinned == {"sandbox": images.pause_image(Path("pause")).reference}
    alone = tomllib.loads(written[place.folder / "containerd-alone.toml"])
    assert alone["root"] == config["root"]
    assert "io.containerd.grpc.v1.cri" in alone["disabled_plugins"]


def test_a_kubelet_finds_of_the_kernel_what_it_would_set_on_the_machine() -> None:
    place = layout().places[0]
    bound = {tuple(each[2:]) for each in furnishing.mounts(place) if "--bind" in each}
    for name, value in files.TUNABLES.items():
        stand_in = place.folder / "tunables" / name
        assert files.node_files(place)[stand_in].strip() == value
        assert (str(stand_in), f"/proc/sys/{name}") in bound


def test_only_who_is_to_reach_the_internet_is_told_of_it() -> None:
    for internet in (False, True):
        here = Layout(FOLDER, 0, 2, PROGRAM_PATHS, internet=internet)
        tokens = dict.fromkeys(files.users(here), "secret")
        corefile = files.control_files(here, tokens)[here.control / "Corefile"]
        assert ("forward ." in corefile) is internet
        for place in here.places:
            commands = furnishing.inner_network(place)
            gateway = next((each[-1] for each in commands if "default" in each), None)
            to_first = None if place.number == 1 else here.places[0].address
            assert gateway == (to_first if internet else here.host_address)


def test_what_enforces_policies_has_a_name_of_its_own_and_knows_which_services_there_are() -> None:
    here = layout(number=3)
    for place in here.places:
        told = arguments.enforcer(place)
        assert f"--kubeconfig={files.kubeconfig_of(here, 'policies')}" in told
        assert f"--service-cluster-ip-range={here.services}" in told
        assert f"--hostname-override={place.name}" in told
    assert "policies" in files.users(here)


def test_only_what_is_asked_for_needs_more_of_the_machine() -> None:
    assert needs.extras(internet=False, policies=False) == []
    assert needs.extras(internet=True, policies=False) == [needs.SPEAKER]
    assert needs.extras(internet=False, policies=True) == [needs.SETS]


def test_two_nodes_have_groups_of_their_own_for_pods() -> None:
    groups = {
        json.loads(files.node_files(place)[place.folder / "kubelet.json"])["cgroupRoot"]
        for number in range(2)
        for place in layout(number).places
    }
    assert len(groups) == 4


def test_programs_are_started_by_the_paths_that_were_found() -> None:
    first = layout().places[0]
    for command in (
        arguments.etcd(layout()),
        arguments.api_server(layout()),
        arguments.controllers(layout()),
        arguments.scheduler(layout()),
        arguments.dns(layout()),
        arguments.containerd(first),
        arguments.kubelet(first),
        arguments.proxy(first),
        arguments.enforcer(first),
        arguments.ctr(first, "version"),
    ):
        assert command[0] in PROGRAM_PATHS.values()


def test_the_same_image_is_the_same_archive_and_says_what_it_runs(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    image = images.Image("example.invalid/one:1", ("/one",), programs={"one": program})
    first, second = (images.write_archive(image, tmp_path / name) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        (manifest,) = json.loads(read(archive, "manifest.json"))
        config = json.loads(read(archive, manifest["Config"]))
        assert manifest["RepoTags"] == ["example.invalid/one:1"]
        assert config["config"]["Cmd"] == ["/one"]
        assert config["config"]["User"] != "0"
        with tarfile.open(fileobj=archive.extractfile("layer.tar")) as layer:
            assert layer.getmember("one").mode == 0o755


def read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()
