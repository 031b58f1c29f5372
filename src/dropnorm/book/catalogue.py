"""What the papers hold: their names, and how many claims were read out of each before any run."""

# Every claim has an id (ioffe2015.I1.1) and was written down before its result was run; claims/<paper>.yaml holds those
# whose criterion is already fixed. Of 62 that were read out of Srivastava et al., one (no closed form for deep nets)
# leaves nothing to test; 50 of Santurkar et al. became 56, as S2.3, S4.2, S4.3 and S4.5 ask several questions each, and
# 26 of Ioffe & Szegedy 27, as I2.14 is true for positive factors and printed for all.
CLAIM_TOTALS = {"srivastava2014": 61, "ioffe2015": 27, "santurkar2018": 56, "related": 25}
PAPERS = {
    "srivastava2014": "Srivastava et al. 2014 (dropout)",
    "ioffe2015": "Ioffe & Szegedy 2015 (batch normalization)",
    "santurkar2018": "Santurkar et al. 2018 (how batch normalization helps)",
    "related": "related teaching claims",
}
SCALES = {
    "smoke": "a short schedule on bundled 8x8 digits, to show that everything runs",
    "full": "real data, with fewer seeds, a shorter schedule or a smaller network where the protocol says so",
    "paper": "the paper's own scale; where the sizes are ours, the largest that we planned",
}


def total() -> int:
    """How many claims there are over all papers."""
    return sum(CLAIM_TOTALS.values())
