//! Contact points whose last message was a hard bounce.

use rayon::prelude::*;

use crate::consolidate::Options;
use crate::consolidate::consent::contact_points::{Address, email_form};
use crate::consolidate::consent::earlier::contact_tenant;
use crate::consolidate::mark::{Mark, mark};
use crate::consolidate::profile::record_index::RecordIndex;
use crate::consolidate::timeline::Signals;
use crate::model::{Source, Timestamp};

/// Times of the latest hard bounce and of the latest delivered message.
type LatestDelivery = (Option<Timestamp>, Option<Timestamp>);

/// Hard bounces by contact point, because all contacts with one mailbox share its bounces.
#[derive(Default)]
pub struct Bounces {
    /// During collection those of every contact; afterwards the bounced contact points, in order.
    news: Vec<(Mark, LatestDelivery)>,
}

impl Bounces {
    /// Collects those of the contacts of the partition, including deleted ones.
    pub fn of(record_index: &RecordIndex, signals: &Signals, options: &Options) -> Self {
        let mut news = Vec::new();
        for contact in record_index.records_of(Source::Messaging) {
            let (columns, row) = record_index.at(contact);
            for (kind, value) in [(Address::Email, columns.email(row)), (Address::Phone, columns.phone(row))] {
                let Some(value) = value else { continue };
                let (bounced_at, reached_at) = signals.delivery(contact, kind);
                if bounced_at.is_some() || reached_at.is_some() {
                    news.push((place(kind, contact_tenant(record_index, contact, options), value), (bounced_at, reached_at)));
                }
            }
        }
        Self { news }
    }

    /// Adds those of another partition.
    pub fn merge(&mut self, other: Self) {
        self.news.extend(other.news);
    }

    /// Keeps the contact points whose last message bounced.
    pub fn settle(&mut self) {
        self.news.par_sort_unstable_by_key(|(place, _)| *place);
        self.news.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                kept.1 = (kept.1.0.max(later.1.0), kept.1.1.max(later.1.1));
            }
            is_same
        });
        self.news.retain(|(_, (bounced_at, reached_at))| bounced_at.is_some() && *bounced_at >= *reached_at);
        self.news.shrink_to_fit();
    }

    /// Whether the last message to a contact point of a tenant was a hard bounce.
    pub fn has(&self, kind: Address, tenant: &str, value: &str) -> bool {
        !self.news.is_empty() && self.news.binary_search_by_key(&place(kind, tenant, value), |(known, _)| *known).is_ok()
    }
}

fn place(kind: Address, tenant: &str, value: &str) -> Mark {
    match kind {
        Address::Email => mark((kind, tenant, &*email_form(value))),
        Address::Phone => mark((kind, tenant, value)),
    }
}
