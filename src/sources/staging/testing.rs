//! Test helpers of staging, and properties that hold for every source.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;

use crate::model::{Reason, Reference, Reviews, Source, Timestamp};
use crate::sources::staging::{Entity, FirstPass, IdVerdict, Rules, StagedBatch, StagingOptions, Uniqueness, stage_batch};
use crate::tables::{Builder as _, Columns as _, Table};

/// The instant of all tests.
pub fn as_of() -> Timestamp {
    at("2026-11-22T08:00:00Z")
}

/// An instant.
pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The committed settings and maps.
pub fn options() -> StagingOptions {
    let region = |region: &str, zone: &str| (region.to_owned(), zone.to_owned());
    StagingOptions {
        as_of: as_of(),
        mca_za: "1".to_owned(),
        mca_uk: "2".to_owned(),
        tenantless: None,
        map: BTreeMap::from([("teetime".to_owned(), BTreeMap::from([("17".to_owned(), "1".to_owned())]))]),
        regions: BTreeMap::from([
            ("1".to_owned(), region("ZA", "Africa/Johannesburg")),
            ("2".to_owned(), region("GB", "Europe/London")),
        ]),
        keyless: true,
        date_orders: BTreeMap::new(),
        act_sources: vec!["WEB_FORM".to_owned(), "DOUBLE_OPT_IN".to_owned()],
        reference: Reference::committed(),
        reviews: Reviews::default(),
    }
}

fn batch<T: Entity>(rows: &[T::Row<'_>]) -> RecordBatch {
    let mut builder = T::builder(rows.len());
    rows.iter().for_each(|row| T::push(&mut builder, *row));
    builder.finish()
}

/// Rows as an export holds them.
pub fn exported<T: Entity>(rows: &[T::Row<'_>]) -> T::Columns {
    T::columns(&batch::<T>(rows)).unwrap()
}

/// Stages rows as the step does, after a first pass over other entities.
pub fn stage_after<T: Entity>(rows: &[T::Row<'_>], options: StagingOptions, mut first_pass: FirstPass) -> StagedBatch {
    let rules = Rules::new(options).unwrap();
    let columns = exported::<T>(rows);
    first_pass.see_dates::<T>(&batch::<T>(rows));
    first_pass.settle_dates(T::SOURCE, &rules).unwrap();
    T::first_pass(&columns, &rules, &mut first_pass);
    let mut ids = Uniqueness::default();
    ids.remember([]);
    let mut buffer = String::new();
    let duplicates: Vec<usize> = (0..columns.len())
        .filter(|index| {
            buffer.clear();
            ids.check(T::id(&T::row(&columns, *index), &mut buffer)) == IdVerdict::Duplicate
        })
        .collect();
    stage_batch::<T>(&columns, &|row| row as i64 + 1, &duplicates, &rules, &first_pass)
}

/// Stages rows with the committed settings.
pub fn stage<T: Entity>(rows: &[T::Row<'_>]) -> StagedBatch {
    stage_after::<T>(rows, options(), FirstPass::default())
}

/// The rows of a staged dataset.
pub fn columns<T: Table>(batch: &Option<arrow::array::RecordBatch>) -> T::Columns {
    T::columns(batch.as_ref().expect("rows were staged")).unwrap()
}

/// How often a reason was counted, over all columns and codes.
pub fn count(result: &StagedBatch, reason: Reason) -> i64 {
    result.counts.iter().filter(|((_, counted, _), _)| *counted == reason).map(|(_, count)| count).sum()
}

/// Every listed reject as `id column reason`.
pub fn rejects(result: &StagedBatch) -> Vec<String> {
    let columns = crate::tables::check::rejects::Table::columns(&result.rejects).unwrap();
    columns.rows().map(|row| format!("{} {} {}", row.source_id, row.column.unwrap_or("-"), row.reason)).collect()
}

mod laws {
    use super::*;
    use crate::sources::exports;
    use crate::sources::messaging::{contacts, preferences};
    use crate::sources::staging::{Visitor, each_entity};
    use crate::tables::stage::{consents, people};
    use proptest::prelude::*;

    fn contact<'a>(id: &'a str, email: &'a str) -> contacts::Row<'a> {
        contacts::Row {
            id,
            tenant_id: Some("1"),
            email: Some(email),
            phone_number: None,
            auth_user_id: None,
            email_opt_in: Some("true"),
            sms_opt_in: Some("false"),
            created_at: Some("2024-01-01T00:00:00Z"),
            updated_at: Some("2024-01-02T00:00:00Z"),
            deleted_at: None,
        }
    }

    #[test]
    fn duplicate_ids_and_missing_ids_are_left_out_and_listed() {
        let rows =
            [contact("a", "a@mail.test"), contact("a", "b@mail.test"), contact(" ", "c@mail.test"), contact("b", "d@mail.test")];
        let result = stage::<contacts::Table>(&rows);
        assert_eq!(result.rejected_rows, 2);
        assert_eq!(rejects(&result), ["a#2 - DUP_SOURCE_ID", "#3 - MISSING_ID"]);
        let people = columns::<people::Table>(&result.people);
        assert_eq!(people.rows().map(|row| row.email.unwrap().to_owned()).collect::<Vec<_>>(), ["a@mail.test", "d@mail.test"]);
    }

    #[test]
    fn every_exported_entity_is_staged() {
        for source in [Source::McaZa, Source::McaUk, Source::Scl, Source::Teetime, Source::Messaging] {
            let exported: Vec<_> = exports(source).iter().map(|export| export.entity).collect();
            let mut staged = Names(Vec::new());
            each_entity(source, &mut staged).unwrap();
            assert_eq!(staged.0, exported);
        }
    }

    struct Names(Vec<&'static str>);

    impl Visitor for Names {
        type Error = std::convert::Infallible;

        fn visit<T: Entity>(&mut self) -> Result<(), Self::Error> {
            self.0.push(T::ENTITY);
            Ok(())
        }
    }

    fn preference() -> impl Strategy<Value = (Option<&'static str>, Option<&'static str>)> {
        let channel = prop::option::of(prop::sample::select(vec!["EMAIL", "sms", "all", "Voice", "pigeon", "", "*"]));
        (channel, prop::option::of(prop::sample::select(vec!["true", "f", "nee", "perhaps", " "])))
    }

    proptest! {
        #[test]
        fn every_row_is_staged_or_left_out_and_every_opt_out_is_kept(cells in prop::collection::vec(preference(), 1..40)) {
            let ids: Vec<String> = (0..cells.len()).map(|id| id.to_string()).collect();
            let rows: Vec<_> = cells.iter().zip(&ids).map(|((channel, opted_in), id)| preferences::Row {
                id,
                contact_id: "c",
                channel: *channel,
                scope: None,
                opted_in: *opted_in,
                created_at: None,
                updated_at: None,
            }).collect();
            let result = stage::<preferences::Table>(&rows);
            let staged: std::collections::BTreeSet<String> = result.consents.iter().flat_map(|batch| {
                let columns = consents::Table::columns(batch).unwrap();
                columns.rows().map(|row| row.row_id.to_owned()).collect::<Vec<_>>()
            }).collect();
            prop_assert_eq!(staged.len() as i64 + result.rejected_rows, rows.len() as i64);
            for row in &rows {
                prop_assert!(row.opted_in == Some("true") || staged.contains(row.id), "what is not an opt-in is an opt-out");
            }
        }

        #[test]
        fn a_batch_cut_in_two_gives_the_same_rows(cut in 0_usize..8) {
            let emails = ["A@mail.test", "x", "b@mail.test; c@mail.test", "info@mail.test", "", "d@gmail.com", "e@mail.test", "f"];
            let ids: Vec<String> = (0..emails.len()).map(|id| id.to_string()).collect();
            let rows: Vec<_> = emails.iter().zip(&ids).map(|(email, id)| contact(id, email)).collect();
            let texts = |result: &StagedBatch| result.people.iter().flat_map(|batch| {
                let columns = people::Table::columns(batch).unwrap();
                columns.rows().map(|row| format!("{row:?}")).collect::<Vec<_>>()
            }).collect::<Vec<_>>();
            let whole = stage::<contacts::Table>(&rows);
            let parts = [stage::<contacts::Table>(&rows[..cut]), stage::<contacts::Table>(&rows[cut..])];
            prop_assert_eq!(texts(&whole), parts.iter().flat_map(texts).collect::<Vec<_>>());
        }
    }
}
