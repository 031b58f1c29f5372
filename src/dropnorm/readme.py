"""The generated parts of the README: verdicts and times, from what is published."""

import re
from pathlib import Path

from dropnorm.book import readme_table, readme_times
from dropnorm.errors import UserError
from dropnorm.files import write_text


def refreshed(root: Path) -> str:
    """The README with its generated parts as they follow from `published/` today.

    Raises UserError if one of its markers is gone.
    """
    text = (root / "README.md").read_text(encoding="utf-8")
    for name, generated in (("verdicts", readme_table(root)), ("times", readme_times(root))):
        pattern = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, found = pattern.subn(lambda m, new=generated: f"{m[1]}{new}{m[2]}", text)
        if found != 1:
            raise UserError(f"README.md: the markers <!-- {name}: ... --> and <!-- /{name} --> must be there once")
    return text


def refresh(root: Path) -> None:
    """Write the README's generated parts anew."""
    write_text(root / "README.md", refreshed(root))
