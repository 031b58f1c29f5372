"""The command line: `dropnorm COMMAND --help` explains each."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from dropnorm.errors import UserError
from dropnorm.names import PUBLISHED, RESULTS, SCALES, Place, ResultName, project_root
from dropnorm.options import (
    BENCH,
    DATA,
    OutOpt,
    ResultArg,
    ScaleOpt,
    SetOpt,
    VariantOpt,
    chosen_seeds,
    console,
    in_checkout,
    known_arms,
    not_committed,
    open_result,
    open_results,
)
from dropnorm.protocol import all_names
from dropnorm.protocol import load as load_protocol
from dropnorm.timing import parse_duration
from dropnorm.variants import remember_all

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a process is fastest; read when torch is loaded

app = typer.Typer(
    help="Replicate results of three papers on dropout and batch normalization, one by one.\n\n"
    "A result is one figure, table or theorem: ioffe2015/figure1. It is trained by `run`, evaluated and drawn by "
    "`figure`; `status` says what is there, what is stale and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.command()
def run(
    result: ResultArg,
    arm: Annotated[list[str] | None, typer.Option(help="Only this arm; may be given more than once.")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="A range (0-9), a list (0,2,5) or one seed; default: the protocol's.")
    ] = None,
    scale: ScaleOpt = "full",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, max=256, help="CPU threads; one a process is fastest.")] = 1,
    data_dir: Annotated[Path, typer.Option(help="Where data sets are, or are put.")] = DATA,
    mirror: Annotated[str | None, typer.Option(help="A folder or URL to take data from first.")] = None,
    out: OutOpt = RESULTS,
    time_limit: Annotated[
        str | None, typer.Option(help="Stop cleanly, with status 0, after this time (9m): run again to go on.")
    ] = None,
    checkpoint_every: Annotated[str, typer.Option(help="Time between checkpoints.")] = "30s",
    variant: VariantOpt = None,
    set_: SetOpt = None,
) -> None:
    """Train what is pending of a result: arms and seeds that are missing, stale or damaged.

    Example: `dropnorm run protocols/ioffe2015/figure1.yaml --arm batchnorm --seeds 0-2 --scale paper --time-limit 9m`

    It may be stopped at any time and started again: it ends with the same bits as if it had not been stopped.
    """
    import torch

    from dropnorm.memory import keep_freed_memory
    from dropnorm.runner import Limits, choose_device, make_loader, run_pending

    protocol, place = open_result(result, scale, not_committed(out), variant, set_)
    arms, chosen = known_arms(protocol, arm), choose_device(device)
    limits = Limits(
        float("inf") if time_limit is None else parse_duration(time_limit), parse_duration(checkpoint_every)
    )
    torch.set_num_threads(threads)
    keep_freed_memory()
    remember_all(place, protocol)
    if protocol.derived:
        console.print(
            f"{protocol.name} has no runs of its own: training what is pending of {protocol.sources_in_words}"
        )
    outcome = run_pending(
        protocol,
        place,
        arms=arms,
        seeds=None if seeds is None else chosen_seeds(seeds),
        device=chosen,
        load_dataset=make_loader(in_checkout(data_dir), mirror),
        limits=limits,
        console=console,
    )
    total = len(outcome.done) + len(outcome.pending)
    folders = ", ".join(str(place.of(source.name).folder) for source in protocol.sources)
    console.print(f"{folders}: {len(outcome.done)} of {total} arms done")
    if outcome.pending:
        console.print(f"still pending: {', '.join(outcome.pending)}; the same command goes on from here")
        if outcome.stopped:
            sys.exit(143)  # as shells say of what SIGTERM has ended


@app.command("list")
def list_results() -> None:
    """List every result: its name, title, number of arms and seeds at each scale, and its Snakemake target."""
    root = project_root()
    for name in all_names(root):
        protocols = {scale: load_protocol(root, name, scale) for scale in SCALES}
        console.print(Text.assemble((str(name), "bold"), f"  {protocols['full'].file.title}"))
        if protocols["full"].derived:
            sizes = f"from the runs of {protocols['full'].sources_in_words}"
        else:
            sizes = ", ".join(f"{scale} {len(p.arms)} arms x {len(p.seeds)} seeds" for scale, p in protocols.items())
        console.print(f"    {sizes}\n    snakemake --cores 8 {name.target}")


@app.command()
def status(
    result: Annotated[str | None, typer.Argument(help="A result; by default all of them.")] = None,
    scale: Annotated[str | None, typer.Option(help="Only this scale.")] = None,
    out: OutOpt = RESULTS,
    variant: VariantOpt = None,
    set_: SetOpt = None,
) -> None:
    """Say what is fresh, what is stale and why, what is missing, and the command and time that would mend it.

    Of several results also what all trainings together would take.
    """
    from dropnorm.status import told

    root = project_root()
    names, scales = [ResultName.parse(result)] if result else all_names(root), [scale] if scale else SCALES
    for line in told(root, open_results(names, scales, out, variant, set_)):
        console.print(line)


@app.command()
def figure(
    result: ResultArg,
    scale: ScaleOpt = "full",
    out: OutOpt = RESULTS,
    variant: VariantOpt = None,
    set_: SetOpt = None,
    source: Annotated[
        str,
        typer.Option(help="runs, or published: judge and draw the committed samples and curves again, without runs."),
    ] = "runs",
) -> None:
    """Judge the claims of a result and draw its figures, from its runs. Takes seconds and never trains."""
    from dropnorm.compare import verdict_lines
    from dropnorm.evaluation import evaluate, evaluate_published
    from dropnorm.readme import refresh
    from dropnorm.status import status as result_status

    if source not in ("runs", "published"):
        raise UserError(f"--source {source}: unknown; allowed: runs, published")
    root = project_root()
    if source == "published":
        if out != RESULTS or set_:
            raise UserError("--source published judges what is committed; leave out --out and --set")
        protocol, place = open_result(result, scale, root / PUBLISHED, variant, None)
        claims = evaluate_published(root, place, protocol)
        refresh(root)
    else:
        protocol, place = open_result(result, scale, not_committed(out), variant, set_)
        claims = evaluate(root, place, protocol)
        if (found := result_status(root, protocol, place)).why:
            console.print(f"from what is there, which is {found.state}: {found.why}; {found.command}", style="yellow")
    for line, verdict in verdict_lines(claims):
        console.print(Text.assemble(line, (verdict, "bold")))
    console.print(f"figures, tables and claims: {place.folder}")


@app.command()
def publish(
    result: ResultArg,
    scale: ScaleOpt = "full",
    out: OutOpt = RESULTS,
    variant: VariantOpt = None,
    again: Annotated[
        bool, typer.Option("--again", help="Keep it beside what is published, as a repetition on another machine.")
    ] = False,
) -> None:
    """Copy the small part of a result (claims, tables, figures, provenance; the runs, where they are small) to
    `published/`, to be committed."""
    from dropnorm.publishing import publish as copy
    from dropnorm.publishing import publish_again
    from dropnorm.readme import refresh

    protocol, place = open_result(result, scale, not_committed(out), variant, None)
    target = replace(place, root=project_root() / PUBLISHED)
    if again:
        console.print(f"{publish_again(place, target, protocol)[0].parent} says what came out again")
        return
    copied, of_runs = copy(place, target, protocol)
    refresh(project_root())
    console.print(f"{len(copied)} files are in {target.folder}; {of_runs}; the README's tables follow them")


@app.command()
def restore(
    result: Annotated[str | None, typer.Argument(help="A result; default: all published ones of the scale.")] = None,
    scale: ScaleOpt = "full",
    out: OutOpt = RESULTS,
    variant: VariantOpt = None,
) -> None:
    """Put published runs back to where runs are kept, to judge them again or to add seeds without training them again.

    Fresh runs that are there already stay as they are.
    """
    from dropnorm.publishing import restore_all

    names = [ResultName.parse(result)] if result else all_names(project_root())
    places = [Place(not_committed(out), scale, name, variant) for name in names]
    for line in restore_all(project_root(), places, project_root() / PUBLISHED):
        console.print(line)


@app.command()
def compare(
    result: ResultArg,
    variant: Annotated[
        str | None, typer.Option(help="A variant, to set beside the original; by default yours beside the published.")
    ] = None,
    scale: ScaleOpt = "full",
    out: OutOpt = RESULTS,
) -> None:
    """Set your result beside the published one, or a variant beside the original: figures, numbers, verdicts.

    What you trained anew shows what comes out again on another machine: `dropnorm compare ioffe2015/section31`
    """
    from dropnorm.compare import with_original, with_published

    protocol, place = open_result(result, scale, not_committed(out), variant, None)
    path, lines = with_original(place) if variant else with_published(place, protocol, project_root() / PUBLISHED)
    console.print("\n".join(lines))
    console.print(f"figures and tables side by side: {path.resolve()}")


@app.command()
def data(
    names: Annotated[list[str], typer.Argument(help="mnist, cifar10 or digits; more than one is possible.")],
    data_dir: Annotated[Path, typer.Option(help="Where data sets are, or are put.")] = DATA,
    mirror: Annotated[str | None, typer.Option(help="A folder or URL to take data from first.")] = None,
) -> None:
    """Fetch data sets and verify every image and label in them."""
    from dropnorm import datasets

    for name in names:
        dataset = datasets.load(name, in_checkout(data_dir), mirror)
        console.print(
            f"{name}: {len(dataset.train_labels):,} training, {len(dataset.test_labels):,} test images, verified"
        )


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which step to time: sigmoid_mlp, dropout_mlp or vgg.")] = "sigmoid_mlp",
    data_dir: Annotated[Path, typer.Option(help="Where data sets are, or are put.")] = DATA,
    mirror: Annotated[str | None, typer.Option(help="A folder or URL to take data from first.")] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the figures, by processor; `published/bench` is in the book.")
    ] = BENCH,
) -> None:
    """Time a training step beside the same network written the usual way in PyTorch. Takes a minute or two."""
    from dropnorm import datasets
    from dropnorm.bench import BENCHMARKS, file_name, lines, measure
    from dropnorm.files import write_json

    if name not in BENCHMARKS:
        raise UserError(f"benchmark '{name}' is unknown; allowed: {', '.join(BENCHMARKS)}")
    figures = measure(name, datasets.load(BENCHMARKS[name], in_checkout(data_dir), mirror))
    console.print("\n".join(lines(figures)))
    path = in_checkout(out) / file_name(figures)
    write_json(path, figures)
    console.print(f"figures and machine: {path}")


@app.command()
def book(
    source: Annotated[str, typer.Option(help="published, or the scale whose results are shown.")] = "published",
    results: OutOpt = RESULTS,
    out: Annotated[Path | None, typer.Option(help="Where to build; by default build/book/SOURCE.")] = None,
) -> None:
    """Build the book from published results, or from those of a scale. Takes seconds and never trains."""
    from dropnorm.book import build

    root = project_root()
    index = build(root, source, out or root / "build/book" / source, console, results=in_checkout(results).resolve())
    console.print(f"the book: {index.resolve()}")
