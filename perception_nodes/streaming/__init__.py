"""What happens between arrival and inference; time is always an argument."""

from perception_nodes.streaming.mailbox import MailboxCounts, NewestMailbox
from perception_nodes.streaming.pacing import (
    FixedRatePacing,
    OnDemandPacing,
    Pacing,
    PacingMode,
    RealTimePacing,
    UnpacedPacing,
    make_pacing,
)
from perception_nodes.streaming.rate_limit import RateLimit
from perception_nodes.streaming.stage import FrameFeed, QueueFeed, Stage
from perception_nodes.streaming.stamp_join import Joined, StampJoin
from perception_nodes.streaming.statistics import AgeStatistics, AgeSummary
from perception_nodes.streaming.waiting_queue import GivenUp, NotYetError, WaitingQueue
from perception_nodes.streaming.worker import Worker, WorkerCounts

__all__ = [
    'AgeStatistics',
    'AgeSummary',
    'FixedRatePacing',
    'FrameFeed',
    'GivenUp',
    'Joined',
    'MailboxCounts',
    'NewestMailbox',
    'NotYetError',
    'OnDemandPacing',
    'Pacing',
    'PacingMode',
    'QueueFeed',
    'RateLimit',
    'RealTimePacing',
    'Stage',
    'StampJoin',
    'UnpacedPacing',
    'WaitingQueue',
    'Worker',
    'WorkerCounts',
    'make_pacing',
]
