"""Decide whether the machine was fit to judge on. Pure.

A busy machine makes good fleets look slow, so it gives no verdict at all. What the fleet itself
uses is never an excuse: on an otherwise idle machine a fleet that fills it is judged.
"""

from callfleet_rehearsal.evidence import MachineState

OTHER_CPU_LIMIT = 0.15
"""Share of the machine that other processes may take."""
STEAL_LIMIT = 0.02
"""Share of the machine that its host may withhold."""
SEND_LATE_LIMIT_SECONDS = 0.020
"""One packet: callers that send later than this no longer speak like people."""
_FULL = 0.8
"""From here on our own load explains late callers and waiting processes..."""
_CALM_OTHER_CPU, _CALM_STEAL = 0.05, 0.005
"""...if others and the host took no more than this."""
_PRESSURE_LIMIT = 0.5
"""Share of the time in which some process waited for a core."""
_OWN_HALF = 0.4
_OTHER_FELT = 0.08


def starvation(machine: MachineState) -> tuple[str, ...]:
    """Say why nothing can be judged on this machine; nothing where it can."""
    others, pressure = machine.other_cpu_ratio or 0.0, machine.cpu_pressure_ratio or 0.0
    own = max(0.0, machine.busy_ratio - others)
    reasons = []
    if others > OTHER_CPU_LIMIT:
        reasons.append(
            f"other processes took {others:.0%} of the machine "
            f"(at most {OTHER_CPU_LIMIT:.0%}): stop them and rehearse again"
        )
    if machine.steal_ratio > STEAL_LIMIT:
        reasons.append(
            f"the host withheld {machine.steal_ratio:.1%} of the machine "
            f"(at most {STEAL_LIMIT:.0%}): rehearse on a machine of its own"
        )
    if machine.send_late_p95_seconds > SEND_LATE_LIMIT_SECONDS and not _full_of_us(machine, own):
        reasons.append(
            f"callers sent {machine.send_late_p95_seconds * 1e3:.0f} ms late at p95 "
            f"(at most {SEND_LATE_LIMIT_SECONDS * 1e3:.0f} ms), and not for the fleet's load: "
            "rehearse on a calmer machine"
        )
    if pressure > _PRESSURE_LIMIT and (others > _OTHER_FELT or own < _OWN_HALF):
        reasons.append(
            f"processes waited for a core {pressure:.0%} of the time while the "
            f"rehearsal itself used {own:.0%} of the machine: something else holds the cores, "
            "or a quota does"
        )
    return tuple(reasons)


def _full_of_us(machine: MachineState, own: float) -> bool:
    others = machine.other_cpu_ratio or 0.0
    calm = others <= _CALM_OTHER_CPU and machine.steal_ratio <= _CALM_STEAL
    return calm and own >= _FULL
