"""A cluster of this machine made fit for calls: our images in it, both charts installed.

LiveKit, an operator and an emulator of Gemini Live run on it then; a fleet is all that is missing,
and can be had as well.
"""

from callfleet_tools.evaluation.furnish import furnish
from callfleet_tools.evaluation.given import Evaluation

__all__ = ["Evaluation", "furnish"]
