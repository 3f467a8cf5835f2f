"""Every fault of labelled sets, planted one by one."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from perception_nodes.cli.data import app
from perception_nodes.curation.checking import check_sets
from perception_nodes.curation.finding import CHECKS, Severity
from perception_nodes.curation.reading import read_inventory, splits_of


def scene(seed, size_wh=(64, 48)):
    """Return a picture of random blots, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def checked(*addresses, against=()):
    """Return {(check, data): names of the places} of sets."""
    result = check_sets(
        [read_inventory(address) for address in addresses],
        [read_inventory(address) for address in against],
    )
    found = {
        (item.check, item.data): sorted(place.path.name for place in item.places)
        for item in result.findings
    }
    return result, found


def coco(folder, boxes, count=4):
    """Write a COCO set of pictures without faults and the boxes (picture, category, xywh)."""
    for number in range(count):
        save(folder / f'{number}.png', scene(number))
    content = {
        'images': [
            {'id': number, 'file_name': f'{number}.png', 'width': 64, 'height': 48}
            for number in range(count)
        ],
        'categories': [{'id': 1, 'name': 'cone'}, {'id': 7, 'name': 'lamp'}],
        'annotations': [
            {'id': index, 'image_id': image, 'category_id': category, 'bbox': list(box)}
            for index, (image, category, box) in enumerate(boxes)
        ],
    }
    path = folder / 'labels.json'
    path.write_text(json.dumps(content))
    return f'coco:{path}'


SOUND = [(0, 1, (5, 5, 20, 20)), (1, 7, (0, 0, 64, 48))]


def test_sound_set_has_no_findings(tmp_path):
    result, found = checked(coco(tmp_path, SOUND))
    assert found == {}
    assert result.sound
    assert result.balances[0].counts == {'cone': 1, 'lamp': 1}


@pytest.mark.parametrize(
    ('check', 'annotation', 'place'),
    [
        ('box_inverted', (2, 1, (30, 30, -10, 5)), '2.png'),
        ('box_empty', (2, 1, (30, 30, 0, 5)), '2.png'),
        ('box_outside', (2, 1, (70, 3, 10, 10)), '2.png'),
        ('box_cut', (2, 1, (50, 30, 30, 10)), '2.png'),
        ('box_tiny', (2, 1, (50, 30, 2, 10)), '2.png'),
        ('class_unknown', (2, 5, (5, 5, 20, 20)), 'labels.json'),
        ('label_broken', (99, 1, (5, 5, 20, 20)), 'labels.json'),
        ('label_broken', (2, 1, (5, 5, 20)), 'labels.json'),
    ],
)
def test_one_wrong_box_is_the_only_finding(tmp_path, check, annotation, place):
    address = coco(tmp_path, [*SOUND, annotation])
    result, found = checked(address)
    assert found == {(check, address): [place]}
    assert result.sound == (CHECKS[check].severity != Severity.ERROR)


def test_faults_of_pictures_are_told_apart(tmp_path):
    address = coco(tmp_path, SOUND, count=5)
    whole = (tmp_path / '2.png').read_bytes()
    (tmp_path / '2.png').write_bytes(whole[: len(whole) // 2])
    (tmp_path / '3.png').unlink()
    save(tmp_path / '4.png', scene(4, (60, 48)))
    save(tmp_path / 'unlisted.png', scene(9))
    _, found = checked(address)
    assert found == {
        ('picture_unreadable', address): ['2.png'],
        ('picture_missing', address): ['3.png'],
        ('picture_size', address): ['4.png'],
        ('label_missing', address): ['unlisted.png'],
    }


def test_rare_class_is_named_with_its_ratio(tmp_path):
    boxes = [(0, 1, (5, 5, 20, 20))] * 50 + [(1, 7, (5, 5, 20, 20))]
    address = coco(tmp_path, boxes)
    result, found = checked(address)
    assert set(found) == {('imbalance', address)}
    assert result.balances[0].ratio == 50
    assert 'lamp' in result.balances[0].hint


def test_voc_keeps_inverted_boxes_and_goes_on_after_a_broken_file(tmp_path):
    for name, box in (('a', (1, 1, 20, 20)), ('b', (30, 5, 10, 20))):
        save(tmp_path / 'JPEGImages' / f'{name}.png', scene(ord(name)))
        corners = zip(('xmin', 'ymin', 'xmax', 'ymax'), box, strict=True)
        inside = ''.join(f'<{key}>{value}</{key}>' for key, value in corners)
        label = tmp_path / 'Annotations' / f'{name}.xml'
        label.parent.mkdir(exist_ok=True)
        label.write_text(
            '<annotation><size><width>64</width><height>48</height></size><object>'
            f'<name>cone</name><bndbox>{inside}</bndbox></object></annotation>'
        )
    (tmp_path / 'Annotations' / 'c.xml').write_text('<annotation><obj')
    address = f'voc:{tmp_path}'
    _, found = checked(address)
    assert found == {('box_inverted', address): ['b.png'], ('label_broken', address): ['c.xml']}


def test_yolo_split_with_an_orphan_and_a_bare_picture(tmp_path):
    for name in ('a', 'b'):
        save(tmp_path / f'images/val/{name}.png', scene(ord(name)))
    (tmp_path / 'labels/val').mkdir(parents=True)
    (tmp_path / 'labels/val/a.txt').write_text('0 0.5 0.5 0.5 0.5\n3 0.5 0.5 0.5 0.5\n')
    (tmp_path / 'labels/val/gone.txt').write_text('0 0.5 0.5 0.5 0.5\n')
    (tmp_path / 'data.yaml').write_text('val: images/val\nnames: {0: cone}\n')
    address = f'yolo:{tmp_path / "data.yaml"}@val'
    assert splits_of(str(tmp_path)) == [address]
    _, found = checked(address)
    assert found == {
        ('class_unknown', address): ['a.txt'],
        ('picture_missing', address): ['gone.txt'],
        ('label_missing', address): ['b.png'],
    }


def test_masks_of_camvid_in_both_splits(tmp_path):
    for split, first in (('train', 0), ('val', 10)):
        for number in range(first, first + 4):
            save(tmp_path / split / f'{number}.png', scene(number))
            mask = np.tile(np.arange(12, dtype=np.uint8), (48, 6))[:, :64]
            save(tmp_path / f'{split}annot' / f'{number}.png', mask)
    save(tmp_path / 'valannot/10.png', np.full((48, 64), 77, np.uint8))
    save(tmp_path / 'valannot/11.png', np.zeros((24, 32), np.uint8))
    (tmp_path / 'valannot/12.png').unlink()
    (tmp_path / 'val/13.png').write_bytes((tmp_path / 'train/2.png').read_bytes())
    save(tmp_path / 'valannot/99.png', np.zeros((48, 64), np.uint8))
    train, val = splits_of(f'camvid:{tmp_path}')
    result, found = checked(train, val)
    assert found == {
        ('mask_broken', val): ['10.png'],
        ('mask_size', val): ['11.png'],
        ('mask_missing', val): ['12.png'],
        ('picture_missing', val): ['99.png'],
        ('leak', val): ['13.png'],
    }
    assert result.balances[0].unit == 'pixels'
    assert result.balances[0].counts['Sky'] == 4 * 48 * 6


def test_re_encoded_picture_is_a_duplicate_and_a_contradiction_needs_the_same_bytes(tmp_path):
    for number in range(6):
        save(tmp_path / 'stop' / f'{number}.png', scene(number))
    copy = cv2.resize(scene(3), (100, 75))
    cv2.imwrite(str(tmp_path / 'stop/again.jpg'), copy, [cv2.IMWRITE_JPEG_QUALITY, 60])
    save(tmp_path / 'go/0.png', scene(20))
    (tmp_path / 'go/wrong.png').write_bytes((tmp_path / 'stop/1.png').read_bytes())
    address = f'folder:{tmp_path}'
    result, found = checked(address)
    assert found == {
        ('duplicate', address): ['again.jpg'],
        ('contradiction', address): ['1.png'],
    }
    pair = next(item for item in result.findings if item.check == 'duplicate').places[0]
    assert pair.other.name == '3.png'


def test_leaks_are_told_of_the_set_and_not_of_what_it_is_held_against(tmp_path):
    for number in range(4):
        save(tmp_path / 'mine/a' / f'{number}.png', scene(number))
        save(tmp_path / 'held/a' / f'{number + 3}.png', scene(number + 3))
    mine, held = f'folder:{tmp_path / "mine"}', f'folder:{tmp_path / "held"}'
    result, found = checked(mine, against=[held])
    assert found == {('leak', mine): ['3.png']}
    assert len(result.balances) == 1


def test_tub_counts_broken_records_and_steering(tmp_path):
    lines = []
    for number, angle in enumerate((-0.8, 0.0, 0.05, 0.5, 3.0, 0.1)):
        name = f'{number}.jpg'
        lines.append({'_index': number, 'cam/image_array': name, 'user/angle': angle})
        if number != 5:
            save(tmp_path / 'images' / name, scene(number))
    (tmp_path / 'catalog_0.catalog').write_text('\n'.join(map(json.dumps, lines)))
    address = f'tub:{tmp_path}'
    assert splits_of(str(tmp_path)) == [address]
    result, found = checked(address)
    assert {key[0] for key in found} == {'label_broken', 'picture_missing', 'label_missing'}
    assert result.balances[0].counts == {'left': 1, 'straight': 2, 'right': 1}


def test_unknown_place_names_the_kinds(tmp_path):
    with pytest.raises(ValueError, match=r'coco, voc, yolo.*tub'):
        splits_of(str(tmp_path / 'nothing'))


@pytest.mark.parametrize(('boxes', 'code'), [(SOUND, 0), ([*SOUND, (2, 1, (5, 5, 0, 9))], 1)])
def test_command_writes_reports_and_tells_by_its_exit_code(tmp_path, boxes, code):
    address, out = coco(tmp_path, boxes), tmp_path / 'out'
    ran = CliRunner().invoke(app, ['check', address, '--out', str(out)])
    assert ran.exit_code == code, ran.output
    report = json.loads((out / 'report.json').read_text())
    assert report['sound'] == (code == 0)
    assert [item['check'] for item in report['findings']] == ['box_empty'][:code]
    page = (out / 'report.html').read_text()
    assert page.count('data:image/jpeg') == code
