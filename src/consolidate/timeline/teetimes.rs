//! Bookings.

use serde::Serialize;

use crate::consolidate::timeline::{Event, EventTimeline, RowsWriter, Scratch, Signal, TimelineRows, set};
use crate::consolidate::{Departure, PeopleOfRows};
use crate::model::{ActivityCategory, BookingOutcome, BookingTypes, Code as _, Outcome, RecordIx, SkipReason, Source};
use crate::tables::{Columns as _, stage::bookings};

const ENTITY: &str = "bookings";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BookingMetadata<'a> {
    course_id: Option<&'a str>,
    course_name: Option<&'a str>,
    players: Option<i32>,
    backfill: BookingStatus<'a>,
}

/// What the strategy's metadata has no key for.
#[derive(Serialize)]
struct BookingStatus<'a> {
    status: &'a str,
}

impl<P: PeopleOfRows> EventTimeline<'_, P> {
    /// A batch of bookings (phase 5).
    pub fn bookings(&self, columns: &bookings::Columns) -> TimelineRows {
        let mut page = RowsWriter::new(self.people, columns.len());
        let mut scratch = Scratch::default();
        for (row, booking) in columns.rows().enumerate() {
            let player = self.people.record_of(row, Source::Teetime, booking.source_id);
            // Any booking makes a customer, also one before the look-back.
            if self.options.has_timeline() {
                page.signals.extend(player.map(Signal::Booked));
            }
            match self.place(&booking, player) {
                Err(reason) => page.outcome(Source::Teetime, ENTITY, booking.row_id, Outcome::Skipped, Some(reason)),
                Ok(event) => {
                    let club = booking.club_name.filter(|name| !name.is_empty());
                    match club {
                        Some(club) => set(&mut scratch.title, &["Tee time at ", club]),
                        None => set(&mut scratch.title, &["Tee time"]),
                    }
                    let metadata = scratch.json.write(&BookingMetadata {
                        course_id: booking.course_id,
                        course_name: booking.course_name,
                        players: booking.player_count,
                        backfill: BookingStatus { status: booking.status_raw },
                    });
                    page.activity(&Event { title: &scratch.title, metadata: Some(metadata), ..event });
                    page.outcome(Source::Teetime, ENTITY, booking.row_id, Outcome::Loaded, None);
                    let is_plain = matches!(booking.outcome, BookingOutcome::Booked | BookingOutcome::Completed);
                    page.departures.note_if(Departure::BookingType, !is_plain);
                }
            }
        }
        page.finish()
    }

    fn place<'b>(&self, booking: &bookings::Row<'b>, player: Option<RecordIx>) -> Result<Event<'b>, SkipReason> {
        if !self.options.has_timeline() {
            return Err(SkipReason::LaterPhase);
        }
        let (Some(created_at), Some(occurred_at)) = (booking.created_at, booking.start_at) else {
            return Err(SkipReason::NoDate);
        };
        if created_at < self.options.lookback_from {
            return Err(SkipReason::OutOfWindow);
        }
        let profile = player.and_then(|player| self.people.profile_of(player)).ok_or(SkipReason::Unresolved)?;
        let outcome = match (self.options.booking_types, booking.outcome) {
            (BookingTypes::Detailed, outcome) => outcome,
            (BookingTypes::Strategy, BookingOutcome::Completed) => BookingOutcome::Completed,
            (BookingTypes::Strategy, _) => BookingOutcome::Booked,
        };
        Ok(Event {
            profile,
            activity_type: outcome.code(),
            category: ActivityCategory::Booking,
            channel: None,
            title: "",
            source: Source::Teetime,
            source_id: booking.row_id,
            club_id: booking.club_id,
            club_name: booking.club_name,
            occurred_at,
            metadata: None,
        })
    }
}
