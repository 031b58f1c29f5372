# The book: prose by hand, numbers from the results of this scale, or (source=published) from the committed ones.
SOURCE = CONFIG.source or SCALE
BOOK = f"build/book/{SOURCE}/html/index.html"


# It is made of originals alone; a variant is set beside its original by `dropnorm compare`.
NO_VARIANT = [no_such_variant("the book shows no variants; leave out variant= and set=")] if VARIANT else []


rule book_pages:
    input:
        NO_VARIANT,
        published_files(ROOT) if SOURCE == "published" else [result.outputs for result in RESULTS],
        book_sources(ROOT),
    output:
        BOOK,
    log:
        f"{CONFIG.out}/logs/book-{SOURCE}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=0,
    params:
        code=fingerprint("dropnorm.book"),
        source=SOURCE,
    message:
        f"Building the book from {SOURCE} results"
    shell:
        "dropnorm book --source {params.source} --results {config[out]:q} 2>&1 | tee {log:q}"


rule book:
    input:
        BOOK,
        [] if SOURCE == "published" else unfinished(*RESULTS),
