"""Run the callers as a process of their own."""

import sys
from pathlib import Path

from callfleet_rehearsal.callers import plan as plans
from callfleet_rehearsal.callers.plan import RunPlan
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment


def start_callers(children: Children, plan: RunPlan, folder: Path) -> tuple[Child, Path]:
    """Start the callers, who write into ``folder``; they call as soon as their speech is ready."""
    plan_file, out = folder / "plan.json", folder / "calls.jsonl"
    plans.write(plan, plan_file)
    command = [sys.executable, "-m", "callfleet_rehearsal.callers", str(plan_file), str(out)]
    return children.start("callers", command, inherited_environment(), piped=True), out
