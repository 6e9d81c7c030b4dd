"""What to type next at a cluster that is furnished. No clock, no network."""

import shlex

from callfleet_tools.evaluation.given import FLEET, Evaluation


def next_steps(evaluation: Evaluation) -> str:
    """Say what there is to see and to do, as lines that can be typed as they are."""
    reached = {
        "LIVEKIT_URL": evaluation.livekit_url,
        "LIVEKIT_API_KEY": evaluation.api_key,
        "LIVEKIT_API_SECRET": evaluation.api_secret,
    }
    told = " ".join(f"{name}={shlex.quote(value)}" for name, value in reached.items())
    here = f"-n {evaluation.namespace}"
    return f"""
The fleet {FLEET!r} takes calls. See it, and its operator at work:
  kubectl {here} get vf -o wide --watch
Have callers on this machine talk with it:
  {told} \\
    .venv/bin/callfleet rehearse --agent {FLEET} --model emulator --calls 4
Have them do so in a pod, and judge it:
  helm {here} test {evaluation.namespace} --logs --timeout 15m
Bring a change of code in: make cluster, once more. End it all: make cluster-down."""
