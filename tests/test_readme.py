"""The README says what is published, and what it names exists."""

import re

import pytest

from dropnorm.errors import UserError
from dropnorm.readme import refreshed


def test_generated_parts_follow_what_is_published(root):
    assert (root / "README.md").read_text() == refreshed(root), "run `dropnorm publish`, or `dropnorm.readme.refresh`"


def test_a_lost_marker_is_said(root, tmp_path):
    (tmp_path / "README.md").write_text((root / "README.md").read_text().replace("<!-- /verdicts -->", ""))
    (tmp_path / "protocols").mkdir()
    with pytest.raises(UserError, match="markers"):
        refreshed(tmp_path)


def test_files_it_names_exist(root):
    text = (root / "README.md").read_text()
    links = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    named = re.findall(r"^([\w./-]+/[\w./-]+\.\w+) {2,}", text, flags=re.M)
    assert len(links) >= 4
    assert len(named) >= 5
    assert [p for p in links + named if not (root / p).exists()] == []


def test_commands_it_tells_are_commands(root, dropnorm):
    told = set(re.findall(r"^dropnorm (\w+)", (root / "README.md").read_text(), flags=re.M))
    known = dropnorm("--help").stdout
    assert told >= {"run", "figure", "compare", "status", "list"}
    assert all(command in known for command in told)


def test_runs_that_it_puts_back_are_committed(root):
    told = [
        result
        for page in ("README.md", "book/reproduce.md")
        for result in re.findall(r"dropnorm restore ([\w/]+)", (root / page).read_text())
    ]
    assert len(told) == 2
    assert [result for result in told if not list((root / "published/full" / result / "runs").glob("*.parquet"))] == []
