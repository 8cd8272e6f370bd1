"""pseudopeople's sample: census, social security and WIC rows of one simulated county as members. The errors of seed 7 were examined
during development, so another seed is measured.

usage: census.py OUT.csv [SEED]
"""
import re
import sys

import pandas
import pseudopeople

from labelled import write


def text(value):
    return "" if pandas.isna(value) else str(value).strip()


def born(value):
    digits = re.findall(r"\d+", text(value))
    return f"{digits[2]}-{digits[0]:0>2}-{digits[1]:0>2}" if len(digits) == 3 and len(digits[2]) == 4 else text(value)


def rows(seed):
    people, households = {}, {}
    frames = [
        (pseudopeople.generate_decennial_census(seed=seed, year=2020), "ZA"),
        (pseudopeople.generate_social_security(seed=seed, year=2020), "UK"),
        (pseudopeople.generate_women_infants_and_children(seed=seed, year=2020), "ZA"),
    ]
    numbers = {"ZA": 0, "UK": 0}
    for frame, source in frames:
        for _, record in frame.iterrows():
            numbers[source] += 1
            person = people.setdefault(text(record.simulant_id), len(people))
            household = text(record.get("household_id")) or f"of {person}"
            yield dict(
                id=f"{source}:{numbers[source]}", source=source, tenant="ZA",
                first_name=text(record.first_name), last_name=text(record.last_name), dob=born(record.date_of_birth),
                gender={"Male": "M", "Female": "F"}.get(text(record.sex), ""), golf_rsa_id=text(record.get("ssn")),
                cluster=f"p{person}", household=households.setdefault(household, len(households)),
            )


if __name__ == "__main__":
    write(sys.argv[1], list(rows(int(sys.argv[2]) if len(sys.argv) > 2 else 8)))
