//! Joining and leaving clubs, and memberships of sports.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::Directory;
use crate::consolidate::timeline::{Event, RowsWriter, Scratch, Timeline, TimelineRows, set};
use crate::model::{ActivityCategory, Outcome, ProfileIx, RecordIx, SkipReason, Source, Timestamp};
use crate::tables::{
    Columns as _,
    stage::{club_memberships, sport_memberships},
};

impl Timeline<'_> {
    /// A batch of club memberships (phase 5).
    pub fn club_memberships(&self, source: Source, columns: &club_memberships::Columns) -> TimelineRows {
        let mut page = RowsWriter::new(self.directory, columns.len());
        let mut scratch = Scratch::default();
        let label_key = if source == Source::McaUk { "membershipType" } else { "status" };
        for membership in columns.rows() {
            let outcome = self.placed(source, membership.source_id).and_then(|profile| {
                set(&mut scratch.source_id, &[membership.entity, ":", membership.row_id]);
                let metadata = scratch.json.begin().text(label_key, membership.label).end();
                let club = membership.club_name.filter(|name| !name.is_empty());
                // A member who leaves after as_of is still a member.
                let left_at = membership.left_at.filter(|&left_at| left_at <= self.options.as_of);
                let turns = [("CLUB_JOINED", "Joined ", membership.joined_at), ("CLUB_LEFT", "Left ", left_at)];
                let mut is_placed = false;
                for (activity_type, verb, at) in turns {
                    let Some(occurred_at) = at else { continue };
                    is_placed = true;
                    set(&mut scratch.title, &[verb, club.unwrap_or("club")]);
                    page.activity(&Event {
                        profile,
                        activity_type,
                        category: ActivityCategory::Membership,
                        channel: None,
                        title: &scratch.title,
                        source,
                        source_id: &scratch.source_id,
                        club_id: Some(membership.club_id),
                        club_name: membership.club_name,
                        occurred_at,
                        metadata: Some(metadata),
                    });
                }
                if is_placed { Ok(()) } else { Err(SkipReason::NoDate) }
            });
            page.settle(source, membership.entity, membership.row_id, outcome);
        }
        page.finish()
    }

    /// A batch of memberships of sports (phase 5).
    pub fn sport_memberships(&self, source: Source, columns: &sport_memberships::Columns) -> TimelineRows {
        const ENTITY: &str = "sport_memberships";
        let mut page = RowsWriter::new(self.directory, columns.len());
        let mut scratch = Scratch::default();
        for membership in columns.rows() {
            let outcome = self.placed(source, membership.source_id).and_then(|profile| {
                set(&mut scratch.source_id, &[ENTITY, ":", membership.row_id]);
                let metadata =
                    scratch.json.begin().text("sportId", Some(membership.sport_id)).text("status", Some(membership.status)).end();
                let sport = membership.sport_name.filter(|name| !name.is_empty()).unwrap_or("Sport");
                let changed_at = membership.updated_at.filter(|_| membership.updated_at > membership.created_at);
                let turns = [
                    ("SPORT_MEMBERSHIP_STARTED", "started", membership.created_at),
                    ("SPORT_MEMBERSHIP_CHANGED", membership.status, changed_at),
                ];
                let mut is_placed = false;
                for (activity_type, state, at) in turns {
                    let Some(occurred_at) = at else { continue };
                    is_placed = true;
                    set(&mut scratch.title, &[sport, " membership ", state]);
                    page.activity(&Event {
                        profile,
                        activity_type,
                        category: ActivityCategory::Membership,
                        channel: None,
                        title: &scratch.title,
                        source,
                        source_id: &scratch.source_id,
                        club_id: None,
                        club_name: None,
                        occurred_at,
                        metadata: Some(metadata),
                    });
                }
                if is_placed { Ok(()) } else { Err(SkipReason::NoDate) }
            });
            page.settle(source, ENTITY, membership.row_id, outcome);
        }
        page.finish()
    }

    /// The profile of a timeline row, if the phase has a timeline.
    pub(in crate::consolidate) fn placed(&self, source: Source, person: &str) -> Result<ProfileIx, SkipReason> {
        if !self.options.has_timeline() {
            return Err(SkipReason::LaterPhase);
        }
        self.directory.profile_of_id(source, person).ok_or(SkipReason::Unresolved)
    }
}

/// Records the earliest joining of a club by each SCL member.
pub fn note_joined(
    directory: &Directory,
    columns: &club_memberships::Columns,
    joined: &mut HashMap<RecordIx, Timestamp, FixedState>,
) {
    for membership in columns.rows() {
        if let (Some(at), Some(record)) = (membership.joined_at, directory.record(Source::Scl, membership.source_id)) {
            let earliest = joined.entry(record).or_insert(at);
            *earliest = at.min(*earliest);
        }
    }
}

impl RowsWriter<'_> {
    pub(in crate::consolidate) fn settle(&mut self, source: Source, entity: &str, row_id: &str, outcome: Result<(), SkipReason>) {
        match outcome {
            Ok(()) => self.outcome(source, entity, row_id, Outcome::Loaded, None),
            Err(reason) => self.outcome(source, entity, row_id, Outcome::Skipped, Some(reason)),
        }
    }
}
