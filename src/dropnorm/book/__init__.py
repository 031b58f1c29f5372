"""The book: hand-written pages, every number in them injected from results on disk.

    sources    which results there are, and their files
    texts      how numbers, times and links are written in Markdown
    claims     verdicts: badge, tables, count, changelog, README table
    figures    figures with captions, alt texts and downloads
    tables     the numbers of `table.csv`
    benchmarks what `dropnorm bench` measured
    again      what came out when results were trained again elsewhere
    ranks      what verdicts would be if tests were by ranks
    origin     provenance strip, expected times, commands to rerun
    facts      what a page may inject, and the check of what it does inject
    staging    pages and generated fragments, put together for Jupyter Book
    building   Jupyter Book in a process of its own

Nothing here trains or draws, and verdicts are those on disk; `ranks` alone judges once more, by another test.
"""

from dropnorm.book.building import build
from dropnorm.book.claims import readme_table
from dropnorm.book.origin import readme_times

__all__ = ["build", "readme_table", "readme_times"]
