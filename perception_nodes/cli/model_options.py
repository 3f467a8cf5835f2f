"""Options of every command that runs a model."""

from __future__ import annotations

from typing import Annotated

import typer

ModelOption = Annotated[
    str,
    typer.Option('--model', '-m', help='Folder, URI or name of a model (perception models list).'),
]
DeviceOption = Annotated[str, typer.Option(help='auto, cpu, cuda, cuda:N, tensorrt.')]
PrecisionOption = Annotated[str, typer.Option(help='fp32, or fp16 on a GPU.')]
ThreadsOption = Annotated[int, typer.Option(help='CPU threads; 0: all.', min=0)]
