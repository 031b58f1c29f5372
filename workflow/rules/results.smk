# Judge and draw. One rule a result, and a short name for it: `snakemake ioffe2015_figure1`.

for result in RESULTS:

    rule:
        name:
            f"{result.target}_evaluate"
        input:
            result.runs,
        output:
            result.outputs,
            touch(result.former),
        log:
            f"{CONFIG.out}/logs/{LABEL}/{result.target}_evaluate.log",
        priority: 1_000_000  # before any training: it takes seconds, and somebody may wait for it
        threads: 1
        resources:
            mem_mb=4000,
            runtime=10,
            gpu=0,
        params:
            code=result.evaluation_digest,
            what=result.arguments,
        message:
            f"Judging and drawing {result.name} at scale {SCALE}"
        shell:
            "dropnorm figure {params.what} --out {config[out]:q} 2>&1 | tee {log:q}"

    rule:
        name:
            result.target
        input:
            result.outputs,
            unfinished(result),


# A result that has no such variant says so when it is asked for.
for target, why in REFUSED.items():

    rule:
        name:
            target
        input:
            no_such_variant(why),


PAPERS = sorted({result.place.name.paper for result in RESULTS})

for paper in PAPERS:

    rule:
        name:
            paper
        input:
            [[*result.outputs, *unfinished(result)] for result in RESULTS if result.name.paper == paper],


# Any other name is no target, and the answer says which one it may have meant.
rule no_such_target:
    input:
        lambda wildcards: stop(no_such_target(wildcards.name, ["all", "book", *PAPERS, *(r.target for r in RESULTS)])),
    output:
        "{name}",
    wildcard_constraints:
        name=r"\w+(/\w+)?",
