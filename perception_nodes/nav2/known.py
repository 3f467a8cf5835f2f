"""
Names and types of the parameters that the checks know.

Read from the sources of Nav2 1.1 to 1.5 and of the semantic segmentation layer; the union of all
releases, so that a name that only one release has is never called a spelling mistake.
"""

from __future__ import annotations

from enum import Enum


class Type(str, Enum):
    """The types that ROS keeps apart; a whole number is no double."""

    BOOL = 'bool'
    INTEGER = 'integer'
    DOUBLE = 'double'
    STRING = 'string'
    STRINGS = 'list of strings'
    DOUBLES = 'list of doubles'


Names = dict[str, Type]


def _typed(kind: Type, names: str) -> Names:
    return dict.fromkeys(names.split(), kind)


# Every lifecycle node of Nav2 or of rclcpp has these.
ANY_NODE: Names = {
    **_typed(
        Type.BOOL,
        'use_sim_time autostart_node enable_stamped_cmd_vel use_realtime_priority '
        'allow_parameter_qos_overrides start_type_description_service',
    ),
    **_typed(Type.DOUBLE, 'bond_heartbeat_period service_timeout'),
    **_typed(Type.STRING, 'introspection_mode service_introspection_mode'),
}

COSTMAP: Names = {
    **ANY_NODE,
    **_typed(
        Type.BOOL,
        'always_send_full_costmap rolling_window track_unknown_space trinary_costmap use_maximum '
        'subscribe_to_stamped_footprint',
    ),
    **_typed(
        Type.DOUBLE,
        'map_vis_z footprint_padding origin_x origin_y publish_frequency resolution robot_radius '
        'transform_tolerance initial_transform_timeout update_frequency',
    ),
    **_typed(
        Type.INTEGER,
        'height width lethal_cost_threshold unknown_cost_value inscribed_obstacle_cost_value',
    ),
    **_typed(Type.STRING, 'footprint global_frame robot_base_frame map_topic observation_sources'),
    **_typed(Type.STRINGS, 'plugins filters'),
}

_LAYER: Names = {'plugin': Type.STRING, 'enabled': Type.BOOL}
_OBSTACLE_LAYER: Names = {
    **_LAYER,
    'footprint_clearing_enabled': Type.BOOL,
    **_typed(Type.DOUBLE, 'min_obstacle_height max_obstacle_height tf_filter_tolerance'),
    'combination_method': Type.INTEGER,
    'observation_sources': Type.STRING,
}
_INFLATION_LAYER: Names = {
    **_LAYER,
    **_typed(Type.DOUBLE, 'inflation_radius cost_scaling_factor custom_inscribed_radius'),
    **_typed(Type.BOOL, 'inflate_unknown inflate_around_unknown'),
    'num_threads': Type.INTEGER,
}

LAYERS: dict[str, Names] = {
    'ObstacleLayer': _OBSTACLE_LAYER,
    'VoxelLayer': {
        **_OBSTACLE_LAYER,
        **_typed(Type.INTEGER, 'z_voxels unknown_threshold mark_threshold'),
        **_typed(Type.DOUBLE, 'origin_z z_resolution'),
        'publish_voxel_map': Type.BOOL,
    },
    'StaticLayer': {
        **_LAYER,
        **_typed(
            Type.BOOL,
            'subscribe_to_updates map_subscribe_transient_local footprint_clearing_enabled '
            'restore_cleared_footprint',
        ),
        'map_topic': Type.STRING,
        'transform_tolerance': Type.DOUBLE,
    },
    'InflationLayer': _INFLATION_LAYER,
    'SemanticSegmentationLayer': {
        **_LAYER,
        'combination_method': Type.INTEGER,
        'observation_sources': Type.STRING,
        **_typed(Type.BOOL, 'publish_debug_topics use_approximate_time_sync'),
    },
}

OBSTACLE_SOURCE: Names = {
    **_typed(Type.STRING, 'topic sensor_frame data_type transport_type'),
    **_typed(Type.BOOL, 'inf_is_valid marking clearing'),
    **_typed(
        Type.DOUBLE,
        'observation_persistence expected_update_rate min_obstacle_height max_obstacle_height '
        'obstacle_max_range obstacle_min_range raytrace_max_range raytrace_min_range',
    ),
}

SEMANTIC_SOURCE: Names = {
    **_typed(Type.STRING, 'segmentation_topic confidence_topic labels_topic pointcloud_topic'),
    **_typed(
        Type.DOUBLE,
        'observation_persistence expected_update_rate max_obstacle_distance '
        'min_obstacle_distance tile_map_decay_time',
    ),
    **_typed(Type.BOOL, 'visualize_tile_map use_cost_selection'),
    'class_types': Type.STRINGS,
}

SEMANTIC_CLASS_TYPE: Names = {
    'classes': Type.STRINGS,
    **_typed(Type.INTEGER, 'base_cost max_cost mark_confidence samples_to_max_cost'),
    'dominant_priority': Type.BOOL,
}

COLLISION_MONITOR: Names = {
    **ANY_NODE,
    **_typed(Type.BOOL, 'enabled base_shift_correction collision_points_marker_3d'),
    **_typed(
        Type.STRING,
        'cmd_vel_in_topic cmd_vel_out_topic state_topic base_frame_id odom_frame_id',
    ),
    **_typed(Type.DOUBLE, 'transform_tolerance source_timeout stop_pub_timeout'),
    **_typed(Type.STRINGS, 'polygons observation_sources'),
}

MONITOR_POLYGON: Names = {
    **_typed(
        Type.STRING,
        'type action_type points polygon_sub_topic polygon_pub_topic footprint_topic',
    ),
    **_typed(Type.BOOL, 'enabled visualize polygon_subscribe_transient_local holonomic'),
    **_typed(
        Type.INTEGER,
        'min_points max_points trigger_consecutive_points release_consecutive_points',
    ),
    **_typed(
        Type.DOUBLE,
        'slowdown_ratio linear_limit angular_limit time_before_collision simulation_time_step '
        'radius',
    ),
    **_typed(Type.STRINGS, 'sources_names velocity_polygons'),
}

MONITOR_SOURCE: Names = {
    **_typed(Type.STRING, 'type topic transport_type'),
    **_typed(Type.BOOL, 'enabled use_global_height treat_unknown_as_obstacle'),
    **_typed(
        Type.DOUBLE,
        'source_timeout min_height max_height min_range obstacles_angle sampling_distance',
    ),
    'cost_threshold': Type.INTEGER,
    'exclusion_zones': Type.STRINGS,
}

VELOCITY_SMOOTHER: Names = {
    **ANY_NODE,
    **_typed(Type.DOUBLE, 'smoothing_frequency odom_duration velocity_timeout'),
    **_typed(Type.STRING, 'feedback odom_topic'),
    **_typed(Type.BOOL, 'scale_velocities stamp_smoothed_velocity_with_smoothing_time'),
    **_typed(Type.DOUBLES, 'max_velocity min_velocity max_accel max_decel deadband_velocity'),
}

LIFECYCLE_MANAGER: Names = {
    **ANY_NODE,
    'node_names': Type.STRINGS,
    **_typed(Type.BOOL, 'autostart attempt_respawn_reconnection'),
    **_typed(Type.DOUBLE, 'bond_timeout bond_respawn_max_duration'),
}

# Old names that are accepted in silence and do nothing, with the present one.
RENAMED = {
    'obstacle_range': 'obstacle_max_range',
    'raytrace_range': 'raytrace_max_range',
    'static_map': 'plugins with a StaticLayer',
}

# Read at the top of the costmap by every layer; inside a layer they do nothing.
COSTMAP_ONLY = frozenset(
    {
        'track_unknown_space',
        'trinary_costmap',
        'lethal_cost_threshold',
        'unknown_cost_value',
        'use_maximum',
        'transform_tolerance',
        'rolling_window',
        'global_frame',
        'robot_base_frame',
    }
)
