"""What happens in a call's process before the call: settings, event line and logs are there then.

The parent's settings travel with the process, so that a file edited meanwhile cannot give one
call other settings than the next.
"""

from multiprocessing.util import Finalize
from pathlib import Path

from livekit.agents import JobProcess
from livekit.agents.ipc import job_proc_lazy_main

from callfleet_worker.bridge.fastloop import use_fast_loop
from callfleet_worker.model.build import prewarm
from callfleet_worker.parent.logs import send_logs_to_parent
from callfleet_worker.reporting import EventSink
from callfleet_worker.settings import Settings
from callfleet_worker.userdata import EVENTS_KEY, SETTINGS_KEY


def prepare(process: JobProcess, *, settings: Settings, event_socket: Path) -> None:
    """Make a process ready for its call."""
    send_logs_to_parent(settings.log)
    use_fast_loop()
    # 60 s at the framework's default, which would have to be added to every grace period.
    job_proc_lazy_main._SESSION_ACLOSE_TIMEOUT = float(settings.drain.close_seconds)  # noqa: SLF001
    prewarm(settings)
    events = EventSink(event_socket)
    # A process of this kind leaves without atexit.
    Finalize(None, events.close, exitpriority=10)
    process.userdata[SETTINGS_KEY] = settings
    process.userdata[EVENTS_KEY] = events
