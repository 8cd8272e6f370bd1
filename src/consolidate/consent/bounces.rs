//! Contact points whose last message was a hard bounce.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::consolidate::Options;
use crate::consolidate::consent::contact_points::{Address, email_form};
use crate::consolidate::consent::earlier::contact_tenant;
use crate::consolidate::profile::record_index::Roster;
use crate::consolidate::timeline::Signals;
use crate::model::{Source, Timestamp};

/// Times of the latest hard bounce and of the latest delivered message.
type Latest = (Option<Timestamp>, Option<Timestamp>);

/// Hard bounces by contact point, because all contacts with one mailbox share its bounces.
#[derive(Default)]
pub struct Bounces {
    latest: HashMap<(Address, String, String), Latest, FixedState>,
}

impl Bounces {
    /// Gathers them over all contacts, deleted ones included.
    pub fn new(roster: &Roster, signals: &Signals, options: &Options) -> Self {
        let mut latest: HashMap<_, Latest, _> = HashMap::with_hasher(FixedState::with_seed(0));
        for contact in roster.records_of(Source::Messaging) {
            let (columns, row) = roster.at(contact);
            for (kind, value) in [(Address::Email, columns.email(row)), (Address::Phone, columns.phone(row))] {
                let Some(value) = value else { continue };
                let (bounced_at, reached_at) = signals.delivery(contact, kind);
                if bounced_at.is_some() || reached_at.is_some() {
                    let known = latest.entry(place(kind, contact_tenant(roster, contact, options), value)).or_default();
                    *known = (known.0.max(bounced_at), known.1.max(reached_at));
                }
            }
        }
        latest.retain(|_, (bounced_at, reached_at)| bounced_at.is_some() && *bounced_at >= *reached_at);
        Self { latest }
    }

    /// Whether the last message to a contact point of a tenant was a hard bounce.
    pub fn has(&self, kind: Address, tenant: &str, value: &str) -> bool {
        !self.latest.is_empty() && self.latest.contains_key(&place(kind, tenant, value))
    }
}

fn place(kind: Address, tenant: &str, value: &str) -> (Address, String, String) {
    let form = if kind == Address::Email { email_form(value).into_owned() } else { value.to_owned() };
    (kind, tenant.to_owned(), form)
}
