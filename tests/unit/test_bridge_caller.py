"""Who in a room is the caller, and which of their tracks is their voice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.rtc import ParticipantKind, TrackSource

from callfleet_worker.bridge.caller import (
    CALLER_KINDS,
    Person,
    SoundTrack,
    choose_caller,
    choose_track,
)

people = st.lists(
    st.builds(Person, st.text(max_size=3), st.integers(0, 8), st.booleans()), max_size=6
)
tracks = st.lists(
    st.builds(SoundTrack, st.text(max_size=3), st.booleans(), st.integers(0, 4)), max_size=6
)


@given(people)
def test_the_caller_is_the_first_human_who_speaks_for_themselves(people: list[Person]) -> None:
    humans = [who for who in people if who.kind in CALLER_KINDS and not who.on_behalf]
    assert choose_caller(people) == (humans[0] if humans else None)


@pytest.mark.parametrize(
    "kind",
    [ParticipantKind.PARTICIPANT_KIND_SIP, ParticipantKind.PARTICIPANT_KIND_STANDARD],
)
def test_phones_and_browsers_call(kind: int) -> None:
    assert choose_caller([Person("x", kind, on_behalf=False)])


@pytest.mark.parametrize(
    "kind",
    [ParticipantKind.PARTICIPANT_KIND_AGENT, ParticipantKind.PARTICIPANT_KIND_EGRESS],
)
def test_agents_and_recorders_do_not_call(kind: int) -> None:
    assert choose_caller([Person("x", kind, on_behalf=False)]) is None


@given(tracks)
def test_only_a_microphone_or_a_sound_of_unknown_source_is_a_voice(
    tracks: list[SoundTrack],
) -> None:
    chosen = choose_track(tracks)
    voices = (TrackSource.SOURCE_MICROPHONE, TrackSource.SOURCE_UNKNOWN)
    if chosen is None:
        assert not any(track.is_audio and track.source in voices for track in tracks)
    else:
        assert chosen.is_audio
        assert chosen.source in voices
        if any(t.is_audio and t.source == TrackSource.SOURCE_MICROPHONE for t in tracks):
            assert chosen.source == TrackSource.SOURCE_MICROPHONE
