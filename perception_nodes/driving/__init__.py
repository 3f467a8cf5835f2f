"""Following a path: controllers, speed, prediction, obstacles and safety; numpy only."""

from perception_nodes.driving.command import STAND, DriveCommand, DriveType
from perception_nodes.driving.config import DrivingConfig
from perception_nodes.driving.follower import FollowerStatus, PathFollower
from perception_nodes.driving.pilot import Pilot
from perception_nodes.driving.prediction import MotionSample
from perception_nodes.driving.speed import SpeedLimit
from perception_nodes.driving.supervisor import DriveState, Fault, StopReason
from perception_nodes.driving.vital_signs import ObstacleSource

__all__ = [
    'STAND',
    'DriveCommand',
    'DriveState',
    'DriveType',
    'DrivingConfig',
    'Fault',
    'FollowerStatus',
    'MotionSample',
    'ObstacleSource',
    'PathFollower',
    'Pilot',
    'SpeedLimit',
    'StopReason',
]
