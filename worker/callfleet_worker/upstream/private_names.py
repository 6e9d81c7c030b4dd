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
                "FfiClient": "5fda44718e0b",
                "FfiHandle": "860469cd0e35",
                "FfiQueue": "86dd18d7f1ae",
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
            "livekit.rtc.track.Track": {"_ffi_handle": "FfiHandle(…)"},
            "livekit.rtc.audio_source.AudioSource": {"_ffi_handle": "FfiHandle(…)"},
            "livekit.rtc.audio_frame.AudioFrame": {"_proto_info": "5fd033d3fd05"},
        },
        beside={
            "livekit.rtc._ffi_client": {"ffi_event_callback": "85e75b1387e1"},
            "livekit.rtc.audio_stream": {"AudioStream": "accc3906e3f0"},
            "livekit.rtc.audio_source.AudioSource": {"capture_frame": "368b03beb6dc"},
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.upstream.server",
        why="Slots are counted and not guessed, and so are calls that find none; LiveKit is told "
        "at once when one is free, and a call that LiveKit ends is told so.",
        names={
            "livekit.agents.worker.AgentServer": {
                "_closed": "True",
                "_connecting": "False",
                "_get_effective_load": "da79a9e7fcf5",
                "_handle_termination": "fe8cac487fe9",
                "_is_available": "7837ff125d73",
                "_mp_ctx": "mp.get_context(…)",
                "_proc_pool": "ipc.proc_pool.ProcPool(…)",
                "_update_worker_status": "cd960546c101",
                "_worker_load": "await self._invoke_load_fnc()",
            },
            "livekit.agents.ipc.supervised_proc.SupervisedProc": {"_pch": "pch"},
            "livekit.agents.ipc.job_thread_executor.ThreadJobExecutor": {"_pch": "pch"},
        },
        beside={
            "livekit.agents.worker.AgentServer": {
                "_answer_availability": "d25a526d277f",
                "_refresh_worker_load": "847cc0fa1cc9",
            },
            "livekit.agents.ipc.proc_pool.ProcPool": {
                "_proc_spawn_task": "7d69be588115",
                "get_by_job_id": "39b1c2de2a71",
                "launch_job": "cc71db9d5f91",
            },
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.upstream.jobs",
        why="Calls share processes: each is the framework's own job in a loop that others are in, "
        "and is started by a class of ours. A session may close as long as the settings say. A "
        "process that is dead is gone, whatever it has left behind.",
        names={
            "livekit.agents._exceptions": {"AssignmentTimeoutError": "65b275aa15e1"},
            "livekit.agents.ipc": {"_preload": "module"},
            "livekit.agents.ipc.job_proc_lazy_main": {
                "_JobProc": "6c4847aae9f4",
                "_SESSION_ACLOSE_TIMEOUT": "60.0",
            },
            "livekit.agents.ipc.job_thread_executor": {"ThreadJobExecutor": "1404e1772852"},
            "livekit.agents.ipc.proc_client": {"_ProcClient": "3d42ba13e446"},
            "livekit.agents.ipc.proc_client._ProcClient": {"_monitor_task": "2b32d7ffe0bb"},
            "livekit.agents.ipc.supervised_proc": {"_mask_ctrl_c": "66ee2668670b"},
            "livekit.agents.utils.aio.duplex_unix": {
                "_AsyncDuplex": "5207d52f451a",
                "_Duplex": "3400b73bca7f",
            },
        },
        beside={
            "livekit.agents.ipc.channel": {"recv_message": "3ac785e725c9"},
            "livekit.agents.ipc.log_queue": {"LogQueueListener": "9d85f59ceb6c"},
            "livekit.agents.ipc.proc_pool.ProcPool": {"_proc_spawn_task": "7d69be588115"},
            "livekit.agents.ipc.supervised_proc.SupervisedProc": {"_start": "43cbc8e3a04a"},
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.parent.sharing.processes",
        why="A process that calls share is supervised by the framework like any of its own.",
        names={
            "livekit.agents.ipc.supervised_proc.SupervisedProc": {
                "_create_process": "6d3183f3f3cb",
                "_main_task": "986408d02078",
                "_mp_ctx": "mp_ctx",
                "_sample_memory_mb": "e209eb749531",
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
                "_do_inference_task": "30bffc763036",
                "_inference_tasks": "set()",
                "_join_fut": "asyncio.Future[None]()",
                "_main_atask": "None",
                "_main_task": "9bce25228504",
                "_monitor_task": "45040f8295ea",
                "_opts": "_ProcOpts(…)",
                "_pch": "pch",
                "_ping_task": "0617798e99b1",
                "_shutdown_ack_fut": "asyncio.Future[None]()",
                "_shutting_down_fut": "asyncio.Future[None]()",
                "_start": "71073866771d",
            },
        },
        beside={
            "livekit.agents.ipc.job_thread_executor.ThreadJobExecutor": {
                "aclose": "8dac83d823ad",
                "initialize": "971132ae2e9c",
                "launch_job": "90f3027259bf",
            },
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.upstream.tools",
        why="A tool that holds a loop up is known from outside by the task that it runs in.",
        names={
            "livekit.agents.voice.tool_executor": {"_RunningTasks": "weakref.WeakKeyDictionary()"},
        },
        beside={
            "livekit.agents.voice.tool_executor": {"_RunningTask": "d397815ee839"},
            "livekit.agents.voice.tool_executor._ToolExecutor": {"execute": "a968cb16eaa4"},
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
                "_build_connect_config": "fd1b0fbd55fa",
                "_client": "GenAIClient(…)",
                "_current_generation": "None",
                "_handle_go_away": "057c124e2e06",
                "_handle_server_content": "38b9f6e490f7",
                "_handle_tool_calls": "2330be4d4b19",
                "_handle_usage_metadata": "8be35ad83a21",
                "_num_retries": "0",
                "_send_client_event": "2dd0112ab863",
                "_session_should_close": "asyncio.Event()",
            },
        },
        beside={
            "livekit.plugins.google.realtime.realtime_api.RealtimeModel": {
                "session": "e7795aab547f",
            },
            "livekit.plugins.google.realtime.realtime_api.RealtimeSession": {
                "__init__": "f7497e04f418",
                "_main_task": "d25294ddc586",
                "_recv_task": "37de62e5864c",
                "_send_task": "de0607ddc8de",
                "aclose": "f61f9202f76e",
                "push_audio": "92db654ef9a8",
            },
        },
    ),
    Patch(
        of=AGENTS,
        where="callfleet_worker.upstream.gemini",
        why="A connection that was opened again is not left as the one before it was to be.",
        names={
            "livekit.agents.llm.realtime.RealtimeSession": {
                "_report_connection_acquired": "15835d6c3b22",
            },
        },
    ),
    Patch(
        of=GENAI,
        where="callfleet_worker.upstream.gemini_sound",
        why="Sound is written as text by hand, fifty times a second for each call.",
        names={
            "google.genai.live.AsyncSession": {"_api_client": "api_client", "_ws": "websocket"},
        },
        beside={
            "google.genai.live.AsyncSession": {
                "__init__": "719066c7e860",
                "send_realtime_input": "202e813e1d80",
            },
        },
    ),
    Patch(
        of=GENAI,
        where="callfleet_worker.upstream.gemini_usage",
        why="Whether a usage message can be read is tried as the session itself would read it.",
        names={"google.genai.live.AsyncSession": {"_receive": "6c03521b8898"}},
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
