"""What the papers hold: their names, and how many claims were read out of each before any run."""

# Every claim has an id (ioffe2015.I1.1) and was written down before its result was run; claims/<paper>.yaml holds those
# whose criterion is already fixed, so most of these are still ahead.
CLAIM_TOTALS = {"srivastava2014": 62, "ioffe2015": 26, "santurkar2018": 50, "related": 25}
PAPERS = {
    "srivastava2014": "Srivastava et al. 2014 (dropout)",
    "ioffe2015": "Ioffe & Szegedy 2015 (batch normalization)",
    "santurkar2018": "Santurkar et al. 2018 (how batch normalization helps)",
    "related": "related teaching claims",
}
SCALES = {
    "smoke": "a short schedule on bundled 8x8 digits, to show that everything runs",
    "full": "the papers' data, with fewer seeds or a shorter schedule where the protocol says so",
    "paper": "the paper's own scale, as far as it states one",
}


def total() -> int:
    """How many claims there are over all papers."""
    return sum(CLAIM_TOTALS.values())
