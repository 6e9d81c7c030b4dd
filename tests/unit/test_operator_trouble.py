"""What an operator does where the API server, a worker, or another hand is against it."""

from collections.abc import Callable

from aiohttp import web
from fake_kinds import refusal
from fake_kube import Fault
from operator_stand import fleet, stand, until


def refusing(method: str, ending: str, answer: Callable[[], web.Response], times: int) -> Fault:
    """Refuse the first so many requests of a kind."""
    left = [times]

    def fault(request: web.Request) -> web.StreamResponse | None:
        if request.method != method or not request.path.endswith(ending) or left[0] <= 0:
            return None
        left[0] -= 1
        return answer()

    return fault


async def test_a_busy_api_server_is_left_alone_for_as_long_as_it_asks() -> None:
    async with stand() as one:
        busy = refusing("POST", "/pods", lambda: refusal(429, "TooManyRequests", "later"), 2)
        one.kube.faults.append(busy)
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "both are made at last")
        assert len(one.pods()) == 2


async def test_an_unwell_api_server_makes_no_pod_twice() -> None:
    async with stand() as one:
        unwell = refusing("POST", "/pods", lambda: refusal(500, "InternalError", "unwell"), 3)
        one.kube.faults.append(unwell)
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "both are made at last")
        assert len(one.pods()) == 2


async def test_a_refused_pod_is_said_in_the_status_in_the_api_servers_words() -> None:
    async with stand() as one:
        words = "exceeded quota: pods=1"
        one.kube.faults.append(
            refusing("POST", "/pods", lambda: refusal(403, "Forbidden", words), 10_000)
        )
        await one.kube.put("voicefleets", fleet())
        await until(lambda: words in one.conditions().get("Degraded", ""), "Degraded quotes it")
        await until(lambda: "CannotCreatePod" in one.event_reasons(), "an Event does as well")
        one.kube.faults.clear()
        await until(lambda: one.status().get("accepting") == 1, "with room it is made")
        await until(lambda: "Degraded" not in one.conditions(), "and nothing is wrong any more")


async def test_a_pod_that_another_hand_changed_is_seen_anew_before_it_is_cordoned() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        conflict = refusing("PATCH", "", lambda: refusal(409, "Conflict", "changed"), 0)
        one.kube.faults.append(conflict)
        pod = one.pods()[0]
        await one.kube.put("pods", {**pod, "metadata": {**pod["metadata"], "annotations": {}}})
        await one.change(replicas=1)
        await until(lambda: len(one.pods()) == 1, "one is gone")


async def test_a_worker_that_does_not_obey_is_reminded_and_its_pod_stays() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        for worker in one.kubelet.of("talkers"):
            one.kubelet.disobey(worker)
        await one.change(replicas=1)
        await until(
            lambda: any(one.kubelet.disobeyed(worker) >= 2 for worker in one.kubelet.of("talkers")),
            "the order is sent again",
        )
        assert len(one.pods()) == 2
        for worker in one.kubelet.of("talkers"):
            one.kubelet.obey(worker)
        await until(lambda: len(one.pods()) == 1, "it obeys, and its pod goes")


async def test_a_worker_that_falls_silent_counts_as_busy_and_is_not_deleted() -> None:
    async with stand() as one:
        stale = {"mode": "Manual", "syncSeconds": 1, "metrics": {"staleAfterSeconds": 5}}
        await one.kube.put("voicefleets", fleet(replicas=2, autoscaling=stale))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        for worker in one.kubelet.of("talkers"):
            worker.hang()
        await until(lambda: one.status().get("freshPercent") == 0, "none is heard")
        await one.change(replicas=0)
        await one.ticks(3)
        assert len(one.pods()) == 2
        for worker in one.kubelet.of("talkers"):
            worker.recover()
        await until(lambda: one.pods() == [], "heard and idle, they go")


async def test_what_answers_with_another_pods_uid_is_not_believed() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        (worker,) = one.kubelet.of("talkers")
        worker.call(2)
        await until(lambda: one.status().get("calls") == 2, "its calls are known")
        own = worker.report.pod_uid
        worker.say(pod_uid="another", active=7)
        await until(lambda: "ReportNotBelieved" in one.event_reasons(), "an Event says so")
        await until(
            lambda: "pod uid another answers" in one.conditions().get("Degraded", ""),
            "the status says so",
        )
        assert one.status()["calls"] == 2
        assert one.metric("admission_reports_ignored_total") >= 1
        await one.change(replicas=0)
        await one.ticks(3)
        assert len(one.pods()) == 1
        worker.say(pod_uid=own, active=2)
        await until(
            lambda: "answered for" not in one.conditions().get("Degraded", ""), "it is mended"
        )
        worker.hang_up(2)
        await until(lambda: one.pods() == [], "heard and idle, it goes")
        assert one.metric("calls_ended_by_infrastructure_total") == 0


async def test_who_lets_nobody_listen_is_told_in_the_status() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        (worker,) = one.kubelet.of("talkers")
        worker.call(2)
        await until(lambda: one.status().get("calls") == 2, "its calls are known")
        one.kubelet.take_over(worker, pod_uid="another")
        await until(
            lambda: "signature is not the operator's" in one.conditions().get("Degraded", ""),
            "the status quotes the refusal",
        )
        assert one.status()["calls"] == 2
        assert len(one.pods()) >= 1
        assert one.metric("calls_ended_by_infrastructure_total") == 0


async def test_nothing_is_tried_for_ever_in_a_namespace_that_ends() -> None:
    async with stand() as one:
        words = "unable to create new content in namespace voice because it is being terminated"
        tried = []

        def ending(request: web.Request) -> web.StreamResponse | None:
            if request.method != "POST" or "/namespaces/voice/" not in request.path:
                return None
            if not request.path.endswith("/events"):
                tried.append(request.path)
            return refusal(403, "Forbidden", words)

        one.kube.faults.append(ending)
        await one.kube.put("voicefleets", fleet())
        await until(lambda: words in one.conditions().get("Degraded", ""), "the status says why")
        first = len(tried)
        await until(lambda: len(tried) > first, "it is tried again")
        await one.ticks(3)
        assert len(tried) <= 3 * first


async def test_a_budget_of_another_owner_is_left_alone_and_said() -> None:
    async with stand() as one:
        theirs = {"metadata": {"name": "talkers", "namespace": "voice"}, "spec": {"x": 1}}
        await one.kube.put("poddisruptionbudgets", theirs)
        await one.kube.put("voicefleets", fleet())
        await until(
            lambda: "not this fleet's" in one.conditions().get("Degraded", ""), "it says so"
        )
        assert one.kube.one("poddisruptionbudgets", "talkers")["spec"] == {"x": 1}
        await until(lambda: one.status().get("accepting") == 1, "its pod is made all the same")


async def test_a_pod_whose_end_every_watch_missed_is_missed_at_the_next_list() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        one.kubelet.of("talkers")[0].call(2)
        await until(lambda: one.status().get("calls") == 2, "its calls are known")
        one.kube.lose("pods", one.pods()[0]["metadata"]["name"])
        await until(
            lambda: one.metric("calls_ended_by_infrastructure_total") == 2, "two are counted"
        )
        await until(lambda: one.status().get("accepting") == 1, "another takes its place")


async def test_pods_on_a_node_that_is_gone_are_taken_away_and_replaced() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        one.kubelet.of("talkers")[0].call(2)
        await until(lambda: one.status().get("calls") == 2, "its calls are known")
        gone = one.pods()[0]["metadata"]["name"]
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        await one.kube.put("nodes", {"metadata": {"name": "node2"}, "spec": {}, "status": ready})
        one.kubelet.node = "node2"
        one.kubelet.of_pod(one.pods()[0]).hang()
        await one.kube.remove("nodes", "node1")
        await until(
            lambda: gone not in {pod["metadata"]["name"] for pod in one.kube.of("pods")},
            "its pod is taken away",
        )
        await until(
            lambda: one.metric("calls_ended_by_infrastructure_total") == 2, "two are counted"
        )
        await until(lambda: one.status().get("accepting") == 1, "another takes its place")


async def test_a_pod_on_a_node_that_was_never_heard_of_is_not_taken_for_lost() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        one.kubelet.node = "node2"
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        node = {"metadata": {"name": "node2"}, "spec": {}, "status": ready}
        one.kube.hide("nodes", node)
        await one.change(replicas=2)
        await until(lambda: one.status().get("accepting") == 2, "both accept")
        await one.ticks(3)
        assert len(one.pods()) == 2


async def test_a_fleet_made_anew_waits_until_what_its_namesake_left_is_gone() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        old = one.pods()[0]["metadata"]["name"]
        await one.kube.remove("voicefleets", "talkers")
        await one.kube.put("voicefleets", fleet())
        await until(lambda: "Degraded" in one.conditions(), "it says what is in its way")
        assert [pod["metadata"]["name"] for pod in one.pods()] == [old]
        for plural in ("controllerrevisions", "poddisruptionbudgets", "pods"):
            for thing in one.kube.of(plural):
                await one.kube.remove(plural, thing["metadata"]["name"])
        await until(lambda: one.status().get("accepting") == 1, "it gets its own")
        fleets, pods = one.kube.of("voicefleets"), one.pods()
        owners = [pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods]
        assert owners == [fleets[0]["metadata"]["uid"]]


async def test_a_variable_that_the_operator_sets_itself_is_said_to_be_ignored() -> None:
    async with stand() as one:
        env = [{"name": "CALLFLEET_HTTP__PORT", "value": "1"}]
        await one.kube.put("voicefleets", fleet(template={"image": "worker:1", "env": env}))
        await until(lambda: "EnvironmentIgnored" in one.event_reasons(), "an Event says so")


async def test_kopf_asks_for_no_pod_of_others_and_writes_nothing() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        written = {(write.method, write.plural) for write in one.kube.writes}
        assert written <= {
            ("POST", "leases"),
            ("PUT", "leases"),
            ("POST", "controllerrevisions"),
            ("POST", "poddisruptionbudgets"),
            ("POST", "pods"),
            ("POST", "events"),
            ("PATCH", "events"),
            ("PATCH", "voicefleets"),
        }
        assert "finalizers" not in one.kube.one("voicefleets", "talkers")["metadata"]
        lists = [asked for asked in one.kube.requests if asked.startswith("GET /api/v1/pods")]
        assert lists
        assert all("labelSelector=callfleet.dev" in asked for asked in lists)
