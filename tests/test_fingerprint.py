"""The fingerprint follows what code does, through imports, and nothing else."""

import shutil

import pytest

from dropnorm.fingerprint import _code, _imports, fingerprint, import_closure

MODULE = "dropnorm.experiments.classification"


@pytest.fixture
def source(root, tmp_path):
    return shutil.copytree(root / "src/dropnorm", tmp_path / "dropnorm")


@pytest.fixture
def change(source):
    """Replace text in a file of the copy and return the fingerprint of the experiment."""

    def apply(file, old, new):
        path = source / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        fingerprint.cache_clear()
        _code.cache_clear()
        _imports.cache_clear()
        return fingerprint(MODULE, source)

    return apply


def test_the_closure_holds_the_science_and_nothing_else():
    closure = import_closure(MODULE)
    assert {"dropnorm.layers.batch_norm", "dropnorm.training.sgd", "dropnorm.networks.sigmoid_mlp"} <= set(closure)
    outside = ("plotting", "analyses", "claims", "cli", "runner", "datasets", "protocol", "book", "evaluation")
    assert not [m for m in closure if m.split(".")[1] in outside]


def test_a_comment_a_docstring_or_layout_changes_nothing(change, source):
    before = fingerprint(MODULE, source)
    assert change("layers/batch_norm.py", "import torch\n", "import torch  # the library\n\n\n") == before
    assert change("layers/batch_norm.py", "Batch normalization, written out", "Another docstring") == before
    assert change("training/sgd.py", "W <- W - lr * g in place", "an update") == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("layers/batch_norm.py", "(m / (m - 1))", "1.0"),
        ("training/sgd.py", "value=-1", "value=-2"),
        ("experiments/classification.py", "0.85", "0.9"),
        ("settings.py", 'extra="forbid"', 'extra="allow"'),
        ("layers/__init__.py", '"""Layers', 'EAGER = True\n"""Layers'),  # importing any layer runs it
    ],
)
def test_code_that_an_experiment_imports_changes_it(change, source, file, old, new):
    before = fingerprint(MODULE, source)
    assert change(file, old, new) != before


def test_what_only_a_gpu_does_counts_for_runs_that_were_made_on_one(change, source):
    before = [fingerprint(MODULE, source, gpu=gpu) for gpu in (False, True)]
    new = "value=(-2 if grad.is_cuda else -1)"
    after = [change("training/sgd.py", "value=-1", new), fingerprint(MODULE, source, gpu=True)]
    assert [now == then for now, then in zip(after, before, strict=True)] == [True, False]
    assert change("training/sgd.py", "else -1)", "else -3)") != before[0]  # that is a processor's


def test_other_code_does_not(change, source):
    before = fingerprint(MODULE, source)
    assert change("plotting.py", "#D55E00", "#D55E01") == before
    assert change("runner.py", "STEPS_BETWEEN_LOOKS = 20", "STEPS_BETWEEN_LOOKS = 30") == before


def test_it_is_the_same_on_every_python(tmp_path):
    """From 3.12 on, Python writes f-strings with their own quotes inside their braces."""
    path = tmp_path / "a.py"
    path.write_text("""x = f"{'b' if order == 'before' else 'beta'}{n:{width}d}" + f'{n}'\n""")
    assert _code(path) == """x = f"{('b' if order == 'before' else 'beta')}{n:{width}d}" + f'{n}'"""


def test_a_module_may_be_imported_by_name_from_its_package(tmp_path):
    (tmp_path / "a.py").write_text("from dropnorm import b")
    (tmp_path / "b.py").write_text("import math")
    assert import_closure("dropnorm.a", tmp_path) == ["dropnorm.a", "dropnorm.b"]
