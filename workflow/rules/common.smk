# What the rules share: the checked configuration, the protocols at the scale asked for, and where things are.
import sys
from pathlib import Path

from dropnorm.errors import UserError
from dropnorm.fingerprint import fingerprint
from dropnorm.workflow import WorkflowConfig, book_sources, load_results, published_files

ROOT = Path(workflow.basedir)

try:
    CONFIG = WorkflowConfig.check(config, "config/config.yaml or --config")
    RESULTS = load_results(ROOT, CONFIG)
except UserError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

# Paths and places in shell commands are looked up in `config` when a job starts: they are no reason to run it again.
config.update(out=CONFIG.out, data_dir=CONFIG.data_dir)  # as shell commands use them, with `~` replaced
SCALE, VARIANT, GPUS = CONFIG.scale, CONFIG.variant, int(CONFIG.device == "cuda")


# Marks of the jobs whose runs were made without Snakemake and are not finished: what makes Snakemake finish them.
def unfinished(*results):
    names = {source.name for result in results for source in result.protocol.sources}
    return [mark for result in RESULTS if result.name in names for job in result.jobs for mark in job.unfinished]
