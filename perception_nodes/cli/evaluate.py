"""``perception evaluate``: measure a model on labelled data."""

from __future__ import annotations

import typer

from perception_nodes.cli.evaluate_classification import classification
from perception_nodes.cli.evaluate_detection import detection
from perception_nodes.cli.evaluate_segmentation import segmentation

app = typer.Typer(help='Measure a model on labelled data.')
app.command()(detection)
app.command()(segmentation)
app.command()(classification)


@app.callback()
def _evaluate() -> None:
    """Measure a model on labelled data."""


if __name__ == '__main__':
    app()
