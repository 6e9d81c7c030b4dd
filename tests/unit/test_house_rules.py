"""The house keeps its own rules: what is promised is there, and nothing of one machine got in."""

import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 300
SILENCES = re.compile(r"#\s*(?:noqa|type:\s*ignore)")
NAMES = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])")
SAYS_WHY = re.compile(rf"{NAMES.pattern} ?(?: - | # )\S")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


def tracked(*patterns: str) -> list[Path]:
    """Files of the project: what git knows, and what it would add."""
    listed = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "-co", "--exclude-standard", "-z", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    files = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [file for file in files if file.is_file()]


def test_help_says_what_every_target_is_for() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    public = {
        name
        for names in re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
        for name in names.split()
    }
    shown = subprocess.run(
        ["/usr/bin/env", "make"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said = dict(re.findall(r"^  make (\S+) +(\S.*)$", shown.stdout, re.MULTILINE))
    assert set(said) == public
    assert {"rehearse", "test", "check", "verify", "up", "clean", "setup", "help"} <= public


def test_ci_runs_the_readmes_test_command() -> None:
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", tracked("*.md"), ids=lambda file: file.name)
def test_links_in_documents_lead_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    broken = [link for link in inside if not (document.parent / link).exists()]
    assert broken == []


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document in reached or document.suffix != ".md" or not document.is_file():
            continue
        reached.add(document)
        links = LINK.findall(document.read_text(encoding="utf-8"))
        waiting += [(document.parent / link).resolve() for link in links if "://" not in link]
    assert [file.name for file in tracked("docs/*.md", "docs/**/*.md") if file not in reached] == []


def test_modules_are_short_enough_to_be_read_in_one_go() -> None:
    lines = {file: len(file.read_bytes().splitlines()) for file in tracked("*.py")}
    assert {str(file): count for file, count in lines.items() if count > MOST_LINES} == {}


def test_no_path_of_one_machine_is_in_the_tree() -> None:
    folders = "work|root|tmp/lab|home/[a-z]+"
    of_a_machine = re.compile(rf"(?<![\w.-])/(?:{folders})/".encode())
    found = [file for file in tracked() if of_a_machine.search(file.read_bytes())]
    assert [str(file.relative_to(ROOT)) for file in found] == []


def comments(file: Path) -> list[tuple[str, str]]:
    """Each comment of a module, and the line above it."""
    source = file.read_text(encoding="utf-8")
    lines = ["", *source.splitlines()]
    return [
        (token.string, lines[token.start[0] - 1].strip())
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]


def test_whatever_silences_a_checker_names_the_rule_and_says_why() -> None:
    without = [
        f"{file.relative_to(ROOT)}: {comment}"
        for file in tracked("*.py")
        for comment, above in comments(file)
        if SILENCES.match(comment)
        and not (SAYS_WHY.match(comment) or (NAMES.fullmatch(comment) and above.startswith("#")))
    ]
    assert without == []


def test_each_room_says_what_it_promises() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in tracked("*.py")
        if file.read_bytes().strip() and not file.read_bytes().lstrip().startswith(b'"""')
    ]
    assert silent == []
