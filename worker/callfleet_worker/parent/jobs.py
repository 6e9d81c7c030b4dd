"""What happens in a call's process before the call: settings, event line and logs are there then.

The parent's settings travel with the process, so that a file edited meanwhile cannot give one
call other settings than the next.
"""

from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path

from livekit.agents import JobProcess

from callfleet_worker.bridge.fastloop import use_fast_loop
from callfleet_worker.model.build import prewarm
from callfleet_worker.parent.logs import send_logs_to_parent
from callfleet_worker.reporting import EventSink
from callfleet_worker.settings import Settings
from callfleet_worker.upstream.jobs import bound_session_close
from callfleet_worker.userdata import EVENTS_KEY, SETTINGS_KEY


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is done in a process before it takes calls, and what before each of them."""

    settings: Settings
    event_socket: Path

    def __call__(self, process: JobProcess) -> None:
        """Make a process ready for the one call that it is for."""
        self.process()
        # A process of this kind leaves without atexit.
        Finalize(None, self.call(process).close, exitpriority=10)

    def process(self) -> None:
        """Do once a process what takes long."""
        send_logs_to_parent(self.settings.log)
        use_fast_loop()
        # 60 s at the framework's default, which would have to be added to every grace period.
        bound_session_close(float(self.settings.drain.close_seconds))
        prewarm(self.settings)

    def call(self, process: JobProcess) -> EventSink:
        """Put in place what a call looks for; whoever ends it closes its line to the parent."""
        events = EventSink(self.event_socket)
        process.userdata[SETTINGS_KEY] = self.settings
        process.userdata[EVENTS_KEY] = events
        return events
