# The pipeline:  data  ->  runs of a protocol's arms  ->  claims, tables, figures of a result  ->  the book
#
#   snakemake --cores 8                                        everything at scale `full`
#   snakemake --cores 2 --config scale=smoke                   everything at scale `smoke`: minutes, no download
#   snakemake --cores 8 ioffe2015_figure1                      one result (dropnorm list names them all)
#   snakemake --cores 1 book --config source=published         the book from published results, without any training
#
# Every rule calls the `dropnorm` command with what one would type by hand; nothing of the science is in here.


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/book.smk"


rule all:
    default_target: True
    input:
        [result.outputs for result in RESULTS],
        unfinished(*RESULTS),
        BOOK if not VARIANT else [],
