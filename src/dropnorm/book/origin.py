"""Where a result's numbers come from, how long they took, and the commands that make them again."""

import hashlib
from pathlib import Path
from typing import Any

from dropnorm.analyses import span
from dropnorm.book import texts
from dropnorm.book.catalogue import SCALES
from dropnorm.book.sources import Result, every_scale
from dropnorm.datasets.registry import TITLES
from dropnorm.names import PUBLISHED, RESULTS, Place, ResultName
from dropnorm.protocol import all_names, load
from dropnorm.timing import core_seconds, ms_per_replica_step

SHORT = 12  # characters shown of a digest
CORE_COUNTS = (1, 2, 8)
CORES = CORE_COUNTS[-1]


def banner(result: Result) -> str:
    """Which scale, data and seeds the page's numbers come from."""
    if not result.present:
        return (
            f":::{{warning}}\n**Not run at scale {result.scale}.** This page shows no numbers of ours. "
            "The commands at its end make them.\n:::\n"
        )
    made = (
        f"Scale **{result.scale}**: {SCALES[result.scale]}. Data: {data(result)}. "
        f"Seeds of each arm: {seeds_run(result)}{_planned(result)}.{_left_out(result)}"
    )
    if not result.evidence:
        return f":::{{warning}}\n**Not evidence.** {made} Nothing below supports or refutes a claim.\n:::\n"
    warnings = [text for text in (_out_of_date(result), _unfinished(result), _of_earlier_code(result)) if text]
    return f":::{{{'warning' if warnings else 'note'}}}\n{' '.join([made, *warnings])}\n:::\n"


def _out_of_date(result: Result) -> str:
    if not result.former:
        return ""
    return (
        "**Out of date.** This was judged and drawn by former code or criteria. The criteria below are today's, the "
        "numbers and verdicts are not."
    )


def _unfinished(result: Result) -> str:
    if not (missing := result.provenance["missing_arms"]):
        return ""
    arms, are = len(missing) + len(result.provenance["arms"]), "is" if len(missing) == 1 else "are"
    return f"**Unfinished.** {len(missing)} of {arms} arms {are} still to be run."


def _of_earlier_code(result: Result) -> str:
    old = [arm for arm, record in result.provenance["arms"].items() if record["state"] != "fresh"]
    were = "arm was" if len(old) == 1 else "arms were"
    return f"{len(old)} {were} made by earlier code or settings." if old else ""


def _planned(result: Result) -> str:
    """How many seeds are planned, if some arm has fewer."""
    run = {arm: len(record["seeds"]) for arm, record in result.provenance["arms"].items()}
    planned = {arm: result.planned_seeds(arm) for arm in run}
    if all(run[arm] >= planned[arm] for arm in run):
        return ""
    return f", of {span(planned.values())} planned{': the verdicts are preliminary' if result.claims else ''}"


def _left_out(result: Result) -> str:
    swept = {arm.partition(".")[0] for arm in result.provenance["arms"]}  # an arm may be run at swept settings alone
    arms = ", ".join(f"`{arm}`" for arm in sorted(set(result.left_out) - swept))
    return f" Not run at this scale: {arms}." if arms else ""


def data(result: Result) -> str:
    """The data set of a result in words."""
    return " and ".join(TITLES.get(name, texts.escape(name)) for name in result.provenance["data"].split("+"))


def seeds_run(result: Result) -> str:
    """How many seeds each arm has: '5', or '3 to 5'."""
    return span([len(arm["seeds"]) for arm in result.provenance["arms"].values()])


# --- provenance ---


def provenance(result: Result) -> str:
    """The strip at a glance, and every arm below it."""
    items = "\n".join(f"- [{key}]{{.key}} {value}" for key, value in _items(result).items())
    strip = f":::{{div}} provenance\n{items}\n:::\n"
    header = ("Arm", "Seeds", "Settings", "Runs", "Seconds", "ms a step", "State when evaluated")
    rows = [_arm_row(arm, record) for arm, record in result.provenance["arms"].items()]
    return f"{strip}\n````{{dropdown}} Every arm\n{texts.table(header, rows, right=(4, 5))}````\n"


def _items(result: Result) -> dict[str, str]:
    p = result.provenance
    return {
        "commit": _join(f"`{m['commit'] or 'unknown'}`" for m in p["machines"]),
        "training code": _join(_digest(d) for d in p["code_fingerprint"].split("+")),
        "analysis": f"{_digest(p['summary_digest'])}, {p['summarised']}",
        "criteria and figures": f"{_digest(p['evaluation_digest'])}, {p['evaluated']}",
        "protocol": _digest(protocol_digest(p)),
        "data": f"{data(result)}, {_join(_digest(d) for d in p['data_digest'].split('+'))}",
        "versions": _join(f"Python {m['python']}, {_packages(m)}" for m in p["machines"]),
        "machine": _join(texts.escape(m["gpu"] or m["cpu"]) for m in p["machines"]),
        "threads": _join(str(m["threads"]) for m in p["machines"]),
        "matrix products": _join(texts.escape(m["gemm"]) for m in p["machines"]),
        "training time": f"{texts.duration(p['seconds'])} in all{_shared(result)}",
        "trained": f"{p['started']} to {p['ended']}",
    }


def _shared(result: Result) -> str:
    return f", in the runs of {_sources(result)}" if result.runs_of else ""


def _sources(result: Result) -> str:
    return " and ".join(str(name) for name in result.runs_of)


def protocol_digest(record: dict[str, Any]) -> str:
    """One digest of the settings of all arms."""
    lines = [f"{arm} {entry['protocol_hash']}" for arm, entry in sorted(record["arms"].items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _packages(machine: dict[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in machine["packages"].items())


def _join(items) -> str:
    return "; ".join(dict.fromkeys(items))


def _digest(digest: str) -> str:
    return f"`{digest[:SHORT]}`"


def _arm_row(arm: str, record: dict[str, Any]) -> list[str]:
    return [
        f"`{arm}`",
        str(len(record["seeds"])),
        _digest(record["protocol_hash"]),
        _digest(record["runs_sha256"]),
        f"{record['seconds']:,.0f}",
        f"{record['ms_per_replica_step']:.2f}",
        record["state"],
    ]


# --- time and commands ---


def seconds_on(result: Result, cores: int) -> float:
    """How long the result takes on so many cores: its jobs, the longest first, each to the core that is free first."""
    seconds = [arm["seconds"] for arm in result.provenance["arms"].values()]
    size = result.protocol.scales[result.scale].arms_per_job
    free = [0.0] * cores
    jobs = [sum(seconds[i : i + size]) for i in range(0, len(seconds), size)]
    for job in sorted(jobs, reverse=True):
        first = free.index(min(free))
        free[first] += job
    return max(free)


def rerun(result: Result) -> str:
    """The commands that make this result again, and how long they take."""
    name, scale = result.name, result.scale
    return (
        "All of it, figure included, with Snakemake:\n\n"
        f"```bash\nsnakemake --cores {CORES} {name.target} --config scale={scale}\n```\n\n"
        "The same by hand, in one process:\n\n"
        f"```bash\ndropnorm run protocols/{name}.yaml --scale {scale}\n"
        f"dropnorm figure {name} --scale {scale}\n```\n\n{_expected(result)}\n"
    )


def _expected(result: Result) -> str:
    if result.runs_of:
        pages = "their pages" if len(result.runs_of) > 1 else "its page"
        return (
            f"This result has no runs of its own: it is judged and drawn from those of {_sources(result)}, in seconds. "
            f"These commands make them if they are not there; how long that takes stands on {pages}."
        )
    if not result.present:
        return f"How long it takes is not known yet: it was not run at scale {result.scale}."
    gpu = next((m["gpu"] for m in result.provenance["machines"] if m["gpu"]), None)
    if gpu:
        return f"Expected time: {texts.duration(result.provenance['seconds'])} of training on one {texts.escape(gpu)}."
    one, many = (texts.duration(seconds_on(result, cores)) for cores in (1, CORES))
    took = f"about {one} on one core of the machine named under Provenance, about {many} on {CORES} such cores."
    run, missing = len(result.provenance["arms"]), len(result.provenance["missing_arms"])
    arms = f"the {run} of {run + missing} arms that were run" if missing else "all arms"
    return f"Expected time for {arms}, with {seeds_run(result)} seeds each, from their seconds: {took}"


def times_table(results: list[Result]) -> str:
    """Recorded training times of every result at every scale that is there; the seconds of shared runs count once."""
    header = ("Result", "Scale", "Arms", "Seeds an arm", *map(_cores, CORE_COUNTS), "Measured on")
    rows = [_times_row(r) for r in results]
    return texts.table(header, rows) if rows else "No result is there yet, so no time is known.\n"


def _cores(count: int) -> str:
    return "One core" if count == 1 else f"{count} cores"


def _times_row(result: Result) -> list[str]:
    p = result.provenance
    gpu = next((m["gpu"] for m in p["machines"] if m["gpu"]), None)
    if result.runs_of:
        times, on = ["–"] * len(CORE_COUNTS), f"from the runs of {_sources(result)}"
    elif gpu:
        times, on = [texts.duration(p["seconds"]), *["–"] * (len(CORE_COUNTS) - 1)], gpu
    else:
        times = [texts.duration(seconds_on(result, cores)) for cores in CORE_COUNTS]
        on = " and ".join(dict.fromkeys(m["cpu"] for m in p["machines"]))
    run, missing = len(p["arms"]), len(p["missing_arms"])
    arms = f"{run} of {run + missing}" if missing else str(run)
    return [str(result.name), result.scale, arms, seeds_run(result), *times, texts.escape(on)]


def readme_times(root: Path) -> str:
    """The recorded training times of what is published, as a plain Markdown table, and what all of it would take."""
    return times_table(list(every_scale(root, "published", RESULTS))) + planned_time(root)


def planned_time(root: Path) -> str:
    """What all of scale `full` takes at the fastest speed published of each arm, with what was not run yet."""
    seconds = [_planned_seconds(root, name) for name in all_names(root)]
    if None in seconds:
        return ""  # of some result no speed is known
    one, many = (texts.duration(sum(seconds) / cores) for cores in (1, CORES))
    return (
        f"\nAll arms and seeds that scale `full` plans: about {one} of one core, {many} on {CORES}, at the speed of "
        "each arm's fastest run. (The times above are of all runs, also of those that shared their core.)\n"
    )


def _planned_seconds(root: Path, name: ResultName) -> float | None:
    """Seconds of one core for one result as planned, None if unknown; a derived result has no runs of its own."""
    protocol = load(root, name, "full")
    if protocol.derived:
        return 0
    published = root / PUBLISHED
    known = ms_per_replica_step(Place(published, "full", name), protocol, published)
    return core_seconds(protocol, dict.fromkeys(protocol.arms, len(protocol.seeds)), known)
