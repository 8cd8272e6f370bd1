//! What happens in the five sources in a month: people come, go, move, book, withdraw and agree.

use crm_backfill::model::Source;

use crate::living::Dice;
use crate::support::world::Owned;

/// One change in one source. `DAY` is a day of the month, `PICK` a number that chooses a row.
const CHANGES: [(Source, &str); 12] = [
    (
        Source::Scl,
        r#"update "Member" set "email" = 'moved-PICK@mail.test', "updatedAt" = 'DAY' where "id" = (select "id" from "Member" order by md5("id"::text || 'PICK') limit 1)"#,
    ),
    (
        Source::Scl,
        r#"insert into "Member" ("id", "tenantId", "email", "firstName", "lastName", "status", "createdAt", "updatedAt")
           select 900000 + PICK, 1, 'new-PICK@mail.test', 'Nova', 'NumberPICK', 'ACTIVE', 'DAY', 'DAY' on conflict do nothing"#,
    ),
    (
        Source::Scl,
        r#"with gone as (select "id" from "Member" order by md5("id"::text || 'PICK') limit 1),
             clubs as (delete from "MemberClub" using gone where "memberId" = gone."id"),
             sports as (delete from "SportMembership" using gone where "memberId" = gone."id")
           select 1"#,
    ),
    (
        Source::Teetime,
        r#"insert into "TeeTime" ("id", "playerId", "courseId", "status", "startTime", "playerCount", "createdAt")
           select 'living-PICK', p."id", null, 'COMPLETED', 'DAY', 2, 'DAY' from "Player" p order by md5(p."id" || 'PICK') limit 1
           on conflict do nothing"#,
    ),
    (
        Source::Teetime,
        r#"update "Player" set "email" = (select "email" from "Player" where "email" is not null order by md5("id" || 'PICK') desc limit 1), "updatedAt" = 'DAY'
           where "id" = (select "id" from "Player" order by md5("id" || 'PICK') limit 1)"#,
    ),
    (
        Source::Teetime,
        r#"update "Player" set "handicap" = 11.1, "handicapUpdatedAt" = 'DAY', "updatedAt" = 'DAY' where "id" = (select "id" from "Player" order by md5("id" || 'PICK') limit 1)"#,
    ),
    (
        Source::Messaging,
        r#"insert into "ConsentChangeLog" ("id", "contactId", "channel", "source", "consentAfter", "createdAt")
           select 'living-out-PICK', c."id", 'EMAIL', 'UNSUBSCRIBE_LINK', false, 'DAY' from "Contact" c order by md5(c."id" || 'PICK') limit 1 on conflict do nothing"#,
    ),
    (
        Source::Messaging,
        r#"insert into "ConsentChangeLog" ("id", "contactId", "channel", "source", "consentAfter", "createdAt")
           select 'living-in-PICK', c."id", 'EMAIL', 'WEB_FORM', true, 'DAY' from "Contact" c order by md5(c."id" || 'PICK') limit 1 on conflict do nothing"#,
    ),
    (
        Source::Messaging,
        r#"insert into "Contact" ("id", "tenantId", "email", "emailOptIn", "createdAt", "updatedAt")
           select 'living-PICK', c."tenantId", c."email", true, 'DAY', 'DAY' from "Contact" c where c."email" is not null order by md5(c."id" || 'PICK') limit 1
           on conflict do nothing"#,
    ),
    (
        Source::Messaging,
        r#"update "Contact" set "deletedAt" = 'DAY', "updatedAt" = 'DAY' where "id" = (select "id" from "Contact" order by md5("id" || 'PICK') limit 1)"#,
    ),
    (
        Source::McaZa,
        "update members set last_name = 'Moved', updated_at = 'DAY' where id = (select id from members order by md5(id::text || 'PICK') limit 1)",
    ),
    (
        Source::McaUk,
        "update members set email = 'moved-uk-PICK@mail.test', updated_at = 'DAY' where id = (select id from members order by md5(id::text || 'PICK') limit 1)",
    ),
];

/// Makes one change.
pub fn change(world: &Owned, dice: &mut Dice, month: usize) {
    let (source, statement) = CHANGES[dice.below(CHANGES.len())];
    let day = format!("2026-11-{:02}T05:00:00Z", (month * 4).clamp(1, 27));
    let sql = statement.replace("PICK", &dice.below(9_999).to_string()).replace("DAY", &day);
    world.source(source).execute(&sql);
}
