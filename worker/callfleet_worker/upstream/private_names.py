"""Which private names of others this worker leans on: of which version, what for, and their shape.

Whoever raises a version in requirements.lock reads the new source of each name whose shape differs
(tests/unit/test_upstream_names.py says which), changes what leans on it, and writes the new
shape and version down here. A shape is

- of a function or a class the first twelve digits of its source's SHA-256,
- of a value the expression that it is given first,
- of a module the word "module",
- nothing where it is enough that the name is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

RTC, AGENTS = "livekit", "livekit-agents"
PLUGIN, GENAI = "livekit-plugins-google", "google-genai"
CPYTHON = "CPython"

PINNED = {RTC: "1.1.21", AGENTS: "1.8.9", PLUGIN: "1.8.9", GENAI: "3.6.1"}
"""The versions that were read. CPython's is no distribution's: ``forking.KNOWN_UP_TO`` says it."""

Shapes = Mapping[str, Mapping[str, str]]
"""Of each module or class its names, and of each name its shape."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One thing that is done with private names, and all names of others that it leans on."""

    of: str
    """Whose names they are: a distribution, or CPython."""
    where: str
    """The module of ours that uses them."""
    why: str
    names: Shapes
    """What is reached, changed or overridden by its name."""
    beside: Shapes = field(default_factory=dict)
    """What is not named there, and has to go on doing what it does."""


PATCHES = (
    Patch(
        of=RTC,
        where="callfleet_worker.upstream.engine",
        why="The SDK shows each event to each call; here it goes to the one that it is for, and "
        "sound is copied once.",
        names={
            "livekit.rtc._ffi_client": {
                "FfiClient": "7568619ab297",
                "FfiHandle": "2d3e47271742",
                "FfiQueue": "1b6d4649f76b",
            },
            "livekit.rtc._ffi_client.FfiClient": {
                "_queue": "FfiQueue[proto_ffi.FfiEvent]()",
                "_ffi_lib": "get_ffi_lib()",
            },
            "livekit.rtc._ffi_client.FfiQueue": {
                "_lock": "threading.RLock()",
                "_subscribers": "[]",
            },
            "livekit.rtc._proto": {"audio_frame_pb2": "module", "ffi_pb2": "module"},
            "livekit.rtc.Track": {"_ffi_handle": "FfiHandle(…)"},
            "livekit.rtc.AudioSource": {"_ffi_handle": "FfiHandle(…)"},
            "livekit.rtc.AudioFrame": {"_proto_info": "e6c89a78be0e"},
        },
        beside={
            "livekit.rtc._ffi_client": {"ffi_event_callback": "0260be55b257"},
            "livekit.rtc": {"AudioStream": "0a3814f2d697"},
            "livekit.rtc.AudioSource": {"capture_frame": "735714eab4e1"},
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.upstream.server",
        why="Slots are counted and not guessed, LiveKit is told at once when one is free, and a "
        "call that LiveKit ends is told so.",
        names={
            "livekit.agents.worker.AgentServer": {
                "_closed": "True",
                "_connecting": "False",
                "_get_effective_load": "8ee72dab9eeb",
                "_handle_termination": "71380d6e8312",
                "_mp_ctx": "mp.get_context(…)",
                "_proc_pool": "ipc.proc_pool.ProcPool(…)",
                "_update_worker_status": "0fc0c3581259",
                "_worker_load": "await self._invoke_load_fnc()",
            },
            "livekit.agents.ipc.supervised_proc.SupervisedProc": {"_pch": "pch"},
            "livekit.agents.ipc.job_thread_executor.ThreadJobExecutor": {"_pch": "pch"},
        },
        beside={
            "livekit.agents.worker.AgentServer": {
                "_is_available": "9b002317d79d",
                "_refresh_worker_load": "61cc720e7a17",
            },
            "livekit.agents.ipc.proc_pool.ProcPool": {
                "_proc_spawn_task": "f48525e2eade",
                "get_by_job_id": "d7c9172506ec",
                "launch_job": "229685285a0e",
            },
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.upstream.jobs",
        why="Calls share processes: each is the framework's own job in a loop that others are in, "
        "and is started by a class of ours. A session may close as long as the settings say.",
        names={
            "livekit.agents._exceptions": {"AssignmentTimeoutError": "0b180411a86a"},
            "livekit.agents.ipc": {"_preload": "module"},
            "livekit.agents.ipc.job_proc_lazy_main": {
                "_JobProc": "b789d0989b77",
                "_SESSION_ACLOSE_TIMEOUT": "60.0",
            },
            "livekit.agents.ipc.job_thread_executor": {"ThreadJobExecutor": "0451a7fbf1a2"},
            "livekit.agents.ipc.proc_client": {"_ProcClient": "08c70b582a41"},
            "livekit.agents.ipc.proc_client._ProcClient": {"_monitor_task": "c0e69f20f37e"},
            "livekit.agents.ipc.supervised_proc": {"_mask_ctrl_c": "671ce5dd4742"},
            "livekit.agents.utils.aio.duplex_unix": {
                "_AsyncDuplex": "d15541533797",
                "_Duplex": "864a0f1d86f0",
            },
        },
        beside={
            "livekit.agents.ipc.channel": {"recv_message": "0ed47b675731"},
            "livekit.agents.ipc.proc_pool.ProcPool": {"_proc_spawn_task": "f48525e2eade"},
            "livekit.agents.ipc.supervised_proc.SupervisedProc": {"_start": "24c89ad9b051"},
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.parent.sharing.processes",
        why="A process that calls share is supervised by the framework like any of its own.",
        names={
            "livekit.agents.ipc.supervised_proc.SupervisedProc": {
                "_create_process": "ac977f10753b",
                "_main_task": "f3aa5880288e",
                "_mp_ctx": "mp_ctx",
                "_sample_memory_mb": "02bf359c2920",
            },
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.parent.sharing.seat",
        why="A seat in a shared process is to the framework a thread that runs one call.",
        names={
            "livekit.agents.ipc.job_thread_executor.ThreadJobExecutor": {
                "_closing": "False",
                "_do_inference_task": "6569620bc08a",
                "_inference_tasks": "set()",
                "_join_fut": "asyncio.Future[None]()",
                "_main_atask": "None",
                "_main_task": "298e44fe81b7",
                "_monitor_task": "02fb55f3570c",
                "_opts": "_ProcOpts(…)",
                "_pch": "pch",
                "_ping_task": "132a0d3bc46d",
                "_shutdown_ack_fut": "asyncio.Future[None]()",
                "_shutting_down_fut": "asyncio.Future[None]()",
                "_start": "cbba084fe7d7",
            },
        },
        beside={
            "livekit.agents.ipc.job_thread_executor.ThreadJobExecutor": {
                "aclose": "c42c7467f422",
                "initialize": "49753526db03",
                "launch_job": "ab98be630cae",
            },
        },
    ),
    Patch(
        of=PLUGIN,
        where="callfleet_worker.upstream.gemini",
        why="A session is fit for a phone call: the module says what is changed, each with why.",
        names={
            "livekit.plugins.google.realtime.realtime_api.RealtimeModel": {
                "_sessions": "weakref.WeakSet[RealtimeSession]()",
            },
            "livekit.plugins.google.realtime.realtime_api.RealtimeSession": {
                "_build_connect_config": "62d3f5f19b83",
                "_client": "GenAIClient(…)",
                "_current_generation": "None",
                "_handle_go_away": "e83a967c5707",
                "_handle_server_content": "9f9b26c4c25d",
                "_handle_usage_metadata": "29d077bd91c0",
                "_num_retries": "0",
                "_send_client_event": "5b63c10a540f",
                "_session_should_close": "asyncio.Event()",
            },
        },
        beside={
            "livekit.plugins.google.realtime.realtime_api.RealtimeModel": {
                "session": "e204da41f3c8",
            },
            "livekit.plugins.google.realtime.realtime_api.RealtimeSession": {
                "__init__": "06cf8ae16d57",
                "_main_task": "9ed27909138e",
                "_recv_task": "15bb02e26bb8",
                "_send_task": "8349fe2c7f43",
                "aclose": "b1558cfa5bbb",
                "push_audio": "e045059b9cd5",
            },
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.upstream.gemini",
        why="A connection that was opened again is not left as the one before it was to be.",
        names={
            "livekit.agents.llm.realtime.RealtimeSession": {
                "_report_connection_acquired": "23899fddae71",
            },
        },
    ),
    Patch(
        of=GENAI,
        where="callfleet_worker.upstream.gemini_sound",
        why="Sound is written as text by hand, fifty times a second for each call.",
        names={"google.genai.live.AsyncSession": {"_ws": "websocket"}},
        beside={
            "google.genai.live.AsyncSession": {
                "__init__": "35d16e82bb42",
                "send_realtime_input": "a0d5fc1c77f1",
            },
        },
    ),
    Patch(
        of=CPYTHON,
        where="callfleet_worker.upstream.forking",
        why="The server of processes is forked off the parent and shares its memory.",
        names={
            "multiprocessing.connection": {"arbitrary_address": ""},
            "multiprocessing.forkserver": {"_forkserver": ""},
            "multiprocessing.forkserver.ForkServer": {
                "_forkserver_address": "",
                "_forkserver_alive_fd": "",
                "_forkserver_pid": "",
            },
            "multiprocessing.resource_tracker": {"_resource_tracker": ""},
            "multiprocessing.resource_tracker.ResourceTracker": {"_fd": "", "_pid": ""},
        },
        beside={"multiprocessing.forkserver": {"main": ""}},
    ),
)
