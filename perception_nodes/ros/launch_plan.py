"""What each launch file starts and takes, as data that can be checked without ``launch``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

PACKAGE = 'perception_suite'


@dataclass(frozen=True, kw_only=True)
class LaunchArgument:
    """
    One argument of a launch file.

    :param name: as in ``name:=value``.
    :param description: shown by ``ros2 launch --show-args``.
    :param default: text; empty leaves the parameter file's value, or the topic, as it is.
    :param choices: closed set of values.
    :param parameter: the node parameter that it sets, or empty.
    :param remaps: the topic that it remaps, or empty.
    """

    name: str
    description: str
    default: str = ''
    choices: tuple[str, ...] = ()
    parameter: str = ''
    remaps: str = ''


@dataclass(frozen=True, kw_only=True)
class LaunchPlan:
    """
    One lifecycle node with its launch arguments.

    :param executable: in ``lib/perception_suite``, which is the node's name, too.
    :param arguments: beside :data:`COMMON_ARGUMENTS`.
    """

    executable: str
    arguments: tuple[LaunchArgument, ...] = ()

    @property
    def parameter_file(self) -> str:
        """Path of the defaults below the package's share folder."""
        return f'config/{self.executable}.yaml'

    @property
    def members(self) -> tuple[LaunchPlan, ...]:
        """The plans of the nodes: this one."""
        return (self,)

    @property
    def all_arguments(self) -> tuple[LaunchArgument, ...]:
        """Common arguments first."""
        return COMMON_ARGUMENTS + self.arguments


@dataclass(frozen=True, kw_only=True)
class LaunchGroup:
    """
    Several lifecycle nodes that work on one another's topics.

    :param members: in the order of the work; their arguments have different names.
    :param joined: defaults of arguments that join the members: topics below the namespace.
    """

    members: tuple[LaunchPlan, ...]
    joined: Mapping[str, str] = field(default_factory=dict)

    @property
    def all_arguments(self) -> tuple[LaunchArgument, ...]:
        """Common arguments first, then those of the members in their order."""
        own = [argument for plan in self.members for argument in plan.arguments]
        return COMMON_ARGUMENTS + tuple(
            replace(item, default=self.joined.get(item.name, item.default)) for item in own
        )


_SWITCH = ('true', 'false')

COMMON_ARGUMENTS = (
    LaunchArgument(
        name='params_file', description='Parameter file; empty takes the one of the package'
    ),
    LaunchArgument(name='namespace', description='Namespace of the node'),
    LaunchArgument(
        name='use_sim_time',
        description='Take the time from /clock',
        default='false',
        choices=_SWITCH,
    ),
    LaunchArgument(
        name='autostart',
        description='Configure and activate the node; false leaves it to a lifecycle manager',
        default='true',
        choices=_SWITCH,
    ),
    LaunchArgument(
        name='log_level',
        description='Lowest severity that is logged',
        default='info',
        choices=('debug', 'info', 'warn', 'error', 'fatal'),
    ),
    LaunchArgument(
        name='use_respawn',
        description='Start the node again when it dies',
        default='false',
        choices=_SWITCH,
    ),
)

MODEL_ARGUMENTS = (
    LaunchArgument(
        name='model',
        description='Model bundle: folder, package://, file:// or torchvision:// URI',
        parameter='model',
    ),
    LaunchArgument(name='device', description='auto, cpu, cuda or cuda:N', parameter='device'),
    LaunchArgument(name='image', description='Topic of the camera images', remaps='image'),
    LaunchArgument(
        name='image_transport',
        description='raw or compressed',
        choices=('', 'raw', 'compressed'),
        parameter='image_transport',
    ),
)
DETECTION = LaunchPlan(executable='detection_node', arguments=MODEL_ARGUMENTS)
SEGMENTATION = LaunchPlan(executable='segmentation_node', arguments=MODEL_ARGUMENTS)
MASK_ARGUMENTS = (
    LaunchArgument(name='mask', description='Topic of the masks', remaps='mask'),
    LaunchArgument(
        name='confidence', description='Topic of their confidence', remaps='confidence'
    ),
    LaunchArgument(name='label_info', description='Topic of the class names', remaps='label_info'),
    LaunchArgument(
        name='camera_info', description='Topic of the calibration', remaps='camera_info'
    ),
    LaunchArgument(name='depth', description='Topic of the depth images', remaps='depth'),
    LaunchArgument(
        name='depth_source',
        description='none, depth or points',
        choices=('', 'none', 'depth', 'points'),
        parameter='depth_source',
    ),
)
SEMANTIC_MAP = LaunchPlan(
    executable='semantic_map_node',
    arguments=(
        *MASK_ARGUMENTS,
        LaunchArgument(
            name='classes_file',
            description='Table of classes and costs',
            parameter='classes_file',
        ),
    ),
)
CAMERA = LaunchPlan(
    executable='camera_node',
    arguments=(
        LaunchArgument(
            name='source', description='Video, image folder, webcam or bag', parameter='source'
        ),
    ),
)
SIMULATION = LaunchPlan(
    executable='simulation_node',
    arguments=(
        LaunchArgument(name='course', description='Shape of the course', parameter='course'),
        LaunchArgument(
            name='drive', description='cmd_vel or path (drives itself)', parameter='drive'
        ),
        LaunchArgument(name='seed', description='Seed of everything random', parameter='seed'),
    ),
)
_CMD_VEL_STAMPED = LaunchArgument(
    name='cmd_vel_stamped',
    description='Commands are TwistStamped instead of Twist',
    choices=('', *_SWITCH),
    parameter='cmd_vel_stamped',
)
PATH_FOLLOWING = LaunchPlan(
    executable='path_following_node',
    arguments=(
        *MASK_ARGUMENTS,
        LaunchArgument(name='odometry', description='Topic of the odometry', remaps='odometry'),
        LaunchArgument(
            name='detections', description='Topic of the detections', remaps='detections'
        ),
        LaunchArgument(
            name='occupancy', description='Topic of the occupancy grid', remaps='occupancy'
        ),
        LaunchArgument(
            name='dead_man', description="Topic of the dead man's switch", remaps='dead_man'
        ),
        LaunchArgument(name='cmd_vel', description='Topic of the commands', remaps='cmd_vel'),
        _CMD_VEL_STAMPED,
        LaunchArgument(
            name='drive',
            description='Who moves the robot: cmd_vel, follow_path (Nav2) or nobody',
            choices=('', 'cmd_vel', 'follow_path', 'nobody'),
            parameter='drive',
        ),
        LaunchArgument(
            name='prefer',
            description='Which way to go where the path parts',
            choices=('', 'left', 'straight', 'right'),
            parameter='prefer',
        ),
    ),
)
CMD_VEL_TIMEOUT = LaunchPlan(
    executable='cmd_vel_timeout_node',
    arguments=(
        LaunchArgument(
            name='cmd_vel_in', description='Topic of those who steer', remaps='cmd_vel_in'
        ),
        LaunchArgument(
            name='cmd_vel_out', description='Topic that the base hears', remaps='cmd_vel_out'
        ),
        _CMD_VEL_STAMPED,
    ),
)
FOLLOW_PATH_GUARD = LaunchPlan(
    executable='follow_path_guard_node',
    arguments=(
        LaunchArgument(
            name='status', description='Topic of the path follower', remaps='status',
            default='path_following_node/status',
        ),
    ),
)  # fmt: skip
NAV2_PERCEPTION = LaunchGroup(
    members=(SEGMENTATION, SEMANTIC_MAP),
    joined={
        topic: f'{SEGMENTATION.executable}/{topic}'
        for topic in ('mask', 'confidence', 'label_info')
    },
)
PLANS = {
    plan.executable: plan
    for plan in (
        DETECTION,
        SEGMENTATION,
        SEMANTIC_MAP,
        PATH_FOLLOWING,
        CMD_VEL_TIMEOUT,
        FOLLOW_PATH_GUARD,
        CAMERA,
        SIMULATION,
    )
}
"""Launch plans by executable; each has a launch file of the same stem without ``_node``."""
GROUPS = {'nav2_perception': NAV2_PERCEPTION}
"""Launch groups by the stem of their launch file."""
