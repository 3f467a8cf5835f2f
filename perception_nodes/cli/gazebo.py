"""``perception gazebo``: courses for Gazebo Sim."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from perception_nodes.cli.synthesize import parse_size

app = typer.Typer()


@app.callback()
def gazebo() -> None:
    """Generate worlds, robots and bridges for Gazebo Sim."""


@app.command()
def export(
    course: Annotated[str, typer.Argument(help='Name of a shipped course, or a course file.')],
    out: Annotated[Path, typer.Option(help='Folder that is written.')],
    release: Annotated[
        str, typer.Option(help='fortress (ROS 2 Humble) or harmonic (Jazzy).')
    ] = 'harmonic',
    namespace: Annotated[str, typer.Option(help='Namespace of the robot.')] = '',
    things: Annotated[int, typer.Option(min=0, help='Things beside the course.')] = 8,
    disturbance: Annotated[
        str, typer.Option(help='Worn markings and light of a preset.')
    ] = 'none',
    seed: Annotated[int, typer.Option(min=0, help='Seed of the things.')] = 0,
    size: Annotated[str, typer.Option(help='Picture size, WIDTHxHEIGHT.')] = '640x480',
) -> None:
    """Write a course with its robot as SDF, URDF and bridge configuration."""
    from perception_nodes.simulation.gazebo import GazeboRelease, export_course, standing_scene

    allowed = [item.value for item in GazeboRelease]
    if release not in allowed:
        raise typer.BadParameter(f'release {release!r} is not one of {", ".join(allowed)}')
    config = standing_scene(
        course, things=things, seed=seed, disturbance=disturbance, size_wh=parse_size(size)
    )
    written = export_course(config, GazeboRelease(release), out, namespace=namespace)
    console = Console()
    for what, path in vars(written).items():
        console.print(f'{what}: {path}', highlight=False, soft_wrap=True)
