create temporary table consent_addresses as
with written as (
    select source, source_id, 'EMAIL' as kind, email as value, email_key as form, true as is_first
    from evidence__people
    where email is not null
    union
    select source, source_id, 'PHONE', phone, null, true
    from evidence__people
    where phone is not null
    union
    select source, source_id, kind, value, null, false
    from evidence__identifiers
    where kind in ('EMAIL', 'PHONE')
)
select
    written.source,
    written.source_id,
    people.profile_id,
    channels.channel,
    written.value,
    written.is_first,
    -- The key holds the normalized mailbox. Without a key it is computed here.
    coalesce(written.form, case
        when written.kind = 'PHONE' or strpos(written.value, '@') = 0 then written.value
        when parts.domain in ('gmail.com', 'googlemail.com') then replace(parts.untagged, '.', '') || '@gmail.com'
        else parts.untagged || '@' || parts.domain
    end) as address
from written
join evidence__people as people using (source, source_id)
-- The part behind the last @, without a regular expression, because this runs for every email.
cross join lateral (select reverse(split_part(reverse(written.value), '@', 1)) as domain) as ends
cross join lateral (select left(written.value, -1 - length(ends.domain)) as whole) as locals
cross join lateral (
    select ends.domain, coalesce(nullif(split_part(locals.whole, '+', 1), ''), locals.whole) as untagged
) as parts
join (values ('EMAIL', 'EMAIL'), ('PHONE', 'SMS'), ('PHONE', 'WHATSAPP')) as channels (kind, channel) on channels.kind = written.kind;
