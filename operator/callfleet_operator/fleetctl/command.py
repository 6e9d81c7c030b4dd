"""The verb ``callfleet fleet`` and what can be said after it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from callfleet_contract.fleet.status import RolloutPhase
from callfleet_operator.fleetctl import columns, wishes
from callfleet_operator.fleetctl.cluster import Cluster, ClusterError, ask_operator
from callfleet_operator.fleetctl.wishes import RefusedError
from callfleet_operator.objects.seen import SeenFleet
from callfleet_operator.planning.actions import Reason
from callfleet_operator.settings import PORT

CANNOT = 1
_LOOK_SECONDS = 1.0
_FAILED = frozenset({RolloutPhase.FAILED, RolloutPhase.UNDONE, RolloutPhase.UNDOING})

fleet = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="See fleets, and say what is wanted of their pods and rollouts.",
)
rollout = typer.Typer(no_args_is_help=True, help="See a rollout, hold it, or take it back.")
fleet.add_typer(rollout, name="rollout")

Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Where; else as the kubeconfig says.")
]
Wait = Annotated[
    float, typer.Option("--wait", help="Seconds to wait for its end; 0 does not.", min=0)
]


@contextmanager
def _reaching(namespace: str | None) -> Iterator[Cluster]:
    try:
        yield Cluster(namespace)
    except (ClusterError, RefusedError) as error:
        sys.stderr.write(f"callfleet fleet: {error}\n")
        raise typer.Exit(CANNOT) from error


@fleet.command("list")
def list_fleets(
    namespace: Namespace = None,
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")
    ] = False,
    pods: Annotated[bool, typer.Option("--pods", help="With each fleet's pods.")] = False,
) -> None:
    """Show fleets: who accepts calls, who drains, how many are wanted, and why."""
    with _reaching(namespace) as cluster:
        found = cluster.fleets(everywhere=everywhere)
        now = time.time()
        if not found:
            where = "any namespace" if everywhere else f"namespace {cluster.namespace}"
            print(f"there is no fleet in {where}")
            return
        print(columns.table(columns.FLEET_HEADS, [columns.fleet_row(one, now) for one in found]))
        for one in found:
            for trouble in columns.troubles(one):
                print(f"{one.key}: {trouble}")
            if pods:
                rows = [columns.pod_row(pod, now) for pod in cluster.pods(one)]
                print(f"\n{one.key}\n{columns.table(columns.POD_HEADS, rows)}")


@fleet.command()
def cordon(pod: str, namespace: Namespace = None) -> None:
    """Have a pod take no more calls; it stays until `drain` or `uncordon`."""
    _order(pod, namespace, Reason.USER_CORDON)


@fleet.command()
def drain(pod: str, namespace: Namespace = None, wait: Wait = 0) -> None:
    """Have a pod take no more calls, and go when its last call has ended."""
    _order(pod, namespace, Reason.USER_DRAIN, wait)


def _order(name: str, namespace: str | None, reason: Reason, wait_seconds: float = 0) -> None:
    with _reaching(namespace) as cluster:
        pod = cluster.pod(name)
        wish = wishes.cordon(pod, reason)
        cluster.write_pod(pod, wish)
        print(wish.said)
        if wait_seconds and not _waited(lambda: not cluster.has_pod(pod), wait_seconds):
            message = f"pod {name} is still there after {wait_seconds:.0f} s: calls go on, wait on"
            raise ClusterError(message)


@fleet.command()
def uncordon(pod: str, namespace: Namespace = None) -> None:
    """Have a pod take calls again."""
    with _reaching(namespace) as cluster:
        seen = cluster.pod(pod)
        wish = wishes.uncordon(seen)
        cluster.write_pod(seen, wish)
        print(wish.said)


@fleet.command()
def plan(
    name: Annotated[str, typer.Argument(metavar="FLEET")],
    namespace: Namespace = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="How the number came about, step by step.")
    ] = False,
    operator: Annotated[
        str, typer.Option(envvar="CALLFLEET_OPERATOR_URL", help="The operator that leads.")
    ] = f"http://127.0.0.1:{PORT}",
) -> None:
    """Say what the operator last decided for a fleet, and why."""
    with _reaching(namespace) as cluster:
        told = ask_operator(operator, cluster.fleet(name))
        print(f"{told['message']}")
        for action in told["actions"]:
            print(f"  {action}")
        if explain:
            print("\n".join(f"- {note}" for note in told["notes"]))


@rollout.command()
def status(
    name: Annotated[str, typer.Argument(metavar="FLEET")],
    namespace: Namespace = None,
    wait: Wait = 0,
) -> None:
    """Say where a rollout stands; exit code 1 where it failed or is undone."""
    with _reaching(namespace) as cluster:
        seen = cluster.fleet(name)
        if wait:
            _waited(lambda: _is_over(cluster.fleet(name)), wait)
            seen = cluster.fleet(name)
        print("\n".join(columns.rollout_lines(str(seen.key), seen.status.rollout)))
        if seen.status.rollout.phase in _FAILED or (wait and not _is_over(seen)):
            raise typer.Exit(CANNOT)


@rollout.command()
def undo(
    name: Annotated[str, typer.Argument(metavar="FLEET")], namespace: Namespace = None
) -> None:
    """Have the revision before take the place of the present one."""
    _wish(name, namespace, wishes.undo)


@rollout.command()
def pause(
    name: Annotated[str, typer.Argument(metavar="FLEET")], namespace: Namespace = None
) -> None:
    """Hold a rollout where it is."""
    _wish(name, namespace, lambda seen: wishes.pause(seen, paused=True))


@rollout.command()
def resume(
    name: Annotated[str, typer.Argument(metavar="FLEET")], namespace: Namespace = None
) -> None:
    """Let a rollout go on."""
    _wish(name, namespace, lambda seen: wishes.pause(seen, paused=False))


def _wish(name: str, namespace: str | None, decide: Callable[[SeenFleet], wishes.Wish]) -> None:
    with _reaching(namespace) as cluster:
        seen = cluster.fleet(name)
        wish = decide(seen)
        cluster.write_fleet(seen, wish)
        print(wish.said)


def _is_over(seen: SeenFleet) -> bool:
    told = seen.status
    is_seen = told.observed_generation >= seen.generation
    return is_seen and told.rollout.phase not in (RolloutPhase.ROLLING, RolloutPhase.UNDOING)


def _waited(true: Callable[[], bool], seconds: float) -> bool:
    ends_at = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends_at:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
