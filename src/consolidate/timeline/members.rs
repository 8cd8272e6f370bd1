//! Person records: their ledger, and the activity of SCL members from phase 2 on.

use crate::consolidate::timeline::{Event, RowsWriter, Timeline, TimelineRows};
use crate::model::{ActivityCategory, LinkRule, Outcome, RecordIx, SkipReason, Source};
use crate::tables::stage::people;

use std::ops::Range;

impl Timeline<'_> {
    /// Some person records of a source: rows of a batch, the first row of which has this number.
    pub fn people(&self, source: Source, first: RecordIx, columns: &people::Columns, rows: Range<usize>) -> TimelineRows {
        let mut page = RowsWriter::new(self.directory, rows.len());
        for row in rows {
            let record = RecordIx::at(first.index() + row);
            let source_id = columns.source_id(row);
            let Some(profile) = self.directory.profile_of(record) else {
                let reason = match self.directory.is_left_out(record) {
                    true => SkipReason::OtherTenant,
                    false => columns.skip_reason(row).unwrap_or(SkipReason::NoKey),
                };
                page.outcome(source, source.people(), source_id, Outcome::Skipped, Some(reason));
                continue;
            };
            let mut is_loaded = self.directory.rule(record) == LinkRule::Founder;
            if source == Source::Scl
                && let Some(occurred_at) = columns.created_at(row)
            {
                is_loaded = true;
                page.activity(&Event {
                    profile,
                    activity_type: "MEMBER_CREATED",
                    category: ActivityCategory::Membership,
                    channel: None,
                    title: "Membership imported from SCL",
                    source,
                    source_id,
                    club_id: None,
                    club_name: None,
                    occurred_at,
                    metadata: None,
                });
            }
            let outcome = if is_loaded { Outcome::Loaded } else { Outcome::Merged };
            page.outcome(source, source.people(), source_id, outcome, None);
        }
        page.finish()
    }
}
