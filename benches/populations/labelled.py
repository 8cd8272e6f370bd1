"""The labelled CSV that `cargo bench --bench resolve` reads: one row per source record, the true person in `cluster`."""
import csv

COLUMNS = ["id", "source", "tenant", "email", "phone", "first_name", "last_name", "dob", "gender", "golf_rsa_id", "cdh_id",
           "mca_id", "auth_user_id", "cluster", "household"]


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    print(path, len(rows), "records of", len({row["cluster"] for row in rows}), "people")
