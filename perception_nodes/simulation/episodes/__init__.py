"""
Closed-loop runs in lock step: a world, a follower, faults, and a referee who counts.

::

    world = SimulatedWorld.create(SimulationConfig(course='s_curve', camera_from_course=True))
    result = Episode(world, ColorFollower()).run()
    result.as_document()                      # plain numbers, for JSON

A follower is anything with the two methods of :class:`Follower`.
"""

from perception_nodes.simulation.episodes.color_follower import ColorFollower
from perception_nodes.simulation.episodes.episode import Episode, EpisodeConfig
from perception_nodes.simulation.episodes.faults import FaultInjector, FaultKind, FaultPlan
from perception_nodes.simulation.episodes.follower import CameraFrame, Follower, FollowerAnswer
from perception_nodes.simulation.episodes.result import EpisodeResult, Outcome, Stop, Trace
from perception_nodes.simulation.episodes.runs import RunPlan, RunTable, summarize

__all__ = [
    'CameraFrame',
    'ColorFollower',
    'Episode',
    'EpisodeConfig',
    'EpisodeResult',
    'FaultInjector',
    'FaultKind',
    'FaultPlan',
    'Follower',
    'FollowerAnswer',
    'Outcome',
    'RunPlan',
    'RunTable',
    'Stop',
    'Trace',
    'summarize',
]
