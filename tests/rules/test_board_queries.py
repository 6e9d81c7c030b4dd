"""What boards and runbooks ask gives what they say it gives: asked of Prometheus' engine."""

from promtool import Grows, Promtool, Stays, Value, labelled, over

from callfleet_contract import metrics
from callfleet_contract.profiles import ModelProfile
from callfleet_dashboards.boards import operators, overview
from callfleet_dashboards.boards.foreign import firing
from callfleet_dashboards.boards.queries import of
from callfleet_dashboards.boards.words import good_share, stage_means
from callfleet_dashboards.writing import RUNBOOKS
from callfleet_drawing.asking import Span, resolved

CHOSEN = Span(0, 600, 15, 60, {"namespace": "voice", "fleet": "support"})


def shown(expression: str) -> str:
    """Give an expression with the values that are chosen above the board."""
    return resolved(expression, CHOSEN)


def test_stages_one_above_the_other_are_as_high_as_the_mean_reply(promtool: Promtool) -> None:
    """One reply of ten has a tool of two seconds; all take half a second besides."""
    replies = metrics.TURN_RESPONSE_SECONDS.full_name
    stage = metrics.TURN_STAGE_SECONDS.full_name
    course = {
        labelled(f"{replies}_{part}", profile=str(ModelProfile.IDEAL), tools=tools): Grows(each)
        for tools, part, each in (
            ("none", "count", 9),
            ("none", "sum", 4.5),
            ("used", "count", 1),
            ("used", "sum", 2.5),
        )
    }
    told = {"uplink": (10, 1), "model": (10, 3), "tool": (1, 2), "playout": (10, 1)}
    for name, (count, total) in told.items():
        course[labelled(f"{stage}_count", stage=name)] = Grows(count)
        course[labelled(f"{stage}_sum", stage=name)] = Grows(total)
    stack = "\n+\n".join(shown(query.expression) for query in stage_means())
    mean = f"sum(rate({replies}_sum[1m])) / {shown(of(metrics.TURN_RESPONSE_SECONDS).rate())}"
    expected = [Value(f"round({each}, 0.001)", 9, 0.7) for each in (stack, mean)]
    assert promtool.complaint([], over(course, 10), expected) == ""


def test_operators_of_two_releases_do_not_quarrel(promtool: Promtool) -> None:
    (panel,) = [
        each for row in operators.board().rows for each in row.panels if "lead" in each.title
    ]
    (query,) = panel.queries
    course = {
        f'callfleet_operator_leading{{namespace="{release}", pod="{pod}"}}': Stays(leads)
        for release in ("voice", "staging")
        for pod, leads in (("operator-1", 1), ("operator-2", 0))
    }
    expected = [
        Value(f"max({shown(query.expression)})", 4, 1),
        Value(f"count({shown(query.expression)})", 4, 2),
    ]
    assert promtool.complaint([], over(course, 5), expected) == ""


def test_alerts_of_the_installation_are_shown_whichever_namespace_is_chosen(
    promtool: Promtool,
) -> None:
    shows = [
        {"alertname": "CallfleetNoCapacity", "namespace": "voice", "fleet": "support"},
        {"alertname": "CallfleetTargetDown", "namespace": "livekit", "job": "livekit-server"},
        {"alertname": "CallfleetOperatorAbsent", "namespace": "system"},
        {"alertname": "CallfleetOrphanedRooms"},
    ]
    others = [
        {"alertname": "CallfleetNoCapacity", "namespace": "voice", "fleet": "sales"},
        {"alertname": "CallfleetNoCapacity", "namespace": "staging", "fleet": "support"},
        {"alertname": "KubePodCrashLooping", "namespace": "voice"},
    ]
    course = {
        "ALERTS{"
        + ", ".join(f'{key}="{value}"' for key, value in {**each, "alertstate": "firing"}.items())
        + "}": Stays(1)
        for each in (*shows, *others)
    }
    assert promtool.complaint([], over(course, 5), [Value(shown(firing()), 4, len(shows))]) == ""


def test_calls_that_were_cut_are_lost_once_whoever_tells_of_them(promtool: Promtool) -> None:
    (panel,) = [
        each for row in overview.board().rows for each in row.panels if each.title == "Calls lost"
    ]
    (query,) = panel.queries
    cut = {labelled("callfleet_calls_total", outcome="dropped", reason="process_died"): Grows(3)}
    both = cut | {
        labelled("callfleet_calls_ended_by_infrastructure_total", pod="operator-1"): Grows(3)
    }
    for course in (cut, both):
        lost = Value(f"round({shown(query.expression)})", 10, 30)
        assert promtool.complaint([], over(course, 11), [lost]) == ""


def test_the_runbook_of_lost_packets_tells_their_share_of_all_that_were_sent(
    promtool: Promtool,
) -> None:
    page = (RUNBOOKS / "CallfleetMediaBudget.md").read_text(encoding="utf-8")
    (query,) = [line for line in page.splitlines() if "packets_lost" in line]
    course = {
        labelled("callfleet_rtp_packets_lost_total", leg="agent_in"): Grows(30),
        labelled("callfleet_rtp_packets_received_total", leg="agent_in"): Grows(30),
    }
    share = Value(f"round({query}, 0.001)", 10, 0.5)
    assert promtool.complaint([], over(course, 11), [share]) == ""


def test_the_share_of_good_calls_is_never_below_nought(promtool: Promtool) -> None:
    """Ten calls a minute are greeted late and fail: twenty bad events of ten."""
    told = {"slo:sli_bad_events:rate5m": 20, "slo:sli_events:rate5m": 10}
    of_fleet = 'namespace="voice", fleet="support", sloth_slo="call_success"'
    course = {f"{name}{{{of_fleet}}}": Stays(rate) for name, rate in told.items()}
    assert promtool.complaint([], over(course, 5), [Value(shown(good_share()), 4, 0)]) == ""
