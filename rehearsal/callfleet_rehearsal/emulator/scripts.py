"""Read a script of turns from YAML or JSON."""

from pathlib import Path
from typing import Any

import pydantic
import yaml

from callfleet_rehearsal.emulator.brain import Script, ScriptedTurn
from callfleet_rehearsal.emulator.speech import GREETING_CLIP, clip_count


class BadScriptError(ValueError):
    """The script cannot be read, or says what cannot be done."""


class _Turn(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    text: str | None = None
    clip: int | None = None
    tool: str | None = None
    args: dict[str, Any] | None = None
    empty: bool = False


class _Script(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    greeting: _Turn = _Turn()
    turns: dict[int, _Turn] = {}
    tool: str | None = None
    args: dict[str, Any] | None = None


def read_script(path: Path) -> Script:
    """Read a script file.

    Raises:
        BadScriptError: with the file, the place and what is allowed there.

    """
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        script = _Script.model_validate(body or {})
    except OSError as error:
        message = f"cannot read the script {path}: {error.strerror}"
        raise BadScriptError(message) from error
    except yaml.YAMLError as error:
        message = f"the script {path} is neither YAML nor JSON: {error}"
        raise BadScriptError(message) from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        message = f"the script {path} is wrong at {place or 'the top'}: {first['msg']}"
        raise BadScriptError(message) from error
    return Script(
        turns={number: _turn(turn, path) for number, turn in script.turns.items()},
        greeting=_turn(script.greeting, path),
        tool=script.tool,
        args=script.args,
    )


def _turn(turn: _Turn, path: Path) -> ScriptedTurn:
    if turn.clip is not None and not GREETING_CLIP <= turn.clip < clip_count():
        message = f"the script {path} asks for clip {turn.clip}; there are 0 to {clip_count() - 1}"
        raise BadScriptError(message)
    return ScriptedTurn(turn.text, turn.clip, turn.tool, turn.args, turn.empty)
