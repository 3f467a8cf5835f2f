"""The part of ``perception robustness`` that attacks: options, pictures, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perception_nodes.cli.progress import console, progress_bar
from perception_nodes.evaluation.masked_sets import MaskedSet
from perception_nodes.segmentation import Segmenter

if TYPE_CHECKING:
    from perception_nodes.learning.adversarial.differentiable import PictureNetwork
    from perception_nodes.robustness.attacking import AttackPlan
    from perception_nodes.robustness.under_attack import UnderAttack

_LEAST_AGREEMENT = 0.97  # of a network with the bundle that it was made from

AttacksOption = Annotated[
    str,
    typer.Option(
        help='Also attack: fgsm,pgd,segpgd,patch; controls that know nothing of the network: '
        'noise,noise_patch.'
    ),
]
EpsilonOption = Annotated[
    int, typer.Option(help='Largest change of a pixel value, grey levels of 255.', min=1, max=128)
]
StepOption = Annotated[
    float,
    typer.Option(
        help='Change in one step of pgd and segpgd, grey levels; 0: 2.5 ε / iterations, at most '
        '1.25 ε.',
        min=0.0,
    ),
]
IterationsOption = Annotated[int, typer.Option(help='Steps of pgd and segpgd.', min=1)]
RestartsOption = Annotated[int, typer.Option(help='Random starts of pgd and segpgd.', min=1)]
SurrogateOption = Annotated[
    str, typer.Option(help='Bundle whose gradients are used, for models that have none.')
]


@dataclass(frozen=True, eq=False, kw_only=True)
class AttackResult:
    """
    What the attacks did to a model.

    :param attacked: set of every attack by name.
    :param record: how it was done, for the JSON file.
    """

    figures: UnderAttack
    attacked: Mapping[str, MaskedSet]
    record: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**self.record, **self.figures.to_dict()}


def planned(
    names: str, epsilon: int, iterations: int, restarts: int, step: float = 0.0
) -> AttackPlan | None:
    """Return what ``--attacks`` asks for, checked; None for nothing."""
    if not names:
        return None
    from perception_nodes.learning.adversarial.config import AttackConfig
    from perception_nodes.robustness.attacking import AttackPlan

    return AttackPlan(
        names=tuple(name.strip() for name in names.split(',') if name.strip()),
        strength=AttackConfig(
            epsilon_levels=float(epsilon),
            step_levels=step,
            iterations=iterations,
            restarts=restarts,
        ),
    )


def attacked_result(
    segmenter: Segmenter,
    labelled: MaskedSet,
    plan: AttackPlan,
    folder: Path,
    *,
    surrogate: str = '',
    threads: int = 0,
) -> AttackResult:
    """
    Attack a set, with a progress bar, and measure the segmenter on it.

    :param folder: gets a folder for every attack; what is there of an equal run is kept.
    :param surrogate: address of the bundle whose gradients are used; empty: the segmenter's own.
    :raises NotDifferentiableError: for a bundle without gradients.
    """
    from perception_nodes.robustness.attacking import Attacker
    from perception_nodes.robustness.under_attack import measure_attacked

    source = Segmenter.load(surrogate, device=segmenter.device) if surrogate else segmenter
    network, alike = _network_of(source, labelled, threads)
    attacker = Attacker(
        network=network, class_names=source.class_names, labelled=labelled, plan=plan,
        device=source.device,
    )  # fmt: skip
    weights = source.bundle.spec.weights.sha256
    identity = {'data_sha256': labelled.digest(), 'gradients_of': weights}
    if surrogate:
        source.close()
    count, attacked = len(labelled.pictures), {}
    with progress_bar('Attacking', sum(plan.ticks(name, count) for name in plan.names)) as advance:
        for name in plan.names:

            def step(ticks: int, name: str = name) -> None:
                advance(ticks, name)

            attacked[name] = attacker.write(name, folder / name, identity, step)
    figures = measure_attacked(segmenter, labelled, attacked)
    how = {name: plan.identity(name) for name in plan.names}
    record = {'gradients_of': weights, 'agreement': round(alike, 5), 'attacks': how}
    return AttackResult(figures=figures, attacked=attacked, record=record)


def _network_of(
    source: Segmenter, labelled: MaskedSet, threads: int
) -> tuple[PictureNetwork, float]:
    """Return the bundle as a network, and which part of a picture both decide alike."""
    import torch

    from perception_nodes.learning.adversarial.differentiable import (
        NotDifferentiableError,
        differentiable,
    )
    from perception_nodes.robustness.attacking import agreement

    if threads:
        torch.set_num_threads(threads)
    network = differentiable(source.bundle).to(source.device)
    frame, _ = labelled.read(labelled.pictures[0])
    alike = agreement(network, frame, source(frame).class_ids, source.device)
    if alike < _LEAST_AGREEMENT:
        raise NotDifferentiableError(
            f'{source.bundle.path}: opened for gradients it decides only {alike:.1%} of the '
            f'pixels of {labelled.pictures[0].path.name} as the bundle does; attack another '
            'bundle and name it with --surrogate'
        )
    console.print(
        f'{source.bundle.name}: opened for gradients, {alike:.2%} of the pixels of a picture are '
        'decided as by the bundle',
        highlight=False,
    )
    return network, alike
