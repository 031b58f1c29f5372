"""The theorems of Santurkar et al. 2018, one module each: both sides of every statement, on many cases at once."""
