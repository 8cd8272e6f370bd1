//! Joining and leaving clubs, and memberships of sports.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::Serialize;

use crate::consolidate::Directory;
use crate::consolidate::timeline::{Event, RowsWriter, Scratch, Timeline, TimelineRows, set};
use crate::model::{ActivityCategory, Outcome, ProfileIx, RecordIx, SkipReason, Source, Timestamp};
use crate::tables::{
    Columns as _,
    stage::{club_memberships, sport_memberships},
};

/// The label of a club membership, under the name that its source has for it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ClubMetadata<'a> {
    MembershipType(Option<&'a str>),
    Status(Option<&'a str>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SportMetadata<'a> {
    sport_id: &'a str,
    status: &'a str,
}

/// The activities of one membership.
struct MembershipEvents<'a> {
    profile: ProfileIx,
    source: Source,
    source_id: &'a str,
    club_id: Option<&'a str>,
    club_name: Option<&'a str>,
    metadata: &'a str,
}

/// A type of activity, the words of its title, and when it happened, if that is known.
type Turn<'a> = (&'static str, [&'a str; 3], Option<Timestamp>);

impl MembershipEvents<'_> {
    /// Writes an activity for each turn with a date.
    fn write(&self, page: &mut RowsWriter<'_>, title: &mut String, turns: [Turn<'_>; 2]) -> Result<(), SkipReason> {
        let mut outcome = Err(SkipReason::NoDate);
        for (activity_type, words, at) in turns {
            let Some(occurred_at) = at else { continue };
            outcome = Ok(());
            set(title, &words);
            page.activity(&Event {
                profile: self.profile,
                activity_type,
                category: ActivityCategory::Membership,
                channel: None,
                title,
                source: self.source,
                source_id: self.source_id,
                club_id: self.club_id,
                club_name: self.club_name,
                occurred_at,
                metadata: Some(self.metadata),
            });
        }
        outcome
    }
}

impl Timeline<'_> {
    /// A batch of club memberships (phase 5).
    pub fn club_memberships(&self, source: Source, columns: &club_memberships::Columns) -> TimelineRows {
        let mut page = RowsWriter::new(self.directory, columns.len());
        let mut scratch = Scratch::default();
        let label = if source == Source::McaUk { ClubMetadata::MembershipType } else { ClubMetadata::Status };
        for membership in columns.rows() {
            let outcome = self.placed(source, membership.source_id).and_then(|profile| {
                set(&mut scratch.source_id, &[membership.entity, ":", membership.row_id]);
                let metadata = scratch.json.write(&label(membership.label));
                let club = membership.club_name.filter(|name| !name.is_empty());
                // A member who leaves after as_of is still a member.
                let left_at = membership.left_at.filter(|&left_at| left_at <= self.options.as_of);
                let turns = [
                    ("CLUB_JOINED", ["Joined ", club.unwrap_or("club"), ""], membership.joined_at),
                    ("CLUB_LEFT", ["Left ", club.unwrap_or("club"), ""], left_at),
                ];
                let of_member = MembershipEvents {
                    profile,
                    source,
                    source_id: &scratch.source_id,
                    club_id: Some(membership.club_id),
                    club_name: membership.club_name,
                    metadata,
                };
                of_member.write(&mut page, &mut scratch.title, turns)
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
                let metadata = scratch.json.write(&SportMetadata { sport_id: membership.sport_id, status: membership.status });
                let sport = membership.sport_name.filter(|name| !name.is_empty()).unwrap_or("Sport");
                let changed_at = membership.updated_at.filter(|_| membership.updated_at > membership.created_at);
                let words = |state| [sport, " membership ", state];
                let turns = [
                    ("SPORT_MEMBERSHIP_STARTED", words("started"), membership.created_at),
                    ("SPORT_MEMBERSHIP_CHANGED", words(membership.status), changed_at),
                ];
                let source_id = &scratch.source_id;
                let of_member = MembershipEvents { profile, source, source_id, club_id: None, club_name: None, metadata };
                of_member.write(&mut page, &mut scratch.title, turns)
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
