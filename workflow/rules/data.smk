# Fetch and verify a data set. The mark says that every image was checked; it is no reason to train again.


rule data:
    output:
        touch(CONFIG.data_mark),
    log:
        f"{CONFIG.out}/logs/data/{{name}}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=0,
    message:
        "Fetching and verifying {wildcards.name}"
    shell:
        "dropnorm data {wildcards.name} --data-dir {config[data_dir]:q} --mirror={config[mirror]:q} 2>&1 | tee {log:q}"
