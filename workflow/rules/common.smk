# What the rules share: the checked configuration, the protocols at the scale asked for, and where things are.
import os
import sys
from pathlib import Path

from dropnorm.errors import UserError
from dropnorm.fingerprint import fingerprint
from dropnorm.runner import choose_device
from dropnorm.workflow import WorkflowConfig, book_sources, load_results, no_such_target, published_files

ROOT = Path(workflow.basedir)

# Rules call `dropnorm` by name: that of the environment that this Snakemake is of, whether it is activated or not.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def stop(error):
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


try:
    CONFIG = WorkflowConfig.check(config, "config/config.yaml or --config")
    RESULTS, REFUSED = load_results(ROOT, CONFIG)
except UserError as error:
    stop(error)


# Before the first job, and only now: it is not known earlier whether jobs run on this machine or on those of a cluster,
# which may have a GPU where the one that they are sent from has none.
onstart:
    if workflow.local_exec:
        try:
            choose_device(CONFIG.device)
        except UserError as error:
            stop(error)


# Paths and places in shell commands are looked up in `config` when a job starts: they are no reason to run it again.
config.update(out=CONFIG.out, data_dir=CONFIG.data_dir)  # as shell commands use them, with `~` replaced
SCALE, VARIANT, GPUS = CONFIG.scale, CONFIG.variant, int(CONFIG.device == "cuda")
LABEL = f"{SCALE}@{VARIANT}" if VARIANT else SCALE  # of logs: those of a variant lie beside the original's


# What stands for files that a variant does not have: Snakemake calls it if they are asked for.
def no_such_variant(why):
    return lambda wildcards: stop(why)


# Marks of what was made without Snakemake and is not finished, or not as it would be today: runs, and evaluations.
# They make Snakemake finish it.
def unfinished(*results):
    names = {source.name for result in results for source in result.protocol.sources}
    of_runs = [mark for result in RESULTS if result.name in names for job in result.jobs for mark in job.unfinished]
    return of_runs + [mark for result in results for mark in result.former]
