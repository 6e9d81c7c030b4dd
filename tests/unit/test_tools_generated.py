"""What is generated is written where it is wanted, and found out where it is stale."""

from pathlib import Path

import pytest

from callfleet_tools.generated import END, between_marks, settle

BEGIN = "<!-- made -->"


def test_a_check_writes_nothing_and_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    assert settle(page, "new", "python -m maker", ["--check"]) == 1
    assert not page.exists()
    assert f"{page} is not what" in (said := capsys.readouterr().err)
    assert "run python -m maker" in said
    assert settle(page, "new", "python -m maker", []) == 0
    assert page.read_text(encoding="utf-8") == "new"
    assert settle(page, "new", "python -m maker", ["--check"]) == 0


def test_an_option_that_does_not_exist_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        settle(tmp_path / "page.md", "new", "python -m maker", ["--chekc"])
    assert not list(tmp_path.iterdir())


def test_what_is_outside_of_the_marks_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n", encoding="utf-8")
    assert between_marks(page, BEGIN, "new") == f"above\n{BEGIN}\n\nnew\n{END}\nbelow\n"


@pytest.mark.parametrize("there", ["", BEGIN, f"{END}\n{BEGIN}"])
def test_a_page_without_its_marks_is_answered_with_their_names(tmp_path: Path, there: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(there, encoding="utf-8")
    with pytest.raises(ValueError, match=r"page\.md has not both .* put them back"):
        between_marks(page, BEGIN, "new")
