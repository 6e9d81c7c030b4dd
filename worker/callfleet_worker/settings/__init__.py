"""Everything that can be set, as one typed object: ``load()`` reads it, or says what to correct.

In a job process the parent's settings are already there: ``ctx.proc.userdata["settings"]``.
"""

from callfleet_service.kinds import LogFormat, LogLevel
from callfleet_worker.settings.admission import AdmissionSettings
from callfleet_worker.settings.loading import SettingsError, load
from callfleet_worker.settings.model import (
    CompressionSettings,
    ModelSettings,
    Sensitivity,
    TranscriptionSettings,
)
from callfleet_worker.settings.sections import (
    CallerSettings,
    DrainSettings,
    EarsSettings,
    FarewellSettings,
    FarewellWay,
    HttpSettings,
    LivekitSettings,
    LogSettings,
    MouthSettings,
    PersonaSettings,
)
from callfleet_worker.settings.telemetry import TelemetrySettings
from callfleet_worker.settings.tree import Settings

__all__ = [
    "AdmissionSettings",
    "CallerSettings",
    "CompressionSettings",
    "DrainSettings",
    "EarsSettings",
    "FarewellSettings",
    "FarewellWay",
    "HttpSettings",
    "LivekitSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "ModelSettings",
    "MouthSettings",
    "PersonaSettings",
    "Sensitivity",
    "Settings",
    "SettingsError",
    "TelemetrySettings",
    "TranscriptionSettings",
    "load",
]
