"""``perception compress``: what it measures, takes, writes, and what it refuses."""

import dataclasses
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perception_nodes.cli.compress import compress
from perception_nodes.imaging.index_png import write_index_png
from perception_nodes.inference.bundle import read_bundle, write_bundle

APP = typer.Typer()
APP.command()(compress)


@pytest.fixture
def run(bundle, labelled, tmp_path):
    """Return a function that runs the command and returns its result and its folder."""

    def call(*words, model=None, ranges=('--data', f'masks:{labelled}'), val=None):
        out = tmp_path / 'out'
        whole = ['--model', model or bundle.path, '--val', val or f'masks:{labelled}', *ranges]
        whole += ['--out', out, '--rounds', 2, '--pictures', 4, '--threads', 1, *words]
        return CliRunner().invoke(APP, [str(word) for word in whole]), out

    return call


def record_of(result, out):
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads((out / 'compress.json').read_text())


def test_all_forms_are_measured_and_the_one_to_take_is_written(run, bundle):
    result, out = run()
    record = record_of(result, out)
    scores = {item['name']: item['score'] for item in record['candidates']}
    assert set(scores) == {'fp32', 'int8'}
    assert scores['fp32'] > 0.98
    assert scores[record['chosen']] >= scores['fp32'] - 0.01
    taken = read_bundle(out / 'bundle')
    assert taken.name == bundle.name + ('' if record['chosen'] == 'fp32' else '_int8')
    assert record['chosen'] in (out / 'report.html').read_text()


def test_record_names_the_processor_with_its_instructions_and_the_device(run):
    record = record_of(*run('--device', 'auto'))
    assert record['device'] == 'cpu' or record['device'].startswith('cuda')
    assert record['machine']['Processor']
    if 'avx2' in Path('/proc/cpuinfo').read_text():
        assert 'AVX2' in record['machine']['Vector instructions']


def test_unknown_device_is_refused_before_anything_is_quantised(run):
    result, out = run('--device', 'gpu')
    assert 'gpu' in str(result.exception)
    assert not out.exists()


def test_ranges_come_from_plain_frames_too(run, labelled, tmp_path):
    record = record_of(*run(ranges=('--calibrate', labelled / 'images')))
    assert record['data'] == f'4 pictures of {labelled / "images"}'
    video = tmp_path / 'drive.avi'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 32))
    for level in range(0, 250, 25):
        writer.write(np.full((32, 64, 3), level, np.uint8))
    writer.release()
    record = record_of(*run(ranges=('--calibrate', video)))
    assert record['data'] == f'4 pictures of {video}'


@pytest.mark.parametrize('ranges', [(), ('--data', 'masks:a', '--calibrate', 'b')])
def test_ranges_need_one_kind_of_pictures(run, ranges):
    result, _ = run(ranges=ranges)
    assert 'give --data (a labelled set) or --calibrate' in str(result.exception)


def test_other_networks_compete_with_their_own_int8_forms(run, write_mask_bundle, tmp_path):
    coarse = write_mask_bundle(tmp_path / 'coarse', stride=16, name='coarse')
    twin = write_mask_bundle(tmp_path / 'twin', stride=4, name='coarse')
    result, out = run('--candidate', coarse.path, '--candidate', twin.path)
    names = [item['name'] for item in record_of(result, out)['candidates']]
    assert names == ['fp32', 'int8', 'coarse', 'coarse, int8', 'coarse (2)', 'coarse (2), int8']
    page = (out / 'report.html').read_text()
    assert all(name in page for name in names)


def test_network_in_int8_competes_as_it_is(run, tmp_path):
    _, out = run()
    shutil.move(out / 'forms' / 'int8_0', tmp_path / 'earlier')
    result, out = run('--candidate', tmp_path / 'earlier')
    names = [item['name'] for item in record_of(result, out)['candidates']]
    assert names == ['fp32', 'int8', 'colours_int8']
    assert 'measured as it is: is in int8 already' in ' '.join(result.output.split())


def test_candidate_of_other_classes_is_refused(run, write_mask_bundle, tmp_path):
    other = write_mask_bundle(tmp_path / 'other', classes=('floor', 'blue', 'red'))
    result, out = run('--candidate', other.path)
    assert 'tells floor, blue, red; colours tells floor, red, blue' in str(result.exception)
    assert not out.exists()


def test_candidate_of_another_task_is_refused(run, bundle, tmp_path):
    spec = dataclasses.replace(bundle.spec, task='classification')
    other = write_bundle(tmp_path / 'other', spec, bundle.weights_path)
    result, _ = run('--candidate', other.path)
    assert 'the task is classification, that of colours is segmentation' in str(result.exception)


def test_target_out_of_reach_leaves_the_page_and_ends_with_the_cure(run):
    result, out = run('--target-latency', '1e-6')
    assert result.exit_code != 0
    assert 'the fastest within that loss is' in str(result.exception)
    record = json.loads((out / 'compress.json').read_text())
    assert (record['chosen'], record['refused']) == (None, str(result.exception))
    assert {item['name'] for item in record['candidates']} == {'fp32', 'int8'}
    assert 'Nothing was taken' in (out / 'report.html').read_text()
    assert not (out / 'bundle').exists()


def test_labels_that_give_no_score_are_refused(run, labelled, tmp_path):
    blank = tmp_path / 'blank'
    shutil.copytree(labelled, blank)
    for path in (blank / 'masks').iterdir():
        write_index_png(path, np.full((32, 64), 255, np.uint8))
    result, out = run(val=f'masks:{blank}')
    assert 'mIoU of colours is nan on 6 pictures' in str(result.exception)
    assert not out.exists()


def test_model_itself_and_folders_of_other_things_are_no_target(run, bundle, tmp_path):
    result, _ = run('--bundle', bundle.path)
    assert 'is the model that the new one is made from' in str(result.exception)
    read_bundle(bundle.path)
    (tmp_path / 'papers').mkdir()
    (tmp_path / 'papers' / 'one.pdf').write_bytes(b'%PDF')
    result, _ = run('--bundle', tmp_path / 'papers')
    assert 'holds one.pdf' in str(result.exception)


def test_model_that_lies_where_forms_go_is_refused(run):
    _, out = run()
    result, _ = run(model=out / 'forms' / 'int8_0')
    assert 'is written anew; choose another --out' in str(result.exception)
    read_bundle(out / 'forms' / 'int8_0')
