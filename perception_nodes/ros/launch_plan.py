"""What each launch file starts and takes, as data that can be checked without ``launch``."""

from __future__ import annotations

from perception_nodes.ros.launch_arguments import SWITCH, LaunchArgument
from perception_nodes.ros.launch_companions import RVIZ
from perception_nodes.ros.launch_gazebo import BASE_COMMANDS, GAZEBO_SIM
from perception_nodes.ros.launch_types import LaunchGroup, LaunchPlan

MODEL_ARGUMENTS = (
    LaunchArgument(
        name='model',
        description='Model: folder, name of perception models list, package://, … URI',
        parameter='model',
    ),
    LaunchArgument(
        name='device', description='auto, cpu, cuda, cuda:N or tensorrt', parameter='device'
    ),
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
    publishes_clock=True,
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
    choices=('', *SWITCH),
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
        LaunchArgument(
            name='require_dead_man',
            description='Drive only while dead_man says true',
            choices=('', *SWITCH),
            parameter='require_dead_man',
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
CAMERA_TOPICS = ('image_raw', 'image_raw/compressed', 'camera_info')
PERCEPTION = LaunchGroup(
    members=(
        CAMERA,
        SIMULATION,
        DETECTION,
        SEGMENTATION,
        SEMANTIC_MAP,
        PATH_FOLLOWING,
    ),
    joined={
        **NAV2_PERCEPTION.joined,
        'image': 'camera/image_raw',
        'camera_info': 'camera/camera_info',
        'depth': 'camera/depth/image_raw',
        'odometry': 'odom',
        'detections': 'detection_node/detections',
        'occupancy': 'semantic_map_node/occupancy',
    },
    renamed={
        (DETECTION.executable, 'model'): 'detection_model',
        (SEGMENTATION.executable, 'model'): 'segmentation_model',
        (SEMANTIC_MAP.executable, 'depth_source'): 'map_depth_source',
        (PATH_FOLLOWING.executable, 'depth_source'): 'obstacle_depth_source',
        (SIMULATION.executable, 'drive'): 'simulation_drive',
    },
    switched={
        CAMERA.executable: False,
        SIMULATION.executable: False,
        DETECTION.executable: True,
        SEGMENTATION.executable: True,
        SEMANTIC_MAP.executable: True,
        PATH_FOLLOWING.executable: False,
    },
    topics={CAMERA.executable: {topic: f'camera/{topic}' for topic in CAMERA_TOPICS}},
    companions=(RVIZ,),
)
GAZEBO = LaunchGroup(
    members=(
        CMD_VEL_TIMEOUT.without('cmd_vel_stamped'),
        DETECTION,
        SEGMENTATION,
        SEMANTIC_MAP,
        PATH_FOLLOWING.without('cmd_vel_stamped'),
    ),
    joined={**PERCEPTION.joined, 'cmd_vel_in': 'cmd_vel', 'cmd_vel_out': BASE_COMMANDS},
    renamed=PERCEPTION.renamed,
    switched=dict.fromkeys(
        (
            DETECTION.executable,
            SEGMENTATION.executable,
            SEMANTIC_MAP.executable,
            PATH_FOLLOWING.executable,
        ),
        False,
    ),
    companions=(GAZEBO_SIM, RVIZ),
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
GROUPS = {'nav2_perception': NAV2_PERCEPTION, 'perception': PERCEPTION, 'gazebo': GAZEBO}
"""Launch groups by the stem of their launch file."""
