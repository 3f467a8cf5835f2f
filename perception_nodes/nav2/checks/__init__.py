"""The registry of checks; a new one is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from perception_nodes.nav2.checks import (
    collision_monitor,
    costmaps,
    files,
    lifecycle,
    names,
    plugins,
    qos,
    semantic,
    sources,
    static,
    velocity,
    voxels,
)
from perception_nodes.nav2.finding import Nav2Finding, Severity
from perception_nodes.nav2.release import Release
from perception_nodes.nav2.stack import Stack

Check = Callable[[Stack], Iterable[Nav2Finding]]

CHECKS: dict[str, Check] = {
    'structure': files.check_structure,
    'costmap_name': files.check_costmap_name,
    'lists': files.check_lists,
    'empty': files.check_empty,
    'substitutions': files.check_substitutions,
    'types': names.check_types,
    'names': names.check_names,
    'placement': names.check_placement,
    'plugins': plugins.check_plugins,
    'layer_order': plugins.check_layer_order,
    'sources': sources.check_sources,
    'heights': sources.check_heights,
    'clearing': sources.check_clearing,
    'ranges': sources.check_ranges,
    'data_type': sources.check_data_type,
    'update_rate': sources.check_update_rate,
    'sensor_frame': sources.check_sensor_frame,
    'voxels': voxels.check_voxels,
    'topics': sources.check_topics,
    'combination': plugins.check_combination,
    'frames': costmaps.check_frames,
    'frequencies': costmaps.check_frequencies,
    'tolerance': costmaps.check_tolerance,
    'footprint': costmaps.check_footprint,
    'size': costmaps.check_size,
    'static_map': static.check_static_map,
    'static_geometry': static.check_geometry,
    'graded_costs': static.check_graded_costs,
    'qos': qos.check_qos,
    'semantic_topics': semantic.check_topics,
    'semantic_classes': semantic.check_classes,
    'semantic_costs': semantic.check_costs,
    'semantic_ranges': semantic.check_ranges,
    'monitor_sources': collision_monitor.check_sources,
    'monitor_timeout': collision_monitor.check_timeout,
    'monitor_polygons': collision_monitor.check_polygons,
    'monitor_chain': collision_monitor.check_chain,
    'smoother_limits': velocity.check_limits,
    'smoother_timing': velocity.check_timing,
    'stamped_cmd_vel': velocity.check_stamped,
    'managed_nodes': lifecycle.check_managed_nodes,
    'bond': lifecycle.check_bond,
    'clock': lifecycle.check_clock,
}

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO, Severity.NOT_CHECKED)


def check_nav2(
    parameters: Mapping[Any, Any], release: Release = Release.JAZZY
) -> list[Nav2Finding]:
    """
    Return what would silently fail, the worst first.

    :param parameters: a parameter file as a YAML reader returns it; nothing in it is trusted.
    :param release: whose Nav2 will read it.
    """
    stack = Stack(parameters=parameters, release=release)
    found = {
        replace(finding, check=name): None
        for name, check in CHECKS.items()
        for finding in check(stack)
    }
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))
