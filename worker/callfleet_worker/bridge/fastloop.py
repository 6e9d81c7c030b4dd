"""Run a call's process on uvloop: its timers and its TLS run outside of Python."""

import asyncio

import uvloop


def use_fast_loop() -> None:
    """Have the loops that this process makes from now on be uvloop's. Before the first is made."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
