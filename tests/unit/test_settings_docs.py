"""The settings' page says what the settings say, and each setting tells its consequence."""

from callfleet_service.expectations import expected
from callfleet_worker.settings import Settings
from callfleet_worker.settings.sources import fields_of
from callfleet_worker.settings_docs import PAGE, main, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
    assert main(["--check"]) == 0


def test_every_setting_says_what_it_does_and_what_it_takes() -> None:
    for place, info in fields_of(Settings):
        assert info.description, place
        assert info.description.endswith("."), place
        assert expected(info), place
