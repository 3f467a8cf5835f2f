"""The parts of the demo's page about driving and mapping."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perception_nodes.cli.demo.drive import DriveResult
from perception_nodes.cli.demo.true_map import MapComparison
from perception_nodes.simulation import CoursePath
from perception_nodes.structures import Frame
from perception_nodes.visualization.map_panels import draw_panels
from perception_nodes.visualization.plots import lines_svg, track_svg
from perception_nodes.visualization.report import (
    Block,
    Figure,
    Figures,
    Gallery,
    Plot,
    Section,
    Table,
    Text,
    picture,
)

_CM = 100.0


def drive_sections(
    result: DriveResult, path: CoursePath, comparison: MapComparison | None
) -> tuple[Section, ...]:
    """Return the sections; without a recorded map there is one less."""
    if not len(result.time_s):
        text = Text(paragraphs=('The robot was not driven.',))
        return (Section(title='The drive', blocks=(text,)),)
    drive = Section(title='The drive', blocks=_drive(result, path))
    return (drive, _map(comparison)) if comparison is not None else (drive,)


def _drive(result: DriveResult, path: CoursePath) -> tuple[Block, ...]:
    edges = [path.offset_line(side * path.course.lane_width_m / 2) for side in (-1, 1)]
    at = [int(np.searchsorted(result.way_m, stop.at_m)) for stop in result.stops]
    marks = result.true_xy[np.minimum(at, len(result.true_xy) - 1)] if at else None
    lateral = {
        'robot': (result.time_s, _CM * result.lateral_m),
        'error of what it saw': (result.time_s, _CM * result.seen_error_m),
    }
    return (
        _figures(result),
        Plot(
            svg=track_svg(result.true_xy, edges=edges, marks_xy=marks),
            caption='The way of base_link between the edges of the lane, in the world. Crosses: '
            'where it stopped.',
        ),
        Plot(
            svg=lines_svg(lateral, x_label='simulated time [s]', y_label='to the left [cm]'),
            caption='Robot: its distance from the middle of the lane. Error of what it saw: '
            'lateral error of the estimate minus the true one, at the point that it looks at.',
        ),
        Plot(
            svg=lines_svg(
                {'speed': (result.time_s, result.speed_m_s)},
                x_label='simulated time [s]', y_label='speed [m/s]',
            ),
            caption='True forward speed.',
        ),
        _stops(result),
    )  # fmt: skip


def _figures(result: DriveResult) -> Figures:
    lap = f'{result.lap_s:.1f} s' if np.isfinite(result.lap_s) else 'not finished'
    lateral = f'{_CM * result.lateral_rms_m:.1f} cm'
    return Figures(
        items=(
            Figure(
                label='Lap',
                value=lap,
                note=f'{result.driven_m:.1f} m driven of {result.course_m:.1f} m',
            ),
            Figure(
                label='Distance from the middle',
                value=lateral,
                note=f'root mean square; at most {_CM * result.lateral_max_m:.1f} cm',
            ),
            Figure(
                label='Departures',
                value=str(result.departures),
                note='times a wheel was beyond the inner edge of a tape',
            ),
            Figure(
                label='Stops',
                value=str(len(result.stops)),
                note='between the first and the last metre, with their reasons below',
            ),
        )
    )


def _stops(result: DriveResult) -> Block:
    if not result.stops:
        return Text(paragraphs=('It never stopped on its way.',))
    rows = [
        (f'{stop.start_s:.1f} s', f'{stop.at_m:.1f} m', stop.duration_s, stop.reason, stop.text)
        for stop in result.stops
    ]
    return Table(
        columns=('at', 'way', 'seconds', 'reason', 'in words'),
        rows=tuple(rows),
        caption='From the first decision to brake until it drove again; simulated time.',
        digits=1,
    )


def _map(comparison: MapComparison) -> Section:
    agreement = comparison.agreement
    drawn = draw_panels(comparison.panels, columns=2)
    text = (
        f'Free {agreement.free_iou:.3f}, occupied {agreement.occupied_iou:.3f}: intersection over '
        f'union with the world over {agreement.cells} cells that were seen at least three times '
        'within 3 m, with one cell of tolerance.'
    )
    caption = (
        'Left: what really stands along the way (black), people (green). Right: the map at the '
        'end; red is only in the map, blue only in the world. Grey is unknown.'
    )
    blocks: Sequence[Block] = (
        Text(paragraphs=(text,)),
        Gallery(pictures=(picture(Frame(pixels=drawn), caption),)),
    )
    return Section(title='The map', blocks=tuple(blocks))
