"""Look at a running graph for a few seconds and write down what was there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from perception_nodes.imaging.encodings import ENCODINGS
from perception_nodes.ros.doctor.checks import rests_on_absence
from perception_nodes.ros.doctor.domains import DomainListener, plausible_domains
from perception_nodes.ros.doctor.endpoints import EndpointReader
from perception_nodes.ros.doctor.listening import misses_something, plan
from perception_nodes.ros.doctor.node_states import NodeInterviewer
from perception_nodes.ros.doctor.patience import ANNOUNCED_S, Patience
from perception_nodes.ros.doctor.processes import process_state
from perception_nodes.ros.doctor.recording import Recorder
from perception_nodes.ros.doctor.roll_call import RollCall
from perception_nodes.ros.doctor.snapshot import DomainView, Endpoint, GraphSnapshot, ProcessState
from perception_nodes.ros.domains import FAST_DDS_LIBRARIES, dds_process_ids
from perception_nodes.structures import check_settings, setting

NODE_PREFIX = '_perception_doctor'
LOOK_PERIOD_S = 0.5
# Other domains are joined only when half a graph is still missing by then.
ELSEWHERE_AFTER_S = 1.0
SPIN_S = 0.05


@dataclass(frozen=True, kw_only=True)
class ObservationConfig:
    """How to look at a graph."""

    duration_s: float = setting(5.0, 'Seconds to observe', minimum=1.0, maximum=600.0)
    target_frames: tuple[str, ...] = setting(
        ('base_link', 'odom'), 'Frames an image must be connected to where they exist'
    )
    other_domains: bool = setting(True, 'Listen on the other ROS domains of this host too')

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


class Observation:
    """
    One look at one domain, as a hidden node in a context of its own.

    :param config: what to look at and for how long.
    """

    def __init__(self, config: ObservationConfig) -> None:
        self._config = config
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node(
            f'{NODE_PREFIX}_{os.getpid()}',
            context=self._context,
            use_global_arguments=False,
            enable_rosout=False,
            start_parameter_services=False,
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._process_ids = dds_process_ids()
        self._fast_dds_ids = dds_process_ids(FAST_DDS_LIBRARIES)
        own = self._context.get_domain_id()
        self._roll_call = RollCall(self._node, own, self._fast_dds_ids)
        self._recorder = Recorder(self._node)
        self._interviewer = NodeInterviewer(self._node, NODE_PREFIX)
        self._endpoints = EndpointReader(self._node, NODE_PREFIX)
        self._domains: list[DomainListener] | None = None
        self._known: set[Endpoint] = set()
        self._patience = Patience(config.duration_s)
        self._started_s = 0.0

    def run(self, on_progress: Callable[[float], None] = lambda elapsed_s: None) -> GraphSnapshot:
        """
        Observe for the configured time, longer only to be sure that nothing is missing.

        :param on_progress: called with the seconds that have passed.
        """
        self._started_s, begin = time.time(), time.monotonic()
        next_look_s = LOOK_PERIOD_S
        while True:
            self._executor.spin_once(timeout_sec=SPIN_S)
            elapsed_s = time.monotonic() - begin
            on_progress(elapsed_s)
            if elapsed_s < next_look_s:
                continue
            self._look(elapsed_s)
            next_look_s = elapsed_s + LOOK_PERIOD_S
            if self._patience.may_end(elapsed_s):
                snapshot = self._snapshot()
                if self._patience.may_miss(elapsed_s) or not rests_on_absence(snapshot):
                    return snapshot

    def _look(self, elapsed_s: float) -> None:
        """Follow what has come and gone; look elsewhere for what is missing."""
        publishers, subscriptions = self._endpoints.read(self._process_ids)
        self._recorder.follow(plan(publishers, subscriptions))
        self._interviewer.ask()
        is_found = not self._roll_call.missing()
        if (
            self._config.other_domains
            and self._domains is None
            and (elapsed_s >= ANNOUNCED_S or (is_found and elapsed_s >= ELSEWHERE_AFTER_S))
            and misses_something(publishers, subscriptions)
        ):
            self._look_elsewhere()
        endpoints = {*publishers, *subscriptions}
        self._patience.note(
            elapsed_s,
            has_changed=endpoints != self._known,
            is_complete=is_found
            and not self._interviewer.is_waiting()
            and all(listener.is_complete() for listener in self._domains or []),
        )
        self._known = endpoints

    def _look_elsewhere(self) -> None:
        """Join the other domains that may hold the missing half."""
        own = self._context.get_domain_id()
        numbers = plausible_domains(own, self._process_ids)
        self._domains = [DomainListener(number, self._fast_dds_ids) for number in numbers]

    def _snapshot(self) -> GraphSnapshot:
        """Put everything together."""
        publishers, subscriptions = self._endpoints.read(dds_process_ids())
        recording = self._recorder
        return GraphSnapshot(
            started_s=self._started_s,
            ended_s=time.time(),
            domain_id=self._context.get_domain_id(),
            nodes=self._interviewer.states(),
            publishers=publishers,
            subscriptions=subscriptions,
            streams=recording.streams(),
            clock=tuple(recording.clock),
            transforms=tuple(recording.transforms),
            diagnostics=tuple(recording.diagnostics.values()),
            processes=_processes(publishers),
            other_domains=self._views(),
            target_frames=self._config.target_frames,
            native_encodings=frozenset(ENCODINGS),
            has_cv_bridge=find_spec('cv_bridge') is not None,
        )

    def _views(self) -> tuple[DomainView, ...]:
        views = (listener.view(NODE_PREFIX) for listener in self._domains or [])
        return tuple(view for view in views if view.nodes)

    def close(self) -> None:
        """Leave all domains."""
        for listener in self._domains or []:
            listener.close()
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()


def _processes(endpoints: Iterable[Endpoint]) -> tuple[ProcessState, ...]:
    """Return the processes behind endpoints, as far as they are known."""
    numbers = {item.process_id for item in endpoints if item.process_id is not None}
    return tuple(process_state(number) for number in sorted(numbers))


def observe(
    config: ObservationConfig, on_progress: Callable[[float], None] = lambda elapsed_s: None
) -> GraphSnapshot:
    """Return what was seen of the graph on this process's domain."""
    observation = Observation(config)
    try:
        return observation.run(on_progress)
    finally:
        observation.close()
