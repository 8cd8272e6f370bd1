"""The twenty questions of docs/analysts.md in pandas. Each answer has the columns and the order of the SQL there.

    python docs/analysts/with_pandas.py data 3     the answer to question 3; without a number, all of them

By default pandas turns decimals and dates into slow Python objects, and whole numbers with missing values into floats.
dtype_backend="pyarrow" keeps the types of the files.
"""

import datetime
import json
import sys
from pathlib import Path

import pandas as pd

DATA = Path(sys.argv[1] if len(sys.argv) > 1 else "data")
FLAGS = ["email_opt_in", "sms_opt_in", "push_opt_in", "whatsapp_opt_in"]


def read(name, *columns):
    """A dataset, or some columns of it."""
    return pd.read_parquet(DATA / f"{name}.parquet", columns=list(columns) or None, dtype_backend="pyarrow")


def of_record(table, source, source_id):
    """The rows of a record."""
    return table[(table["source"] == source) & (table["source_id"] == source_id)]


def evidence(consents, key):
    """A value of the JSON object that says what decided a consent."""
    return consents["evidence"].map(lambda text: json.loads(text).get(key) if isinstance(text, str) else None)


def q1():
    links = read("resolve/res__links")
    profile = of_record(links, "scl", "1")["profile_id"].iloc[0]
    columns = ["source", "source_id", "rule", "confidence", "matched_source", "matched_source_id", "evidence"]
    return links[links["profile_id"] == profile].sort_values(["bits16", "source", "source_id"])[columns]


def q2():
    pairs = read("resolve/res__candidates")
    pairs = pairs[pairs["refusal"] != "BELOW_THRESHOLD"].assign(bits=pairs["bits16"] / 16)
    key = ["a_source", "a_source_id", "b_source", "b_source_id"]
    pairs = pairs.sort_values(["bits", *key], ascending=[False, True, True, True, True])
    return pairs[[*key, "bits", "reasons", "refusal"]].head(20)


def q3():
    by_rule = read("resolve/res__links").groupby("rule", as_index=False)
    rules = by_rule.agg(records=("rule", "size"), lowest=("confidence", "min"), average=("confidence", "mean"))
    return rules.assign(average=rules["average"].round()).sort_values(["records", "rule"], ascending=[False, True])


def q4():
    links = read("resolve/res__links").dropna(subset="profile_id")
    links["who"] = links["source"] + ":" + links["entity"] + ":" + links["source_id"]
    profiles = links.sort_values("who").groupby("profile_id", as_index=False).agg(records=("who", "size"), who=("who", list))
    return profiles.sort_values(["records", "profile_id"], ascending=[False, True]).head(10)


def q5():
    links = read("resolve/res__links", "profile_id", "source").dropna().drop_duplicates().sort_values("source")
    sources = links.groupby("profile_id")["source"].agg(" + ".join)
    counts = sources.value_counts().rename_axis("sources").reset_index(name="profiles")
    return counts.sort_values(["profiles", "sources"], ascending=[False, True])


def q6():
    hubs = read("resolve/res__hubs").sort_values(
        ["record_count", "kind", "tenant_id", "value"], ascending=[False, True, True, True]
    )
    return hubs[["kind", "tenant_id", "value", "record_count", "owner_count", "reason"]]


def q7():
    pairs = read("crm/crm__duplicate_candidates")
    profiles = read("crm/crm__customer_profiles", "id", "display_name", "email", "date_of_birth")
    for side in ["a", "b"]:
        names = {"id": f"profile_{side}_id", "display_name": f"{side}_name", "email": f"{side}_email", "date_of_birth": f"{side}_born"}
        pairs = pairs.merge(profiles.rename(columns=names), on=f"profile_{side}_id")
    pairs = pairs.sort_values(["score", "id"], ascending=[False, True])
    return pairs[["score", "reasons", "a_name", "b_name", "a_email", "b_email", "a_born", "b_born"]].head(20)


def q8():
    profile = of_record(read("resolve/res__links"), "scl", "1")[["profile_id"]]
    fields = read("crm/crm__field_provenance").merge(profile, on="profile_id")
    return fields.sort_values("field")[["field", "source", "source_id", "rule", "lost_count"]]


def q9():
    values = read("crm/crm__field_provenance").assign(is_contradicted=lambda table: table["lost_count"] > 0)
    fields = values.groupby("field", as_index=False).agg(filled=("field", "size"), contradicted=("is_contradicted", "sum"))
    fields["percent"] = (100 * fields["contradicted"] / fields["filled"]).round(1)
    return fields.sort_values(["contradicted", "field"], ascending=[False, True])


def q10():
    rejects = read("stage/check__rejects")
    is_phone = (rejects["source"] == "teetime") & (rejects["entity"] == "players") & (rejects["column"] == "phone")
    players = read("exports/teetime/raw_teetime__players", "id", "phone")
    rows = rejects[is_phone].merge(players, left_on="source_id", right_on="id").rename(columns={"phone": "was"})
    return rows.sort_values(["reason", "line"])[["reason", "line", "source_id", "was"]].head(20)


def q11():
    words = read("stage/check__findings").dropna(subset="value")
    order = ["value_count", "source", "entity", "column", "value"]
    words = words.sort_values(order, ascending=[False, True, True, True, True])
    return words[["source", "entity", "column", "value", "value_count", "reason"]]


def q12():
    ledger = read("crm/check__ledger")
    left_out = ledger[ledger["outcome"].isin(["SKIPPED", "REJECTED"])]
    key = ["source", "entity", "outcome", "reason"]
    counts = left_out.groupby(key, as_index=False, dropna=False).size().rename(columns={"size": "records"})
    return counts.sort_values(["records", *key], ascending=[False, True, True, True, True])


def q13():
    links = read("resolve/res__links")
    key = ["source", "entity", "source_id"]
    skipped = links[links["rule"] == "SKIPPED"].merge(read("crm/check__ledger"), on=key)
    return skipped.sort_values(key)[[*key, "reason", "evidence"]].head(50)


def q14():
    ledger = read("crm/check__ledger")
    return ledger.groupby(["source", "entity", "outcome"]).size().unstack(fill_value=0).reset_index()


def q15():
    links = read("resolve/res__links")
    contacts = links[(links["source"] == "messaging") & (links["rule"] != "SKIPPED")]
    profile = contacts.loc[contacts["source_id"] == contacts["source_id"].min(), ["profile_id"]]
    flags = read("crm/crm__customer_profiles", "id", *FLAGS).rename(columns={"id": "profile_id"}).merge(profile, on="profile_id")
    consents = flags.merge(read("crm/crm__marketing_consents"), how="left", left_on="profile_id", right_on="customer_id")
    for name, key in {"rule_no": "ruleNo", "decided_by": "evidenceKey", "overruled": "supersededCount"}.items():
        consents[name] = evidence(consents, key)
    columns = [*FLAGS, "channel", "scope", "status", "consented_at", "revoked_at", "rule_no", "decided_by", "overruled"]
    return consents.sort_values(["channel", "scope"])[columns]


def q16():
    consents = read("crm/crm__marketing_consents").query("status == 'OPTED_OUT'")
    consents = consents.assign(
        rule_no=evidence(consents, "ruleNo"), kind=evidence(consents, "evidenceKind"), is_undated=consents["revoked_at"].isna()
    )
    key = ["channel", "rule_no", "kind"]
    counts = consents.groupby(key, as_index=False, dropna=False).agg(opt_outs=("id", "size"), undated=("is_undated", "sum"))
    return counts.sort_values(["channel", "opt_outs", "rule_no", "kind"], ascending=[True, False, True, True])


def q17():
    suppressions = read("crm/crm__suppressions").query("scope == 'all' and reason not in ['BOUNCED', 'DECEASED']")
    profiles = read("crm/crm__customer_profiles").assign(email_key=lambda table: table["email"].str.lower())
    found = []
    for channel, address, may in [
        ("EMAIL", "email_key", "email_opt_in"),
        ("SMS", "phone_number", "sms_opt_in"),
        ("WHATSAPP", "phone_number", "whatsapp_opt_in"),
    ]:
        on = ["tenant_id", "address"]
        contactable = profiles[profiles[may]].dropna(subset=address).rename(columns={address: "address"})
        found.append(suppressions[suppressions["channel"] == channel].merge(contactable[[*on, "id"]], on=on))
    return pd.concat(found).sort_values(["id", "channel", "reason"])[["id", "channel", "reason", "revoked_at"]]


def q18():
    profiles = read("crm/crm__customer_profiles")
    today = datetime.date.today()
    adult_since = (pd.Timestamp(today) - pd.DateOffset(years=18)).date()
    may = profiles[FLAGS].any(axis=1)
    minors = profiles[may & (profiles["date_of_birth"] > adult_since).fillna(False)]
    minors = minors.assign(about_years=today.year - minors["date_of_birth"].dt.year)
    minors = minors.sort_values(["date_of_birth", "id"], ascending=[False, True])
    return minors[["id", "tenant_id", "about_years", *FLAGS]]


def q19():
    links = read("resolve/res__links")
    person = of_record(links, "scl", "1")["profile_id"]
    records = links[links["profile_id"].isin(person)]
    places = [
        pd.DataFrame({"place": "source", "what": records["source"] + "." + records["entity"], "id": records["source_id"]})
    ]
    for name, table, kind in [
        ("crm/crm__identity_aliases", "IdentityAlias", "alias_type"),
        ("crm/crm__activities", "Activity", "activity_type"),
        ("crm/crm__marketing_consents", "MarketingConsent", "channel"),
        ("score/seg__memberships", "CustomerSegmentMembership", None),
    ]:
        rows = read(name)
        rows = rows[rows["customer_id"].isin(person)]
        what = table + " " + rows[kind] if kind else table
        places.append(pd.DataFrame({"place": "CRM", "what": what, "id": rows["id"]}))
    return pd.concat(places).sort_values(["place", "what", "id"], ascending=[False, True, True])


def q20():
    was, now = read("previous/crm/crm__customer_profiles"), read("crm/crm__customer_profiles")
    # Rows that only one of the two runs has.
    changed = pd.concat([was.astype(str), now.astype(str)]).drop_duplicates(keep=False)["id"].unique()
    both = was.merge(now, on="id", how="outer", suffixes=("_was", "_now"), indicator="change")
    both = both[both["id"].isin(changed)]
    both["change"] = both["change"].map({"left_only": "gone", "right_only": "new", "both": "changed"}).astype(str)
    for name, compared in {"email": ["email"], "status": ["status"], "consent": FLAGS}.items():
        pairs = [(both[f"{column}_was"], both[f"{column}_now"]) for column in compared]
        both[f"{name}_changed"] = pd.concat([(a != b).fillna(True) & ~(a.isna() & b.isna()) for a, b in pairs], axis=1).any(axis=1)
    columns = ["id", "change", "email_changed", "status_changed", "consent_changed"]
    moved = read("resolve/res__profile_changes").sort_values(["change", "old_profile_id"])
    return both.sort_values(["change", "id"])[columns], moved[["change", "old_profile_id", "new_profile_ids"]]


QUESTIONS = [q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15, q16, q17, q18, q19, q20]

if __name__ == "__main__":
    for number in map(int, sys.argv[2:] or range(1, 21)):
        answer = QUESTIONS[number - 1]()
        for table in answer if isinstance(answer, tuple) else [answer]:
            print(f"\n{number}.", table, sep="\n")
