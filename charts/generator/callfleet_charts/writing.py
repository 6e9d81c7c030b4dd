"""Write everything that is generated in the charts, or say what is not as it should be."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from callfleet_charts import definition, readme, rights, schema, values

ROOT = Path(__file__).resolve().parents[3]
CHARTS = ROOT / "charts"
DEFINITION = ROOT / "operator" / "callfleet_operator" / "crd" / "voicefleets.yaml"
RIGHTS = ROOT / "docs" / "operator.md"


def files() -> Iterator[tuple[Path, str]]:
    """Give each file with what should be in it."""
    described = _text(DEFINITION)
    fleet = {"fleet": schema.fleet(yaml.safe_load(described))}
    templates = CHARTS / "callfleet" / "templates"
    yield templates / "crd.yaml", definition.template(described)
    yield templates / "_rights.tpl", rights.templates(_text(RIGHTS))
    for name, definitions in (("callfleet", fleet), ("livekit", {})):
        chart = CHARTS / name
        read = values.read(_text(chart / "values.yaml"))
        made = schema.schema(read, definitions)
        yield chart / "values.schema.json", f"{json.dumps(made, indent=1)}\n"
        yield chart / "README.md", readme.page(_text(chart / "README.md"), read)


def main(arguments: Sequence[str]) -> int:
    """Write the files, or check them."""
    wrong = [(file, text) for file, text in files() if not file.exists() or _text(file) != text]
    if "--check" not in arguments:
        for file, text in wrong:
            file.write_text(text, encoding="utf-8")
        return 0
    for file, _ in wrong:
        place = file.relative_to(ROOT)
        sys.stderr.write(f"{place} is not as it is generated: run python charts/generator\n")
    return 1 if wrong else 0


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
