# Train. One rule a job, a job one or a few arms; `identity` (code, settings and data of each arm) is what makes
# Snakemake run it again. `update` leaves the tables of arms that are still right where they are: dropnorm skips them.

for result in RESULTS:
    for job in result.jobs:

        rule:
            name:
                job.name
            input:
                [ancient(CONFIG.data_mark.format(name=name)) for name in job.datasets],
            output:
                update(job.tables),
                update(job.records),
                touch(job.unfinished),
            log:
                f"{CONFIG.out}/logs/{LABEL}/{job.name}.log",
            benchmark:
                f"{CONFIG.out}/benchmarks/{LABEL}/{job.name}.tsv"
            priority: job.minutes  # the longest first: begun last, it would keep the other cores waiting
            threads: 1
            resources:
                mem_mb=lambda wildcards, attempt: 2000 * attempt,
                runtime=lambda wildcards, attempt, minutes=job.minutes: minutes * attempt,
                gpu=GPUS,
            params:
                identity=job.identity,
                what=result.arguments,
                arms=" ".join(f"--arm {arm}" for arm in job.arms),
            message:
                f"Training {job.describe}"
            shell:
                "dropnorm run {params.what} {params.arms} --out {config[out]:q} --device {config[device]}"
                " --data-dir {config[data_dir]:q} --mirror={config[mirror]:q} 2>&1 | tee {log:q}"
