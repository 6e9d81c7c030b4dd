"""A caller's DTLS handshake where the network loses what it likes."""

import time

import pytest

from callfleet_rehearsal.callers.dtls import Dtls, HandshakeError, identity


def pair() -> tuple[Dtls, Dtls]:
    fingerprint = identity().fingerprint
    caller = Dtls(client=False, remote_fingerprint=fingerprint)
    sfu = Dtls(client=True, remote_fingerprint=fingerprint)
    sfu.advance()
    return caller, sfu


def say(speaker: Dtls, listener: Dtls) -> list[bytes]:
    """Hand on all that one side has to say."""
    said = speaker.outgoing()
    for datagram in said:
        listener.advance(datagram)
    return said


def last_words_of_the_sfu(caller: Dtls, sfu: Dtls) -> None:
    """Shake hands up to where only the caller's last words are missing."""
    while not caller.done:
        say(sfu, caller)
        if not caller.done:
            say(caller, sfu)


def test_both_sides_get_the_same_keys() -> None:
    caller, sfu = pair()
    last_words_of_the_sfu(caller, sfu)
    say(caller, sfu)
    packet = b"\x80\x6f" + bytes(10) + b"speech"
    assert sfu.done
    assert sfu.sessions()[1].unprotect(caller.sessions()[0].protect(packet)) == packet


def test_last_words_that_were_lost_are_said_again_when_the_sfu_repeats_its_own() -> None:
    caller, sfu = pair()
    last_words_of_the_sfu(caller, sfu)
    assert caller.outgoing() != []
    assert not sfu.done
    while not say(sfu, caller):
        # DTLS waits a second before it repeats.
        time.sleep(0.05)
        sfu.retransmit()
    say(caller, sfu)
    assert sfu.done


def test_a_stranger_in_between_is_named() -> None:
    caller = Dtls(client=False, remote_fingerprint="AB:CD")
    sfu = Dtls(client=True, remote_fingerprint=identity().fingerprint)
    sfu.advance()
    with pytest.raises(HandshakeError, match="announced AB:CD"):
        last_words_of_the_sfu(caller, sfu)
