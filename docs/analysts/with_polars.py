"""The twenty questions of docs/analysts.md in polars. Each answer has the columns and the order of the SQL there.

    python docs/analysts/with_polars.py data 3     the answer to question 3; without a number, all of them
"""

import sys
from datetime import date
from pathlib import Path

import polars as pl
from polars import col

DATA = Path(sys.argv[1] if len(sys.argv) > 1 else "data")
FLAGS = ["email_opt_in", "sms_opt_in", "push_opt_in", "whatsapp_opt_in"]


def read(name):
    """A dataset, of which only the columns that a question uses are read."""
    return pl.scan_parquet(DATA / f"{name}.parquet")


def of_record(source, source_id):
    """The profile of a record, for a join."""
    links = read("resolve/res__links").filter(source=source, source_id=source_id)
    return links.select("profile_id")


def ordered(table, *order, columns=None):
    """Sorted by these columns, descending where a minus stands before the name, with missing values last."""
    down = [name.startswith("-") for name in order]
    table = table.sort([name.removeprefix("-") for name in order], descending=down, nulls_last=True)
    return table.select(columns) if columns else table


def evidence(key):
    """A value of the JSON object that says what decided a consent."""
    return col("evidence").str.json_path_match(f"$.{key}")


def q1():
    links = read("resolve/res__links").join(of_record("scl", "1"), on="profile_id")
    columns = ["source", "source_id", "rule", "confidence", "matched_source", "matched_source_id", "evidence"]
    return ordered(links, "bits16", "source", "source_id", columns=columns)


def q2():
    pairs = read("resolve/res__candidates").filter(col("refusal") != "BELOW_THRESHOLD").with_columns(bits=col("bits16") / 16)
    key = ["a_source", "a_source_id", "b_source", "b_source_id"]
    return ordered(pairs, "-bits", *key, columns=[*key, "bits", "reasons", "refusal"]).head(20)


def q3():
    confidence = col("confidence")
    rules = read("resolve/res__links").group_by("rule").agg(
        records=pl.len(), lowest=confidence.min(), average=confidence.mean().round(mode="half_away_from_zero")
    )
    return ordered(rules, "-records", "rule")


def q4():
    links = read("resolve/res__links").drop_nulls("profile_id")
    who = pl.concat_str("source", "entity", "source_id", separator=":").sort()
    profiles = links.group_by("profile_id").agg(records=pl.len(), who=who)
    return ordered(profiles, "-records", "profile_id").head(10)


def q5():
    links = read("resolve/res__links").drop_nulls("profile_id")
    known = links.group_by("profile_id").agg(sources=col("source").unique().sort().str.join(" + "))
    return ordered(known.group_by("sources").agg(profiles=pl.len()), "-profiles", "sources")


def q6():
    columns = ["kind", "tenant_id", "value", "record_count", "owner_count", "reason"]
    return ordered(read("resolve/res__hubs"), "-record_count", "kind", "tenant_id", "value", columns=columns)


def q7():
    profiles = read("crm/crm__customer_profiles")
    pairs = read("crm/crm__duplicate_candidates")
    for side in ["a", "b"]:
        shown = profiles.select(
            col("id").alias(f"profile_{side}_id"),
            col("display_name").alias(f"{side}_name"),
            col("email").alias(f"{side}_email"),
            col("date_of_birth").alias(f"{side}_born"),
        )
        pairs = pairs.join(shown, on=f"profile_{side}_id")
    columns = ["score", "reasons", "a_name", "b_name", "a_email", "b_email", "a_born", "b_born"]
    return ordered(pairs, "-score", "id", columns=columns).head(20)


def q8():
    fields = read("crm/crm__field_provenance").join(of_record("scl", "1"), on="profile_id")
    return ordered(fields, "field", columns=["field", "source", "source_id", "rule", "lost_count"])


def q9():
    fields = read("crm/crm__field_provenance").group_by("field").agg(filled=pl.len(), contradicted=(col("lost_count") > 0).sum())
    percent = (100 * col("contradicted") / col("filled")).round(1, mode="half_away_from_zero")
    return ordered(fields.with_columns(percent=percent), "-contradicted", "field")


def q10():
    rejects = read("stage/check__rejects").filter(source="teetime", entity="players", column="phone")
    players = read("exports/teetime/raw_teetime__players").select("id", was="phone")
    rows = rejects.join(players, left_on="source_id", right_on="id")
    return ordered(rows, "reason", "line", columns=["reason", "line", "source_id", "was"]).head(20)


def q11():
    words = read("stage/check__findings").drop_nulls("value")
    columns = ["source", "entity", "column", "value", "value_count", "reason"]
    return ordered(words, "-value_count", "source", "entity", "column", "value", columns=columns)


def q12():
    left_out = read("crm/check__ledger").filter(col("outcome").is_in(["SKIPPED", "REJECTED"]))
    key = ["source", "entity", "outcome", "reason"]
    return ordered(left_out.group_by(key).agg(records=pl.len()), "-records", *key)


def q13():
    key = ["source", "entity", "source_id"]
    skipped = read("resolve/res__links").filter(rule="SKIPPED").join(read("crm/check__ledger"), on=key)
    return ordered(skipped, *key, columns=[*key, "reason", "evidence"]).head(50)


def q14():
    counts = read("crm/check__ledger").group_by("source", "entity", "outcome").agg(rows=pl.len()).collect()
    table = counts.pivot("outcome", index=["source", "entity"], values="rows", sort_columns=True).fill_null(0)
    return ordered(table, "source", "entity")


def q15():
    contacts = read("resolve/res__links").filter(col("source") == "messaging", col("rule") != "SKIPPED")
    profile = contacts.filter(col("source_id") == col("source_id").min()).select("profile_id")
    flags = read("crm/crm__customer_profiles").select("id", *FLAGS).join(profile, left_on="id", right_on="profile_id")
    consents = flags.join(read("crm/crm__marketing_consents").drop("id"), how="left", left_on="id", right_on="customer_id")
    shown = consents.with_columns(
        rule_no=evidence("ruleNo").cast(pl.Int32),
        decided_by=evidence("evidenceKey"),
        overruled=evidence("supersededCount").cast(pl.Int32),
    )
    columns = [*FLAGS, "channel", "scope", "status", "consented_at", "revoked_at", "rule_no", "decided_by", "overruled"]
    return ordered(shown, "channel", "scope", columns=columns)


def q16():
    opt_outs = read("crm/crm__marketing_consents").filter(status="OPTED_OUT")
    by = {"rule_no": evidence("ruleNo").cast(pl.Int32), "kind": evidence("evidenceKind")}
    counts = opt_outs.group_by("channel", **by).agg(opt_outs=pl.len(), undated=col("revoked_at").is_null().sum())
    return ordered(counts, "channel", "-opt_outs", "rule_no", "kind")


def q17():
    suppressions = read("crm/crm__suppressions").filter(col("scope") == "all", ~col("reason").is_in(["BOUNCED", "DECEASED"]))
    profiles = read("crm/crm__customer_profiles")
    contactable = pl.concat(
        profiles.filter(may).select("id", "tenant_id", channel=pl.lit(channel), address=address)
        for channel, address, may in [
            ("EMAIL", col("email").str.to_lowercase(), "email_opt_in"),
            ("SMS", col("phone_number"), "sms_opt_in"),
            ("WHATSAPP", col("phone_number"), "whatsapp_opt_in"),
        ]
    )
    found = contactable.join(suppressions, on=["tenant_id", "channel", "address"])
    return ordered(found, "id", "channel", "reason", columns=["id", "channel", "reason", "revoked_at"])


def q18():
    today, born = pl.lit(date.today()), col("date_of_birth")
    may = pl.any_horizontal(FLAGS)
    minors = read("crm/crm__customer_profiles").filter(born > today.dt.offset_by("-18y"), may)
    minors = minors.with_columns(about_years=today.dt.year() - born.dt.year())
    columns = ["id", "tenant_id", "about_years", *FLAGS]
    return ordered(minors, "-date_of_birth", "id", columns=columns)


def q19():
    person = of_record("scl", "1")
    records = read("resolve/res__links").join(person, on="profile_id")
    places = [records.select(place=pl.lit("source"), what=pl.concat_str("source", "entity", separator="."), id="source_id")]
    for name, what in [
        ("crm/crm__identity_aliases", "IdentityAlias " + col("alias_type")),
        ("crm/crm__activities", "Activity " + col("activity_type")),
        ("crm/crm__marketing_consents", "MarketingConsent " + col("channel")),
        ("score/seg__memberships", pl.lit("CustomerSegmentMembership")),
    ]:
        rows = read(name).join(person, left_on="customer_id", right_on="profile_id")
        places.append(rows.select(place=pl.lit("CRM"), what=what, id="id"))
    return ordered(pl.concat(places), "-place", "what", "id")


def q20():
    was, now = read("previous/crm/crm__customer_profiles"), read("crm/crm__customer_profiles")
    # Rows that only one of the two runs has.
    changed = pl.concat([was, now]).unique(keep="none").select("id").unique()
    both = was.join(now, on="id", how="full", coalesce=True, suffix="_now").join(changed, on="id")
    change = pl.when(col("status").is_null()).then(pl.lit("new")).when(col("status_now").is_null()).then(pl.lit("gone"))
    both = both.select(
        "id",
        change=change.otherwise(pl.lit("changed")),
        email_changed=col("email").ne_missing(col("email_now")),
        status_changed=col("status").ne_missing(col("status_now")),
        consent_changed=pl.any_horizontal(col(flag).ne_missing(col(f"{flag}_now")) for flag in FLAGS),
    )
    columns = ["change", "old_profile_id", "new_profile_ids"]
    return ordered(both, "change", "id"), ordered(read("resolve/res__profile_changes"), *columns[:2], columns=columns)


QUESTIONS = [q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15, q16, q17, q18, q19, q20]

if __name__ == "__main__":
    for number in map(int, sys.argv[2:] or range(1, 21)):
        answer = QUESTIONS[number - 1]()
        for table in answer if isinstance(answer, tuple) else [answer]:
            print(f"\n{number}.", table.lazy().collect(), sep="\n")
