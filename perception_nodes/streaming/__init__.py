"""What happens between arrival and inference; time is always an argument."""

from perception_nodes.streaming.mailbox import MailboxCounts, NewestMailbox
from perception_nodes.streaming.stage import FrameFeed, QueueFeed, Stage
from perception_nodes.streaming.statistics import AgeStatistics, AgeSummary
from perception_nodes.streaming.worker import Worker, WorkerCounts

__all__ = [
    'AgeStatistics',
    'AgeSummary',
    'FrameFeed',
    'MailboxCounts',
    'NewestMailbox',
    'QueueFeed',
    'Stage',
    'Worker',
    'WorkerCounts',
]
