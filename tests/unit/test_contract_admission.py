"""What operator and worker say to each other is read as it was written, or refused in words."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.admission import (
    MOST,
    MOST_BYTES,
    Order,
    Refusal,
    Report,
    WireError,
    encode,
    read_order,
    read_refusal,
    read_report,
)

NUMBERS = st.integers(0, MOST)
WHOLE_NUMBERS = [field.name for field in dataclasses.fields(Report) if field.type is int]
REPORT = Report(
    pod_uid="uid",
    boot_id="boot",
    sequence=1,
    epoch=0,
    cordoned=False,
    registered=True,
    draining=False,
    slots=10,
    reserved=1,
    active=2,
    accepted_total=5,
    ended_total=2,
    refused_total=0,
    cut_total=0,
    call_seconds_total=61.5,
)


def told(**other: Any) -> bytes:
    """A report as it comes, with some of it replaced."""
    return json.dumps(json.loads(encode(REPORT)) | other).encode()


@given(
    st.builds(
        Report,
        **dict.fromkeys(WHOLE_NUMBERS, NUMBERS),
        call_seconds_total=st.floats(0, MOST),
        pod_uid=st.text(max_size=40),
        boot_id=st.text(max_size=40),
    )
)
def test_a_report_is_read_as_it_was_written(report: Report) -> None:
    assert read_report(encode(report)) == report


@given(st.builds(Order, epoch=st.integers(1, MOST), reason=st.text(max_size=200)))
def test_an_order_is_read_as_it_was_written(order: Order) -> None:
    if len(encode(order)) <= MOST_BYTES:
        assert read_order(encode(order)) == order


@pytest.mark.parametrize("refusal", [Refusal("no"), Refusal("no", REPORT)])
def test_a_refusal_is_read_as_it_was_written(refusal: Refusal) -> None:
    assert read_refusal(encode(refusal)) == refusal


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_a_message_or_told_to_be_none(line: bytes) -> None:
    for read in (read_report, read_order, read_refusal):
        with pytest.raises(WireError):
            read(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[" * MOST_BYTES, "no JSON"),
        (b" " * (MOST_BYTES + 1), f"{MOST_BYTES} are the most"),
        (b"[1]", "a JSON list in place of an object"),
        (b"\xff\xfe", "no JSON"),
        (told(slots=True), "slots is True, which is no int"),
        (told(slots=1.0), "slots is 1.0, which is no int"),
        (told(slots=-1), "slots is -1: it has to be from 0 to"),
        (told(epoch=MOST + 1), f"epoch is {MOST + 1}: it has to be"),
        (told(call_seconds_total=10**400), "which is no float"),
        (told(call_seconds_total=float("nan")), "NaN is no number"),
        (told().replace(b"61.5", b"1e999"), "call_seconds_total is inf: it has to be"),
        (told(cordoned=1), "cordoned is 1, which is no bool"),
        (told(pod_uid=None), "pod_uid is None, which is no str"),
        (told(pod_uid=["x" * 2000]), "…, which is no str"),
    ],
)
def test_what_is_wrong_with_a_report_is_said(line: bytes, said: str) -> None:
    with pytest.raises(WireError, match=re.escape(said)) as refused:
        read_report(line)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Report)])
def test_each_part_of_a_report_has_to_be_there_but_those_that_came_later(name: str) -> None:
    facts = json.loads(encode(REPORT))
    del facts[name]
    line = json.dumps(facts).encode()
    if name in {"given_back_total", "unconnected"}:
        assert read_report(line) == REPORT
    else:
        with pytest.raises(WireError, match=f"{name} is missing"):
            read_report(line)


def test_a_newer_worker_may_say_more() -> None:
    assert read_report(told(mood="good")) == REPORT


def test_the_first_epoch_of_an_order_is_one() -> None:
    with pytest.raises(WireError, match="epoch is 0"):
        read_order(encode(Order("uid", 0, cordon=True)))


def test_a_refusal_with_half_a_report_is_none() -> None:
    with pytest.raises(WireError, match="boot_id is missing"):
        read_refusal(b'{"error":"no","report":{"pod_uid":"uid"}}')
    with pytest.raises(WireError, match="report is a JSON int"):
        read_refusal(b'{"error":"no","report":1}')


def test_a_worker_that_only_lost_livekit_is_not_idle() -> None:
    lost = dataclasses.replace(REPORT, registered=False, reserved=0, active=0)
    assert not lost.accepting
    assert not lost.idle
    assert dataclasses.replace(lost, cordoned=True).idle
    assert dataclasses.replace(lost, draining=True).idle
    assert not dataclasses.replace(REPORT, cordoned=True).idle


def test_the_page_shows_messages_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "admission.md").read_text(encoding="utf-8")
    report = page.partition("```json\n")[2].partition("```")[0]
    assert set(json.loads(report)) == {field.name for field in dataclasses.fields(Report)}
    shown = read_report(report.encode())
    assert shown.accepted_total == shown.ended_total + shown.given_back_total + shown.calls
    order = page.partition("**An order** is `")[2].partition("`")[0]
    assert read_order(order.encode()).epoch == shown.epoch + 1


def test_free_slots_are_those_that_a_call_could_get() -> None:
    assert (REPORT.calls, REPORT.free) == (3, 7)
    assert dataclasses.replace(REPORT, cordoned=True).free == 0
    assert dataclasses.replace(REPORT, slots=2).free == 0
