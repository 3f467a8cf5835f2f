"""``perception blend``: the mean of a model and what further training made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perception_nodes.cli.opened_model import open_model
from perception_nodes.cli.progress import console, track
from perception_nodes.inference.registry import resolve_model


def blend(
    first: Annotated[str, typer.Argument(help='Model before the further training.')],
    second: Annotated[str, typer.Argument(help='Model after it.')],
    out: Annotated[Path, typer.Option('--out', '-o', help='Folder of the bundle to write.')],
    part: Annotated[float, typer.Option(help='Of the second, 0..1.', min=0.0, max=1.0)] = 0.5,
    val: Annotated[
        str,
        typer.Option(
            help='Labelled set to calibrate the mean on, as perception train takes it; without '
            "one it keeps the first's calibration."
        ),
    ] = '',
) -> None:
    """Average the weights of a model and of one trained on from it, to keep what both know."""
    from perception_nodes.learning.blending import blended_bundle

    written = blended_bundle(
        resolve_model(first), resolve_model(second), out, part=part, labelled=val, track=track,
        open_model=lambda bundle: open_model(bundle, device='cpu'),
    )  # fmt: skip
    calibration = written.spec.provenance.details['calibration']
    console.print(f'calibration: {calibration}', markup=False, highlight=False)
    console.print(f'→ {written.path}; measure it with perception evaluate', highlight=False)
