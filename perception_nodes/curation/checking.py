"""The check of labelled sets: every fault of each, and what they share."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_nodes.curation.balance import Balance, balance_of
from perception_nodes.curation.box_checks import check_boxes
from perception_nodes.curation.duplicates import find_same
from perception_nodes.curation.finding import CHECKS, DataFinding, Place, Severity
from perception_nodes.curation.inventory import Inventory
from perception_nodes.curation.looking import Look, look_at


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """
    What was found.

    :param pictures: how many each set has, by address.
    :param findings: errors first, in the order of the sets.
    :param balances: one for each set that is checked.
    :param seconds: that the check took, without reading the labels.
    """

    pictures: dict[str, int]
    findings: tuple[DataFinding, ...]
    balances: tuple[Balance, ...]
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether there is no error."""
        return all(finding.severity != Severity.ERROR for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'sound': self.sound,
            'pictures': self.pictures,
            'seconds': round(self.seconds, 2),
            'findings': [finding.to_dict() for finding in self.findings],
            'balances': [balance.to_dict() for balance in self.balances],
        }


def check_sets(
    inventories: Sequence[Inventory],
    against: Sequence[Inventory] = (),
    advance: Callable[[], object] = lambda: None,
) -> DataCheck:
    """
    Check sets, each by itself and for pictures that they share.

    :param inventories: splits or sets.
    :param against: held-out sets: pictures that show the same are leaks of ``inventories``;
        nothing else of them is looked at.
    :param advance: called after each picture.
    """
    start = time.monotonic()
    every = [*against, *inventories]
    entries = [entry for inventory in every for entry in inventory.entries]
    jobs = [(entry, item.masks) for item in every for entry in item.entries]
    looks = look_at(jobs, advance)
    sets = np.repeat(np.arange(len(every)), [len(item.entries) for item in every])
    places: dict[tuple[int, str], list[Place]] = defaultdict(list)
    for number, check, place in find_same(entries, looks, sets):
        if number >= len(against):
            places[number, check].append(place)
    balances = []
    for number, inventory in list(enumerate(every))[len(against) :]:
        own = [look for look, owner in zip(looks, sets, strict=True) if owner == number]
        for check, found in _faults_of(inventory, own).items():
            places[number, check] += found
        balances.append(_balance(inventory, own))
        for name, ratio in balances[-1].rare.items():
            words = f'{name}: {balances[-1].counts[name]}, 1 to {ratio:.0f}'
            places[number, 'imbalance'].append(Place(path=inventory.root, words=words))
    findings = [
        DataFinding(check=check, data=every[number].address, places=tuple(places[number, check]))
        for check in CHECKS
        for number in range(len(every))
        if places.get((number, check))
    ]
    findings.sort(key=lambda finding: finding.severity != Severity.ERROR)
    return DataCheck(
        pictures={item.address: len(item.entries) for item in every},
        findings=tuple(findings),
        balances=tuple(balances),
        seconds=time.monotonic() - start,
    )


def _faults_of(inventory: Inventory, looks: Sequence[Look]) -> dict[str, list[Place]]:
    """Return the places of one set by check."""
    places: dict[str, list[Place]] = defaultdict(list)
    for check, noted in inventory.places.items():
        if check != 'picture_unreadable':  # the pass over the pictures says it as well
            places[check] += noted
    for entry, look in zip(inventory.entries, looks, strict=True):
        if look.error and look.error != 'missing':
            places['picture_unreadable'].append(Place(path=entry.path, words=look.error))
        if look.size_wh and entry.size_wh and entry.size_wh != look.size_wh:
            words = f'{_by(look.size_wh)}, the labels say {_by(entry.size_wh)}'
            places['picture_size'].append(Place(path=entry.path, words=words))
        if look.mask_error:
            places['mask_broken'].append(Place(path=entry.path, words=look.mask_error))
        if look.size_wh and look.mask_size_wh and look.mask_size_wh != look.size_wh:
            words = f'mask {_by(look.mask_size_wh)}, picture {_by(look.size_wh)}'
            places['mask_size'].append(Place(path=entry.path, words=words))
    for check, place in check_boxes(inventory.entries, [look.size_wh for look in looks]):
        places[check].append(place)
    return places


def _balance(inventory: Inventory, looks: Sequence[Look]) -> Balance:
    """Return how often each class occurs: pixels of masks, boxes, or whole pictures."""
    if inventory.masks is not None:
        pixels = sum(
            (look.mask_pixels for look in looks if look.mask_pixels is not None),
            np.zeros(256, np.int64),
        )
        counted = Counter(dict(zip(inventory.classes, pixels.tolist(), strict=False)))
        return balance_of(inventory.address, 'pixels', inventory.classes, counted)
    labels = Counter(entry.label for entry in inventory.entries if entry.label)
    boxes = Counter(name for entry in inventory.entries for name in entry.box_classes)
    unit = 'pictures' if labels else 'boxes'
    return balance_of(inventory.address, unit, inventory.classes, labels or boxes)


def _by(size_wh: tuple[int, int]) -> str:
    return f'{size_wh[0]}×{size_wh[1]}'
