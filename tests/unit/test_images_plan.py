"""What an image is built from, is called and consists of follows from what is known."""

import io
import json
import tarfile
import tomllib
from datetime import date
from pathlib import Path

import pytest

from callfleet_tools.images import makeup, plan
from callfleet_tools.images.archive import holds
from callfleet_tools.images.inputs import digest, sources
from callfleet_tools.images.inside import thin, wanted

ROOT = Path(__file__).resolve().parents[2]
TREE = Path("/tree")
RECIPE = plan.Recipe(base="base:1", version="0.1.0")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def built(recipe: plan.Recipe) -> list[str]:
    return plan.arguments(plan.Role.WORKER, recipe, TREE, Path("/ids/worker"))


def test_every_role_is_a_target_of_the_recipe_and_an_extra_of_the_project() -> None:
    recipe = (ROOT / "Containerfile").read_text(encoding="utf-8")
    for role in plan.Role:
        assert f"FROM runtime AS {role}\n" in recipe
        assert role in PROJECT["project"]["optional-dependencies"]


def test_everything_that_the_recipe_copies_is_let_into_the_build() -> None:
    let_in = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = set()
    for line in (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            copied |= {name.partition("/")[0] for name in line.split()[1:-1]}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
    rooms = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {room.partition("/")[0] for room in rooms} <= copied


def test_a_build_has_no_time_in_it_and_asks_no_registry() -> None:
    told = built(RECIPE)
    assert told[told.index("--timestamp") + 1] == "0"
    assert "--pull-never" in told
    assert told[told.index("--target") + 1] == "worker"
    assert told[-1] == str(TREE)


def test_certificates_and_an_index_of_ones_own_reach_the_build_alone() -> None:
    plain = built(RECIPE)
    assert not any("INDEX_URL" in one or one.startswith("id=ca") for one in plain)
    own = plan.Recipe("base:1", "0.1.0", Path("/ca.pem"), "https://index.example.com/simple")
    assert "id=ca,src=/ca.pem" in built(own)
    assert "INDEX_URL=https://index.example.com/simple" in built(own)


def test_certificates_and_index_are_those_that_the_machine_is_told() -> None:
    assert plan.ca_bundle({}) is None
    assert plan.ca_bundle({"PIP_CERT": "/a", "SSL_CERT_FILE": "/b"}) == Path("/b")
    assert plan.index_url({}, None) is None
    assert plan.index_url({}, "https://of.pip") == "https://of.pip"
    assert plan.index_url({"PIP_INDEX_URL": "https://mine"}, "https://of.pip") == "https://mine"


def test_an_image_is_named_by_its_content_unless_it_is_given_a_tag() -> None:
    image = "sha256:" + "0123456789abcdef" * 4
    assert plan.reference(plan.Role.WORKER, image) == "localhost/callfleet-worker:0123456789ab"
    assert plan.reference(plan.Role.WORKER, image, "v1") == "localhost/callfleet-worker:v1"
    named = plan.reference(plan.Role.WORKER, image, "v1", "registry.example.com/team/")
    assert named == "registry.example.com/team/worker:v1"


def test_bases_of_earlier_months_are_known_by_their_names() -> None:
    names = [plan.Debian().name(date(2026, month, 1)) for month in (9, 10, 11)]
    assert plan.older_bases([*names, "else"], date(2026, 11, 30)) == names[:2]
    assert plan.older_bases(names, date(2026, 9, 1)) == []


def test_images_that_somebody_put_into_the_store_are_not_ours() -> None:
    listed = "aa localhost/callfleet-worker\nbb <none>\ncc registry.example.com/python\n"
    assert plan.ours(listed) == ["aa", "bb"]
    assert plan.ours("") == []


STAGES = """
FROM base AS rooms
COPY README.md \\
     LICENSE /build/

FROM rooms AS worker-code
COPY worker /build/worker
RUN COPY nothing

FROM rooms AS operator
COPY operator /build/operator

FROM base AS worker
COPY --from=worker-code /code /opt
"""


def test_an_image_is_known_by_what_its_stages_copy(tmp_path: Path) -> None:
    names = ("README.md", "LICENSE", "worker/call.py", "operator/life.py", "docs/images.md")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "Containerfile").write_text(STAGES, encoding="utf-8")

    def known() -> str:
        return digest(tmp_path, "worker", "base")

    before = known()
    for name in ("docs/images.md", "operator/life.py"):
        (tmp_path / name).write_text("y", encoding="utf-8")
    (tmp_path / "worker/__pycache__").mkdir()
    (tmp_path / "worker/__pycache__/call.pyc").write_text("y", encoding="utf-8")
    assert known() == before
    assert digest(tmp_path, "worker", "another base") != before
    seen = {before}
    for name in ("LICENSE", "README.md", "worker/call.py", "worker/new.py"):
        (tmp_path / name).write_text("y", encoding="utf-8")
        seen.add(known())
    (tmp_path / "worker/call.py").chmod(0o755)
    seen.add(known())
    (tmp_path / "worker/new.py").rename(tmp_path / "worker/renamed.py")
    seen.add(known())
    (tmp_path / "Containerfile").write_text(STAGES + "CMD x", encoding="utf-8")
    assert len({*seen, known()}) == 8
    assert plan.known(plan.Role.WORKER, before) == f"localhost/callfleet-worker:of-{before[:12]}"


@pytest.mark.parametrize("role", plan.Role)
def test_a_role_is_built_anew_where_its_own_rooms_change_and_those_it_shares(
    role: plan.Role,
) -> None:
    copied = sources((ROOT / "Containerfile").read_text(encoding="utf-8"), role)
    assert {"contract", "cli", "requirements.lock", role} <= copied
    others = set(plan.Role) - {role}
    assert not others & copied


def archive(path: Path, config: str, *names: str) -> Path:
    """An archive as `docker save` writes it, but for the layers."""
    told = json.dumps([{"Config": config, "RepoTags": names, "Layers": []}]).encode()
    entry = tarfile.TarInfo("manifest.json")
    entry.size = len(told)
    with tarfile.open(path, "w") as opened:
        opened.addfile(entry, io.BytesIO(told))
    return path


def test_an_archive_is_written_again_only_where_it_has_another_image(tmp_path: Path) -> None:
    image, name = "sha256:" + "ab" * 32, "localhost/callfleet-worker:abababababab"
    there = archive(tmp_path / "worker.tar", f"{'ab' * 32}.json", name)
    assert holds(there, image, name)
    assert not holds(there, "sha256:" + "cd" * 32, name)
    assert not holds(there, image, "localhost/callfleet-worker:v1")
    assert not holds(tmp_path / "operator.tar", image, name)


@pytest.mark.parametrize("written", [b"", b"half of an archive", b"\0" * 1024])
def test_what_is_no_whole_archive_is_written_again(tmp_path: Path, written: bytes) -> None:
    broken = tmp_path / "worker.tar"
    broken.write_bytes(written)
    assert not holds(broken, "sha256:ab", "localhost/callfleet-worker:ab")


def test_steps_that_take_time_are_told() -> None:
    assert plan.step("[4/9] STEP 3/3: RUN sh /build/install.sh") == "RUN sh /build/install.sh"
    mounts = "--mount=type=cache,id=callfleet-uv,target=/cache --mount=type=secret,id=ca "
    mounted = f"RUN {mounts}sh /build/install.sh"
    assert plan.step(f"[4/9] STEP 3/3: {mounted}") == "RUN sh /build/install.sh"
    copied = "[9/9] STEP 2/10: COPY --from=packages /opt/callfleet /opt/callfleet"
    assert plan.step(copied) == "COPY --from=packages"
    assert plan.step("[9/9] STEP 7/10: USER 65532:65532") is None
    assert plan.step("--> Using cache 0a3f8298573") is None


def test_a_base_is_made_once_a_month_and_when_what_it_is_made_of_changes() -> None:
    name = plan.Debian().name(date(2026, 11, 1))
    assert name == plan.Debian().name(date(2026, 11, 30))
    assert name != plan.Debian().name(date(2026, 12, 1))
    assert name != plan.Debian(packages=("python3",)).name(date(2026, 11, 1))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("opt/callfleet/lib/python3.11/site-packages/numpy.libs/a.so", "numpy"),
        ("opt/callfleet/lib/python3.11/site-packages/numpy-2.4.6.dist-info/METADATA", "numpy"),
        ("opt/callfleet/lib/python3.11/site-packages/typing_extensions.py", "typing_extensions"),
        ("opt/callfleet/lib/python3.11/site-packages/callfleet_worker/call.py", "callfleet"),
        ("opt/callfleet/lib/python3.11/site-packages/callfleet-0.1.0.dist-info/WHEEL", "callfleet"),
        ("usr/lib/python3.11/asyncio/tasks.py", "Python"),
        ("usr/local/lib/python3.12/asyncio/tasks.py", "Python"),
        ("usr/bin/perl", "Debian"),
    ],
)
def test_each_file_belongs_to_a_part(path: str, part: str) -> None:
    assert makeup.part_of(path) == part


def test_the_largest_parts_are_shown_and_the_rest_as_one() -> None:
    files = [("usr/bin/a", 5), ("usr/bin/b", 5), ("usr/lib/python3.11/c", 7)]
    numpy = "opt/callfleet/lib/python3.11/site-packages/numpy/d"
    shown = makeup.makeup([*files, (numpy, 2)], most=2)
    assert [(one.name, one.size) for one in shown] == [("Debian", 10), ("Python", 7), ("others", 2)]
    assert sum(one.size for one in makeup.makeup(files, most=5)) == 17
    assert makeup.megabytes(1_500_000) == "1.5 MB"


@pytest.mark.parametrize(
    ("text", "size"), [("448 MB", 448_000_000), ("1.23 GB\n1.23 GB", 1_230_000_000), ("17 B", 17)]
)
def test_sizes_are_read_as_buildah_writes_them(text: str, size: int) -> None:
    assert makeup.read_size(text) == size


def test_a_role_wants_what_everybody_does_and_its_own() -> None:
    project = {"project": {"dependencies": ["b"], "optional-dependencies": {"worker": ["a>=1"]}}}
    assert wanted.wanted(project, "worker") == ["a>=1", "b"]
    with pytest.raises(KeyError):
        wanted.wanted(project, "butler")


def test_what_is_wanted_is_read_by_an_installer(capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted.main([str(ROOT / "pyproject.toml"), "operator"]) == 0
    told = tomllib.loads(capsys.readouterr().out)["project"]
    assert any(one.startswith("kopf") for one in told["dependencies"])
    assert set(told["dependencies"]) >= set(PROJECT["project"]["dependencies"])


@pytest.mark.parametrize(
    ("path", "goes"),
    [
        ("numpy/_core/include/numpy/arrayobject.h", True),
        ("numpy/linalg/tests/test_linalg.py", True),
        ("numpy/_core/tests/_natype.py", False),
        ("numpy/f2py/crackfortran.py", True),
        ("numpy/__init__.pyi", True),
        ("numpy/__init__.py", False),
        ("openai/resources/test.py", False),
        ("numpy-2.4.6.dist-info/licenses/LICENSE.txt", False),
    ],
)
def test_files_for_developers_go_and_others_stay(path: str, *, goes: bool) -> None:
    assert thin.is_for_developers(path) is goes


def test_libraries_that_a_wheel_rewrote_are_left_as_they_are() -> None:
    assert thin.may_be_stripped("uvloop/loop.so")
    assert not thin.may_be_stripped("numpy.libs/libscipy_openblas64_-32a4b2a6.so")


def test_hollow_functions_give_their_answer_on_machines_that_are_known() -> None:
    written = thin.assembly(["open_it", "close_it"], 0x80001005, "x86_64")
    assert ".globl open_it" in written
    assert ".globl close_it" in written
    assert "movl $2147487749, %eax" in written
    with pytest.raises(thin.ThinError, match=r"riscv64.*_ANSWERS"):
        thin.assembly(["open_it"], 0, "riscv64")
